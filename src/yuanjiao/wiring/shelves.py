"""What travels down, in the order it is accepted: a shelf may only need what stands before it."""

from __future__ import annotations

from yuanjiao.learning import shelf as learning

SHELVES: tuple[object, ...] = (learning,)
