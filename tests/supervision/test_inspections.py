"""Inspections: drawn so that anybody can draw again, hidden where nobody is to know, filed once; what is found goes into the one list."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tests.supervision.conftest import CITY, DAY, FAR, GOOD, LIN, LIUXI, WANG, Month
from yuanjiao.items.commands import create_item, settle_item
from yuanjiao.items.models import Item
from yuanjiao.items.rules import Answer, ItemKind, ThreeAnswers
from yuanjiao.lib import clock
from yuanjiao.lib.draw import draw
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.lib.kept import Outcome
from yuanjiao.supervision import commands, queries
from yuanjiao.supervision.models import CampaignItem, CampaignObject, Draw, Recheck, Visit
from yuanjiao.supervision.rules import Found, Method, ProblemKind, SupervisionLine

Enter = Callable[[str], Client]
FIXED = commands.Fixed("王建军", "换上备用机顶盒", "当场播放测试成功", "看完一段课件")


@pytest.mark.clause("SUP17")
def test_a_draw_keeps_its_frame_and_seed_and_comes_out_the_same_again(running: Month) -> None:
    made = commands.draw_visits(
        campaign=running.campaign, place=running.cast.divisions[CITY], inspector=running.inspector(), count=3, method=Method.SPOT_CHECK,
        by=running.by(), at=running.at,
    )  # fmt: skip
    kept = Draw.objects.get(uid=made.uid)
    frame = kept.frame.split("\n")
    assert len(frame) == 5
    assert draw(frame, 3, kept.seed) == kept.drawn.split("\n")
    assert {visit.target.place_code for visit in kept.visits.all()} == set(kept.drawn.split("\n"))


@pytest.mark.clause("SUP17")
def test_an_unannounced_visit_is_not_known_to_the_place_until_it_is_filed(running: Month, log_in: Enter) -> None:
    """Neither the visit, nor the draw: its seed and frame would tell."""
    made = commands.draw_visits(
        campaign=running.campaign, place=running.cast.divisions[LIUXI], inspector=running.inspector(), count=1, method=Method.UNANNOUNCED,
        by=running.by(), at=running.at,
    )  # fmt: skip
    officer, visit = running.by("xianguan"), made.visits.get()
    assert not queries.visits_seen_by(officer, running.campaign).exists()
    assert not queries.draws_seen_by(officer).exists()
    assert log_in("xianguan").get(reverse("supervision:draw", args=[made.uid])).status_code == 404
    assert visit.target.name not in log_in("xianguan").get(reverse("supervision:visit_list", args=[running.campaign.uid])).content.decode()
    assert queries.draws_seen_by(running.by()).get() == made
    commands.file_visit(visit=visit, record=GOOD, by=running.by("lingdao"), at=running.at)
    assert queries.visits_seen_by(officer, running.campaign).get() == visit
    assert queries.draws_seen_by(officer).get() == made


@pytest.mark.clause("SUP06", "SUP28")
def test_what_is_found_becomes_an_item_of_the_one_list_with_measure_owner_and_date(running: Month) -> None:
    visit = running.file(LIN, running.inspector(), running.found())
    problem = CampaignItem.objects.get()
    item = problem.item
    assert (problem.visit, problem.owner_name, item.kind, item.state) == (visit, "王建军", ItemKind.PROBLEM, "issued")
    assert all((item.measure, item.expected_result, item.starts_on, item.due_at, item.lead_unit, item.source))
    assert item.given_by == running.cast.units["ZZ-9901"]
    assert [step.by_name for step in item.steps.all()] == ["郑国栋", "郑国栋"]


@pytest.mark.clause("SUP30", "SUP36")
def test_what_is_put_right_on_the_spot_is_filed_and_closed_in_one_step(running: Month) -> None:
    running.file(LIN, running.inspector(), running.found(fixed=FIXED))
    item = CampaignItem.objects.get().item
    assert item.state == "closed"
    assert [step.act for step in item.steps.all()] == ["", "settle"]
    told = item.verifications.get()
    assert (told.by_name, told.solved_evidence, told.passed) == ("郑国栋", "当场播放测试成功", True)


@pytest.mark.clause("SUP36")
def test_nobody_closes_on_the_spot_what_their_own_unit_owns(running: Month) -> None:
    """The owner of the problem is the county's office, and so is who stands there: the machine's rule holds for the one step as well."""
    by, at = running.by("xianguan"), running.at
    yes = ThreeAnswers(*(Answer(True, "看过"),) * 3)
    common = {"kind": ItemKind.PROBLEM, "title": "没有人管", "division": running.cast.divisions["990101100200"], "by": by, "at": at}
    common |= {"measure": "派人看管", "expected_result": "有人管", "starts_on": clock.local_day(at)}
    own = create_item(lead_unit=running.cast.units["ZZ-990101"], **common)  # type: ignore[arg-type]
    with pytest.raises(Forbidden, match="不能由责任单位自己"):
        settle_item(item=own, answers=yes, result="已改", by=by, at=at)
    with pytest.raises(Refused, match="责任单位"):
        settle_item(item=create_item(**common), answers=yes, result="已改", by=by, at=at)  # type: ignore[arg-type]
    other = create_item(lead_unit=running.cast.units["DX-990101"], **common)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="还没有整改到位"):
        settle_item(
            item=other, answers=ThreeAnswers(Answer(True, "看过"), Answer(False, "没好"), Answer(True, "看过")), result="已改", by=by, at=at
        )
    task = create_item(**{**common, "kind": ItemKind.TASK, "lead_unit": running.cast.units["DX-990101"]})  # type: ignore[arg-type]
    with pytest.raises(Refused, match="不能当场销号"):
        settle_item(item=task, answers=yes, result="已改", by=by, at=at)
    assert settle_item(item=other, answers=yes, result="换好", by=by, at=at).state == "closed"


def test_a_record_counts_once_and_belongs_to_who_was_sent(running: Month) -> None:
    inspector = running.inspector()
    visit = running.visit(LIN, inspector)
    with pytest.raises(NotFound):
        commands.file_visit(visit=visit, record=GOOD, by=running.by("shiguan"), at=running.at)
    later = running.at + timedelta(hours=5)
    assert commands.file_visit(visit=visit, record=GOOD, age=timedelta(hours=2), by=running.by("lingdao"), at=later) is Outcome.DONE
    assert commands.file_visit(visit=visit, record=running.found(), by=running.by("lingdao"), at=later) is Outcome.ALREADY
    visit.refresh_from_db()
    assert (visit.made_at, visit.filed_at, visit.found) == (later - timedelta(hours=2), later, Found.GOOD)
    assert not CampaignItem.objects.exists()
    with pytest.raises(NotFound):
        running.visit(FAR, commands.appoint_inspector(
            campaign=running.campaign, person=running.cast.people["shenji"], line=SupervisionLine.TEAM, place=running.cast.divisions[LIUXI],
            valid_from=running.today, valid_to=running.today + DAY, by=running.by(), at=running.at,
        ), who="shenji")  # fmt: skip


@pytest.mark.clause("SUP13")
def test_an_appointment_ends_on_its_day_and_gives_no_other_right(running: Month, log_in: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: running.at)
    outsider = commands.appoint_inspector(
        campaign=running.campaign, person=running.cast.people["zhizuo"], line=SupervisionLine.TEAM, place=running.cast.divisions[LIUXI],
        valid_from=running.today, valid_to=running.today + 3 * DAY, by=running.by(), at=running.at,
    )  # fmt: skip
    commands.plan_round(inspector=outsider, method=Method.SPECIAL, by=running.by(), at=running.at)
    client = log_in("zhizuo")
    page = client.get(reverse("supervision:my_visits")).content.decode()
    assert page.count("data-card=") == 7, "the edge, two lines and four sites of the county"
    assert client.get(reverse("supervision:campaign_list")).status_code == 403
    assert client.get(reverse("network:site_list")).status_code == 403
    visit = outsider.visits.first()
    with pytest.raises(NotFound):
        commands.file_visit(visit=visit, record=GOOD, by=running.by("zhizuo"), at=running.at + 3 * DAY)  # type: ignore[arg-type]
    monkeypatch.setattr(clock, "now", lambda: running.at + 3 * DAY)
    assert "没有安排给您的检查" in client.get(reverse("supervision:my_visits")).content.decode()


@pytest.mark.clause("SUP29", "SUP12")
def test_each_line_is_counted_and_their_joint_coverage_is_told(running: Month) -> None:
    office = running.inspector("lingdao", CITY, SupervisionLine.OFFICE)
    team = running.inspector("shenji", LIUXI, SupervisionLine.TEAM)
    running.file(LIN, office, GOOD)
    running.file(LIN, team, GOOD, "shenji")
    running.file(WANG, team, GOOD, "shenji")
    assert queries.coverage(running.campaign, ["/"]) == {(LIUXI, "office"): 1, (LIUXI, "team"): 2}
    (county,) = [line for line in queries.tallies(running.campaign, ["/"]) if line.code == LIUXI]
    assert (county.tally.inspected, county.tally.population) == (2, 7)


@pytest.mark.clause("SUP08")
def test_a_share_of_the_closed_is_looked_at_again_and_a_failure_opens_it_and_counts(running: Month) -> None:
    inspector = running.inspector()
    for code in (LIN, WANG):
        running.file(code, inspector, running.found(fixed=FIXED))
    made = commands.draw_rechecks(campaign=running.campaign, place=running.cast.divisions[CITY], percent=50, by=running.by(), at=running.at)
    row = Recheck.objects.get()
    assert draw(made.frame.split("\n"), 1, made.seed) == [row.problem.item.code]
    done = commands.record_recheck(recheck=row, passed=False, note="又不能启动了", by=running.by(), at=running.at + DAY)
    item = Item.objects.get(pk=row.problem.item_id)
    assert (done.passed, item.state, item.reopened_count) == (False, "issued", 1)
    assert [line.tally.failed for line in queries.tallies(running.campaign, ["/"])] == [1, 0]
    with pytest.raises(Conflict):
        commands.record_recheck(recheck=row, passed=True, note="好了", by=running.by(), at=running.at + DAY)


def test_a_recheck_is_not_made_by_the_unit_that_put_it_right(running: Month) -> None:
    running.file(WANG, running.inspector(), running.found(ProblemKind.MANAGEMENT, FIXED))
    commands.draw_rechecks(campaign=running.campaign, place=running.cast.divisions[CITY], percent=100, by=running.by(), at=running.at)
    with pytest.raises(Forbidden):
        commands.record_recheck(recheck=Recheck.objects.get(), passed=True, note="好了", by=running.by("xianguan"), at=running.at)


def test_findings_say_what_kind_they_are(running: Month) -> None:
    visit = running.visit(LIN, running.inspector())
    for record in (
        commands.VisitRecord(found=Found.PROBLEM),
        commands.VisitRecord(found=Found.GOOD, problem=ProblemKind.LINE),
        commands.VisitRecord(found=Found.GOOD, plays=False),
    ):
        with pytest.raises(Refused):
            commands.file_visit(visit=visit, record=record, by=running.by("lingdao"), at=running.at)
    assert not CampaignObject.objects.exclude(inspected_at=None).exists()


def test_the_phones_door_answers_for_each_record(running: Month, log_in: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: running.at + timedelta(hours=3))
    visit = running.visit(LIN, running.inspector())
    one = {
        "uid": "a",
        "card": str(visit.uid),
        "done_ms": 1_000,
        "found": "problem",
        "problem": "equipment",
        "words": "机顶盒坏",
        "plays": "no",
    }
    said = {
        "sent_ms": 3_601_000,
        "person": str(running.cast.people["lingdao"].uid),
        "acts": [one, {**one, "uid": "b"}, {**one, "uid": "c", "card": "x"}, {**one, "uid": "d", "found": ""}, 7],
    }
    client = log_in("lingdao")
    answer = client.post(reverse("supervision:send_visits"), json.dumps(said), content_type="application/json")
    assert [one["outcome"] for one in answer.json()["answers"]] == ["done", "already", "refused", "refused", "refused"]
    assert Visit.objects.get().made_at == running.at + timedelta(hours=2)
    other = log_in("shenji").post(reverse("supervision:send_visits"), json.dumps(said), content_type="application/json")
    assert other.status_code == 403, "what one person kept is not sent as another's work"
