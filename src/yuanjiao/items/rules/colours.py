"""The colour of a deadline."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from yuanjiao.items.rules.machine import WITH_OWNER, State


class Colour(StrEnum):
    """Urging colours (requirements c11): blue near due, yellow behind, red overdue."""

    NONE = ""
    BLUE = "blue"
    YELLOW = "yellow"
    RED = "red"


COLOUR_NAMES: dict[Colour, str] = {Colour.NONE: "正常", Colour.BLUE: "临期", Colour.YELLOW: "滞后", Colour.RED: "超期"}
NEAR_SHARE = 1 / 3
"""An item is near its date when this share of the whole time, or less, is left."""


def near_due_at(issued_at: datetime, due_at: datetime) -> datetime:
    """The moment from which an item counts as near its date."""
    return due_at - max((due_at - issued_at) * NEAR_SHARE, timedelta())


def colour_of(*, state: State, at: datetime, due_at: datetime | None, near_at: datetime | None, respond_due_at: datetime | None) -> Colour:
    """Red past the due date; yellow when sent back for rework or unanswered past its response date; blue near the due date.

    Only while the owner's clock runs: an item handed in waits for somebody else.
    """
    if state not in WITH_OWNER:
        return Colour.NONE
    if due_at is not None and at >= due_at:
        return Colour.RED
    if state is State.RETURNED or (state is State.ISSUED and respond_due_at is not None and at >= respond_due_at):
        return Colour.YELLOW
    if near_at is not None and at >= near_at:
        return Colour.BLUE
    return Colour.NONE
