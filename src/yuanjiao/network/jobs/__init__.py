"""Timed work of the network: the sweep with its marks, the edge's beat to its parent, the diagnosis at the top, our own sign of life."""

from datetime import datetime

from yuanjiao.network.diagnosis import diagnose
from yuanjiao.network.jobs.alive import tell_alive
from yuanjiao.network.jobs.parent import beat_parent
from yuanjiao.network.jobs.sweep import keep_snapshot, reload_register, sweep, sweep_now
from yuanjiao.network.live import LISTENER, Listener

__all__ = ["beat_parent", "diagnose_outages", "keep_snapshot", "reload_register", "sweep", "sweep_now", "tell_alive"]


def diagnose_outages(at: datetime, *, listener: Listener = LISTENER) -> None:
    """The diagnosis with what the live array heard."""
    diagnose(at=at, heard=listener.last_heard())
