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
    BY_HAND = "by_hand"


CONNECTOR_NAMES = [
    (Connector.WEBHOOK, "媒体系统接口（带签名的 JSON）"),
    (Connector.WECOM, "企业微信群机器人"),
    (Connector.DINGTALK, "钉钉群机器人"),
    (Connector.FEISHU, "飞书群机器人"),
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
    """What an answer means. `again` asks for another try later."""

    published: bool
    words: str
    link: str = ""
    again: bool = False


def against_address(connector: str, address: str) -> str:
    """Why an address cannot be a channel's; empty when it can. This very machine and its link are nobody's channel."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return "网址读不出来"
    if parts.scheme not in {"https", "http"} or not host or parts.username is not None or any(letter.isspace() for letter in address):
        return "请填完整的接口网址，以 https:// 开头"
    if parts.scheme == "http" and connector != Connector.WEBHOOK:
        return "机器人的网址以 https:// 开头"
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return "不能是本机的地址" if host == "localhost" or host.endswith(".localhost") else ""
    wrong = number.is_loopback or number.is_link_local or number.is_unspecified or number.is_multicast
    return "不能是本机的地址" if wrong else ""


def message(connector: str, address: str, secret: str, piece: Piece, stamp_s: int) -> Message:
    """The POST for one channel; `stamp_s` is the moment in seconds since 1970, which the signature covers."""
    kind = Connector(connector)
    title, lead = _cut(piece.title, TITLE_BYTES), _cut(piece.summary or piece.title, LEAD_BYTES)
    headers = {"Content-Type": "application/json; charset=utf-8"}
    said: dict[str, object]
    if kind == Connector.WEBHOOK:
        said = {"id": piece.uid, "title": piece.title, "summary": piece.summary, "url": piece.address, "picture": piece.picture}
        body = _json(said)
        signed = hmac.new(secret.encode(), f"{stamp_s}.".encode() + body, hashlib.sha256).hexdigest()
        headers |= {"Idempotency-Key": piece.uid, "X-Yuanjiao-Timestamp": str(stamp_s), "X-Yuanjiao-Signature": f"sha256={signed}"}
        return Message(address, body, headers)
    if kind == Connector.WECOM:
        card = {"title": title, "description": lead, "url": piece.address, "picurl": piece.picture}
        said = {"msgtype": "news", "news": {"articles": [card]}}
    elif kind == Connector.DINGTALK:
        said = {"msgtype": "link", "link": {"title": title, "text": lead, "messageUrl": piece.address, "picUrl": piece.picture}}
        if secret:
            sign = _sign(secret, f"{stamp_s * 1000}\n{secret}".encode())
            address += f"{'&' if '?' in address else '?'}timestamp={stamp_s * 1000}&sign={quote_plus(sign)}"
    elif kind == Connector.FEISHU:
        lines = [[{"tag": "text", "text": lead}], [{"tag": "a", "text": "点击观看", "href": piece.address}]]
        said = {"msg_type": "post", "content": {"post": {"zh_cn": {"title": title, "content": lines}}}}
        if secret:
            said |= {"timestamp": str(stamp_s), "sign": _sign(f"{stamp_s}\n{secret}", b"")}
    else:
        raise ValueError(connector)
    return Message(address, _json(said), headers)


def _sign(key: str, text: bytes) -> str:
    return base64.b64encode(hmac.new(key.encode(), text, hashlib.sha256).digest()).decode()


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
    said = _read(body)
    if connector == Connector.WEBHOOK:
        link = str(said.get("url", ""))
        return Told(True, "已接收", link if link.startswith(("https://", "http://")) and len(link) <= 300 else "")
    code = said.get("errcode", said.get("code", said.get("StatusCode")))
    if code == 0:
        return Told(True, "已接收")
    words = said.get("errmsg") or said.get("msg") or "答复读不懂"
    return Told(False, f"该媒体拒绝了（{code}）{words}"[:300], again=code in {45009, 130101, 9499, 11232})  # too often, by maker


def _read(body: bytes) -> dict[str, object]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _plain(body: bytes) -> str:
    return "".join(letter for letter in body[:200].decode(errors="replace") if letter.isprintable())
