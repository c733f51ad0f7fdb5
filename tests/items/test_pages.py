"""The pages of items: one written down, given out, done, checked and closed by people; two at once; kept lists; who sees what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from yuanjiao.items import commands, queries
from yuanjiao.items.models import Item, SavedFilter
from yuanjiao.items.rules import ItemKind, State, may_keep
from yuanjiao.lib import clock
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
ASKED = ("done", "solved", "changed")
ANSWERS = {f"{name}_yes": "yes" for name in ASKED} | dict.fromkeys(ASKED, "现场照片和播放测试")


@pytest.fixture(autouse=True)
def _today(at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=1))


def act(client: Client, item: Item, name: str, **said: object) -> int:
    """Do one act on the page as it is now."""
    item.refresh_from_db()
    data = {"act": name, "code": item.code, "seen": item.step_count, **said}
    return client.post(reverse("items:item", args=[item.code]), data).status_code


def task(cast: Cast, at: datetime, **changes: object) -> Item:
    plan = {"expected_result": "全部恢复", "measure": "逐站检修", "starts_on": date(2026, 3, 2)}
    fields = {"lead_unit": cast.units["DX-990101"], **plan, **changes}
    return commands.create_item(
        kind=ItemKind.TASK, title="检修石桥镇机顶盒", division=cast.divisions["990101000000"], by=cast.actor("xianguan"), at=at, **fields
    )


@pytest.mark.clause("SUP09", "SUP36", "SUP38")
def test_a_task_goes_from_the_officers_page_to_the_engineers_and_back(cast: Cast, log_in: LogIn, at: datetime) -> None:
    officer, engineer = log_in("xianguan"), log_in("gongcheng")
    written = {"kind": "task", "title": "检修石桥镇机顶盒", "lead": "柳溪县电信分公司", "cooperating": "石桥镇党委、石岭县委组织部"}
    answer = officer.post(reverse("items:item_new"), written, follow=True)
    item = Item.objects.get()
    assert (answer.status_code, item.state, item.division.code) == (200, State.DRAFT, "990101000000")
    assert act(officer, item, "issue", due_on="2026-03-20") == 400, "neither measure, schedule nor result is there"
    done = {"title": item.title, "measure": "逐站检修", "expected_result": "全部恢复", "starts_on": "2026-03-02"}
    assert act(officer, item, "edit", **done) == 302
    assert act(officer, item, "issue", due_on="2026-03-20") == 302
    for name, said in (("accept", {}), ("start", {}), ("submit", {"reason": "换了 3 台"})):
        assert act(officer, item, name, **said) in {302, 403, 400}
        assert act(engineer, item, name, **said) == 302
    assert act(engineer, item, "verify", **ANSWERS) == 403
    assert act(officer, item, "verify", **ANSWERS) == 302
    assert act(officer, item, "close") == 302
    page = officer.get(reverse("items:item", args=[item.code])).content.decode()
    assert "赵敏芝交办给柳溪县电信分公司，要求3月20日 23:59前办结。" in page
    assert "王建军提交办结：换了 3 台。" in page
    assert "石岭县委组织部" in page
    assert log_in("linxian").get(reverse("items:item", args=[item.code])).status_code == 200, "a cooperating unit reads it"
    assert log_in("zhanguan").get(reverse("items:item", args=[item.code])).status_code == 404


def test_the_second_of_two_sees_what_changed_and_chooses(cast: Cast, log_in: LogIn, at: datetime) -> None:
    """Nobody's act is written over; who still wants to goes on from what is so now."""
    item = commands.issue_item(item=task(cast, at), due_at=at + timedelta(days=9), by=cast.actor("xianguan"), at=at)
    city, seen = log_in("shiguan"), item.step_count
    commands.accept_item(item=item, by=cast.actor("gongcheng"), at=at)
    sent = {"act": "extend", "code": item.code, "seen": seen, "due_on": "2026-03-30", "reason": "配件晚到"}
    answer = city.post(reverse("items:item", args=[item.code]), sent)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "王建军签收。" in page
    assert "配件晚到" in page
    assert "登记" not in page.split("变化")[1].split("现在的状态")[0], "only what is new is told"
    item.refresh_from_db()
    assert item.due_at == at + timedelta(days=9)
    assert "仍要延期" in page
    assert city.post(reverse("items:item", args=[item.code]), sent | {"seen": item.step_count}).status_code == 302
    assert act(log_in("xianguan"), item, "cancel", reason="") == 400
    late = log_in("xianguan").post(reverse("items:item", args=[item.code]), {"act": "issue", "seen": "1", "due_on": "2026-03-30"})
    assert (late.status_code, "已经不能这样办理" in late.content.decode()) == (409, True)


