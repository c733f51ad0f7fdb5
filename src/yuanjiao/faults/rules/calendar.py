"""Hours of an agreement on a calendar: which days are worked, when a number of hours has passed. Pure; days and times of China."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

EXPIRY_WARNING_DAYS = 60
"""An agreement is told to be ending so long before (OPS16)."""
FARTHEST_DAYS = 400
"""No hours of an agreement reach farther: a calendar without working days is a mistake, not a promise."""


class Counting(StrEnum):
    """How the hours of an agreement run."""

    ROUND_THE_CLOCK = "clock"
    WORKING_HOURS = "working"


COUNTING_NAMES: dict[Counting, str] = {Counting.ROUND_THE_CLOCK: "自然小时", Counting.WORKING_HOURS: "工作时间内的小时"}


class DayKind(StrEnum):
    """What an official notice makes of a day: a holiday, or a working day on a weekend (调休上班)."""

    HOLIDAY = "holiday"
    WORKDAY = "workday"


DAY_NAMES: dict[DayKind, str] = {DayKind.HOLIDAY: "放假", DayKind.WORKDAY: "调休上班"}


@dataclass(frozen=True)
class WorkCalendar:
    """Days an official notice has changed; every other day is worked from Monday to Friday. `opens` < `closes`, local time."""

    zone: tzinfo
    opens: time
    closes: time
    changed: dict[date, DayKind] = field(default_factory=dict)

    def is_worked(self, day: date) -> bool:
        """Whether people work on the day."""
        kind = self.changed.get(day)
        return day.weekday() < 5 if kind is None else kind is DayKind.WORKDAY


def after(start: datetime, hours: int, counting: Counting, calendar: WorkCalendar) -> datetime:
    """The moment when so many hours have passed since `start`. Raises ValueError when no such moment lies within FARTHEST_DAYS."""
    if counting is Counting.ROUND_THE_CLOCK:
        return start + timedelta(hours=hours)
    left, day = timedelta(hours=hours), start.astimezone(calendar.zone).date()
    for _ in range(FARTHEST_DAYS):
        if calendar.is_worked(day):
            opens = max(datetime.combine(day, calendar.opens, calendar.zone), start)
            closes = datetime.combine(day, calendar.closes, calendar.zone)
            if opens + left <= closes:
                return opens + left
            left -= max(closes - opens, timedelta())
        day += timedelta(days=1)
    raise ValueError("the calendar has too few working days")


def ends_soon(last_day: date, on: date) -> bool:
    """Whether an agreement that holds until `last_day` is to be warned of, or has ended."""
    return (last_day - on).days <= EXPIRY_WARNING_DAYS


def days_told(text: str) -> list[tuple[date, DayKind, str]]:
    """An official arrangement as lines "2026-10-01 放假 国庆节" or "2026-10-10 上班 国庆节". Raises ValueError that names the line."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.replace(",", " ").replace("，", " ").split(maxsplit=2)
        if not parts:
            continue
        kind = {"放假": DayKind.HOLIDAY, "休": DayKind.HOLIDAY, "上班": DayKind.WORKDAY, "班": DayKind.WORKDAY}
        try:
            day = date.fromisoformat(parts[0])
            found.append((day, kind[parts[1]], parts[2].strip()[:40] if len(parts) > 2 else ""))
        except (ValueError, KeyError, IndexError):
            raise ValueError(f"第 {number} 行看不懂：{line.strip()[:40]}（应写成 2026-10-01 放假 国庆节）") from None
    return found
