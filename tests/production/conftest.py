"""Released films, as programmes' tests have them."""

from __future__ import annotations

from tests.programmes.conftest import column, films, publish

__all__ = ["column", "films", "publish"]
