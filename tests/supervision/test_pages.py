"""Pages of campaigns: each opens for whom it is meant, says what to do when empty, and asks the database no more for a larger place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.supervision.conftest import CITY, DAY, FAR, LIN, WANG, Month
from yuanjiao.lib import clock
from yuanjiao.supervision import commands
from yuanjiao.supervision.jobs import keep_campaigns
from yuanjiao.supervision.models import Campaign, CampaignItem, Draw, Inspector, UnitPlan, Visit
from yuanjiao.supervision.rules import Method

Enter = Callable[[str], Client]
LISTS = ("object_list", "problem_list", "visit_list", "day_list", "plan_list", "draw_list")


@pytest.fixture(autouse=True)
def now(month: Month, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: month.at)


def text(client: Client, name: str, *args: object, **query: str) -> str:
    answer = client.get(reverse(f"supervision:{name}", args=args), query)
    assert answer.status_code == 200, name
    return answer.content.decode()


@pytest.mark.clause("OPS01")
def test_the_city_prepares_and_starts_a_month_from_the_page(month: Month, log_in: Enter) -> None:
    client = log_in("shiguan")
    new = reverse("supervision:campaign_new")
    assert f'value="{month.today + 29 * DAY:%Y-%m-%d}"' in client.get(new).content.decode(), "one month is proposed"
    said = {
        "title": "集中整顿月", "document": "青组〔2026〕6号", "scope": "柳溪县、990102000000",
        "starts_on": month.today, "ends_on": month.today + 29 * DAY,
        "plan_due_on": month.today + 9 * DAY, "rate": "95", "open": "0", "inspected": "100", "confirmed": "100",
    }  # fmt: skip
    assert "没有找到地方" in client.post(new, {**said, "scope": "没有的县"}).content.decode()
    assert client.post(new, said).status_code == 302
    campaign = Campaign.objects.get()
    page = reverse("supervision:campaign", args=[campaign.uid])
    assert "还在筹备" in client.get(page).content.decode()
    assert log_in("xianguan").post(page, {"act": "start"}).status_code == 403
    assert client.post(page, {"act": "start"}).status_code == 302
    shown = client.get(page).content.decode()
    for words in (
        "0 / 10",
        "柳溪县",
        "石岭县",
        "赵敏芝",
        "王建军",
        "高志远",
        "空缺",
        "两段时间用同一定义",
        "缺检查记录，不能结束",
        "规则第 1 版",
    ):
        assert words in shown, words


@pytest.mark.clause("OPS02")
def test_the_refused_closing_names_what_is_missing_with_links(month: Month, log_in: Enter) -> None:
    month.open(days=1)
    month.start()
    inspector = month.inspector()
    month.file(FAR, inspector, month.found())
    commands.begin_review(campaign=month.campaign, by=month.by(), at=month.at)
    page = reverse("supervision:campaign", args=[month.campaign.uid])
    answer = log_in("shiguan").post(page, {"act": "close"})
    assert answer.status_code == 400
    shown, problem = answer.content.decode(), CampaignItem.objects.get()
    assert "不能结束：还有 9 个服务器、线路、站点没有检查记录；还有 1 件问题没有责任单位和责任人" in shown
    assert reverse("supervision:visit_add", args=[month.campaign.uid, LIN]) in shown
    assert reverse("supervision:problem", args=[problem.item.code]) in shown


def test_each_county_sees_its_own_list(month: Month, log_in: Enter) -> None:
    month.open()
    month.start()
    inspector = month.inspector()
    for code in (LIN, FAR):
        month.file(code, inspector, month.found())
    keep_campaigns(month.at + DAY)
    near, far = log_in("xianguan"), log_in("linxian")
    for name in LISTS:
        mine, theirs = text(near, name, month.campaign.uid), text(far, name, month.campaign.uid)
        for page, foreign in ((mine, ("高坪村站点", "石岭县委组织部")), (theirs, ("李村站点", "柳溪县委组织部"))):
            assert not [words for words in foreign if words in page.partition('id="table"')[2]], name
    own = text(near, "campaign", month.campaign.uid)
    assert "1 / 7" in own
    assert "高志远" not in own


def test_every_figure_opens_to_its_rows_and_every_list_is_a_register(month: Month, log_in: Enter) -> None:
    month.open()
    month.start()
    inspector = month.inspector()
    month.file(LIN, inspector, month.found())
    client, uid = log_in("shiguan"), month.campaign.uid
    for query, count in (
        ({"inspected": "no"}, 9),
        ({"inspected": "yes"}, 1),
        ({"confirmed": "no"}, 5),
        ({"compared": "in"}, 5),
        ({"kind": "line"}, 3),
    ):
        assert f"共 {count} 行" in text(client, "object_list", uid, **query), query
    for query, count in (({"standing": "open"}, 1), ({"standing": "unowned"}, 0), ({"standing": "closed"}, 0), ({"standing": "spot"}, 0)):
        shown = text(client, "problem_list", uid, **query)
        assert (f"共 {count} 行" in shown) == bool(count), query
    for name in LISTS:
        answer = client.get(reverse(f"supervision:{name}", args=[uid]), {"export": "xlsx"})
        assert answer["Content-Type"].endswith("sheet"), name
        assert b"".join(answer)[:2] == b"PK", name  # type: ignore[arg-type]


def test_a_unit_hands_in_its_plan_and_others_do_not(month: Month, log_in: Enter) -> None:
    month.open()
    month.start()
    plan = UnitPlan.objects.get(unit__code="ZZ-990101")
    page, said = reverse("supervision:plan", args=[plan.pk]), {"title": "柳溪县方案", "words": "逐站检修"}
    assert log_in("linxian").get(page).status_code == 404
    assert log_in("shiguan").post(page, said).status_code == 404
    assert log_in("xianguan").post(page, said).status_code == 302
    month.at += 20 * DAY
    shown = text(log_in("shiguan"), "plan_list", month.campaign.uid)
    assert "柳溪县方案" in shown
    assert shown.count("逾期未报") == 4


def test_inspectors_are_sent_and_villages_drawn_from_the_page(month: Month, log_in: Enter) -> None:
    month.open()
    month.start()
    client, uid = log_in("shiguan"), month.campaign.uid
    sent = {
        "act": "appoint",
        "name": "郑国栋",
        "unit": "青禾市委组织部",
        "line": "leader",
        "place": "青禾市",
        "valid_from": month.today,
        "until": month.today + 9 * DAY,
    }
    assert client.post(reverse("supervision:inspector_list", args=[uid]), {**sent, "name": "无名"}).status_code == 400
    assert client.post(reverse("supervision:inspector_list", args=[uid]), sent).status_code == 302
    inspector = Inspector.objects.get()
    wanted = {
        "act": "visit",
        "place": "青禾市",
        "count": "100",
        "inspector": str(inspector.pk),
        "method": "spot_check",
        "seed": "2026-03-02 21 35",
    }
    answer = client.post(reverse("supervision:draw_list", args=[uid]), wanted)
    draw = Draw.objects.get()
    assert answer.status_code == 302
    shown = text(client, "draw", draw.uid)
    assert "5 中抽 5" in shown
    assert "2026-03-02 21 35" in shown
    assert text(client, "draw_frame", draw.uid).split() == sorted(text(client, "draw_frame", draw.uid).split())
    assert log_in("xianguan").get(reverse("supervision:draw_frame", args=[draw.uid])).status_code == 404, "codes of other counties"
    assert (
        client.post(
            reverse("supervision:inspector_list", args=[uid]), {"act": "round", "inspector": str(inspector.pk), "method": "special"}
        ).status_code
        == 302
    )
    assert Visit.objects.count() == 10, "sites that are to be visited already are not planned twice"


def test_an_owner_is_named_and_a_closed_problem_looked_at_again_from_the_page(month: Month, log_in: Enter) -> None:
    month.open()
    month.start()
    month.file(FAR, month.inspector(), month.found())
    problem = CampaignItem.objects.get()
    page = reverse("supervision:problem", args=[problem.item.code])
    assert log_in("xianguan").get(page).status_code == 404
    client = log_in("shiguan")
    assert client.post(page, {"unit": "石岭县委组织部", "name": "某人"}).status_code == 400
    assert client.post(page, {"unit": "石岭县委组织部", "name": "高志远"}).status_code == 302
    month.file(LIN, month.campaign.inspectors.get(), month.found(fixed=commands.Fixed("王建军", "换好", "能放", "看了")))
    commands.draw_rechecks(campaign=month.campaign, place=month.cast.divisions[CITY], percent=100, by=month.by(), at=month.at)
    recheck = Draw.objects.get().rechecks.get()
    assert "待复查" in text(client, "draw", Draw.objects.get().uid)
    assert client.post(reverse("supervision:recheck", args=[recheck.uid]), {"passed": "no", "note": "又坏了"}).status_code == 302
    assert "共 1 行" in text(client, "problem_list", month.campaign.uid, standing="failed")


def test_an_inspector_without_script_files_the_plain_form(month: Month, log_in: Enter) -> None:
    month.open()
    month.start()
    inspector = month.inspector()
    client = log_in("lingdao")
    began = client.post(reverse("supervision:visit_add", args=[month.campaign.uid, LIN]))
    page = began["Location"]
    assert client.post(page, {"found": "problem", "problem": "equipment", "words": "坏", "who": "王建军"}).status_code == 400
    said = {"found": "problem", "problem": "equipment", "words": "坏", "who": "王建军", "done": "换了", "solved": "能放", "changed": "看了"}
    assert client.post(page, said).status_code == 302
    assert "已销号" in client.get(page).content.decode()
    assert log_in("shenji").post(reverse("supervision:visit_add", args=[month.campaign.uid, LIN])).status_code == 404
    assert inspector.visits.get().filed_at == month.at


def test_empty_pages_say_what_to_do(month: Month, log_in: Enter) -> None:
    assert "筹备专项行动" in text(log_in("shiguan"), "campaign_list")
    assert "还没有涉及本地的专项行动" in text(log_in("xianguan"), "campaign_list")
    assert "现在没有要您确认的站点" in text(log_in("zhanguan"), "census")
    month.open()
    month.start()
    for name, words in (
        ("visit_list", "派出检查人员"),
        ("problem_list", "还没有问题"),
        ("day_list", "每天夜里记一次"),
        ("draw_list", "还没有抽取"),
    ):
        assert words in text(log_in("shiguan"), name, month.campaign.uid)


def test_more_rows_do_not_mean_more_queries(month: Month, log_in: Enter) -> None:
    month.open()
    month.start()
    inspector, client, counts = month.inspector(), log_in("shiguan"), []
    phone = log_in("lingdao")
    for code in (LIN, WANG):
        month.file(code, inspector, month.found())
        commands.plan_round(inspector=inspector, method=Method.ON_SITE, by=month.by(), at=month.at) if code == WANG else month.visit(
            FAR, inspector
        )
        month.at += timedelta(minutes=1)
        with CaptureQueriesContext(connection) as asked:
            for name in ("campaign", *LISTS):
                text(client, name, month.campaign.uid)
            text(phone, "my_visits")
        counts.append(len(asked))
    assert counts[0] == counts[1]
