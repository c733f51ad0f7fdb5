"""Setting this machine's clock by its parent's: `yuanjiao clock set`, run by a unit of its own that may do that and nothing else.

1. Only by answers that the parent's key has signed (flow/wire/parents_time.py). 2. A clock that a time service keeps is left to it.
3. Little is put right by going slower or faster, never by a jump. 4. It never jumps back behind the last entry of the journal by itself:
facts would stand before facts that were recorded before them. That is said, and left to people.
5. It is never set before the day this software was made, whoever says so.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from yuanjiao.flow.wire import parents_time
from yuanjiao.lib.errors import Refused

LEAVE_S = 0.1
"""So near is right: what people see and facts tell is a second."""
SLEW_FORWARD_S, SLEW_BACK_S = 2.0, 60.0
"""Up to here the clock is led, not set: by 1 part in 2,000, a minute in a day and a half."""
MADE = datetime(2026, 11, 1, tzinfo=UTC)
"""This software was not there before: a time before it is no time of now. To be moved on now and then."""
TIME_ERROR = 5
"""What adjtimex returns while no time service keeps the clock (adjtimex(2))."""


class Act(StrEnum):
    """What is done to the clock."""

    LEAVE = "leave"
    SLEW = "slew"
    STEP = "step"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Plan:
    """What is to be done and why, in words for who looks after the machine. `by_s`: how much later the clock will read."""

    act: Act
    by_s: float
    words: str


@dataclass(frozen=True)
class Found:
    """What it goes by; seconds, and moments in seconds since 1970 UTC. `last_entry`: of this machine's own journal, 0 for none."""

    ahead_s: float
    within_s: float
    now: float
    last_entry: float
    kept_by_service: bool


def decide(found: Found) -> Plan:
    """What is to be done. Pure."""
    ahead, target = found.ahead_s, found.now + found.ahead_s
    words = in_words(ahead)
    if abs(ahead) <= max(LEAVE_S, found.within_s):
        return Plan(Act.LEAVE, 0.0, "本机时钟与上级一致")
    if found.kept_by_service:
        return Plan(Act.LEAVE, 0.0, f"本机时钟由授时服务（NTP）校正，没有改动；{words}")
    if target < MADE.timestamp():
        return Plan(Act.REFUSE, 0.0, f"没有校时：上级的时间 {_moment(target)} 早于本软件的日期，上级的时钟可能错了")
    if -SLEW_BACK_S <= ahead <= SLEW_FORWARD_S:
        return Plan(Act.SLEW, ahead, f"{words}，正在缓慢校正")
    if ahead < 0 and target <= found.last_entry:
        late = f"{words}；已有记录记到 {_moment(found.last_entry)}，往回拨会使先后颠倒"
        return Plan(Act.REFUSE, 0.0, f"没有校时：{late}。给人看的时间已按上级更正；确实要拨回，请装机的人以 root 用 date -s 校时")
    return Plan(Act.STEP, ahead, f"{words}，已拨到 {_moment(target)}")


def in_words(ahead_s: float) -> str:
    """How far this machine's clock is off, as people say it."""
    if abs(ahead_s) < 0.05:
        return "本机时钟与上级一致"
    return f"本机时钟{'慢' if ahead_s > 0 else '快'} {span(abs(ahead_s))}"


def span(seconds: float) -> str:
    """A length of time in the two units that matter."""
    if seconds < 60:
        return f"{seconds:.1f} 秒"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} 分钟"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} 小时 {minutes} 分"
    return f"{hours // 24} 天 {hours % 24} 小时"


def _moment(second: float) -> str:
    return f"{datetime.fromtimestamp(second, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


# -- the machine ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setter:
    """What the system offers: to lead the clock by seconds, to set it to a moment, and whether a time service keeps it."""

    slew: Callable[[float], None]
    step: Callable[[float], None]
    kept_by_service: Callable[[], bool]


def system_setter() -> Setter:
    """Of Linux. Leading and setting need the right CAP_SYS_TIME: PermissionError without."""
    return Setter(_adjust, _set, _is_kept)


class _Interval(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("micros", ctypes.c_long))


def _adjust(by_s: float) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    whole = int(by_s // 1)
    if libc.adjtime(ctypes.byref(_Interval(whole, int((by_s - whole) * 1e6))), None) != 0:
        raise OSError(ctypes.get_errno(), "adjtime")


def _set(target: float) -> None:
    time.clock_settime(time.CLOCK_REALTIME, target)


def _is_kept() -> bool:
    """adjtimex(2) that changes nothing: a struct of zeros asks."""
    libc = ctypes.CDLL(None, use_errno=True)
    answer: int = libc.adjtimex(ctypes.create_string_buffer(512))
    return 0 <= answer < TIME_ERROR


def carry_out(plan: Plan, setter: Setter, *, now: Callable[[], float] = time.time) -> None:
    """Refused without the right to it."""
    try:
        if plan.act is Act.STEP:
            setter.step(now() + plan.by_s)
        elif plan.act is Act.SLEW:
            setter.slew(plan.by_s)
    except PermissionError:
        raise Refused("没有校时的权力：请由 yuanjiao-clock.service 运行（edge setup --set-clock），或加 sudo") from None


def note(plan: Plan, *, now: float) -> None:
    """Keep it for the status page until the next that matters: that all was well again ends a refusal, and is no news else."""
    last = parents_time.last_set()
    if plan.act is Act.LEAVE and (last is None or not last.refused):
        return
    if plan.act is Act.SLEW and last is not None and not last.refused and abs(last.by_s) > abs(plan.by_s):
        return  # a jump of days is not to be hidden by the tenth of a second after it
    parents_time.keep_set(parents_time.LastSet(at=now, by_s=plan.by_s, refused=plan.act is Act.REFUSE, words=plan.words))
