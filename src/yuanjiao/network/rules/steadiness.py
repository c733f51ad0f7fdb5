"""Coming and going (时断时续): when single drops are one matter, and when an object counts as steady again. Pure."""

from __future__ import annotations

STEADY_S = 3600.0
"""An unstable object is steady again when it has neither come nor gone for so long, in seconds."""
STEADY_BEATS = 3
"""A return is told as lasting after so many periods without a new silence."""


def is_back_to_stay(ended: float | None, period: float, now: float) -> bool:
    """Whether a return (seconds since 1970; None: not back) has lasted long enough to be told as one."""
    return ended is not None and now - ended >= STEADY_BEATS * period
