"""A small city of real processes for the journeys: a centre, two edges behind lines that can be cut, boxes that beat."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from tests.journeys.person import Person
from yuanjiao.simulation.city import City, Plan, make_city
from yuanjiao.simulation.processes import NodeProcess
from yuanjiao.simulation.relay import Relay
from yuanjiao.simulation.workbook import write_workbook

PACE = {"BEAT_PERIOD_S": "3", "BEAT_GRACE_S": "3", "SWEEP_S": "0.5", "SHIP_S": "1", "FOLLOW_S": "1"}
PASSWORD = "Qinghe-2026-lixiang"


def wait_for(what: str, condition: Callable[[], Any], *, within_s: float = 90, every_s: float = 0.5) -> Any:
    """The first true value of the condition; fails, naming what was waited for, after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(every_s)  # polling another process: there is nothing here to wait on
    raise AssertionError(f"after {within_s:.0f} s still not: {what}")


@dataclass
class Boxes:
    """The sites' boxes: each one that works beats once a second at its edge's own address; some play tests."""

    addresses: dict[str, str]  # site code → address of the machine that hears it
    keys: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join(20)

    def play(self, code: str) -> int:
        """One real play test of a site, as its box sends it."""
        body = {"site": code, "key": self.keys[code], "play": {"ok": True, "step": "", "item": "试播片"}}
        return httpx.post(f"{self.addresses[code]}/beat", json=body, timeout=20, trust_env=False).status_code

    def _run(self) -> None:
        with httpx.Client(timeout=5, trust_env=False) as client:
            while not self._stop.wait(1.0):
                for code in [one for one in self.keys if one not in self.broken]:
                    try:
                        client.post(f"{self.addresses[code]}/beat", json={"site": code, "key": self.keys[code]})
                    except httpx.TransportError:
                        continue


class Living:
    """The processes and what the journeys need to know of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.city: City = make_city(Plan(counties=2, towns=2, sites=6, seed=11))
        self.centre = NodeProcess(role="centre", home=folder / "centre", name="青禾市中心", **PACE)
        self.edges: list[NodeProcess] = []
        self.relays: list[Relay] = []
        self.boxes = Boxes({})
        self.people: list[Person] = []
        self.workbook = folder / "青禾市台账.xlsx"
        write_workbook(self.city, self.workbook, since=date(2025, 1, 1))

    def found(self) -> str:
        """Found the city and start the centre; gives the administrator's first password."""
        told = self.centre.command("found", "--code", "990100000000", "--name", "青禾市", "--province", "清源省")
        self.centre.start()
        return told.split("密码 ")[1].split("（")[0]

    def ask(self, node: NodeProcess, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read a node's database directly, as an auditor with a copy of the file would."""
        with sqlite3.connect(f"file:{node.home / 'yuanjiao.sqlite3'}?mode=ro", uri=True, timeout=30) as database:
            return database.execute(question, values).fetchall()

    def add_edge(self, number: int, code: str) -> NodeProcess:
        """Start the edge of a county behind a line of its own, enrolled by the one-time code somebody was told."""
        county = self.city.counties[number]
        relay = Relay(self.centre.port)
        edge = NodeProcess(role="edge", home=self.folder / f"edge-{number}", name=f"{county.name}边缘服务器", parent=relay.address, **PACE)
        edge.command("migrate", "-v", "0")
        edge.command("enrol", "--parent", relay.address, "--code", code)
        edge.start()
        self.edges.append(edge)
        self.relays.append(relay)
        for town in county.towns:
            self.boxes.addresses.update({site.code: edge.address for site in town.sites})
        return edge

    def stranger(self, at: NodeProcess | None = None) -> Person:
        """Somebody who has not logged in, at a node's pages."""
        self.people.append(Person((at or self.centre).address))
        return self.people[-1]

    def person(self, username: str, *, at: NodeProcess | None = None, password: str = PASSWORD) -> Person:
        return self.stranger(at).log_in(username, password)

    def state_of(self, code: str) -> str:
        """What the centre believes of an object: the newest row of its present state."""
        rows = self.ask(
            self.centre,
            "SELECT l.state FROM network_liveness l JOIN network_managedobject o ON o.id = l.object_id WHERE o.code = ?",
            code,
        )
        return str(rows[0][0]) if rows else "never"

    def stop(self) -> None:
        self.boxes.stop()
        for person in self.people:
            person.client.close()
        for edge in self.edges:
            edge.stop()
        for relay in self.relays:
            relay.close()
        self.centre.stop()
