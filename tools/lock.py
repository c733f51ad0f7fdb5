"""Renew the lock files: versions and hashes for every platform, no download hosts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).parent / "uv"
OPTIONS = ["--python-version", "3.11", "--universal", "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "-q"]


def main() -> int:
    for source, target in (("../pyproject.toml", "run.txt"), ("dev.in", "dev.txt"), ("front.in", "front.txt")):
        print(f"locking {target} …", flush=True)
        subprocess.run([UV, "pip", "compile", *OPTIONS, *sys.argv[1:], "-o", target, source], cwd=ROOT / "requirements", check=True)
    command = ["npm", "install", "--package-lock-only", "--omit-lockfile-registry-resolved", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=ROOT, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
