"""The prober: asks every active probe once a period, each at its own moment of it, and keeps what came of it in bulk.

It runs in a process of its own (`yuanjiao probe`), so that twenty thousand questions a minute never hold up the intake. A miss is
asked again soon and counts from the first of two in a row; when we cannot ask at all, nothing is said of the address.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from django.conf import settings
from django.db import Error as DatabaseFailed
from django.db import close_old_connections

from yuanjiao.lib.seal import unseal
from yuanjiao.network.commands.probes import Answer, record_answers
from yuanjiao.network.models import Lifecycle, Probe
from yuanjiao.network.probing.questions import Asker, CannotAsk, Question, Reply
from yuanjiao.network.rules.checks import MISSES

log = logging.getLogger(__name__)
AT_ONCE = 400
"""Questions open at the same moment; more would need more file descriptors than a process has by default."""
AGAIN_S = 5.0
RELOAD_S, KEEP_S, COMPLAIN_S = 15.0, 5.0, 60.0


@dataclass(frozen=True)
class Target:
    """One active probe: what to ask, how often, and at which moment of the period (0 to 1)."""

    question: Question
    period_s: float
    slot: float


def load_targets() -> dict[int, Target]:
    """The active probes of objects that are not retired, by key."""
    rows = Probe.objects.filter(active=True).exclude(object__lifecycle=Lifecycle.RETIRED)
    return {row.pk: _target(row) for row in rows.iterator(chunk_size=2000)}


def _target(row: Probe) -> Target:
    community = unseal(bytes(row.secret_sealed), settings.SECRET_KEY)
    question = Question(row.method, row.host, row.port, row.path, community, row.timeout_s)
    return Target(question, float(row.period_s), crc32(row.uid.bytes) / 2**32)


@dataclass
class Prober:
    """Asks until told to stop. `now` gives the time in seconds since 1970; `keep` takes answers in bulk."""

    now: Callable[[], float]
    keep: Callable[[list[Answer]], Any] = lambda answers: record_answers(answers=answers)
    load: Callable[[], dict[int, Target]] = load_targets
    targets: dict[int, Target] = field(default_factory=dict)
    asked: int = 0
    _due: list[tuple[float, int]] = field(default_factory=list)
    _waiting: set[int] = field(default_factory=set)
    _missed: dict[int, list[float]] = field(default_factory=dict)
    _answers: list[Answer] = field(default_factory=list)
    _complained_at: float = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then what was answered is kept. What was not foreseen ends it, and whoever started it starts it again."""
        asker, free = Asker(), asyncio.Semaphore(AT_ONCE)
        await self._reload()
        upkeep = [asyncio.create_task(self._every(KEEP_S, self._keep_answers)), asyncio.create_task(self._every(RELOAD_S, self._reload))]
        asking: set[asyncio.Task[None]] = set()
        while not (stop.is_set() or any(task.done() for task in upkeep)):
            for pk in self._ready():
                await free.acquire()
                if stop.is_set():
                    break
                task = asyncio.create_task(self._ask(asker, pk, free))
                asking.add(task)
                task.add_done_callback(asking.discard)
                task.add_done_callback(_complain_of)
            await _pause(stop, min(0.5, max(0.02, self._due[0][0] - self.now())) if self._due else 0.5)
        ended = await _end([*upkeep, *asking])
        await self._keep_answers()
        asker.close()
        for error in ended[: len(upkeep)]:
            if isinstance(error, Exception):
                raise error

    def _ready(self) -> list[int]:
        """Probes whose moment has come; each is put back at its next."""
        now, ready = self.now(), []
        while self._due and self._due[0][0] <= now:
            _, pk = heapq.heappop(self._due)
            self._waiting.discard(pk)
            if pk in self.targets:
                ready.append(pk)
        return ready

    def _put(self, pk: int, at: float) -> None:
        if pk not in self._waiting:
            self._waiting.add(pk)
            heapq.heappush(self._due, (at, pk))

    async def _ask(self, asker: Asker, pk: int, free: asyncio.Semaphore) -> None:
        target, begun = self.targets[pk], self.now()
        try:
            reply = await asker.ask(target.question)
        except CannotAsk as error:
            self._complain(error)
        else:
            self.asked += 1
            self._take(pk, reply, begun)
        finally:
            free.release()
            self._put(pk, self._next(pk, target, begun))

    def _next(self, pk: int, target: Target, begun: float) -> float:
        """The probe's moment in its next period; soon after a first miss."""
        if 0 < len(self._missed.get(pk, ())) < MISSES:
            return begun + min(AGAIN_S, target.period_s)
        passed = (begun - target.slot * target.period_s) % target.period_s
        return begun + max(target.period_s - passed, 0.5 * AGAIN_S)

    def _take(self, pk: int, reply: Reply, begun: float) -> None:
        asked_at = _moment(begun)
        if reply.ok:
            self._missed.pop(pk, None)
            self._answers.append(Answer(pk, True, asked_at, asked_at, reply.latency_ms, reply.note))
            return
        missed = self._missed.setdefault(pk, [])
        missed.append(begun)
        if len(missed) >= MISSES:
            self._answers.append(Answer(pk, False, asked_at, _moment(missed[0]), None, reply.note))

    async def _reload(self) -> None:
        found = await asyncio.to_thread(_with_connection, self.load)
        now, self.targets = self.now(), found
        for pk, target in found.items():
            if pk not in self._waiting:
                self._put(pk, now + target.slot * target.period_s)
        for pk in self._missed.keys() - found.keys():
            del self._missed[pk]

    async def _keep_answers(self) -> None:
        answers, self._answers = self._answers, []
        if not answers:
            return
        try:
            await asyncio.to_thread(_with_connection, lambda: self.keep(answers))
        except DatabaseFailed:  # what could not be kept is kept with the next
            log.exception("answers of probes could not be kept")
            self._answers = (answers + self._answers)[-100_000:]

    async def _every(self, wait_s: float, work: Callable[[], Any]) -> None:
        while True:
            await asyncio.sleep(wait_s)
            try:
                await work()
            except DatabaseFailed:
                log.exception("prober")

    def _complain(self, error: CannotAsk) -> None:
        """Once a minute: it concerns every probe alike."""
        if self.now() - self._complained_at > COMPLAIN_S:
            self._complained_at = self.now()
            log.warning("%s", error)


def _complain_of(task: asyncio.Task[None]) -> None:
    """One question went wrong in a way nobody foresaw: the others go on."""
    if not task.cancelled() and task.exception() is not None:
        log.error("a probe could not be asked", exc_info=task.exception())


async def _end(tasks: list[asyncio.Task[None]]) -> list[Any]:
    for task in tasks:
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _with_connection(work: Callable[[], Any]) -> Any:
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
