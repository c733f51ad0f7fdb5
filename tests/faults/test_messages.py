"""Messages outside: what goes, what never goes, how often it is tried; robots and a mail server of the test's own answer for real."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from django.test import Client
from django.urls import reverse

from tests.faults.conftest import World
from yuanjiao.faults import commands, jobs
from yuanjiao.faults.commands import messages
from yuanjiao.faults.commands.messages import no_mail_server
from yuanjiao.faults.jobs import draft_urgings, send_messages
from yuanjiao.faults.models import Message, MessageChannel, MessageState, Urging
from yuanjiao.faults.rules.messages import PAUSES, PER_MINUTE, digest_words, pause_after, refusal_in
from yuanjiao.items import commands as items
from yuanjiao.items.rules import ItemKind
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.people.models import AuditRow

LogIn = Callable[[str], Client]
KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
WECOM = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"
MINUTE = timedelta(minutes=1)


class Robots(BaseHTTPRequestHandler):
    """Stands for the robots' servers: keeps what was posted, answers what the test says."""

    posted: ClassVar[list[tuple[str, Any]]] = []
    answers: ClassVar[list[tuple[int, bytes]]] = []

    def do_POST(self) -> None:
        self.posted.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        status, body = self.answers.pop(0) if self.answers else (200, b'{"errcode":0,"errmsg":"ok"}')
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the screen."""


class Mails(socketserver.StreamRequestHandler):
    """As much of a mail server as takes a letter; `refuse` says no to every sender."""

    letters: ClassVar[list[str]] = []
    refuse: ClassVar[bool] = False

    def handle(self) -> None:
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline().upper():
            if line.startswith(b"DATA"):
                self._letter()
            elif line.startswith(b"MAIL") and self.refuse:
                self.wfile.write(b"550 not from you\r\n")
            elif line.startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")

    def _letter(self) -> None:
        self.wfile.write(b"354 go on\r\n")
        text = b""
        while (line := self.rfile.readline()) != b".\r\n":
            text += line
        self.letters.append(text.decode())
        self.wfile.write(b"250 kept\r\n")


def serve(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def robots(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Robots]]:
    from apprise.plugins.dingtalk import NotifyDingTalk
    from apprise.plugins.feishu import NotifyFeishu
    from apprise.plugins.wecombot import NotifyWeComBot

    Robots.posted.clear()
    Robots.answers.clear()
    for port in serve(HTTPServer(("127.0.0.1", 0), Robots)):
        here = f"http://127.0.0.1:{port}"
        monkeypatch.setattr(NotifyWeComBot, "notify_url", here + "/wecom?key={key}")
        monkeypatch.setattr(NotifyFeishu, "notify_url", here + "/feishu/{token}/")
        monkeypatch.setattr(NotifyDingTalk, "notify_url", here + "/dingtalk?access_token={token}")
        yield Robots


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(messages, "no_mail_server", lambda _: "")  # the server of the tests is on this machine, at any port
    Mails.letters.clear()
    Mails.refuse = False
    yield from serve(socketserver.TCPServer(("127.0.0.1", 0), Mails))


def channel(world: World, name: str = "值班群", address: str = WECOM, unit: str = "ZZ-990101", **wanted: Any) -> MessageChannel:
    city = world.cast.actor("shiguan")
    said = {"sheets": True} | wanted
    row = commands.open_channel(name=name, unit=world.cast.units[unit], address=address, by=city, at=world.at, **said)
    return commands.switch_channel(channel=row, active=True, by=city, at=world.at)


def sheet(world: World, kind: ItemKind = ItemKind.TASK, title: str = "检修石桥镇机顶盒") -> Urging:
    """A drafted sheet to the county's direct person, who is of ZZ-990101."""
    cast, at = world.cast, world.at
    item = items.create_item(
        kind=kind, title=title, division=cast.divisions["990101000000"], lead_unit=cast.units["DX-990101"], expected_result="好",
        measure="修", starts_on=date(2026, 3, 2), by=cast.actor("shiguan"), at=at,
    )  # fmt: skip
    items.issue_item(item=item, due_at=at + MINUTE, by=cast.actor("shiguan"), at=at)
    draft_urgings(at + 2 * MINUTE)
    return Urging.objects.get(item=item, person__unit__code="ZZ-990101")


