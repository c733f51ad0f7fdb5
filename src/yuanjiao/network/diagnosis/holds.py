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


def worked_on(picture: Picture, over: Sequence[tuple[Matter, float]]) -> list[bool]:
    """Whether each outage that is over, given with its end, lay in announced work from its beginning to its end. It may be told long
    after: by the windows of its own time, not of this turn's."""
    if not over:
        return []
    first, last = min(one.started for one, _ in over), max(ended for _, ended in over)
    spans = _spans(picture, windows_between(moment(first), moment(last) + timedelta(seconds=1)))
    return [bool(spans) and _covered(picture, one, ended, spans) for one, ended in over]


def _covered(picture: Picture, matter: Matter, ended: float, spans: Iterable[tuple[slice, Window]]) -> bool:
    begun, over = moment(matter.started), moment(ended) + timedelta(seconds=1)
    covered, early = 0.0, float(picture.forest.wait[matter.place])
    for span, window in spans:  # in the order of their beginning: work that takes longer is announced once more
        if window.end <= begun or window.start >= over:
            continue
        begins = covered or matter.started + early
        if span.start <= matter.place < span.stop and window.start.timestamp() <= begins:
            covered = max(covered, window.end.timestamp())
    return covered >= ended


def of_past(picture: Picture, over: Sequence[tuple[Matter, float]], at: datetime) -> list[int]:
    """Why each of these, with its end, is not told."""
    again, worked = note_drops(picture, [one for one, _ in over], at), worked_on(picture, over)
    return [UNSTABLE if known else MAINTENANCE if announced else 0 for known, announced in zip(again, worked, strict=True)]


def in_maintenance(picture: Picture, matter: Matter, spans: Iterable[tuple[slice, Window]]) -> bool:
    """Whether the outage began in a window that covers it; one that was there before the work is told."""
    early = float(picture.forest.wait[matter.place])
    return any(span.start <= matter.place < span.stop and matter.started >= window.start.timestamp() - early for span, window in spans)


def unheard(picture: Picture, place: int, now: float) -> bool:
    """Whether an outage above lasts or has just ended: what is known of the object is of before it, and its record is on the way."""
    patient = now - PATIENCE * float(picture.forest.wait[place])
    above = (one for one in picture.matters.values() if one.place < place < picture.forest.end[one.place])
    return any(one.ended is None or one.ended > patient for one in above)


def note_drops(picture: Picture, matters: Sequence[Matter], at: datetime) -> list[bool]:
    """Count one drop of each of these roots, in their order. True for what belongs to an instability that was open before it."""
    late = LateDrops(picture, [one for one in matters if _is_late(one, at)])
    again = [late.note(one) if _is_late(one, at) else _note_drop(picture, one, at) for one in matters]
    late.write()
    return again


def _is_late(matter: Matter, at: datetime) -> bool:
    """Whether it had left sight when it became known."""
    return at.timestamp() - matter.started > SIGHT_S


def _note_drop(picture: Picture, matter: Matter, at: datetime) -> bool:
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
