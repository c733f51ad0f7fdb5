"""An edge's checks as real processes: it finds that its way up is gone, keeps it, and tells it when the centre is back."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kills import KILLS
from yuanjiao.simulation.processes import NodeProcess

pytestmark = KILLS
ROOT = Path(__file__).resolve().parents[3]
PACE = {"BEAT_PERIOD_S": "3", "BEAT_GRACE_S": "3", "SWEEP_S": "0.5", "SHIP_S": "1", "FOLLOW_S": "1", "CHECK_S": "1"}
SETUP = """
import django; django.setup()
from django.core.management import call_command; call_command("migrate", verbosity=0, interactive=False)
from yuanjiao.simulation.cast import build_cast, SINCE; from yuanjiao.lib import clock; from yuanjiao.network import commands
from yuanjiao.network.models import Edge
cast, at = build_cast(at=clock.now()), clock.now()
uplink = commands.add_line(code="U-990101", name="柳溪县上联线路", division=cast.divisions["990100000000"], on=SINCE, is_uplink=True)
Edge.objects.filter(code="E-990101").update(depends_on=uplink.pk)
edge = Edge.objects.select_related("division").get(code="E-990101")
print(commands.issue_edge_code(edge=edge, by=cast.actor("shiguan"), at=at))
"""
CHECKS = """SELECT o.code, c.kind, c.ok, c.until IS NULL FROM network_edgecheck c JOIN network_managedobject o ON o.id = c.subject_id
WHERE c.kind = 'line' ORDER BY c.at, c.id"""
TOLD = "SELECT count(*) FROM flow_entry WHERE kind = 'network.edge_checked/1'"


def rows(node: NodeProcess, question: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{node.home / 'yuanjiao.sqlite3'}?mode=ro", uri=True, timeout=30) as database:
        return database.execute(question).fetchall()


def wait_for(what: str, condition: Callable[[], Any], within_s: float = 90) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.3)  # another process: there is nothing here to wait on


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    """A centre and the enrolled edge of 柳溪县."""
    centre = NodeProcess(role="centre", home=tmp_path / "centre", name="青禾市中心", **PACE)
    centre.home.mkdir()
    environment = {**centre.environment, "DJANGO_SETTINGS_MODULE": "yuanjiao.wiring.settings", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", SETUP], env={**os.environ, **environment}, text=True, capture_output=True, check=True)
    centre.start()
    edge = NodeProcess(role="edge", home=tmp_path / "edge", name="柳溪县边缘服务器", parent=centre.address, **PACE)
    edge.command("migrate", "-v", "0")
    edge.command("enrol", "--parent", centre.address, "--code", done.stdout.splitlines()[-1])
    edge.start()
    yield centre, edge
    edge.kill()
    centre.kill()


def test_an_edge_keeps_that_its_way_up_was_gone_and_the_centre_learns_it_afterwards(pair: tuple[NodeProcess, NodeProcess]) -> None:
    centre, edge = pair
    up, down = ("U-990101", "line", 1, 1), ("U-990101", "line", 0, 1)
    wait_for("the edge's first check of its uplink is at the centre", lambda: up in rows(centre, CHECKS))
    wait_for("its disk as well", lambda: rows(centre, "SELECT 1 FROM network_edgecheck WHERE kind = 'disk'"))
    centre.kill()
    wait_for("the edge has found its way up gone", lambda: down in rows(edge, CHECKS))
    before = rows(edge, TOLD)
    time.sleep(3)  # three more turns of the check
    assert rows(edge, TOLD) == before, "what stays as it is is not told again"
    centre.start()
    story = [("U-990101", "line", 1, 0), ("U-990101", "line", 0, 0), up]
    wait_for("the centre knows the whole story", lambda: rows(centre, CHECKS) == story)
    assert rows(edge, CHECKS) == story
