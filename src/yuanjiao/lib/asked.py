"""What is asked of a unit (GOV30): forms, fields, meetings, uploads. A lower room says what it asks; who adds it up stands above.

`Asked` names a unit by its code, or all of one level at and under a path: a month-end report of every county is one row, not a hundred.
Persons are not named: what is asked is asked of units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol


class Kind(StrEnum):
    """What a unit has to do about it: fill something in, come to something, hand something in."""

    FORM = "form"
    MEETING = "meeting"
    UPLOAD = "upload"


@dataclass(frozen=True)
class Asked:
    """One thing asked of one unit (`unit`, its code) or of the unit of every place of `level` at and under `path`.

    `fields` is how many boxes one of them has, `times` how many there are of it; it belongs to the month of `due_on`.
    """

    kind: Kind
    what: str
    due_on: date
    fields: int = 0
    times: int = 1
    unit: str = ""
    path: str = ""
    level: int = 0
    by: str = ""
    """The unit that asks, empty where the system itself does."""
    link: tuple[str, ...] = ()
    """The route of the page on which it is seen, and its arguments as text."""


class Asking(NamedTuple):
    """One room's query: what it asks that is due from the first day to the last, both included, of places at, under or around `path`."""

    name: str
    asked: Callable[[date, date, str], Iterable[Asked]]


@dataclass(frozen=True)
class Weight:
    """What something adds to one unit's month, as the page shows it before it is given out."""

    unit_name: str
    month: date
    lines: tuple[str, ...]
    """Of each measure that grows: its name, how much it is, how much it becomes, and the cap."""
    over: bool
    approved: bool
    address: str
    """Where an approval is asked for; empty while none is needed."""


class Meter(Protocol):
    """The hook of whoever adds up; `subject` names the thing that asks for ever, such as "item:<uid>"."""

    def weighed(self, asks: Sequence[Asked], *, subject: str, at: datetime) -> list[Weight]:
        """What these would add to the month of each unit they reach."""

    def require(self, asks: Sequence[Asked], *, subject: str, by: Any, at: datetime) -> None:
        """Refused while a unit would go over its cap without an approval; holds the units until the transaction ends."""
