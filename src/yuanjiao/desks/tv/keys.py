"""Key codes of remote controls by maker, as data (requirements c9). A new box is a new table here, never a change of script.

Codes are what a box's browser reports as `keyCode`; actions are the words the script knows: up, down, left, right, ok, back,
home, page_up, page_down and the digits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

ACTIONS = frozenset({"up", "down", "left", "right", "ok", "back", "home", "page_up", "page_down", *"0123456789"})
KeyTable = dict[int, str]

DIGITS: KeyTable = {48 + n: str(n) for n in range(10)}
KEYPAD: KeyTable = {96 + n: str(n) for n in range(10)}
STANDARD: KeyTable = {
    **DIGITS,
    **KEYPAD,
    37: "left",
    38: "up",
    39: "right",
    40: "down",
    13: "ok",
    8: "back",
    27: "back",
    33: "page_up",
    34: "page_down",
    36: "home",
}
IPANEL: KeyTable = {
    **DIGITS,
    1: "up",
    2: "down",
    3: "left",
    4: "right",
    13: "ok",
    340: "back",
    339: "home",
    372: "page_up",
    373: "page_down",
}
INSPUR: KeyTable = {**STANDARD, 4097: "ok"}
ENRICH: KeyTable = {**DIGITS, 87: "up", 83: "down", 65: "left", 68: "right", 13: "ok", 8: "back"}
DVN: KeyTable = {**DIGITS, 37: "left", 38: "up", 39: "right", 40: "down", 13: "ok", 4097: "ok", 640: "back"}
TABLES: dict[str, KeyTable] = {"standard": STANDARD, "ipanel": IPANEL, "inspur": INSPUR, "enrich": ENRICH, "dvn": DVN}


def union(tables: Iterable[KeyTable]) -> KeyTable:
    """All codes on which the tables agree; a code that means two things to two makers is left out."""
    meanings: dict[int, set[str]] = defaultdict(set)
    for table in tables:
        for code, action in table.items():
            meanings[code].add(action)
    return {code: actions.pop() for code, actions in sorted(meanings.items()) if len(actions) == 1}


def as_text(table: KeyTable) -> str:
    """How a page hands the table to its script: `38:up 40:down …`, readable without JSON."""
    return " ".join(f"{code}:{action}" for code, action in sorted(table.items()))
