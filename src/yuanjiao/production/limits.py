"""How many certificates a stranger may ask for, and how often anybody may try the code of one: so that nobody counts them up or guesses."""

from __future__ import annotations

from yuanjiao.lib.limits import SenderLimits


class AskingLimits:
    """Two buckets: a sender's, and a number's over all senders."""

    def __init__(self) -> None:
        self._senders = SenderLimits(every_s=3.0, burst=30)
        self._numbers = SenderLimits(every_s=10.0, burst=30)

    def take(self, sender: str, number: str, at: float) -> int:
        """Whole seconds to wait, 0 when it may be asked now. `number` is empty for what cannot be one."""
        return self._senders.take(sender, at) or (self._numbers.take(number, at) if number else 0)


ASKED = AskingLimits()
