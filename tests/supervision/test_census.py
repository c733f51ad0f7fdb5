"""The census is born where the manager works, travels up as a fact, and is taken up into the campaign once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tests.supervision.conftest import FAR, LIN, LIUXI, WANG, Month
from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.flow.journal.models import Entry
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.supervision import commands, queries, shelf
from yuanjiao.supervision.jobs import take_up_census
from yuanjiao.supervision.models import Campaign, CampaignItem, CensusReturn, CensusTaking
from yuanjiao.supervision.rules import ProblemKind

Enter = Callable[[str], Client]


@pytest.mark.clause("OPS20")
def test_the_manager_confirms_with_one_press_and_what_is_wrong_becomes_an_item_with_an_owner(
    running: Month, log_in: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: running.at)
    client, page = log_in("zhanguan"), reverse("supervision:census")
    shown = client.get(page).content.decode()
    assert shown.count("情况属实，确认") == 1
    assert "李村站点" in shown
    known = {"site": LIN, "campaign": running.campaign.uid}
    assert client.post(page, {**known, "problem": "line", "words": "经常卡"}).status_code == 302
    assert client.post(page, {**known, "site": WANG}).status_code == 404
    assert take_up_census(running.at) == 1
    assert take_up_census(running.at) == 0
    assert running.target(LIN).confirmed_at == running.at
    problem = CampaignItem.objects.get()
    assert (problem.kind, problem.owner_name, problem.item.state) == (ProblemKind.LINE, "王建军", "issued")
    (county,) = [line for line in queries.tallies(running.campaign, ["/"]) if line.code == LIUXI]
    assert (county.tally.confirmed, county.tally.sites) == (1, 4)
    listed = log_in("xianguan").get(reverse("supervision:object_list", args=[running.campaign.uid]), {"confirmed": "no"}).content.decode()
    assert "李村站点" not in listed
    assert "王庄村站点" in listed


def test_a_confirmation_is_a_fact_that_names_nothing_but_codes_and_uids(running: Month) -> None:
    commands.confirm_site(
        campaign=running.campaign, site=running.cast.sites[LIN], remark="门牌改了", problems=[], by=running.by("zhanguan"), at=running.at
    )
    row = CensusReturn.objects.get()
    assert (row.campaign_uid, row.site_code, row.remark) == (running.campaign.uid, LIN, "门牌改了")
    assert Entry.objects.filter(kind="supervision.census_confirmed/1").count() == 1


def test_only_the_manager_of_the_site_confirms_it(running: Month) -> None:
    for who in ("xianguan", "shiguan", "gongcheng"):
        with pytest.raises(NotFound):
            commands.confirm_site(
                campaign=running.campaign, site=running.cast.sites[LIN], remark="", problems=[], by=running.by(who), at=running.at
            )
    with pytest.raises(NotFound):
        commands.confirm_site(
            campaign=running.campaign, site=running.cast.sites[FAR], remark="", problems=[], by=running.by("zhanguan"), at=running.at
        )


def test_what_comes_for_no_campaign_at_work_is_kept_and_said_to_be_left_out(running: Month) -> None:
    commands.confirm_site(
        campaign=running.campaign, site=running.cast.sites[LIN], remark="", problems=[(ProblemKind.USE, "")], by=running.by("zhanguan"),
        at=running.at,
    )  # fmt: skip
    Campaign.objects.update(state="closed", closed_at=running.at)
    assert take_up_census(running.at + timedelta(days=40)) == 1
    assert CensusTaking.objects.get().left_out == "行动已经结束"
    assert not CampaignItem.objects.exists()


def test_campaigns_at_work_go_down_and_come_to_an_edge_without_their_figures(running: Month) -> None:
    planned = running.open(LIUXI)
    offer = shelf.offer(ALL)
    assert offer.document
    assert str(planned.uid).encode() not in offer.document, "what is only prepared asks nobody for anything"
    first = Campaign.objects.exclude(pk=planned.pk).get().uid
    Campaign.objects.all().delete()
    shelf.accept(offer.document)
    row = Campaign.objects.get()
    assert (row.uid, row.state, [scope.name for scope in row.scopes.all()]) == (first, "running", ["青禾市"])
    assert [one.site.code for one in queries.census_wanted(running.by("zhanguan"))] == [LIN]
    shelf.accept(shelf.to_document(shelf.Campaigns()))
    assert not Campaign.objects.exists()
    assert not shelf.offer(running.cast.divisions[LIUXI].path).document
