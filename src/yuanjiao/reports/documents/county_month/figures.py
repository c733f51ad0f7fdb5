"""Which figures a month's report has, of the whole and of each unit below it."""

from __future__ import annotations

from datetime import datetime

from yuanjiao.network.queries import rate_and_children
from yuanjiao.reports.documents.base import Snapshot, Subject
from yuanjiao.reports.documents.figures import Part, Spec, figures_over
from yuanjiao.reports.documents.tables import CLASS_GROUPS, CLOSED, IN_SERVICE, LATE, SUSPENDED, UNUSED, USED, freeze_rows
from yuanjiao.reports.rules import Measure, Period

M = Measure
NETWORK, FAULTS, LEARNING, LIBRARY = "站点运行", "故障处理", "学习使用", "课件更新"
SPECS = (
    Spec("sites", NETWORK, "在用站点", M.COUNT, "sites", IN_SERVICE, "个"),
    Spec("suspended", NETWORK, "停用站点", M.COUNT, "sites", SUSPENDED, "个"),
    Spec("rate", NETWORK, "畅通率", M.RATE, "sites", IN_SERVICE),
    Spec("rate-lowest", NETWORK, "不明全算不通的畅通率", M.RATE_LOWEST, "sites", IN_SERVICE),
    Spec("rate-highest", NETWORK, "不明全算畅通的畅通率", M.RATE_HIGHEST, "sites", IN_SERVICE),
    Spec("unknown", NETWORK, "情况不明占比", M.UNKNOWN_SHARE, "sites", IN_SERVICE),
    Spec("outages", NETWORK, "中断", M.COUNT, "outages", "", "起"),
    *(Spec(f"outages-{code}", NETWORK, name, M.COUNT, "outages", code, "起", "outages") for code, name in CLASS_GROUPS),
    Spec("affected", NETWORK, "影响站点", M.SECOND, "outages", "", "站次"),
    Spec("reports", FAULTS, "故障申报", M.COUNT, "reports", "", "件"),
    Spec("reports-phone", FAULTS, "热线电话申报", M.COUNT, "reports", "phone", "件", "reports"),
    Spec("reports-site_button", FAULTS, "站点一键报修", M.COUNT, "reports", "site_button", "件", "reports"),
    Spec("reports-web", FAULTS, "网页申报", M.COUNT, "reports", "web", "件", "reports"),
    Spec("reports-officer", FAULTS, "组织部门申报", M.COUNT, "reports", "officer", "件", "reports"),
    Spec("unreported", FAULTS, "无人申报的中断", M.COUNT, "unreported", "", "起", "outages"),
    Spec("orders", FAULTS, "工单", M.COUNT, "orders", "", "张"),
    Spec("orders-closed", FAULTS, "已办结工单", M.COUNT, "orders", CLOSED, "张", "orders"),
    Spec("orders-judged", FAULTS, "已到时限工单", M.COUNT, "judged", "", "张"),
    Spec("orders-late", FAULTS, "超时工单", M.COUNT, "judged", LATE, "张", "orders-judged"),
    Spec("sessions", LEARNING, "学习场次", M.COUNT, "sessions", "", "场"),
    Spec("onsite", LEARNING, "现场人次", M.FIRST, "sessions", "", "人次"),
    Spec("online", LEARNING, "线上人次", M.SECOND, "sessions", "", "人次"),
    Spec("asked", LEARNING, "应使用站点", M.COUNT, "use", "", "个"),
    Spec("used", LEARNING, "有场次站点", M.COUNT, "use", USED, "个", "asked"),
    Spec("participation", LEARNING, "参学率", M.GROUP_SHARE, "use", USED),
    Spec("unused", LEARNING, "零使用站点", M.COUNT, "use", UNUSED, "个", "asked"),
    Spec("items", LIBRARY, "新发布课件", M.COUNT, "items", "", "件"),
)
TOWN_SPECS = (
    Spec("sites", "", "在用站点", M.COUNT, "sites", IN_SERVICE),
    Spec("rate", "", "畅通率", M.RATE, "sites", IN_SERVICE),
    Spec("outages", "", "中断", M.COUNT, "outages"),
    Spec("reports", "", "申报", M.COUNT, "reports"),
    Spec("sessions", "", "场次", M.COUNT, "sessions"),
    Spec("onsite", "", "现场人次", M.FIRST, "sessions"),
    Spec("online", "", "线上人次", M.SECOND, "sessions"),
    Spec("unused", "", "零使用", M.COUNT, "use", UNUSED),
)
TOWN_HEADS = ("乡镇", *(spec.label for spec in TOWN_SPECS))


def snapshot(subject: Subject, period: Period, _at: datetime) -> Snapshot:
    """The whole's figures, then one line per unit below."""
    rows = freeze_rows(subject.path, period)
    return Snapshot(rows, figures_over(rows, period, parts_of(subject, period, SPECS, TOWN_SPECS)))


def parts_of(subject: Subject, period: Period, whole: tuple[Spec, ...], below: tuple[Spec, ...]) -> list[Part]:
    """The place itself and the divisions directly below it, with their rates from one load."""
    rate, children = rate_and_children(subject.division, period.start, period.end)
    towns = [Part(below, f"town-{one.division.code}-", one.division.path, one.division.name, one.rate) for one in children]
    return [Part(whole, rate=rate), *towns]
