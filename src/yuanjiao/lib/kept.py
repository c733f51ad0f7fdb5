"""What was done on a phone without a signal and arrives later: when it was done, and what became of it (decision 0101).

The clock of a phone may be wrong; how long ago something was by that clock is right all the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from yuanjiao.lib.errors import Refused

KEPT_FOR = timedelta(days=30)
"""An act older than this by the phone's own clock is done again by hand."""
SOON = timedelta(minutes=2)
"""What arrives so soon was not kept on the phone."""


class Outcome(StrEnum):
    """What became of an act the phone sent."""

    DONE = "done"
    ALREADY = "already"


def done_at(age: timedelta, *, at: datetime, not_before: datetime) -> datetime:
    """The moment of an act that is `age` old at `at`. A clock set back meanwhile makes it one of now; Refused when too old."""
    age = max(age, timedelta())
    if age > KEPT_FOR:
        raise Refused("手机保存的时间不对，请打开页面重新办理")
    return max(at - age, not_before)
