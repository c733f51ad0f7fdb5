"""While a new release is tried nobody else writes: every command waits for the keeper, and the keeper for commands that began before.

The database may be put back only because nothing was recorded since it was written aside (docs/decisions/0089). So each command holds a
shared lock on the keeper's folder while it runs, and looks for a trial after it has the lock; who writes the database aside takes the
folder for itself once: who came before has ended by then, who comes later sees the trial.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from yuanjiao.lib.errors import Refused
from yuanjiao.wiring.edge.unit import software_folder

OTHERS_S = 30.0
"""How long the keeper's step waits for commands that still run."""
LOOK_S = 0.2


def belongs_to_the_trial(arguments: Sequence[str]) -> bool:
    """Whether the keeper itself asks for this, or it touches no database. `arguments` begin with the program's name."""
    asked = list(arguments[1:])
    if asked[:2] in (["software", "keep"], ["software", "put-back"]) or (asked[:1] == ["serve"] and "--trial" in asked):
        return True
    return not asked or asked[0] in {"help", "--help", "-h", "--version", "version"}


@contextmanager
def open_doors(arguments: Sequence[str]) -> Iterator[None]:
    """For as long as a command runs no trial begins; Refused while one goes on. A server keeps the lock when it becomes another program."""
    import yuanjiao_keeper as keeper  # constants alone, and only where a keeper may be

    folder = Path(settings.SOFTWARE) if settings.SOFTWARE else software_folder(Path(settings.HOME))
    if belongs_to_the_trial(arguments) or not folder.is_dir():
        yield
        return
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        if (folder / keeper.TRIAL).exists():
            raise Refused(f"正在换软件（{folder / keeper.TRIAL}），这时写进数据库的会丢失：请等它做完；服务停着的，先启动 yuanjiao 服务")
        os.set_inheritable(lock, True)
        yield
    finally:
        os.close(lock)


def wait_for_others(folder: Path) -> None:
    """Until no command runs that began before the trial. Refused when one goes on."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        until = time.monotonic() + OTHERS_S
        while not _taken(lock):
            if time.monotonic() > until:
                raise Refused("另有 yuanjiao 命令正在使用这个数据库：等它结束再换软件")
            time.sleep(LOOK_S)
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
