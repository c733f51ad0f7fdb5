"""What the diagnosis keeps in memory between two turns: the tree, present states, open outages. Read anew when it is not so any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db.models import Count, F, Max, QuerySet, TextField
from django.db.models.functions import Cast
from numpy.typing import NDArray

from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.network.counting.reading import Epoch, number_of
from yuanjiao.network.live import Flaps
from yuanjiao.network.live.flaps import SLOT_S, SLOTS, calm
from yuanjiao.network.models import (
    Hold,
    Instability,
    Lifecycle,
    Liveness,
    ManagedObject,
    Outage,
    OutageVerdict,
    State,
    StateChange,
    edits_between,
    version_number,
)
from yuanjiao.network.rules.causes import EDGE, KINDS, SITE, Forest, Places, Rule, Seconds, plant

NEVER, UNKNOWN, UP, DOWN = -1, 0, 1, 2
STATES = {"unknown": UNKNOWN, "up": UP, "down": DOWN}
AT_ONCE = 500
HOLDS = ("", Hold.EVIDENCE.value, Hold.UNSTABLE.value, Hold.MAINTENANCE.value)
EVIDENCE, UNSTABLE, MAINTENANCE = 1, 2, 3
"""Why a root is not told, as numbers."""
Stamp = tuple[int, object, object, object]
LARGE, LARGE_READ_S = 100_000, 60.0


@dataclass
class Matter:
    """One root outage: open, or ended and still explaining something that is dark. `backs`: when those it explained came back;
    `behind`: it was explained by another that has ended; `found`: what the rules said of it last, and `members` of whom."""

    pk: int
    place: int
    started: float
    ended: float | None = None
    derived: bool = False
    play: bool = False
    behind: bool = False
    rule: str = ""
    sure: float = 0.0
    settled: bool = False
    fault: str = ""
    affected: int = 1
    found: tuple[Rule, int] | None = None
    members: Places = field(default_factory=lambda: np.zeros(0, np.int64))
    backs: list[float] = field(default_factory=list)


@dataclass
class Picture:
    """Arrays by place of the forest. Times are seconds since 1970 UTC; NaN where there is none.

    `silent`, `lo`, `hi`: since when an object's own beats are missing, and the bounds of that. `outage`: key of its open outage (0: none),
    `root`: key of the outage that explains it (0: it is a root), `hold`: why it is not told, `play`: it beats and cannot play.
    """

    forest: Forest
    state: NDArray[np.int8]
    observer: NDArray[np.int32]
    silent: Seconds
    lo: Seconds
    hi: Seconds
    started: Seconds
    outage: Places
    root: Places
    hold: NDArray[np.int8]
    play: NDArray[np.bool_]
    flaps: Flaps
    matters: dict[int, Matter] = field(default_factory=dict)
    unstable: dict[int, tuple[int, float]] = field(default_factory=dict)
    """Place → key of the open instability, and when the object last came or went."""
    stamp: Stamp = (-1, None, None, None)
    read_at: float = 0.0
    tested_id: int = 0
    weighed_at: float = 0.0
    unsettled: list[Matter] = field(default_factory=list)
    """Edges that are back and whose own record is still awaited."""
    heard_ids: Places | None = None
    heard_places: Places = field(default_factory=lambda: np.zeros(0, np.int64))

    def holds(self, found: Stamp, now: float) -> bool:
        """Whether this is still how things are. Names and places may change; a very large register whose tree is being edited is not
        read again at each edit."""
        if found == self.stamp:
            return True
        if found[1:] != self.stamp[1:]:
            return False
        keys = edits_between(self.stamp[0], found[0])
        if keys is not None and _stands(self.forest, keys):
            self.stamp = found
            return True
        return len(self.forest) > LARGE and 0 <= now - self.read_at < LARGE_READ_S

    def left(self) -> None:
        """A turn has written outages: they are as it left them. An edit of the register that came meanwhile has still to be read."""
        self.stamp = (self.stamp[0], *stamp()[1:])

    def forget(self, place: int | Places) -> None:
        """The outage of this place, or of these, is no longer open."""
        self.outage[place] = self.root[place] = 0
        self.silent[place] = self.lo[place] = self.hi[place] = self.started[place] = np.nan
        self.hold[place], self.play[place] = 0, False

    def explained_by(self, pk: int) -> Places:
        """Open outages that this outage explains."""
        return np.flatnonzero((self.root == pk) & (self.outage > 0))


def stamp() -> Stamp:
    """What must be as it was left for the memory to be believed: the register, this machine, the open outages."""
    open_ = Outage.objects.filter(ended_at=None).aggregate(count=Count("pk"), newest=Max("pk"))
    return version_number(), own_node().uid, open_["count"], open_["newest"]


def read_picture(now: float) -> Picture:
    """Everything from the rows. What is edited meanwhile is newer than the stamp."""
    found, forest = stamp(), _forest()
    size = len(forest)
    empty = np.full(size, np.nan)
    picture = Picture(
        forest=forest,
        state=np.full(size, NEVER, np.int8),
        observer=np.full(size, -1, np.int32),
        silent=empty.copy(),
        lo=empty.copy(),
        hi=empty.copy(),
        started=empty.copy(),
        outage=np.zeros(size, np.int64),
        root=np.zeros(size, np.int64),
        hold=np.zeros(size, np.int8),
        play=np.zeros(size, np.bool_),
        flaps=calm(size),
        stamp=found,
        read_at=now,
    )
    _states(picture)
    _outages(picture)
    _matters(picture)
    _unstable(picture, now)
    return picture


def _forest() -> Forest:
    ids, kinds, parents, period, wait = _in_service(ManagedObject.objects.order_by("pk"))
    return plant(ids.astype(np.int64), kinds.astype(np.int64), parents.astype(np.int64), period, wait)


def _in_service(rows: QuerySet[ManagedObject]) -> Seconds:
    """Columns (key, kind, key of the parent or 0, period, wait) of those that are in service."""
    fields = rows.filter(lifecycle=Lifecycle.IN_SERVICE).values_list("pk", "kind", "depends_on_id", "period_s", "grace_s")
    table = [
        (pk, KINDS.index(kind), up or 0, period or settings.BEAT_PERIOD_S, settings.BEAT_GRACE_S if grace is None else grace)
        for pk, kind, up, period, grace in fields.iterator(chunk_size=20_000)
    ]
    ids, kinds, parents, period, grace = np.array(table, np.float64).reshape(-1, 5).T
    return np.array((ids, kinds, parents, period, period + grace))


def _stands(forest: Forest, keys: Sequence[int]) -> bool:
    """Whether what the register says of these objects is what the forest has of them; of very many nobody asks."""
    if len(keys) > AT_ONCE:
        return False
    ids, kinds, parents, period, wait = _in_service(ManagedObject.objects.filter(pk__in=keys))
    place = forest.places(ids)
    if len(ids) != (forest.places(keys) >= 0).sum() or (place < 0).any():
        return False
    above = forest.parent[place]
    has = np.array((forest.kind[place], np.where(above >= 0, forest.ids[above], 0), forest.period[place], forest.wait[place]))
    return np.array_equal(has, np.array((kinds, np.where(forest.places(parents) >= 0, parents, 0), period, wait)))


def _states(picture: Picture) -> None:
    rows = Liveness.objects.values_list("object_id", "state", Cast("observer", TextField()))
    numbers: dict[str, int] = {}
    for part in _parts(rows.iterator(chunk_size=20_000)):
        for _, _, who in part:
            if who not in numbers:
                numbers[who] = number_of(UUID(who))
        place = picture.forest.places([pk for pk, _, _ in part])
        inside = place >= 0
        picture.state[place[inside]] = np.array([STATES[state] for _, state, _ in part], np.int8)[inside]
        picture.observer[place[inside]] = np.array([numbers[who] for _, _, who in part], np.int32)[inside]


def _parts(rows: Iterable[tuple[object, ...]], size: int = 50_000) -> Iterable[list[tuple]]:  # type: ignore[type-arg]
    part = []
    for row in rows:
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def _outages(picture: Picture) -> None:
    """What is open. The outage of what is not in service is ended by the next turn, which looks for it in the rows."""
    rows = Outage.objects.filter(ended_at=None).values_list(
        "object_id", "pk", "root_id", Epoch(F("started_at")), Epoch(F("started_lo")), Epoch(F("started_hi")), "held_for", "sign"
    )
    for part in _parts(rows.iterator(chunk_size=20_000)):
        place = picture.forest.places([row[0] for row in part])
        inside = np.flatnonzero(place >= 0)
        place = place[inside]
        chosen = [part[number] for number in inside]
        picture.outage[place] = [row[1] for row in chosen]
        picture.root[place] = [row[2] or 0 for row in chosen]
        for column, number in ((picture.started, 3), (picture.lo, 4), (picture.hi, 5)):
            column[place] = [row[number] for row in chosen]
        picture.hold[place] = [HOLDS.index(row[6]) for row in chosen]
        picture.play[place] = [row[7] == "play" for row in chosen]
    own = (picture.outage > 0) & ~picture.play & (picture.forest.kind == SITE)
    picture.silent[own] = picture.started[own]
    _silent_edges(picture)


def _silent_edges(picture: Picture) -> None:
    """An edge's outage may be its own silence or be derived from its sites': its rows say which, as far as they are judged."""
    edges = np.flatnonzero((picture.outage > 0) & (picture.forest.kind == EDGE))
    for part in batches(picture.forest.ids[edges].tolist()):
        rows = StateChange.objects.filter(object__in=part, judged=True).order_by("at", "id")
        for pk, state, at in rows.values_list("object_id", "state", Epoch(F("at"))):
            place = int(picture.forest.places([pk])[0])
            if state == State.UP:
                picture.silent[place] = np.nan
            elif state == State.DOWN and np.isnan(picture.silent[place]):
                picture.silent[place] = float(at)


def _matters(picture: Picture) -> None:
    """Roots that are open, and ended ones that something open still hangs on."""
    tops = np.flatnonzero((picture.outage > 0) & (picture.root == 0))
    derived = picture.outage[tops[np.isnan(picture.silent[tops]) & ~picture.play[tops]]]
    wanted = {*picture.outage[tops].tolist(), *picture.root[picture.root > 0].tolist()}
    fields = ("pk", "object_id", Epoch(F("started_at")), Epoch(F("ended_at")), "fault_class", "affected_count")
    for part in batches(wanted):
        for pk, subject, started, ended, fault, affected in Outage.objects.filter(pk__in=part).values_list(*fields):
            place = int(picture.forest.places([subject])[0])
            play = bool(place >= 0 and picture.play[place])
            picture.matters[pk] = Matter(pk, place, float(started), ended, play=play, fault=fault, affected=affected)
        verdicts = OutageVerdict.objects.filter(outage__in=part).order_by("at", "pk")
        for pk, rule, settled, sure in verdicts.values_list("outage_id", "rule", "settled", "confidence"):
            matter = picture.matters[pk]
            matter.rule, matter.sure, matter.settled = rule, sure, settled or matter.settled
    for pk in derived.tolist():
        picture.matters[pk].derived = True
    for part in batches(pk for pk, matter in picture.matters.items() if matter.derived or matter.play):
        rows = Outage.objects.filter(root__in=part, ended_at__isnull=False).values_list("root_id", Epoch(F("ended_at")))
        for pk, ended in rows:
            picture.matters[pk].backs.append(float(ended))


def _unstable(picture: Picture, now: float) -> None:
    """Drops of the last while, as far as they were roots; and what is unstable by the rows."""
    rows = Outage.objects.filter(root=None, started_at__gte=datetime.fromtimestamp(now - SLOTS * SLOT_S, UTC)).values_list(
        "object_id", Epoch(F("started_at"))
    )
    table = np.array(list(rows), np.int64).reshape(-1, 2)
    place = picture.forest.places(table[:, 0])
    inside = place >= 0
    picture.flaps.note(place[inside], table[inside, 1].astype(np.float64))
    picture.flaps.unstable[:] = False
    for pk, subject in Instability.objects.filter(ended_at=None).values_list("pk", "object_id"):
        where = int(picture.forest.places([subject])[0])
        if where >= 0:
            picture.unstable[where] = (pk, now)
            picture.flaps.unstable[where] = True


def batches(keys: Iterable[int]) -> Iterable[list[int]]:
    """The keys in lists that a database takes as one parameter list."""
    ordered = sorted(keys)
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))
