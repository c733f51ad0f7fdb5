"""Bulletins while something else happens: an answer that comes late, two workers at once, a change in the middle of a turn (DLV06)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.programmes.bulletins import (
    MOBILES,
    SECRET,
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
from tests.programmes.gateways import ACCEPTED, Gateway
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Courseware
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused, Tampered
from yuanjiao.lib.seal import seal
from yuanjiao.people import commands as people
from yuanjiao.people.models import Person, ResponsibilityKind
from yuanjiao.programmes import commands, jobs
from yuanjiao.programmes.commands.delivering import LEASE, _claim
from yuanjiao.programmes.models import (
    BulletinDelivery,
    BulletinSeries,
    OptOut,
    Outlet,
)
from yuanjiao.programmes.rules.outlets import Connector
from yuanjiao.simulation.cast import SINCE, Cast

__all__ = ["gateway", "hands_of_the_clock", "publish", "register", "send", "series"]


def meanwhile(gateway: Gateway, does: Callable[[], object], at_call: int = 1, path: str = "") -> None:
    """While the gateway has a call in its hands (the `at_call`-th), this is done."""
    plain, calls = gateway.answer, [0]

    def answer(asked: str, body: bytes, headers: dict[str, str]) -> Any:
        said = plain(asked, body, headers)
        if asked.startswith(path):
            calls[0] += 1
            if calls[0] == at_call:
                does()
        return said

    gateway.answer = answer  # type: ignore[method-assign]


def over(gateway: Gateway) -> httpx.MockTransport:
    """The gateway asked in this very thread, so that what is done meanwhile is done in the test's transaction."""

    def door(request: httpx.Request) -> httpx.Response:
        answer = gateway.answer(request.url.path, request.content, dict(request.headers))
        if answer is None:
            raise httpx.ReadError("hung up")
        return httpx.Response(answer[0], content=answer[1])

    return httpx.MockTransport(door)


def test_a_number_stopped_and_queued_again_within_a_turn_is_told_as_handed(cast: Cast, at: datetime, send: Send, gateway: Gateway) -> None:
    """The list of the turn is older than the rows: a number tried once before begins anew, and its answer is still its own."""
    edition, who = send(), {"by": cast.actor("shiguan"), "at": at}
    BulletinDelivery.objects.update(tries=1, attempt=1)

    def again() -> None:
        commands.stop_edition(edition=edition, **who)
        commands.send_rest(edition=edition, state=D.NOT_SENT, **who)

    meanwhile(gateway, again)
    assert commands.send_bulletins(at=at, transport=over(gateway)) == 4
    assert counts(edition) == {D.HANDED: 4}


def test_a_stale_list_of_another_worker_does_not_take_what_rests(cast: Cast, at: datetime, send: Send, gateway: Gateway) -> None:
    """Another worker asked about the last number while this one had the first; the gateway took none now."""
    edition = send()
    last = BulletinDelivery.objects.order_by("-pk")[0]
    meanwhile(gateway, lambda: BulletinDelivery.objects.filter(pk=last.pk).update(tries=1, attempt=1))
    commands.send_bulletins(at=at, transport=over(gateway))
    assert len(gateway.mobiles) == 3
    assert counts(edition) == {D.HANDED: 3, D.WAITING: 1}
    assert commands.send_bulletins(at=at, transport=over(gateway)) == 1


def test_a_late_answer_does_not_free_the_call_that_runs_now(cast: Cast, at: datetime, send: Send, gateway: Gateway) -> None:
    """The first call outlives its lease, a person sends again, the second call runs: then the first one is told "not now"."""
    edition, later = send(), at + LEASE
    gateway.always = (429, b"")
    second: list[BulletinDelivery] = []

    def overtaken() -> None:
        first = BulletinDelivery.objects.get(state=D.TRYING)
        BulletinDelivery.objects.filter(pk=first.pk).update(state=D.UNSURE, leased_until=None)
        commands.send_rest(edition=edition, state=D.UNSURE, by=cast.actor("shiguan"), at=later)
        first.refresh_from_db()
        assert _claim(first, later)
        second.append(first)

    meanwhile(gateway, overtaken)
    commands.send_bulletins(at=at, transport=over(gateway))
    second[0].refresh_from_db()
    assert second[0].state == D.TRYING


def test_a_channel_that_breaks_has_nobody_in_doubt_and_holds_up_no_other(
    at: datetime, send: Send, register: Callable[..., Outlet], gateway: Gateway
) -> None:
    sms, robot = register(Connector.SMS), register(Connector.WECOM)
    sms.secret_sealed = seal(SECRET, "the secret of another machine")
    sms.save()
    edition = send(sms, robot)
    for minutes in (0, 1, 6, 31, 151):
        assert counts(edition) == {D.WAITING: 4}
        with pytest.raises(Tampered):
            jobs.send_bulletins(at + timedelta(minutes=minutes))
        jobs.send_bulletins(at + timedelta(minutes=minutes))
        assert len(gateway.asked) == 1  # the robot, once
    assert counts(edition) == {D.NOT_SENT: 4}


