"""What a file names: the codes for which the register must be asked before its rows can be checked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from yuanjiao.places.rules import parent_code
from yuanjiao.register import rules
from yuanjiao.register.documents.workbook import SheetCells
from yuanjiao.register.queries import Named

OBJECT = {"code": "objects", "division": "divisions", "depends_on": "objects"}
CODES: dict[str, dict[str, str]] = {
    "division": {"code": "divisions", "parent": "divisions"},
    "unit": {"division": "divisions"},
    "edge": OBJECT,
    "line": OBJECT,
    "site": OBJECT,
    "asset": {"code": "assets", "place": "objects"},
    "person": {"division": "divisions", "unit": "units", "username": "usernames"},
}
"""Table → column → what the column names."""
DIGITS = 12


def named_in(sheets: Sequence[SheetCells]) -> Named:
    """The codes of all sheets, as far as they can be read; what cannot be read is a problem of its row."""
    found: dict[str, set[str]] = defaultdict(set)
    for sheet in sheets:
        for key, noun in CODES.get(sheet.plan.table, {}).items():
            read = sheet.plan.column(key).read
            for _, cells in sheet.rows:
                if key in cells:
                    try:
                        found[noun].add(str(read(cells[key])))
                    except rules.BadCell:
                        continue
    found["divisions"] |= set(_above(found["divisions"]))
    return Named(**{noun: frozenset(found[noun]) for noun in ("divisions", "objects", "assets", "units", "usernames")})


def _above(codes: Iterable[str]) -> Iterable[str]:
    """The codes above these by the arithmetic of the standard."""
    for code in codes:
        above: str | None = code if len(code) == DIGITS and code.isdecimal() else None
        while above is not None and (above := parent_code(above)) is not None:
            yield above
