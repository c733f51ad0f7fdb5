"""Two real intake processes on one database of either kind, boxes that beat, and kill -9: nothing on record is lost, nobody is accused."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.journeys.database import Database
from tests.journeys.living import wait_for
from tests.kills import KILLS, chance, rounds
from yuanjiao.network.rules.shares import SHARES, share_of
from yuanjiao.simulation.processes import NodeProcess, free_port

pytestmark = KILLS
BUILD = """
import json
from yuanjiao.lib import clock
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.simulation.cast import build_cast
ensure_self(at=clock.now())
cast = build_cast(at=clock.now())
print("KEYS " + json.dumps({code: site.beat_key for code, site in cast.sites.items()}))
"""


class Centre:
    """`serve` and one more `intake`, the boxes of the cast beating once a second at whichever answers."""

    def __init__(self, folder: Path, database: str) -> None:
        port = free_port()
        self.database = database
        self.serve = NodeProcess(
            role="centre",
            home=folder,
            name="中心",
            port=port,
            INTAKE_ADDRESS=f"http://127.0.0.1:{port}",
            BEAT_PERIOD_S="3",
            BEAT_GRACE_S="4",
            SWEEP_S="1",
            DATABASE=database,
        )
        self.serve.command("migrate", "-v", "0")
        told = self.serve.command("shell", "-v", "0", "-c", BUILD)
        self.keys: dict[str, str] = json.loads(told.split("KEYS ")[1])
        self.serve.start()
        self.port = free_port()
        self.intake = self._second()
        self.silent: set[str] = set()
        self._stop = threading.Event()
        self._boxes = threading.Thread(target=self._beat, daemon=True)
        self._boxes.start()

    def _second(self) -> subprocess.Popen[bytes]:
        environment = {key: value for key, value in self.serve.environment.items() if key != "YUANJIAO_INTAKE_ADDRESS"}
        line = [sys.executable, "-m", "yuanjiao.wiring", "intake", "--port", str(self.port)]
        with self.serve.log.open("ab") as log:
            return subprocess.Popen(line, env=environment, stdout=log, stderr=log, start_new_session=True)

    def _beat(self) -> None:
        with httpx.Client(timeout=2, trust_env=False) as client:
            while not self._stop.wait(1.0):
                for number, (code, key) in enumerate(self.keys.items()):
                    if code not in self.silent:
                        self._knock(client, number, {"site": code, "key": key})

    def _knock(self, client: httpx.Client, number: int, beat: dict[str, str]) -> None:
        """A box asks at its own door first, then at the other, as behind a proxy."""
        doors = [self.serve.port, self.port]
        for port in doors[number % 2 :] + doors[: number % 2]:
            try:
                if client.post(f"http://127.0.0.1:{port}/beat", json=beat).status_code == 200:
                    return
            except httpx.TransportError:
                continue

    def ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database directly."""
        if self.database:
            with psycopg.connect(self.database, options="-c timezone=UTC") as server:
                return server.execute(question.replace("?", "%s"), values).fetchall()
        with closing(sqlite3.connect(f"file:{self.serve.home / 'yuanjiao.sqlite3'}?mode=ro", uri=True, timeout=30)) as file:
            return file.execute(question, values).fetchall()

    def stories(self) -> dict[str, list[str]]:
        rows = self.ask(
            "SELECT o.code, c.state FROM network_statechange c JOIN network_managedobject o ON o.id = c.object_id ORDER BY c.at, c.id"
        )
        found: dict[str, list[str]] = {}
        for code, state in rows:
            found.setdefault(code, []).append(state)
        return found

    def shares(self) -> dict[str, int]:
        """How many shares each intake holds at present, by address."""
        question = (
            "SELECT i.address, COUNT(*) FROM network_intakelease l JOIN network_intake i ON i.id = l.holder_id "
            "WHERE l.until > ? GROUP BY i.address"
        )
        return {str(address): int(count) for address, count in self.ask(question, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}")}

    def judged_by(self, address: str) -> set[str]:
        """The sites whose edge is in a share of this intake."""
        question = "SELECT l.share FROM network_intakelease l JOIN network_intake i ON i.id = l.holder_id WHERE i.address = ?"
        held = {share for (share,) in self.ask(question, address)}
        return {code for code in self.keys if share_of("E-" + code[2:8]) in held}

    def now(self, code: str) -> str:
        return self.stories().get(code, ["never"])[-1]

    def start_intake(self) -> None:
        """Another one in the place of the dead."""
        self.port = free_port()
        self.intake = self._second()

    def kill_intake(self) -> None:
        os.killpg(self.intake.pid, signal.SIGKILL)
        self.intake.wait(timeout=20)

    def stop(self) -> None:
        self._stop.set()
        self._boxes.join(20)
        if self.intake.poll() is None:
            self.kill_intake()
        self.serve.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def centre(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Centre]:
    with ExitStack() as ends:
        address = ""
        if request.param == "postgresql":
            own = Database()
            ends.callback(own.remove)
            own.start()
            address = own.address
        one = Centre(tmp_path / "centre", address)
        ends.callback(one.stop)
        yield one


def test_a_killed_intake_is_taken_over_in_seconds_and_nobody_is_accused(centre: Centre) -> None:
    half = SHARES // 2
    wait_for("both hold half of the shares", lambda: set(centre.shares().values()) == {half} and len(centre.shares()) == 2)
    wait_for("every site is up", lambda: all(centre.now(code) == "up" for code in centre.keys))
    quiet, *living = centre.keys
    centre.silent.add(quiet)
    wait_for("the silent one is down", lambda: centre.now(quiet) == "down")
    before, judged = centre.stories(), centre.judged_by(f"http://127.0.0.1:{centre.port}")
    assert all("down" not in before[code] for code in living)
    centre.kill_intake()
    wait_for("the other holds everything", lambda: centre.shares() == {centre.serve.address: SHARES}, within_s=30)
    wait_for("everybody who beats is up again", lambda: all(centre.now(code) == "up" for code in living))
    after = centre.stories()
    for code in centre.keys:
        assert after[code][: len(before[code])] == before[code], "what was on record stays"
    for code in living:
        assert "down" not in after[code], f"{code} never fell silent"
    gaps = {code for code in living if "unknown" in after[code][len(before[code]) :]}
    assert gaps == {code for code in living if code in judged}, "what the dead one judged is unknown for a while, and nothing else"
    assert gaps
    assert gaps < set(living)
    centre.silent.add(living[0])
    wait_for("a silence after it is found", lambda: centre.now(living[0]) == "down")


def test_whichever_intake_is_killed_and_whenever_nothing_on_record_is_lost_and_nobody_is_accused(centre: Centre) -> None:
    draw, half = chance(), SHARES // 2
    wait_for("every site is up", lambda: all(centre.now(code) == "up" for code in centre.keys))
    rows = "SELECT object_id, state, at, observer, seq FROM network_statechange"
    seen: set[tuple[Any, ...]] = set()
    for _ in range(rounds(3)):
        time.sleep(draw.uniform(0, 5))  # while shares are dealt, taken over, or held
        seen |= set(centre.ask(rows))
        if draw.random() < 0.5:
            centre.kill_intake()
            time.sleep(draw.uniform(0, 4))
            centre.start_intake()
        else:
            centre.serve.kill()
            time.sleep(draw.uniform(0, 4))
            centre.serve.start()
    wait_for("both hold half of the shares", lambda: sorted(centre.shares().values()) == [half, half], within_s=60)
    wait_for("every site is up again", lambda: all(centre.now(code) == "up" for code in centre.keys), within_s=60)
    assert seen <= set(centre.ask(rows)), "a transition that was seen once is there for ever"
    assert not [code for code, said in centre.stories().items() if "down" in said], "whoever beat at whichever door is accused of nothing"
