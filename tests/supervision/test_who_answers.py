"""What was told counts for the place it came from, once, and before the closing; what was declined is nobody's."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from uuid import uuid4

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from tests.supervision.conftest import DAY, FAR, GOOD, LIN, Month
from tests.supervision.test_closing_rule import CODES
from tests.supervision.test_what_is_found import FIXED, told
from yuanjiao.items import commands as items
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.supervision import commands, queries
from yuanjiao.supervision.jobs import take_up_census
from yuanjiao.supervision.models import CampaignItem, CampaignObject, CensusReturn, CensusTaking
from yuanjiao.supervision.rules import ProblemKind, together

Enter = Callable[[str], Client]


def unowned(month: Month) -> tuple[int, int, int]:
    """By the list, by the figures of now, by those as of a moment."""
    listed = CampaignItem.objects.filter(queries.unowned()).count()
    now, then = (together(line.tally for line in queries.tallies(month.campaign, ["/"], before=at)) for at in (None, month.at + DAY))
    return listed, now.unowned, then.unowned


def test_the_machine_of_one_county_tells_nothing_of_another(running: Month) -> None:
    told(running, ProblemKind.LINE, code=FAR, path=running.cast.sites[LIN].division.path)
    take_up_census(running.at)
    assert CensusTaking.objects.get().left_out == "不在报送机器负责的地方"
    assert running.target(FAR).confirmed_at is None
    assert not CampaignItem.objects.exists()
    assert not queries.returns_of(running.campaign, running.target(FAR)).exists()


def test_a_site_that_moved_since_is_confirmed_from_where_it_now_stands(running: Month) -> None:
    CampaignObject.objects.filter(code=LIN).update(path="/990100000000/990102000000/990102100000/990102100299/")
    told(running)
    take_up_census(running.at)
    assert running.target(LIN).confirmed_at == running.at


@pytest.mark.clause("OPS02")
def test_what_its_unit_declined_has_no_owner_until_somebody_is_named_again(running: Month) -> None:
    running.file(LIN, running.inspector(), running.found())
    problem = CampaignItem.objects.select_related("item").get()
    assert unowned(running) == (0, 0, 0)
    assert problem.is_answered
    declined = items.decline_item(item=problem.item, reason="不归我们", by=running.by("gongcheng"), at=running.at)
    assert unowned(running) == (1, 1, 1)
    items.issue_item(item=declined, due_at=running.at + DAY, lead_unit=running.cast.units["ZZ-990101"], by=running.by(), at=running.at)
    assert unowned(running)[:2] == (1, 1), "the person who was named is of the unit that declined"
    assert not CampaignItem.objects.select_related("item").get().is_answered
    commands.name_owner(problem=problem, unit=running.cast.units["ZZ-990101"], name="赵敏芝", by=running.by(), at=running.at)
    assert unowned(running) == (0, 0, 0)
    assert CampaignItem.objects.select_related("item").get().is_answered


def test_who_was_named_before_the_unit_was_kept_still_answers(running: Month) -> None:
    running.file(LIN, running.inspector(), running.found())
    CampaignItem.objects.update(owner_unit=None)
    import_module("yuanjiao.supervision.migrations.0004_fill_owner_unit").fill(apps, None)
    assert unowned(running) == (0, 0, 0)


@pytest.mark.clause("OPS02")
def test_it_does_not_close_over_confirmations_that_wait(month: Month) -> None:
    month.open("990102000000", days=1)
    month.start()
    inspector = month.inspector("lingdao", "990102000000")
    for code in CODES:
        month.file(code, inspector, GOOD)
    commands.begin_review(campaign=month.campaign, by=month.by(), at=month.at)
    told(month, ProblemKind.USE, code=FAR)
    with pytest.raises(Refused, match="还有 1 份底数确认等待入库"):
        commands.close_campaign(campaign=month.campaign, by=month.by(), at=month.at)
    take_up_census(month.at)
    assert commands.close_campaign(campaign=month.campaign, by=month.by(), at=month.at).problems.count() == 1


def test_a_press_that_comes_twice_confirms_once(running: Month, log_in: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: running.at)
    client, page = log_in("zhanguan"), reverse("supervision:census")
    assert 'name="press" value="' in client.get(page).content.decode()
    said = {"site": LIN, "campaign": running.campaign.uid, "press": uuid4(), "problem": "line", "words": "经常卡"}
    assert [client.post(page, said).status_code for _press in range(2)] == [302, 409]
    assert CensusReturn.objects.count() == 1
    assert client.post(page, {**said, "press": uuid4()}).status_code == 302


def test_what_was_told_before_and_is_open_is_no_second_item(running: Month) -> None:
    told(running, ProblemKind.LINE, ProblemKind.LINE)
    told(running, ProblemKind.LINE, ProblemKind.USE)
    assert take_up_census(running.at) == 2
    assert sorted(CampaignItem.objects.values_list("kind", flat=True)) == ["line", "line", "use"]
    for row in CampaignItem.objects.filter(kind="line"):
        items.cancel_item(item=row.item, reason="好了", by=running.by(), at=running.at)
    told(running, ProblemKind.LINE)
    take_up_census(running.at)
    assert CampaignItem.objects.filter(kind="line").count() == 3


@pytest.mark.clause("SUP30")
def test_what_was_put_right_on_the_spot_is_found_by_the_lists_filter(running: Month, log_in: Enter) -> None:
    running.file(LIN, running.inspector(), running.found(fixed=FIXED))
    page = reverse("supervision:problem_list", args=[running.campaign.uid])
    assert "共 1 行" in log_in("shiguan").get(page, {"standing": "spot"}).content.decode()
