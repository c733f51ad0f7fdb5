"""Keeps a server running and changes its software: a new release is tried behind closed doors, and put back when it is not well.

The standard library only and no module of ours: this is the piece that must work when a release does not. It belongs to the installation
(`yuanjiao edge setup`), which no release changes. In its folder:

  current        → the release that serves: an environment with bin/python
  releases/      one environment for each release, whole or not there
  trial.json     a release is to be tried; the server writes it (wiring/edge/updating.py), the keeper alone takes it away
  before-<id>/   the database as the old release left it, written by the old release itself
  outcome.json   how a trial ended, for the server that comes up to tell

1. `current` is the moment. Until it names the new release nothing was recorded by it: no door is open, no job runs. So the database may be
   put back; afterwards it never is: what was recorded may have been told (docs/decisions/0089).
2. Any step may be the last before the power goes. What lies in the folder says what comes next; each step may be done twice.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO, Any

CURRENT, RELEASES, TRIAL, OUTCOME, BEFORE, LOCK = "current", "releases", "trial.json", "outcome.json", "before-", "keeper.lock"
SETTING = "YUANJIAO_SOFTWARE"
"""Tells the server its keeper's folder."""
MOST_TRIES = 2
PATIENCE_S = 900.0
"""How long one try may take until it is well: a large database is migrated in it."""
STOP_S = 45.0
LOOK_S = 0.5
FIRST_WAIT_S, LONGEST_WAIT_S, STEADY_S = 1.0, 30.0, 60.0
"""Between two starts of a server that ends by itself; one that ran for so long begins anew."""
WELL = ("/healthz", "/readyz", "/")
"""What a release must answer: the process, its database, a page."""
ELSEWHERE = ("PYTHONPATH", "PYTHONHOME")
"""A release runs by its own packages."""
LAST_WORDS = 300
TOLD_TO_END = 128 + signal.SIGTERM
"""With this status `--try` ends that was told to: it says nothing of the release."""
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class Keeper:
    """One folder, one server. `arguments` are those of `yuanjiao` that serve; `anchor` is the environment to begin with."""

    def __init__(self, folder: Path, arguments: Sequence[str], *, anchor: Path, patience_s: float = PATIENCE_S) -> None:
        self.folder, self.arguments, self.anchor, self.patience_s = folder, list(arguments), anchor, patience_s
        self.ending = False
        self.child: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Until told to end."""
        wait = FIRST_WAIT_S
        while not self.ending:
            begun = time.monotonic()
            trial = self.trial()
            went_on = self._step(trial) if trial is not None else self.serve()
            wait = FIRST_WAIT_S if went_on or time.monotonic() - begun > STEADY_S else min(wait * 2, LONGEST_WAIT_S)
            self._rest(0 if went_on else wait)
        return 0

    def end(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        self.ending = True
        if self.child is not None:
            self.child.terminate()

    def serve(self) -> bool:
        """Run the current release until it ends; whether that was because a trial waits."""
        child = self.child = start(self.release(), self.arguments, self._environment())
        while child.poll() is None and not self.ending and self.trial() is None:
            time.sleep(LOOK_S)
        stop(child)
        say(f"the server ended ({child.returncode})")
        return self.trial() is not None

    # -- a trial, one lasting step at a time -----------------------------------------------------------------------------------

    def _step(self, trial: dict[str, Any]) -> bool:
        try:
            return self.go_on(trial)
        except OSError as error:
            failed = error
            say(f"a step of the trial failed: {error}")
        try:
            return self._give_up(f"换软件时磁盘或系统出错：{failed.strerror or failed}")
        except OSError as error:  # a disk that cannot be written to at all: nothing is changed before it can
            say(f"the trial cannot be ended either, and is taken up again later: {error}")
            return False

    def _give_up(self, reason: str) -> bool:
        """A step could not be done, most likely for want of room: the trial ends here. What the new release may have touched is put back
        first, unless it is the current one; then the trial is unlinked, which needs no room, and the copy, which makes some."""
        trial = self.trial()
        if trial is None:
            return False
        ok = self.release() == (self.folder / RELEASES / trial["to"]).resolve()
        before = self.folder / f"{BEFORE}{trial['id']}"
        touched = not ok and not trial.get("back") and (trial["tries"] or before.is_dir())
        if touched and self._old("software", "put-back", str(before)).returncode:
            return False
        (self.folder / TRIAL).unlink()
        sync_folder(self.folder)
        with suppress(OSError):
            self._remove_copies()
            self._tell(trial, ok=ok, reason=reason)
        return True

    def go_on(self, trial: dict[str, Any]) -> bool:
        """The next step of this trial; false when it could not be done and must be tried again later."""
        new, before = self.folder / RELEASES / trial["to"], self.folder / f"{BEFORE}{trial['id']}"
        if trial.get("back"):
            return self._finish(trial, ok=False)
        if self.release() == new.resolve():
            return self._finish(trial, ok=True)
        if not (new / "bin/python").exists() or (trial["tries"] >= MOST_TRIES and before.is_dir()):
            return self._put_back(trial, before)
        if not trial["tries"] and not before.is_dir():
            return self._keep_database(trial, before)
        return self._try(trial, new)

    def _keep_database(self, trial: dict[str, Any], before: Path) -> bool:
        """Nobody writes now: the old server has ended, the new one was not started."""
        part = self.folder / "before.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        done = self._old("software", "keep", str(part))
        if done.returncode and self.ending:
            return True
        if done.returncode:
            shutil.rmtree(part, ignore_errors=True)  # on a full disk the next line needs its room
            return self._write(TRIAL, {**trial, "back": True, "reason": f"升级前不能保存数据库：{last_words(done.stderr)}"})
        part.replace(before)
        sync_folder(self.folder)
        return True

    def _try(self, trial: dict[str, Any], new: Path) -> bool:
        """On the real database, behind closed doors; well, and it is the current one."""
        tried = {**trial, "tries": trial["tries"] + 1}
        self._write(TRIAL, tried)
        reason = try_out(new, self._environment(), patience_s=self.patience_s, keeper=self)
        if self.ending:  # the power of the house, not the release: it does not count
            return self._write(TRIAL, trial)
        if reason:
            say(f"{trial['version']}: {reason}")
            return self._write(TRIAL, {**tried, "reason": reason})
        self.point_at(new)
        return True

    def _put_back(self, trial: dict[str, Any], before: Path) -> bool:
        if before.is_dir():
            done = self._old("software", "put-back", str(before))
            if done.returncode:
                say(f"the database could not be put back: {last_words(done.stderr)}")
                return False
        return self._write(TRIAL, {**trial, "back": True, "reason": trial.get("reason") or "新版本两次没有启动成功"})

    def _finish(self, trial: dict[str, Any], *, ok: bool) -> bool:
        """The copy of the database goes before the word of the trial: it must never be put back after the doors were open. And before
        anything is written: on a full disk that needs its room."""
        self._remove_copies()
        self._tell(trial, ok=ok, reason=trial.get("reason", ""))
        (self.folder / TRIAL).unlink()
        sync_folder(self.folder)
        say(f"{trial['version']} {'serves' if ok else 'was put back: ' + str(trial.get('reason', ''))}")
        return True

    def _remove_copies(self) -> None:
        for left in self.folder.glob("before*"):
            shutil.rmtree(left)
        sync_folder(self.folder)

    def _tell(self, trial: Mapping[str, Any], *, ok: bool, reason: str) -> None:
        told = {name: trial[name] for name in ("id", "release", "version", "previous")}
        self._write(OUTCOME, {**told, "ok": ok, "reason": "" if ok else reason})

    # -- the folder --------------------------------------------------------------------------------------------------------------

    def trial(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.folder / TRIAL).read_bytes())
        except FileNotFoundError:
            return None
        return found

    def release(self) -> Path:
        """The environment that serves; the installation itself before the first release."""
        link = self.folder / CURRENT
        return link.resolve() if (link / "bin/python").exists() else self.anchor.resolve()

    def point_at(self, release: Path) -> None:
        part = self.folder / f"{CURRENT}.part"
        part.unlink(missing_ok=True)
        part.symlink_to(os.path.relpath(release, self.folder) if release.is_relative_to(self.folder) else release)
        part.replace(self.folder / CURRENT)
        sync_folder(self.folder)

    def _write(self, name: str, content: Mapping[str, Any]) -> bool:
        write_whole(self.folder / name, json.dumps(content, ensure_ascii=False).encode())
        return True

    def _old(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        old = self.release()
        line = [python_of(old), "-m", "yuanjiao.wiring", *arguments]
        return subprocess.run(line, env=own_environment(old, self._environment()), capture_output=True, check=False)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, SETTING: str(self.folder)}

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.ending and time.monotonic() < until:
            time.sleep(min(LOOK_S, seconds))


# -- processes -----------------------------------------------------------------------------------------------------------------------


def try_out(release: Path, environment: Mapping[str, str], *, patience_s: float = PATIENCE_S, keeper: Keeper | None = None) -> str:
    """Start a release behind closed doors on a port of its own and end it again; why it is not well, or nothing."""
    port = free_port()
    line = ["serve", "--trial", "--host", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryFile() as said:
        child = start(release, line, {**environment, "YUANJIAO_HOSTS": "*"}, said=said)
        if keeper is not None:
            keeper.child = child
            if keeper.ending:  # told while it was being started: nobody else tells it
                child.terminate()
        try:
            reason = _watch(child, port, patience_s)
        finally:
            stop(child)
        said.seek(0)
        words = said.read()
    sys.stderr.write(words.decode(errors="replace"))
    return f"{reason}：{last_words(words)}" if reason and last_words(words) else reason


def _watch(child: subprocess.Popen[bytes], port: int, patience_s: float) -> str:
    until = time.monotonic() + patience_s
    while child.poll() is None:
        if all(answers(port, path) for path in WELL):
            return ""
        if time.monotonic() > until:
            return f"新版本 {patience_s / 60:.0f} 分钟内没有正常应答"
        time.sleep(0.1)
    return f"新版本启动后自行退出（{child.returncode}）"


def start(
    release: Path, arguments: Sequence[str], environment: Mapping[str, str], *, said: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """`yuanjiao …` of this release, which ends when we do. It holds our lock too: no other keeper begins before it is gone."""
    line = [python_of(release), "-m", "yuanjiao.wiring", *arguments]
    return subprocess.Popen(
        line,
        env=own_environment(release, environment),
        stdout=said,
        stderr=said,
        start_new_session=True,
        close_fds=False,
        preexec_fn=end_with_parent,
    )


def python_of(release: Path) -> str:
    return sys.executable if is_ours(release) else str(release / "bin/python")


def is_ours(release: Path) -> bool:
    """Whether it is the installation that this keeper belongs to."""
    return Path(sys.prefix).resolve() == release.resolve()


def own_environment(release: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Without what would lead a release to another's packages."""
    return {name: value for name, value in environment.items() if is_ours(release) or name not in ELSEWHERE}


