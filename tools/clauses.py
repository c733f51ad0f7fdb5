"""Print the table of requirement clauses with the tests that show them.

A clause counts only through `@pytest.mark.clause("OPS04")` on a test that pytest collects; the marks are read by
collecting, so a test that was renamed away or cannot be imported is not counted.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOTALS = {"NET": 16, "OPS": 22, "CW": 25, "DLV": 24, "LRN": 26, "FBK": 21, "SUP": 43, "ASM": 54, "FND": 14, "RPT": 17, "TRN": 11, "GOV": 35}


class Collector:
    """Remembers which collected test carries which clause."""

    def __init__(self) -> None:
        self.shown: dict[str, set[str]] = defaultdict(set)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers("clause"):
                for clause in mark.args:
                    self.shown[clause].add(re.sub(r"\[.*", "", item.nodeid))


def main() -> int:
    collector = Collector()
    with contextlib.redirect_stdout(io.StringIO()):
        code = pytest.main(["--collect-only", "-q", "-p", "no:randomly", str(ROOT / "tests")], plugins=[collector])
    if code:
        print("the tests cannot be collected", file=sys.stderr)
        return 1
    valid = {f"{group}{number:02}" for group, count in TOTALS.items() for number in range(1, count + 1)}
    wrong = sorted(set(collector.shown) - valid)
    for clause in sorted(collector.shown, key=lambda name: (list(TOTALS).index(re.sub(r"\d", "", name)), name)):
        for number, test in enumerate(sorted(collector.shown[clause])):
            print(f"{clause if number == 0 else '':6} {test}")
    tests = {test for found in collector.shown.values() for test in found}
    if wrong:
        print(f"unknown clauses: {', '.join(wrong)}", file=sys.stderr)
    print(f"{len(set(collector.shown) & valid)} of {len(valid)} clauses shown by {len(tests)} tests")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
