"""The living city: the truth, the simulated edges, the people; `step` lets it live up to a moment.

The same world lives a recorded past inside one process (`InsideTransport`, the centre's jobs called at each step) and the present
against real servers (`HttpTransport`, the servers run their own jobs).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.lib.errors import Unavailable
from yuanjiao.network.queries import object_by_code
from yuanjiao.simulation.behaviour import Condition, TrueFault, condition_at
from yuanjiao.simulation.city import City
from yuanjiao.simulation.edge import Memory, SimulatedEdge, Transport, fresh_memory
from yuanjiao.simulation.people import People

log = logging.getLogger(__name__)


@dataclass
class World:
    """What truly is, and who lives in it. `faults` is the truth; `by_hand` what somebody broke or mended while it ran;
    `lived_to` the moment up to which everything has happened."""

    city: City
    faults: Sequence[TrueFault]
    edges: list[SimulatedEdge]
    people: People
    by_hand: set[str] = field(default_factory=set)
    lived_to: datetime | None = None

    def condition(self, now: datetime) -> Condition:
        return Condition(condition_at(self.faults, now).broken | self.by_hand)

    def step(self, now: datetime) -> Condition:
        """Let everything up to `now` happen at the edges and reach the parent where a line allows.

        What held at the last moment held until this one: `moments` has every moment at which something changes.
        """
        meanwhile, condition = self.condition(self.lived_to or now), self.condition(now)
        self.lived_to = now
        for edge in self.edges:
            edge.tick(now, meanwhile)
            if condition.edge_reaches_centre(edge.code, uplink_of(edge.code)):
                self._speak(edge, now)
        return condition

    def _speak(self, edge: SimulatedEdge, now: datetime) -> None:
        try:
            edge.speak(now)
        except Unavailable as error:
            log.info("%s: %s", edge.code, error.message)

    def moments(self, start: datetime, end: datetime, step: timedelta) -> Iterable[datetime]:
        """A grid of moments, with every moment added at which something breaks or is mended."""
        sharp = {when for fault in self.faults for when in (fault.start, fault.end) if start < when < end}
        grid = {start + step * number for number in range(1, int((end - start) / step) + 1)}
        return sorted({moment.replace(microsecond=0) for moment in grid | sharp | {end}})


def uplink_of(edge_code: str) -> str:
    return "U" + edge_code[1:]


def simulated_edges(
    city: City, *, transport: Transport, folder: Path, at: datetime, leave_out: Iterable[str] = (), period_s: float, grace_s: float
) -> list[SimulatedEdge]:
    """The city's edges with what they remember from before; a new one is enrolled by a fresh code."""
    folder.mkdir(parents=True, exist_ok=True)
    edges = []
    for county in city.counties:
        if county.edge in set(leave_out):
            continue
        memory = recall(folder / f"{county.edge}.json")
        sites = [site for town in county.towns for site in town.sites]
        edge = SimulatedEdge(county.edge, sites, transport, memory, at, period_s, grace_s)
        if not memory.enrolled:
            scope = object_by_code(county.edge).division.path
            code = issue_code(kind="edge", name=f"{county.name}边缘服务器", subject_code=county.edge, scope=scope, at=at)
            edge.enrol(code, at)
        edges.append(edge)
    remember(edges, folder)
    return edges


def recall(path: Path) -> Memory:
    return msgspec.json.decode(path.read_bytes(), type=Memory) if path.exists() else fresh_memory()


def remember(edges: Iterable[SimulatedEdge], folder: Path) -> None:
    """Keep what the edges would have on their disks."""
    for edge in edges:
        part = folder / f"{edge.code}.part"
        part.write_bytes(msgspec.json.encode(edge.memory))
        part.rename(folder / f"{edge.code}.json")
