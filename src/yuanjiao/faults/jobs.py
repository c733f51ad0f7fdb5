"""Timed work at the centre: reports from everywhere are taken up; outages nobody reports get their order."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Q

from yuanjiao.faults.commands import ensure_dictionaries, fold_order, open_order, take_up_report
from yuanjiao.faults.models import WorkOrder
from yuanjiao.faults.queries import pending_reports
from yuanjiao.faults.queries.dictionary import term_for
from yuanjiao.faults.rules import CLASS_OF_KIND, Channel, is_due
from yuanjiao.items.rules import OPEN, State
from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.network.queries import InstabilityView, OutageView, object_by_code, open_outages, unstable_objects
from yuanjiao.people.rules import SYSTEM

log = logging.getLogger(__name__)
REPORTS_PER_TURN = 200


def take_up_reports(at: datetime) -> int:
    """Take up what waits, oldest first; one that cannot be taken up is named in the log and does not stop the others."""
    ensure_dictionaries()
    taken = 0
    for report in pending_reports()[:REPORTS_PER_TURN]:
        try:
            take_up_report(report=report, by=SYSTEM, at=at)
            taken += 1
        except YuanjiaoError as error:
            log.warning("report %s waits: %s", report.receipt_code, error.message)
    return taken


def open_orders_for_outages(at: datetime) -> int:
    """One order for every open root outage older than its patience; one per root, whatever it darkens (NET08).

    What comes and goes gets one order for all its drops, however short each of them is.
    """
    ensure_dictionaries()
    with_order = set(WorkOrder.objects.exclude(outage=None).values_list("outage_id", flat=True))
    due = [outage for outage in open_outages(["/"]) if outage.outage_id not in with_order and _is_due(outage, at)]
    due += [one.outage for one in unstable_objects(["/"]) if one.outage is not None and not _has_order(one)]
    return sum(_open(outage, at) for outage in due)


def _has_order(matter: InstabilityView) -> bool:
    """Whether somebody has been sent to the object since it began to come and go, or is still there."""
    orders = WorkOrder.objects.filter(subject__code=matter.code)
    told = matter.outage.outage_id if matter.outage else None
    return orders.filter(Q(outage=told) | Q(outage_started_at__gte=matter.started_at) | Q(item__state__in=OPEN)).exists()


def _is_due(outage: OutageView, at: datetime) -> bool:
    subject = object_by_code(outage.code)
    term = term_for(outage.fault_class or CLASS_OF_KIND[subject.kind], subject.division)
    return is_due(outage.started_at, at, timedelta(minutes=term.patience_minutes))


def _open(outage: OutageView, at: datetime) -> bool:
    try:
        open_order(subject=object_by_code(outage.code), outage=outage, raised_by=Channel.AUTOMATIC, by=SYSTEM, at=at)
    except YuanjiaoError as error:
        log.warning("outage of %s without order: %s", outage.code, error.message)
        return False
    return True


def fold_explained_orders(at: datetime) -> int:
    """An order whose outage has turned out to have a root goes into the root's order, as long as nobody has begun with it."""
    rows = WorkOrder.objects.filter(outage__root__isnull=False, outage__root__order__isnull=False, item__state=State.ISSUED)
    folded = 0
    for order in rows.select_related("item__division", "item__lead_unit", "outage__root__order__item"):
        root = order.outage.root.order  # type: ignore[union-attr]
        try:
            fold_order(order=order, into=root, by=SYSTEM, at=at)
        except YuanjiaoError as error:
            log.info("order %s not folded: %s", order.item.code, error.message)
            continue
        folded += 1
    return folded


def run_faults(at: datetime) -> None:
    """One turn: reports first, so that a reported outage is not opened as an automatic one."""
    take_up_reports(at)
    open_orders_for_outages(at)
    fold_explained_orders(at)
