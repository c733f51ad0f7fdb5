"""Drops that became known after they had left sight (an edge was cut off): each is judged by what was on record before it."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F

from yuanjiao.network.counting.reading import Epoch
from yuanjiao.network.diagnosis.picture import Matter, Picture, batches
from yuanjiao.network.diagnosis.record import moment
from yuanjiao.network.live.flaps import OPENS, SLOT_S, SLOTS
from yuanjiao.network.models import Instability, Outage
from yuanjiao.network.rules.steadiness import STEADY_S

SIGHT_S = SLOTS * SLOT_S
"""So long ago a drop is in sight of the live array, in seconds."""


@dataclass
class Span:
    """One instability that is over; times in whole seconds since 1970. `pk`: None before it is a row, `more`: drops added to it."""

    pk: int | None
    started: int
    ended: int
    drops: int = 0
    more: int = 0


class LateDrops:
    """What is on record about the objects of these matters: read at once, added to drop by drop in their order, written at once."""

    def __init__(self, picture: Picture, matters: Sequence[Matter]) -> None:
        self.ids = picture.forest.ids
        self.starts: dict[int, list[int]] = defaultdict(list)
        self.spans: dict[int, list[Span]] = defaultdict(list)
        if matters:
            subjects = {self._subject(one) for one in matters}
            times = [one.started for one in matters]
            self._read(subjects, min(times), max(times))

    def _subject(self, matter: Matter) -> int:
        return int(self.ids[matter.place])

    def _read(self, subjects: Iterable[int], first: float, last: float) -> None:
        since, until = moment(first), moment(last)
        for part in batches(subjects):
            rows = Outage.objects.filter(object__in=part, root=None, sign="silence", started_at__lte=until)
            rows = rows.filter(started_at__gt=since - timedelta(seconds=SIGHT_S)).order_by("started_at")
            for subject, started in rows.values_list("object_id", Epoch(F("started_at"))):
                self.starts[subject].append(int(started))
            over = Instability.objects.filter(object__in=part, started_at__lte=until, ended_at__gte=since - timedelta(seconds=STEADY_S))
            for pk, subject, *times in over.order_by("pk").values_list("pk", "object_id", Epoch(F("started_at")), Epoch(F("ended_at"))):
                self.spans[subject].append(Span(pk, *map(int, times)))

    def note(self, matter: Matter) -> bool:
        """Count one drop. True when it belongs to an instability that was there before it."""
        subject, begun = self._subject(matter), int(matter.started)
        ended = begun if matter.ended is None else int(matter.ended)
        insort(self.starts[subject], begun)
        for span in self.spans[subject]:
            if span.started <= begun <= span.ended + STEADY_S:
                span.more, span.ended = span.more + 1, max(span.ended, ended)
                return True
        starts = self.starts[subject]
        lately = starts[bisect_right(starts, begun - SIGHT_S) : bisect_right(starts, begun)]
        slots = {started // SLOT_S for started in lately}
        if len(slots) >= OPENS:
            self.spans[subject].append(Span(None, begun, ended, len(slots)))
        return False

    def write(self) -> None:
        """What was added goes into the rows."""
        born = []
        for subject, spans in self.spans.items():
            for one in spans:
                if one.pk is None:
                    times = {"started_at": moment(one.started), "ended_at": moment(one.ended)}
                    born.append(Instability(object_id=subject, drops=one.drops + one.more, **times))
                elif one.more:
                    Instability.objects.filter(pk=one.pk).update(drops=F("drops") + one.more, ended_at=moment(one.ended))
        Instability.objects.bulk_create(born, batch_size=500)
