"""Run every measurement of this folder, print one table, write build/bench.json.

Each module has `run() -> list[dict]` with name, value, unit, floor, ratio. A floor is the same work with nothing of ours in it. Nothing
is asserted.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("network", "journal", "register", "pages")


def set_up() -> None:
    """A database of our own, migrated, before any room is imported."""
    for name in [name for name in os.environ if name.startswith("YUANJIAO_")]:
        del os.environ[name]
    os.environ["YUANJIAO_HOME"] = tempfile.mkdtemp(prefix="yuanjiao-bench-")
    os.environ["DJANGO_SETTINGS_MODULE"] = "yuanjiao.wiring.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def main(chosen: list[str]) -> int:
    set_up()
    rows: list[dict[str, Any]] = []
    for name in MODULES:
        if chosen and name not in chosen:
            continue
        started = time.monotonic()
        print(f"measuring {name} …", end=" ", flush=True)
        rows += importlib.import_module(f"bench.{name}").run()
        print(f"{time.monotonic() - started:.0f} s", flush=True)
    print(table(rows))
    target = ROOT / "build/bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(
        json.dumps(
            {row["name"]: {key: row[key] for key in ("value", "unit", "floor", "ratio")} for row in rows}, indent=1, ensure_ascii=False
        )
    )
    print(f"written to {target.relative_to(ROOT)}")
    return 0


def table(rows: list[dict[str, Any]]) -> str:
    lines = [f"| {'what':62} | {'measured':>16} | {'floor':>16} | {'ratio':>7} |", f"|{'-' * 64}|{'-' * 18}|{'-' * 18}|{'-' * 9}|"]
    for row in rows:
        value, floor = (f"{row[key]:,.4g} {row['unit']}" if row[key] is not None else "—" for key in ("value", "floor"))
        ratio = f"{row['ratio']:.3f}" if row["ratio"] is not None else "—"
        lines.append(f"| {row['name']:62} | {value:>16} | {floor:>16} | {ratio:>7} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
