"""The live array: when everything was last heard, in memory. Beats only ever change numbers here; transitions become rows.

One `LiveArray` is loaded from the register and the last states; the intake updates it, the sweep reads it. Invariants:

- The moment of receipt decides silence, never a device's clock.
- Silence counts from the last beat or from where listening began, whichever is later: a deaf monitor accuses nobody.
- What was never heard is unknown for ever, not down: there is no moment from which it could be down.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import subjects_with_a_node
from yuanjiao.network.models import Lifecycle, Liveness, ManagedObject, Site

UNKNOWN, UP, DOWN = 0, 1, 2
STATE_CODES = {"unknown": UNKNOWN, "up": UP, "down": DOWN}
STATE_NAMES = ("unknown", "up", "down")
RELOAD_S, STRANGER_S = 60.0, 15.0
MINE, SERVING = 1, 2
"""Flags: this machine is the nearest observer; the object is in service."""


@dataclass(frozen=True)
class Transition:
    """One object's new state. Times are seconds since 1970 UTC; 0 is "not known"."""

    code: str
    state: str
    at: float
    heard: float
    latest: float
    reason: str


@dataclass(frozen=True)
class Word:
    """The newest word of one edge about itself: its record is complete to `through` (our clock) at journal entry `seq`."""

    code: str
    through: float
    seq: int
    boot_at: float
    offset_s: float


@dataclass
class LiveArray:
    """Parallel arrays over all objects of the register, by place; `places` finds a place by code."""

    places: dict[str, int] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    last: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    back: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    since: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    period: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    grace: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    state: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    flags: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    parent: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    offset: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    witness: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """When a site that an edge speaks for last beat straight to us: evidence, never a state."""
    listening_since: float = 0.0
    _below: dict[int, dict[str, int]] = field(default_factory=dict)

    def hear(self, place: int, at: float) -> None:
        """One beat received at `at`. A repeated or reordered one changes nothing."""
        if at > self.last[place]:
            self.last[place] = at
            if self.state[place] != UP and not self.back[place]:
                self.back[place] = at

    def hear_many(self, places: NDArray[np.int64], at: NDArray[np.float64]) -> None:
        """Many beats at once; a place may occur more than once."""
        np.maximum.at(self.last, places, at)
        fresh = places[(self.state[places] != UP) & (self.back[places] == 0)]
        self.back[fresh] = self.last[fresh]

    def below(self, place: int) -> dict[str, int]:
        """Code → place of everything that hangs on an object, however far down."""
        if place not in self._below:
            inside = np.zeros(len(self.codes), np.bool_)
            inside[place] = True
            for _ in range(10):
                inside |= (self.parent >= 0) & inside[self.parent]
            self._below[place] = {self.codes[i]: int(i) for i in np.flatnonzero(inside) if i != place}
        return self._below[place]

    def leave_to(self, place: int) -> None:
        """What hangs below an edge that has begun to speak for itself is judged by that edge, not here."""
        below = np.fromiter(self.below(place).values(), np.int64)
        self.flags[below] &= ~np.uint8(MINE)

    def sweep(self, now: float) -> list[Transition]:
        """What changed state by `now`: back by a beat, or silent for longer than period and grace."""
        judged = self.flags == MINE | SERVING
        back = np.flatnonzero(judged & (self.state != UP) & (self.back > 0))
        silent_since = np.maximum(self.last, self.listening_since)
        known = (self.last > 0) | (self.since > 0)
        overdue = now - silent_since > self.period + self.grace
        gone = np.flatnonzero(judged & (self.state != DOWN) & (self.back == 0) & known & overdue)
        ups = [self._transition(int(i), UP, float(self.back[i]), "beat") for i in back]
        downs = [self._transition(int(i), DOWN, float(max(silent_since[i], self.since[i])), "silence") for i in gone]
        return [*ups, *downs]

    def _transition(self, place: int, state: int, at: float, reason: str) -> Transition:
        latest = at + float(self.period[place]) if state == DOWN else at
        return Transition(self.codes[place], STATE_NAMES[state], at, float(self.last[place]), latest, reason)

    def settle(self, transitions: Sequence[Transition]) -> None:
        """The transitions are in the journal: the array now says the same."""
        for change in transitions:
            place = self.places[change.code]
            self.state[place], self.since[place] = STATE_CODES[change.state], change.at
            heard_meanwhile = change.state == "down" and self.last[place] > change.heard
            self.back[place] = self.last[place] if heard_meanwhile else 0.0

    def forget(self, now: float) -> None:
        """Nothing was heard up to `now`: all that this machine observes is unknown, and silence counts anew."""
        mine = (self.flags & MINE) != 0
        self.state[mine], self.back[mine] = UNKNOWN, 0.0
        self.listening_since = now


@dataclass(frozen=True)
class _Row:
    pk: int
    code: str
    kind: str
    lifecycle: str
    period_s: int | None
    grace_s: int | None
    depends_on: int | None


