"""A recorded past: the city lives through some days inside this process, faster than the clock, through the same doors and jobs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from yuanjiao.faults.jobs import run_faults
from yuanjiao.network.diagnosis.run import MEMORY
from yuanjiao.network.jobs import diagnose_outages, sweep
from yuanjiao.network.live import LISTENER, Listener
from yuanjiao.simulation.behaviour import TrueFault
from yuanjiao.simulation.world import World


def live_through(world: World, *, start: datetime, end: datetime, step: timedelta, report: Callable[[float], None] | None = None) -> int:
    """Live from `start` to `end`; returns the number of steps. The centre's sweep, diagnosis and orders run at each of them."""
    moments = list(world.moments(start, end, step))
    world.lived_to = start
    centre_turn(start)
    for number, now in enumerate(moments, 1):
        condition = world.step(now)
        centre_turn(now)
        world.people.act(now, world.faults, condition)
        if report and number % 50 == 0:
            report(number / len(moments))
    return len(moments)


def listening_turn(now: datetime, *, swept_s_ago: float = 1.0) -> None:
    """One turn of the centre's listening. Nothing happened between two turns, so the listener was listening all the time."""
    if LISTENER.swept_at:
        LISTENER.swept_at = now.timestamp() - swept_s_ago
    sweep(now)
    diagnose_outages(now)


def centre_turn(now: datetime) -> None:
    """One turn of the centre's own jobs."""
    listening_turn(now)
    run_faults(now)


def start_afresh() -> None:
    """The centre's process ended and another one begins: the listener knows only what lies in the database and in HOME."""
    Listener.__init__(LISTENER)
    MEMORY.picture = None


def write_truth(faults: list[TrueFault], path: Path) -> None:
    """The truth, one JSON object a line, so that findings can be compared with it."""
    path.write_bytes(b"".join(msgspec.json.encode(fault.as_row()) + b"\n" for fault in faults))
