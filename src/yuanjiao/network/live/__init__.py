"""What is heard right now, in memory: the live array, its sweep, and the listener of this process."""

from yuanjiao.lib.clock import boot_id, steady_s
from yuanjiao.network.live.array import LiveArray
from yuanjiao.network.live.brake import Brake, Course
from yuanjiao.network.live.clocks import STEP_S, Gap, Undated, clock_was_set, deaf_after, parents_time_moved
from yuanjiao.network.live.ears import ears_open
from yuanjiao.network.live.flaps import Flaps
from yuanjiao.network.live.listener import LISTENER, RELOAD_S, Listener, register_version
from yuanjiao.network.live.loading import load
from yuanjiao.network.live.transitions import Transitions
from yuanjiao.network.live.words import (
    DOWN,
    EDGE,
    LINE,
    MINE,
    SERVING,
    SITE,
    STATE_CODES,
    STATE_NAMES,
    THEIRS,
    UNKNOWN,
    UP,
    Transition,
    Word,
)

__all__ = [
    "DOWN",
    "EDGE",
    "LINE",
    "LISTENER",
    "MINE",
    "RELOAD_S",
    "SERVING",
    "SITE",
    "STATE_CODES",
    "STATE_NAMES",
    "STEP_S",
    "THEIRS",
    "UNKNOWN",
    "UP",
    "Brake",
    "Course",
    "Flaps",
    "Gap",
    "Listener",
    "LiveArray",
    "Transition",
    "Transitions",
    "Undated",
    "Word",
    "boot_id",
    "clock_was_set",
    "deaf_after",
    "ears_open",
    "load",
    "parents_time_moved",
    "register_version",
    "steady_s",
]
