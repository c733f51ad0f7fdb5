"""Pure rules of places: levels, codes, paths, chains."""

from __future__ import annotations

import re
from enum import IntEnum, StrEnum

CODE = re.compile(r"\d{12}")


class Level(IntEnum):
    """Levels of a division, top to bottom."""

    PROVINCE = 1
    CITY = 2
    COUNTY = 3
    TOWN = 4
    VILLAGE = 5


class Chain(StrEnum):
    """Chains of organisation units (组织 / 教育 / 运营商 / 财政 / 其他)."""

    ORGANISATION = "organisation"
    EDUCATION = "education"
    OPERATOR = "operator"
    FINANCE = "finance"
    OTHER = "other"


SIGNIFICANT = {Level.PROVINCE: 2, Level.CITY: 4, Level.COUNTY: 6, Level.TOWN: 9, Level.VILLAGE: 12}
URBAN_RURAL = frozenset({"111", "112", "121", "122", "123", "210", "220"})


def is_code(text: str) -> bool:
    """Whether `text` is a 12-digit division code (统计用区划代码)."""
    return bool(CODE.fullmatch(text))


def level_of(code: str) -> Level:
    """The level a code stands for, by its trailing zeros (requirements c3)."""
    return next(level for level, digits in SIGNIFICANT.items() if not code[digits:].strip("0"))


def parent_code(code: str) -> str | None:
    """The code one level up by the standard's arithmetic, or None for a province."""
    level = level_of(code)
    if level is Level.PROVINCE:
        return None
    return code[: SIGNIFICANT[Level(level - 1)]].ljust(12, "0")


def path_of(parent_path: str, code: str) -> str:
    """Materialised path: '/990000000000/990100000000/'. Subtree = starts with."""
    return f"{parent_path or '/'}{code}/"


def is_rural(urban_rural: str) -> bool:
    return urban_rural.startswith("2")
