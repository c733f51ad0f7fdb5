"""Writes of reports: filing one anywhere, taking it up at the centre."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from yuanjiao.faults.commands.orders import open_order, reopen_order
from yuanjiao.faults.events import FaultReported
from yuanjiao.faults.models import CallBack, FaultReport, ReporterContact, ReportHandling, WorkOrder
from yuanjiao.faults.queries.dictionary import term_for
from yuanjiao.faults.queries.orders import open_order_for
from yuanjiao.faults.rules import Channel, Symptom
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.nodes.models import NodeKind
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.items.rules import State, readable_code
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.seal import phone_digits, seal
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models import ManagedObject
from yuanjiao.network.queries import OutageView, object_by_code, open_outage_of
from yuanjiao.people.rules import Actor, Permission

WORDS_LENGTH = 300
MINIMUM_PHONE = 7


@transaction.atomic
def report_fault(
    *,
    site: ManagedObject,
    channel: Channel,
    symptom: str,
    error_code: str = "",
    words: str = "",
    caller_name: str = "",
    caller_phone: str = "",
    by: Actor,
    at: datetime,
    uid: UUID | None = None,
) -> FaultReport:
    """File a fault of a site; works on any machine, also one that is cut off. The caller's number stays on this machine."""
    by.require(Permission.FILE_FAULT, site.division.path)
    _check(site, symptom, error_code, caller_phone)
    uid = uid or new_uid()
    if FaultReport.objects.filter(uid=uid).exists():
        raise Conflict("这份申报已经提交过了")
    event = FaultReported(
        uid=uid,
        receipt_code=readable_code(uid),
        site=site.code,
        site_name=site.name,
        path=site.division.path,
        channel=channel,
        symptom=symptom,
        error_code=error_code.strip()[:20],
        words=words.strip()[:WORDS_LENGTH],
        filer=by.person_uid,
    )
    record(event, at=at)
    report = FaultReport.objects.get(uid=uid)
    if caller_name.strip() or caller_phone.strip():
        ReporterContact.objects.create(
            report=report, name=caller_name.strip()[:50], phone_sealed=seal(caller_phone.strip(), settings.SECRET_KEY)
        )
    return report


def _check(site: ManagedObject, symptom: str, error_code: str, phone: str) -> None:
    if site.kind != "site":
        raise Refused("申报应指明站点")
    if symptom not in set(Symptom):
        raise Refused("请选择故障现象")
    if symptom == Symptom.ERROR_CODE and not error_code.strip():
        raise Refused("请填写屏幕上的错误代码")
    if phone.strip() and len(phone_digits(phone)) < MINIMUM_PHONE:
        raise Refused("回访电话不完整")


@transaction.atomic
def take_up_report(*, report: FaultReport, separate: bool = False, by: Actor, at: datetime) -> ReportHandling:
    """Join a report to the order that deals with its site's trouble, or open one; store how late it was filed (OPS07).

    `separate` opens an order of its own although one is known: the caller tells of another trouble.
    """
    if ReportHandling.objects.filter(report=report).exists():
        raise Conflict("这份申报已经受理")
    site = object_by_code(report.site_code)
    outage = open_outage_of(site)
    known = None if separate else open_order_for(site, outage)
    order = known or _new_order(report, site, None if separate else outage, by=by, at=at)
    try:
        with transaction.atomic():
            return ReportHandling.objects.create(
                report=report, order=order, attached=known is not None, taken_up_at=at, **_delay(report, site, outage)
            )
    except IntegrityError:
        raise Conflict("这份申报已经受理") from None


def _new_order(report: FaultReport, site: ManagedObject, outage: OutageView | None, *, by: Actor, at: datetime) -> WorkOrder:
    subject = object_by_code(outage.code) if outage else site
    return open_order(subject=subject, outage=outage, raised_by=Channel(report.channel), by=by, at=at)


def _delay(report: FaultReport, site: ManagedObject, outage: OutageView | None) -> dict[str, object]:
    """From the outage's beginning to the filing, in seconds; nothing when no outage is known. A report may precede the finding."""
    if outage is None:
        return {}
    term = term_for(outage.fault_class or "equipment", site.division)
    delay = max(report.filed_at - outage.started_at, timedelta())
    return {
        "outage_id": outage.outage_id,
        "outage_started_at": outage.started_at,
        "filing_delay_s": round(delay.total_seconds()),
        "limit_s": term.filing_limit_hours * 3600,
    }


@transaction.atomic
def take_call(*, separate: bool = False, by: Actor, at: datetime, **details: object) -> tuple[FaultReport, ReportHandling]:
    """A clerk files what a caller says and takes it up at once; `details` are those of `report_fault`."""
    by.require(Permission.ANSWER_HOTLINE)
    if own_node().kind != NodeKind.CENTRE:
        raise Refused("热线在市级中心受理，本机只能登记申报")
    report = report_fault(channel=Channel.PHONE, by=by, at=at, **details)  # type: ignore[arg-type]
    return report, take_up_report(report=report, separate=separate, by=by, at=at)


@transaction.atomic
def record_callback(*, report: FaultReport, satisfied: bool, note: str, by: Actor, at: datetime) -> CallBack:
    """Write down what the reporter says of the finished repair; "not satisfied" reopens the order (story 12)."""
    by.require(Permission.ANSWER_HOTLINE, report.path)
    handling = ReportHandling.objects.select_related("order__item__division", "order__item__lead_unit").filter(report=report).first()
    if handling is None or handling.order.item.state not in {State.VERIFIED, State.CLOSED}:
        raise Refused("工单核实以后才能回访")
    if not satisfied and not note.strip():
        raise Refused("不满意时请写明还有什么问题")
    if not satisfied:
        reopen_order(order=handling.order, reason=f"回访不满意：{note.strip()}", by=by, at=at)
    return CallBack.objects.create(
        report=report, satisfied=satisfied, note=note.strip()[:200], by_uid=by.person_uid, by_name=by.name[:50], at=at
    )