def approve(world: World, urging: Urging) -> None:
    commands.decide_urging(urging=urging, approved=True, note="", by=world.cast.actor("shiguan"), at=world.at + 3 * MINUTE)


def test_only_an_approved_sheet_goes_out_once_to_the_channels_of_its_addressees_unit(world: World, robots: type[Robots]) -> None:
    channel(world)
    channel(world, "电信群", unit="DX-990101")
    channel(world, "只要摘要", sheets=False, digest=True)
    off = channel(world, "停用群")
    commands.switch_channel(channel=off, active=False, by=world.cast.actor("shiguan"), at=world.at)
    urging, at = sheet(world), world.at + 4 * MINUTE
    assert commands.send_messages(at=at) == 0
    assert robots.posted == [], "nobody has approved it"
    approve(world, urging)
    assert [row.channel.name for row in Message.objects.all()] == ["值班群"]
    assert commands.send_messages(at=at) == 1
    assert commands.send_messages(at=at + MINUTE) == 0
    [(path, body)] = robots.posted
    assert path == f"/wecom?key={KEY}"
    assert body["msgtype"] == "text"
    assert body["text"]["content"].count("检修石桥镇机顶盒") == 1
    assert f"{urging.person.unit.name} {urging.person.name}（直接责任人）" in body["text"]["content"]
    assert (Message.objects.get().state, Message.objects.get().tries) == (MessageState.SENT, 1)


@pytest.mark.parametrize(
    ("address", "path", "read"),
    [
        ("https://open.feishu.cn/open-apis/bot/v2/hook/abcd-1234", "/feishu/abcd-1234/", lambda body: body["content"]["text"]),
        ("https://oapi.dingtalk.com/robot/send?access_token=" + "a1" * 16, "/dingtalk?access_token=" + "a1" * 16,
         lambda body: body["text"]["content"]),
    ],
)  # fmt: skip
def test_the_other_robots_get_the_form_they_ask_for(
    world: World, robots: type[Robots], address: str, path: str, read: Callable[[Any], str]
) -> None:
    channel(world, address=address)
    robots.answers[:] = [(200, b'{"code":0,"msg":"success","data":{}}')]
    approve(world, sheet(world))
    assert commands.send_messages(at=world.at + 4 * MINUTE) == 1
    [(asked, body)] = robots.posted
    assert asked == path
    assert "检修石桥镇机顶盒" in read(body)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, b'{"errcode":45009,"errmsg":"api freq out of limit"}'), "45009 api freq out of limit"),
        ((200, b'{"code":9499,"msg":"Bad Request"}'), "9499 Bad Request"),
        ((500, b"down"), "500"),
    ],
)
def test_a_refusal_is_written_down_tried_again_ever_later_and_in_the_end_shown_to_a_person(
    world: World, robots: type[Robots], log_in: LogIn, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, bytes], words: str
) -> None:
    channel(world)
    approve(world, sheet(world))
    at = world.at + 4 * MINUTE
    robots.answers[:] = [answer] * (len(PAUSES) + 1)
    for pause in PAUSES:
        assert commands.send_messages(at=at) == 0
        row = Message.objects.get()
        assert (row.state, row.due_at) == (MessageState.WAITING, at + pause)
        assert words in row.answer
        assert commands.send_messages(at=at + pause - timedelta(seconds=1)) == 0
        at += pause
    commands.send_messages(at=at)
    assert Message.objects.get().state == MessageState.FAILED
    assert commands.send_messages(at=at + timedelta(days=1)) == 0
    monkeypatch.setattr(clock, "now", lambda: at)
    city, page = log_in("shiguan"), reverse("faults:message_list")
    assert words in city.get(page).content.decode()
    assert words in city.get(reverse("faults:urging", args=[Urging.objects.get(approved=True).pk])).content.decode()
    assert KEY not in city.get(reverse("faults:channels")).content.decode()
    assert city.post(page, {"act": "again", "pk": row.pk}).status_code == 302
    assert commands.send_messages(at=at) == 1
    assert city.post(page, {"act": "drop", "pk": row.pk}, follow=True).content.decode().count("刚刚有人处理过") == 1
    assert len(robots.posted) == len(PAUSES) + 2


