"""Laying a day of a channel: blocks become airings, one after the other, none cut short. Times are aware; lengths are seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

WEEKDAYS = "一二三四五六日"
MOST_IN_BLOCK = 1000
"""A block of very short items stops here: a day's list has to be read by people."""


@dataclass(frozen=True)
class Playable:
    """One item as far as laying needs it."""

    uid: UUID
    title: str
    duration_s: float
    segments: int = 0


@dataclass(frozen=True)
class Slot:
    """One block on one day. A loop (轮播) goes round until the end and begins each day one item further; without it, once through."""

    begins_at: datetime
    ends_at: datetime
    items: tuple[Playable, ...]
    loop: bool


@dataclass(frozen=True)
class Laid:
    """One airing: the item from `starts_at` to `ends_at`."""

    starts_at: datetime
    ends_at: datetime
    item: Playable


def lay(slots: Sequence[Slot]) -> list[Laid]:
    """The airings of a day in order."""
    return [one for slot in sorted(slots, key=lambda slot: slot.begins_at) for one in _fill(slot)]


def _fill(slot: Slot) -> Iterator[Laid]:
    starts_at, number = slot.begins_at, 0
    queue = _turned(slot) if slot.loop else list(slot.items)
    while queue and number < MOST_IN_BLOCK:
        left = (slot.ends_at - starts_at).total_seconds()
        # the next in order that still fits; what is too long for the rest of a block keeps its turn for another day
        found = next((position for position, item in enumerate(queue) if 0 < item.duration_s <= left), None)
        if found is None:
            return
        item = queue.pop(found)
        ends_at = starts_at + timedelta(milliseconds=round(item.duration_s * 1000))
        yield Laid(starts_at, ends_at, item)
        starts_at, number = ends_at, number + 1
        if slot.loop:
            queue.append(item)


def _turned(slot: Slot) -> list[Playable]:
    """Each day begins one item further, so that a short block shows all of a long column in time."""
    items = list(slot.items)
    turn = slot.begins_at.toordinal() % len(items) if items else 0
    return items[turn:] + items[:turn]


def overlapping(spans: Sequence[tuple[str, str, str]]) -> tuple[int, int] | None:
    """Two of (weekdays, begins, ends) that meet on some weekday, as positions; None when none do. Times as 'HH:MM' compare as text."""
    for one, (days, begins, ends) in enumerate(spans):
        for other, (days2, begins2, ends2) in enumerate(spans[:one]):
            if set(days) & set(days2) and begins < ends2 and begins2 < ends:
                return other, one
    return None


def falls_on(weekdays: str, day: date) -> bool:
    """Whether a block with these ISO weekdays ('1' is Monday) has its place on a day."""
    return str(day.isoweekday()) in weekdays


def weekdays_text(weekdays: str) -> str:
    """'12345' → 周一至周五; '67' → 周六、周日; all seven → 每天."""
    if len(weekdays) == 7:
        return "每天"
    days = [int(one) for one in weekdays]
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"周{WEEKDAYS[days[0] - 1]}至周{WEEKDAYS[days[-1] - 1]}"
    return "、".join(f"周{WEEKDAYS[one - 1]}" for one in days)
