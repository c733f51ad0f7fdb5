"""Processes that are started again whenever they end, as systemd starts a unit again, while somebody kills them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from yuanjiao.lib.errors import Unavailable
from yuanjiao.simulation.processes import NodeProcess

Place = Callable[[], AbstractContextManager[None]]
READY_S = 120.0


class Keeper:
    """Keeps one thing running until it is told to leave it. What does not come up although nobody touched it stands in `stuck`."""

    def __init__(self, name: str, place: Place) -> None:
        self.name, self.starts = name, 0
        self.stuck: list[str] = []
        self.place, self._leave = place, threading.Event()
        self._thread: threading.Thread | None = None

    def keep(self) -> None:
        """Start it now, and again whenever it ends."""
        self._leave.clear()
        self._thread = threading.Thread(target=self._run, name=f"keeper {self.name}", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Start it no more; it goes on running."""
        self._leave.set()
        if self._thread is not None:
            self._thread.join(READY_S + 30)

    def _run(self) -> None:
        with self.place():
            while True:
                if not self.lives():
                    self.starts += 1
                    self.start()
                if self._leave.wait(0.1):
                    return

    def lives(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def pids(self) -> list[int]:
        """The processes it consists of now, the one that watches first."""
        raise NotImplementedError


class KeptNode(Keeper):
    """A node with all its processes."""

    def __init__(self, node: NodeProcess, place: Place) -> None:
        super().__init__(node.home.name, place)
        self.node = node

    def lives(self) -> bool:
        return self.node.runs

    def start(self) -> None:
        self.node.kill()  # what is left of the group, as systemd sweeps a unit
        try:
            self.node.start(wait_s=READY_S)
        except RuntimeError:
            return  # it was killed while it started, and is started again
        except Unavailable as error:
            self.stuck.append(error.message)

    def pids(self) -> list[int]:
        process = self.node.process
        return of_group(process.pid) if process is not None and process.poll() is None else []


class KeptProgramme(Keeper):
    """A program of the tests in a node's environment."""

    def __init__(self, module: str, node: NodeProcess, place: Place) -> None:
        super().__init__(module.rpartition(".")[2], place)
        self._line, self._environment = [sys.executable, "-m", module], node.environment
        self._process: subprocess.Popen[bytes] | None = None
        self._log = node.home / f"{self.name}.log"

    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._line, env=self._environment, stdout=log, stderr=log)

    def pids(self) -> list[int]:
        return [self._process.pid] if self.lives() and self._process is not None else []

    def end(self) -> None:
        """End it for good."""
        self.leave()
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)


def of_group(leader: int) -> list[int]:
    """Every process of a group, its leader first."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and os.getpgid(int(entry.name)) == leader:
                found.append(int(entry.name))
    return sorted(found, key=lambda pid: (pid != leader, pid))


def kill_one(keeper: Keeper, draw: random.Random) -> list[str]:
    """SIGKILL to one of its processes, or to all at once as a power cut does; what was hit, in one word, unless nothing runs."""
    pids = keeper.pids()
    if not pids:
        return []
    hit = pids if draw.random() < 0.5 else [draw.choice(pids)]
    name = "whole machine" if len(hit) > 1 else _name(hit[0], leads=hit[0] == pids[0])
    for pid in hit:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return [name]


def _name(pid: int, *, leads: bool) -> str:
    """What kind of process it is, by its command line."""
    line = b""
    with suppress(OSError):
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    kinds = {b"db_worker": "packaging worker", b"fire.offering": "publisher", b"serve": "machine that starts"}
    return next((name for word, name in kinds.items() if word in line), "watcher" if leads else "server")