def test_nobody_listening_is_a_failure_with_words_and_not_an_error(
    world: World, robots: type[Robots], monkeypatch: pytest.MonkeyPatch
) -> None:
    from apprise.plugins.wecombot import NotifyWeComBot

    monkeypatch.setattr(NotifyWeComBot, "notify_url", "http://127.0.0.1:9/{key}")
    channel(world)
    approve(world, sheet(world))
    assert commands.send_messages(at=world.at + 4 * MINUTE) == 0
    row = Message.objects.get()
    assert (row.state, row.tries, bool(row.answer)) == (MessageState.WAITING, 1, True)
    assert KEY not in row.answer


def test_a_mailbox_gets_the_sheet_and_a_mail_server_that_refuses_is_told(world: World, mails: int) -> None:
    # Apprise looks at the name of the host to find well-known providers: this one is nobody's
    address = f"mailto://127.0.0.1:{mails}?from=desk@example.org&to=county@example.org&mode=insecure"
    channel(world, address=address)
    approve(world, sheet(world))
    Mails.refuse = True
    assert commands.send_messages(at=world.at + 4 * MINUTE) == 0
    assert Message.objects.get().answer
    Mails.refuse = False
    assert commands.send_messages(at=world.at + 6 * MINUTE) == 1
    from email import message_from_string

    [letter] = [message_from_string(text) for text in Mails.letters]
    assert letter["To"] == "county@example.org"
    assert "检修石桥镇机顶盒" in "".join(part.get_payload(decode=True).decode() for part in letter.walk() if not part.is_multipart())


def test_no_robot_gets_more_than_it_takes_in_a_minute(world: World, robots: type[Robots]) -> None:
    found, at = channel(world), world.at
    Message.objects.bulk_create([Message(channel=found, title="摘要", words="一", queued_at=at, due_at=at) for _ in range(25)])
    assert commands.send_messages(at=at) == PER_MINUTE
    assert commands.send_messages(at=at + timedelta(seconds=59)) == 0
    assert commands.send_messages(at=at + timedelta(seconds=61)) == 25 - PER_MINUTE


def test_of_a_request_only_the_code_leaves_the_house(world: World, robots: type[Robots]) -> None:
    channel(world)
    urging = sheet(world, ItemKind.REQUEST, "王某反映家中困难")
    approve(world, urging)
    commands.send_messages(at=world.at + 4 * MINUTE)
    text = robots.posted[0][1]["text"]["content"]
    assert ("王某" in text, "一件诉求" in text) == (False, True)


def test_the_digest_goes_once_a_day_in_the_morning_with_numbers_alone(world: World, robots: type[Robots]) -> None:
    channel(world, sheets=False, digest=True)
    sheet(world)
    early, morning = datetime(2026, 3, 2, 23, 0, tzinfo=UTC), datetime(2026, 3, 3, 0, 30, tzinfo=UTC)  # 7:00 and 8:30 in China
    assert jobs.DIGEST_HOUR == 8
    assert [send_messages(at) for at in (early, morning, morning + MINUTE)] == [0, 1, 0]
    [(_path, body)] = robots.posted
    assert "超期 1 件" in body["text"]["content"]
    assert "检修" not in body["text"]["content"]