def test_one_number_that_cannot_be_read_holds_up_nobody(cast: Cast, at: datetime, send: Send, gateway: Gateway) -> None:
    edition = send()
    Person.objects.filter(uid=cast.people["zhanguan"].uid).update(phone_sealed=seal("13800000006", "another secret"))
    assert jobs.send_bulletins(at) == 3
    assert counts(edition) == {D.HANDED: 3, D.NOT_SENT: 1}


@pytest.mark.parametrize("path", ["/sms", "/robot"])
def test_an_answer_nested_without_end_is_an_unsure_one(
    at: datetime, send: Send, register: Callable[..., Outlet], gateway: Gateway, path: str
) -> None:
    gateway.always = gateway.answers["robot"] = (200, b"[" * 60_000)
    edition = send(register(Connector.SMS if path == "/sms" else Connector.WECOM))
    assert jobs.send_bulletins(at) == 0
    assert counts(edition) == ({D.UNSURE: 3, D.WAITING: 1} if path == "/sms" else {D.UNSURE: 1})


@pytest.mark.parametrize("what", ["withdrawn", "ended"])
def test_withdrawing_and_ending_stop_a_turn_that_runs(cast: Cast, at: datetime, send: Send, gateway: Gateway, what: str) -> None:
    edition, who = send(), {"by": cast.actor("shiguan"), "at": at}
    item, outlet = Courseware.objects.get(), Outlet.objects.get()

    def against() -> None:
        if what == "withdrawn":
            courseware.withdraw_courseware(courseware=item, reason="有误", **who)
        else:
            commands.end_outlet(outlet=outlet, **who)

    meanwhile(gateway, against, at_call=2)
    assert commands.send_bulletins(at=at, transport=over(gateway)) == 2
    assert len(gateway.mobiles) == 2
    assert counts(edition) == {D.HANDED: 2, D.NOT_SENT: 2}


