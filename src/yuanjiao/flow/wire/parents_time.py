"""What time it is at the parent, under its signature: `GET /time?nonce=<32 hex digits>`, asked by whoever corrects by it.

Every answer tells the parent's clock in a header, but on a line without TLS anybody may write headers, and TLS needs a clock that is
right to within its certificates. So here the answer is signed over the nonce of the question, by the key that was pinned when this
machine was let in, and the certificate is not looked at: a clock that is years wrong finds its way back.

What was learnt is kept in HOME/parents-time.json and goes on by a clock that nobody sets: the machine's own may be set meanwhile.
"""

from __future__ import annotations

import base64
import binascii
import os
import struct
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from django.conf import settings

from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import parent_node
from yuanjiao.flow.wire.offset import Offset
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused, Tampered, Unavailable

if TYPE_CHECKING:
    from yuanjiao.flow.wire.client import Line

PATH = "/time"
FORM, MOMENT = b"YJT1", struct.Struct(">q")
NONCE_BYTES = 16
QUESTIONS = 5
"""So often it is asked at a time: the bounds of the answers narrow each other, the quickest most."""
EARLIEST_US, LATEST_US = 1_577_836_800_000_000, 7_258_118_400_000_000
"""2020 and 2200: what a parent tells must not lead out of the calendar."""
JUMP_S = 0.5
"""A clock that moved by more than this against the steady one while it was asked was set: that answer says nothing."""
LEAST_S = 2.0
"""People are shown our own clock's time while it is nearer to the parent's than this."""
LOOK_AGAIN_S = 5.0
ASK_AGAIN_S = 1800.0
Seconds = Callable[[], float]


class Told(msgspec.Struct, frozen=True):
    """The answer: µs since 1970 UTC by the answering machine's clock; base64 of its signature over `told_bytes`."""

    time_us: int
    signature: str


class Older(Unavailable):
    """The parent is of before this door, or something else answers in its place: asked again as seldom as one that told."""


class ParentsTime(msgspec.Struct, frozen=True, kw_only=True):
    """What signed answers told: the parent was `ahead_s` ahead of our clock, give or take `within_s`, when that read `clock_s`.

    `steady_s` by the clock that nobody sets, in the machine's run `boot`; `parent` by its uid.
    """

    parent: str
    ahead_s: float
    within_s: float
    clock_s: float
    steady_s: float
    boot: str

    def ahead_now(self, *, clock_s: float, steady_s: float, boot: str) -> float:
        """How far the parent is ahead of our clock that reads `clock_s` now.

        In the same run of the machine the parent's time has gone on evenly, whatever was done to our clock. After it was off our clock
        is believed to have gone on; but never is it earlier there than what was last told.
        """
        last = self.clock_s + self.ahead_s
        if self.boot and self.boot == boot and steady_s >= self.steady_s:
            return last + (steady_s - self.steady_s) - clock_s
        return max(clock_s + self.ahead_s, last) - clock_s


def told_bytes(nonce: bytes, time_us: int) -> bytes:
    """What is signed. May never change: a new form is another first word."""
    return FORM + nonce + MOMENT.pack(time_us)


def tell(nonce: str, *, now_s: float) -> Told:
    """The answer of this machine. Refused when the nonce is none."""
    try:
        plain = binascii.unhexlify(nonce)
    except ValueError:
        plain = b""
    if len(plain) != NONCE_BYTES:
        raise Refused("nonce 应为 32 位十六进制数")
    time_us = int(now_s * 1e6)
    return Told(time_us, base64.b64encode(keys.sign(told_bytes(plain, time_us))).decode())


def time_line(address: str) -> Line:
    """A line on which the certificate is not looked at: nothing secret is sent, and what is believed is signed."""
    from yuanjiao.flow.wire.client import Line
    from yuanjiao.flow.wire.pace import PacedTransport

    return Line(address, transport=PacedTransport(settings.LEAST_RATE, certified=False), read_s=10.0)


def ask(line: Line, parent: Node, *, now_s: Seconds = clock.seconds, steady_s: Seconds = clock.steady_s) -> ParentsTime:
    """Ask several times. Unavailable when nobody answers or the parent is of before this door; Tampered when another signed."""
    offset = Offset()
    for _ in range(QUESTIONS):
        _ask_once(line, bytes(parent.public_key), offset, now_s, steady_s)
    if offset.at is None:
        raise Unavailable("本机时钟正被调整，稍后再与上级核对")
    within = (offset.high - offset.low) / 2
    return ParentsTime(
        parent=str(parent.uid), ahead_s=offset.seconds, within_s=within, clock_s=now_s(), steady_s=steady_s(), boot=clock.boot_id()
    )