@pytest.mark.parametrize("became", ["handed in", "cancelled", "given more time"])
def test_a_sheet_that_waited_until_it_was_no_longer_so_is_dropped_with_the_reason(
    world: World, robots: type[Robots], log_in: LogIn, monkeypatch: pytest.MonkeyPatch, became: str
) -> None:
    found, city, owner = channel(world), world.cast.actor("shiguan"), world.cast.actor("gongcheng")
    urging = sheet(world)
    approve(world, urging)
    commands.switch_channel(channel=found, active=False, by=city, at=world.at)
    at, item = world.at + timedelta(days=20), urging.item
    assert commands.send_messages(at=at) == 0
    assert Message.objects.get().state == MessageState.WAITING
    if became == "handed in":
        item = items.start_item(item=items.accept_item(item=item, by=owner, at=at), by=owner, at=at)
        items.submit_item(item=item, result="已修好", by=owner, at=at)
    elif became == "cancelled":
        items.cancel_item(item=item, reason="重复", by=city, at=at)
    else:
        items.extend_item(item=item, due_at=at + timedelta(days=9), reason="大雪封山", by=city, at=at)
    commands.switch_channel(channel=found, active=True, by=city, at=at)
    assert commands.send_messages(at=at) == 0
    assert robots.posted == []
    row = Message.objects.get()
    assert (row.state, row.due_at, row.tries) == (MessageState.DROPPED, None, 0)
    monkeypatch.setattr(clock, "now", lambda: at)
    client = log_in("shiguan")
    for page in (reverse("faults:message_list"), reverse("faults:urging", args=[urging.pk])):
        assert "不再适用" in client.get(page).content.decode()


def test_a_sheet_that_is_still_so_goes_out_however_long_its_channel_was_off(world: World, robots: type[Robots]) -> None:
    found, city = channel(world), world.cast.actor("shiguan")
    approve(world, sheet(world))
    commands.switch_channel(channel=found, active=False, by=city, at=world.at)
    at = world.at + timedelta(days=20)
    commands.switch_channel(channel=found, active=True, by=city, at=at)
    assert commands.send_messages(at=at) == 1
    assert len(robots.posted) == 1