def end_with_parent() -> None:
    """Be told to end when the parent ends, however that comes about; where the system knows no such thing, systemd sees to it."""
    with suppress(OSError, AttributeError):
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def stop(child: subprocess.Popen[bytes]) -> None:
    """Asked first; after that nothing of it is left."""
    with suppress(ProcessLookupError):
        child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(STOP_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def answers(port: int, path: str) -> bool:
    """Whether that door answers 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
            return line.makefile("rb").readline(100).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def write_whole(path: Path, content: bytes) -> None:
    """Under its name it is whole and on the disk, or what was there before."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def last_words(said: bytes) -> str:
    """The last line that says something: rather not one of the server's own, "[INFO] …"."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith("[")] or lines
    return telling[-1][-LAST_WORDS:] if telling else ""


def say(words: str) -> None:
    sys.stderr.write(f"yuanjiao_keeper: {words}\n")
    sys.stderr.flush()


def alone(folder: Path) -> int:
    """Wait until no other keeper of this folder, nor a server that one left behind, is there. The lock goes with the last of them."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m yuanjiao_keeper FOLDER serve …`; with `--try RELEASE`: is that one well, with the settings as they are?"""
    folder, *arguments = sys.argv[1:] if argv is None else argv
    if folder == "--try":
        return _try_once(Path(arguments[0]))
    lock = alone(Path(folder))
    os.set_inheritable(lock, True)
    keeper = Keeper(Path(folder).resolve(), arguments, anchor=Path(sys.prefix))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, keeper.end)
    return keeper.run()


def _try_once(release: Path) -> int:
    end_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TOLD_TO_END))
    reason = try_out(release, os.environ)
    sys.stdout.write(reason)
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main())