@pytest.mark.clause("SUP20")
def test_a_change_asked_by_the_owner_counts_only_when_another_approves(cast: Cast, log_in: LogIn, at: datetime) -> None:
    item = commands.issue_item(item=task(cast, at), due_at=at + timedelta(days=9), by=cast.actor("xianguan"), at=at)
    engineer, officer = log_in("gongcheng"), log_in("xianguan")
    wanted = {"due_on": "2026-03-30", "expected_result": "恢复九成", "reason": "停产缺货"}
    assert act(engineer, item, "ask", **wanted) == 302
    item.refresh_from_db()
    assert (item.due_at, item.expected_result) == (at + timedelta(days=9), "全部恢复")
    assert act(engineer, item, "agree") == 403
    assert act(engineer, item, "ask", **wanted) == 409, "one request at a time"
    assert "停产缺货" in officer.get(reverse("items:item", args=[item.code])).content.decode()
    assert act(officer, item, "agree") == 302
    item.refresh_from_db()
    assert item.original_due_at == at + timedelta(days=9)
    assert clock.local_day(item.due_at or at) == date(2026, 3, 30)
    assert item.expected_result == "恢复九成"
    told = [line.sentence for line in queries.story(item)]
    assert any("预期成效由“全部恢复”改为“恢复九成”" in one for one in told)
    assert act(officer, item, "agree") == 409


@pytest.mark.clause("SUP16", "SUP27")
def test_phases_are_done_in_order_and_before_the_item_is_handed_in(cast: Cast, log_in: LogIn, at: datetime) -> None:
    item, officer, engineer = task(cast, at, starts_on=None), log_in("xianguan"), log_in("gongcheng")
    assert act(officer, item, "add_phase", title="排查", starts_on="2026-03-02", ends_on="2026-03-10") == 302
    assert act(officer, item, "add_phase", title="整改", starts_on="2026-03-11", ends_on="2026-03-25") == 302
    assert act(officer, item, "issue", due_on="2026-03-20") == 400, "a phase would end behind the date"
    assert act(officer, item, "issue", due_on="2026-03-31") == 302
    for name in ("accept", "start"):
        act(engineer, item, name)
    assert act(engineer, item, "submit", reason="好了") == 400
    assert act(engineer, item, "phase", result="查出 12 处") == 302
    assert [phase.done_at is not None for phase in queries.phases(item)] == [True, False]
    assert act(engineer, item, "phase", result="改完") == 302
    assert act(engineer, item, "submit", reason="好了") == 302


def test_lists_are_kept_for_oneself_or_for_the_unit(cast: Cast, log_in: LogIn, at: datetime) -> None:
    officer, other = log_in("xianguan"), log_in("linxian")
    officer.post(reverse("items:item_list"), {"name": "超期任务", "now": "colour=red&kind=task&next=//evil.example", "shared": ""})
    saved = SavedFilter.objects.get()
    assert (saved.query, saved.unit) == ("kind=task&colour=red", None)
    officer.post(reverse("items:item_list"), {"name": "超期任务", "now": "colour=red", "shared": "on"})
    saved.refresh_from_db()
    assert (saved.query, saved.unit) == ("colour=red", cast.units["ZZ-990101"])
    assert "超期任务" in officer.get(reverse("items:item_list")).content.decode()
    assert "超期任务" not in other.get(reverse("items:item_list")).content.decode()
    other.post(reverse("items:item_list"), {"forget": str(saved.uid)})
    assert SavedFilter.objects.count() == 1
    officer.post(reverse("items:item_list"), {"forget": str(saved.uid)})
    assert not SavedFilter.objects.exists()
    assert may_keep("page=3&sort=1") == ""


@pytest.mark.clause("SUP02")
def test_what_waits_is_told_by_level_and_leads_to_the_list(cast: Cast, log_in: LogIn, at: datetime) -> None:
    begun = at - timedelta(days=9)
    waiting = commands.issue_item(item=task(cast, begun), due_at=at + timedelta(days=9), by=cast.actor("shiguan"), at=begun)
    task(cast, at, lead_unit=cast.units["ZZ-990101"])
    city = log_in("shiguan")
    rows = {row.level_name: row for row in queries.stuck_summary(queries.items_seen_by(cast.actor("shiguan")), at)}
    county = rows["县（市、区）"]
    assert (county.with_owner, county.with_giver, county.long) == (1, 1, 1)
    assert county.oldest == begun
    assert "9 天" in city.get(reverse("items:stuck")).content.decode()
    commands.accept_item(item=waiting, by=cast.actor("gongcheng"), at=at)
    assert "检修石桥镇" in city.get(reverse("items:item_list"), {"stuck": "3", "mine": ""}).content.decode()
    assert "检修石桥镇" not in city.get(reverse("items:item_list"), {"stuck": "2"}).content.decode()
    assert "没有未办结" in log_in("linxian").get(reverse("items:stuck")).content.decode()


def test_words_filters_and_the_register_go_together(cast: Cast, log_in: LogIn, at: datetime) -> None:
    task(cast, at)
    task(cast, at, measure="更换光缆")
    city, address = log_in("shiguan"), reverse("items:item_list")
    assert city.get(address, {"q": "机顶盒 光缆"}).content.decode().count("检修石桥镇") == 1
    assert "检修石桥镇" not in city.get(address, {"q": "光缆", "state": "closed"}).content.decode()
    assert "检修石桥镇" not in log_in("linxian").get(address, {"q": "光缆"}).content.decode()
    answer = city.get(address, {"q": "光缆", "export": "xlsx"})
    sheet = load_workbook(BytesIO(b"".join(answer))).active  # type: ignore[arg-type]
    assert sheet is not None
    assert sum("检修石桥镇" in str(cell) for row in sheet.iter_rows(values_only=True) for cell in row) == 1
