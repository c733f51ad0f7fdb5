"""A policy text, its explanation in plain words and its questions: linked on every face, with the days between them (DLV14)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from tests.courseware.test_kinds import new, on_air
from yuanjiao.courseware import commands, queries, shelf
from yuanjiao.courseware.models import Column, Courseware, PolicyLink, PolicyRole, PolicyText
from yuanjiao.courseware.rules.explaining import WITHIN_DAYS, delay
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
ISSUED = date(2026, 2, 26)
ON = date(2026, 3, 2)


def article(cast: Cast, at: datetime, title: str) -> Courseware:
    item = new(cast, at, Kind.ARTICLE, title)
    commands.write_article(courseware=item, source=f"{title}。说的是补贴怎么领。", by=cast.actor("zhizuo"), at=at)
    return item


@pytest.fixture
def policy(cast: Cast, column: Column, at: datetime) -> Courseware:
    item = article(cast, at, "耕地地力保护补贴实施方案")
    commands.name_policy(courseware=item, document="青农〔2026〕12号", issued_on=ISSUED, by=cast.actor("zhizuo"), at=at)
    return on_air(cast, item, column, at)


def explain(cast: Cast, column: Column, at: datetime, policy: Courseware, title: str, role: PolicyRole) -> Courseware:
    item = article(cast, at, title)
    commands.explain_policy(courseware=item, policy=policy, role=role, by=cast.actor("zhizuo"), at=at)
    return on_air(cast, item, column, at)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


@pytest.mark.parametrize(
    ("out", "days", "over", "late"),
    [
        ([], 4, False, False),
        ([date(2026, 3, 1)], 3, True, False),
        ([date(2026, 3, 20), date(2026, 3, 6)], 8, True, True),
        ([date(2026, 2, 20)], 0, True, False),
    ],
)
def test_the_delay_is_counted_from_the_day_of_issue_to_the_first_that_is_out(out: list[date], days: int, over: bool, late: bool) -> None:
    found = delay(ISSUED, out, ON)
    assert (found.days, found.over, found.late) == (days, over, late)
    assert delay(ISSUED, [], ISSUED + timedelta(days=WITHIN_DAYS + 1)).late


@pytest.mark.clause("DLV14")
def test_a_policy_text_leads_to_its_explanation_and_questions_and_shows_how_late_they_came(
    policy: Courseware, column: Column, cast: Cast, at: datetime, client: Client, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    page = client.get(f"/items/{policy.uid}/").content.decode()
    assert "发文已 4 天" in words(page)
    assert "还没有，已 4 天" in words(log_in("shiguan").get("/courseware/policies/?open=1").content.decode())
    plain = explain(cast, column, at, policy, "补贴怎么领：一看就懂", PolicyRole.EXPLANATION)
    asked = explain(cast, column, at + timedelta(days=2), policy, "补贴十问十答", PolicyRole.QUESTIONS)
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=9))
    page = client.get(f"/items/{policy.uid}/").content.decode()
    assert f'href="/items/{plain.uid}/"' in page
    assert f'href="/items/{asked.uid}/"' in page
    assert "通俗解读： 补贴怎么领：一看就懂 发文 4 天后" in words(page)
    assert "问答： 补贴十问十答 发文 6 天后" in words(page)
    assert f'href="/items/{policy.uid}/"' in client.get(f"/items/{plain.uid}/").content.decode()
    told = words(log_in("shiguan").get("/courseware/policies/").content.decode())
    assert "晚 4 天" in told
    assert "晚 6 天" in told
    assert "耕地地力" not in words(log_in("shiguan").get("/courseware/policies/?open=1").content.decode())
    box = client.get(f"/tv/items/{policy.uid}/").content.decode()
    assert f'href="/tv/items/{plain.uid}/"' in box
    assert f'href="/tv/items/{policy.uid}/"' in client.get(f"/tv/items/{plain.uid}/").content.decode()
    commands.withdraw_courseware(courseware=plain, reason="有误", by=cast.actor("shiguan"), at=at)
    found = queries.policy_of(policy.uid, on=ON + timedelta(days=9))
    assert found is not None
    assert (found.plain.over, found.plain.days, found.plain.late, found.asked.over) == (False, 13, True, True)


@pytest.mark.clause("DLV14")
def test_the_links_reach_the_machines_below_and_outlive_new_versions(policy: Courseware, column: Column, cast: Cast, at: datetime) -> None:
    plain = explain(cast, column, at, policy, "补贴怎么领：一看就懂", PolicyRole.EXPLANATION)
    revised = commands.revise_courseware(courseware=policy, by=cast.actor("zhizuo"), at=at, reason="附件更新")
    on_air(cast, revised, column, at)
    found = queries.policy_of(revised.uid, on=ON)
    assert found is not None
    assert [one.uid for one in found.explained] == [plain.uid]
    assert [one.uid for one in queries.explained_by(plain.uid, on=ON)] == [revised.uid]
    document = shelf.offer(ALL).document
    Column.objects.all().delete()
    Courseware.objects.update(revises=None)
    Courseware.objects.all().delete()
    assert not PolicyText.objects.exists()
    shelf.accept(document)
    assert queries.policy_of(revised.uid, on=ON) == found
    assert [one.uid for one in queries.explained_by(plain.uid, on=ON)] == [revised.uid]
    shelf.accept(document)
    assert PolicyText.objects.count() == PolicyLink.objects.count() == 1


def test_what_is_no_policy_is_not_explained_and_no_text_explains_another(policy: Courseware, cast: Cast, at: datetime) -> None:
    by = cast.actor("zhizuo")
    plain, other = article(cast, at, "一看就懂"), article(cast, at, "随笔")
    with pytest.raises(Refused, match="没有登记"):
        commands.explain_policy(courseware=plain, policy=other, role=PolicyRole.EXPLANATION, by=by, at=at)
    with pytest.raises(Refused, match="不能又是解读"):
        commands.explain_policy(courseware=policy, policy=policy, role=PolicyRole.EXPLANATION, by=cast.actor("shiguan"), at=at)
    link = commands.explain_policy(courseware=plain, policy=policy, role=PolicyRole.EXPLANATION, by=by, at=at)
    with pytest.raises(Conflict):
        commands.explain_policy(courseware=plain, policy=policy, role=PolicyRole.QUESTIONS, by=by, at=at)
    with pytest.raises(Refused, match="不能又是政策文件"):
        commands.name_policy(courseware=plain, document="x", issued_on=ISSUED, by=by, at=at)
    with pytest.raises(Refused, match="晚于今天"):
        commands.name_policy(courseware=other, document="x", issued_on=ON + timedelta(days=1), by=by, at=at)
    with pytest.raises(Forbidden):
        commands.name_policy(courseware=other, document="x", issued_on=ISSUED, by=cast.actor("shenhe"), at=at)
    commands.stop_explaining(link=link, by=by, at=at)
    assert not PolicyLink.objects.exists()


def test_the_page_names_a_text_and_links_an_item_by_plain_forms(
    policy: Courseware, cast: Cast, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    client, text, plain = log_in("zhizuo"), article(cast, at, "另一份文件"), article(cast, at, "一看就懂")
    address = f"/courseware/{text.uid}/policy/"
    assert client.post(address, {"do": "name", "document": "", "issued_on": "2026-02-26"}).status_code == 400
    assert client.post(address, {"do": "name", "document": "青农〔2026〕13号", "issued_on": "2026-02-26"}).status_code == 302
    assert client.post(f"/courseware/{plain.uid}/policy/", {"do": "link", "policy": str(policy.uid), "role": "plain"}).status_code == 302
    link = PolicyLink.objects.get()
    assert (link.courseware, link.policy_uid, link.role) == (plain, policy.uid, "plain")
    assert "耕地地力保护补贴实施方案" in client.get(f"/courseware/{plain.uid}/").content.decode()
    assert client.post(f"/courseware/{plain.uid}/policy/", {"do": "unlink", "link": str(link.uid)}).status_code == 302
    assert client.post(address, {"do": "unname"}).status_code == 302
    assert [row.courseware for row in PolicyText.objects.all()] == [policy]
