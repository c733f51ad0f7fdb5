"""The life of an item of courseware: which state follows which (b2; CW17)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum


class State(StrEnum):
    """Where an item stands. `released` is the only state the public sees."""

    DRAFT = "draft"
    PACKAGING = "packaging"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    RELEASED = "released"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    REVISED = "revised"
    EXPIRED = "expired"


STATE_NAMES = [
    (State.DRAFT, "草稿"),
    (State.PACKAGING, "打包中"),
    (State.IN_REVIEW, "待审核"),
    (State.APPROVED, "待发布"),
    (State.RELEASED, "已发布"),
    (State.RETURNED, "已退回"),
    (State.WITHDRAWN, "已撤下"),
    (State.REVISED, "已有新版"),
    (State.EXPIRED, "授权到期"),
]

FOLLOWS: dict[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.PACKAGING, State.IN_REVIEW, State.WITHDRAWN}),  # what needs no packaging goes to review at once
    State.PACKAGING: frozenset({State.PACKAGING, State.IN_REVIEW, State.WITHDRAWN}),  # packaging again: another file
    State.IN_REVIEW: frozenset({State.IN_REVIEW, State.APPROVED, State.RETURNED, State.WITHDRAWN}),  # in review again: the next round
    State.APPROVED: frozenset({State.RELEASED, State.RETURNED, State.WITHDRAWN}),
    State.RETURNED: frozenset({State.PACKAGING, State.IN_REVIEW, State.WITHDRAWN}),
    State.RELEASED: frozenset({State.WITHDRAWN, State.REVISED, State.EXPIRED}),
    State.WITHDRAWN: frozenset({State.IN_REVIEW}),
    State.REVISED: frozenset(),
    State.EXPIRED: frozenset({State.IN_REVIEW, State.WITHDRAWN}),
}


def may_follow(old: State, new: State) -> bool:
    """Whether an item in `old` may move to `new`. A withdrawn or expired item comes back only through a new review."""
    return new in FOLLOWS[old]


EDITABLE = frozenset({State.DRAFT, State.RETURNED})
"""States in which the author may change the words and the file."""
ASLEEP = frozenset({State.RETURNED, State.WITHDRAWN, State.EXPIRED})
"""States from which an item is sent to review again as it is."""

MOST_ROUNDS = 3
ROUND_NAMES = ("一审", "二审", "三审")


def rights_in_force(rights_from: date | None, rights_to: date | None, on: date) -> bool:
    """Whether an item may be shown on a day: from the first day on, and not on the day of expiry or later (CW08)."""
    return (rights_from is None or rights_from <= on) and (rights_to is None or on < rights_to)
