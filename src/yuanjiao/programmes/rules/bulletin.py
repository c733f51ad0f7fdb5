"""The words of a weekly mobile bulletin (DLV06), as a short message carries them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

ALONE, TOGETHER = 70, 67
"""Characters of a message in Chinese: sent by itself, and as one part of several."""
OPT_OUT = "退订回T"
"""Every bulletin says how to be left out; the system that sends it keeps the numbers and who has left, this one has neither."""


def compose(sender: str, first: date, last: date, titles: Sequence[str], address: str) -> str:
    """【sender】 what is new from the first to the last day, numbered, where to see it, how to be left out."""
    days = f"{first.month}月{first.day}日至{last.month}月{last.day}日"
    listed = "；".join(f"{number}.{' '.join(title.split())}" for number, title in enumerate(titles, 1))
    return f"【{sender}】{days}新课件：{listed}。观看：{address} {OPT_OUT}"


def parts(text: str) -> int:
    """How many short messages the text is. Characters beyond the basic plane count as two."""
    length = len(text.encode("utf-16-le")) // 2
    return 1 if length <= ALONE else -(-length // TOGETHER)
