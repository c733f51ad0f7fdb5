"""An edge under a measured centre: a HOME of its own, enrolled over the line that counts, its turns in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from yuanjiao.flow.blobs import store
from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.lib import clock
from yuanjiao.simulation.processes import free_port

ROOT = Path(__file__).resolve().parent.parent


class Below:
    """`parent` is the address it enrols at and asks; what is measured passes there. `within` runs a program where the edge is."""

    def __init__(self, folder: Path, parent: str, *, scope: str = "", within: Sequence[str] = ()) -> None:
        self.home, self.parent, self.within = folder, parent, list(within)
        folder.mkdir(parents=True)
        own = {"ROLE": "edge", "HOME": str(folder), "NAME": "边缘", "PARENT": parent, "FOLLOW_S": "1", "SHIP_S": "1"}
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("YUANJIAO_")}
        self.environment = {**inherited, **{f"YUANJIAO_{key}": value for key, value in own.items()}}
        code = issue_code(kind="edge", name=folder.name, scope=scope, at=clock.now())
        line = [sys.executable, "-m", "yuanjiao.wiring", "enrol", "--parent", parent, "--code", code]
        subprocess.run([*self.within, *line], check=True, env=self.environment, stdout=subprocess.DEVNULL)

    def start(self, version: int, seconds: float, names: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Its jobs until that version is in force and the named blobs are here (bench/child.py)."""
        listed = self.home / "wanted"
        listed.write_text("\n".join(names))
        line = [*self.within, sys.executable, "-m", "bench.child", str(version), str(seconds), str(listed)]
        return subprocess.Popen(line, cwd=ROOT, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def follow(self, version: int, seconds: float, names: Sequence[str] = ()) -> dict[str, Any]:
        """The same, waited for: what bench/child.py tells."""
        done, _ = self.start(version, seconds, names).communicate(timeout=seconds + 120)
        told: dict[str, Any] = json.loads(done.splitlines()[-1])
        return told

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The whole edge, as `yuanjiao serve` runs it; ended by its own id."""
        line = [*self.within, sys.executable, "-m", "yuanjiao.wiring", "serve", "--port", str(free_port()), "--no-worker"]
        process = subprocess.Popen(line, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=60)

    def part(self, name: str) -> Path:
        """Where a blob lies that is not whole yet."""
        return self.home / "blobs" / "parts" / f"{name}.part"

    def lay_empty(self, names: Sequence[str]) -> None:
        """Pretend that these blobs are here: only what is said of them is measured. What the centre has is here as it is."""
        for name in names:
            path = self.home / "blobs" / name[:2] / name[2:]
            path.parent.mkdir(parents=True, exist_ok=True)
            if store.has(name):
                shutil.copyfile(store.path(name), path)
            else:
                path.touch()
