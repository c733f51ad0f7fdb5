"""Marks of tests that kill real servers."""

from __future__ import annotations

import pytest

KILLS = [
    pytest.mark.journey,
    # A client whose server is killed while it answers drops its socket without closing it; the warning is the kill's, not ours.
    pytest.mark.filterwarnings("ignore:.*unclosed.*socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:.*socket.socket:pytest.PytestUnraisableExceptionWarning"),
]
