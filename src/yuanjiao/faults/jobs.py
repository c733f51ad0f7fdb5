"""Timed work at the centre: reports from everywhere are taken up; outages nobody reports get their order."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from yuanjiao.faults.commands import draft_urging, ensure_dictionaries, fold_order, open_order, queue_digests, take_up_report
from yuanjiao.faults.commands import send_messages as commands_send
from yuanjiao.faults.models import WorkOrder
from yuanjiao.faults.queries import pending_reports
from yuanjiao.faults.queries.agreements import Answering, overdue_without_sheet
from yuanjiao.faults.queries.dictionary import shortest_patience, term_for
from yuanjiao.faults.queries.orders import outages_without_order, unstable_without_order
from yuanjiao.faults.queries.reports import newly_pending
from yuanjiao.faults.rules import CLASS_OF_KIND, Channel, is_due
from yuanjiao.faults.rules.urging import FIRST_AFTER, Rung
from yuanjiao.items.rules import ItemKind, State
from yuanjiao.lib.clock import CHINA, local_day
from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.network.queries import OutageView, object_by_code, outage_views
from yuanjiao.people.rules import SYSTEM

log = logging.getLogger(__name__)
REPORTS_PER_TURN = 200
ORDERS_PER_TURN = 500
SHEETS_PER_TURN = 300
DIGEST_HOUR = 8
TOGETHER = 100
"""Outages, or late items, looked at in one query."""


def take_up_reports(at: datetime, *, left_behind: bool = False) -> int:
    """Take up what waits, oldest first; one that cannot be taken up is named in the log and does not stop the others.

    Without `left_behind` only the newest reports are gone through: years of them are not read every few seconds.
    """
    taken = 0
    for report in (pending_reports() if left_behind else newly_pending())[:REPORTS_PER_TURN]:
        ensure_dictionaries()
        try:
            take_up_report(report=report, by=SYSTEM, at=at)
            taken += 1
        except YuanjiaoError as error:
            log.warning("report %s waits: %s", report.receipt_code, error.message)
    return taken


def take_up_left_reports(at: datetime) -> int:
    """The turn of those that could not be taken up while they were new."""
    return take_up_reports(at, left_behind=True)


def open_orders_for_outages(at: datetime) -> int:
    """One order for every open root outage older than its patience; one per root, whatever it darkens (NET08).

    What comes and goes gets one order for all its drops, however short each of them is. At most some hundred orders a turn.
    """
    unstable = unstable_without_order()
    keys = [*unstable, *outages_without_order(at - shortest_patience()).values_list("pk", flat=True)]
    opened = 0
    if keys:
        ensure_dictionaries()
    for start in range(0, len(keys), TOGETHER):
        views = outage_views(keys[start : start + TOGETHER])
        opened += sum(_open(outage, at) for outage in views if outage.outage_id in unstable or _is_due(outage, at))
        if opened >= ORDERS_PER_TURN:
            break
    return opened


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
    rows = WorkOrder.objects.filter(
        outage__root__isnull=False, outage__root__order__isnull=False, item__kind=ItemKind.WORK_ORDER, item__state=State.ISSUED
    )
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


def send_messages(at: datetime) -> int:
    """Send what is due to addresses outside; in the morning the digest of the day first."""
    if at.astimezone(CHINA).hour >= DIGEST_HOUR:
        queue_digests(at)
    return commands_send(at=at)


def draft_urgings(at: datetime) -> int:
    """Draft the sheets of what is late, the longest first, at most some hundred a turn. A person decides whether any is sent."""
    known = Answering(local_day(at))
    return sum(_draft(rung, past, known, at) for rung, past in ((Rung.DIRECT, timedelta()), (Rung.FIRST, FIRST_AFTER)))


def _draft(rung: Rung, past: timedelta, known: Answering, at: datetime) -> int:
    """Until enough are made, not until enough are looked at: items nobody answers for would hold up the others for ever."""
    rows, made = overdue_without_sheet(at, rung, past), 0
    keys = list(rows.values_list("pk", flat=True))
    for start in range(0, len(keys), TOGETHER):
        made += sum(draft_urging(item=item, rung=rung, at=at, known=known) for item in rows.filter(pk__in=keys[start : start + TOGETHER]))
        if made >= SHEETS_PER_TURN:
            break
    return made
