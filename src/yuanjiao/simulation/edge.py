"""A simulated edge: its own key, journal and live array in memory, speaking to a real parent through the real doors.

It runs the detection of a real edge (`network.live.LiveArray`) and seals real segments (`flow.journal.segment`); only its disk is missing.
Time is passed in, so that the same edge lives a month in a minute or a day in a day.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
import numpy as np
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yuanjiao.flow.journal.chain import GENESIS
from yuanjiao.flow.journal.event import Event
from yuanjiao.flow.journal.segment import Chained, Written, chain, seal
from yuanjiao.flow.nodes import codes
from yuanjiao.flow.wire.auth import micros
from yuanjiao.flow.wire.join import Question
from yuanjiao.flow.wire.signing import Claim, request_bytes, to_headers
from yuanjiao.lib.errors import Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.events import Change, Deaf, PlayTested, StateChanged
from yuanjiao.network.live import MINE, SERVING, LiveArray, Transition
from yuanjiao.simulation.behaviour import Condition
from yuanjiao.simulation.city import SimSite

log = logging.getLogger(__name__)
DAY_S = 86400
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
SEGMENT_ENTRIES = 2000


class Transport(Protocol):
    """How bytes reach the parent: over HTTP, or into its doors inside one process at a simulated time."""

    def post(self, path: str, body: bytes, headers: dict[str, str], at: datetime) -> tuple[int, bytes]:
        """Status and content; Unavailable when nothing answers."""


class Memory(msgspec.Struct):
    """What a simulated edge would have on its disk; kept so that a demo goes on where it stopped."""

    uid: UUID
    key: bytes
    enrolled: bool = False
    seq: int = 0
    tail: bytes = GENESIS
    acknowledged: int = 0
    unsent: list[tuple[datetime, str, bytes]] = msgspec.field(default_factory=list)


def fresh_memory() -> Memory:
    raw = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    return Memory(uid=new_uid(), key=raw)


@dataclass
class SimulatedEdge:
    """One edge with its sites. `tick` lets time pass; `speak` tells the parent."""

    code: str
    sites: Sequence[SimSite]
    transport: Transport
    memory: Memory
    started_at: datetime
    period_s: float = 60.0
    grace_s: float = 30.0
    array: LiveArray = field(init=False)
    boot_at: datetime = field(init=False)
    alive: bool = field(init=False, default=True)
    _heard_through: datetime = field(init=False)
    _ticked_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(self.memory.key)
        self.boot_at = self._heard_through = self._ticked_at = self.started_at
        self.array = self._array()

    def _array(self) -> LiveArray:
        count = len(self.sites)
        return LiveArray(
            places={site.code: place for place, site in enumerate(self.sites)},
            codes=[site.code for site in self.sites],
            keys=[b""] * count,
            ids=np.arange(count, dtype=np.int64),
            last=np.zeros(count),
            back=np.zeros(count),
            since=np.zeros(count),
            period=np.full(count, self.period_s, np.float32),
            grace=np.full(count, self.grace_s, np.float32),
            state=np.zeros(count, np.uint8),
            flags=np.full(count, MINE | SERVING, np.uint8),
            parent=np.full(count, -1, np.int32),
            offset=np.zeros(count, np.float32),
            listening_since=self.started_at.timestamp(),
        )

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    def enrol(self, code: str, at: datetime) -> None:
        """Enter the parent by a one-time code, as any machine does."""
        proof = self._key.sign(codes.proof_bytes(code, self.memory.uid.bytes, self.public_key))
        question = Question(code=code, uid=self.memory.uid, public_key=self.public_key, proof=proof)
        status, content = self.transport.post("/enrol", msgspec.json.encode(question), JSON, at)
        if status != 200:
            raise Refused(f"模拟边缘 {self.code} 登记失败（{status}）：{content[:200].decode(errors='replace')}")
        self.memory.enrolled = True

    def tick(self, now: datetime, condition: Condition) -> None:
        """Let the time since the last tick pass under `condition`: beats are heard, silence is found, tests are played."""
        since, self._ticked_at = self._ticked_at, now
        if not condition.edge_lives(self.code):
            self.alive = False
            return
        if not self.alive:
            self._come_back(since, now)
        self._heard_through = now
        working = np.array([condition.site_works(site.code, site.line) for site in self.sites], bool)
        places, times = self._beats(working, since.timestamp(), now.timestamp())
        if len(places):
            self.array.hear_many(places, times)
        self._play_tests(working, since, now)
        transitions = self.array.sweep(now.timestamp())
        if transitions:
            self._record(StateChanged(changes=[as_change(one) for one in transitions]), now)
            self.array.settle(transitions)

    def _come_back(self, boot_at: datetime, now: datetime) -> None:
        """It was started again at `boot_at` and owns up to the time it did not listen."""
        self._record(Deaf(start=self._heard_through, end=boot_at), now)
        self.array.forget(boot_at.timestamp())
        self.array.last[:] = 0
        self.alive, self.boot_at = True, boot_at

    def _beats(self, working: Any, since: float, now: float) -> tuple[Any, Any]:
        """Each working site beats once a period, at a phase of its own; what falls into (since, now] is heard."""
        phase = np.arange(len(self.sites)) * (self.period_s / max(len(self.sites), 1))
        newest = now - (now - phase) % self.period_s
        places = np.flatnonzero(working & (newest > since))
        return places, newest[places]

    def _play_tests(self, working: Any, since: datetime, now: datetime) -> None:
        """Each site plays a test once a day, at a time of its own, and when it works again after a fault."""
        for place, site in enumerate(self.sites):
            due = (place * 37 % 1440) * 60
            passed = (now.timestamp() - due) // DAY_S != (since.timestamp() - due) // DAY_S
            returned = working[place] and self.array.state[place] != 1
            if working[place] and (passed or returned):
                self._record(PlayTested(uid=new_uid(), site=site.code, at=now, ok=True, item="试播片"), now)

    def _record(self, event: Event, at: datetime) -> None:
        self.memory.unsent.append((at, event.KIND, msgspec.json.encode(event)))

    def speak(self, now: datetime) -> bool:
        """Ship what is unsent, then send the coalesced batch of beats. False when the parent refused something."""
        return self._ship(now) and self._batch(now)

    def _ship(self, now: datetime) -> bool:
        while self.memory.unsent:
            part = [Written(*entry) for entry in self.memory.unsent[:SEGMENT_ENTRIES]]
            first = self.memory.seq + 1
            sealed = seal(
                origin=self.memory.uid, first_seq=first, previous=self.memory.tail, sealed_at=now, entries=part, sign=self._key.sign
            )
            status, content = self._signed("/journal", sealed, now)
            if status != 200:
                log.warning("%s: segment not taken (%s): %s", self.code, status, content[:200].decode(errors="replace"))
                return False
            self._advance(chain(origin=self.memory.uid, first_seq=first, previous=self.memory.tail, entries=part))
        return True

    def _advance(self, sent: Sequence[Chained]) -> None:
        self.memory.seq, self.memory.tail = sent[-1].seq, sent[-1].entry_hash
        self.memory.acknowledged = self.memory.seq
        del self.memory.unsent[: len(sent)]

    def _batch(self, now: datetime) -> bool:
        heard = np.flatnonzero(self.array.last > now.timestamp() - self.period_s * 2)
        beats = [[self.array.codes[place], round(now.timestamp() - float(self.array.last[place]), 1)] for place in heard]
        body = {
            "node": str(self.memory.uid),
            "sent_at": now,
            "boot_at": self.boot_at,
            "observed_through": self._heard_through,
            "journal_seq": self.memory.seq,
            "beats": beats,
        }
        status, _ = self._signed("/beat", msgspec.json.encode(body), now)
        return status == 200

    def _signed(self, path: str, body: bytes, now: datetime) -> tuple[int, bytes]:
        time_us = micros(now.astimezone(UTC))
        message = request_bytes(method="POST", target=path, node=self.memory.uid, time_us=time_us, clock_us=time_us, body=body)
        headers = to_headers(Claim(self.memory.uid, time_us, time_us, self._key.sign(message)))
        return self.transport.post(path, body, {"Content-Type": "application/json", **headers}, now)


def as_change(transition: Transition) -> Change:
    """A transition as the event carries it; times of 0 are "not known"."""
    return Change(
        code=transition.code,
        state=transition.state,
        at=moment(transition.at),
        last=moment(transition.heard) if transition.heard else None,
        latest=moment(transition.latest) if transition.latest else None,
        reason=transition.reason,
    )


def moment(seconds: float) -> datetime:
    """A whole second, floored as a real edge does: sums of seconds stay exact."""
    return datetime.fromtimestamp(int(seconds), UTC)