def test_of_the_digests_that_waited_only_todays_goes_out(world: World, robots: type[Robots]) -> None:
    found, city = channel(world, sheets=False, digest=True), world.cast.actor("shiguan")
    morning = datetime(2026, 3, 3, 0, 30, tzinfo=UTC)
    robots.answers[:] = [(500, b"down")]
    assert send_messages(morning) == 0
    commands.switch_channel(channel=found, active=False, by=city, at=morning)
    later = morning + timedelta(days=20)
    commands.switch_channel(channel=found, active=True, by=city, at=later)
    assert send_messages(later) == 1
    assert len(robots.posted) == 2
    older, today = Message.objects.order_by("on")
    assert (older.state, older.tries) == (MessageState.DROPPED, 1)
    assert "以前日子" in older.answer
    assert today.state == MessageState.SENT


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mailto://u:p@127.0.0.1:6379?from=a@example.org", "端口只能是 25、465、587"),
        ("mailto://u:p@10.0.0.1:6379?from=a@example.org", "端口只能是"),
        ("mailto://u:p@10.0.0.1?from=a@example.org&port=22", "端口只能是"),
        ("mailto://u:p@127.0.0.1?from=a@example.org", "指向本机"),
        ("mailto://u:p@localhost:25?from=a@example.org", "指向本机"),
        ("mailtos://u:p@2130706433?from=a@example.org", "指向本机"),
        ("mailtos://u:p@10.0.0.1?from=a@example.org&smtp=127.0.0.1", "指向本机"),
        ("mailtos://u:p@10.0.0.1?from=a@example.org&smtp=0.0.0.0", "指向本机"),
        ("mailtos://u:p@10.0.0.1?from=a@example.org&smtp=169.254.169.254", "指向本机"),
        ("mailtos://u:p@10.0.0.1?from=a@example.org&smtp=10.0.0.2:6379", "找不到"),
        ("mailtos://u:p@no-such-host.invalid?from=a@example.org", "找不到"),
        ("mailtos://u:p@10.0.0.1?from=a@example.org&wkd=yes", "WKD"),
    ],
)
def test_no_mailbox_leads_to_this_machine_its_cable_or_another_port(world: World, address: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        channel(world, address=address)
    assert not MessageChannel.objects.exists()


@pytest.mark.parametrize(
    "address", ["mailto://u:p@10.0.0.1?from=a@example.org", "mailtos://u:p@192.168.1.9:465?from=a@example.org&smtp=172.16.0.5"]
)
def test_a_mail_server_in_the_private_network_of_the_house_is_kept(world: World, address: str) -> None:
    assert channel(world, address=address).active


def test_before_each_letter_it_is_asked_anew_where_the_server_is(world: World, mails: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was kept by older software, or a name that leads to this machine since."""
    channel(world, address=f"mailto://127.0.0.1:{mails}?from=desk@example.org&to=county@example.org&mode=insecure")
    approve(world, sheet(world))
    monkeypatch.setattr(messages, "no_mail_server", no_mail_server)
    monkeypatch.setattr(messages, "MAIL_PORTS", {mails})
    assert commands.send_messages(at=world.at + 4 * MINUTE) == 0
    assert Mails.letters == []
    row = Message.objects.get()
    assert (row.state, "指向本机" in row.answer) == (MessageState.WAITING, True)


@pytest.mark.parametrize(
    ("address", "maker"),
    [
        (f"wecombot://{KEY}:6379", "https://qyapi.weixin.qq.com/"),
        ("dingtalk://" + "a1" * 16 + ":6379", "https://oapi.dingtalk.com/"),
        ("feishu://abcd-1234:6379", "https://open.feishu.cn/"),
    ],
)
def test_no_address_of_a_robot_leads_anywhere_but_to_its_maker(
    world: World, monkeypatch: pytest.MonkeyPatch, address: str, maker: str
) -> None:
    import requests

    asked: list[str] = []

    def post(url: str, **_: object) -> SimpleNamespace:
        asked.append(url)
        return SimpleNamespace(status_code=200, content=b"{}")

    monkeypatch.setattr(requests, "post", post)
    channel(world, address=address)
    approve(world, sheet(world))
    commands.send_messages(at=world.at + 4 * MINUTE)
    [url] = asked
    assert url.startswith(maker)


def test_addresses_are_kept_sealed_checked_and_by_who_keeps_the_register(world: World, log_in: LogIn) -> None:
    city, unit = world.cast.actor("shiguan"), world.cast.units["ZZ-990101"]
    said = {"name": "群", "unit": unit, "sheets": True, "at": world.at}
    for wrong in ("", "群号 123", "json://10.0.0.1/internal", "file:///etc/passwd", "https://example.org/hook", "wecombot://"):
        with pytest.raises(Refused, match="不认识的地址"):
            commands.open_channel(address=wrong, by=city, **said)
    with pytest.raises(Refused, match="选送什么"):
        commands.open_channel(address=WECOM, by=city, **(said | {"sheets": False}))
    with pytest.raises((Forbidden, NotFound)):
        commands.open_channel(address=WECOM, by=world.cast.actor("xianguan"), **said)
    client, page = log_in("shiguan"), reverse("faults:channels")
    answer = client.post(page, {"name": "县群", "unit": "ZZ-990101", "address": WECOM, "sheets": "on"})
    row = MessageChannel.objects.get()
    assert (answer.status_code, row.active, row.kind, row.ending) == (302, False, "wecombot", KEY[-4:])
    assert KEY.encode() not in bytes(row.address_sealed)
    assert client.post(page, {"name": "县群", "unit": "ZZ-990101", "address": WECOM, "sheets": "on"}).status_code in {400, 409}
    assert client.post(page, {"act": "on", "pk": row.pk}).status_code == 302
    assert client.post(page, {"act": "on", "pk": row.pk}).status_code == 409
    assert client.post(page, {"act": "off", "pk": "²"}).status_code == 404
    assert log_in("xianguan").get(page).status_code == 403
    assert not AuditRow.objects.filter(detail__contains=KEY).exists()
    with pytest.raises(Conflict):
        commands.switch_channel(channel=row, active=True, by=city, at=world.at)


def test_answers_and_pauses_as_rules() -> None:
    assert [refusal_in(body) for body in (b"", b"[]", b'{"errcode":0}', b'{"code":0,"msg":"success"}', b'{"ok":true}')] == [""] * 5
    assert refusal_in(b'{"errcode":310000,"errmsg":"sign not match"}') == "310000 sign not match"
    assert [pause_after(n) for n in (1, len(PAUSES), len(PAUSES) + 1)] == [PAUSES[0], PAUSES[-1], None]
    assert digest_words("柳溪县", {"red": 2, "blue": 0}) == "柳溪县：超期 2 件。详情请登录平台查看。"
    assert "没有超期" in digest_words("柳溪县", {})
