"""Writes of work orders. The life is the item's (items/commands.py); here stand the class, the cause and the play test."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from yuanjiao.faults.commands.dictionary import ensure_dictionaries
from yuanjiao.faults.models import ReportHandling, WorkOrder
from yuanjiao.faults.queries.acceptance import acceptance_check
from yuanjiao.faults.queries.agreements import Promise, promise_for
from yuanjiao.faults.queries.dictionary import cause_by_code, term_for
from yuanjiao.faults.queries.orders import operator_unit_for
from yuanjiao.faults.rules import CLASS_NAMES, CLASS_OF_KIND, Channel, FaultClass
from yuanjiao.items import commands as items
from yuanjiao.items.rules import ItemKind, ThreeAnswers, grouped_code
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.models import ManagedObject
from yuanjiao.network.queries import OutageView
from yuanjiao.people.rules import Actor
from yuanjiao.places.models import OrgUnit

EXPECTED = "恢复畅通，并有开始处理之后的播放测试记录"


@transaction.atomic
def open_order(*, subject: ManagedObject, outage: OutageView | None, raised_by: Channel, by: Actor, at: datetime) -> WorkOrder:
    """Write an order for a broken object and dispatch it at once to the operator's unit that answers for the place.

    Without such a unit it stays a draft that a person must dispatch. Conflict when the outage has its order already.
    """
    ensure_dictionaries()
    proposed = FaultClass(outage.fault_class) if outage and outage.fault_class else CLASS_OF_KIND[subject.kind]
    term = term_for(proposed, subject.division)
    item = items.create_item(
        kind=ItemKind.WORK_ORDER,
        title=f"{subject.name}{CLASS_NAMES[proposed]}",
        division=subject.division,
        lead_unit=operator_unit_for(subject.division, term.unit_level, on=clock.local_day(at)),
        expected_result=EXPECTED,
        source=raised_by,
        by=by,
        at=at,
    )
    order = WorkOrder(
        item=item,
        subject=subject,
        outage_id=outage.outage_id if outage else None,
        outage_started_at=outage.started_at if outage else None,
        raised_by=raised_by,
        proposed_class=proposed,
        evidence=(outage.evidence if outage else "")[:400],
    )
    try:
        with transaction.atomic():
            order.save(force_insert=True)
    except IntegrityError:
        raise Conflict("这次中断已有工单") from None
    return order if item.lead_unit is None else _issue(order, None, by=by, at=at)


@transaction.atomic
def _issue(order: WorkOrder, unit: OrgUnit | None, *, by: Actor, at: datetime) -> WorkOrder:
    """The dates follow from the agreement in force at dispatch, or from the city's service terms; which one stays with the order."""
    promise = _promise(order, at)
    order.item = items.issue_item(
        item=order.item, due_at=promise.restore_due_at, respond_due_at=promise.respond_due_at, lead_unit=unit, by=by, at=at
    )
    order.agreement_number = promise.agreement_number
    order.save(update_fields=["agreement_number"])
    return order


def dispatch_order(*, order: WorkOrder, unit: OrgUnit, by: Actor, at: datetime) -> WorkOrder:
    """Send a draft or a declined order to a unit; the clock starts now."""
    return _issue(order, unit, by=by, at=at)


def _promise(order: WorkOrder, at: datetime) -> Promise:
    return promise_for(order.fault_class or order.proposed_class, order.subject.division, at)


def accept_order(*, order: WorkOrder, by: Actor, at: datetime) -> WorkOrder:
    """The engineer takes the order."""
    order.item = items.accept_item(item=order.item, by=by, at=at)
    return order


def decline_order(*, order: WorkOrder, reason: str, by: Actor, at: datetime) -> WorkOrder:
    """Not ours, with a reason; it goes back to the desk that dispatched it."""
    order.item = items.decline_item(item=order.item, reason=reason, by=by, at=at)
    return order


def start_order(*, order: WorkOrder, by: Actor, at: datetime) -> WorkOrder:
    """Work begins; only a play test after this moment can verify the repair."""
    order.item = items.start_item(item=order.item, by=by, at=at)
    return order


