"""Sites that beat and cannot play: many of them together are the matter of what they share, with the evidence for it."""

from __future__ import annotations

import pytest

from tests.network.telling import SITES, Telling, after
from yuanjiao.network import queries
from yuanjiao.network.diagnosis import Memory
from yuanjiao.network.models import Outage, OutageVerdict
from yuanjiao.network.rules.plays import Shared, Tried, shared_cause

pytestmark = pytest.mark.django_db
THREE = ("L1-0", "L1-1", "L2-0")


def fail(tree: Telling, *codes: str, step: str = "video", item: str = "", first: float = 5) -> None:
    for number, code in enumerate(codes):
        tree.plays(code, at=after(first + number), step=step, item=item)
        tree.turn(after(first + number))


@pytest.mark.clause("OPS11")
@pytest.mark.parametrize("step", ["edge", "catalogue", "video"])
def test_the_third_site_of_an_edge_that_cannot_play_makes_it_the_edges_matter(step: str) -> None:
    tree = Telling()
    fail(tree, *THREE[:2], step=step)
    assert set(tree.roots()) == set(THREE[:2])
    fail(tree, THREE[2], step=step, first=8)
    assert tree.roots() == {"E1": "server"}
    root = Outage.objects.get(object__code="E1")
    assert (root.sign, root.affected_count, root.explained.filter(ended_at=None).count()) == ("play", 3, 3)
    assert set(root.explained.values_list("fault_class", flat=True)) == {"server"}
    verdict = root.verdicts.get()
    assert verdict.rule == "plays_fail_together"
    assert all(part in verdict.evidence for part in ("3 个站点中有 3 个失败", "站点L1-0", "不在各站点设备"))


def test_the_next_site_that_cannot_play_joins_the_root_and_gets_no_verdict_of_its_own() -> None:
    tree = Telling()
    fail(tree, *THREE, "L2-1")
    assert tree.roots() == {"E1": "server"}
    assert not OutageVerdict.objects.filter(outage__object__code="L2-1").exists()
    found = queries.open_outage_of(tree.objects["L2-1"])
    assert found is not None
    assert found.code == "E1"
    assert queries.open_outage_of(tree.objects["L1-3"]) is None, "a site that plays is in no outage"


def test_a_few_among_many_that_play_stay_matters_of_their_own() -> None:
    tree = Telling()
    for minute, code in enumerate(("L1-2", "L1-3", "L2-1", "L2-2")):
        tree.plays(code, at=after(6 + minute / 10))
    fail(tree, *THREE)
    assert set(tree.roots()) == set(THREE)


def test_sites_that_do_not_reach_their_edge_accuse_their_line() -> None:
    tree = Telling()
    fail(tree, "L1-0", "L1-1", "L1-2", step="link")
    assert tree.roots() == {"L1": "line"}


def test_one_item_that_plays_nowhere_here_is_named() -> None:
    tree = Telling()
    for minute, code in enumerate(("L1-2", "L1-3", "L2-1", "L2-2")):
        tree.plays(code, at=after(6 + minute / 10), item="玉米播种")
    fail(tree, *THREE, item="生猪防疫")
    assert tree.roots() == {"E1": "server"}
    assert "都是《生猪防疫》，其他课件能播" in OutageVerdict.objects.get(outage__object__code="E1").evidence


@pytest.mark.parametrize("forgetful", [False, True])
def test_the_root_ends_when_as_many_play_again_as_do_not(forgetful: bool) -> None:
    tree = Telling()
    fail(tree, *SITES["L1"])
    for minute, code in enumerate(SITES["L1"][:2], 20):
        if forgetful:
            tree.memory = Memory()
        tree.plays(code, at=after(minute))
        tree.turn(after(minute))
    assert tree.roots() == {}
    assert not Outage.objects.filter(ended_at=None).exists()
    tree.plays("L1-3", at=after(30), step="video")
    tree.turn(after(30))
    assert tree.roots() == {"L1-3": "equipment"}


def test_a_silent_edge_is_a_silent_edge_whatever_its_sites_could_play() -> None:
    tree = Telling(nodes=True)
    tree.edges_speak(after(4), "E1", "E2")
    fail(tree, *THREE)
    assert tree.roots() == {"E1": "server"}
    tree.tell("down", "E1", at=after(10))
    tree.turn(after(14))
    (found,) = queries.open_outages(["/"])
    assert (found.code, found.sign) == ("E1", "silence")


def test_what_is_shared_by_a_table() -> None:
    bad = [Tried(number, "video", "x") for number in range(4)]
    good = [Tried(10 + number, "", "x") for number in range(4)]
    assert shared_cause(bad) == Shared((0, 1, 2, 3), 4, "video")
    assert shared_cause(bad[:2]) is None
    assert shared_cause([*bad, good[0]]) == Shared((0, 1, 2, 3), 5, "video")
    assert shared_cause([*bad, *good]) is None
    others = [Tried(20 + number, "", "y") for number in range(9)]
    assert shared_cause([*bad, *others]) == Shared((0, 1, 2, 3), 4, "video", "x")
    assert shared_cause([*bad, *others, *good]) is None
