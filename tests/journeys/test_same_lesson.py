"""Everybody watches one lesson at an edge: real processes, a real signal, a line that is cut; each segment crosses it once (DLV20)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.journeys.living import PACE, wait_for
from tests.journeys.test_packaging_killed import script
from tests.programmes.signals import sender
from yuanjiao.simulation.processes import NodeProcess
from yuanjiao.simulation.relay import Relay

pytestmark = pytest.mark.journey
WATCHING = 60
ANNOUNCED = """
import django; django.setup()
import sys
from datetime import timedelta
from yuanjiao.flow.nodes.commands import ensure_self, issue_code
from yuanjiao.lib import clock
from yuanjiao.programmes import commands
from yuanjiao.simulation.cast import build_cast
at = clock.now()
ensure_self(at=at)
cast = build_cast(at=at)
live = commands.announce_live(
    title="同上一堂课", lead="", unit=cast.units["ZZ-9901"], signal=sys.argv[1], starts_at=at, ends_at=at + timedelta(hours=1),
    by=cast.actor("shiguan"), at=at,
)
print(live.uid, issue_code(kind="edge", name="柳溪县边缘服务器", scope=cast.divisions["990101000000"].path, at=at))
"""


class Lesson:
    """A centre that takes in a signal, an edge behind a line."""

    def __init__(self, folder: Path, signal: str) -> None:
        self.centre = NodeProcess(role="centre", home=folder / "centre", name="市中心", **PACE)
        self.centre.command("migrate", "-v", "0")
        uid, code = script(self.centre, ANNOUNCED, signal).split()
        self.path = f"/onair/{uid}/"
        self.centre.start()
        self.line = Relay(self.centre.port)
        self.edge = NodeProcess(role="edge", home=folder / "edge", name="柳溪县边缘服务器", parent=self.line.address, **PACE)
        self.edge.command("migrate", "-v", "0")
        self.edge.command("enrol", "--parent", self.line.address, "--code", code)
        self.edge.start()

    def segments(self, node: NodeProcess) -> list[str]:
        """What the list of a node names now."""
        answer = httpx.get(f"{node.address}{self.path}picture.m3u8", timeout=20, trust_env=False)
        return re.findall(r"(?m)^[^#].*$", answer.text) if answer.status_code == 200 else []

    def fetch(self, node: NodeProcess, name: str) -> bytes:
        answer = httpx.get(f"{node.address}{self.path}{name}", timeout=20, trust_env=False)
        assert answer.status_code == 200, (name, answer.status_code)
        return answer.content

    def status(self) -> int:
        """What the edge answers to who asks for the list."""
        return httpx.get(f"{self.edge.address}{self.path}picture.m3u8", timeout=20, trust_env=False).status_code

    def stop(self) -> None:
        self.edge.stop()
        self.line.close()
        self.centre.stop()


@pytest.fixture
def lesson(tmp_path: Path) -> Iterator[Lesson]:
    with sender(inputs=("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10,noise=alls=60:allf=t")) as signal:
        made = Lesson(tmp_path, signal)
        yield made
        made.stop()


async def watch(lesson: Lesson, names: list[str]) -> list[list[bytes]]:
    """So many players, each of which fetches the list and every segment of it."""
    limits = httpx.Limits(max_connections=WATCHING)
    async with httpx.AsyncClient(base_url=lesson.edge.address + lesson.path, timeout=60, trust_env=False, limits=limits) as client:

        async def one() -> list[bytes]:
            await client.get("picture.m3u8")
            return [(await client.get(name)).raise_for_status().content for name in names]

        return await asyncio.gather(*(one() for _ in range(WATCHING)))


@pytest.mark.clause("DLV20")
def test_sixty_watch_at_an_edge_and_each_segment_crosses_the_line_once(lesson: Lesson) -> None:
    wait_for("the lesson at the edge", lambda: len(lesson.segments(lesson.edge)) >= 4, within_s=120)
    names, before = lesson.segments(lesson.edge), lesson.line.down_bytes
    seen = asyncio.run(watch(lesson, names))
    crossed = lesson.line.down_bytes - before
    made = [lesson.fetch(lesson.centre, name) for name in names]
    assert all(one == made for one in seen), "what everybody sees is what the centre made"
    size = sum(map(len, made))
    assert size > 200_000, "a film worth counting"
    assert crossed < 1.5 * size + 100_000, f"{crossed} bytes crossed the line for {size} bytes of film and {WATCHING} who watch"

    lesson.line.cut()
    assert lesson.fetch(lesson.edge, names[0]) == made[0], "what came stays while the line is down"
    wait_for("a clear answer", lambda: lesson.status() == 503)
    lesson.line.mend()
    wait_for("what is on now", lambda: set(lesson.segments(lesson.edge)) - set(names), within_s=60)
