"""The words of a bulletin, how many messages they are, what they are sent as, and what an answer means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import date

import httpx
import pytest

from yuanjiao.programmes.rules.bulletin import ALONE, LONGEST, compose, due_on, fitting, parts, short_message, week_of
from yuanjiao.programmes.rules.gateway import Came, outcome, to_group, to_number
from yuanjiao.programmes.rules.outlets import against_address

DAYS = date(2026, 2, 24), date(2026, 3, 2)


def test_the_text_names_the_items_the_way_to_them_and_the_way_out() -> None:
    text = short_message("青禾远教", compose(*DAYS, ["果树 冬剪", "医保\n问答"], "https://edu.example/"))
    assert text == "【青禾远教】2月24日至3月2日新课件：1.果树 冬剪；2.医保 问答。观看：https://edu.example/ 退订回TD"
    assert compose(*DAYS, [], "https://edu.example/") == ""


@pytest.mark.parametrize(("letters", "number"), [(1, 1), (ALONE, 1), (ALONE + 1, 2), (134, 2), (135, 3)])
def test_a_long_text_is_several_messages(letters: int, number: int) -> None:
    assert parts("远" * letters) == number
    assert parts("𣵦" * (letters // 2)) <= number


def test_a_draft_names_as_many_titles_as_there_is_room_for() -> None:
    titles = ["长" * 100] * 12
    number = fitting(*DAYS, titles, "https://edu.example/")
    assert 0 < number < 12
    assert len(compose(*DAYS, titles[:number], "https://edu.example/")) <= LONGEST < len(compose(*DAYS, titles[: number + 1], "x"))


def test_a_week_is_named_by_its_monday_and_drafted_on_its_day() -> None:
    assert week_of(date(2026, 3, 8)) == date(2026, 3, 2) == week_of(date(2026, 3, 2))
    assert due_on(date(2026, 3, 2), 5) == date(2026, 3, 6)


@pytest.mark.parametrize(
    ("connector", "status", "body", "came"),
    [
        ("sms", 200, b'{"accepted": true}', Came.HANDED),
        ("sms", 202, b'{"code": 0}', Came.HANDED),
        ("sms", 200, b'{"code": "0"}', Came.HANDED),
        ("sms", 200, b'{"accepted": false, "reason": "13800000001 in blacklist"}', Came.REFUSED),
        ("sms", 200, b'{"code": 1042, "message": "no balance"}', Came.REFUSED),
        ("sms", 200, b'{"accepted": false, "reason": "opted_out"}', Came.OPTED_OUT),
        ("sms", 200, '{"accepted": false, "reason": "内容没有写明退订办法"}'.encode(), Came.REFUSED),
        ("sms", 200, b"[" * 60_000, Came.UNSURE),
        ("sms", 200, b"", Came.UNSURE),
        ("sms", 200, b"<html>please log in</html>", Came.UNSURE),
        ("sms", 200, b"[1]", Came.UNSURE),
        ("sms", 200, b'{"accepted": "yes"}', Came.UNSURE),
        ("sms", 302, b"", Came.REFUSED),
        ("sms", 401, b"", Came.REFUSED),
        ("sms", 429, b"", Came.AGAIN),
        ("sms", 503, b"", Came.AGAIN),
        ("sms", 500, b"", Came.UNSURE),
        ("sms", 504, b"", Came.UNSURE),
        ("wecom", 200, b'{"errcode":0}', Came.HANDED),
        ("wecom", 200, b'{"errcode":45009,"errmsg":"freq"}', Came.AGAIN),
        ("wecom", 200, b'{"errcode":93000,"errmsg":"invalid webhook"}', Came.REFUSED),
        ("feishu", 200, b"<html>", Came.UNSURE),
        ("wecom", 200, b"[" * 60_000, Came.UNSURE),
        ("dingtalk", 502, b"", Came.UNSURE),
    ],
)
def test_only_what_surely_did_not_come_through_is_tried_again(connector: str, status: int, body: bytes, came: Came) -> None:
    found = outcome(connector, status, body)
    assert found.came is came
    assert "138" not in found.words


def test_messages_have_the_form_the_other_side_asks_for() -> None:
    asked = to_number("https://sms.example.cn/", "0123456789abcdef", "7", "13800000001", "【青禾】课", 1, 9)
    assert json.loads(asked.body) == {"id": "7", "mobile": "13800000001", "text": "【青禾】课", "parts": 1}
    signed = hmac.new(b"0123456789abcdef", b"9." + asked.body, hashlib.sha256).hexdigest()
    assert asked.headers["X-Yuanjiao-Signature"] == f"sha256={signed}"
    ding = to_group("dingtalk", "https://a.example.cn/?access_token=1", "SEC", "【青禾】课", 7)
    wanted = base64.b64encode(hmac.new(b"SEC", b"7000\nSEC", hashlib.sha256).digest()).decode()
    assert httpx.URL(ding.address).params["sign"] == wanted
    assert json.loads(ding.body) == {"msgtype": "text", "text": {"content": "【青禾】课"}}
    feishu = json.loads(to_group("feishu", "https://a.example.cn/", "SEC", "课", 7).body)
    assert feishu["sign"] == base64.b64encode(hmac.new(b"7\nSEC", b"", hashlib.sha256).digest()).decode()


@pytest.mark.parametrize(
    ("address", "right"),
    [
        ("https://sms.example.cn/send", True),
        ("http://sms.example.cn/send", False),
        ("http://10.8.0.9/send", True),
        ("http://127.0.0.1/send", False),
    ],
)
def test_numbers_leave_only_encrypted_or_inside_the_house(address: str, right: bool) -> None:
    assert (against_address("sms", address) == "") is right
