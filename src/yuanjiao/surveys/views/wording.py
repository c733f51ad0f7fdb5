"""The figures of a survey in words: every share with what it is a share of, and how it was made."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from yuanjiao.surveys.models import Survey
from yuanjiao.surveys.queries import Result
from yuanjiao.surveys.rules import Estimate, Heard
from yuanjiao.ui.templatetags.zh import duration

RULES = "无人在场的不计入分母；不能走访的由同层、同一抽样次序的下一个村替换，原因留存。"
SIMPLE = "简单随机抽样：区间为 Wilson 得分区间（95%），作有限总体校正（Cochran 1977）。"
STRATIFIED = (
    "分层抽样：现场和同样的村的遥测都按各层在框里的大小加权，方差作有限总体校正（Cochran 1977）；"
    "区间为按有效样本量计算的 Wilson 区间（95%），不短于同样多的简单随机样本。"
)


def percent(value: float) -> str:
    return f"{value:.1%}"


def field_words(survey: Survey, field: Estimate) -> dict[str, Any]:
    """What was seen: the share, its interval and how that was counted."""
    words: dict[str, Any] = {"method": (STRATIFIED if survey.strata else SIMPLE) + RULES}
    if field.value is not None:
        words |= {"field_text": percent(field.value), "field_low": percent(field.low), "field_high": percent(field.high)}
    return words


def telemetry_words(result: Result) -> dict[str, Any]:
    """What telemetry says, with its known share: of the same villages, and of the whole once it is kept."""
    words = {"same_text": _same_share(result)}
    if result.whole is not None:
        spans = {"down": result.whole.down, "known": result.whole.known, "unknown": result.whole.unknown}
        words |= {"whole_text": _share(result.whole)} | {f"whole_{name}": str(duration(seconds)) for name, seconds in spans.items()}
    return words


def _share(heard: Heard) -> str:
    return _known_share(heard.value, heard)


def _same_share(result: Result) -> str:
    """Of the visited villages, weighted as the field's; no figure where the field's would have none for the same reason."""
    if result.same_share is None and result.same.known:
        return _("无：%(names)s没有遥测记录") % {"names": "、".join(result.same_silent[:3])}
    return _known_share(result.same_share, result.same)


def _known_share(value: float | None, heard: Heard) -> str:
    if value is None or heard.coverage is None:
        return _("没有遥测记录")
    return _("%(share)s（已知 %(known)s）") % {"share": percent(value), "known": percent(heard.coverage)}


def strata_rows(result: Result) -> list[dict[str, Any]]:
    """One row per stratum: in the frame, drawn, seen, faulty."""
    return [
        {"name": one.name, "size": one.size, "drawn": result.drawn.get(one.name, 0), "known": one.known, "faulty": one.faulty,
         "share": percent(one.share) if one.known else "—"}
        for one in result.strata
    ]  # fmt: skip
