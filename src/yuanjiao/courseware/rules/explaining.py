"""How late a policy text is put in plain words (DLV14). Days are local days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

WITHIN_DAYS = 7
"""A text that nobody has explained a week after it was issued is called late (及时). No document names a number."""


@dataclass(frozen=True)
class Delay:
    """Days from the day of issue to the first explanation that is out; while there is none, to today (`over` is False)."""

    days: int
    over: bool

    @property
    def late(self) -> bool:
        return self.days > WITHIN_DAYS


def delay(issued_on: date, out_on: Iterable[date], on: date) -> Delay:
    """The delay of one kind of answer, given the days on which those that are out came out; one that came first is 0 days late."""
    first = min(out_on, default=None)
    return Delay(max(((first or on) - issued_on).days, 0), first is not None)
