"""Why a root is recorded and not told: it came and went too often, or work on it was announced. Every drop stays in the record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
from django.db.models import F

from yuanjiao.network.diagnosis.drops import SIGHT_S, LateDrops
from yuanjiao.network.diagnosis.picture import MAINTENANCE, UNSTABLE, Matter, Picture
from yuanjiao.network.diagnosis.record import moment
from yuanjiao.network.diagnosis.roots import PATIENCE
from yuanjiao.network.models import Instability
from yuanjiao.network.queries.maintenance import Window, windows_between
from yuanjiao.network.rules.causes import Mask
from yuanjiao.network.rules.steadiness import STEADY_S


def maintained(picture: Picture, at: datetime) -> tuple[Mask, list[tuple[slice, Window]]]:
    """What announced work covers now: the object and all that hangs on it."""
    spans = _spans(picture, [one for one in windows_between(at, at + timedelta(seconds=1)) if one.start <= at])
    covered = np.zeros(len(picture.forest), np.bool_)
    for span, _ in spans:
        covered[span] = True
    return covered, spans


def _spans(picture: Picture, windows: Iterable[Window]) -> list[tuple[slice, Window]]:
    """The windows whose objects the picture knows, with the places that hang on them."""
    placed = [(int(picture.forest.places([window.object_id])[0]), window) for window in windows]
    return [(slice(place, int(picture.forest.end[place])), window) for place, window in placed if place >= 0]


def was_worked_on(picture: Picture, matter: Matter, ended: float) -> bool:
    """Whether an outage that is over lay in announced work, from its beginning to its end. It may be told long after: by the windows
    of its own time, not of this turn's."""
    return _covered(picture, matter, ended, _spans(picture, _windows(matter.started, ended)))


def _windows(started: float, ended: float) -> list[Window]:
    return windows_between(moment(started), moment(ended) + timedelta(seconds=1))


def _covered(picture: Picture, matter: Matter, ended: float, spans: Iterable[tuple[slice, Window]]) -> bool:
    covered, early = 0.0, float(picture.forest.wait[matter.place])
    for span, window in spans:  # in the order of their beginning: work that takes longer is announced once more
        begins = covered or matter.started + early
        if span.start <= matter.place < span.stop and window.start.timestamp() <= begins:
            covered = max(covered, window.end.timestamp())
    return covered >= ended


def of_past(picture: Picture, matters: Sequence[tuple[Matter, float]], at: datetime) -> list[int]:
    """Why each of these, with its end, is not told, in their order; all that is on record is read and written once."""
    if not matters:
        return []
    first, last = min(one.started for one, _ in matters), max(ended for _, ended in matters)
    spans = _spans(picture, _windows(first, last))
    late = LateDrops(picture, [one for one, _ in matters if is_late(one, at)])
    again = [note_drop(picture, one, at, late) for one, _ in matters]
    late.write()
    return [
        UNSTABLE if known else MAINTENANCE if spans and _covered(picture, one, ended, _in_time(spans, one, ended)) else 0
        for known, (one, ended) in zip(again, matters, strict=True)
    ]


def _in_time(spans: Iterable[tuple[slice, Window]], matter: Matter, ended: float) -> Iterable[tuple[slice, Window]]:
    begun, over = moment(matter.started), moment(ended) + timedelta(seconds=1)
    return (pair for pair in spans if pair[1].end > begun and pair[1].start < over)


def in_maintenance(picture: Picture, matter: Matter, spans: Iterable[tuple[slice, Window]]) -> bool:
    """Whether the outage began in a window that covers it; one that was there before the work is told."""
    early = float(picture.forest.wait[matter.place])
    return any(span.start <= matter.place < span.stop and matter.started >= window.start.timestamp() - early for span, window in spans)


def unheard(picture: Picture, place: int, now: float) -> bool:
    """Whether an outage above lasts or has just ended: what is known of the object is of before it, and its record is on the way."""
    patient = now - PATIENCE * float(picture.forest.wait[place])
    above = (one for one in picture.matters.values() if one.place < place < picture.forest.end[one.place])
    return any(one.ended is None or one.ended > patient for one in above)


def is_late(matter: Matter, at: datetime) -> bool:
    """Whether it had left sight when it became known."""
    return at.timestamp() - matter.started > SIGHT_S


def note_drop(picture: Picture, matter: Matter, at: datetime, late: LateDrops | None = None) -> bool:
    """Count one drop of a root. True when it belongs to an instability that was open before it. `late`: whoever gives it writes it."""
    if is_late(matter, at):
        if late is not None:
            return late.note(matter)
        late = LateDrops(picture, [matter])
        known = late.note(matter)
        late.write()
        return known
    place = matter.place
    picture.flaps.note(np.array([place]), np.array([matter.started]))
    if place in picture.unstable:
        pk, _ = picture.unstable[place]
        picture.unstable[place] = pk, max(at.timestamp(), matter.started)
        Instability.objects.filter(pk=pk).update(drops=F("drops") + 1)
        return True
    if picture.flaps.unstable[place]:
        _open(picture, matter, at)
    return False


def _open(picture: Picture, matter: Matter, at: datetime) -> None:
    """The drop that makes it too many is told, as the one matter that stands for those to come."""
    drops = int(np.bitwise_count(picture.flaps.history[matter.place]))
    row = Instability.objects.create(object_id=int(picture.forest.ids[matter.place]), started_at=moment(matter.started), drops=drops)
    picture.unstable[matter.place] = row.pk, at.timestamp()


def close_steady(picture: Picture, at: datetime) -> list[int]:
    """Instabilities whose object has neither come nor gone for long enough end; returns their places. What is not heard is not steady."""
    now = at.timestamp()
    closed = [place for place, (_, changed) in picture.unstable.items() if now - changed >= STEADY_S and not unheard(picture, place, now)]
    for place in closed:
        pk, changed = picture.unstable.pop(place)
        Instability.objects.filter(pk=pk).update(ended_at=moment(changed))
        picture.flaps.history[place], picture.flaps.unstable[place] = 0, False
    return closed
