"""Real nodes as real processes on this machine: started, enrolled, killed and cut by the demo and by the journeys of the tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from yuanjiao.lib.errors import Unavailable


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class NodeProcess:
    """One node: its HOME, its address, and the process while it runs. Extra settings are given without the YUANJIAO_ prefix.

    It listens on loopback unless `host` says otherwise; here it is asked on loopback in any case.
    """

    def __init__(self, *, role: str, home: Path, name: str, port: int = 0, parent: str = "", host: str = "127.0.0.1", **more: str) -> None:
        self.home, self.port, self.host = home, port or free_port(), host
        self.address = f"http://127.0.0.1:{self.port}"
        own = {"ROLE": role, "HOME": str(home), "NAME": name, "PARENT": parent, **more}
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("YUANJIAO_")}
        self.environment = {**inherited, **{f"YUANJIAO_{key}": value for key, value in own.items()}}
        self.log = home / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str, timeout_s: float = 600) -> str:
        """Run `yuanjiao …` on this node and give what it printed; RuntimeError with its words when it failed."""
        line = [sys.executable, "-m", "yuanjiao.wiring", *arguments]
        self.home.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(line, env=self.environment, text=True, capture_output=True, timeout=timeout_s, check=False)
        if done.returncode:
            raise RuntimeError(f"yuanjiao {' '.join(arguments)}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout

    def start(self, *, wait_s: float = 60) -> None:
        """Start serving and wait until it is ready."""
        self.home.mkdir(parents=True, exist_ok=True)
        line = [sys.executable, "-m", "yuanjiao.wiring", "serve", "--host", self.host, "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(line, env=self.environment, stdout=log, stderr=log, start_new_session=True)
        self.wait_ready(wait_s)

    def wait_ready(self, wait_s: float = 60) -> None:
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise RuntimeError(f"{self.environment['YUANJIAO_NAME']} ended at once:\n{self.tail()}")
            try:
                if httpx.get(f"{self.address}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise Unavailable(f"{self.environment['YUANJIAO_NAME']} 没有在 {wait_s:.0f} 秒内就绪：\n{self.tail()}")

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL to the server and what it started."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order; SIGKILL after 20 s."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        for this in (number, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, this)
            except ProcessLookupError:
                break
            try:
                self.process.wait(timeout=20)
                break
            except subprocess.TimeoutExpired:
                continue
        if number is not signal.SIGKILL:
            self._sweep_group()
        self.process = None

    def _sweep_group(self) -> None:
        """A worker that outlived the server it belonged to."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # type: ignore[union-attr]
        except (ProcessLookupError, PermissionError):
            return

    def tail(self, lines: int = 25) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""
