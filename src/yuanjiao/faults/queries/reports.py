"""Reads of reports: in scope, waiting, and the public answer to a receipt code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Max, QuerySet

from yuanjiao.faults.models import FaultReport, ReporterContact, ReportHandling
from yuanjiao.items.queries import story
from yuanjiao.items.rules import STATE_NAMES, Act, State, clean_code
from yuanjiao.lib.seal import unseal
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission


def reports_seen_by(actor: Actor) -> QuerySet[FaultReport]:
    """Reports from the actor's subtree, newest first."""
    rows = FaultReport.objects.filter(within("path", actor.paths(Permission.SEE_ORDERS)))
    return rows.select_related("handling__order__item").order_by("-filed_at", "-pk")


def report_of(actor: Actor, code: str) -> FaultReport | None:
    """The report with that receipt code inside the actor's subtree."""
    return reports_seen_by(actor).filter(receipt_code=clean_code(code)).first()


def pending_reports() -> QuerySet[FaultReport]:
    """Reports nobody has taken up yet, oldest first."""
    return FaultReport.objects.filter(handling=None).order_by("filed_at", "pk")


def newly_pending(behind: int = 1000) -> QuerySet[FaultReport]:
    """Those of `pending_reports` that came after the newest that was taken up, or shortly before it: found without going through all."""
    newest = ReportHandling.objects.aggregate(newest=Max("report_id"))["newest"] or 0
    return pending_reports().filter(pk__gt=newest - behind)


def callback_phone(report: FaultReport) -> str:
    """The number to call back, as it was given; empty when none was left here."""
    contact = ReporterContact.objects.filter(report=report).first()
    return unseal(bytes(contact.phone_sealed), settings.SECRET_KEY) if contact else ""


@dataclass(frozen=True)
class FollowedLine:
    """One step as the public reads it: no person, no reason."""

    at: datetime
    title: str


@dataclass(frozen=True)
class FollowedReport:
    """A report as its code shows it to anybody: what, where, how far. No names."""

    code: str
    site_name: str
    filed_at: datetime
    symptom: str
    state: str
    is_closed: bool
    lines: list[FollowedLine]


PUBLIC_WORDS: dict[str, str] = {
    Act.ISSUE: "已派单给维护单位",
    Act.ACCEPT: "维护人员已签收",
    Act.START: "正在处理",
    Act.SUBMIT: "已修复，等待核实",
    Act.RETURN: "核实未通过，重新处理",
    Act.VERIFY: "播放测试通过，已核实",
    Act.CLOSE: "已办结",
    Act.REOPEN: "重新处理",
    Act.CANCEL: "已撤销",
}


def follow(text: str) -> FollowedReport | None:
    """What a receipt code (of a report or of an order) may tell anybody; None when there is no such code."""
    code = clean_code(text)
    rows = FaultReport.objects.select_related("handling__order__item").order_by("-filed_at")
    report = rows.filter(receipt_code=code).first() or rows.filter(handling__order__item__code=code).first()
    if report is None or not code:
        return None
    handling: ReportHandling | None = getattr(report, "handling", None)
    item = handling.order.item if handling else None
    return FollowedReport(
        code=code,
        site_name=report.site_name,
        filed_at=report.filed_at,
        symptom=report.get_symptom_display(),
        state=STATE_NAMES[State(item.state)] if item else "已登记，正在派单",
        is_closed=item is not None and item.state in {State.CLOSED, State.CANCELLED},
        lines=[FollowedLine(report.filed_at, "已登记"), *(_public_steps(report, handling) if handling else [])],
    )


def _public_steps(report: FaultReport, handling: ReportHandling) -> list[FollowedLine]:
    """The order's steps since the report was filed; joining an order under way is itself a step."""
    steps = [line.step for line in story(handling.order.item) if line.step.act in PUBLIC_WORDS and line.step.at >= report.filed_at]
    lines = [FollowedLine(step.at, PUBLIC_WORDS[step.act]) for step in steps]
    if handling.attached and not any(step.act == Act.ISSUE for step in steps):
        lines.insert(0, FollowedLine(handling.taken_up_at, "已并入正在办理的工单"))
    return lines
