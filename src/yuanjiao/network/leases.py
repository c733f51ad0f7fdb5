"""Several intakes on one database: each judges the shares of the edges whose leases it holds; a dead one's are taken over in seconds.

- Whatever comes to any intake is heard by all: they pass on to each other, once a second, when everything was last heard (`relay`).
  So any door takes any beat, and who takes a share over knows what was heard.
- The lease row is the only lock: it is taken by one conditional update, and only when it is free or has run out.
- A lease is renewed by a job of its own, not by the sweep, which may take longer than a lease lasts. An intake whose renewal is late
  does not judge; when it comes back it begins with what it still holds.
- `IntakeLease.listened_at` is the moment up to which the record of a share is complete. After a death the time from there on is
  journalled as deaf for the edges of that share: unknown, never down.
- The machine's mark (how far its record reaches) is the earliest of these moments.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import zstandard
from django.conf import settings
from django.db import close_old_connections
from django.db.models import Q
from numpy.typing import NDArray

from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.flow.wire.auth import signed_headers
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.network.commands import note_deafness, set_mark
from yuanjiao.network.jobs import sweep
from yuanjiao.network.live import EDGE, LISTENER, STATE_CODES, UP, Listener, LiveArray
from yuanjiao.network.live.loading import place_of
from yuanjiao.network.models import Intake, IntakeLease, ListeningMark, Liveness
from yuanjiao.network.models.intakes import LEASE_S
from yuanjiao.network.rules.shares import SHARES, Lease, gap_start, quota, share_of, to_give_back, to_take

log = logging.getLogger(__name__)
RENEW_S = 1.0
PATIENCE_S = 30.0
"""As for a single process: a shorter pause of a share that nobody lost cannot hide a missed beat."""
DEAD_S = 10 * 60.0
"""Rows of intakes that have not been heard of for so long are cleared away."""
RELAY = "application/vnd.yuanjiao.relay"
EDGES_PER_EVENT = 500
DEEPEST = 10


class Told(msgspec.Struct):
    """What one intake tells another: keys of objects and when each was last heard (and bore witness), as raw little-endian arrays."""

    ids: bytes
    last: bytes
    witness: bytes


class Leases:
    """The part of this process among the intakes."""

    def __init__(self, listener: Listener, address: str) -> None:
        self.listener, self.address = listener, address
        self.held: frozenset[int] = frozenset()
        self.renewed_at = 0.0
        self.me = 0
        self._entering = threading.Lock()
        self._array: LiveArray | None = None
        self._shares: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._tops: NDArray[np.int64] = np.zeros(0, np.int64)
        self._told: tuple[LiveArray | None, NDArray[np.float64], NDArray[np.float64]] = (None, np.zeros(0), np.zeros(0))
        listener.charge = self.charge
        listener.may_judge = self.is_fresh
        listener.charged = lambda: self.names(self.held)

    def charge(self, array: LiveArray) -> NDArray[np.bool_]:
        """Which objects of an array are in the shares that are held here."""
        mask: NDArray[np.bool_] = np.isin(self.shares_in(array), np.fromiter(self.held, np.uint8, len(self.held)))
        return mask

    def shares_in(self, array: LiveArray) -> NDArray[np.uint8]:
        """The share of each object: that of the topmost edge above it, or its own where there is none."""
        if array is not self._array:
            self._tops = topmost(array)
            shares = np.zeros(len(array.codes), np.uint8)
            tops = np.unique(self._tops)
            shares[tops] = [share_of(array.codes[top]) for top in tops.tolist()]
            self._array, self._shares = array, shares[self._tops]
        return self._shares

    def is_fresh(self) -> bool:
        """Whether the leases can still be ours: renewed within their time by a clock that nobody sets."""
        return time.monotonic() - self.renewed_at < LEASE_S

    def renew(self, at: datetime) -> None:
        """Say that we live and keep what is ours, as long as we do sweep."""
        now = at.timestamp()
        if self.listener.swept_at and now - self.listener.swept_at > DEAD_S:
            return
        with self._entering:
            begun = time.monotonic()
            if not self.me or not Intake.objects.filter(pk=self.me).update(listened_at=at):
                self._enter(at)
            IntakeLease.objects.filter(holder=self.me).update(until=at + timedelta(seconds=LEASE_S))
            self.renewed_at = begun

    def _enter(self, at: datetime) -> None:
        IntakeLease.objects.bulk_create([IntakeLease(share=share) for share in range(SHARES)], ignore_conflicts=True)
        Intake.objects.filter(listened_at__lt=at - timedelta(seconds=DEAD_S), leases=None).delete()
        self.me = Intake.objects.create(address=self.address, started_at=at, listened_at=at).pk

    def deal(self, at: datetime) -> None:
        """Give back what is too much, take what is free, and own up to the gap of what was taken from a dead one."""
        if not self.is_fresh():
            self.renew(at)
        now, leases = at.timestamp(), read_leases()
        mine = {share for share, lease in leases.items() if lease.holder == self.me}
        wanted = quota(self.me, living(at) | {self.me})
        if surplus := to_give_back(mine, wanted):
            self._judge(mine.difference(surplus))
            self._release(surplus, at)
            mine -= set(surplus)
        paused = {share for share in mine if leases[share].complete and now - leases[share].complete > PATIENCE_S}
        fresh = self._take(to_take(leases, len(mine), wanted, now), at) | (mine - self.held) | paused
        lost = self.held - mine
        if fresh or lost:
            self._begin({share: leases[share] for share in fresh}, mine | fresh, at)

    def _release(self, shares: Iterable[int], at: datetime) -> None:
        count = IntakeLease.objects.filter(holder=self.me, share__in=shares).update(holder=None, until=None)
        log.info("gave back %d shares at %s", count, at)

    def _take(self, wanted: Sequence[int], at: datetime) -> set[int]:
        """Each by one update that only one intake can win."""
        until = at + timedelta(seconds=LEASE_S)
        free = Q(holder=None) | Q(until__lt=at)
        return {share for share in wanted if IntakeLease.objects.filter(free, share=share).update(holder=self.me, until=until)}

    def _begin(self, fresh: Mapping[int, Lease], held: Iterable[int], at: datetime) -> None:
        """Judge `held` from now on; for the fresh ones first say what nobody heard, then read what is on record."""
        held = frozenset(held)
        gaps = self._gaps(fresh, at)
        for start, shares in gaps.items():
            log.warning("nobody listened to %d shares from %s", len(shares), moment(start))
            for edges in parts(self.names(shares)):
                note_deafness(start=moment(start), at=at, edges=edges)
        places = np.flatnonzero(np.isin(self.shares_in(self.listener.array), np.fromiter(fresh, np.uint8, len(fresh))))
        deaf = np.isin(self._shares[places], np.array([share for shares in gaps.values() for share in shares], np.uint8))
        self._take_up(places, at.timestamp(), deaf)
        self._judge(held)

    def _gaps(self, fresh: Mapping[int, Lease], at: datetime) -> dict[float, list[int]]:
        mark = ListeningMark.objects.filter(observer=own_node().uid).values_list("at", flat=True).first()
        alone = mark.timestamp() if mark else 0.0
        gaps: dict[float, list[int]] = defaultdict(list)
        for share, lease in fresh.items():
            if start := gap_start(lease, self.me, at.timestamp(), alone_since=alone, patience_s=PATIENCE_S):
                gaps[start].append(share)
        return gaps

    def names(self, shares: Iterable[int]) -> list[str]:
        """The codes that stand at the top of these shares."""
        array = self.listener.array
        own = self.shares_in(array)
        tops = np.unique(self._tops)
        return [array.codes[top] for top in tops[np.isin(own[tops], np.fromiter(shares, np.uint8))].tolist()]

    def _take_up(self, places: NDArray[np.int64], now: float, deaf: NDArray[np.bool_]) -> None:
        """States as they stand on record now: whoever judged these until now has written them."""
        array = self.listener.array
        states, since = recorded(array, places)
        with self.listener.lock:
            array.state[places], array.since[places] = states, since
            heard = (states != UP) & (array.last[places] > since + 1)
            array.back[places] = np.where(heard, array.last[places], 0.0)
            array.heard_from[places[deaf]] = now
            array.newly = now

    def _judge(self, held: Iterable[int]) -> None:
        self.held = frozenset(held)
        with self.listener.lock:
            self.listener.array.deal(self.charge(self.listener.array))

    def complete(self, at: datetime) -> None:
        """A sweep has been written: the record of what is held here is complete up to it, the machine's up to the earliest of all."""
        if self.is_fresh():
            IntakeLease.objects.filter(holder=self.me, share__in=self.held).update(listened_at=at)
        moments = list(IntakeLease.objects.values_list("listened_at", flat=True))
        if len(moments) == SHARES and all(moments):
            set_mark(observer=own_node().uid, at=min(one for one in moments if one))

    def leave(self, at: datetime) -> None:
        """Ends in order: the others may take over at once."""
        self._judge(())
        self._release(range(SHARES), at)
        Intake.objects.filter(pk=self.me).delete()
        self.me = 0

    def news(self) -> bytes | None:
        """What was heard here since the last time, packed; None when there is nothing. What the others told is not told again."""
        with self.listener.lock:
            array, last, witness = self.listener.array, self.listener.array.last, self.listener.array.witness
            before, last_told, witness_told = self._told
            if before is not array:
                last_told, witness_told = (last - 0.0, witness - 0.0) if before is None else carried(before, array, last_told, witness_told)
            new = np.flatnonzero((last > last_told) | (witness > witness_told))
            self._told = (array, last.copy(), witness.copy())
            told = Told(array.ids[new].tobytes(), last[new].tobytes(), witness[new].tobytes())
        return zstandard.compress(msgspec.msgpack.encode(told), 1) if len(new) else None

    def hear_told(self, body: bytes) -> int:
        """Take what another intake heard; how many objects that was."""
        try:
            told = msgspec.msgpack.decode(zstandard.decompress(body), type=Told)
            ids, last, witness = np.frombuffer(told.ids, np.int64), np.frombuffer(told.last), np.frombuffer(told.witness)
        except (zstandard.ZstdError, msgspec.DecodeError, ValueError):
            raise Refused("接收进程之间的消息不是约定的格式") from None
        with self.listener.lock:
            array = self.listener.array
            places = place_of(array.ids, ids)
            known = places >= 0
            places = places[known]
            array.hear_many(places, last[known])
            array.witness[places] = np.maximum(array.witness[places], witness[known])
            if self._told[0] is array:
                np.maximum.at(self._told[1], places, last[known])
                np.maximum.at(self._told[2], places, witness[known])
        return len(places)


