"""Setting what a rate is measured against: the target of a division, and a new version of the rule itself. Neither is ever rewritten."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.db.models import Max

from yuanjiao.flow.nodes.models import NodeKind
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.models import RateRuleVersion, RateTarget
from yuanjiao.network.rules.rates import RULE
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division


@transaction.atomic
def set_target(*, division: Division, value: float, on: date, document: str, by: Actor, at: datetime) -> RateTarget:
    """From `on` the division, and those below it without their own, are to reach `value` (0 to 1), by a document (NET05)."""
    by.require(Permission.IMPORT_REGISTER, division.path)
    _require_home()
    if not 0 < value <= 1:
        raise Refused("目标应在 0 与 100% 之间")
    if not document.strip():
        raise Refused("目标须写明依据文件")
    if RateTarget.objects.filter(division__code=division.code, valid_from=on).exists():
        raise Conflict(f"{division.name} 自 {on:%Y-%m-%d} 起的目标已经登记；请另定起始日期")
    target = RateTarget.objects.create(division=division, value=value, valid_from=on, document=document.strip())
    write_audit(by=by, action="设定畅通率目标", subject=f"区划 {division.code}", at=at, detail=f"{on} 起 {value:.2%}，{document.strip()}")
    return target


@transaction.atomic
def issue_rule(
    *, heartbeat_min: int, play_days: int, min_coverage: float, on: date, document: str, by: Actor, at: datetime
) -> RateRuleVersion:
    """From `on`, a coming day, "unobstructed" means something else (NET06). Earlier days stay counted by the version of their day."""
    by.require(Permission.IMPORT_REGISTER)
    _require_home()
    if not document.strip():
        raise Refused("规则须写明依据文件")
    if not (1 <= heartbeat_min <= 1440 and 1 <= play_days <= 366 and 0.5 <= min_coverage <= 1):
        raise Refused("心跳应在 1 至 1440 分钟、播放测试在 1 至 366 天、最低已知比例在 50% 至 100% 之间")
    newest = RateRuleVersion.objects.aggregate(day=Max("valid_from"), version=Max("version"))
    if on <= local_day(at) or (newest["day"] is not None and on <= newest["day"]):
        raise Refused("新规则只能从今后的一天起施行，并晚于前一版；已经公布的数字不改")
    row = RateRuleVersion.objects.create(
        version=(newest["version"] or RULE.version) + 1, heartbeat_min=heartbeat_min, play_days=play_days, min_coverage=min_coverage,
        valid_from=on, document=document.strip(),
    )  # fmt: skip
    write_audit(by=by, action="发布畅通规则", subject=f"畅通规则 第 {row.version} 版", at=at, detail=f"{on} 起，{row.document}")
    return row


def _require_home() -> None:
    """Targets and rules come down from the centre; what an edge wrote would be gone with the next catalogue."""
    if own_node().kind != NodeKind.CENTRE:
        raise Refused("目标与规则由中心设定，请到中心办理")
