"""Proof of a published rate: the stories of its sites told anew from the journal's entries, and their seconds by plain arithmetic.

The journal gives what was observed; the register (placements, maintenance, rule versions) and how far each observer's record
reaches are read as they stand. None of the tables that events make is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from yuanjiao.flow.journal.queries import told_entries
from yuanjiao.lib import clock
from yuanjiao.network.counting.reading import OBSERVERS, record_ends
from yuanjiao.network.models import Lifecycle, ManagedObject, ObjectKind, Placement
from yuanjiao.network.queries.maintenance import windows_by_site
from yuanjiao.network.queries.population import paths_of
from yuanjiao.network.queries.rulings import rule_parts
from yuanjiao.network.rules.proof import Said, Seconds, Story, proved_seconds, served_spans
from yuanjiao.network.rules.rates import FOREVER
from yuanjiao.places.models import Division

CHANGED, DEAF, PLAYED = "network.state_changed/1", "network.deaf/1", "network.play_tested/1"
STEPS = 10


@dataclass(frozen=True)
class Proved:
    """One site's seconds as the journal gives them."""

    seconds: Seconds
    excluded: int
    maintenance: int


Spans = list[tuple[int, int, bool]]
"""(from, to, suspended) in seconds."""


class Proof:
    """The journal's answer for every site under a division in [start, end), from the entries that had arrived by a moment (None: all)."""

    def __init__(self, division: Division | str, start: datetime, end: datetime, *, received_by: datetime | None = None) -> None:
        self.first, self.last = int(start.timestamp()), int(end.timestamp())
        self._served = _service(division, start, end)
        self._stories, self._ends = _stories(set(self._served), received_by), _ends(received_by)
        self._gaps = {_code(key): spans for key, spans in windows_by_site(self.first, self.last).items()}
        self._parts = rule_parts(self.first, self.last)

    @property
    def codes(self) -> set[str]:
        """The sites that counted."""
        return set(self._served)

    def of(self, code: str, *, reach: int = FOREVER) -> Proved:
        """One site's seconds, nobody's record being believed beyond `reach`."""
        ends = {observer: min(end, reach) for observer, end in self._ends.items()}
        total, excluded, maintenance = Seconds(), 0, 0
        for begin, end, suspended in self._served[code]:
            served = [] if suspended else served_spans(begin, end, self._gaps.get(code, []))
            excluded += end - begin if suspended else 0
            maintenance += 0 if suspended else end - begin - sum(b - a for a, b in served)
            total = total.plus(self._seconds(code, served, ends))
        return Proved(total, excluded, maintenance)

    def _seconds(self, code: str, served: list[tuple[int, int]], ends: dict[str, int]) -> Seconds:
        total = Seconds()
        for part in self._parts:
            inside = [(max(a, part.start), min(b, part.end)) for a, b in served if max(a, part.start) < min(b, part.end)]
            total = total.plus(proved_seconds(self._stories[code], inside, ends, part.rule))
        return total

    def reach_for(self, code: str, unknown: int) -> int:
        """The latest moment at which the site's record must have ended for at least so many seconds to have been unknown."""
        low, high = self.first, self.last
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.of(code, reach=middle).seconds.unknown >= unknown else (low, middle - 1)
        return low


def _service(division: Division | str, start: datetime, end: datetime) -> dict[str, Spans]:
    """The spans of the period in which each site stood under the division and served, or was set apart by a decision."""
    first, last, paths = int(start.timestamp()), int(end.timestamp()), paths_of(division, start, end)
    found: dict[str, Spans] = defaultdict(list)
    rows = Placement.objects.filter(object__kind=ObjectKind.SITE, lifecycle__in=[Lifecycle.IN_SERVICE, Lifecycle.SUSPENDED])
    wanted = rows.values_list("object__code", "division__path", "lifecycle", "valid_from", "valid_to")
    for code, path, lifecycle, valid_from, valid_to in wanted:
        begin = max(int(clock.day_start(valid_from).timestamp()), first)
        until = last if valid_to is None else min(int(clock.day_start(valid_to).timestamp()), last)
        if path.startswith(paths) and begin < until:
            found[code].append((begin, until, lifecycle == Lifecycle.SUSPENDED))
    return found


def _stories(codes: set[str], received_by: datetime | None) -> dict[str, Story]:
    """Every entry in the order it came, told to the objects it speaks of."""
    stories: dict[str, Story] = defaultdict(Story)
    for order, (recorder, kind, said) in enumerate(told_entries([CHANGED, DEAF, PLAYED], received_by)):
        origin = str(recorder)
        if kind == CHANGED:
            for change in said["changes"]:
                if change["code"] in codes:
                    heard = _second(change["last"]) if change.get("last") else 0
                    stories[change["code"]].tell(Said(_second(change["at"]), order, change["state"], heard, origin))
        elif kind == DEAF:
            below = _below(said["edges"]) if said.get("edges") else None
            for code, story in stories.items():
                if below is None or code in below:
                    story.fall_silent(origin, _second(said["start"]), order)
        elif said["site"] in codes:
            stories[said["site"]].tests.append((_second(said["at"]), order, said["ok"]))
    return stories


def _second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _below(edges: list[str]) -> set[str]:
    """Codes of the edges and of all that hangs on them."""
    found, layer = set(edges), list(ManagedObject.objects.filter(code__in=edges).values_list("pk", flat=True))
    for _ in range(STEPS):
        rows = list(ManagedObject.objects.filter(depends_on__in=layer).values_list("pk", "code"))
        found |= {code for _, code in rows}
        layer = [pk for pk, _ in rows]
    return found


def _ends(received_by: datetime | None) -> dict[str, int]:
    ends, limit = record_ends(0), None if received_by is None else int(received_by.timestamp())
    names = {number: str(observer) for observer, number in OBSERVERS.items()}
    return {names[number]: end if limit is None else min(end, limit) for number, end in ends.items()}


def _code(key: int) -> str:
    return ManagedObject.objects.values_list("code", flat=True).get(pk=key)
