"""The asker's side of several sources: sibling edges of the same county, by invitation of the parent (flow/blobs/inviting.py).

1. They come before the parent, and what they do is never a blob's trouble: whatever fails, the parent is asked as ever.
2. A part begun at one source goes on at another. What a sibling added to a part that turns out wrong is dropped, what was there before
   stays for one more try; who alone gave wrong bytes is struck out for a day, who may have for ten minutes and longer each time.
3. Who does not answer, or brings it slower than the parent would (of the rest, than a quarter of that), is struck out for ten minutes; who
   has not got the blob, or does not believe the ticket, is only asked another time.
4. Their bytes cost no line: they are neither counted nor held by hours and budgets.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from weakref import WeakKeyDictionary, proxy

import msgspec
from django.conf import settings

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.bucket import BucketAway
from yuanjiao.flow.blobs.fetch import Crowded, GoOn, Mismatch, NotThere, Running, Via, fetch_once
from yuanjiao.flow.blobs.inviting import MOST_BLOBS, Ask, Invited, Sources, is_address
from yuanjiao.flow.blobs.sources_door import PATH
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.blobs.ticket import HEADER
from yuanjiao.flow.blobs.together import OLDER
from yuanjiao.flow.nodes.models import Node, NodeKind
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import DiskFull, Tampered, Unavailable

log = logging.getLogger(__name__)
SMALLEST = 262_144
"""Bytes of the smallest blob siblings are asked for: to ask the parent who they are costs a round trip of the thin line."""
ASK_AGAIN_S = 600.0
"""How long a parent without this door, or without anybody who shares, is not asked again."""
FAILED_AGAIN_S = 30.0
"""The same of one that did not answer, or does not believe us."""
HELD_AGAIN_S, TELL_AGAIN_S, TRY_TELLING_S = 300.0, 86_400.0, 600.0
SAY_SO_S = 60.0
"""How often who fetches from the parent says that it is at it."""
CONNECT_S, READ_S = 3.0, 10.0
LEAST_RATE, LEAST_RATE_WINDOW_S = 16_384, 20.0
"""Bytes a second, over so many seconds of waiting, that a sibling must bring."""
OF_PARENTS_RATE = 0.25
"""What is not shown today may come so much slower than from the parent: that spares its line."""
SHORT_S, DAY_S = 600.0, 86_400.0
FIRST_WAIT_S, LONGEST_WAIT_S, MOST_WAITS = 2.0, 60.0, 70
MOST_LINES = 16
MOST_REMEMBERED = 10_000


class Found(StrEnum):
    """What became of a blob at the siblings. WAIT: one of them goes for it, or is too busy just now."""

    CAME = "came"
    GAVE_WAY = "gave way"
    WAIT = "wait"
    NOT_THERE = "not there"


@dataclass
class _Strike:
    until_s: float
    times: int


Clock = Callable[[], float]


class Neighbours:
    """What one process knows of them. `clock` in seconds, never set."""

    def __init__(self, parent: Line, *, clock: Clock = time.monotonic) -> None:
        self._parent = proxy(parent)  # they are forgotten with it
        self._clock = clock
        self._nobody_until = self._tell_at = self._held_at = 0.0
        self._struck: dict[str, _Strike] = {}
        self._lines: dict[str, Line] = {}
        self._waits: dict[str, int] = {}
        self._parents_rate = 0.0  # bytes a second, as it last brought a large blob; 0: not known

    def bring(self, ref: BlobRef, running: Running, go_on: GoOn, *, today: bool = False) -> Found:
        """Ask who has it and fetch it there. NOT_THERE: it is for us to fetch it from the parent. `today`: not slower than from there."""
        if ref.size < SMALLEST or store.has(ref.sha256):
            return Found.NOT_THERE
        told = self._ask([ref.sha256], fetching=ref.sha256)
        least = self._parents_rate * (1.0 if today else OF_PARENTS_RATE)
        found, crowded = self._bring(ref, told.sources.get(ref.sha256, []), running, go_on, least)
        if found is Found.NOT_THERE and (told.wait or crowded) and self._may_wait(ref):
            return Found.WAIT
        return found

    def bring_while_held(self, refs: Sequence[BlobRef], go_on: Callable[[BlobRef], GoOn]) -> Iterator[tuple[BlobRef, Found]]:
        """Fetch from siblings alone, at most `MOST_BLOBS`; what became of each that was tried."""
        told = self._ask([ref.sha256 for ref in refs[:MOST_BLOBS]])
        for ref in refs[:MOST_BLOBS]:
            if sources := told.sources.get(ref.sha256):
                yield ref, self._bring(ref, sources, Running(), go_on(ref))[0]

    def is_time_while_held(self) -> bool:
        """Whether to try again what the parent may not bring now; not again within minutes, unless something came (`came_while_held`)."""
        if self._clock() < max(self._held_at, self._nobody_until):
            return False
        self._held_at = self._clock() + HELD_AGAIN_S
        return True

    def came_while_held(self) -> None:
        self._held_at = 0.0

    def saying_so(self, ref: BlobRef, go_on: GoOn) -> GoOn:
        """The same question; now and then the parent is told that we are still at this blob, and how fast it brings it is noted."""
        begun = said_at = self._clock()
        came = 0

        def asked(size: int) -> bool:
            nonlocal said_at, came
            came += size
            if came >= SMALLEST and (took_s := self._clock() - begun) > 0:
                self._parents_rate = came / took_s
            if self._clock() - said_at >= SAY_SO_S:
                said_at = self._clock()
                self._ask([], fetching=ref.sha256)
            return go_on(size)

        return asked

    def introduce(self) -> None:
        """Tell the parent daily where siblings reach us, also when we look for nothing."""
        if settings.SHARE_URL and self._clock() >= self._tell_at:
            self._tell_at = self._clock() + TRY_TELLING_S
            if not is_address(settings.SHARE_URL.rstrip("/")):
                log.warning("YUANJIAO_SHARE_URL is no address such as http://10.8.1.5:8000: nothing is shared")
            self._ask([], anyway=True)

    def wait_s(self, ref: BlobRef) -> float:
        """How long to leave this blob alone: longer each time, so about as long as it takes whoever goes for it."""
        times = self._waits[ref.sha256] = self._waits.get(ref.sha256, 0) + 1
        return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(times - 1, 10))

    def judge(self, running: Running) -> None:
        """Strike out who gave, or may have given, what turned out wrong."""
        for names in running.wrong:
            siblings = {name for name in names if is_address(name)}
            for name in siblings:
                self._strike(name, DAY_S if names == {name} else SHORT_S)
        running.wrong.clear()

    def close(self) -> None:
        """Let go of the connections; what is known stays."""
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    def _ask(self, blobs: list[str], *, fetching: str = "", anyway: bool = False) -> Sources:
        """What the parent says; nothing from an older one, from one that says what we cannot read, and while it is not to be asked."""
        if self._clock() < self._nobody_until and not anyway:
            return Sources()
        ask = msgspec.json.encode(Ask(blobs=blobs, fetching=fetching, address=settings.SHARE_URL.rstrip("/")))
        try:
            response = self._parent.post(PATH, ask, headers={"Content-Type": "application/json"})
        except Unavailable:
            self._nobody_until = self._clock() + FAILED_AGAIN_S
            return Sources()  # a line that is dead is found so by the blob itself
        if response.status_code != 200:
            self._nobody_until = self._clock() + (ASK_AGAIN_S if response.status_code in OLDER else FAILED_AGAIN_S)
            return Sources()
        return self._understood(response.content)

    def _understood(self, content: bytes) -> Sources:
        try:
            told = msgspec.json.decode(content, type=Sources)
        except (msgspec.DecodeError, RecursionError):
            return Sources()
        self._tell_at = self._clock() + TELL_AGAIN_S
        if told.alone:
            self._nobody_until = self._clock() + ASK_AGAIN_S
        return told

    def _bring(
        self, ref: BlobRef, sources: Sequence[Invited], running: Running, go_on: GoOn, least_rate: float = 0.0
    ) -> tuple[Found, bool]:
        """What became of it, and whether somebody was too busy. `least_rate`: bytes a second that a source must bring."""
        crowded = False
        for source in sources:
            if self._is_struck(source.address) or not is_address(source.address):
                continue
            try:
                line, fast = self._line(source.address), self._not_slower(least_rate, go_on)
                came = fetch_once(ref, line, fast, running, Via(source.address, {HEADER: source.ticket}))
            except (DiskFull, BucketAway):  # ours
                raise
            except Crowded:
                crowded = True
            except (NotThere, Tampered, Mismatch):
                pass  # it let the blob go, or never had it; who lied is judged below
            except (Unavailable, ValueError, OverflowError) as error:  # numbers and names of a stranger's
                log.info("sibling %s: %s", source.address, error)
                self._strike(source.address, SHORT_S)
            else:
                self._waits.pop(ref.sha256, None)
                return (Found.CAME if came else Found.GAVE_WAY), crowded
            finally:
                self.judge(running)
        return Found.NOT_THERE, crowded

    def _may_wait(self, ref: BlobRef) -> bool:
        if len(self._waits) > MOST_REMEMBERED:
            self._waits.clear()
        return self._waits.get(ref.sha256, 0) < MOST_WAITS

    def _is_struck(self, address: str) -> bool:
        strike = self._struck.get(address)
        return strike is not None and self._clock() < strike.until_s

    def _strike(self, address: str, seconds: float) -> None:
        times = self._struck[address].times if address in self._struck else 0
        lasts = min(DAY_S, seconds * 2.0 ** min(times, 10))
        self._struck[address] = _Strike(self._clock() + lasts, times + 1)
        log.warning("sibling %s is struck out for %.0f s", address, lasts)

    def _not_slower(self, least_rate: float, go_on: GoOn) -> GoOn:
        """The same question; Unavailable when what came within `LEAST_RATE_WINDOW_S` was less than so many bytes a second."""
        from yuanjiao.flow.wire.pace import Pace  # as in `line_to`

        pace, looked_at = Pace(least_rate, LEAST_RATE_WINDOW_S), self._clock()

        def asked(size: int) -> bool:
            nonlocal looked_at
            before, looked_at = looked_at, self._clock()
            if pace.is_too_slow(size, looked_at - before):
                raise Unavailable(f"比上级节点慢（每秒不足 {least_rate:.0f} 字节）")
            return go_on(size)

        return asked

    def _line(self, address: str) -> Line:
        """Unavailable for what only looks like an address."""
        if address not in self._lines:
            if len(self._lines) >= MOST_LINES:
                self.close()
            self._lines[address] = line_to(address)
        return self._lines[address]


def line_to(address: str) -> Line:
    """A line to a sibling: on one fast network, so with less patience than the one to the parent."""
    import httpx  # where it is needed: a centre with nobody above asks nobody

    from yuanjiao.flow.wire.pace import PacedTransport

    transport = PacedTransport(LEAST_RATE, window_s=LEAST_RATE_WINDOW_S)
    try:
        return Line(address, transport=transport, connect_s=CONNECT_S, read_s=READ_S)
    except httpx.InvalidURL as error:
        raise Unavailable(f"不是地址：{error}") from None


_known: WeakKeyDictionary[Line, Neighbours] = WeakKeyDictionary()


def neighbours(parent: Line) -> Neighbours | None:
    """Those that this parent can name; None for a machine that is no edge."""
    if not Node.objects.filter(is_self=True, kind=NodeKind.EDGE).exists():
        return None
    if parent not in _known:
        _known[parent] = Neighbours(parent)
    return _known[parent]
