"""Every process of a small network is killed at random moments on a bad line while facts go up and items come down; then all is compared.

When asked for: pytest -m scale tests/journeys/test_under_fire.py, a short form on two machines and a long one; FIRE_S says how many
seconds (600), FIRE_RATE how many faults in each. KILL_SEED repeats one, as far as real processes repeat themselves.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.fire.lines import bad_line
from tests.journeys.fire.world import StudyDays, World
from tests.journeys.living import wait_for
from tests.journeys.test_database_killed import Beating
from tests.kills import KILLS, chance
from yuanjiao.simulation.processes import NodeProcess

pytestmark = [*KILLS, pytest.mark.scale]
SECONDS, RATE = float(os.environ.get("FIRE_S", "600")), float(os.environ.get("FIRE_RATE", "3.2"))
SHORT_S, SHORT_RATE = 6.0, 3.0
HELD_HERE = {"network.Liveness"}
"""A copy of the newest row of another table, by whoever told it last: the centre has words of its own about the same objects."""
WORD = re.compile(r"'([0-9a-f-]{32,36})'")
Told = dict[str, Any]


def test_nothing_is_lost_doubled_or_different_after_a_few_seconds_of_fire(tmp_path: Path) -> None:
    under_fire(tmp_path, SHORT_S, SHORT_RATE, small=True)


def test_nothing_is_lost_doubled_or_different_after_ten_minutes_of_fire(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = under_fire(tmp_path, SECONDS, RATE, small=False)
    with capsys.disabled():
        starts = {one.name: one.starts for one in [*world.kept, world.offering]}
        held = sum(len(one.recorded if isinstance(one, StudyDays) else one.answered) for one in world.people)
        told = f"{dict(world.faults)}; starts {starts}; {held} facts answered"
        print(f"\n{world.line.kind}: {sum(world.faults.values())} faults {told}")  # noqa: T201


def under_fire(folder: Path, seconds: float, rate: float, *, small: bool) -> World:
    draw = chance()
    with bad_line(draw.randrange(2**31)) as line:
        world = World(folder, line, draw, small=small)
        try:
            world.found()
            wait_for("everybody records", lambda: all(answered(one) for one in world.people))
            world.burn(seconds, rate)
            world.silence()
            wait_for("everything went up and came down", lambda: settled(world), within_s=300)
            told = world.reckon()
        finally:
            world.end()
    assert [kept.stuck for kept in world.kept if kept.stuck] == [], "who is killed comes up again"
    assert sum(world.faults.values()) >= seconds * rate * 0.3, world.faults
    both_sides_agree(*told)
    what_was_answered_is_kept_once(world, told[0])
    return world


def both_sides_agree(centre: Told, *below: Told) -> None:
    """`below` are the edges, and in the large form behind them the site of the first."""
    for one in (centre, *below):
        a_machine_is_in_order(one)
    for lower, higher in [*((one, centre) for one in below), *((site, below[0]) for site in below[2:])]:
        entries_are_the_same(lower, higher)
        what_came_down_is_the_same(lower, higher)
    the_same_rows(centre, below[:2])
    for site in below[2:]:
        for label, rows in site["rows"].items():
            assert label in HELD_HERE or not Counter(rows) - Counter(below[0]["rows"][label]), label


def answered(one: Beating | StudyDays) -> bool:
    return bool(one.recorded if isinstance(one, StudyDays) else one.answered)


def ask(node: NodeProcess, question: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{node.home / 'yuanjiao.sqlite3'}?mode=ro", uri=True, timeout=30) as database:
        return database.execute(question).fetchall()


def settled(world: World) -> bool:
    """All that those below hold is acknowledged, all that the centre offers is with them, with its files."""
    below = world.nodes[1:]
    stamp = (world.centre.home / "catalogue/public/metadata/timestamp.json").read_bytes()
    offered = ask(world.centre, "SELECT count(*) FROM courseware_courseware")
    return all(
        ask(node, "SELECT count(*) FROM flow_head WHERE acknowledged_seq < seq") == [(0,)]
        and ask(node, "SELECT count(*) FROM flow_wanted") == [(0,)]
        and (node.home / "catalogue/public/metadata/timestamp.json").read_bytes() == stamp
        and ask(node, "SELECT count(*) FROM courseware_courseware") == offered
        for node in below
    )


def a_machine_is_in_order(told: Told) -> None:
    assert (told["unapplied"], told["forks"], told["faults"], told["changed"], told["missing"]) == ([], 0, [], [], [])
    assert told["count"] == sum(len(run) for run in told["entries"].values()), "no entry twice"
    for run in told["entries"].values():
        assert sorted(map(int, run)) == list(range(1, len(run) + 1)), "and none missing"


def entries_are_the_same(lower: Told, higher: Told) -> None:
    """Every entry that was acknowledged, by its hash, which holds all before it."""
    for uid, (seq, acknowledged, refusal) in lower["heads"].items():
        assert (acknowledged, refusal) == (seq, "")
        assert higher["entries"][uid] == lower["entries"].get(uid, {})


def what_came_down_is_the_same(lower: Told, higher: Told) -> None:
    assert lower["timestamp"] == higher["timestamp"]
    assert (lower["items"], lower["blobs"], lower["wanted"]) == (higher["items"], higher["blobs"], 0)


def the_same_rows(higher: Told, lower: Sequence[Told]) -> None:
    """What rows at the parent say of what those below told is what rows there say, no more and no less."""
    for label, rows in higher["rows"].items():
        if label not in HELD_HERE:
            own = [row for row in rows if not tells(row, higher["uid"])]
            assert Counter(own) == Counter(row for told in lower for row in told["rows"][label]), label


def tells(row: str, observer: str) -> bool:
    return repr(observer) in row


def what_was_answered_is_kept_once(world: World, centre: Told) -> None:
    """Told by rows: a token stands in exactly one."""
    for one in world.people:
        table, tokens = ("learning.Session", one.recorded) if isinstance(one, StudyDays) else ("network.PlayTest", one.answered)
        kept = Counter(word for row in centre["rows"][table] for word in WORD.findall(row))
        assert [token for token in tokens if kept[token] != 1] == []
