"""How official channels are spoken to (DLV15): the message each kind takes, what its answer means, when a failed one is tried again.

What goes out is title, lead, the address of the item and of its picture; the film itself stays here, so no licence is passed on.
Forms of the robots: the makers' own pages on group robots (企业微信群机器人, 钉钉自定义机器人, 飞书自定义机器人).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote_plus, urlsplit


class Connector(StrEnum):
    """The ways to reach a channel."""

    WEBHOOK = "webhook"
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    SMS = "sms"
    BY_HAND = "by_hand"


CONNECTOR_NAMES = [
    (Connector.WEBHOOK, "媒体系统接口（带签名的 JSON）"),
    (Connector.WECOM, "企业微信群机器人"),
    (Connector.DINGTALK, "钉钉群机器人"),
    (Connector.FEISHU, "飞书群机器人"),
    (Connector.SMS, "短信网关（发快讯，带签名的 JSON）"),
    (Connector.BY_HAND, "人工发布（报纸、电视台、公众号后台）"),
]
PAUSES_S = (60, 300, 1500, 7200)
"""Seconds to wait after the first, second … try that did not come through; after the last one it has failed."""
TITLE_BYTES, LEAD_BYTES = 128, 512
"""What a robot's card takes, in UTF-8."""


@dataclass(frozen=True)
class Piece:
    """What is published: `uid` is that of the publication, the same at every try, so that a channel can tell a repeated one."""

    uid: str
    title: str
    summary: str
    address: str
    picture: str


@dataclass(frozen=True)
class Message:
    """One HTTP POST."""

    address: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Told:
    """What an answer means. `again` asks for another try later; without `understood` the other side did not say it in its own form."""

    published: bool
    words: str
    link: str = ""
    again: bool = False
    understood: bool = True


def against_address(connector: str, address: str) -> str:
    """Why an address cannot be a channel's; empty when it can. This very machine and its link are nobody's channel."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return "网址读不出来"
    if parts.scheme not in {"https", "http"} or not host or parts.username is not None or any(letter.isspace() for letter in address):
        return "请填完整的接口网址，以 https:// 开头"
    number = _number(host)
    if parts.scheme == "http" and connector not in {Connector.WEBHOOK, Connector.SMS}:
        return "机器人的网址以 https:// 开头"
    if parts.scheme == "http" and connector == Connector.SMS and not (number and number.is_private):
        return "要发送手机号码，短信网关的网址以 https:// 开头；政务内网的可填内网 IP"
    if number is None:
        return "不能是本机的地址" if host == "localhost" or host.endswith(".localhost") else ""
    wrong = number.is_loopback or number.is_link_local or number.is_unspecified or number.is_multicast
    return "不能是本机的地址" if wrong else ""


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def message(connector: str, address: str, secret: str, piece: Piece, stamp_s: int) -> Message:
    """The POST for one channel; `stamp_s` is the moment in seconds since 1970, which the signature covers."""
    kind = Connector(connector)
    title, lead = _cut(piece.title, TITLE_BYTES), _cut(piece.summary or piece.title, LEAD_BYTES)
    headers = {"Content-Type": "application/json; charset=utf-8"}
    said: dict[str, object]
    if kind == Connector.WEBHOOK:
        said = {"id": piece.uid, "title": piece.title, "summary": piece.summary, "url": piece.address, "picture": piece.picture}
        body = _json(said)
        return Message(address, body, headers | {"Idempotency-Key": piece.uid} | signature(secret, body, stamp_s))
    if kind == Connector.WECOM:
        card = {"title": title, "description": lead, "url": piece.address, "picurl": piece.picture}
        said = {"msgtype": "news", "news": {"articles": [card]}}
    elif kind == Connector.DINGTALK:
        said = {"msgtype": "link", "link": {"title": title, "text": lead, "messageUrl": piece.address, "picUrl": piece.picture}}
        if secret:
            sign = robot_sign(secret, f"{stamp_s * 1000}\n{secret}")
            address += f"{'&' if '?' in address else '?'}timestamp={stamp_s * 1000}&sign={quote_plus(sign)}"
    elif kind == Connector.FEISHU:
        lines = [[{"tag": "text", "text": lead}], [{"tag": "a", "text": "点击观看", "href": piece.address}]]
        said = {"msg_type": "post", "content": {"post": {"zh_cn": {"title": title, "content": lines}}}}
        if secret:
            said |= {"timestamp": str(stamp_s), "sign": robot_sign(f"{stamp_s}\n{secret}", "")}
    else:
        raise ValueError(connector)
    return Message(address, _json(said), headers)


def signature(secret: str, body: bytes, stamp_s: int) -> dict[str, str]:
    """The headers by which the other side knows that a body comes from here, and is not an old one."""
    signed = hmac.new(secret.encode(), f"{stamp_s}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Yuanjiao-Timestamp": str(stamp_s), "X-Yuanjiao-Signature": f"sha256={signed}"}


def robot_sign(key: str, text: str) -> str:
    """A robot's signature as its makers ask for it."""
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _json(said: object) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _cut(text: str, most: int) -> str:
    return text if len(text.encode()) <= most else text.encode()[: most - 3].decode(errors="ignore") + "…"


def told(connector: str, status: int, body: bytes) -> Told:
    """What a channel answered. Robots say 200 and put their refusal into the body."""
    if status in {408, 425, 429} or status >= 500:
        return Told(False, f"该媒体暂时不能接收（HTTP {status}）", again=True)
    if not 200 <= status < 300:
        return Told(False, f"该媒体拒绝了（HTTP {status}）{_plain(body)}")
    said = read_answer(body)
    if connector == Connector.WEBHOOK:
        link = str(said.get("url", ""))
        return Told(True, "已接收", link if link.startswith(("https://", "http://")) and len(link) <= 300 else "")
    code = said.get("errcode", said.get("code", said.get("StatusCode")))
    if code == 0:
        return Told(True, "已接收")
    words = said.get("errmsg") or said.get("msg") or "答复读不懂"
    again = code in {45009, 130101, 9499, 11232}  # too often, by maker
    return Told(False, f"该媒体拒绝了（{code}）{words}"[:300], again=again, understood=code is not None)


def read_answer(body: bytes) -> dict[str, object]:
    """What stands in an answer; nothing when it is not an object, cannot be read, or is nested without end."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _plain(body: bytes) -> str:
    return "".join(letter for letter in body[:200].decode(errors="replace") if letter.isprintable())
