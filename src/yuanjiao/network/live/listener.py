"""The live array of this process, its register, the words of its edges, and when it did what."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import NodesVersion, forget_nodes, nodes_version, remember_nodes
from yuanjiao.flow.wire.auth import measure_beats_by
from yuanjiao.network.live import snapshot
from yuanjiao.network.live.array import LiveArray
from yuanjiao.network.live.brake import Brake
from yuanjiao.network.live.clocks import Undated
from yuanjiao.network.live.loading import load, place_of
from yuanjiao.network.live.words import MINE, THEIRS, Word
from yuanjiao.network.models import RegisterVersion

RELOAD_S = 3600.0
"""The register is read again when its version or the set of nodes has moved; and once an hour, whatever the version says."""
STALL_S = 10.0
"""An event loop that stood for longer has not listened."""
Version = tuple[int, NodesVersion]
NO_VERSION: Version = (-1, (0, 0, 0, 0, None))


class Listener:
    """Intake and sweep run in different threads: `lock` is held for numbers only, never while the database is asked."""

    def __init__(self) -> None:
        self.array = LiveArray()
        self.brake = Brake()
        self.words: dict[UUID, Word] = {}
        self.spoken: set[UUID] = set()
        self.rosters: dict[UUID, object] = {}
        self.lists: dict[UUID, object] = {}
        """What each node agreed to tell in the compact form, and what it last told in the long one (inputs/hearing.py)."""
        self.agreed = b""
        """The digest of our own roster under which the parent takes compact batches; empty until it has said so."""
        self.parent_seals = False
        """Whether the parent has said that it takes sealed batches."""
        self.charge: Callable[[LiveArray], NDArray[np.bool_]] | None = None
        """With several intakes: which objects this process judges; the others are somebody else's (network/leases.py)."""
        self.may_judge: Callable[[], bool] = lambda: True
        """Whether what is in our charge is certainly still ours."""
        self.charged: Callable[[], list[str]] = list
        """The codes at the top of what is in our charge; none where that is everything."""
        self.version = self.seen = NO_VERSION
        """What was read, and what was seen last: nodes are remembered no longer than until that moves."""
        self.loaded_at = 0.0
        self.swept_at = 0.0
        self.paired: tuple[float, float] | None = None
        """What our clock and the steady one read at the last sweep; None before the first one, and where there is no steady one."""
        self.undated: Undated | None = None
        """Held since a start, until the parent has told the time."""
        self.asks_parent = True
        """Whether this machine beats its parent, and so is told the time: a centre does not, though a province be above it."""
        self.answered = False
        """Whether the parent has told the time since the start."""
        self.started_steady: float | None = None
        self.recalls = True
        """Whether what was kept on disk is by the clock of now."""
        self.sweep_s = 0.0
        self.marked_at = 0.0
        self.started_at = 0.0
        self.stranger_at = 0.0
        self.ticked_at = 0.0
        self.ticking_since = 0.0
        self.stepped_s = 0.0
        self.ahead_s: float | None = None
        """How far the parent's clock was ahead of ours when something was last told; None before the first sweep."""
        self.lock = threading.RLock()
        self._reading = threading.Lock()

    def reload(self, own: Node, *, top: bool, now: float) -> None:
        """Read the register again; beats heard meanwhile are kept. The lock is held for the exchange only."""
        with self._reading:
            version = register_version()
            if version[1] != self.seen[1]:
                forget_nodes()
            fresh = load(own, top=top, previous=self.array)
            if self.charge is not None:
                fresh.deal(self.charge(fresh))
            if not self.loaded_at and self.recalls:
                snapshot.bring_back(fresh, self.snapshot_path, now=now)
            fresh.tree  # noqa: B018  (made here, so that the first batch does not wait for it)
            with self.lock:
                if self.loaded_at:
                    carry_over(self.array, fresh)
                self.array, self.loaded_at, self.version = fresh, now, version
            self.seen = version
            remember_nodes(now_s=time.monotonic())

    def wants_reload(self, now: float) -> bool:
        """When the register or the set of nodes is not what was read."""
        version = register_version()
        if version[1] != self.seen[1]:
            forget_nodes()
        self.seen = version
        return not self.loaded_at or now - self.loaded_at >= RELOAD_S or self.version != version

    def last_word(self, node: Node) -> float:
        """When a node was last heard by this machine, in whichever of its processes, or when this one began to listen."""
        array = self.array
        place = array.places.get(node.subject_code)
        return max(self.started_at, 0.0 if place is None else float(array.last[place]))

    def even(self, now: float, steady: float | None) -> float:
        """What our clock would read had it not been set since the last sweep, by which all moments kept here are."""
        if self.paired is None or steady is None:
            return now
        return self.paired[0] + (steady - self.paired[1])

    def ours(self, place: int) -> bool:
        """Whether this machine, in whichever of its processes, is the nearest observer of what stands there."""
        return bool(self.array.flags[place] & (MINE | THEIRS))

    @property
    def snapshot_path(self) -> Path:
        return Path(settings.HOME) / "live.npz"

    def keep_snapshot(self) -> None:
        """Keep on disk when everything was last heard."""
        if self.loaded_at:
            snapshot.keep(self.array, self.snapshot_path)

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

    async def keep_ticking(self, every_s: float = 1.0) -> None:
        """Runs in the server's event loop: while it does not come to its turn, nobody is heard, whatever they send."""
        while True:
            self.tick(time.time())
            await asyncio.sleep(every_s)

    def tick(self, now: float) -> None:
        """The event loop comes to its turn at `now`."""
        if not 0 <= now - self.ticked_at <= STALL_S:
            self.ticking_since = now
        self.ticked_at = now

    def listened_since(self, moment: float, now: float) -> bool:
        """Whether the event loop has come to its turn without a stop from `moment` until now."""
        return 0 <= now - self.ticked_at <= STALL_S and self.ticking_since <= moment


def register_version() -> Version:
    """What the array depends on beside the states: the register and which of its objects run a node."""
    number = RegisterVersion.objects.filter(pk=1).values_list("number", flat=True).first() or 0
    return number, nodes_version()


def carry_over(previous: LiveArray, live: LiveArray) -> None:
    """What was heard, and what is said of what we observe (newer than the rows that were just read), goes into the new array."""
    new = place_of(live.ids, previous.ids)
    old = np.flatnonzero(new >= 0)
    new = new[old]
    for name in ("last", "back", "offset", "witness", "heard_from"):
        getattr(live, name)[new] = getattr(previous, name)[old]
    live.flaps.history[new], live.flaps.unstable[new] = previous.flaps.history[old], previous.flaps.unstable[old]
    live.flaps.slot = previous.flaps.slot
    ours = (previous.flags[old] & MINE) != 0
    live.state[new[ours]], live.since[new[ours]] = previous.state[old[ours]], previous.since[old[ours]]
    live.listening_since, live.heard_at, live.newly = previous.listening_since, previous.heard_at, previous.newly


LISTENER = Listener()
"""The one listener of this process."""
measure_beats_by(LISTENER.last_word)