def _ask_once(line: Line, parent_key: bytes, offset: Offset, now_s: Seconds, steady_s: Seconds) -> None:
    nonce = os.urandom(NONCE_BYTES)
    sent, began = now_s(), steady_s()
    response = line.get(f"{PATH}?nonce={nonce.hex()}")
    received, ended = now_s(), steady_s()
    if response.status_code != 200:
        raise Older(f"上级不会签名报时（{response.status_code}）：它的软件较旧，或有别的服务器在前面应答")
    told = _believed(response.content, nonce, parent_key)
    if abs((received - sent) - (ended - began)) <= JUMP_S:
        offset.learn(sent=sent, received=received, told=told, at=ended)


def _believed(content: bytes, nonce: bytes, parent_key: bytes) -> float:
    """The moment that was told, in seconds since 1970 UTC."""
    try:
        told = msgspec.json.decode(content, type=Told)
        signature = base64.b64decode(told.signature, validate=True)
    except (msgspec.DecodeError, ValueError):
        raise Unavailable("上级没有按规矩报时") from None
    if not EARLIEST_US <= told.time_us <= LATEST_US or not keys.verifies(parent_key, signature, told_bytes(nonce, told.time_us)):
        raise Tampered("报时的签名不是上级的：线路上有人冒充它")
    return told.time_us / 1e6


# -- what is kept ------------------------------------------------------------------------------------------------------------------


def _place() -> Path:
    return Path(settings.HOME) / "parents-time.json"


class LastSet(msgspec.Struct, frozen=True, kw_only=True):
    """What was last done to the clock of this machine (wiring/edge/timekeeping.py): `at` by the clock after it, in seconds since 1970
    UTC; later by `by_s` than before. `refused`: it stands as it was, and somebody should know."""

    at: float
    by_s: float
    refused: bool
    words: str


def keep(found: ParentsTime) -> None:
    """For every process of this machine, also after a restart."""
    _write(_place(), found)
    forget_what_was_looked_up()


def keep_set(done: LastSet) -> None:
    _write(_set_place(), done)


def last_set() -> LastSet | None:
    """None when the clock was never touched."""
    try:
        return msgspec.json.decode(_set_place().read_bytes(), type=LastSet)
    except (OSError, msgspec.DecodeError):
        return None


def _set_place() -> Path:
    return Path(settings.HOME) / "clock-set.json"


def _write(place: Path, content: msgspec.Struct) -> None:
    part = place.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(msgspec.json.encode(content))
    part.replace(place)


def kept() -> ParentsTime | None:
    """What was last told; None before that, and of a file that cannot be read."""
    try:
        return msgspec.json.decode(_place().read_bytes(), type=ParentsTime)
    except (OSError, msgspec.DecodeError):
        return None


def keep_parents_time(at: datetime) -> bool:
    """Ask the parent when that is due: every half hour, and after each start of the machine. Whether it was asked."""
    parent, last, boot = parent_node(), kept(), clock.boot_id()
    if parent is None or not settings.PARENT:
        return False
    asked_before = last is not None and last.parent == str(parent.uid) and last.boot == boot
    if asked_before and last is not None and 0 <= clock.steady_s() - last.steady_s < ASK_AGAIN_S:
        return False
    if clock.steady_s() < _not_before.get(settings.PARENT, 0.0):
        return False
    line = time_line(settings.PARENT)
    try:
        keep(ask(line, parent))
    except Older:
        _not_before[settings.PARENT] = clock.steady_s() + ASK_AGAIN_S
        raise
    finally:
        line.close()
    return True


_not_before: dict[str, float] = {}
"""When a parent that could not tell is asked again, by the clock that nobody sets."""


_looked: tuple[float, Path, ParentsTime | None] | None = None


def civil_ahead_s() -> float:
    """What is added to our clock for people: 0 at the top, before the parent has told, and of differences nobody sees."""
    global _looked
    steady, place = time.monotonic(), _place()
    if _looked is None or _looked[1] != place or not 0 <= steady - _looked[0] < LOOK_AGAIN_S:
        _looked = (steady, place, kept())
    found = _looked[2]
    if found is None:
        return 0.0
    ahead = found.ahead_now(clock_s=clock.seconds(), steady_s=clock.steady_s(), boot=clock.boot_id())
    return ahead if abs(ahead) >= LEAST_S else 0.0


def forget_what_was_looked_up() -> None:
    """For whoever has just written, and for tests."""
    global _looked
    _looked = None
