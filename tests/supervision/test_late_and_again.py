"""What comes late, or a second time: records of the last day, appointments that last longer, nights after the closing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tests.supervision.conftest import CITY, DAY, GOOD, LIN, Month
from tests.supervision.test_closing_rule import CODES
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.lib.kept import Outcome
from yuanjiao.supervision import commands
from yuanjiao.supervision.models import BurnDown, Campaign, CampaignObject, Inspector, UnitPlan, Visit
from yuanjiao.supervision.rules import Method, SupervisionLine

Enter = Callable[[str], Client]


def sent(month: Month, who: str, days: int) -> Inspector:
    return commands.appoint_inspector(
        campaign=month.campaign, person=month.cast.people[who], line=SupervisionLine.TEAM, place=month.cast.divisions[CITY],
        valid_from=month.today, valid_to=month.today + days * DAY, by=month.by(), at=month.at,
    )  # fmt: skip


@pytest.mark.clause("SUP13")
def test_who_is_sent_to_the_same_place_again_goes_on(running: Month) -> None:
    first = sent(running, "lingdao", 3)
    again = sent(running, "lingdao", 9)
    assert (again.pk, again.valid_to) == (first.pk, running.today + 9 * DAY)
    assert Inspector.objects.count() == 1


def test_what_waits_for_somebody_whose_days_are_over_is_given_to_another(running: Month) -> None:
    gone = sent(running, "lingdao", 3)
    assert commands.plan_round(inspector=gone, method=Method.SPECIAL, by=running.by(), at=running.at) == 10
    running.at += 2 * DAY
    other = sent(running, "shenji", 9)
    assert commands.plan_round(inspector=other, method=Method.SPECIAL, by=running.by(), at=running.at) == 0
    running.at += DAY
    with pytest.raises(Refused, match="任期已满"):
        commands.plan_round(inspector=gone, method=Method.SPECIAL, by=running.by(), at=running.at)
    assert commands.plan_round(inspector=other, method=Method.SPECIAL, by=running.by(), at=running.at) == 10


@pytest.mark.clause("SUP13")
def test_a_record_of_the_last_day_comes_in_the_next_morning(running: Month, log_in: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    inspector = sent(running, "lingdao", 1)
    first, second = running.visit(LIN, inspector), running.visit(CODES[0], inspector)
    monkeypatch.setattr(clock, "now", lambda: running.at + DAY)
    day_ms = 24 * 3_600_000
    acts = [
        {"uid": name, "card": str(one.uid), "done_ms": done, "found": "good"}
        for name, one, done in (("a", first, 1_000), ("b", first, 1_000), ("c", second, 1_000 + day_ms))
    ]
    said = {"sent_ms": 1_000 + day_ms, "person": str(running.cast.people["lingdao"].uid), "acts": acts}
    answer = log_in("lingdao").post(reverse("supervision:send_visits"), json.dumps(said), content_type="application/json")
    assert [one["outcome"] for one in answer.json()["answers"]] == ["done", "already", "refused"]
    assert Visit.objects.get(pk=first.pk).made_at == running.at
    with pytest.raises(NotFound):
        commands.file_visit(visit=second, record=GOOD, age=timedelta(hours=1), by=running.by("lingdao"), at=running.at + DAY)
    late = running.at + 5 * DAY
    assert commands.file_visit(visit=first, record=GOOD, by=running.by("lingdao"), at=late) is Outcome.ALREADY


@pytest.mark.clause("OPS01")
def test_the_closing_writes_the_missing_nights_and_no_night_writes_after_it(month: Month) -> None:
    """The night's work had read the campaign before it was closed."""
    month.open("990102000000", days=2)
    month.start()
    first, inspector = month.today, month.inspector("lingdao", "990102000000")
    for code in CODES:
        month.file(code, inspector, GOOD)
    month.at += 3 * DAY
    commands.begin_review(campaign=month.campaign, by=month.by(), at=month.at)
    stale = Campaign.objects.get()
    commands.close_campaign(campaign=month.campaign, by=month.by(), at=month.at)
    assert list(BurnDown.objects.values_list("day", flat=True)) == [first + number * DAY for number in range(4)]
    BurnDown.objects.filter(day=first).delete()
    CampaignObject.objects.update(after_up=7)
    assert commands.freeze_missing(campaign=stale, today=month.today) == 0
    assert not commands.measure_days(campaign=stale, until=month.today)
    assert set(CampaignObject.objects.values_list("after_up", flat=True)) == {7}


def test_days_outside_this_century_are_named_on_the_form(month: Month, log_in: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: month.at)
    month.open()
    month.start()
    said = {"act": "appoint", "name": "郑国栋", "unit": "青禾市委组织部", "line": "leader", "place": "青禾市", "valid_from": month.today}
    page = reverse("supervision:inspector_list", args=[month.campaign.uid])
    for until in ("9999-12-31", "1999-12-31"):
        assert log_in("shiguan").post(page, {**said, "until": until}).status_code == 400
    assert not Inspector.objects.exists()


@pytest.mark.clause("SUP07")
def test_of_two_who_write_the_plan_of_their_unit_neither_is_lost(running: Month, log_in: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: running.at)
    plan = UnitPlan.objects.get(unit__code="ZZ-990101")
    client, page = log_in("xianguan"), reverse("supervision:plan", args=[plan.pk])
    first, second = ({"title": "方案", "words": words, "seen": ""} for words in ("逐站检修", "先修线路"))
    assert client.post(page, first).status_code == 302
    answer = client.post(page, second)
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert "逐站检修" in shown
    assert "先修线路" in shown
    plan.refresh_from_db()
    assert plan.words == "逐站检修"
    assert f'value="{plan.mark}"' in shown, "merged, it is handed in by the next press"
    assert client.post(page, {**second, "seen": plan.mark}).status_code == 302
    plan.refresh_from_db()
    assert plan.words == "先修线路"
