"""The listening process is killed at random moments under beats: nothing that was answered or seen is lost, nobody is accused."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.living import PACE, wait_for
from tests.journeys.test_database_killed import DARK, Beating, sown
from tests.kills import KILLS, chance, rounds
from yuanjiao.simulation.processes import NodeProcess

pytestmark = KILLS
ROUNDS = rounds(4)
ROWS = "SELECT o.code, c.state, c.at, c.observer, c.seq FROM network_statechange c JOIN network_managedobject o ON o.id = c.object_id"


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[NodeProcess]:
    node = NodeProcess(role="solo", home=tmp_path / "centre", name="青禾市中心", **PACE)
    node.command("migrate", "-v", "0")
    yield node
    node.stop()


def ask(node: NodeProcess, question: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{node.home / 'yuanjiao.sqlite3'}?mode=ro", uri=True, timeout=30) as database:
        return database.execute(question).fetchall()


def story(node: NodeProcess, code: str) -> list[str]:
    return [state for one, state, *_ in ask(node, f"{ROWS} ORDER BY c.at, c.id") if one == code]


def test_a_killed_server_loses_nothing_it_answered_or_showed_and_accuses_nobody(centre: NodeProcess) -> None:
    boxes, draw = Beating(centre.address, sown(centre)), chance()
    centre.start()
    thread = threading.Thread(target=boxes.run)
    thread.start()
    seen: set[tuple[Any, ...]] = set()
    try:
        wait_for("everybody is up", lambda: all(story(centre, code)[-1:] == ["up"] for code in boxes.keys))
        for number in range(ROUNDS):
            if number == 1:
                boxes.silent.add(DARK)
            time.sleep(draw.uniform(0.3, 4))  # the moment of the kill is what is random
            seen |= set(ask(centre, ROWS))
            centre.kill()
            time.sleep(draw.uniform(0, 2))
            centre.start()
        wait_for("the silent site is down", lambda: story(centre, DARK)[-1:] == ["down"])
        boxes.silent.clear()
        wait_for("it is up again", lambda: story(centre, DARK)[-1:] == ["up"])
    finally:
        boxes.stop()
        thread.join(30)
    assert seen <= set(ask(centre, ROWS)), "a transition that was seen once is there for ever"
    for code in set(boxes.keys) - {DARK}:
        assert "down" not in story(centre, code), f"{code} was heard whenever anybody listened"
    kept = [item for (item,) in ask(centre, "SELECT item FROM network_playtest")]
    assert len(boxes.answered) > 10
    assert set(boxes.answered) <= set(kept), "a play test that was answered is kept"
    assert len(kept) == len(set(kept)), "and kept once"
    assert "全部相符" in centre.command("journal", "verify")
