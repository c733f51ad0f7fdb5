"""A box that beats seldom loses one beat in a short cut of its line, and is noticed when the line is back: it is no matter of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from tests.network.telling import SITES, Telling, after
from yuanjiao.network import queries
from yuanjiao.network.diagnosis import Heard, Memory, diagnose
from yuanjiao.network.models import Liveness, ManagedObject, Outage

pytestmark = pytest.mark.django_db
SLOW, QUICK = "L1-3", SITES["L1"][:3]
CUT, BACK = after(10), after(10) + timedelta(seconds=238)
"""The line is cut; the quick sites are heard again."""
LAST = CUT - timedelta(seconds=120)
"""The slow box beats then, and every five minutes: it loses the beat three minutes into the cut."""
NOTICED, RETURNS = LAST + timedelta(seconds=425), LAST + timedelta(seconds=600)


@pytest.fixture(params=[True, False], ids=["edge with a node", "all heard here"])
def tree(request: pytest.FixtureRequest) -> Telling:
    tree = Telling(nodes=request.param)
    ManagedObject.objects.filter(code=SLOW).update(period_s=300, grace_s=120)
    return tree


def turn(tree: Telling, at: datetime, *, lost: bool = False) -> None:
    tree.memory = Memory() if lost else tree.memory
    if tree.nodes:
        tree.edges_speak(at, "E1", "E2")
    look(tree, at)


def look(tree: Telling, at: datetime) -> None:
    """What is up has been heard this very second, but for the slow box, which was heard when it last beat."""
    up = set(Liveness.objects.filter(state="up").values_list("object_id", flat=True))
    ids = np.array(sorted(row.pk for row in tree.objects.values()), np.int64)
    beat = at if at >= RETURNS else min(at, LAST)
    heard = {pk: beat if pk == tree.objects[SLOW].pk else at for pk in up}
    last = np.array([heard[pk].timestamp() if pk in heard else 0.0 for pk in ids.tolist()])
    diagnose(at=at, heard=Heard(ids, last, np.zeros(len(ids))), memory=tree.memory)


def cut(tree: Telling, *, lost: bool = False) -> None:
    """Three quick sites fall silent with their line and are back."""
    turn(tree, after(9), lost=lost)
    tree.tell("down", *QUICK, at=CUT)
    turn(tree, CUT + timedelta(seconds=95), lost=lost)
    tree.tell("up", *QUICK, at=BACK)
    turn(tree, BACK + timedelta(seconds=2), lost=lost)


def ever_told() -> dict[str, str | None]:
    """Every outage: code → code of its root."""
    return dict(Outage.objects.filter(held=False).values_list("object__code", "root__object__code"))


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.clause("NET08")
def test_a_slow_box_joins_the_line_that_was_cut_when_its_beat_was_due(tree: Telling, lost: bool) -> None:
    cut(tree, lost=lost)
    tree.tell("down", SLOW, at=LAST)
    for seconds in range(0, 170, 10):
        turn(tree, NOTICED + timedelta(seconds=seconds), lost=lost)
        assert tree.roots() == {}
    tree.tell("up", SLOW, at=RETURNS)
    turn(tree, RETURNS + timedelta(seconds=5), lost=lost)
    assert ever_told() == {"L1": None} | dict.fromkeys((*QUICK, SLOW), "L1")
    line, slow = Outage.objects.get(object__code="L1"), Outage.objects.get(object__code=SLOW)
    assert (line.started_at, line.ended_at, line.affected_count) == (CUT, BACK, 4)
    assert (slow.started_at, slow.ended_at, slow.fault_class) == (LAST, RETURNS, "line")


@pytest.mark.parametrize("lost", [False, True])
def test_a_slow_box_that_stays_dark_after_its_line_is_a_matter_of_its_own(tree: Telling, lost: bool) -> None:
    cut(tree, lost=lost)
    tree.tell("down", SLOW, at=LAST)
    turn(tree, NOTICED, lost=lost)
    assert tree.roots() == {}
    turn(tree, BACK + timedelta(seconds=845), lost=lost)
    assert tree.roots() == {SLOW: "equipment"}
    assert queries.open_outages(["/"])[0].rule == "stayed_behind"


@pytest.mark.parametrize("last", [CUT - timedelta(seconds=500), BACK - timedelta(seconds=290), BACK])
def test_a_box_whose_beat_was_due_while_the_line_worked_is_not_excused(tree: Telling, last: datetime) -> None:
    cut(tree)
    tree.tell("down", SLOW, at=last)
    turn(tree, max(last, BACK) + timedelta(seconds=425))
    assert tree.roots() == {SLOW: "equipment"}


def test_a_slow_box_of_another_line_is_not_excused(tree: Telling) -> None:
    ManagedObject.objects.filter(code="L2-0").update(period_s=300, grace_s=120)
    cut(tree)
    tree.tell("down", "L2-0", at=LAST)
    turn(tree, NOTICED)
    assert tree.roots() == {"L2-0": "equipment"}


@pytest.mark.parametrize("known", ["together", "later"])
def test_a_slow_box_joins_its_line_when_an_edge_tells_of_both_after_a_cut(known: str) -> None:
    """All was over when it became known; `later`: the box a turn after its line."""
    tree = Telling(nodes=True)
    ManagedObject.objects.filter(code=SLOW).update(period_s=300, grace_s=120)
    turn(tree, after(1))
    tree.tell("down", "E1", at=after(3))
    tree.edges_speak(after(60), "E2")
    look(tree, after(8))
    tree.tell("down", *QUICK, at=CUT)
    tree.tell("up", *QUICK, at=BACK)
    tree.tell("up", "E1", at=after(60))
    if known == "later":
        turn(tree, after(60))
    tree.tell("down", SLOW, at=LAST)
    tree.tell("up", SLOW, at=RETURNS)
    turn(tree, after(60.2))
    told = ever_told()
    assert {code: told[code] for code in ("L1", *QUICK, SLOW)} == {"L1": None} | dict.fromkeys((*QUICK, SLOW), "L1")
    assert Outage.objects.get(object__code="L1").affected_count == 4


def test_the_silence_of_an_edge_that_ran_does_not_explain_what_its_own_record_tells() -> None:
    tree = Telling(nodes=True)
    ManagedObject.objects.filter(code=SLOW).update(period_s=300, grace_s=120)
    turn(tree, after(9))
    tree.tell("down", "E1", at=CUT)
    tree.edges_speak(CUT + timedelta(seconds=200), "E2")
    look(tree, CUT + timedelta(seconds=200))
    tree.tell("up", "E1", at=BACK)
    turn(tree, BACK + timedelta(seconds=2))
    tree.tell("down", SLOW, at=LAST)
    turn(tree, NOTICED)
    assert tree.roots() == {SLOW: "equipment"}


@pytest.mark.parametrize("codes", [("L2-1",), SITES["L2"]], ids=["a site", "a line"])
def test_what_was_dark_before_comes_to_light_while_it_is_dark_again(codes: tuple[str, ...]) -> None:
    tree = Telling(nodes=True)
    tree.edges_speak(after(31), "E1", "E2")
    tree.tell("down", *codes, at=after(30))
    tree.turn(after(31))
    for minutes in (33, 34, 40):
        tree.edges_speak(after(minutes), "E1", "E2")
        tree.turn(after(minutes))
    root = "L2" if len(codes) > 1 else codes[0]
    assert tree.roots() == {root: "line" if root == "L2" else "equipment"}
    tree.tell("down", *codes, at=after(10))
    tree.tell("up", *codes, at=after(20))
    tree.edges_speak(after(41), "E1", "E2")
    tree.turn(after(41))
    found = Outage.objects.filter(object__code=root).order_by("started_at").values_list("started_at", "ended_at")
    assert list(found) == [(after(10), after(20)), (after(30), None)]
