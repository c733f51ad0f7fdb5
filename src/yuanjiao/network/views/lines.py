"""Lines: they do not beat; what is known of one is known from what hangs on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from yuanjiao.lib import clock
from yuanjiao.network import queries
from yuanjiao.network.models import ObjectKind
from yuanjiao.network.views.parts import above_address, county_filter, derived_states, linked, seen_paths, visible
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

COLUMNS: tuple[Column[Any], ...] = (
    Column("线路", lambda r: r.name, link=lambda r: reverse("network:line", args=[r.code]), order=("name",), width=24),
    Column("编号", lambda r: r.code, order=("code",), width=16),
    Column("状态", lambda r: r.shown[0], badge=lambda r: r.shown[1], width=24),
    Column("所在区划", lambda r: r.division.name, order=("division__path",), width=16),
    Column("上联", lambda r: r.depends_on.name if r.depends_on else "", link=above_address, width=22),
    Column("用途", lambda r: "上联" if r.is_uplink else "接入", order=("is_uplink",), width=8),
    Column("介质", lambda r: r.medium, order=("medium",), width=10),
    Column("带宽（Mbps）", lambda r: r.bandwidth_mbps, order=("bandwidth_mbps",), width=12),
    Column("电路编号", lambda r: r.circuit_number, width=18),
)


def fill(rows: Sequence[Any]) -> None:
    """States of a page of lines, in a handful of queries."""
    states = derived_states(rows, at=clock.now())
    for row in rows:
        row.shown = states[row.pk]


@door(Permission.SEE_NETWORK)
def line_list(request: ActingRequest) -> HttpResponseBase:
    """Lines of the reader's subtree."""
    use = Filter("use", "用途", [("up", "上联"), ("access", "接入")], lambda rows, value: rows.filter(is_uplink=value == "up"))
    page = ListPage[Any](
        title="线路",
        rows=queries.lines().filter(within("division__path", seen_paths(request.actor))),
        columns=COLUMNS,
        empty="还没有线路。到“导入台账”登记。",
        search=("name", "code", "circuit_number", "division__name"),
        search_hint="名称、编号、电路编号或区划",
        filters=[county_filter(request.actor), use],
        lead="线路自身不发心跳，状态由它所带的站点推断。",
        prepare=fill,
    )
    return respond(request, page)


@door(Permission.SEE_NETWORK)
def line(request: ActingRequest, code: str) -> HttpResponseBase:
    """One line with what hangs on it."""
    row, at = visible(code, ObjectKind.LINE, request.actor), clock.now()
    context = {
        "page_title": row.name,
        "row": queries.lines().get(pk=row.pk),
        "shown": derived_states([row], at=at)[row.pk],
        "children": linked(queries.directly_below(row)[:200], at=at),
        "above": linked(queries.upstream(row), at=at),
        "evidence": queries.evidence_about([row.pk], at).get(row.pk, []),
        "outages": queries.outages_of(row)[:20],
    }
    return render(request, "network/line.html", context)
