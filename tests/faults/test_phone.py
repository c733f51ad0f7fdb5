"""The engineer's phone: what was done without a signal is done once, as of its moment, and never over somebody else's work."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.desks.conftest import chromium
from tests.faults.conftest import LIN, World, world
from yuanjiao.faults import commands
from yuanjiao.faults.commands.phone import KeptAct, Outcome, send_kept_act
from yuanjiao.faults.models import WorkOrder
from yuanjiao.faults.queries import acceptance_check, find_sites
from yuanjiao.items.rules import Act, State
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people import commands as people
from yuanjiao.people.models import AuditRow
from yuanjiao.people.rules import Role

__all__ = ["chromium", "world"]
Enter = Callable[[str], Client]
HOUR = timedelta(hours=1)


def fresh(order: WorkOrder) -> WorkOrder:
    return WorkOrder.objects.select_related("item__division", "item__lead_unit", "subject__division").get(pk=order.pk)


def send(world: World, order: WorkOrder, act: Act, seen: int, *, late: int = 4, age: timedelta = HOUR, who: str = "gongcheng") -> Outcome:
    kept = KeptAct(act, min(seen, 2), seen, age, fault_class="equipment", cause="equipment_age", note="更换机顶盒")
    return send_kept_act(order=fresh(order), kept=kept, by=world.cast.actor(who), at=world.at + late * HOUR)


def second_engineer(world: World) -> None:
    unit = world.cast.units["DX-990101"]
    person = world.cast.people["lao"] = people.add_person(name="钱卫东", unit=unit)
    world.cast.accounts["lao"] = people.open_account(person=person, username="lao", password="Qinghe-2026!")
    people.appoint(person=person, unit=unit, role=Role.ENGINEER, on=clock.local_day(world.at) - timedelta(days=500))


def test_three_acts_of_a_day_without_a_signal_arrive_in_order_and_count_from_when_they_were_done(world: World) -> None:
    """The site played while the engineer was there: that play verifies the repair, although the phone told of the work later."""
    order = world.order(State.ISSUED)
    seen = order.item.steps.count()
    world.plays(LIN, at=world.at + 2 * HOUR)
    ages = {Act.ACCEPT: timedelta(hours=3, minutes=10), Act.START: 3 * HOUR, Act.SUBMIT: HOUR}
    for number, (act, age) in enumerate(ages.items()):
        assert send(world, order, act, seen + number, age=age) is Outcome.DONE
    found = fresh(order)
    assert (found.item.state, found.item.started_at, found.item.submitted_at) == (State.SUBMITTED, world.at + HOUR, world.at + 3 * HOUR)
    assert acceptance_check(found, at=world.at + 5 * HOUR).passed
    assert AuditRow.objects.filter(action="补传离线办理").count() == 3


def test_an_act_sent_again_is_done_once(world: World) -> None:
    order = world.order(State.ISSUED)
    seen = order.item.steps.count()
    assert send(world, order, Act.ACCEPT, seen) is Outcome.DONE
    assert send(world, order, Act.ACCEPT, seen, late=5) is Outcome.ALREADY
    assert send(world, order, Act.START, seen + 1) is Outcome.DONE
    assert send(world, order, Act.ACCEPT, seen, late=6) is Outcome.ALREADY
    assert fresh(order).item.steps.count() == seen + 2


def test_the_second_writer_is_told_who_was_first_and_changes_nothing(world: World) -> None:
    second_engineer(world)
    order = world.order(State.IN_PROGRESS)
    seen = order.item.steps.count()
    kept = KeptAct(Act.SUBMIT, seen, seen, HOUR, fault_class="line", cause="", note="接头松动")
    commands.submit_order(
        order=fresh(order), fault_class="equipment", cause="equipment_age", note="换盒", by=world.cast.actor("lao"), at=world.at + 2 * HOUR
    )
    with pytest.raises(Conflict, match=r"钱卫东.*提交办结.*待核实"):
        send_kept_act(order=fresh(order), kept=kept, by=world.cast.actor("gongcheng"), at=world.at + 4 * HOUR)
    found = fresh(order)
    assert (found.repair_note, found.fault_class, found.item.steps.count()) == ("换盒", "equipment", seen + 1)


def test_what_was_done_on_top_of_a_step_that_somebody_else_took_is_not_done_either(world: World) -> None:
    """The numbers fit, the story does not: the phone believes that it has accepted the order itself."""
    second_engineer(world)
    order = world.order(State.ISSUED)
    shown = order.item.steps.count()
    commands.accept_order(order=fresh(order), by=world.cast.actor("lao"), at=world.at + 2 * HOUR)
    with pytest.raises(Conflict, match=r"钱卫东.*签收"):
        send_kept_act(
            order=fresh(order), kept=KeptAct(Act.START, shown, shown + 1, HOUR), by=world.cast.actor("gongcheng"), at=world.at + 4 * HOUR
        )
    assert fresh(order).item.state == State.ACCEPTED


def test_steps_that_are_missing_strange_ages_and_other_acts_are_refused(world: World) -> None:
    order = world.order(State.ISSUED)
    seen = order.item.steps.count()
    with pytest.raises(Refused, match="前一步"):
        send(world, order, Act.START, seen + 1)
    with pytest.raises(Refused, match="时间不对"):
        send(world, order, Act.ACCEPT, seen, age=timedelta(days=31))
    for shown in (-1, seen + 1):
        kept = KeptAct(Act.ACCEPT, shown, seen, HOUR)
        with pytest.raises(Refused, match="步数不对"):
            send_kept_act(order=fresh(order), kept=kept, by=world.cast.actor("gongcheng"), at=world.at + HOUR)
    with pytest.raises(Refused, match="不能离线"):
        send(world, order, Act.CLOSE, seen)
    assert fresh(order).item.steps.count() == seen


def test_a_clock_set_back_meanwhile_does_not_keep_the_work_from_arriving(world: World) -> None:
    order = world.order(State.ISSUED)
    assert send(world, order, Act.ACCEPT, order.item.steps.count(), age=timedelta(seconds=-90)) is Outcome.DONE
    assert fresh(order).item.accepted_at == world.at + 4 * HOUR


def test_no_act_reaches_back_before_the_step_before_it(world: World) -> None:
    order = world.order(State.ISSUED)
    assert send(world, order, Act.ACCEPT, order.item.steps.count(), age=timedelta(days=20)) is Outcome.DONE
    assert fresh(order).item.accepted_at == fresh(order).item.issued_at


def test_the_door_answers_for_each_act_and_outsiders_orders_do_not_exist(
    world: World, log_in: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = world.order(State.ISSUED)
    monkeypatch.setattr(clock, "now", lambda: world.at + 4 * HOUR)
    one = {"uid": "a", "order": order.item.code, "act": "accept", "shown": 2, "seen": 2, "done_ms": 1_000}
    person = str(world.cast.people["gongcheng"].uid)
    said = {
        "sent_ms": 61_000,
        "person": person,
        "acts": [one, {**one, "uid": "b"}, {**one, "uid": "c", "order": "QQQQQQQQ"}, {"uid": "d"}, 7],
    }

    def post(who: str, body: Any) -> Any:
        return log_in(who).post(reverse("faults:send_kept"), body, content_type="application/json")

    second_engineer(world)
    assert post("lao", json.dumps(said)).status_code == 403, "what one person kept is not sent as another's work"
    assert fresh(order).item.state == State.ISSUED
    answers = post("gongcheng", json.dumps(said)).json()["answers"]
    assert [answer["outcome"] for answer in answers] == ["done", "already", "refused", "refused", "refused"]
    assert post("gongcheng", "{").status_code == 400
    assert post("zhanguan", json.dumps(said)).status_code == 403
    assert log_in("gongcheng").get(reverse("faults:send_kept")).status_code == 405


def test_the_list_goes_by_town_and_road_and_works_without_script(world: World, log_in: Enter) -> None:
    world.order(State.ISSUED)
    world.order(State.ISSUED, code="S-990101101200")
    page = log_in("gongcheng").get(reverse("faults:my_orders")).content.decode()
    assert page.index("石桥镇</h2>") < page.index("石柳公路") < page.index("桃源乡</h2>") < page.index("桃源路")
    assert page.count('<button class="btn btn-primary btn-lg">签收</button>') == 2


def test_more_orders_do_not_mean_more_queries(world: World, log_in: Enter) -> None:
    world.order(State.ISSUED)
    client, counts = log_in("gongcheng"), []
    client.get(reverse("faults:my_orders"))
    for code in ("S-990101101200", "S-990101100201"):
        world.order(State.ISSUED, code=code)
        with CaptureQueriesContext(connection) as asked:
            assert "柳溪县" in client.get(reverse("faults:my_orders")).content.decode()
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_an_act_that_orders_do_not_know_is_refused(world: World, log_in: Enter) -> None:
    page = reverse("faults:order", args=[world.order(State.ISSUED).item.code])
    assert log_in("gongcheng").post(page, {"act": "amend"}).status_code == 400
    assert log_in("gongcheng").post(page, {"act": "accept", "seen": "²"}).status_code == 302


def test_the_log_in_page_forgets_the_orders_kept_for_somebody_else(world: World, log_in: Enter) -> None:
    for page in (Client().get(reverse("people:log_in")), log_in("gongcheng").get(reverse("faults:my_orders"))):
        assert f'data-log-in="{reverse("people:log_in")}" data-log-out="{reverse("people:log_out")}"' in page.content.decode()


def test_what_a_person_wrote_stays_on_the_page_when_somebody_else_was_faster(world: World, log_in: Enter) -> None:
    order = world.order(State.IN_PROGRESS)
    page = reverse("faults:order", args=[order.item.code])
    said = {"act": "submit", "fault_class": "equipment", "cause": "equipment_age", "note": "更换了整台机顶盒和遥控器"}
    assert log_in("gongcheng").post(page, said).status_code == 302
    second = log_in("gongcheng").post(page, said)
    assert second.status_code == 409
    assert "您写的没有保存" in second.content.decode()
    assert "更换了整台机顶盒和遥控器" in second.content.decode()


def test_a_former_managers_number_does_not_find_the_village_any_more(world: World) -> None:
    paths = [world.cast.divisions["990100000000"].path]
    assert [site.code for site in find_sites("13800000006", paths)] == [LIN]
    people.end_responsibility(responsibility=world.cast.people["zhanguan"].responsibilities.get(), on=clock.today() - timedelta(days=1))
    assert list(find_sites("13800000006", paths)) == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_without_a_signal_the_phone_keeps_the_work_and_sends_it_once_when_there_is_one(
    world: World, chromium: Any, live_server: Any
) -> None:
    """Two engineers at once: the one without a signal is told what the other did, and chooses."""
    second_engineer(world)
    world.at = clock.now() - timedelta(hours=5)
    order, other = world.order(State.ISSUED), world.order(State.ISSUED, code="S-990101101200")
    client = Client()
    client.force_login(world.cast.accounts["gongcheng"], backend="django.contrib.auth.backends.ModelBackend")
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    address = live_server.url + reverse("faults:my_orders")
    page.goto(address)
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.wait_for_function("caches.open('yuanjiao-orders-page').then(cache => cache.keys()).then(keys => keys.length === 1)")
    context.set_offline(True)
    page.reload()
    for one in (order, other):
        card = page.locator(f'[data-card="{one.item.code}"]')
        card.locator("summary").click()
        card.get_by_role("button", name="签收").click()
        card.get_by_role("button", name="开始处理").click()
        card.get_by_role("button", name="提交办结").wait_for()
    page.reload()
    assert page.locator("#kept-acts li").count() == 4
    assert fresh(order).item.state == State.ISSUED
    commands.accept_order(order=fresh(other), by=world.cast.actor("lao"), at=clock.now())
    context.set_offline(False)
    page.locator("#kept-acts .stuck").first.wait_for()
    page.wait_for_function("document.querySelectorAll('#kept-acts li').length === 2")
    assert (fresh(order).item.state, fresh(other).item.state) == (State.IN_PROGRESS, State.ACCEPTED)
    assert "钱卫东已于" in page.locator("#kept-acts").inner_text()
    page.get_by_role("button", name="放弃我的这一步").first.click()
    page.wait_for_function("document.getElementById('kept').hidden")
    assert fresh(other).item.worker_name == "钱卫东"
    assert fresh(order).item.steps.filter(act="accept").count() == 1
