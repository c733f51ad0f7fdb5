"""Day roll-ups (日汇总): finished local days summed into column files, and what has made a sum old since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
from django.conf import settings

from yuanjiao.lib import clock
from yuanjiao.network.counting.columns import SummedDay, folder_name, write_day
from yuanjiao.network.counting.reading import OBSERVERS, Scope, day_from, ends_of, number_of, read, record_ends
from yuanjiao.network.models import DayRollup
from yuanjiao.network.rules.days import seconds_of_day
from yuanjiao.network.rules.rates import FOREVER, Ints, RateRule


@dataclass(frozen=True)
class Seen:
    """Keys up to which every state change and every play test has been read."""

    change: int
    test: int


def folder() -> Path:
    """Where this machine keeps its column files."""
    return Path(settings.HOME) / "counting"


def bounds(day: date) -> tuple[int, int]:
    """The seconds [from, to) of a local day."""
    return int(clock.day_start(day).timestamp()), int(clock.day_start(day + timedelta(days=1)).timestamp())


def sum_day(day: date, rule: RateRule, *, seen: Seen, at: datetime) -> DayRollup:
    """Sum one finished day from its rows and keep it. `seen` was taken before: what came later makes the sum stale, never wrong."""
    start, end = bounds(day)
    spans, tests = read([Scope()], start, end, rule)
    summed = summed_day(spans, tests, record_ends(0), start, end, rule)
    digest = write_day(folder(), f"{day}", rule.version, summed)
    row, _ = DayRollup.objects.update_or_create(
        day=day,
        rule_version=rule.version,
        defaults={
            "digest": digest,
            "rows": len(summed.day.site),
            "made_at": at,
            "stale": False,
            "seen_change": seen.change,
            "seen_test": seen.test,
        },
    )
    return row


def summed_day(spans: Ints, tests: Ints, ends: Mapping[int, int], start: int, end: int, rule: RateRule) -> SummedDay:
    """The day with its sums, and the sites whose rows reach beyond what their observer's record told so far."""
    size = int(max(spans[:, 0].max(initial=-1), tests[:, 0].max(initial=-1))) + 1
    limits = ends_of(spans[:, 5], ends)
    open_ended = ~np.isin(spans[:, 5], np.fromiter(ends, np.int64, len(ends)))
    cut = (np.minimum(spans[:, 3], end) > limits) | open_ended
    numbers, place = np.unique(spans[cut, 5], return_inverse=True)
    names = {number: str(observer) for observer, number in OBSERVERS.items()}
    observers = tuple((names[number], ends.get(number)) for number in numbers.tolist())
    day = day_from(spans, tests, ends, start, end - start)
    up, down = seconds_of_day(day, rule, size)
    return SummedDay(day, up, down, observers, np.stack([spans[cut, 0], place.astype(np.int64)], axis=1))


def moved_observers(observers: Iterable[tuple[str, int | None]], ends: Mapping[int, int], start: int, end: int) -> list[int]:
    """Places in `observers` whose record now reaches elsewhere within the day than when it was summed."""
    found = []
    for place, (name, then) in enumerate(observers):
        now = ends.get(number_of(UUID(name)), FOREVER)
        if _within(FOREVER if then is None else then, start, end) != _within(now, start, end):
            found.append(place)
    return found


def _within(moment: int, start: int, end: int) -> int:
    return min(max(moment, start), end)


def kept_folders() -> set[str]:
    """Names of the folders that roll-ups of this machine point at."""
    rows = DayRollup.objects.values_list("day", "rule_version", "digest")
    return {folder_name(f"{day}", version, digest) for day, version, digest in rows}
