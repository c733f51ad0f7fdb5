"""Pages as each person meets them: what is offered, what is refused, what the outsider does not see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tests.faults.conftest import LIN, YES, World
from yuanjiao.faults import commands
from yuanjiao.faults.jobs import run_faults
from yuanjiao.faults.models import FaultReport, ServiceTerm, WorkOrder
from yuanjiao.items.rules import State, grouped_code
from yuanjiao.lib import clock
from yuanjiao.people.models import AuditRow

LogIn = Callable[[str], Client]
HOUR = timedelta(hours=1)


def text_of(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined]


@pytest.mark.clause("OPS04")
@pytest.mark.parametrize("typed", ["李村", "lcz", "09901100200", "13800000006", "0990-110 0200", "S-990101100200"])
def test_a_clerk_needs_three_screens_from_the_call_to_the_receipt(world: World, log_in: LogIn, typed: str) -> None:
    clerk, screens = log_in("rexian"), 0
    assert clerk.get("/faults/hotline/").status_code == 200  # the desk the clerk already sits at
    card = clerk.get("/faults/hotline/", {"q": typed}, follow=True)
    screens += 1
    assert "李村站点" in text_of(card)
    address = f"/faults/hotline/{LIN}/"
    if card.redirect_chain == []:
        card = clerk.get(address)
        screens += 1
    form = card.context["form"]
    receipt = clerk.post(address, {"uid": form["uid"].value(), "symptom": "error_code", "error_code": "4"}, follow=True)
    screens += 1
    assert screens <= 3
    report = FaultReport.objects.get()
    assert grouped_code(report.receipt_code) in text_of(receipt)
    order = WorkOrder.objects.get()
    assert grouped_code(order.item.code) in text_of(receipt)
    assert (report.channel, report.error_code, order.item.state) == ("phone", "4", State.ISSUED)


@pytest.mark.clause("OPS04")
def test_the_clerks_pages_need_no_script(world: World, log_in: LogIn) -> None:
    page = text_of(log_in("rexian").get(f"/faults/hotline/{LIN}/"))
    assert '<form method="post"' in page
    assert "onclick" not in page


def test_a_known_trouble_is_suggested_and_joined(world: World, log_in: LogIn) -> None:
    root = world.goes_dark("L-990101100", affected=2, at=clock.now() - 2 * HOUR)
    world.goes_dark(LIN, root=root, at=clock.now() - 2 * HOUR)
    run_faults(clock.now())
    clerk = log_in("rexian")
    page = clerk.get(f"/faults/hotline/{LIN}/")
    assert "已知故障，正在办理" in text_of(page)
    assert "石桥镇接入线路" in text_of(page)
    clerk.post(f"/faults/hotline/{LIN}/", {"uid": page.context["form"]["uid"].value(), "symptom": "no_play"})
    assert WorkOrder.objects.count() == 1
    assert FaultReport.objects.get().handling.attached


def test_a_doubled_click_files_one_report(world: World, log_in: LogIn) -> None:
    clerk = log_in("rexian")
    uid = clerk.get(f"/faults/hotline/{LIN}/").context["form"]["uid"].value()
    assert clerk.post(f"/faults/hotline/{LIN}/", {"uid": uid, "symptom": "no_play"}).status_code == 302
    again = clerk.post(f"/faults/hotline/{LIN}/", {"uid": uid, "symptom": "no_play"})
    assert again.status_code == 409
    assert "已经提交过" in text_of(again)
    assert FaultReport.objects.count() == 1


def test_the_search_says_what_to_do_when_nothing_is_found(world: World, log_in: LogIn) -> None:
    assert "没有找到" in text_of(log_in("rexian").get("/faults/hotline/", {"q": "火星"}))
    assert "站点" in text_of(log_in("rexian").get("/faults/hotline/", {"q": "村"}))


def test_the_site_managers_report_is_one_form_and_shows_its_order_when_it_is_dispatched(world: World, log_in: LogIn) -> None:
    manager = log_in("zhanguan")
    page = manager.get("/faults/report/")
    assert "李村站点" in text_of(page)
    answer = manager.post("/faults/report/", {"uid": page.context["form"]["uid"].value(), "symptom": "no_power"}, follow=True)
    assert "正在等待中心受理派单" in text_of(answer)
    assert FaultReport.objects.get().channel == "site_button"
    run_faults(clock.now())
    assert "柳溪县电信分公司" in text_of(manager.get(answer.request["PATH_INFO"]))


def test_an_officer_chooses_one_of_the_countys_sites(world: World, log_in: LogIn) -> None:
    officer = log_in("xianguan")
    page = text_of(officer.get("/faults/report/"))
    assert "李村站点" in page
    assert "高坪村站点" not in page
    form = officer.get("/faults/report/", {"site": LIN}).context["form"]
    officer.post(f"/faults/report/?site={LIN}", {"uid": form["uid"].value(), "symptom": "no_network"})
    assert FaultReport.objects.get().channel == "officer"
    assert officer.get("/faults/report/", {"site": "S-990102100200"}).status_code == 404


def test_the_engineer_walks_an_order_from_the_phone_page_to_handing_in(world: World, log_in: LogIn) -> None:
    order = world.order(State.ISSUED)
    engineer, address = log_in("gongcheng"), f"/faults/orders/{order.item.code}/"
    assert "石柳公路" in text_of(engineer.get("/faults/mine/"))
    for act in ("accept", "start"):
        assert engineer.post(address, {"act": act}).status_code == 302
    bare = engineer.post(address, {"act": "submit", "fault_class": "equipment", "note": "换盒子"})
    assert bare.status_code == 400
    assert "换盒子" in text_of(bare), "what was typed is kept"
    engineer.post(address, {"act": "submit", "fault_class": "equipment", "cause": "power", "note": "换电源"})
    page = text_of(engineer.get(address))
    assert "等待站点播放测试" in page
    assert "核实通过" not in page


def test_verification_on_the_page_waits_for_the_play_and_then_closes(world: World, log_in: LogIn) -> None:
    order = world.order(State.SUBMITTED)
    officer, address = log_in("xianguan"), f"/faults/orders/{order.item.code}/"
    answers = {"act": "verify"} | {f"{name}_yes": "yes" for name in ("done", "solved", "changed")}
    answers |= {"done": "已换", "solved": "能播", "changed": "村民能看"}
    refused = officer.post(address, answers)
    assert refused.status_code == 400
    assert "播放测试" in text_of(refused)
    assert "村民能看" in text_of(refused)
    world.plays(LIN, at=world.at + 2 * HOUR)
    assert "播放测试已通过" in text_of(officer.get(address))
    officer.post(address, answers)
    officer.post(address, {"act": "close"})
    order.item.refresh_from_db()
    assert order.item.state == State.CLOSED


@pytest.mark.clause("SUP37")
def test_closing_several_orders_in_one_request_is_refused(world: World, log_in: LogIn) -> None:
    order = world.order(State.SUBMITTED)
    answer = log_in("xianguan").post(f"/faults/orders/{order.item.code}/", {"act": "close", "code": [order.item.code, "X"]})
    assert answer.status_code == 400
    assert "逐件" in text_of(answer)


def test_the_second_of_two_people_sees_what_happened(world: World, log_in: LogIn) -> None:
    order = world.order(State.ISSUED)
    address = f"/faults/orders/{order.item.code}/"
    log_in("gongcheng").post(address, {"act": "accept"})
    second = log_in("gongcheng").post(address, {"act": "accept"})
    assert second.status_code == 409
    assert "已签收" in text_of(second)


def test_a_responsible_persons_number_is_masked_and_looking_is_written_down(world: World, log_in: LogIn) -> None:
    order = world.order(State.ISSUED)
    engineer, address = log_in("gongcheng"), f"/faults/orders/{order.item.code}/"
    page = text_of(engineer.get(address))
    assert "李春燕" in page
    assert "赵敏芝" in page
    assert "138****0006" in page
    assert "13800000006" not in page
    shown = engineer.post(address, {"act": "dial", "person": str(world.cast.people["zhanguan"].uid)})
    assert "tel:13800000006" in text_of(shown)
    assert AuditRow.objects.filter(action="查看责任人电话").count() == 1
    stranger = engineer.post(address, {"act": "dial", "person": str(world.cast.people["shenhe"].uid)})
    assert stranger.status_code == 400


def test_the_outsider_sees_nothing_of_the_other_county(world: World, log_in: LogIn) -> None:
    order = world.order(State.SUBMITTED)
    outsider, report = log_in("linxian"), FaultReport.objects.get()
    assert outsider.get(f"/faults/orders/{order.item.code}/").status_code == 404
    assert outsider.post(f"/faults/orders/{order.item.code}/", {"act": "cancel", "reason": "x"}).status_code == 404
    assert outsider.get(f"/faults/reports/{report.receipt_code}/").status_code == 404
    for address in ("/faults/orders/", "/faults/reports/", "/faults/unreported/", "/faults/orders/?export=xlsx"):
        answer = outsider.get(address)
        assert answer.status_code == 200
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert "李村".encode() not in content
    assert outsider.get("/faults/statistics/", {"county": world.cast.divisions["990101000000"].path}).status_code == 404


@pytest.mark.parametrize("query", ["state=open", "state=issued", "class=equipment", "source=officer", "q=李村", "sort=1"])
def test_the_list_finds_the_order_by_each_filter(world: World, log_in: LogIn, query: str) -> None:
    world.order(State.ISSUED)
    assert "李村站点" in text_of(log_in("xianguan").get(f"/faults/orders/?{query}"))


@pytest.mark.parametrize("query", ["state=closed", "class=server", "source=automatic", "q=桃花"])
def test_the_list_leaves_out_what_does_not_fit(world: World, log_in: LogIn, query: str) -> None:
    world.order(State.ISSUED)
    assert "李村站点" not in text_of(log_in("xianguan").get(f"/faults/orders/?{query}"))


def test_an_overdue_order_is_red_in_the_list(world: World, log_in: LogIn) -> None:
    world.order(State.ISSUED)  # dispatched in March, long past by the clock of this page
    page = text_of(log_in("xianguan").get("/faults/orders/?colour=red"))
    assert "state-red" in page
    assert "超期" in page


def test_a_report_is_followed_by_anybody_with_its_code_and_without_names(world: World, log_in: LogIn) -> None:
    world.order(State.SUBMITTED)
    report = FaultReport.objects.get()
    page = text_of(Client().get("/faults/follow/", {"code": grouped_code(report.receipt_code).lower()}))
    assert "李村站点" in page
    assert "维护人员已签收" in page
    for name in ("王建军", "赵敏芝", "李春燕", "更换机顶盒"):
        assert name not in page
    missing = Client().get("/faults/follow/", {"code": "AAAA AAAA"})
    assert missing.status_code == 404
    assert "没有这个编号" in text_of(missing)


def test_not_satisfied_on_the_call_back_reopens_and_is_shown(world: World, log_in: LogIn) -> None:
    clerk = log_in("rexian")
    uid = clerk.get(f"/faults/hotline/{LIN}/").context["form"]["uid"].value()
    clerk.post(f"/faults/hotline/{LIN}/", {"uid": uid, "symptom": "no_play", "caller_phone": "13911112222"})
    report, order, now = FaultReport.objects.get(), WorkOrder.objects.get(), clock.now()
    for step in (commands.accept_order, commands.start_order):
        order = step(order=order, by=world.cast.actor("gongcheng"), at=now)
    order = world.submit(order, at=now)
    address = f"/faults/reports/{report.receipt_code}/"
    early = clerk.post(address, {"satisfied": "yes"})
    assert early.status_code == 400
    world.plays(LIN, at=now)
    order = commands.verify_order(order=order, answers=YES, by=world.cast.actor("xianguan"), at=now)
    assert "tel:13911112222" in text_of(clerk.get(address))
    assert "13911112222" not in text_of(log_in("xianguan").get(address))
    assert clerk.post(address, {"satisfied": "no", "note": ""}).status_code == 400
    done = clerk.post(address, {"satisfied": "no", "note": "又黑屏"}, follow=True)
    assert "工单已重新打开" in text_of(done)
    assert WorkOrder.objects.get().item.state == State.ISSUED
    assert report.callbacks.get().satisfied is False


def test_the_settings_page_changes_causes_and_terms(world: World, log_in: LogIn) -> None:
    commands.ensure_dictionaries()
    admin = log_in("shiguan")
    assert "线路老化" in text_of(admin.get("/faults/settings/"))
    admin.post("/faults/settings/", {"code": "rats", "name": "鼠咬线缆", "fault_class": "line", "active": "on"})
    assert "鼠咬线缆" in text_of(admin.get("/faults/settings/"))
    assert admin.post("/faults/settings/", {"code": "Bad code", "name": "x"}).status_code == 400
    term = ServiceTerm.objects.get(fault_class="line", area="village")
    values = {"unit_level": 3, "respond_hours": 12, "restore_hours": 60, "patience_minutes": 20, "filing_limit_hours": 24}
    assert admin.post(f"/faults/settings/terms/{term.pk}/", values).status_code == 302
    term.refresh_from_db()
    assert term.restore_hours == 60
    wrong = admin.post(f"/faults/settings/terms/{term.pk}/", values | {"respond_hours": 99})
    assert wrong.status_code == 400
    assert "不短于" in text_of(wrong)
    assert AuditRow.objects.filter(action="修改服务时限").count() == 1


def test_filing_is_possible_before_anything_is_set_up_and_a_bad_month_is_explained(world: World, log_in: LogIn) -> None:
    assert log_in("rexian").post(f"/faults/hotline/{LIN}/", {"symptom": "no_play"}).status_code == 200  # the hidden uid is missing
    answer = log_in("xianguan").get("/faults/statistics/", {"month": "März"})
    assert answer.status_code == 400
    assert "2026-03" in text_of(answer)


def test_the_second_of_two_at_one_order_sees_what_changed_and_chooses(world: World, log_in: LogIn) -> None:
    order = world.order()
    address, seen = f"/faults/orders/{order.item.code}/", order.item.step_count
    commands.accept_order(order=order, by=world.cast.actor("gongcheng"), at=world.at)
    sent = {"act": "cancel", "code": order.item.code, "seen": seen, "reason": "误报"}
    answer = log_in("rexian").post(address, sent)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "王建军签收。" in page
    assert "仍要撤销" in page
    order.item.refresh_from_db()
    assert order.item.state == State.ACCEPTED
    assert log_in("rexian").post(address, sent | {"seen": order.item.step_count}).status_code == 302


def test_an_order_is_dispatched_to_a_unit_typed_by_name_or_code(world: World, log_in: LogIn) -> None:
    for code in ("DX-9901", "DX-990101"):
        unit = world.cast.units[code]
        unit.valid_to = world.at.date()
        unit.save()
    world.goes_dark(LIN)
    run_faults(world.at + HOUR)
    order, clerk = WorkOrder.objects.get(), log_in("rexian")
    page = reverse("faults:order", args=[order.item.code])
    asked = clerk.get(page).content.decode()
    assert '<datalist id="units"><option value="' in asked
    assert "柳溪县委组织部</option>" not in asked, "units of the operator alone are proposed"
    said = {"act": "issue", "code": order.item.code, "seen": "1"}
    assert clerk.post(page, said | {"unit": "柳溪县委组织部"}).status_code == 400
    assert clerk.post(page, said | {"unit": "DX-990102"}).status_code == 302
    assert WorkOrder.objects.get().item.lead_unit == world.cast.units["DX-990102"]
