"""The rows behind documents, taken from the rooms below at one moment: each table from one query, nothing typed, nothing estimated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from yuanjiao.courseware.queries import released_items
from yuanjiao.faults.models import WorkOrder
from yuanjiao.faults.queries import reports_seen_by, under_reporting
from yuanjiao.faults.queries.orders import orders_in
from yuanjiao.items.rules import STATE_NAMES, State
from yuanjiao.learning import queries as learning
from yuanjiao.learning.models import FORM_NAMES
from yuanjiao.learning.rules import SessionForm
from yuanjiao.lib.clock import local_day
from yuanjiao.network.models import ObjectKind
from yuanjiao.network.queries import OutageView, rates_by_site
from yuanjiao.people.rules import SYSTEM
from yuanjiao.reports.models import FrozenRow
from yuanjiao.reports.rules import STANDING_NAMES, Period, Standing

IN_SERVICE, SUSPENDED = "in_service", "suspended"
UNSETTLED = "unsettled"
USED, UNUSED = "used", "unused"
CLOSED, OPEN = "closed", "open"
KEPT, LATE = "kept", "late"
REPORTED, UNREPORTED = "reported", "unreported"


@dataclass(frozen=True)
class TableHead:
    """What a table's rows are and what their amounts mean; an amount in seconds is shown as a duration."""

    title: str
    row: str
    at: str = ""
    amounts: tuple[str, ...] = ()
    in_seconds: bool = False
    groups: tuple[tuple[str, str], ...] = ()

    def group_name(self, group: str) -> str:
        return dict(self.groups).get(group, group)


CLASS_GROUPS = (("server", "服务器故障"), ("line", "线路故障"), ("equipment", "设备故障"), (UNSETTLED, "尚未判明"))
CHANNEL_GROUPS = (
    ("phone", "热线电话"),
    ("site_button", "站点一键报修"),
    ("web", "网页"),
    ("officer", "组织部门申报"),
    ("automatic", "系统自动"),
)
TABLES: dict[str, TableHead] = {
    "sites": TableHead(
        "站点与畅通时间", "站点", amounts=("畅通", "不通", "情况不明"), in_seconds=True, groups=((IN_SERVICE, "在用"), (SUSPENDED, "停用"))
    ),
    "outages": TableHead("中断", "中断对象", "开始时间", ("历时（秒）", "影响站点"), groups=CLASS_GROUPS),
    "unreported": TableHead("无人申报的中断", "中断对象", "开始时间", ("历时（秒）", "影响站点"), groups=CLASS_GROUPS),
    "reports": TableHead("故障申报", "站点", "申报时间", groups=CHANNEL_GROUPS),
    "orders": TableHead("工单", "故障对象", "开单时间", groups=((CLOSED, "已办结"), (OPEN, "在办"))),
    "judged": TableHead("已到时限的工单", "故障对象", "办结时限", groups=((KEPT, "按时"), (LATE, "超时"))),
    "sessions": TableHead("学习场次", "站点", "举办时间", ("现场人次", "线上人次", "分钟")),
    "use": TableHead("站点使用", "站点", groups=((USED, "有场次"), (UNUSED, "零使用"))),
    "items": TableHead("新发布课件", "课件", "发布时间"),
    "detected": TableHead(
        "中断与申报", "中断对象", "开始时间", ("历时（秒）", "影响站点"), groups=((REPORTED, "有人申报"), (UNREPORTED, "无人申报"))
    ),
    "filings": TableHead("报告报送", "报告单位", "时限", groups=tuple((str(one), STANDING_NAMES[one]) for one in Standing)),
    "reopened": TableHead("重新打开的工单", "故障对象", "开单时间", ("重开次数",)),
    "replaced": TableHead("更换设备", "设备"),
    "told": TableHead("各地周报数字", "报告单位", "数据截至", ("数值",)),
}
MONTH_TABLES = ("sites", "outages", "unreported", "reports", "orders", "judged", "sessions", "use", "items")
"""The tables of a month's or a week's report, in the order of its sheets."""


def freeze_rows(path: str, period: Period) -> list[FrozenRow]:
    """Every row behind the figures of the subtree over the period, not yet saved."""
    return [
        *site_rows(path, period),
        *_outages(path, period),
        *_reports(path, period),
        *order_rows(orders_in(path, period.start, period.end), period),
        *_sessions(path, period),
        *_use(path, period),
        *_items(period),
    ]