def load(own: Node, *, top: bool) -> LiveArray:
    """The array for this machine. `top`: the centre or solo, which also hears what hangs on no edge."""
    fields = ("pk", "code", "kind", "lifecycle", "period_s", "grace_s", "depends_on_id")
    rows = [_Row(*row) for row in ManagedObject.objects.order_by("pk").values_list(*fields)]
    keys = dict(Site.objects.values_list("pk", "beat_key"))
    live = LiveArray(
        places={row.code: place for place, row in enumerate(rows)},
        codes=[row.code for row in rows],
        keys=[keys.get(row.pk, "").encode() for row in rows],
        ids=np.array([row.pk for row in rows], np.int64),
        last=np.zeros(len(rows)),
        back=np.zeros(len(rows)),
        since=np.zeros(len(rows)),
        period=np.array([row.period_s or settings.BEAT_PERIOD_S for row in rows], np.float32),
        grace=np.array([settings.BEAT_GRACE_S if row.grace_s is None else row.grace_s for row in rows], np.float32),
        state=np.zeros(len(rows), np.uint8),
        flags=_flags(rows, own, top=top),
        parent=_parents(rows),
        offset=np.zeros(len(rows), np.float32),
        witness=np.zeros(len(rows)),
    )
    _restore(live)
    return live


def _parents(rows: Sequence[_Row]) -> NDArray[np.int32]:
    place = {row.pk: index for index, row in enumerate(rows)}
    return np.array([place.get(row.depends_on or 0, -1) for row in rows], np.int32)


def _flags(rows: Sequence[_Row], own: Node, *, top: bool) -> NDArray[np.uint8]:
    """The nearest observer of an object is the first edge above it that runs a node, else the top. Lines do not beat."""
    alive = subjects_with_a_node()
    by_pk = {row.pk: row for row in rows}
    wanted = "" if top else own.subject_code

    def observer(row: _Row) -> str:
        for _ in range(10):
            above = by_pk.get(row.depends_on or 0)
            if above is None:
                return ""
            if above.kind == "edge" and above.code in alive:
                return above.code
            row = above
        return ""

    def flag(row: _Row) -> int:
        mine = row.kind != "line" and (top or wanted != "") and observer(row) == wanted
        return MINE * mine | SERVING * (row.lifecycle == Lifecycle.IN_SERVICE)

    return np.array([flag(row) for row in rows], np.uint8)


def _restore(live: LiveArray) -> None:
    """States come back from the database; when the objects were last heard does not, and need not."""
    place = {int(pk): index for index, pk in enumerate(live.ids)}
    for pk, state, since in Liveness.objects.values_list("object_id", "state", "since"):
        index = place[pk]
        live.state[index], live.since[index] = STATE_CODES[state], since.timestamp()


def _carry_over(previous: LiveArray, live: LiveArray) -> None:
    both = [(old, live.places[code]) for code, old in previous.places.items() if code in live.places]
    if both:
        old, new = (np.array(side) for side in zip(*both, strict=True))
        live.last[new], live.back[new], live.offset[new] = previous.last[old], previous.back[old], previous.offset[old]
        live.witness[new] = previous.witness[old]
    live.listening_since = previous.listening_since


class Listener:
    """The live array of this process with the words of its edges. Intake and sweep run in different threads: `lock` is held for
    numbers only, never while the database is asked."""

    def __init__(self) -> None:
        self.array = LiveArray()
        self.words: dict[UUID, Word] = {}
        self.spoken: set[UUID] = set()
        self.loaded_at = 0.0
        self.swept_at = 0.0
        self.marked_at = 0.0
        self.started_at = 0.0
        self.stranger_at = 0.0
        self.lock = threading.RLock()

    def reload(self, own: Node, *, top: bool, now: float) -> None:
        """Read the register again; beats heard meanwhile are kept."""
        fresh = load(own, top=top)
        with self.lock:
            if self.loaded_at:
                _carry_over(self.array, fresh)
            self.array, self.loaded_at = fresh, now

    def wants_reload(self, now: float) -> bool:
        """Every minute, and soon after a code was named that the register did not have."""
        age = now - self.loaded_at
        return not self.loaded_at or age >= RELOAD_S or (self.stranger_at > self.loaded_at and age >= STRANGER_S)

    def take_words(self) -> list[tuple[UUID, Word]]:
        """What the edges said since the last call, and no more of it."""
        with self.lock:
            words, self.words = list(self.words.items()), {}
        return words

    def last_heard(self) -> dict[int, float]:
        """Object id → last beat, of all that was heard since the process began."""
        array = self.array
        heard = np.flatnonzero(array.last > 0)
        return dict(zip(array.ids[heard].tolist(), array.last[heard].tolist(), strict=True))


LISTENER = Listener()
"""The one listener of this process: one process owns the intake."""
