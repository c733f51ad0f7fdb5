"""Publishing on official channels: registered ones only, through what each speaks, with the result of each kept (DLV15)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pytest
from django.test import Client

from tests.courseware.test_kinds import new, on_air
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Column, Courseware
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.programmes import commands
from yuanjiao.programmes.models import Outlet, Publication, PublicationState
from yuanjiao.programmes.rules.outlets import Connector, Piece, against_address, message, told
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
S = PublicationState
SECRET = "0123456789abcdef"
PIECE = Piece("7", "养" * 60, "", "https://edu.example.cn/items/1/", "https://edu.example.cn/blobs/1.jpg")


@pytest.fixture
def item(cast: Cast, column: Column, at: datetime) -> Courseware:
    made = new(cast, at, Kind.ARTICLE, "春耕补贴怎么领")
    courseware.write_article(courseware=made, source="到村里登记。", by=cast.actor("zhizuo"), at=at)
    return on_air(cast, made, column, at)


@pytest.fixture
def register(cast: Cast, at: datetime) -> Callable[..., Outlet]:
    def make(connector: Connector, host: str = "", **details: str) -> Outlet:
        address = f"https://{host or connector}.example.cn/hook?key=1" if connector != Connector.BY_HAND else ""
        said = {"name": f"青禾{connector}", "registration": "冀备 1 号", "address": address, "secret": SECRET, **details}
        return commands.register_outlet(unit=cast.units["ZZ-9901"], connector=connector, by=cast.actor("shiguan"), at=at, **said)

    return make


class Channels(httpx.MockTransport):
    """A fake line to all channels: `answers` by host, what they were asked in `asked`."""

    def __init__(self) -> None:
        self.answers: dict[str, httpx.Response | Exception] = {}
        self.asked: list[httpx.Request] = []
        super().__init__(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers[request.url.host]
        if isinstance(answer, Exception):
            raise answer
        return answer


def publish(item: Courseware, cast: Cast, at: datetime, *outlets: Outlet) -> list[Publication]:
    address = f"https://edu.example.cn/items/{item.uid}/"
    return commands.publish_on(item=item.uid, outlets=outlets, by=cast.actor("shiguan"), at=at, address=address)


@pytest.mark.clause("DLV15")
def test_one_item_goes_to_every_kind_of_channel_and_each_keeps_its_own_result(
    item: Courseware, register: Callable[..., Outlet], cast: Cast, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    line = Channels()
    line.answers = {
        "webhook.example.cn": httpx.Response(201, json={"url": "https://news.example.cn/9"}),
        "wecom.example.cn": httpx.Response(200, json={"errcode": 0, "errmsg": "ok"}),
        "dingtalk.example.cn": httpx.Response(200, json={"errcode": 310000, "errmsg": "sign not match"}),
        "feishu.example.cn": httpx.Response(503),
    }
    rows = publish(item, cast, at, *(register(one) for one in Connector if one != Connector.SMS))
    assert commands.send_publications(at=at, transport=line) == 2
    for row in rows:
        row.refresh_from_db()
    assert [row.state for row in rows] == [S.PUBLISHED, S.PUBLISHED, S.FAILED, S.WAITING, S.BY_HAND]
    assert rows[0].link == "https://news.example.cn/9"
    assert "sign not match" in rows[2].answer
    assert rows[3].due_at == at + timedelta(minutes=1)
    first = line.asked[0]
    assert json.loads(first.content)["url"].endswith(f"/items/{item.uid}/")
    stamp = first.headers["X-Yuanjiao-Timestamp"]
    signed = hmac.new(SECRET.encode(), f"{stamp}.".encode() + first.content, hashlib.sha256).hexdigest()
    assert first.headers["X-Yuanjiao-Signature"] == f"sha256={signed}"
    page = log_in("shiguan").get("/programmes/publications/").content.decode()
    assert page.count("春耕补贴怎么领") == 5
    assert "sign not match" in page
    commands.note_publication(publication=rows[4], link="", words="3 月 4 日二版", by=cast.actor("shiguan"), at=at)
    assert Publication.objects.get(pk=rows[4].pk).state == S.PUBLISHED


def test_what_does_not_come_through_is_tried_again_with_growing_pauses_and_then_given_up(
    item: Courseware, register: Callable[..., Outlet], cast: Cast, at: datetime
) -> None:
    line = Channels()
    line.answers = {"webhook.example.cn": httpx.ConnectError("down")}
    (row,) = publish(item, cast, at, register(Connector.WEBHOOK))
    for minutes in (0, 1, 6, 31, 151):
        assert commands.send_publications(at=at + timedelta(minutes=minutes, seconds=-1), transport=line) == 0
        commands.send_publications(at=at + timedelta(minutes=minutes), transport=line)
    row.refresh_from_db()
    assert (row.state, row.tries, len(line.asked)) == (S.FAILED, 5, 5)
    assert len({request.headers["Idempotency-Key"] for request in line.asked}) == 1
    line.answers = {"webhook.example.cn": httpx.Response(204)}
    commands.send_again(publication=row, by=cast.actor("shiguan"), at=at)
    assert commands.send_publications(at=at, transport=line) == 1


def test_a_robot_that_may_have_published_is_not_asked_twice(
    item: Courseware, register: Callable[..., Outlet], cast: Cast, at: datetime
) -> None:
    line = Channels()
    line.answers = {"wecom.example.cn": httpx.ReadTimeout("late")}
    (row,) = publish(item, cast, at, register(Connector.WECOM))
    for minutes in (0, 10, 300):
        commands.send_publications(at=at + timedelta(minutes=minutes), transport=line)
    row.refresh_from_db()
    assert (row.state, len(line.asked)) == (S.FAILED, 1)
    assert "核对" in row.answer
    commands.send_again(publication=row, by=cast.actor("shiguan"), at=at)
    Publication.objects.filter(pk=row.pk).update(tries=1)  # as a worker leaves it that was killed while it waited
    assert commands.send_publications(at=at, transport=line) == 0
    assert len(line.asked) == 1


def test_withdrawn_items_are_not_sent_and_are_shown_while_a_channel_still_has_them(
    item: Courseware, register: Callable[..., Outlet], cast: Cast, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    line = Channels()
    line.answers = {"wecom.example.cn": httpx.Response(200, json={"errcode": 0})}
    (standing,) = publish(item, cast, at, register(Connector.WECOM))
    commands.send_publications(at=at, transport=line)
    (late,) = publish(item, cast, at, register(Connector.FEISHU))
    courseware.withdraw_courseware(courseware=item, reason="有误", by=cast.actor("shiguan"), at=at)
    assert commands.send_publications(at=at, transport=line) == 0
    late.refresh_from_db()
    assert (late.state, len(line.asked)) == (S.FAILED, 1)
    with pytest.raises(NotFound):
        commands.send_again(publication=late, by=cast.actor("shiguan"), at=at)
    client, address = log_in("shiguan"), f"/programmes/publications/{standing.uid}/"
    assert "还在这个媒体上" in client.get(address).content.decode()
    assert client.post(f"{address}act/", {"do": "remove"}).status_code == 302
    assert "还在这个媒体上" not in client.get(address).content.decode()


def test_channels_are_official_their_secrets_stay_sealed_and_nothing_is_published_twice(
    item: Courseware, register: Callable[..., Outlet], cast: Cast, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    with pytest.raises(Refused, match="官方"):
        register(Connector.WECOM, registration=" ")
    with pytest.raises(Refused, match="本机"):
        register(Connector.WEBHOOK, address="http://127.0.0.1:8000/")
    with pytest.raises(Refused, match="16 位"):
        register(Connector.WEBHOOK, secret="short")
    with pytest.raises(NotFound):
        commands.register_outlet(
            name="x", unit=cast.units["ZZ-990102"], registration="x", connector=Connector.BY_HAND, by=cast.actor("xianguan"), at=at
        )
    outlet = register(Connector.WEBHOOK)
    assert SECRET.encode() not in bytes(outlet.secret_sealed)
    assert "key=1" not in log_in("shiguan").get("/programmes/outlets/").content.decode()
    publish(item, cast, at, outlet)
    with pytest.raises(Conflict):
        publish(item, cast, at, outlet)
    commands.end_outlet(outlet=outlet, by=cast.actor("shiguan"), at=at)
    assert Publication.objects.get().state == S.FAILED
    outlet.refresh_from_db()
    with pytest.raises(Refused, match="停用"):
        publish(item, cast, at, outlet)
    assert log_in("zhizuo").get("/programmes/publications/").status_code == 403
    assert "青禾" not in log_in("xianguan").get("/programmes/outlets/").content.decode().split("<main")[-1]


def test_a_channel_is_registered_and_an_item_published_by_plain_forms(
    item: Courseware, cast: Cast, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    del cast
    client = log_in("shiguan")
    said = {"name": "青禾日报", "unit": "ZZ-9901", "registration": "CN13-0001", "connector": "by_hand"}
    assert client.post("/programmes/outlets/new/", {**said, "registration": ""}).status_code == 400
    assert client.post("/programmes/outlets/new/", said).status_code == 302
    outlet = Outlet.objects.get()
    form = {"item": str(item.uid), "outlets": [str(outlet.uid)], "lead": "乡亲们看过来"}
    assert client.post("/programmes/publications/new/", form).status_code == 302
    row = Publication.objects.get()
    assert (row.summary, row.state) == ("乡亲们看过来", S.BY_HAND)
    assert row.address.endswith(f"/items/{item.uid}/")
    assert client.get(f"/programmes/outlets/{outlet.uid}/end/").status_code == 200
    assert client.post(f"/programmes/outlets/{outlet.uid}/end/").status_code == 302


@pytest.mark.parametrize(
    ("connector", "address", "right"),
    [
        ("webhook", "http://10.1.2.3/cms", True),
        ("webhook", "http://169.254.169.254/", False),
        ("webhook", "http://[::1]/", False),
        ("webhook", "ftp://cms.example.cn/", False),
        ("webhook", "https://user@cms.example.cn/", False),
        ("wecom", "http://qyapi.example.cn/", False),
        ("wecom", "https://qyapi.example.cn/send?key=1", True),
        ("feishu", "https://localhost/", False),
    ],
)
def test_an_address_of_this_machine_or_without_encryption_is_no_channel(connector: str, address: str, right: bool) -> None:
    assert (against_address(connector, address) == "") is right


def test_messages_have_the_form_the_makers_ask_for() -> None:
    card = json.loads(message("wecom", "https://a.example.cn/", "", PIECE, 7).body)["news"]["articles"][0]
    assert len(card["title"].encode()) <= 128
    assert card["title"].endswith("…")
    signed = message("dingtalk", "https://a.example.cn/?access_token=1", "SEC", PIECE, 7)
    wanted = base64.b64encode(hmac.new(b"SEC", b"7000\nSEC", hashlib.sha256).digest()).decode()
    assert httpx.URL(signed.address).params["sign"] == wanted
    feishu = json.loads(message("feishu", "https://a.example.cn/", "SEC", PIECE, 7).body)
    assert feishu["sign"] == base64.b64encode(hmac.new(b"7\nSEC", b"", hashlib.sha256).digest()).decode()


@pytest.mark.parametrize(
    ("connector", "status", "body", "published", "again"),
    [
        ("webhook", 200, b"", True, False),
        ("webhook", 302, b"", False, False),
        ("webhook", 429, b"", False, True),
        ("wecom", 200, b'{"errcode":0}', True, False),
        ("wecom", 200, b"<html>", False, False),
        ("wecom", 200, b'{"errcode":45009,"errmsg":"freq"}', False, True),
        ("feishu", 200, b'{"code":0}', True, False),
        ("feishu", 200, b"[1]", False, False),
    ],
)
def test_an_answer_is_read_as_the_maker_means_it(connector: str, status: int, body: bytes, published: bool, again: bool) -> None:
    found = told(connector, status, body)
    assert (found.published, found.again) == (published, again)
