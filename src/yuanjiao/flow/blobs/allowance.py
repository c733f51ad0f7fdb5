"""When blobs of the rest may be fetched: in the hours and within the bytes the operator allows. Rows and today's lessons never wait.

The hours are settings.BLOB_WINDOW, the bytes settings.BYTES_HOUR and BYTES_DAY, hours and days of China, told by the parent's
clock as it was last known: a box often has a wrong one. Every blob that comes over the line is counted, of whatever rank, in one row: a
restart forgets at most a second of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings

from yuanjiao.flow.blobs.models import SpentBytes
from yuanjiao.flow.nodes.queries import parent_ahead_s
from yuanjiao.lib.clock import CHINA, day_start, local_day
from yuanjiao.lib.dayspans import opens_at

MOST_AHEAD_S = 100 * 365 * 86_400.0
"""No parent's clock is believed to be further off: what it tells must not lead out of the calendar."""


class Reason(StrEnum):
    """What the rest waits for."""

    WINDOW = "window"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True)
class Hold:
    """The rest waits until `until`, a moment of the parent's clock."""

    reason: Reason
    until: datetime


def hold_at(at: datetime) -> Hold | None:
    """What holds back the rest at this moment, the longest first; None when it may come."""
    return Allowance(at).hold(at)


class Allowance:
    """The count as this process keeps it: read once, kept (`keep`) from time to time. Only the job that fetches counts.

    The moments it is told are those of this machine's clock.
    """

    def __init__(self, at: datetime) -> None:
        self._counted, self._ahead = 0, parent_ahead()
        at += self._ahead
        row = SpentBytes.objects.first()
        self._hour, self._in_hour = (row.hour_at, row.hour_bytes) if row else (_hour(at), 0)
        self._day, self._in_day = (row.day_on, row.day_bytes) if row else (local_day(at), 0)

    def spend(self, size: int, at: datetime) -> None:
        """So many bytes came."""
        self._turn(at + self._ahead)
        self._in_hour += size
        self._in_day += size
        self._counted += size

    def keep(self) -> None:
        """Write the count down, if there is anything new in it."""
        if not self._counted:
            return
        self._counted = 0
        row = {"hour_at": self._hour, "hour_bytes": self._in_hour, "day_on": self._day, "day_bytes": self._in_day}
        SpentBytes.objects.update_or_create(one=True, defaults=row)

    def hold(self, at: datetime) -> Hold | None:
        """As `hold_at`, with what was not written down yet."""
        at += self._ahead
        self._turn(at)
        found = []
        if opens := opens_at(settings.BLOB_WINDOW, at):
            found.append(Hold(Reason.WINDOW, opens))
        if 0 < settings.BYTES_HOUR <= self._in_hour:
            found.append(Hold(Reason.HOUR, self._hour + timedelta(hours=1)))
        if 0 < settings.BYTES_DAY <= self._in_day:
            found.append(Hold(Reason.DAY, day_start(self._day + timedelta(days=1))))
        return max(found, key=lambda one: one.until, default=None)

    def left(self, at: datetime) -> int | None:
        """So many bytes may still come in this hour and on this day; None without a limit."""
        self._turn(at + self._ahead)
        limits = ((settings.BYTES_HOUR, self._in_hour), (settings.BYTES_DAY, self._in_day))
        return min((max(0, most - spent) for most, spent in limits if most > 0), default=None)

    def _turn(self, at: datetime) -> None:
        """Another hour or day than the one counted, also an earlier one of a clock that was set back, begins at nothing."""
        hour, day = _hour(at), local_day(at)
        if hour != self._hour:
            self._hour, self._in_hour = hour, 0
        if day != self._day:
            self._day, self._in_day = day, 0


def parent_ahead() -> timedelta:
    """How far the parent's clock is ahead of ours, as it was last known; within what the calendar bears."""
    return timedelta(seconds=max(-MOST_AHEAD_S, min(parent_ahead_s(), MOST_AHEAD_S)))


def _hour(at: datetime) -> datetime:
    return at.astimezone(CHINA).replace(minute=0, second=0, microsecond=0)