def carried(before: LiveArray, array: LiveArray, *told: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What was told of an array, in the places of the one that replaced it."""
    found = place_of(before.ids, array.ids)
    last, witness = (np.where(found >= 0, one[found], 0.0) if len(one) else np.zeros(len(array.ids)) for one in told)
    return last, witness


def topmost(array: LiveArray) -> NDArray[np.int64]:
    """For each object the place of the highest edge above it (or itself); its own place where there is none."""
    here = np.arange(len(array.codes))
    tops, above = here.copy(), here.copy()
    for _ in range(DEEPEST):
        edges = (above >= 0) & (array.kind[above] == EDGE)
        tops = np.where(edges, above, tops)
        above = np.where(above >= 0, array.parent[above], -1)
        if (above < 0).all():
            break
    return tops


def recorded(array: LiveArray, places: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """State and since when of these places, as the database has them."""
    states, since = np.zeros(len(array.ids), np.uint8), np.zeros(len(array.ids))
    wanted = array.ids[places]
    if len(wanted):
        rows = Liveness.objects.filter(object__gte=int(wanted.min()), object__lte=int(wanted.max()))
        for pk, state, begun in rows.values_list("object_id", "state", "since").iterator(chunk_size=10_000):
            place = int(np.searchsorted(array.ids, pk))
            if place < len(array.ids) and array.ids[place] == pk:
                states[place], since[place] = STATE_CODES[state], begun.timestamp()
    return states[places], since[places]


def read_leases() -> dict[int, Lease]:
    """All shares as they stand."""
    rows = IntakeLease.objects.values_list("share", "holder_id", "until", "listened_at")
    return {share: Lease(share, holder, seconds(until), seconds(heard)) for share, holder, until, heard in rows}


def living(at: datetime) -> set[int]:
    """The intakes that have said so within the time of a lease."""
    return set(Intake.objects.living(at).values_list("pk", flat=True))


def seconds(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0


def moment(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def parts(names: Sequence[str]) -> Iterable[list[str]]:
    return (list(names[start : start + EDGES_PER_EVENT]) for start in range(0, len(names), EDGES_PER_EVENT))


LEASES = Leases(LISTENER, settings.INTAKE_ADDRESS) if settings.INTAKE_ADDRESS else None
"""The leases of this process; None where one process listens to everything."""


def renew_leases(at: datetime) -> None:
    """Job: keep what is held."""
    if LEASES is not None:
        LEASES.renew(at)


def sweep_shares(at: datetime) -> int:
    """Job: deal, sweep what is held here, and say how far the record reaches."""
    if LEASES is None:
        return 0
    return sweep_dealt(LEASES, at, steady=time.monotonic())


def sweep_dealt(leases: Leases, at: datetime, *, steady: float | None = None) -> int:
    """One turn of one intake."""
    if not leases.listener.loaded_at:
        leases.renew(at)
        found = sweep(at, listener=leases.listener, steady=steady)  # loads the register; nothing is held yet
        leases.listener.array.listening_since = at.timestamp()
        return found
    leases.deal(at)
    found = sweep(at, listener=leases.listener, steady=steady)
    leases.complete(at)
    return found


def relay(at: datetime) -> int:
    """Job: tell the other intakes what was heard here. One that does not answer is dead or will hear the next beat."""
    if LEASES is None or (news := LEASES.news()) is None:
        return 0
    import httpx  # where it is needed: an intake that listens alone asks nobody

    own, told = own_node(), 0
    for address in Intake.objects.filter(pk__in=living(at)).exclude(pk=LEASES.me).values_list("address", flat=True):
        headers = signed_headers(method="POST", target="/beat", body=news, node=own, at=at)
        try:
            answer = httpx.post(f"{address}/beat", content=news, headers={**headers, "content-type": RELAY}, timeout=5, trust_env=False)
            told += answer.status_code == 200
        except httpx.TransportError as error:
            log.info("the intake at %s does not answer: %s", address, error)
    return told


def leave() -> None:
    """The process ends in order: what it held is free at once."""
    if LEASES is not None and LEASES.me:
        LEASES.leave(clock.now())
        close_old_connections()