def site_rows(path: str, period: Period) -> Iterator[FrozenRow]:
    for site in rates_by_site(path, period.start, period.end):
        rate = site.rate
        if not rate.population and not rate.suspended:
            continue  # not yet, or no longer, in service in this month
        group = IN_SERVICE if rate.population else SUSPENDED
        yield FrozenRow(
            table="sites", group=group, path=site.path, code=site.code, title=site.name,
            first=rate.up, second=rate.down, third=rate.unknown,
        )  # fmt: skip


def _outages(path: str, period: Period) -> Iterator[FrozenRow]:
    found = under_reporting(path, period.start, period.end)
    for table, views in (("outages", found.detected), ("unreported", found.unreported)):
        for view in views:
            yield _outage(table, view, period)


def _outage(table: str, view: OutageView, period: Period) -> FrozenRow:
    ended = min(view.ended_at or period.end, period.end)
    kind = ObjectKind(view.object_kind).label
    return FrozenRow(
        table=table, group=view.fault_class or UNSETTLED, path=view.path, code=view.code, title=view.name, at=view.started_at,
        detail=f"{kind}；{view.class_name or '尚未判明'}；{'已恢复' if view.ended_at and view.ended_at <= period.end else '截至时未恢复'}",
        first=max(int((ended - view.started_at).total_seconds()), 0), second=view.affected_count,
    )  # fmt: skip


def _reports(path: str, period: Period) -> Iterator[FrozenRow]:
    rows = reports_seen_by(SYSTEM).filter(path__startswith=path, filed_at__gte=period.start, filed_at__lt=period.end)
    for report in rows.order_by("filed_at", "pk"):
        yield FrozenRow(
            table="reports", group=report.channel, path=report.path, code=report.receipt_code, title=report.site_name,
            at=report.filed_at, detail=report.get_symptom_display(),
        )  # fmt: skip


def detected_rows(path: str, period: Period) -> Iterator[FrozenRow]:
    """Every outage that was found, by whether anybody reported it (OPS06)."""
    found = under_reporting(path, period.start, period.end)
    nobody = {view.outage_id for view in found.unreported}
    for view in found.detected:
        row = _outage("detected", view, period)
        row.detail, row.group = f"{view.class_name or '尚未判明'}；{row.detail}"[:200], UNREPORTED if view.outage_id in nobody else REPORTED
        yield row


def order_rows(orders: Iterable[WorkOrder], period: Period) -> Iterator[FrozenRow]:
    """The orders, those among them that can be judged by their due time, and those that were opened again.

    The clock stops at the play test; until there is one, at the handing in: as in the pages' own sum (`faults.orders_summary`).
    """
    for order in orders:
        item = order.item
        common = {"path": item.division.path, "code": item.code, "title": order.subject.name, "detail": STATE_NAMES[State(item.state)]}
        yield FrozenRow(table="orders", group=CLOSED if item.state == State.CLOSED else OPEN, at=item.created_at, **common)
        stopped = order.test_at or item.submitted_at
        if item.due_at is not None and (stopped or item.due_at <= period.end):
            kept = stopped is not None and stopped <= item.due_at
            yield FrozenRow(table="judged", group=KEPT if kept else LATE, at=item.due_at, **common)
        if item.reopened_count:
            yield FrozenRow(table="reopened", at=item.created_at, first=item.reopened_count, **common)


def _sessions(path: str, period: Period) -> Iterator[FrozenRow]:
    forms = dict(FORM_NAMES)
    for session in learning.counted_sessions([path], *period.days).order_by("held_at", "pk").prefetch_related("items"):
        name = session.site.name if session.site else str(session.site_id)
        shown = "、".join(item.title for item in session.items.all())
        yield FrozenRow(
            table="sessions", path=session.path, code=str(session.site_id), title=name,
            at=session.held_at, detail=f"{forms[SessionForm(session.form)]}；{shown}"[:200],
            first=session.heads_onsite, second=session.heads_online, third=session.minutes,
        )  # fmt: skip


def _use(path: str, period: Period) -> Iterator[FrozenRow]:
    used = learning.use_by_site([path], *period.days)
    for site in learning.sites_asked([path], period.days[1]):
        yield FrozenRow(table="use", group=USED if site.code in used else UNUSED, path=site.division.path, code=site.code, title=site.name)


def _items(period: Period) -> Iterator[FrozenRow]:
    """Items released in the period, of the city's library: they are everybody's, so they have no path."""
    for card in released_items(on=local_day(period.end - timedelta(microseconds=1))):
        if period.start <= card.released_at < period.end:
            yield FrozenRow(
                table="items",
                code=str(card.uid)[:8],
                title=card.title,
                at=card.released_at,
                detail=f"{card.class_name}；{card.unit_name}"[:200],
            )
