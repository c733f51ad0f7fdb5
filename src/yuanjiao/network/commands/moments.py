"""The moments in a machine's own facts. Below the top all of them are in the parent's time, as its answers last told it, and this is the
one place where they are made so: a clock that is minutes wrong would else put a fact beside other moments than it belongs to.

What stays at home (marks, the live array, what probes of this machine find) is by its own clock.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from yuanjiao.flow.nodes.commands import note_clock
from yuanjiao.flow.nodes.queries import parent_ahead_s, parent_node
from yuanjiao.lib.errors import Unavailable
from yuanjiao.network.live import LISTENER

NOTED_S = 0.02
"""What the parent's answers say of its time is kept when it differs by so much: a beat is answered twice a minute."""


def whole(seconds: float) -> datetime:
    """A whole second: every boundary is floored alike, so that sums of seconds are exact."""
    return datetime.fromtimestamp(int(seconds), UTC)


def told(at: datetime) -> datetime:
    """A moment of our clock as a fact tells it: in the parent's time, a whole second.

    Unavailable after the machine was off, until the parent has told the time: nobody knows what our clock did meanwhile.
    """
    if LISTENER.undated is not None:
        raise Unavailable("本机刚启动，还没有与上级核对时刻，请稍后再报", retry_s=30.0)
    return whole(at.timestamp() + parent_ahead_s())


def told_many(seconds: NDArray[np.float64], ahead_s: float) -> list[datetime | None]:
    """The same for many moments (seconds since 1970, 0: None). In a storm a few moments stand for all: each is made once."""
    distinct, where = np.unique(np.where(seconds > 0, seconds + ahead_s, 0.0).astype(np.int64), return_inverse=True)
    made = [whole(one) if one > 0 else None for one in distinct.tolist()]
    return [made[place] for place in where.tolist()]


def learn_parents_time(*, ahead_s: float) -> None:
    """An answer of the parent told how far its clock is ahead of ours."""
    parent = parent_node()
    if parent is not None:
        note_clock(node=parent, offset_s=-ahead_s, least_s=NOTED_S)


def own_clock_was_set(*, by: float) -> bool:
    """Our clock was set by `by` seconds: the parent's is that much less ahead. False at the top, where there is no other time."""
    if parent_node() is None:
        return False
    learn_parents_time(ahead_s=parent_ahead_s() - by)
    return True
