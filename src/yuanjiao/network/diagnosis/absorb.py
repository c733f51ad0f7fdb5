"""State changes become silences: `down` begins one, `up` ends it, `unknown` leaves it as it is.

Rows that came in order are taken as they are. Where a row came late (an edge's record after a cut, another observer), the object's
whole story is read once more and what is missing is added: spans that began and ended meanwhile, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from django.db.models import F

from yuanjiao.network.counting.reading import Epoch
from yuanjiao.network.diagnosis.news import News, stories
from yuanjiao.network.diagnosis.picture import DOWN, UP, Picture, batches
from yuanjiao.network.models import Outage
from yuanjiao.network.rules.causes import Mask, Places, Seconds


class Ended(NamedTuple):
    """One open outage that has ended; it was open in the rows."""

    place: int
    outage: int
    root: int
    started: float
    ended: float
    hold: int


@dataclass(frozen=True)
class Past:
    """One silence that began and ended before anybody here could see it, with the bounds of its beginning."""

    place: int
    started: float
    lo: float
    hi: float
    ended: float


@dataclass
class Absorbed:
    """What the news changed."""

    ended: list[Ended] = field(default_factory=list)
    past: list[Past] = field(default_factory=list)


def absorb(picture: Picture, news: News) -> Absorbed:
    """Bring the picture's silences up to the news."""
    found = Absorbed()
    inside = news.place >= 0
    single, many, late = _kinds(news, inside)
    _take_single(picture, news, np.flatnonzero(single), found)
    _take_many(picture, news, np.flatnonzero(many), found)
    _take_late(picture, sorted(set(news.place[late].tolist())), found)
    present = np.flatnonzero(inside & np.isnan(news.until))
    picture.state[news.place[present]] = news.state[present]
    picture.observer[news.place[present]] = news.observer[present]
    return found


def _kinds(news: News, inside: Mask) -> tuple[Mask, Mask, Mask]:
    """Rows of objects with one row that is the present; with several that are the end of the story; with anything else."""
    if not len(news):
        return inside, inside, inside
    first = np.r_[True, news.objects[1:] != news.objects[:-1]]
    last = np.r_[first[1:], True]
    present = np.isnan(news.until)
    joined = np.r_[news.until[:-1] == news.at[1:], False]
    good = np.where(last, present, joined)
    group = np.cumsum(first) - 1
    tail = np.bincount(group[~good], minlength=group[-1] + 1) == 0
    alone = first & last
    return inside & alone & tail[group], inside & ~alone & tail[group], inside & ~tail[group]


def _take_single(picture: Picture, news: News, rows: Places, found: Absorbed) -> None:
    """One row an object: the ordinary case, a whole storm at once."""
    place, at, state = news.place[rows], news.at[rows], news.state[rows]
    begins = (state == DOWN) & np.isnan(picture.silent[place])
    for row in rows[begins & picture.play[place]]:
        end_silence(picture, int(news.place[row]), float(news.at[row]), found)
    _begin(picture, news, rows[begins])
    ends = (state == UP) & (at >= np.where(np.isnan(picture.silent[place]), np.inf, picture.silent[place]))
    _end_many(picture, place[ends], at[ends], found)


def _end_many(picture: Picture, places: Places, at: Seconds, found: Absorbed) -> None:
    """As `end_silence`, for a storm that is over: each of these has a row and is silent."""
    told = picture.outage[places] > 0
    for place, when in zip(places[~told].tolist(), at[~told].tolist(), strict=True):
        end_silence(picture, place, when, found)
    places, ended = places[told], np.maximum(at[told], picture.started[places[told]])
    columns = (picture.outage, picture.root, picture.started)
    rows = zip(
        places.tolist(), *(column[places].tolist() for column in columns), ended.tolist(), picture.hold[places].tolist(), strict=True
    )
    found.ended += [Ended(*row) for row in rows]
    picture.forget(places)


def _begin(picture: Picture, news: News, rows: Places) -> None:
    place, at = news.place[rows], news.at[rows]
    picture.silent[place] = at
    picture.lo[place] = np.fmin(np.where(np.isnan(news.last[rows]), at, news.last[rows]), at)
    picture.hi[place] = np.fmax(np.where(np.isnan(news.latest[rows]), at, news.latest[rows]), at)


def end_silence(picture: Picture, place: int, at: float, found: Absorbed) -> None:
    """A silence is over: what has a row is ended there; what has none yet is past."""
    if picture.outage[place]:
        started = float(picture.started[place])
        pk, root = int(picture.outage[place]), int(picture.root[place])
        found.ended.append(Ended(place, pk, root, started, max(at, started), int(picture.hold[place])))
    else:
        found.past.append(Past(place, float(picture.silent[place]), float(picture.lo[place]), float(picture.hi[place]), at))
    picture.forget(place)


def _take_many(picture: Picture, news: News, rows: Places, found: Absorbed) -> None:
    """Several rows an object, one after the other up to the present."""
    for row in rows:
        place, at = int(news.place[row]), float(news.at[row])
        silent = picture.silent[place]
        if news.state[row] == DOWN and np.isnan(silent):
            if picture.play[place]:
                end_silence(picture, place, at, found)
            _begin(picture, news, np.array([row]))
        elif news.state[row] == UP and at >= silent:
            end_silence(picture, place, at, found)


def _take_late(picture: Picture, places: Iterable[int], found: Absorbed) -> None:
    """The whole story again: silences that have no outage yet are added, an open one ends where the story says."""
    by_id = {int(picture.forest.ids[place]): place for place in places}
    told = _told(by_id)
    for pk, spans in stories(by_id).items():
        place = by_id[pk]
        for run in _runs(spans):
            begin, end = run[0], run[3]
            if not np.isnan(picture.silent[place]) and (end is None or picture.silent[place] < end) and picture.silent[place] >= begin:
                if end is not None:
                    end_silence(picture, place, end, found)
            elif not any(start < (end or np.inf) and begin < until for start, until in told.get(pk, ())):
                _add(picture, place, run, found)


def _add(picture: Picture, place: int, run: tuple[float, float, float, float | None], found: Absorbed) -> None:
    if run[3] is not None:
        found.past.append(Past(place, run[0], run[1], run[2], run[3]))
    elif np.isnan(picture.silent[place]):
        picture.silent[place], picture.lo[place], picture.hi[place] = run[:3]


def _told(ids: Iterable[int]) -> dict[int, list[tuple[float, float]]]:
    """What has an outage of its own silence already, ended ones only."""
    found: dict[int, list[tuple[float, float]]] = {}
    for part in batches(ids):
        rows = Outage.objects.filter(object__in=part, ended_at__isnull=False, sign="silence")
        for pk, start, end in rows.values_list("object_id", Epoch(F("started_at")), Epoch(F("ended_at"))):
            found.setdefault(pk, []).append((float(start), float(end)))
    return found


def _runs(spans: Iterable[tuple[int, float, float | None, float | None, float | None]]) -> list[tuple[float, float, float, float | None]]:
    """Silences of one story: from, earliest and latest beginning, to (None: it lasts)."""
    runs: list[tuple[float, float, float, float | None]] = []
    open_: tuple[float, float, float] | None = None
    for state, at, _, last, latest in spans:
        if state == DOWN and open_ is None:
            open_ = float(at), float(min(at if last is None else last, at)), float(max(at if latest is None else latest, at))
        elif state == UP and open_ is not None:
            runs.append((*open_, float(at)))
            open_ = None
    if open_ is not None:
        runs.append((*open_, None))
    return runs
