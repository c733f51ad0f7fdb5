"""What may be sent outside and how often: pure.

Robots of groups take 20 messages a minute and shut for ten minutes whoever sends more (requirements c11); so two fewer are sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta

KINDS: dict[str, str] = {
    "wecombot": "企业微信群机器人",
    "dingtalk": "钉钉群机器人",
    "feishu": "飞书群机器人",
    "mailto": "邮件",
    "mailtos": "邮件",
}
"""The ways out that are offered, by the scheme of their address. Others are not: an address must not reach into the own network."""
MAIL_PORTS = frozenset({25, 465, 587})
"""Where mail servers listen. Robots are asked at their makers' own addresses, which stand in Apprise: no address of ours changes those."""
PER_MINUTE = 18
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360))
"""After the first try, the second … ; after the last of them a person decides."""
ANSWER_LENGTH = 200


ROBOTS = (
    (re.compile(r"https://qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=([\w-]+)"), "wecombot"),
    (re.compile(r"https://oapi\.dingtalk\.com/robot/send\?access_token=([\w-]+)"), "dingtalk"),
    (re.compile(r"https://open\.feishu\.cn/open-apis/bot/v2/hook/([\w-]+)/?"), "feishu"),
)
"""The addresses of robots as their makers show them."""


def plain_address(text: str) -> str:
    """An address as the carrier reads it: scheme://key for a robot's own https address, any other as it is."""
    for form, scheme in ROBOTS:
        found = form.fullmatch(text.strip())
        if found:
            return f"{scheme}://{found[1]}"
    return text.strip()


def pause_after(tries: int) -> timedelta | None:
    """How long to wait after so many failed tries; None when there have been enough."""
    return PAUSES[tries - 1] if 1 <= tries <= len(PAUSES) else None


def refusal_in(body: bytes) -> str:
    """What a robot refused in a body it sent with status 200, "" when it took the message or says nothing of it.

    WeCom and DingTalk tell `errcode`, Feishu `code`; 0 is well.
    """
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(said, dict):
        return ""
    code = said.get("errcode", said.get("code", 0))
    return "" if code in {0, "0"} else f"{code} {said.get('errmsg', said.get('msg', ''))}".strip()[:ANSWER_LENGTH]


def digest_words(place: str, counts: Mapping[str, int]) -> str:
    """The numbers of a day, never what stands behind them: red, yellow, blue, sheets that wait."""
    told = {"red": "超期", "yellow": "滞后", "blue": "临期", "sheets": "待批准的催办单"}
    parts = "，".join(f"{name} {counts[key]} 件" for key, name in told.items() if counts.get(key))
    return f"{place}：{parts or '没有超期、滞后、临期的事项'}。详情请登录平台查看。"
