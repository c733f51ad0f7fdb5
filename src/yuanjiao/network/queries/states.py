"""Reads of the present state. What an edge hears is believed up to its watermark; afterwards it is unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db.models import Case, Count, DateTimeField, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.counting.reading import number_of
from yuanjiao.network.models import Lifecycle, Liveness, ManagedObject, Site, State, StateChange, Watermark
from yuanjiao.network.queries.roll import AFTER, ROLL, DayRoll, Land
from yuanjiao.network.rules.rates import DOWN, UP, Ints
from yuanjiao.people.queries import within

T = TypeVar("T", bound=ManagedObject)
DELIVERY_S = 30.0
"""How long an edge's word may take to arrive (journal and batch), in seconds, before its sites become unknown."""

LATE = timedelta(minutes=15)
"""A record that is so far behind what its edge says may tell of what has long been over."""


@dataclass(frozen=True)
class StateNow:
    """An object's state, since when (None: always), and its last beat as far as it is recorded."""

    state: str
    since: datetime | None
    last_heard_at: datetime | None


@dataclass(frozen=True)
class SiteCounts:
    """Sites by state at one moment. `never` (part of `unknown`) has never been heard; `suspended` is outside the total."""

    total: int
    up: int
    down: int
    unknown: int
    never: int
    suspended: int


@dataclass(frozen=True)
class DarkSite:
    """One site that is dark now."""

    object_id: int
    code: str
    name: str
    path: str
    since: datetime
    last_heard_at: datetime | None


def allowance() -> timedelta:
    """How old an edge's watermark may be while its word still stands."""
    return timedelta(seconds=settings.BEAT_PERIOD_S + settings.BEAT_GRACE_S + DELIVERY_S)


def stale_observers(at: datetime) -> dict[UUID, datetime | None]:
    """Edges whose record is not complete up to `at`: observer → until when it is (None: not at all)."""
    late = Q(held_at=None) | Q(held_at__lt=at - allowance())
    return dict(Watermark.objects.filter(late).values_list("observer", "held_through"))


def catching_up(at: datetime) -> list[UUID]:
    """Observers that are heard at `at` and whose record is on its way, long after what it tells. One that is always some minutes
    late, on a thin line, is not among them: nobody would ever be told of its sites."""
    since = at - allowance()
    rows = Watermark.objects.filter(Q(held_at=None) | Q(held_at__lt=since), said_at__gte=since)
    late = Q(held_through=None) | Q(held_through__lt=F("said_through") - LATE)
    return list(rows.filter(late).values_list("observer", flat=True))


def _believed(stale: Iterable[UUID], prefix: str = "liveness__") -> Case:
    unheard = When(**{f"{prefix}observer__in": list(stale)}, then=Value(State.UNKNOWN.value))
    return Case(unheard, default=Coalesce(F(f"{prefix}state"), Value(State.UNKNOWN.value)))


def with_state(rows: QuerySet[T], *, at: datetime) -> QuerySet[T]:
    """Add `state`, `state_since`, `heard_at` to every object of the query: one join, whatever its size."""
    stale = stale_observers(at)
    since = Case(
        *(When(liveness__observer=observer, then=Value(through, output_field=DateTimeField())) for observer, through in stale.items()),
        default=F("liveness__since"),
        output_field=DateTimeField(),
    )
    answer: QuerySet[T] = rows.annotate(state=_believed(stale), state_since=since, heard_at=F("liveness__last_heard_at"))
    return answer


def state_now(objects: Iterable[int], *, at: datetime) -> dict[int, StateNow]:
    """The present state of the objects with these ids; every id is answered, one never heard of as unknown."""
    stale = stale_observers(at)
    answer = {pk: StateNow(State.UNKNOWN, None, None) for pk in objects}
    for row in Liveness.objects.filter(object__in=list(answer)):
        if row.observer in stale:
            answer[row.object_id] = StateNow(State.UNKNOWN, stale[row.observer], row.last_heard_at)
        else:
            answer[row.object_id] = StateNow(row.state, row.since, row.last_heard_at)
    return answer


def site_counts(path: str, *, at: datetime) -> SiteCounts:
    """Counts of the sites under one division path: from the roll and the counters where this process keeps them, else from the rows."""
    return _counted(path, at) or counts_from_rows(path, at=at)


def _counted(path: str, at: datetime) -> SiteCounts | None:
    found = _on_roll(at)
    if found is None:
        return None
    roll, land, heard, state = found
    low, high = roll.runs(land, [path])
    here = slice(int(low[0]), int(high[0]))
    serving = ~roll.suspended[here]
    total, up, down, told = (
        int(np.count_nonzero(serving & chosen[here])) for chosen in (~roll.suspended, state == UP, state == DOWN, heard)
    )
    return SiteCounts(total, up, down, total - up - down, total - told, len(serving) - total)


def _on_roll(at: datetime) -> tuple[DayRoll, Land, NDArray[np.bool_], NDArray[np.int8]] | None:
    """Who counts today, whether there is any word on each of them, and the present state as it is believed (UP, DOWN, 0)."""
    found = ROLL.day(int(at.timestamp()))
    present = None if found is None else COUNTERS.present()
    if found is None or present is None:
        return None
    roll, land = found
    heard, observer = _of(present.since, roll.ids) > 0, _of(present.observer, roll.ids)
    stale = np.isin(observer, [number_of(one) for one in stale_observers(at)])
    return roll, land, heard, np.where(heard & ~stale, _of(present.state, roll.ids), np.int8(0))


