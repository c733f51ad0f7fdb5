"""The life of an item of courseware: which state follows which (b2; CW17)."""

from __future__ import annotations

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


STATE_NAMES = [
    (State.DRAFT, "草稿"),
    (State.PACKAGING, "打包中"),
    (State.IN_REVIEW, "待审核"),
    (State.APPROVED, "待发布"),
    (State.RELEASED, "已发布"),
    (State.RETURNED, "已退回"),
    (State.WITHDRAWN, "已撤下"),
]

FOLLOWS: dict[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.PACKAGING, State.WITHDRAWN}),
    State.PACKAGING: frozenset({State.PACKAGING, State.IN_REVIEW, State.WITHDRAWN}),  # packaging again: another file
    State.IN_REVIEW: frozenset({State.APPROVED, State.RETURNED, State.WITHDRAWN}),
    State.APPROVED: frozenset({State.RELEASED, State.RETURNED, State.WITHDRAWN}),
    State.RETURNED: frozenset({State.PACKAGING, State.IN_REVIEW, State.WITHDRAWN}),
    State.RELEASED: frozenset({State.WITHDRAWN}),
    State.WITHDRAWN: frozenset({State.IN_REVIEW}),
}


def may_follow(old: State, new: State) -> bool:
    """Whether an item in `old` may move to `new`. A withdrawn item comes back only through a new review."""
    return new in FOLLOWS[old]


EDITABLE = frozenset({State.DRAFT, State.RETURNED})
"""States in which the author may change the words and the file."""
