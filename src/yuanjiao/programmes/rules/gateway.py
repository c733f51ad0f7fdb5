"""How a bulletin is handed over (DLV06): one POST to a work group's robot, one per number to a gateway of short messages.

The gateway takes `{"id", "mobile", "text", "parts"}`, signed as media systems are (`rules/outlets.py`), and answers with JSON:
`{"accepted": true}` or `{"accepted": false, "reason": "…"}`; `{"code": 0}` and `{"code": n, "message": "…"}` are read, too. Who opted out
at the gateway is told by the reason `opted_out`, exactly: from free words nobody's opt-out is guessed.

1. What surely did not come through (no connection, 408, 425, 429, 503, a robot's "too often") is tried again.
2. What the other side refused in its own words is refused.
3. Everything else is unsure, and never repeated by itself: it may have come through.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote_plus

from yuanjiao.programmes.rules.outlets import Connector, Message, read_answer, robot_sign, signature, told

PAUSES_S = (60, 300, 1500, 7200)
"""Seconds a channel rests after its first, second … failure in a row; after the last one it is given up."""
DOUBTS = 3
"""After so many unsure answers in a row a channel rests, too: whoever answers so is not asked about everybody."""
NOT_TAKEN = frozenset({408, 425, 429, 503})
NUMBERS = re.compile(r"\d{7,}")
OPTED_OUT = "opted_out"
ROBOTS = frozenset({Connector.WECOM, Connector.DINGTALK, Connector.FEISHU})


class Came(StrEnum):
    """What became of one call."""

    HANDED = "handed"
    REFUSED = "refused"
    AGAIN = "again"
    UNSURE = "unsure"
    OPTED_OUT = "opted_out"


@dataclass(frozen=True)
class Outcome:
    """What became of one call, and in which words; numbers in them are blotted out. Without `answered` there was silence."""

    came: Came
    words: str
    answered: bool = True


def to_number(address: str, secret: str, uid: str, mobile: str, text: str, parts: int, stamp_s: int) -> Message:
    """The POST for one number. `uid` is the same at every try, so that a gateway can tell a repeated one."""
    body = json.dumps({"id": uid, "mobile": mobile, "text": text, "parts": parts}, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": uid}
    return Message(address, body, headers | signature(secret, body, stamp_s))


def to_group(connector: str, address: str, secret: str, text: str, stamp_s: int) -> Message:
    """The POST for one robot; `stamp_s` is the moment in seconds since 1970, which its signature covers."""
    said: dict[str, object] = {"msgtype": "text", "text": {"content": text}}
    if connector == Connector.DINGTALK and secret:
        sign = robot_sign(secret, f"{stamp_s * 1000}\n{secret}")
        address += f"{'&' if '?' in address else '?'}timestamp={stamp_s * 1000}&sign={quote_plus(sign)}"
    if connector == Connector.FEISHU:
        said = {"msg_type": "text", "content": {"text": text}}
        said |= {"timestamp": str(stamp_s), "sign": robot_sign(f"{stamp_s}\n{secret}", "")} if secret else {}
    body = json.dumps(said, ensure_ascii=False).encode()
    return Message(address, body, {"Content-Type": "application/json; charset=utf-8"})


def outcome(connector: str, status: int, body: bytes) -> Outcome:
    """What an answer means."""
    if status in NOT_TAKEN:
        return Outcome(Came.AGAIN, f"对方暂时不能接收（HTTP {status}）")
    if status >= 500 or status < 200:
        return Outcome(Came.UNSURE, f"对方出错（HTTP {status}），可能已经发出")
    if not status < 300:
        return Outcome(Came.REFUSED, f"对方拒绝了（HTTP {status}）")
    return _taken(body) if connector == Connector.SMS else _robot(connector, status, body)


def _robot(connector: str, status: int, body: bytes) -> Outcome:
    answer = told(connector, status, body)
    if answer.published:
        return Outcome(Came.HANDED, answer.words)
    if not answer.understood:
        return Outcome(Came.UNSURE, "答复读不懂，可能已经发出")
    return Outcome(Came.AGAIN if answer.again else Came.REFUSED, NUMBERS.sub("…", answer.words))


def _taken(body: bytes) -> Outcome:
    said = read_answer(body)
    accepted = said.get("accepted")
    if accepted is None and not isinstance(said.get("code"), bool):
        accepted = {"0": True, "None": None}.get(str(said.get("code")), False)
    if accepted is True:
        return Outcome(Came.HANDED, "已接收")
    if accepted is False:
        reason = str(said.get("reason") or said.get("message") or "没有说明原因")
        if reason == OPTED_OUT:
            return Outcome(Came.OPTED_OUT, "")
        words = "".join(letter for letter in reason if letter.isprintable())
        return Outcome(Came.REFUSED, NUMBERS.sub("…", f"网关拒绝了：{words}")[:120])
    return Outcome(Came.UNSURE, "网关的答复读不懂，可能已经发出")
