"""One turn of the diagnosis: absorb what is new, find the roots, write what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.db import transaction

from yuanjiao.network.diagnosis.absorb import absorb
from yuanjiao.network.diagnosis.children import unwritten, write_children
from yuanjiao.network.diagnosis.ends import agree_with_states, end_all
from yuanjiao.network.diagnosis.news import News, mark_judged, read_news
from yuanjiao.network.diagnosis.noticed import tell_past
from yuanjiao.network.diagnosis.picture import Picture, read_picture, stamp
from yuanjiao.network.diagnosis.rulings import keep_rulings, settle
from yuanjiao.network.diagnosis.sighting import Heard, see
from yuanjiao.network.diagnosis.standing import bring_about, join_late
from yuanjiao.network.diagnosis.turn import Turn
from yuanjiao.network.diagnosis.unplayable import see_plays
from yuanjiao.network.rules.causes import Mask, Places, find_causes

CHILDREN_AT_ONCE = 20_000
"""Children of a storm are written after their root, so many in one transaction: the intake writes in between."""


@dataclass
class Memory:
    """What one process keeps from turn to turn."""

    picture: Picture | None = field(default=None)


MEMORY = Memory()
"""The memory of this process."""


def diagnose(*, at: datetime, heard: Heard | None = None, memory: Memory = MEMORY) -> None:
    """Bring outages, roots and verdicts up to `at`."""
    picture, memory.picture = memory.picture, None  # a turn that fails leaves nothing half true behind
    fresh = picture is None or not picture.holds(stamp(), at.timestamp())
    if picture is None or fresh:
        picture = read_picture(at.timestamp())
    news = read_news(picture.forest)
    turn = Turn(picture, at, heard or Heard())
    with transaction.atomic():
        children = _take(turn, news, fresh=fresh)
        later = _is_of(children, news, len(picture.forest)) if len(children) > CHILDREN_AT_ONCE else np.zeros(len(news), np.bool_)
        if not later.any():
            write_children(turn, children)
        mark_judged(news.ids[~later])
    if later.any():
        _write_rest(turn, news, later, children)
    if len(news) or turn.changed:
        picture.left()
    memory.picture = picture


def _take(turn: Turn, news: News, *, fresh: bool) -> Places:
    """Everything but the rows of children that have none yet: they are returned."""
    if fresh:
        agree_with_states(turn, news)
    found = absorb(turn.picture, news)
    end_all(turn, found.ended)
    see_plays(turn)
    if turn.is_quiet(news, fresh=fresh):
        return np.zeros(0, np.int64)
    tell_past(turn, found.past)
    sight = see(turn.picture, turn.heard, turn.at)
    findings = find_causes(turn.picture.forest, sight, now=turn.now)
    join_late(turn, findings, sight.told_below)
    bring_about(turn, findings)
    settle(turn)
    keep_rulings(turn)
    return unwritten(turn)


def _is_of(places: Places, news: News, size: int) -> Mask:
    """Which rows are of these places."""
    wanted = np.zeros(size + 1, np.bool_)
    wanted[places] = True
    wanted[-1] = False
    answer: Mask = wanted[news.place]
    return answer


def _write_rest(turn: Turn, news: News, later: Mask, children: Places) -> None:
    rows = np.flatnonzero(later)
    rows = rows[np.argsort(news.place[rows], kind="stable")]
    for start in range(0, len(children), CHILDREN_AT_ONCE):
        part = children[start : start + CHILDREN_AT_ONCE]
        first, last = np.searchsorted(news.place[rows], (part[0], part[-1] + 1))
        with transaction.atomic():
            write_children(turn, part)
            mark_judged(news.ids[rows[first:last]])
