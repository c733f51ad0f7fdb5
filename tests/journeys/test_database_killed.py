"""The database is killed under a listening centre at random moments, and so is the worker: nobody is accused, nothing answered is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.journeys.database import Database
from tests.journeys.living import PACE, wait_for
from tests.kills import KILLS, chance, rounds
from yuanjiao.simulation.processes import NodeProcess

pytestmark = KILLS

SOWN = """
import django; django.setup()
from yuanjiao.lib import clock
from yuanjiao.simulation.cast import build_cast
cast = build_cast(at=clock.now())
print(*[f"{site.code} {site.beat_key}" for site in cast.sites.values()], sep="\\n")
"""
DARK = "S-990101100200"
ROUNDS = rounds(3)
ROWS = "SELECT object_id, state, at, observer, seq FROM network_statechange"


@dataclass
class Beating:
    """Boxes that beat twice a second and play a test now and then; what was answered with 200 is remembered."""

    address: str
    keys: dict[str, str]
    silent: set[str] = field(default_factory=set)
    answered: list[str] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(base_url=self.address, timeout=10, trust_env=False) as client:
            while not self._stop.wait(0.5):
                for code in [one for one in self.keys if one not in self.silent]:
                    self._beat(client, code)

    def _beat(self, client: httpx.Client, code: str) -> None:
        token = uuid4().hex
        play = {"ok": True, "step": "", "item": token}
        try:
            answer = client.post("/beat", json={"site": code, "key": self.keys[code], "sent_at": token, "play": play})
        except httpx.TransportError:
            return
        if answer.status_code == 200:
            self.answered.append(token)
        else:
            self.refused.add(answer.status_code)

    def stop(self) -> None:
        self._stop.set()


@pytest.fixture
def database() -> Iterator[Database]:
    own = Database()
    own.start()
    yield own
    own.remove()


@pytest.fixture
def centre(database: Database, tmp_path: Path) -> Iterator[NodeProcess]:
    node = NodeProcess(role="solo", home=tmp_path / "centre", name="青禾市中心", DATABASE=database.address, **PACE)
    node.command("migrate", "-v", "0")
    yield node
    node.stop()


def sown(node: NodeProcess) -> dict[str, str]:
    """The small city in the node's database: site code → key."""
    environment = {**node.environment, "DJANGO_SETTINGS_MODULE": "yuanjiao.wiring.settings"}
    told = subprocess.run([sys.executable, "-c", SOWN], env=environment, text=True, capture_output=True, check=True)
    return dict(line.split() for line in told.stdout.splitlines())  # type: ignore[misc]


def worker_of(node: NodeProcess) -> int | None:
    """The packaging worker that runs beside the server now."""
    server = node.process.pid if node.process else 0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.getpgid(int(entry.name)) == server and b"db_worker" in (entry / "cmdline").read_bytes():
                return int(entry.name)
        except (OSError, ProcessLookupError):
            continue
    return None


def kill_worker(centre: NodeProcess) -> None:
    """The worker dies, and another takes its place by itself."""
    first = wait_for("a worker runs", lambda: worker_of(centre))
    os.kill(first, signal.SIGKILL)
    wait_for("another one does", lambda: worker_of(centre) not in {None, first})


def states(database: Database, code: str) -> list[str]:
    """Every state the object was ever said to be in, in order of time."""
    rows = database.ask(
        "SELECT c.state FROM network_statechange c JOIN network_managedobject o ON o.id = c.object_id "
        "WHERE o.code = %s ORDER BY c.at, c.id",
        code,
    )
    return [str(row[0]) for row in rows]


def test_a_killed_database_loses_nothing_and_accuses_nobody(database: Database, centre: NodeProcess) -> None:
    boxes = Beating(centre.address, sown(centre))
    centre.start()
    thread = threading.Thread(target=boxes.run)
    thread.start()
    draw, seen = chance(), set[tuple[object, ...]]()
    try:
        wait_for("everybody is up", lambda: all(states(database, code)[-1:] == ["up"] for code in boxes.keys))
        for number in range(ROUNDS):
            time.sleep(draw.uniform(0.5, 3))  # the moment of the kill is what is random
            seen |= set(database.ask(ROWS))
            database.kill()
            if number == 1:
                boxes.silent.add(DARK)
            time.sleep(draw.uniform(0.5, 6))
            database.start()
            if draw.random() < 0.5 or number == ROUNDS - 1:
                kill_worker(centre)
        wait_for("the silent site is down", lambda: states(database, DARK)[-1:] == ["down"])
        boxes.silent.clear()
        wait_for("it is up again", lambda: states(database, DARK)[-1:] == ["up"])
    finally:
        boxes.stop()
        thread.join(30)
    assert seen <= set(database.ask(ROWS)), "a transition that was seen once is there for ever"
    for code in boxes.keys:
        said = states(database, code)
        assert said.count("down") == (code == DARK), f"{code}: {said}"
    kept = [str(row[0]) for row in database.ask("SELECT item FROM network_playtest")]
    assert len(boxes.answered) > 20
    assert set(boxes.answered) <= set(kept), "a play test that was answered is kept"
    assert len(kept) == len(set(kept)), "and kept once"
    assert boxes.refused <= {429, 503}, "while the database is away the door says: later"
    assert "全部相符" in centre.command("journal", "verify")
