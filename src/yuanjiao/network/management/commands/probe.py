"""`yuanjiao probe`: ask the addresses of the active probes until ended; `serve` starts it when there are any."""

from __future__ import annotations

import asyncio
import os
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from yuanjiao.lib import clock
from yuanjiao.network.probing.prober import Prober

LESS_URGENT = 5
"""Niceness: when the machine is busy, beats come first."""


class Command(BaseCommand):
    help = "主动探测：按周期询问已登记的地址，直到结束；serve 会在需要时自动启动它"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--child-of", type=int, default=0, help="这个进程结束时自己也结束")

    def handle(self, *args: Any, **options: Any) -> None:
        os.nice(LESS_URGENT)
        asyncio.run(run(options["child_of"]))


async def run(parent: int) -> None:
    """Ask until SIGTERM or SIGINT, or until the process `parent` is no longer ours (0: whoever it is)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    asking = asyncio.create_task(Prober(now=lambda: clock.now().timestamp()).run(stop))
    while not asking.done():
        if parent and os.getppid() != parent:
            stop.set()
        await asyncio.wait([asking], timeout=1.0)
    await asking