@transaction.atomic
def submit_order(*, order: WorkOrder, fault_class: str, cause: str, note: str, by: Actor, at: datetime) -> WorkOrder:
    """Hand in the repair with class and cause, both compulsory (OPS03, OPS09)."""
    if fault_class not in set(FaultClass):
        raise Refused("请选定故障类别：服务器、线路或终端站点设备")
    found = cause_by_code(cause) if cause else None
    if found is None:
        raise Refused("请选定故障原因")
    if found.fault_class and found.fault_class != fault_class:
        raise Refused(f"原因“{found.name}”不属于{CLASS_NAMES[FaultClass(fault_class)]}")
    order.item = items.submit_item(item=order.item, result=note, by=by, at=at)
    order.fault_class, order.cause, order.repair_note = fault_class, found, note.strip()[:300]
    order.save(update_fields=["fault_class", "cause", "repair_note"])
    return order


def return_order(*, order: WorkOrder, reason: str, by: Actor, at: datetime) -> WorkOrder:
    """Back to the engineer for rework, with a reason."""
    order.item = items.return_for_rework(item=order.item, reason=reason, by=by, at=at)
    return order


@transaction.atomic
def verify_order(*, order: WorkOrder, answers: ThreeAnswers, by: Actor, at: datetime) -> WorkOrder:
    """Verify by the three answers and a play test of the site after the work began. Refused with what is missing.

    Any answer "no" returns the order for rework, test or not.
    """
    check = acceptance_check(order, at=at)
    if answers.passed and not check.passed:
        raise Refused(check.missing)
    order.item = items.verify_item(item=order.item, answers=answers, by=by, at=at)
    if answers.passed and check.play and check.site:
        order.test_uid, order.test_site_code, order.test_at = check.play.uid, check.site.code, check.play.at
        order.save(update_fields=["test_uid", "test_site_code", "test_at"])
    return order


def close_order(*, order: WorkOrder, by: Actor, at: datetime, note: str = "") -> WorkOrder:
    """Close one verified order. Refused without class and cause."""
    if not order.fault_class or order.cause_id is None:
        raise Refused("销号前须定明故障类别和原因")
    order.item = items.close_item(item=order.item, by=by, at=at, note=note)
    return order


@transaction.atomic
def reopen_order(*, order: WorkOrder, reason: str, by: Actor, at: datetime) -> WorkOrder:
    """The trouble is back or the caller is not satisfied: a new clock by what is agreed now; the old play test proves nothing any more."""
    promise = _promise(order, at)
    order.item = items.reopen_item(
        item=order.item, reason=reason, due_at=promise.restore_due_at, respond_due_at=promise.respond_due_at, by=by, at=at
    )
    order.agreement_number, order.test_uid, order.test_site_code, order.test_at = promise.agreement_number, None, "", None
    order.save(update_fields=["agreement_number", "test_uid", "test_site_code", "test_at"])
    return order


def extend_order(*, order: WorkOrder, hours: int, reason: str, by: Actor, at: datetime) -> WorkOrder:
    """Approve more time, in hours from the present date; both dates stay."""
    if hours < 1 or order.item.due_at is None:
        raise Refused("延期小时数须为正数")
    due = order.item.due_at + timedelta(hours=hours)
    order.item = items.extend_item(item=order.item, due_at=due, reason=reason, by=by, at=at)
    return order


def cancel_order(*, order: WorkOrder, reason: str, by: Actor, at: datetime) -> WorkOrder:
    """End an order that needs no work."""
    order.item = items.cancel_item(item=order.item, reason=reason, by=by, at=at)
    return order


@transaction.atomic
def fold_order(*, order: WorkOrder, into: WorkOrder, by: Actor, at: datetime) -> None:
    """Two orders have one root: end the first and carry its reports to the other."""
    cancel_order(order=order, reason=f"并入工单 {grouped_code(into.item.code)} {into.item.title}", by=by, at=at)
    ReportHandling.objects.filter(order=order).update(order=into, attached=True)
