"""From silence to the record under a running server: 700,000 sites in the register, some thousand boxes that beat at its door, half of
which fall silent while the others go on.

What is measured is how much later than period and grace after its last answered beat a silence can be read in the database by another
process. The boxes beat every 10 s and have 10 s of grace, so that it does not take long; the sweep is as it comes.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from bench.doors import _served
from bench.liveness import EDGES, SITES, nation, row
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.lib import clock

PERIOD_S, GRACE_S = 10.0, 10.0
BOXES, THREADS = 3_000, 4
SETTLE_S, PATIENCE_S, POLL_S = 35.0, 90.0, 0.05


@dataclass
class Boxes:
    """Boxes of one thread, one connection: each beats once a period at its own phase. `last` is when a beat of a box was last sent."""

    port: int
    numbers: range
    last: dict[str, float] = field(default_factory=dict)
    silent: bool = False
    ended: bool = False
    answers: list[float] = field(default_factory=list)
    refused: int = 0

    def go_on(self) -> None:
        """Beat until ended; when `silent`, every second box stops for ever, at its own moment of the period."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        begun, turn = time.time(), 0
        while not self.ended:
            number = self.numbers[turn % len(self.numbers)]
            time.sleep(max(0.0, begun + turn * PERIOD_S / len(self.numbers) - time.time()))
            turn += 1
            if not self.silent or number % 2:
                self._beat(line, number)

    def _beat(self, line: http.client.HTTPConnection, number: int) -> None:
        code, begun = f"S-99010{number:09}", time.time()
        line.request("POST", "/beat", json.dumps({"site": code, "key": f"{number:032}"}), {"content-type": "application/json"})
        answer = line.getresponse()
        answer.read()
        self.answers.append(time.time() - begun)
        self.refused += answer.status != http.client.OK
        self.last[code] = begun


def run() -> list[dict[str, Any]]:
    ensure_self(at=clock.now())
    nation()
    os.environ |= {"YUANJIAO_BEAT_PERIOD_S": str(PERIOD_S), "YUANJIAO_BEAT_GRACE_S": str(GRACE_S)}
    with _served() as server:
        share = BOXES // THREADS
        groups = [Boxes(server.port, range(EDGES + 1 + share * one, EDGES + 1 + share * (one + 1))) for one in range(THREADS)]
        threads = [threading.Thread(target=group.go_on, daemon=True) for group in groups]
        for thread in threads:
            thread.start()
        time.sleep(SETTLE_S)
        newest = _newest()
        for group in groups:
            group.silent = True
        seen = _watch(newest, BOXES // 2)
        for group in groups:
            group.ended = True
        for thread in threads:
            thread.join()
    return _rows(groups, seen)


def _newest() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(MAX(id), 0) FROM network_statechange")
        return int(cursor.fetchone()[0])


def _watch(newest: int, wanted: int) -> dict[str, float]:
    """When each silence could first be read, by code; those that go on must not be among them."""
    seen: dict[str, float] = {}
    deadline = time.time() + PATIENCE_S
    while len(seen) < wanted and time.time() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.id, o.code FROM network_statechange c JOIN network_managedobject o ON o.id = c.object_id "
                "WHERE c.id > %s AND c.state = 'down' ORDER BY c.id",
                [newest],
            )
            now = time.time()
            for newest, code in cursor.fetchall():  # noqa: B007
                seen[code] = now
        time.sleep(POLL_S)
    return seen


def _rows(groups: list[Boxes], seen: dict[str, float]) -> list[dict[str, Any]]:
    last = {code: at for group in groups for code, at in group.last.items()}
    late = sorted(at - last[code] - PERIOD_S - GRACE_S for code, at in seen.items())
    answers = sorted(one for group in groups for one in group.answers)
    went_on = sum(int(code[7:]) % 2 for code in seen)
    return [
        row(f"silence: {len(seen):,} of {SITES:,} fall silent: on record after grace, the latest", late[-1], None, "s"),
        row("silence: the same, the median", statistics.median(late), None, "s"),
        row("silence: silences that are none, or not found", went_on + abs(BOXES // 2 - len(seen)), None, "sites"),
        row("silence: beats of all meanwhile, not answered with 200", sum(group.refused for group in groups), None, "beats"),
        row("silence: beats of all meanwhile, answered within, 99.9 %", 1000 * answers[int(0.999 * len(answers))], None, "ms"),
    ]