def _of(column: NDArray[Any], ids: Ints) -> NDArray[Any]:
    """What a column of the counters says of each site; 0 of one they have never heard of."""
    more = max(int(ids.max(initial=-1)) + 1 - len(column), 0)
    found: NDArray[Any] = (np.append(column, np.zeros(more, column.dtype)) if more else column)[ids]
    return found


@dataclass(frozen=True, eq=False)
class Working:
    """Sites that are up now, in the order of their places."""

    ids: Ints
    runs: Callable[[Sequence[str]], tuple[Ints, Ints]]
    """Places of `ids` [from, to) that stand under each path."""

    def under(self, places: Sequence[str], among: Ints | None = None) -> Ints:
        """How many stand under each of the places; of those `among` only."""
        chosen = np.ones(len(self.ids), bool) if among is None else np.isin(self.ids, among)
        before = np.concatenate(([0], np.cumsum(chosen)))
        low, high = self.runs(places)
        return before[high] - before[low]


def working_sites(paths: Iterable[str], *, at: datetime) -> Working:
    """The sites in service under the paths that are up now (with the roll: all that are up)."""
    found = _on_roll(at)
    if found is not None:
        roll, land, _, state = found
        up = (state == UP) & ~roll.suspended
        return Working(roll.ids[up], _runs_of_ranks(land, roll.ranks[up]))
    rows = with_state(Site.objects.filter(within("division__path", paths), lifecycle=Lifecycle.IN_SERVICE), at=at).filter(state=State.UP)  # type: ignore[misc]
    told = sorted((path.encode(), pk) for pk, path in rows.values_list("pk", "division__path"))
    return Working(np.array([pk for _, pk in told], np.int64), _runs_of_paths(np.array([path for path, _ in told], np.bytes_)))


Runs = Callable[[Sequence[str]], tuple[Ints, Ints]]


def _runs_of_ranks(land: Land, ranks: NDArray[np.int32]) -> Runs:
    def runs(places: Sequence[str]) -> tuple[Ints, Ints]:
        low, high = land.runs(places)
        return np.searchsorted(ranks, low), np.searchsorted(ranks, high)

    return runs


def _runs_of_paths(paths: NDArray[np.bytes_]) -> Runs:
    def runs(places: Sequence[str]) -> tuple[Ints, Ints]:
        low, high = (np.array([place.encode() + more for place in places], np.bytes_) for more in (b"", AFTER))
        return np.searchsorted(paths, low), np.searchsorted(paths, high)

    return runs


def counts_from_rows(path: str, *, at: datetime) -> SiteCounts:
    """The same from the rows, whatever has been counted."""
    rows = Site.objects.filter(within("division__path", [path]))
    serving = rows.filter(lifecycle=Lifecycle.IN_SERVICE).annotate(now=_believed(stale_observers(at)))
    found = serving.aggregate(
        total=Count("pk"),
        up=Count("pk", filter=Q(now=State.UP)),
        down=Count("pk", filter=Q(now=State.DOWN)),
        unknown=Count("pk", filter=Q(now=State.UNKNOWN)),
        never=Count("pk", filter=Q(liveness=None)),
    )
    return SiteCounts(**found, suspended=rows.filter(lifecycle=Lifecycle.SUSPENDED).count())


def dark_sites(paths: Iterable[str], *, at: datetime, limit: int | None = None) -> list[DarkSite]:
    """Sites in service that are down now, longest first; at most `limit`."""
    rows = Liveness.objects.filter(
        within("object__division__path", paths), state=State.DOWN, object__kind="site", object__lifecycle=Lifecycle.IN_SERVICE
    ).exclude(observer__in=list(stale_observers(at)))
    wanted = rows.order_by("since", "object__code").values_list(
        "object_id", "object__code", "object__name", "object__division__path", "since", "last_heard_at"
    )
    return [DarkSite(*row) for row in wanted[:limit]]


def dark_since(path: str, *, at: datetime) -> datetime | None:
    """Since when the site under a path that is dark longest has been dark; None when none is."""
    rows = Liveness.objects.filter(state=State.DOWN, object__kind="site", object__lifecycle=Lifecycle.IN_SERVICE)
    rows = rows.filter(within("object__division__path", [path])).exclude(observer__in=list(stale_observers(at)))
    return rows.order_by("since").values_list("since", flat=True).first()


def recording_since() -> datetime | None:
    """When the first state that is on record here began; None when nothing was ever heard. No time before it can be compared."""
    return StateChange.objects.order_by("pk").values_list("at", flat=True).first()


def own_observer() -> UUID:
    """The uid under which this machine observes."""
    return own_node().uid


@dataclass(frozen=True)
class BelowCounts:
    """Sites in service that hang on one object, directly or not, by state."""

    up: int
    down: int
    unknown: int


def counts_below(ids: Iterable[int], *, at: datetime) -> dict[int, BelowCounts]:
    """Object id → counts of the sites below it (at most three steps), for the ids asked; one query per step."""
    wanted = list(ids)
    state = _believed(stale_observers(at))
    sums: dict[int, dict[str, int]] = {pk: {"up": 0, "down": 0, "unknown": 0} for pk in wanted}
    for depth in range(1, 4):
        above = "__".join(["depends_on"] * depth) + "_id"
        rows = Site.objects.filter(lifecycle=Lifecycle.IN_SERVICE, **{f"{above.removesuffix('_id')}__in": wanted})
        for pk, name, count in rows.annotate(now=state).order_by().values_list(above, "now").annotate(count=Count("pk")):
            sums[pk][name] += count
    return {pk: BelowCounts(**found) for pk, found in sums.items()}


def story(subject: ManagedObject, *, limit: int) -> list[StateChange]:
    """The newest state spans of one object, newest first."""
    return list(StateChange.objects.filter(object=subject.pk).order_by("-at", "-id")[:limit])
