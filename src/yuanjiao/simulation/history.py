"""A recorded past: the city lives through some days inside this process, faster than the clock, through the same doors and jobs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from yuanjiao.faults.jobs import run_faults
from yuanjiao.network.jobs import diagnose_outages, sweep
from yuanjiao.network.live import LISTENER
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


def centre_turn(now: datetime) -> None:
    """One turn of the centre's own jobs. Nothing happened between two steps, so the listener was listening all the time."""
    if LISTENER.swept_at:
        LISTENER.swept_at = now.timestamp() - 1
    sweep(now)
    diagnose_outages(now)
    run_faults(now)


def write_truth(faults: list[TrueFault], path: Path) -> None:
    """The truth, one JSON object a line, so that findings can be compared with it."""
    path.write_bytes(b"".join(msgspec.json.encode(fault.as_row()) + b"\n" for fault in faults))
