"""The words of a weekly bulletin (DLV06), as short messages and work groups carry them, and the week it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

ALONE, TOGETHER = 70, 67
"""Characters of a message in Chinese: sent by itself, and as one part of several."""
LONGEST = 500
"""Characters of a text without signature and opt-out."""
OPT_OUT = "退订回TD"
"""Stands at the end of every short message; nobody can edit it away."""
LOOKED_BACK = 7
"""Days whose releases an edition names, the day of drafting included."""
FEWEST = 5
"""Persons: an audience below is shown as a whole only, or who has opted out could be worked out."""


def week_of(day: date) -> date:
    """The Monday that names a week."""
    return day - timedelta(days=day.weekday())


def due_on(week_on: date, weekday: int) -> date:
    """The day on which the edition of a week is drafted; `weekday` 1 is Monday."""
    return week_on + timedelta(days=weekday - 1)


def compose(first: date, last: date, titles: Sequence[str], address: str) -> str:
    """What is new from the first to the last day, numbered, and where to see it; empty without titles."""
    if not titles:
        return ""
    days = f"{first.month}月{first.day}日至{last.month}月{last.day}日"
    listed = "；".join(f"{number}.{' '.join(title.split())}" for number, title in enumerate(titles, 1))
    return f"{days}新课件：{listed}。观看：{address}"


def fitting(first: date, last: date, titles: Sequence[str], address: str) -> int:
    """How many of the titles, from the front, a text has room for."""
    return next((n for n in range(len(titles), 0, -1) if len(compose(first, last, titles[:n], address)) <= LONGEST), 0)


def signed(sender: str, text: str) -> str:
    """What a work group reads."""
    return f"【{sender}】{text}"


def short_message(sender: str, text: str) -> str:
    """What a telephone gets: the signature gateways ask for in front, how to be left out behind."""
    return f"【{sender}】{text} {OPT_OUT}"


def parts(text: str) -> int:
    """How many short messages the text is. Characters beyond the basic plane count as two."""
    length = len(text.encode("utf-16-le")) // 2
    return 1 if length <= ALONE else -(-length // TOGETHER)
