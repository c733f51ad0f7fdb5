"""Stories of outages: who recovers first, what falls together, comes late, comes and goes, is announced, cannot play."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from tests.network.telling import ALL, AT, SITES, Telling, after
from yuanjiao.network import queries
from yuanjiao.network.commands import resume_object, suspend_object
from yuanjiao.network.diagnosis import Memory, run
from yuanjiao.network.models import (
    BoxSighting,
    EdgeCheck,
    Instability,
    Liveness,
    MaintenanceWindow,
    Outage,
    OutageVerdict,
    Probe,
    ProbeOutcome,
    Site,
    StateChange,
)
from yuanjiao.people.rules import SYSTEM

pytestmark = pytest.mark.django_db


def story(code: str) -> list[tuple[float, float | None]]:
    """Outages of one object in minutes after AT."""
    rows = Outage.objects.filter(object__code=code).order_by("started_at")
    return [(minutes(row.started_at), None if row.ended_at is None else minutes(row.ended_at)) for row in rows]


def minutes(at: datetime) -> float:
    return round((at - AT).total_seconds() / 60, 2)


def test_on_recovery_a_line_whose_sites_beat_later_is_not_taken_for_broken() -> None:
    tree = Telling()
    tree.turn(after(1))
    tree.tell("down", *SITES["L1"], *SITES["L2"], at=after(2))
    tree.turn(after(4))
    assert tree.roots() == {"E1": "server"}
    tree.tell("up", *SITES["L1"], at=after(10))
    for second in range(0, 170, 10):
        tree.turn(after(10) + timedelta(seconds=second))
        assert set(tree.roots()) <= {"E1"}
    tree.tell("up", *SITES["L2"], at=after(12.9))
    tree.turn(after(13))
    assert tree.roots() == {}
    assert story("E1") == [(2, 10)]
    assert story("L2") == []


def test_a_line_that_stays_dark_after_its_edge_is_back_is_a_root_once_its_patience_is_over() -> None:
    tree = Telling()
    tree.turn(after(1))
    tree.tell("down", *SITES["L1"], *SITES["L2"], at=after(2))
    tree.turn(after(5))
    tree.tell("up", *SITES["L1"], at=after(10))
    tree.turn(after(10.5))
    assert tree.roots() == {}
    tree.turn(after(13.2))
    assert tree.roots() == {"L2": "line"}


def test_one_site_left_behind_is_told_apart_with_that_reason() -> None:
    tree = Telling()
    tree.turn(after(1))
    tree.tell("down", *SITES["L1"], at=after(2))
    tree.turn(after(6))
    tree.tell("up", *SITES["L1"][:3], at=after(10))
    tree.turn(after(11))
    assert tree.roots() == {}
    tree.turn(after(13.5))
    assert tree.roots() == {"L1-3": "equipment"}
    assert queries.open_outages(["/"])[0].rule == "stayed_behind"
    assert story("L1") == [(2, 10)]


def test_a_site_that_was_back_long_before_its_line_does_not_date_the_repair() -> None:
    tree = Telling()
    tree.turn(after(1))
    tree.tell("down", *SITES["L1"], at=after(2))
    tree.turn(after(6))
    tree.tell("up", "L1-0", at=after(20))
    tree.turn(after(21))
    assert tree.roots() == {"L1": "line"}
    tree.tell("up", *SITES["L1"][1:], at=after(120))
    tree.turn(after(121))
    assert story("L1") == [(2, 120)]


def test_the_line_dies_then_its_edge_the_edge_is_back_and_the_line_still_dead() -> None:
    tree = Telling()
    tree.turn(after(1))
    tree.tell("down", *SITES["L1"], at=after(2))
    tree.turn(after(6))
    tree.tell("down", *SITES["L2"], at=after(30))
    tree.turn(after(34))
    assert tree.roots() == {"L1": "line", "L2": "line"}, "the edge's own beats are not heard: two lines is what is known"
    tree.tell("up", *SITES["L2"], at=after(60))
    tree.turn(after(61))
    assert tree.roots() == {"L1": "line"}
    tree.turn(after(90))
    assert tree.roots() == {"L1": "line"}
    assert story("L1") == [(2, None)]


def test_what_fell_and_rose_behind_a_cut_is_one_line_when_the_record_comes() -> None:
    tree = Telling(nodes=True)
    tree.edges_speak(after(2), "E1", "E2")
    tree.turn(after(2))
    tree.tell("down", "E1", at=after(3))
    tree.edges_speak(after(40), "E2")
    tree.turn(after(8))
    assert tree.roots() == {"E1": "server"}
    tree.tell("down", *SITES["L1"], at=after(10))
    tree.tell("up", *SITES["L1"], at=after(25))
    tree.tell("down", "L2-1", at=after(31))
    tree.tell("up", "E1", at=after(40))
    tree.edges_speak(after(40), "E1")
    tree.turn(after(40))
    roots = {row.object.code: row.fault_class for row in Outage.objects.filter(root=None).select_related("object")}
    assert roots == {"U1": "line", "L1": "line", "L2-1": "equipment"}
    assert story("L1") == [(10, 25)]
    assert {row.object.code for row in Outage.objects.filter(root__object__code="L1")} == set(SITES["L1"])


def test_a_cut_edge_that_ran_all_the_time_names_its_uplink_and_keeps_its_uid() -> None:
    tree = Telling(nodes=True)
    tree.edges_speak(after(2), "E1", "E2")
    tree.tell("down", "E1", at=after(3))
    tree.turn(after(8))
    (found,) = queries.open_outages(["/"])
    assert (found.code, found.affected_count) == ("E1", 7)
    tree.tell("up", "E1", at=after(40))
    tree.edges_speak(after(40), "E1", "E2")
    tree.turn(after(40))
    settled = queries.outage(found.uid)
    assert (settled.code, settled.fault_class, settled.settled, settled.affected_count) == ("U1", "line", True, 7)
    assert Outage.objects.get(object__code="E1").root.uid == found.uid  # type: ignore[union-attr]
    assert {site.code for site in queries.affected_sites(found.uid)} == {*SITES["L1"], *SITES["L2"]}
    assert [row.settled for row in OutageVerdict.objects.filter(outage__uid=found.uid)] == [False, True]


def test_a_site_that_its_own_edge_saw_fall_silent_is_a_root_of_its_own_though_the_edge_fell_silent_too() -> None:
    tree = Telling(nodes=True)
    tree.edges_speak(after(5), "E1", "E2")
    tree.tell("down", "L1-2", at=after(3))
    tree.tell("down", "E1", at=after(4))
    tree.turn(after(9))
    assert tree.roots() == {"E1": "server", "L1-2": "equipment"}


def test_a_change_that_comes_late_splits_what_was_one_outage() -> None:
    tree = Telling()
    tree.turn(after(1))
    tree.tell("down", "L1-0", at=after(2))
    tree.turn(after(6))
    tree.tell("unknown", "L1-0", at=after(10))
    tree.tell("down", "L1-0", at=after(30))
    tree.turn(after(31))
    assert story("L1-0") == [(2, None)]
    tree.tell("up", "L1-0", at=after(15))
    tree.turn(after(32))
    assert story("L1-0") == [(2, 15), (30, None)]


def test_told_once_stays_told_when_more_falls_silent() -> None:
    tree = Telling()
    tree.turn(after(1))
    tree.tell("down", *SITES["L1"][:3], at=after(2))
    tree.turn(after(6))
    told = set(tree.roots())
    tree.tell("down", *SITES["L3"], at=after(7))
    tree.turn(after(7.2), deaf=True)
    assert told <= set(tree.roots())


@pytest.mark.clause("NET08")
def test_two_edges_under_one_object_that_fall_silent_together_are_its_outage() -> None:
    tree = Telling(nodes=True)
    above = tree.objects["U1"]
    tree.objects["U2"].depends_on = None
    tree.objects["E2"].depends_on = above
    tree.objects["E2"].save()
    tree.edges_speak(after(2), "E1", "E2")
    tree.tell("down", "E1", "E2", at=after(3))
    tree.turn(after(5), deaf=True)
    assert tree.roots() == {}, "nobody at all is heard: a higher cause may still show itself"
    tree.turn(after(6.1), deaf=True)
    assert tree.roots() == {"U1": "line"}


def test_an_edge_that_was_cut_off_alone_does_not_accuse_the_uplink_that_carried_another_all_the_while() -> None:
    tree = Telling(nodes=True)
    tree.objects["E2"].depends_on = tree.objects["U1"]
    tree.objects["E2"].save()
    tree.edges_speak(after(2), "E1", "E2")
    tree.tell("down", "E1", at=after(3))
    tree.turn(after(8))
    tree.tell("up", "E1", at=after(20))
    tree.edges_speak(after(21), "E1", "E2")
    tree.turn(after(21))
    (row,) = Outage.objects.all()
    assert (row.object.code, row.fault_class) == ("E1", "line")
    assert [verdict.rule for verdict in row.verdicts.all()][-1] == "edge_stayed_up"


# comes and goes


def flap(tree: Telling, code: str, times: int, *, start: float = 5.0) -> float:
    """Silent two minutes in every ten; returns the minute of the last return."""
    for number in range(times):
        begin = start + 10 * number
        tree.tell("down", code, at=after(begin))
        tree.turn(after(begin + 1.9))
        tree.tell("up", code, at=after(begin + 2))
        tree.turn(after(begin + 2))
    return start + 10 * (times - 1) + 2


def test_what_comes_and_goes_is_one_matter_and_every_drop_stays_in_the_record() -> None:
    tree = Telling()
    tree.turn(after(1))
    flap(tree, "L1-0", 8)
    (matter,) = queries.unstable_objects(["/"])
    assert (matter.code, matter.drops) == ("L1-0", 8)
    assert matter.outage is not None
    assert Outage.objects.filter(object__code="L1-0").count() == 8
    held = Outage.objects.filter(object__code="L1-0", held_for="unstable")
    assert held.count() == 4, "four told, the rest belongs to the matter"
    assert StateChange.objects.filter(object__code="L1-0", state="down").count() == 8


def test_a_matter_ends_after_a_steady_hour_and_a_drop_later_is_told_again() -> None:
    tree = Telling()
    tree.turn(after(1))
    last = flap(tree, "L1-0", 6)
    tree.turn(after(last + 50))
    assert len(queries.unstable_objects(["/"])) == 1
    tree.turn(after(last + 61))
    assert queries.unstable_objects(["/"]) == []
    (span,) = queries.instabilities_of(tree.objects["L1-0"])
    assert span.ended_at == after(last)
    tree.tell("down", "L1-0", at=after(last + 70))
    tree.turn(after(last + 74))
    assert tree.roots() == {"L1-0": "equipment"}


def test_an_unstable_object_that_stays_dark_for_an_hour_is_told() -> None:
    tree = Telling()
    tree.turn(after(1))
    last = flap(tree, "L1-0", 6)
    tree.tell("down", "L1-0", at=after(last + 5))
    tree.turn(after(last + 8))
    assert tree.roots() == {}
    tree.turn(after(last + 70))
    assert tree.roots() == {"L1-0": "equipment"}


def test_a_line_that_comes_and_goes_is_the_matter_not_its_sites() -> None:
    tree = Telling()
    tree.turn(after(1))
    for number in range(6):
        begin = 5 + 10 * number
        tree.tell("down", *SITES["L1"], at=after(begin))
        tree.turn(after(begin + 2))
        tree.tell("up", *SITES["L1"], at=after(begin + 4))
        tree.turn(after(begin + 4))
    assert [row.code for row in queries.unstable_objects(["/"])] == ["L1"]
    assert Instability.objects.count() == 1


# announced work


def announce(tree: Telling, code: str, start: datetime, end: datetime) -> MaintenanceWindow:
    return MaintenanceWindow.objects.create(
        object=tree.objects[code], start_at=start, end_at=end, document="青远教〔2026〕3号", announced_at=AT
    )


def test_an_outage_in_an_announced_window_is_recorded_with_its_class_and_not_told() -> None:
    tree = Telling()
    announce(tree, "E1", after(5), after(60))
    tree.turn(after(1))
    tree.tell("down", *SITES["L1"], at=after(10))
    tree.turn(after(14))
    assert tree.roots() == {}
    (row,) = queries.root_rows(["/"])
    assert (row.object.code, row.fault_class, row.held_for) == ("L1", "line", "maintenance")
    tree.turn(after(59))
    assert tree.roots() == {}
    tree.turn(after(61))
    assert tree.roots() == {"L1": "line"}, "the work is over and it is still dark"


def test_work_that_ends_in_a_cut_tells_nothing_before_the_record_of_the_edge_is_here() -> None:
    """Nobody can know whether the site is back: its edge is cut off, and tells later."""
    tree = Telling(nodes=True)
    announce(tree, "L1-0", after(5), after(60))
    tree.turn(after(1))
    tree.tell("down", "L1-0", at=after(10))
    tree.edges_speak(after(14), "E1", "E2")
    tree.turn(after(14))
    tree.tell("down", "E1", at=after(30))
    tree.turn(after(34))
    tree.turn(after(61))
    assert "L1-0" not in tree.roots(), "the work is over, but nothing has been heard since the cut"
    tree.tell("up", "E1", at=after(90))
    tree.turn(after(90))
    assert "L1-0" not in tree.roots(), "its record is on the way"
    tree.tell("up", "L1-0", at=after(40))
    tree.edges_speak(after(91), "E1", "E2")
    tree.turn(after(91))
    assert tree.roots() == {}
    row = Outage.objects.get(object=tree.objects["L1-0"])
    assert (row.held, row.held_for, row.ended_at) == (True, "maintenance", after(40))


def test_what_still_stands_after_a_cut_in_which_the_work_ended_is_told() -> None:
    tree = Telling(nodes=True)
    announce(tree, "L1-0", after(5), after(60))
    tree.turn(after(1))
    tree.tell("down", "L1-0", at=after(10))
    tree.edges_speak(after(14), "E1", "E2")
    tree.turn(after(14))
    tree.tell("down", "E1", at=after(30))
    tree.turn(after(34))
    tree.tell("up", "E1", at=after(90))
    tree.edges_speak(after(100), "E1", "E2")
    tree.turn(after(100))
    assert tree.roots() == {"L1-0": "equipment"}


def test_what_fell_and_came_back_within_work_is_not_told_though_it_is_heard_of_when_the_work_is_over() -> None:
    """The edge was cut off meanwhile: its record comes after the end of the work."""
    tree = Telling(nodes=True)
    announce(tree, "L1", after(5), after(30))
    announce(tree, "L1", after(30), after(60))
    announce(tree, "L2-0", after(20), after(60))
    tree.turn(after(1))
    tree.tell("down", "E1", at=after(4))
    tree.turn(after(8))
    tree.turn(after(70))
    tree.tell("up", "E1", at=after(90))
    tree.tell("down", *SITES["L1"], at=after(10))
    tree.tell("up", *SITES["L1"], at=after(40))
    tree.tell("down", "L2-0", at=after(12))
    tree.tell("up", "L2-0", at=after(42))
    tree.edges_speak(after(91), "E1", "E2")
    tree.turn(after(91))
    rows = {row.object.code: (row.held, row.held_for) for row in Outage.objects.filter(root=None).exclude(object__code__in=["E1", "U1"])}
    assert rows == {"L1": (True, "maintenance"), "L2-0": (False, "")}


def test_what_ended_within_work_before_it_could_be_told_is_not_told() -> None:
    tree = Telling(nodes=True)
    announce(tree, "L1-0", after(5), after(60))
    tree.turn(after(1))
    tree.tell("down", "L1-0", "L3-0", at=after(10))
    tree.turn(after(10.5))
    assert set(Outage.objects.values_list("held_for", flat=True)) == {"evidence"}
    tree.tell("up", "L1-0", "L3-0", at=after(11))
    tree.turn(after(11.5))
    assert {row.object.code: row.held_for for row in Outage.objects.select_related("object")} == {"L1-0": "maintenance", "L3-0": ""}


def test_what_was_dark_before_the_work_began_is_told() -> None:
    tree = Telling()
    announce(tree, "L1", after(20), after(60))
    tree.turn(after(1))
    tree.tell("down", "L1-0", at=after(10))
    tree.turn(after(25))
    assert tree.roots() == {"L1-0": "equipment"}


# cannot play


@pytest.mark.clause("NET07")
@pytest.mark.parametrize(("step", "fault"), [("link", "line"), ("edge", "server"), ("catalogue", "server"), ("video", "equipment")])
def test_a_site_that_beats_and_cannot_play_has_an_outage_of_the_class_of_the_step(step: str, fault: str) -> None:
    tree = Telling()
    tree.turn(after(1))
    tree.plays("L1-0", at=after(5), step=step)
    tree.turn(after(5))
    assert tree.roots() == {"L1-0": fault}
    (found,) = queries.open_outages(["/"])
    assert (found.rule, found.sign) == ("play_failed", "play")
    tree.plays("L1-0", at=after(30))
    tree.turn(after(31))
    assert tree.roots() == {}
    assert story("L1-0") == [(5, 30)]


def test_silence_ends_the_outage_of_a_site_that_could_not_play() -> None:
    tree = Telling()
    tree.turn(after(1))
    tree.plays("L1-0", at=after(5), step="video")
    tree.turn(after(5))
    tree.tell("down", "L1-0", at=after(20))
    tree.turn(after(24))
    assert story("L1-0") == [(5, 20), (20, None)]
    assert queries.open_outages(["/"])[0].sign == "silence"


def test_a_site_heard_directly_while_its_edge_does_not_hear_it_is_cut_off_not_broken() -> None:
    tree = Telling(nodes=True)
    tree.edges_speak(after(10), "E1", "E2")
    tree.turn(after(1))
    tree.tell("down", "L1-0", at=after(2))
    tree.turn(after(8), witness=["L1-0"])
    assert tree.roots() == {"L1-0": "line"}
    assert "直接收到" in queries.open_outages(["/"])[0].evidence


def test_evidence_that_comes_later_makes_a_verdict_that_follows_the_first() -> None:
    tree = Telling()
    tree.turn(after(1))
    tree.tell("down", "L1-0", at=after(2))
    tree.turn(after(6))
    assert tree.roots() == {"L1-0": "equipment"}
    BoxSighting.objects.create(site=Site.objects.get(code="L1-0"), seen_at=after(8), online=True, source="清单", entered_at=after(9))
    probe = Probe.objects.create(object=tree.objects["L1"], method="icmp", host="127.0.0.1", period_s=600)
    ProbeOutcome.objects.create(probe=probe, ok=False, at=after(2), asked_at=after(9))
    tree.turn(after(10))
    verdicts = OutageVerdict.objects.filter(outage__object__code="L1-0").order_by("at", "id").values_list("rule", "fault_class")
    assert list(verdicts) == [("site_alone", "equipment"), ("probe_answered", "line")]
    tree.turn(after(20))
    assert verdicts.count() == 2


def test_a_root_that_is_told_late_or_only_when_it_is_over_still_names_whom_it_darkened() -> None:
    tree = Telling()
    tree.turn(after(1))
    tree.tell("down", *SITES["L1"], at=after(2))
    tree.turn(after(3.6), deaf=True)
    assert tree.roots() == {}
    tree.tell("up", *SITES["L1"], at=after(4))
    tree.turn(after(4))
    verdict = OutageVerdict.objects.get(outage__object__code="L1", rule="sites_share_line")
    assert "所带 4 个站点中有 4 个" in verdict.evidence
    assert "（站点L1-0、站点L1-1、站点L1-2等）" in verdict.evidence


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("back", [2.5, 3.6, 9])
def test_when_all_sites_fall_silent_at_once_the_sentence_counts_and_names_them(lost: bool, back: float) -> None:
    tree = Telling()
    tree.turn(after(1))
    tree.tell("down", *ALL, at=after(2))
    for half in range(5, int(2 * back) + 1):
        tree.memory = Memory() if lost else tree.memory
        tree.turn(after(half / 2), deaf=True)
    tree.tell("up", *ALL, at=after(back))
    tree.memory = Memory() if lost else tree.memory
    tree.turn(after(back))
    said = {row.outage.object.code: row for row in OutageVerdict.objects.exclude(rule="came_back_together")}
    assert {code: (row.rule, row.fault_class) for code, row in said.items()} == {
        "E1": ("all_sites_of_edge", "server"),
        "L3": ("sites_share_line", "line"),
    }
    assert "所带 7 个站点中有 7 个" in said["E1"].evidence
    assert "（站点L1-0、站点L1-1、站点L1-2等）" in said["E1"].evidence
    assert "所带 3 个站点中有 3 个" in said["L3"].evidence
    assert "（站点L3-0、站点L3-1、站点L3-2）" in said["L3"].evidence


@pytest.mark.parametrize(
    ("failed", "rebooted", "rule", "words"),
    [
        (4, None, "edge_stayed_up", "是上联线路不通；边缘1自检线路不合格"),
        (4, 8, "line_check_failed", "先断的是上联线路"),
        (9, 8, "edge_booted", "是服务器停机"),
        (None, 8, "edge_booted", "是服务器停机"),
    ],
)
def test_a_failed_check_of_the_uplink_that_comes_with_the_return_speaks_of_the_outage(
    failed: float | None, rebooted: float | None, rule: str, words: str
) -> None:
    tree = Telling(nodes=True)
    tree.edges_speak(after(1), "E1", "E2")
    tree.turn(after(1))
    tree.tell("down", "E1", at=after(2))
    tree.edges_speak(after(6), "E2")
    tree.turn(after(6))
    assert tree.roots() == {"E1": "server"}
    if failed is not None:
        check = {"edge_id": tree.objects["E1"].pk, "subject_id": tree.objects["U1"].pk, "kind": "line", "ok": False}
        EdgeCheck.objects.create(**check, at=after(failed), until=after(10.5), observer=tree.nodes["E1"], seq=1000)
    if rebooted is not None:
        tree.boot["E1"] = after(rebooted)
    tree.tell("up", "E1", at=after(10))
    tree.edges_speak(after(11), "E1", "E2")
    tree.turn(after(11))
    verdict = OutageVerdict.objects.get(settled=True)
    assert verdict.rule == rule
    assert verdict.evidence.endswith(words)


# the register


def test_what_fell_silent_while_it_was_suspended_has_an_outage_once_it_is_back_in_service() -> None:
    tree = Telling()
    site = tree.objects["L1-0"]
    suspend_object(subject=site, document="青远教〔2026〕4号", by=SYSTEM, on=AT.date(), at=AT)
    tree.turn(after(1))
    tree.tell("down", "L1-0", at=after(2))
    tree.turn(after(10))
    assert story("L1-0") == []
    site.refresh_from_db()
    resume_object(subject=site, by=SYSTEM, on=AT.date(), at=after(20))
    tree.turn(after(20))
    assert tree.roots() == {"L1-0": "equipment"}


def test_what_is_suspended_while_dark_ends_its_outage_and_no_longer_counts() -> None:
    tree = Telling()
    tree.turn(after(1))
    tree.tell("down", *SITES["L1"], at=after(2))
    tree.turn(after(6))
    for code in SITES["L1"][:2]:
        suspend_object(subject=tree.objects[code], document="青远教〔2026〕4号", by=SYSTEM, on=AT.date(), at=after(10))
    tree.turn(after(10))
    assert story("L1-0") == [(2, 10)]
    assert tree.roots() == {"L1": "line"}


def test_a_storm_whose_writing_breaks_off_is_written_whole_by_the_next_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHILDREN_AT_ONCE", 2)
    tree = Telling()
    tree.turn(after(1))
    tree.tell("down", *SITES["L1"], *SITES["L2"], at=after(2))
    pieces = 0

    def break_off(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal pieces
        pieces += sql.startswith("UPDATE") and StateChange._meta.db_table in sql and "judged" in sql  # the last step of each piece
        if pieces == 3:
            pieces += 1  # once
            raise OperationalError("disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(break_off), pytest.raises(OperationalError):
        tree.turn(after(6))
    assert tree.roots() == {"E1": "server"}, "the root was written first"
    assert Outage.objects.filter(root__isnull=False).count() == 4
    tree.turn(after(6.1))
    assert tree.roots() == {"E1": "server"}
    assert Outage.objects.filter(root__object__code="E1").count() == 7
    assert not StateChange.objects.filter(judged=False).exists()


# the memory


def random_story(draw: random.Random) -> list[tuple[float, str, tuple[str, ...]]]:
    """Falls and returns of single sites and of whole lines, within two hours."""
    told: list[tuple[float, str, tuple[str, ...]]] = []
    for _ in range(14):
        begin = draw.uniform(2, 100)
        codes = draw.choice([*SITES.values(), *((code,) for code in ALL), SITES["L1"] + SITES["L2"]])
        told += [(begin, "down", codes), (begin + draw.uniform(2, 30), "up", codes)]
    return sorted(told)


def play_out(tree: Telling, told: list[tuple[float, str, tuple[str, ...]]], *, forgetful: bool) -> list[tuple[Any, ...]]:
    dark: dict[str, int] = dict.fromkeys(ALL, 0)
    for minute, state, codes in [*told, (130.0, "", ())]:
        change = 1 if state == "down" else -1
        moved = [code for code in codes if (dark[code] == 0 and change == 1) or (dark[code] == 1 and change == -1)]
        for code in codes:
            dark[code] += change
        if moved:
            tree.tell(state, *moved, at=after(round(minute, 1)))
        if forgetful:
            tree.memory = Memory()
        tree.turn(after(round(minute, 1) + 1.6))
    rows = Outage.objects.values_list("object__code", "started_at", "ended_at", "root__object__code", "held_for", "fault_class")
    return sorted(rows, key=str)


@pytest.mark.parametrize("seed", range(6))
def test_a_memory_that_is_lost_between_any_two_turns_changes_nothing(seed: int) -> None:
    told = random_story(random.Random(seed))
    first = Telling()
    kept = play_out(first, told, forgetful=False)
    for model in (OutageVerdict, Outage, Instability, StateChange, Liveness):
        model.objects.all().delete()
    first.memory = Memory()
    first.tell("up", *ALL, at=AT)
    assert play_out(first, told, forgetful=True) == kept
