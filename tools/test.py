"""Run the tests: all of them on SQLite, and all that touch the database again on a PostgreSQL of their own.

usage: test.py [--sqlite-only | --postgres-only] [pytest arguments]
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from postgres import cluster

ROOT = Path(__file__).resolve().parent.parent
NOTHING_RAN = 5  # pytest: no test was selected
OUTCOME = {0: "passed", NOTHING_RAN: "nothing of this kind was asked for"}
WORKERS = str(min(os.cpu_count() or 1, 4))


def main(arguments: list[str]) -> int:
    chosen = [argument for argument in arguments if argument not in {"--sqlite-only", "--postgres-only"}]
    codes = []
    if "--postgres-only" not in arguments:
        codes.append(run("SQLite: everything that runs in parallel", [*chosen, "-n", WORKERS, "-m", "not journey and not scale"]))
        codes.append(run("SQLite: journeys with real processes", [*chosen, "-m", "journey and not scale"]))
    if "--sqlite-only" not in arguments:
        with cluster() as address:
            environment = {"TEST_DATABASE": address}
            codes.append(
                run(
                    "PostgreSQL",
                    [*chosen, "-n", WORKERS, "-m", "not journey and not browser and not scale and not own_files and not once"],
                    environment,
                )
            )
    ran = [code for code in codes if code != NOTHING_RAN]
    return max(ran) if ran else NOTHING_RAN


def run(title: str, arguments: list[str], environment: dict[str, str] | None = None) -> int:
    print(f"\n=== {title}", flush=True)
    started = time.monotonic()
    command = [sys.executable, "-X", "dev", "-m", "pytest", "-q", "--durations=15", "--durations-min=10", *arguments]
    code = subprocess.run(command, cwd=ROOT, env={**os.environ, **(environment or {})}, check=False).returncode
    print(f"=== {title}: {OUTCOME.get(code, 'FAILED')} in {time.monotonic() - started:.0f} s", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
