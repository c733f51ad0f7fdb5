"""The fault world and somebody who keeps duties."""

from __future__ import annotations

from tests.faults.conftest import World, world

__all__ = ["World", "world"]
