"""How many plays and stars are counted of one sender, of one item from one sender, of one item in all. Addresses stay in memory.

Wide enough for a school behind one address that presses play together and for a lesson of thousands; a script that plays all night
adds a few hundred an hour to one item and not a million. What is over a limit is played all the same, and not counted.
"""

from __future__ import annotations

from uuid import UUID

from yuanjiao.lib.limits import SenderLimits


class CountLimits:
    """Three buckets; a knock has to find room in each. The sender's comes first: it bounds how many of the others one sender can open."""

    def __init__(self) -> None:
        self._senders = SenderLimits(every_s=1.0, burst=120)
        self._senders_items = SenderLimits(every_s=20.0, burst=60, most=50_000)
        self._items = SenderLimits(every_s=0.02, burst=3000, most=50_000)

    def take(self, sender: str, item: UUID, what: str, at: float) -> int:
        """Whole seconds to wait, 0 when it may be counted."""
        return self._senders.take(sender, at) or self._senders_items.take((sender, item, what), at) or self._items.take((item, what), at)


COUNTS = CountLimits()
