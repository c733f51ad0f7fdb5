"""Timed work of the network: the sweep with its marks, the edge's beat to its parent, the diagnosis at the top, our own sign of life."""

from datetime import datetime
from weakref import WeakKeyDictionary

from yuanjiao.network.diagnosis import Heard, Memory, diagnose
from yuanjiao.network.jobs.alive import tell_alive
from yuanjiao.network.jobs.counting import keep_counters
from yuanjiao.network.jobs.parent import beat_now, beat_parent
from yuanjiao.network.jobs.sweeping import keep_snapshot, reload_register, sweep, sweep_at_top, sweep_now
from yuanjiao.network.live import LISTENER, Listener

__all__ = [
    "beat_now",
    "beat_parent",
    "diagnose_outages",
    "keep_counters",
    "keep_snapshot",
    "reload_register",
    "sweep",
    "sweep_at_top",
    "sweep_now",
    "tell_alive",
]

_MEMORIES: WeakKeyDictionary[Listener, Memory] = WeakKeyDictionary()


def diagnose_outages(at: datetime, *, listener: Listener = LISTENER) -> None:
    """The diagnosis with what the live array heard."""
    array = listener.array
    diagnose(at=at, heard=Heard(array.ids, array.last, array.witness), memory=_MEMORIES.setdefault(listener, Memory()))
