"""Run every measurement of this folder, each in a process and a database of its own; print one table, write build/bench.json.

Each module has `run() -> list[dict]` with name, value, unit, floor, ratio (value / floor). A floor is the same work with nothing of ours
in it. Nothing is asserted.

usage: python -m bench [module ...]
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODULES = (
    "diagnosis",
    "doors",
    "network",
    "availability",
    "nation",
    "liveness",
    "silence",
    "probes",
    "journal",
    "backlog",
    "catalogue",
    "blobs",
    "badline",
    "register",
    "pages",
    "search",
    "items",
    "portal",
    "television",
    "packaging",
    "reports",
)
KEPT = ("value", "unit", "floor", "ratio")


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--one"]:
        return measure_here(arguments[1])
    rows: list[dict[str, Any]] = []
    for name in arguments or MODULES:
        started = time.monotonic()
        print(f"measuring {name} …", end=" ", flush=True)
        rows += measure_apart(name)
        print(f"{time.monotonic() - started:.0f} s", flush=True)
    print(table(rows))
    target = ROOT / "build/bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({row["name"]: {key: row[key] for key in KEPT} for row in rows}, indent=1, ensure_ascii=False))
    print(f"written to {target.relative_to(ROOT)}")
    return 0


def measure_apart(name: str) -> list[dict[str, Any]]:
    """One module in a fresh process with a fresh HOME."""
    home = tempfile.mkdtemp(prefix="yuanjiao-bench-")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("YUANJIAO_")}
    environment |= {"YUANJIAO_HOME": home, "DJANGO_SETTINGS_MODULE": "yuanjiao.wiring.settings"}
    try:
        command = [sys.executable, "-m", "bench", "--one", name]
        done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if done.returncode:
        raise SystemExit(f"\n{name} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def measure_here(name: str) -> int:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    print(json.dumps(importlib.import_module(f"bench.{name}").run(), ensure_ascii=False))
    return 0


def table(rows: list[dict[str, Any]]) -> str:
    lines = [f"| {'what':64} | {'measured':>18} | {'floor':>18} | {'ratio':>8} |", f"|{'-' * 66}|{'-' * 20}|{'-' * 20}|{'-' * 10}|"]
    for row in rows:
        value, floor = (f"{row[key]:,.4g} {row['unit']}" if row[key] is not None else "—" for key in ("value", "floor"))
        ratio = f"{row['ratio']:.3f}" if row["ratio"] is not None else "—"
        lines.append(f"| {row['name']:64} | {value:>18} | {floor:>18} | {ratio:>8} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
