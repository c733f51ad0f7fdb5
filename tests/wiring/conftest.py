"""Simulated machines, as the tests of the flow have them."""

from __future__ import annotations

from tests.flow.conftest import blank_database, world

__all__ = ["blank_database", "world"]
