"""Files at hand of what is kept elsewhere: a folder with a bound, for programs that must have a path (ffmpeg, readers of ZIP).

What is in use is held by a lock and stays; of the rest the copy that was made first goes when room is needed. Nothing here knows who
used what, and when.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

NEW = "new-"
Fill = Callable[[IO[bytes]], None]


@contextmanager
def held(folder: Path, name: str, *, size: int, most: int, fill: Fill) -> Iterator[Path]:
    """The copy of that name, made by `fill` when it is not there, and not removed while this goes on. Sizes in bytes.

    What `fill` raises is raised, and nothing is kept then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    while True:
        try:
            file = open(path, "rb")  # noqa: SIM115  (closed below, after a lock was taken)
        except FileNotFoundError:
            _make(path, size, most, fill)
            continue
        with file:
            fcntl.flock(file, fcntl.LOCK_SH)
            if _is_still(path, file):
                yield path
                return


def forget(folder: Path, name: str) -> None:
    """Nobody needs it any more; who has it open goes on reading."""
    (folder / name).unlink(missing_ok=True)


def _make(path: Path, size: int, most: int, fill: Fill) -> None:
    _make_room(path.parent, most - size)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=NEW, delete=False) as scratch:
        try:
            fcntl.flock(scratch, fcntl.LOCK_SH)  # being made is being used
            if not _is_still(Path(scratch.name), scratch):
                return  # taken for a dead one's before the lock was ours: once more
            fill(scratch)
            scratch.flush()
            os.fsync(scratch.fileno())  # a name that survives a power cut without its bytes would be believed
            with suppress(FileExistsError):  # another made it meanwhile
                os.link(scratch.name, path)
        finally:
            Path(scratch.name).unlink(missing_ok=True)


def _make_room(folder: Path, most: int) -> None:
    """Remove what nobody holds, the oldest first, until the rest is at most `most` bytes; also what a death left half made."""
    found = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            found.append((path.stat().st_mtime_ns, path.stat().st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if (total > most or path.name.startswith(NEW)) and _removed(path):
            total -= size


def _removed(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_still(path, file):
                return False
            path.unlink()
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True


def _is_still(path: Path, file: IO[bytes]) -> bool:
    """Whether the name still means the file that was opened: it may have gone before the lock was ours."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
