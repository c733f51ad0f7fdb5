"""Everything that can be known without running the tests; each check runs even when one before it failed."""

from __future__ import annotations

import ast
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SOURCES = ["src", "tests", "tools", "bench"]
CHECKS: tuple[tuple[str, list[str]], ...] = (
    ("lint", [str(BIN / "ruff"), "check", *SOURCES]),
    ("format", [str(BIN / "ruff"), "format", "--check", "-q", *SOURCES]),
    ("types", [str(BIN / "mypy")]),
    ("import contracts", [str(BIN / "lint-imports")]),
    ("Django's system checks", [sys.executable, "-W", "error", "-m", "yuanjiao.wiring", "check", "--fail-level", "WARNING"]),
    ("migrations", [sys.executable, "-m", "yuanjiao.wiring", "makemigrations", "--check", "--dry-run"]),
    ("generated documents", [sys.executable, "tools/docs.py", "--check"]),
)


def main() -> int:
    failed = []
    with tempfile.TemporaryDirectory() as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("YUANJIAO_")}
        environment["YUANJIAO_HOME"] = home
        for title, command in CHECKS:
            done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
            print(f"{'ok    ' if done.returncode == 0 else 'FAILED'} {title}", flush=True)
            if done.returncode:
                failed.append(title)
                print((done.stdout + done.stderr)[-6000:])
    sizes()
    return 1 if failed else 0


def sizes() -> None:
    """Print, not enforce: lengths of functions and files against the aims of the house."""
    functions, files = [], []
    for path in sorted((ROOT / "src").rglob("*.py")):
        if "migrations" in path.parts:
            continue
        text = path.read_text()
        files.append((text.count("\n"), path))
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        functions += [((node.end_lineno or node.lineno) - node.lineno + 1, path, node.name) for node in nodes]
    lengths, lines = [length for length, *_ in functions], [length for length, _ in files]
    print(
        f"sizes: {len(functions)} functions, median {statistics.median(lengths):.0f} lines, p95 {percentile(lengths):.0f} (aims: 10, 40);"
    )
    print(f"       {len(files)} files, {sum(lines)} lines, p95 {percentile(lines):.0f} (aim: 400)")
    for length, path, name in sorted((one for one in functions if one[0] > 60), key=lambda one: -one[0]):
        print(f"       over 60 lines: {path.relative_to(ROOT)} {name} ({length})")
    for length, path in files:
        if length > 600:
            print(f"       over 600 lines: {path.relative_to(ROOT)} ({length})")


def percentile(values: list[int]) -> float:
    return statistics.quantiles(values, n=20)[-1]


if __name__ == "__main__":
    sys.exit(main())