def test_lease_and_pause_count_from_the_call_not_from_the_begin_of_the_turn(
    at: datetime, send: Send, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    edition, hand = send(), [at]
    monkeypatch.setattr(clock, "now", lambda: hand[0])
    leased: list[datetime | None] = []

    def slow() -> None:
        hand[0] += timedelta(minutes=20)

    def leases() -> None:
        leased.append(BulletinDelivery.objects.get(state=D.TRYING).leased_until)
        slow()

    gateway.always = (429, b"")
    meanwhile(gateway, slow)
    jobs.send_bulletins(at)
    due_at = edition.channels.get().due_at
    assert due_at == at + timedelta(minutes=21)
    gateway.always, hand[0] = ACCEPTED, due_at
    meanwhile(gateway, leases, at_call=1)
    meanwhile(gateway, leases, at_call=2)
    assert commands.send_bulletins(at=due_at, now=clock.now, transport=over(gateway)) == 4
    assert leased == [due_at + LEASE, due_at + timedelta(minutes=20) + LEASE]


def test_a_ticked_channel_that_ended_meanwhile_holds_the_sending_up(
    cast: Cast, at: datetime, series: BulletinSeries, register: Callable[..., Outlet], publish: Callable[..., Courseware], log_in: LogIn
) -> None:
    publish("春耕补贴怎么领")
    edition = commands.draft_edition(series=series, by=cast.actor("shiguan"), at=at)
    sms, robot = register(Connector.SMS), register(Connector.WECOM)
    commands.end_outlet(outlet=sms, by=cast.actor("shiguan"), at=at)
    form = {"do": "send", "seen": edition.text, "outlets": [str(sms.uid), str(robot.uid)]}
    page = log_in("shiguan").post(f"/programmes/bulletins/{edition.uid}/act/", form, follow=True).content.decode()
    assert "刚刚停用" in page
    edition.refresh_from_db()
    assert edition.state == E.DRAFT


def test_what_is_left_is_sent_on_the_channels_that_last_and_have_some(
    cast: Cast, at: datetime, send: Send, register: Callable[..., Outlet], gateway: Gateway, log_in: LogIn
) -> None:
    sms, robot, gone = register(Connector.SMS), register(Connector.WECOM), register(Connector.DINGTALK)
    edition, who = send(sms, robot, gone), {"by": cast.actor("shiguan"), "at": at}
    commands.end_outlet(outlet=gone, **who)
    gateway.answers = {MOBILES[0]: (403, b""), "robot": (429, b"")}
    jobs.send_bulletins(at)
    resting = edition.channels.get(outlet=robot).due_at
    assert "重发“没有发”" not in log_in("shiguan").get(f"/programmes/bulletins/{edition.uid}/").content.decode()
    assert commands.send_rest(edition=edition, state=D.REFUSED, **who) == 1
    assert edition.channels.get(outlet=robot).due_at == resting > at
    with pytest.raises(Refused, match="停用"):
        commands.send_rest(edition=edition, state=D.NOT_SENT, **who)
    with pytest.raises(Conflict):
        commands.send_rest(edition=edition, state=D.UNSURE, **who)


def test_a_county_notes_td_of_whoever_answers_for_a_place_of_it(cast: Cast, at: datetime) -> None:
    guest = people.add_person(name="王驻村", unit=cast.units["ZZ-9901"], phone="13900000001")
    with pytest.raises(Refused):
        commands.note_opt_out(number="13900000001", by=cast.actor("xianguan"), at=at)
    village = cast.divisions["990101101200"]
    people.make_responsible(person=guest, unit=cast.units["ZZ-9901"], division=village, kind=ResponsibilityKind.SITE_MANAGER, on=SINCE)
    commands.note_opt_out(number="13900000001", by=cast.actor("xianguan"), at=at)
    assert OptOut.objects.get().person_uid == guest.uid


def test_who_opted_out_at_the_gateway_is_a_number_only_and_not_asked_again(
    cast: Cast, at: datetime, send: Send, gateway: Gateway, log_in: LogIn
) -> None:
    gateway.answers = {
        MOBILES[2]: (200, b'{"accepted": false, "reason": "opted_out"}'),
        MOBILES[0]: (200, '{"accepted": false, "reason": "用户已退订/黑名单"}'.encode()),
    }
    edition = send()
    assert jobs.send_bulletins(at) == 2
    assert counts(edition) == {D.HANDED: 2, D.REFUSED: 1, "opted_out": 1}
    assert OptOut.objects.get().person_uid == cast.people["zhanguan"].uid
    assert not BulletinDelivery.objects.filter(answer__contains="退订").exists()
    page = log_in("shiguan").get(f"/programmes/bulletins/{edition.uid}/").content.decode()
    assert "用户已退订" not in page  # one of one: whose words they are would be plain
    commands.send_rest(edition=edition, state=D.REFUSED, by=cast.actor("shiguan"), at=at)
    jobs.send_bulletins(at)
    assert {number: gateway.mobiles.count(number) for number in MOBILES} == dict(zip(MOBILES, (2, 1, 1, 1), strict=True))


def crowd(cast: Cast, number: int) -> None:
    """So many site managers more in the city."""
    for one in range(number):
        made = people.add_person(name=f"站长{one}", unit=cast.units["ZZ-990101"], phone=f"1390000{one:04d}")
        village = cast.divisions["990101101200"]
        people.make_responsible(person=made, unit=made.unit, division=village, kind=ResponsibilityKind.SITE_MANAGER, on=SINCE)


def test_why_many_were_refused_is_told_with_the_channel(cast: Cast, at: datetime, send: Send, gateway: Gateway, log_in: LogIn) -> None:
    crowd(cast, 1)
    gateway.always = (200, '{"accepted": false, "reason": "签名没有报备"}'.encode())
    edition = send()
    jobs.send_bulletins(at)
    assert "签名没有报备" in log_in("shiguan").get(f"/programmes/bulletins/{edition.uid}/").content.decode()


@pytest.mark.parametrize("more", [0, 1])
def test_an_audience_of_a_few_is_shown_as_a_whole_only(
    cast: Cast, at: datetime, series: BulletinSeries, send: Send, log_in: LogIn, more: int
) -> None:
    """Four: neither figures nor rows. Five: both, and opted out is one figure with those of the same number."""
    crowd(cast, more)
    commands.choose_bulletins(wanted=False, by=cast.actor("linxian"))
    edition, client = send(), log_in("shiguan")
    jobs.send_bulletins(at)
    address = f"/programmes/bulletins/{edition.uid}/"
    before = client.get(f"/programmes/bulletins/series/{series.uid}/").content.decode()
    after = client.get(address).content.decode()
    rows = client.get(f"{address}deliveries/").content.decode()
    listed = client.get("/programmes/bulletins/").content.decode().split("<tbody")[-1]
    assert ("个号码" in before) is bool(more)
    assert ("不足 5 人" in before) is ("不足 5 人" in after) is not bool(more)
    assert ("state=handed" in after) is bool(more)
    assert ("李村党支部" in rows) is bool(more)
    assert (f">{3 + more}<" in listed) is bool(more)
    assert "已退订" not in before.split("<main")[-1] + after.split("<main")[-1]
