"""What travels down, in the order it is accepted: a shelf may only need what stands before it."""

from __future__ import annotations

SHELVES: tuple[object, ...] = ()
