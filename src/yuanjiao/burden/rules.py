"""What is asked of a unit in a month, added up and held against its cap. Pure."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from yuanjiao.lib.asked import Asked, Kind


class Measure(StrEnum):
    """What is counted."""

    FORMS = "forms"
    FIELDS = "fields"
    MEETINGS = "meetings"
    UPLOADS = "uploads"


MEASURE_NAMES = {Measure.FORMS: "表单", Measure.FIELDS: "填写项", Measure.MEETINGS: "会议活动", Measure.UPLOADS: "报送材料"}
KIND_NAMES = {Kind.FORM: "表单", Kind.MEETING: "会议活动", Kind.UPLOAD: "报送材料"}
OF_KIND = {Kind.FORM: Measure.FORMS, Kind.MEETING: Measure.MEETINGS, Kind.UPLOAD: Measure.UPLOADS}
CAPPED = (Measure.FORMS, Measure.FIELDS, Measure.UPLOADS)
"""What a cap may be set for. Not for meetings: study days and trainings are counted but do not ask the meter, so such a cap would
refuse nothing. It comes back with the first room that asks before it calls a meeting."""
Caps = Mapping[Measure, int]
"""The most of each measure; a measure without a cap is left out."""


@dataclass(frozen=True)
class Load:
    """What is asked of one unit in one month."""

    forms: int = 0
    fields: int = 0
    meetings: int = 0
    uploads: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(*(self.of(one) + other.of(one) for one in Measure))

    def of(self, measure: Measure) -> int:
        """The number of one measure."""
        found: int = getattr(self, measure.value)
        return found

    def over(self, caps: Caps) -> list[Measure]:
        """The measures that are above their cap."""
        return [one for one in Measure if one in caps and self.of(one) > caps[one]]


def load_of(asks: Iterable[Asked]) -> Load:
    """What these come to: fields are counted of everything, forms, meetings and uploads each by its kind."""
    counts = dict.fromkeys(Measure, 0)
    for one in asks:
        counts[OF_KIND[one.kind]] += one.times
        counts[Measure.FIELDS] += one.fields * one.times
    return Load(*(counts[one] for one in Measure))


def growth(now: Load, more: Load, caps: Caps) -> list[Measure]:
    """The measures that `more` makes larger than the cap; what is over already and does not grow is not its doing."""
    return [one for one in (now + more).over(caps) if more.of(one)]


def month_of(day: date) -> date:
    return day.replace(day=1)


def last_of(month: date) -> date:
    """The last day of a month."""
    return month.replace(day=monthrange(month.year, month.month)[1])


def months_back(day: date, count: int) -> list[date]:
    """The month of a day and those before it, the newest first."""
    found = [month_of(day)]
    while len(found) < count:
        found.append(month_of(found[-1] - timedelta(days=1)))
    return found
