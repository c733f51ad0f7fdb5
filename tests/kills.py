"""Marks of tests that kill real servers, and how often they kill: `KILL_ROUNDS=30 make ...` for a long run, `KILL_SEED` to repeat one."""

from __future__ import annotations

import logging
import os
import random

import pytest

KILLS = [
    pytest.mark.journey,
    # A client whose server is killed while it answers drops its socket without closing it; the warning is the kill's, not ours.
    pytest.mark.filterwarnings("ignore:.*unclosed.*socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:.*socket.socket:pytest.PytestUnraisableExceptionWarning"),
]
_ASKED, _SEED = os.environ.get("KILL_ROUNDS", ""), os.environ.get("KILL_SEED", "")


def rounds(usual: int) -> int:
    """How often to kill."""
    return int(_ASKED) if _ASKED else usual


def chance() -> random.Random:
    """The moments of the kills; the seed is logged, so that a failure can be run again (as far as real processes repeat themselves)."""
    seed = int(_SEED) if _SEED else random.SystemRandom().randrange(2**32)
    logging.getLogger(__name__).warning("KILL_SEED=%s", seed)
    return random.Random(seed)
