"""The figures of the report: each is a measure over frozen rows, so it can be computed again from the rows it opens to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yuanjiao.network.queries import ChildRate, rate_over, rates_by_child
from yuanjiao.network.rules.rates import Rate
from yuanjiao.places.models import Division
from yuanjiao.reports.documents.county_month.tables import CLASS_GROUPS, CLOSED, IN_SERVICE, LATE, SUSPENDED, UNUSED, USED
from yuanjiao.reports.models import Figure, FrozenRow
from yuanjiao.reports.rules import Amounts, Measure, Period, measured, shown

M = Measure


@dataclass(frozen=True)
class Spec:
    """One figure: where its rows are, how it follows from them, and of which other figure it is a part."""

    key: str
    section: str
    label: str
    measure: Measure
    table: str
    group: str = ""
    unit: str = ""
    share_of: str = ""


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
Rows = dict[str, list[tuple[str, Amounts]]]


def figures_of(county: Division, period: Period, rows: Iterable[FrozenRow]) -> list[Figure]:
    """The county's figures, then one line per town, not yet saved. Rates follow the network's rule: none where too little is known."""
    tables: Rows = defaultdict(list)
    for row in rows:
        tables[row.table].append((row.path, row.amounts))
    whole = [_figure(spec, "", "", tables, period, rate_over(county, period.start, period.end)) for spec in SPECS]
    towns = [
        _figure(spec, f"town-{one.division.code}-", one.division.path, tables, period, one.rate, one.division.name)
        for one in _towns(county, period)
        for spec in TOWN_SPECS
    ]
    figures = whole + towns
    by_key = {figure.key: figure for figure in figures}
    for position, figure in enumerate(figures):
        figure.position = position
        base = by_key.get(figure.share_of)
        figure.share = figure.number / base.number if base and base.number and figure.number is not None else None
    return figures


def _towns(county: Division, period: Period) -> Sequence[ChildRate]:
    return rates_by_child(county, period.start, period.end)


def _figure(spec: Spec, prefix: str, path: str, tables: Rows, period: Period, rate: Rate, section: str = "") -> Figure:
    rows = [amounts for at, amounts in tables[spec.table] if at.startswith(path)]
    value = measured(spec.measure, rows, spec.group)
    why = ""
    if spec.measure is Measure.RATE and rate.value is None:
        value, why = None, rate.why_none
    return Figure(
        key=prefix + spec.key,
        section=section or spec.section,
        label=spec.label,
        measure=spec.measure,
        table=spec.table,
        group=spec.group,
        path=path,
        number=value,
        text=shown(spec.measure, value, why),
        unit=spec.unit,
        share_of=spec.share_of,
        population=len(rows),
        cut_off_at=period.end,
    )
