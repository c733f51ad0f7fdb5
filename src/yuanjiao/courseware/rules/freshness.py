"""What a column promises (DLV04) and when it fails: updates a week, delay from the source's date, emptiness. Days are local days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

WEEK = timedelta(days=7)
QUIET_DAYS = 90
"""A column or sub-category that promises nothing is called stale after a quarter without anything new."""
DELAY_DAYS = 28
"""Delays are judged over what was placed in the last four weeks."""


class Flag(StrEnum):
    """What may be wrong with a column or a sub-category."""

    EMPTY = "empty"
    STALE = "stale"
    LATE = "late"


FLAG_NAMES = [(Flag.EMPTY, "空栏目"), (Flag.STALE, "更新不足"), (Flag.LATE, "上载超时")]


@dataclass(frozen=True)
class Placed:
    """One released item as far as freshness needs it: the day it was placed, the day of its source if known."""

    on: date
    source_on: date | None = None

    @property
    def delay_days(self) -> int | None:
        """Days from the source's date to the upload into the column; None without a source's date, 0 when it was announced ahead."""
        return max((self.on - self.source_on).days, 0) if self.source_on else None


@dataclass(frozen=True)
class Promise:
    """What a column promises; 0 and None promise nothing. `since` is the first day it is shown."""

    since: date
    min_weekly: int = 0
    max_delay_days: int | None = None


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, in words that cite the numbers."""

    flag: Flag
    words: str


def in_last_week(placed: Sequence[Placed], on: date) -> int:
    """Items placed in the seven days that end with `on`."""
    return sum(on - WEEK < one.on <= on for one in placed)


def findings(promise: Promise, placed: Sequence[Placed], on: date) -> list[Finding]:
    """What is wrong with a column on a day. Nothing is asked of one that has been shown for less than a week."""
    if on - promise.since < WEEK:
        return []
    if not placed:
        return [Finding(Flag.EMPTY, f"自 {promise.since:%Y-%m-%d} 开设以来没有课件")]
    return [*_stale(promise, placed, on), *_late(promise, placed, on)]


def _stale(promise: Promise, placed: Sequence[Placed], on: date) -> list[Finding]:
    newest = max(one.on for one in placed)
    if promise.min_weekly:
        count = in_last_week(placed, on)
        short = count < promise.min_weekly
        words = f"最近七天更新 {count} 件，承诺每周至少 {promise.min_weekly} 件；最近一次 {newest:%Y-%m-%d}"
        return [Finding(Flag.STALE, words)] if short else []
    days = (on - newest).days
    return [Finding(Flag.STALE, f"{days} 天没有更新，最近一次 {newest:%Y-%m-%d}")] if days > QUIET_DAYS else []


def _late(promise: Promise, placed: Sequence[Placed], on: date) -> list[Finding]:
    if promise.max_delay_days is None:
        return []
    recent = [one.delay_days for one in placed if on - timedelta(days=DELAY_DAYS) < one.on <= on]
    late = [days for days in recent if days is not None and days > promise.max_delay_days]
    words = f"最近四周有 {len(late)} 件超过时限 {promise.max_delay_days} 天，最长 {max(late, default=0)} 天"
    return [Finding(Flag.LATE, words)] if late else []


def weeks(placed: Sequence[Placed], on: date, count: int) -> list[tuple[date, int]]:
    """The last `count` calendar weeks, oldest first: their Monday and how many items were placed. The last one is the running week."""
    monday = on - timedelta(days=on.weekday())
    starts = [monday - number * WEEK for number in range(count - 1, -1, -1)]
    return [(start, sum(start <= one.on < start + WEEK for one in placed)) for start in starts]
