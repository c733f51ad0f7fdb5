"""A PostgreSQL that a test may kill: made in a folder of its own, as durable as a real one, started again from what is on its disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
from tools.postgres import free_port, program, run_as


class Database:
    """One server; `kill` ends it as a power cut would, `start` brings it back."""

    def __init__(self) -> None:
        self.home, self.port = Path(tempfile.mkdtemp(prefix="yuanjiao-pg-")), free_port()
        self._as = run_as()
        if self._as:
            os.chown(self.home, int(str(self._as["user"])), int(str(self._as["group"])))
        self._options = {"cwd": self.home, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.home)}, **self._as}
        self.address = f"postgresql://yuanjiao@127.0.0.1:{self.port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None
        made = [program("initdb"), "-D", str(self.home / "data"), "-U", "yuanjiao", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, **self._options)  # type: ignore[call-overload]

    def start(self, *, within_s: float = 60) -> None:
        """Start, and wait until it answers. After a kill its children may hold the memory a little longer: tried again."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                self._launch()
            try:
                psycopg.connect(self.address, connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.2)  # another process comes up: there is nothing here to wait on
        raise AssertionError("PostgreSQL did not come back")

    def _launch(self) -> None:
        line = [program("postgres"), "-D", str(self.home / "data"), "-p", str(self.port), "-c", "listen_addresses=127.0.0.1"]
        line += ["-c", "unix_socket_directories=", "-c", "max_connections=60"]
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(line, stdout=log, stderr=log, start_new_session=True, **self._options)  # type: ignore[call-overload]

    @property
    def pid(self) -> int:
        """Of the server itself; its workers are its children."""
        assert self._process is not None, "it runs"
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL; what was not committed is gone, what was is on the disk."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def ask(self, question: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.address) as connection:
            return connection.execute(question, values).fetchall()  # type: ignore[arg-type]  # the questions are this test's own

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)
