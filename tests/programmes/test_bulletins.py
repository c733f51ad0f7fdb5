"""Weekly bulletins: drafted by themselves, sent by a person, over a real gateway, to nobody twice and to nobody who opted out (DLV06)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from tests.programmes.bulletins import (
    CITY,
    COUNTY,
    MOBILES,
    D,
    E,
    LogIn,
    Send,
    counts,
    gateway,
    hands_of_the_clock,
    publish,
    register,
    send,
    series,
)
from tests.programmes.gateways import Gateway
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Courseware
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.lib.seal import seal
from yuanjiao.people import commands as people
from yuanjiao.people.models import AuditRow, ResponsibilityKind
from yuanjiao.programmes import commands, jobs
from yuanjiao.programmes.commands.delivering import LEASE
from yuanjiao.programmes.models import (
    BulletinDelivery,
    BulletinEdition,
    BulletinSeries,
    OptOut,
    Outlet,
)
from yuanjiao.programmes.rules.outlets import Connector
from yuanjiao.simulation.cast import SINCE, Cast

__all__ = ["gateway", "hands_of_the_clock", "publish", "register", "send", "series"]


@pytest.mark.clause("DLV06")
def test_a_draft_makes_itself_a_person_sends_it_and_every_figure_opens(
    cast: Cast, at: datetime, series: BulletinSeries, gateway: Gateway, publish: Callable[..., Courseware],
    register: Callable[..., Outlet], log_in: LogIn, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(clock, "now", lambda: at)
    publish("果树冬剪")
    Courseware.objects.filter(pk=publish("上上周的课").pk).update(released_at=at - timedelta(days=9))
    landline = people.add_person(name="老周", unit=cast.units["ZZ-990101"], phone="0990-1234567")
    people.make_responsible(
        person=landline, unit=cast.units["ZZ-990101"], division=cast.divisions["990101101200"], kind=ResponsibilityKind.DUTY, on=SINCE
    )
    commands.choose_bulletins(wanted=False, by=cast.actor("linxian"))
    assert jobs.draft_bulletins(at) == 1
    assert jobs.draft_bulletins(at + timedelta(hours=1)) == 0
    edition = BulletinEdition.objects.get()
    assert (edition.state, edition.drafted_by) == (E.DRAFT, "系统")
    assert jobs.send_bulletins(at) == 0
    assert gateway.asked == []  # nothing without a press
    client, address = log_in("shiguan"), f"/programmes/bulletins/{edition.uid}/"
    page = client.get(address).content.decode()
    assert "1.果树冬剪。" in page
    assert "1.上上周的课" not in page
    sms, robot = register(Connector.SMS), register(Connector.WECOM)
    form = {"do": "send", "seen": edition.text, "outlets": [str(sms.uid), str(robot.uid)]}
    assert client.post(f"{address}act/", form).status_code == 302
    assert jobs.send_bulletins(at) == 4
    assert jobs.send_bulletins(at + timedelta(hours=2)) == 0
    assert sorted(gateway.mobiles) == ["13800000002", "13800000006", "13800000009"]
    said = {one["text"] for one in gateway.asked if "mobile" in one}
    assert said == {f"【青禾远教】{edition.text} 退订回TD"}  # the same words and the same address for everybody
    assert {"msgtype": "text", "text": {"content": f"【青禾远教】{edition.text}"}} in gateway.asked
    assert counts(edition) == {D.HANDED: 3, D.NO_NUMBER: 1, "opted_out": 1}
    channel = edition.channels.get(outlet=sms)
    opened = client.get(f"{address}deliveries/?channel={channel.pk}&state=handed").content.decode()
    assert "李村党支部" in opened
    assert "138****0006" in opened
    assert "13800000006" not in opened
    assert "李春燕" not in opened.split("<main")[-1]
    assert "没有手机号" in client.get(f"{address}deliveries/?state=no_number").content.decode()
    assert "石岭" not in client.get(f"{address}deliveries/").content.decode().split("<main")[-1]  # who opted out is a number only
    page = client.get(address).content.decode()
    assert f"?channel={channel.pk}&amp;state=handed" in page


def test_what_was_sent_never_changes_and_nobody_gets_an_edition_twice(
    cast: Cast, at: datetime, send: Send, gateway: Gateway, series: BulletinSeries
) -> None:
    edition, who = send(), {"by": cast.actor("shiguan"), "at": at}
    for change in (
        lambda: commands.write_bulletin(edition=edition, text="改了", **who),
        lambda: commands.choose_items(edition=edition, items=[], **who),
        lambda: commands.skip_edition(edition=edition, **who),
        lambda: commands.send_edition(edition=edition, outlets=list(Outlet.objects.all()), seen=edition.text, **who),
        lambda: commands.draft_edition(series=series, **who),
    ):
        with pytest.raises(Conflict):
            change()
    assert jobs.send_bulletins(at) == 4
    assert sorted(gateway.mobiles) == MOBILES
    row = BulletinDelivery.objects.first()
    assert row is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        BulletinDelivery.objects.create(channel=row.channel, unit_name="x", state=D.WAITING, number_digest=row.number_digest)
    assert not AuditRow.objects.filter(detail__contains="138").exists()


def test_who_opts_out_between_pressing_and_sending_is_not_sent_to_and_leaves_no_row(
    cast: Cast, at: datetime, send: Send, gateway: Gateway, log_in: LogIn
) -> None:
    edition, client = send(), log_in("zhanguan")
    assert "接收" in client.get("/programmes/bulletins/mine/").content.decode()
    assert client.post("/programmes/bulletins/mine/", {"wanted": "no"}).status_code == 302
    assert "已退订" in client.get("/programmes/bulletins/mine/").content.decode()
    assert jobs.send_bulletins(at) == 3
    assert "13800000006" not in gateway.mobiles
    assert counts(edition) == {D.HANDED: 3, "opted_out": 1}
    assert not BulletinDelivery.objects.filter(person_uid=cast.people["zhanguan"].uid).exists()
    assert client.post("/programmes/bulletins/mine/", {"wanted": "yes"}).status_code == 302
    assert not OptOut.objects.exists()
    assert not AuditRow.objects.filter(actor_name="李春燕").exists()  # nobody reads in the trail who opted out
    assert client.get("/programmes/bulletins/leave/").status_code == 403


def test_a_clerk_notes_who_answered_td_in_their_scope_and_learns_nothing_else(
    cast: Cast, at: datetime, send: Send, gateway: Gateway, log_in: LogIn
) -> None:
    twin = people.add_person(name="李春燕", unit=cast.units["ZZ-990101100200"], phone="138 0000 0006")
    client, outsider, address = log_in("rexian"), log_in("linxian"), "/programmes/bulletins/leave/"
    assert outsider.post(address, {"number": "13800000006"}).status_code == 400
    assert client.post(address, {"number": "13900000000"}).status_code == 400
    assert not OptOut.objects.exists()
    first = client.post(address, {"number": "+86 138-0000-0006"}, follow=True).content.decode()
    assert "已登记" in first
    assert "李春燕" not in first.split("<main")[-1]
    assert client.post(address, {"number": "13800000006"}, follow=True).content.decode().count("已登记") == first.count("已登记")
    assert OptOut.objects.filter(person_uid=twin.uid).exists()
    row = AuditRow.objects.filter(action="登记快讯退订").first()
    assert row is not None
    assert "李春燕" not in f"{row.subject}{row.detail}"
    send()
    jobs.send_bulletins(at)
    assert "13800000006" not in gateway.mobiles
    commands.choose_bulletins(wanted=True, by=cast.actor("zhanguan"))  # back in takes the twin's note back, too
    assert not OptOut.objects.exists()
    with pytest.raises(Forbidden):
        commands.note_opt_out(number="13800000006", by=cast.actor("zhizuo"), at=at)


def test_one_number_of_two_persons_gets_one_message_and_one_opt_out_stands_for_both(
    cast: Cast, at: datetime, send: Send, gateway: Gateway
) -> None:
    twin = people.add_person(name="李春燕", unit=cast.units["ZZ-990101100"], phone="138-0000-0006")
    unit, town = cast.units["ZZ-990101100"], cast.divisions["990101100000"]
    people.make_responsible(person=twin, unit=unit, division=town, kind=ResponsibilityKind.DIRECT, on=SINCE)
    edition = send()
    assert counts(edition) == {D.WAITING: 4, "same_number": 1}
    OptOut.objects.create(person_uid=twin.uid)
    jobs.send_bulletins(at)
    assert "13800000006" not in gateway.mobiles


def test_a_number_that_was_changed_after_the_press_is_not_sent_to(cast: Cast, at: datetime, send: Send, gateway: Gateway) -> None:
    edition = send()
    people.correct_person(person=cast.people["zhanguan"], fields={"phone": "13900000000"})
    people.correct_person(person=cast.people["linxian"], fields={"phone": ""})
    assert jobs.send_bulletins(at) == 2
    assert counts(edition) == {D.HANDED: 2, D.NOT_SENT: 2}
    assert sorted(gateway.mobiles) == ["13800000002", "13800000009"]


def test_a_turn_that_was_cut_off_is_told_as_unsure_and_not_repeated_by_itself(
    cast: Cast, at: datetime, send: Send, gateway: Gateway
) -> None:
    edition = send()
    row = BulletinDelivery.objects.order_by("pk")[1]
    BulletinDelivery.objects.filter(pk=row.pk).update(state=D.TRYING, leased_until=at + LEASE, tries=1)
    assert jobs.send_bulletins(at) == 3
    assert counts(edition) == {D.HANDED: 3, D.TRYING: 1}
    assert jobs.send_bulletins(at + LEASE) == 0
    assert counts(edition) == {D.HANDED: 3, D.UNSURE: 1}
    assert len(gateway.mobiles) == 3
    row.refresh_from_db()
    assert "核对" in row.answer
    assert commands.send_rest(edition=edition, state=D.UNSURE, by=cast.actor("shiguan"), at=at) == 1
    assert jobs.send_bulletins(at + LEASE) == 1
    assert sorted(gateway.mobiles) == MOBILES


def test_wrong_answers_are_kept_apart_and_only_sure_failures_are_tried_again(
    cast: Cast, at: datetime, send: Send, gateway: Gateway
) -> None:
    gateway.answers = {
        MOBILES[0]: (200, b'{"accepted": false, "reason": "blacklist"}'), MOBILES[1]: (200, b"<html>"), MOBILES[2]: (429, b""),
    }  # fmt: skip
    edition = send()
    jobs.send_bulletins(at)
    jobs.send_bulletins(at + timedelta(minutes=1))
    assert counts(edition) == {D.HANDED: 1, D.REFUSED: 1, D.UNSURE: 1, D.WAITING: 1}
    for hours in (1, 2, 3, 4, 5, 6):
        jobs.send_bulletins(at + timedelta(hours=3 * hours))
    assert counts(edition) == {D.HANDED: 1, D.REFUSED: 1, D.UNSURE: 1, D.NOT_SENT: 1}
    assert {number: gateway.mobiles.count(number) for number in MOBILES} == dict(
        zip(MOBILES, (1, 1, 4, 1), strict=True)
    )  # five failures in a row
    gateway.answers = {}
    assert commands.send_rest(edition=edition, state=D.NOT_SENT, by=cast.actor("shiguan"), at=at) == 1
    assert jobs.send_bulletins(at) == 1
    with pytest.raises(Refused):
        commands.send_rest(edition=edition, state=D.HANDED, by=cast.actor("shiguan"), at=at)


def test_a_gateway_that_only_babbles_is_not_asked_about_everybody(at: datetime, send: Send, gateway: Gateway) -> None:
    gateway.always = (500, b"")
    edition = send()
    jobs.send_bulletins(at)
    assert len(gateway.mobiles) == 3
    assert counts(edition) == {D.UNSURE: 3, D.WAITING: 1}


def test_a_gateway_that_hangs_up_is_left_alone_for_a_while(at: datetime, send: Send, gateway: Gateway) -> None:
    gateway.always = None
    edition = send()
    jobs.send_bulletins(at)
    jobs.send_bulletins(at + timedelta(seconds=59))
    assert len(gateway.mobiles) == 1
    assert counts(edition) == {D.UNSURE: 1, D.WAITING: 3}


def test_a_gateway_out_of_reach_is_tried_with_growing_pauses_and_then_given_up(
    at: datetime, send: Send, register: Callable[..., Outlet], gateway: Gateway
) -> None:
    outlet = register(Connector.SMS)
    outlet.address_sealed = seal("http://127.0.0.1:9/", settings.SECRET_KEY)
    outlet.save()
    edition = send(outlet)
    for minutes in (0, 1, 6, 31, 151):
        assert counts(edition) == {D.WAITING: 4}
        jobs.send_bulletins(at + timedelta(minutes=minutes))
    assert counts(edition) == {D.NOT_SENT: 4}
    assert gateway.asked == []


def test_withdrawing_stopping_and_ending_the_gateway_stop_what_waits(
    cast: Cast, at: datetime, send: Send, gateway: Gateway, register: Callable[..., Outlet]
) -> None:
    edition, who = send(), {"by": cast.actor("shiguan"), "at": at}
    assert commands.stop_edition(edition=edition, **who) == 4
    assert jobs.send_bulletins(at) == 0
    assert counts(edition) == {D.NOT_SENT: 4}
    commands.send_rest(edition=edition, state=D.NOT_SENT, **who)
    courseware.withdraw_courseware(courseware=Courseware.objects.get(), reason="有误", **who)
    assert jobs.send_bulletins(at) == 0
    assert counts(edition) == {D.NOT_SENT: 4}
    with pytest.raises(Refused, match="撤下"):
        commands.send_rest(edition=edition, state=D.NOT_SENT, **who)
    commands.end_outlet(outlet=Outlet.objects.get(), **who)
    BulletinDelivery.objects.update(state=D.WAITING)
    assert jobs.send_bulletins(at) == 0
    assert gateway.asked == []


def test_a_stopped_edition_does_not_come_back_with_a_number_that_was_on_its_way(
    cast: Cast, at: datetime, send: Send, gateway: Gateway
) -> None:
    edition = send()
    row = BulletinDelivery.objects.order_by("pk").first()
    assert row is not None
    BulletinDelivery.objects.filter(pk=row.pk).update(state=D.TRYING, leased_until=at + LEASE)
    commands.stop_edition(edition=edition, by=cast.actor("shiguan"), at=at)
    BulletinDelivery.objects.filter(pk=row.pk).update(state=D.WAITING)  # as the turn leaves it that was told to try again
    assert jobs.send_bulletins(at) == 0
    assert gateway.asked == []


def test_scope_numbers_and_gateways_are_the_ones_of_the_subtree(
    cast: Cast, at: datetime, gateway: Gateway, publish: Callable[..., Courseware], register: Callable[..., Outlet], log_in: LogIn
) -> None:
    publish("春耕补贴怎么领")
    by, unit = cast.actor("xianguan"), cast.units["ZZ-990101"]
    words: dict[str, Any] = {"sender": "柳溪远教", "address": "https://edu.example.cn/", "weekday": 7, "most": 3, "at": at}
    with pytest.raises(NotFound):
        commands.open_bulletin(name="越界", unit=unit, scope=cast.divisions[CITY], by=by, **words)
    with pytest.raises(Forbidden):
        commands.open_bulletin(name="无权", unit=unit, scope=cast.divisions[COUNTY], by=cast.actor("zhizuo"), **words)
    row = commands.open_bulletin(name="柳溪快讯", unit=unit, scope=cast.divisions[COUNTY], by=by, **words)
    assert jobs.draft_bulletins(at) == 0  # its day is Sunday
    edition = commands.draft_edition(series=row, by=by, at=at)
    city = register(Connector.SMS)
    with pytest.raises(NotFound):
        commands.send_edition(edition=edition, outlets=[city], seen=edition.text, by=by, at=at)
    own = register(Connector.SMS, "柳溪短信", "ZZ-990101", "xianguan")
    with pytest.raises(Refused, match="两遍"):
        commands.send_edition(edition=edition, outlets=[own, city], seen=edition.text, by=cast.actor("shiguan"), at=at)
    commands.send_edition(edition=edition, outlets=[own], seen=edition.text, by=by, at=at)
    jobs.send_bulletins(at)
    assert sorted(gateway.mobiles) == ["13800000002", "13800000006"]
    outsider = log_in("linxian")
    assert outsider.get(f"/programmes/bulletins/{edition.uid}/").status_code == 404
    assert outsider.get(f"/programmes/bulletins/{edition.uid}/deliveries/").status_code == 404
    assert "柳溪快讯" not in outsider.get("/programmes/bulletins/").content.decode()
    assert log_in("zhizuo").get("/programmes/bulletins/").status_code == 403


def test_a_week_without_releases_has_an_empty_draft_that_cannot_be_sent(
    cast: Cast, at: datetime, series: BulletinSeries, register: Callable[..., Outlet], log_in: LogIn, monkeypatch: pytest.MonkeyPatch,
    publish: Callable[..., Courseware],
) -> None:  # fmt: skip
    monkeypatch.setattr(clock, "now", lambda: at)
    jobs.draft_bulletins(at)
    edition = BulletinEdition.objects.get()
    client, address = log_in("shiguan"), f"/programmes/bulletins/{edition.uid}/"
    register(Connector.SMS)
    page = client.get(address).content.decode()
    assert "最近四周没有发布课件" in page
    assert 'value="send"' not in page
    with pytest.raises(Refused, match="没有课件"):
        commands.send_edition(edition=edition, outlets=list(Outlet.objects.all()), seen="", by=cast.actor("shiguan"), at=at)
    assert client.post(f"{address}act/", {"do": "skip"}).status_code == 302
    assert "本周不发" in client.get("/programmes/bulletins/").content.decode()
    assert client.post(f"{address}act/", {"do": "reopen"}).status_code == 302
    Courseware.objects.filter(pk=publish("旧课").pk).update(released_at=at - timedelta(days=20))
    assert "可从前几周的里选" in client.get(address).content.decode()


def test_items_are_chosen_in_order_the_words_written_and_the_sender_sends_what_they_saw(
    cast: Cast, at: datetime, series: BulletinSeries, register: Callable[..., Outlet], publish: Callable[..., Courseware],
    log_in: LogIn, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(clock, "now", lambda: at)
    items = [publish(title) for title in ("甲课", "乙课", "丙课", "丁课")]
    edition = commands.draft_edition(series=series, by=cast.actor("shiguan"), at=at)
    assert edition.items.count() == 3
    client, address = log_in("shiguan"), f"/programmes/bulletins/{edition.uid}/"
    form = {"do": "choose", f"n-{items[0].uid}": "2", f"n-{items[3].uid}": "1", f"n-{items[1].uid}": ""}
    assert client.post(f"{address}act/", form).status_code == 302
    assert "1.丁课；2.甲课。" in client.get(address).content.decode()
    assert "数字" in client.post(f"{address}act/", {"do": "choose", f"n-{items[0].uid}": "x"}, follow=True).content.decode()
    seen = BulletinEdition.objects.get().text
    assert client.post(f"{address}act/", {"do": "write", "text": "本周请看\n两件 https://edu.example.cn/"}).status_code == 302
    outlet = register(Connector.DINGTALK)
    sending = {"do": "send", "outlets": [str(outlet.uid)]}
    assert "看一遍再发" in client.post(f"{address}act/", {**sending, "seen": seen}, follow=True).content.decode()
    assert BulletinEdition.objects.get().state == E.DRAFT
    assert "签名" in client.post(f"{address}act/", {"do": "write", "text": "【别人】"}, follow=True).content.decode()
    assert "500" in client.post(f"{address}act/", {"do": "write", "text": "长" * 501}, follow=True).content.decode()
    courseware.withdraw_courseware(courseware=items[0], reason="有误", by=cast.actor("shiguan"), at=at)
    text = BulletinEdition.objects.get().text
    assert text == "本周请看 两件 https://edu.example.cn/"
    assert "《甲课》已经撤下" in client.post(f"{address}act/", {**sending, "seen": text}, follow=True).content.decode()
    assert "text/plain" in client.get(f"{address}?as=txt")["Content-Type"]


def test_a_series_is_opened_changed_and_ended_by_plain_forms(
    cast: Cast, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    client = log_in("shiguan")
    assert "还没有快讯" in client.get("/programmes/bulletins/").content.decode()
    form = {
        "name": "青禾快讯", "unit": "ZZ-9901", "scope": cast.divisions[CITY].path, "sender": "青禾远教", "address": "https://edu.example.cn/",
        "weekday": "3", "most": "5",
    }  # fmt: skip
    assert client.post("/programmes/bulletins/series/new/", {**form, "sender": "【青禾】"}).status_code == 400
    assert client.post("/programmes/bulletins/series/new/", form).status_code == 302
    assert client.post("/programmes/bulletins/series/new/", form).status_code == 400
    row = BulletinSeries.objects.get()
    address = f"/programmes/bulletins/series/{row.uid}/"
    assert client.post(address, {"do": "change", "weekday": "1", "most": "2"}).status_code == 302
    row.refresh_from_db()
    assert (row.weekday, row.most) == (1, 2)
    assert client.post(address, {"do": "draft"}).status_code == 302
    assert "打开这一周的快讯" in client.get(address).content.decode()
    assert client.post(address, {"do": "end"}).status_code == 302
    assert jobs.draft_bulletins(at + timedelta(days=7)) == 0
    page = client.get(address).content.decode()
    assert "4 人" in page
    assert "不足 5 人" in page
    assert client.post("/programmes/bulletins/series/new/", form).status_code == 302  # ended: opened anew under the same name


def test_a_gateway_of_short_messages_is_no_official_medium(
    cast: Cast, at: datetime, register: Callable[..., Outlet], publish: Callable[..., Courseware], log_in: LogIn
) -> None:
    gateway, item = register(Connector.SMS), publish("春耕补贴怎么领")
    with pytest.raises(Refused, match="短信网关"):
        commands.publish_on(item=item.uid, outlets=[gateway], by=cast.actor("shiguan"), at=at, address="https://edu.example.cn/")
    assert str(gateway.uid) not in log_in("shiguan").get("/programmes/publications/new/").content.decode()


def test_a_machine_below_sends_nothing_and_says_where_to_opt_out(
    cast: Cast, at: datetime, send: Send, gateway: Gateway, log_in: LogIn
) -> None:
    edition = send()
    Node.objects.filter(is_self=True).update(kind="edge")
    assert jobs.send_bulletins(at) == 0
    assert gateway.asked == []
    assert counts(edition) == {D.WAITING: 4}
    assert "上级平台" in log_in("zhanguan").get("/programmes/bulletins/mine/").content.decode()
    with pytest.raises(Refused, match="上级平台"):
        commands.choose_bulletins(wanted=False, by=cast.actor("zhanguan"))
    assert jobs.draft_bulletins(at + timedelta(days=7)) == 0
