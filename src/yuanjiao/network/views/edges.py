"""Edge servers: the list with node and state, one edge's page, and the code that lets its machine in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from yuanjiao.lib import clock
from yuanjiao.lib.clock import local_day
from yuanjiao.network import commands, queries
from yuanjiao.network.models import ManagedObject, ObjectKind
from yuanjiao.network.views.parts import county_filter, derived_states, linked, seen_paths, shown_time, visible
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, ListPage, respond

COLUMNS: tuple[Column[Any], ...] = (
    Column("边缘服务器", lambda e: e.name, link=lambda e: reverse("network:edge", args=[e.code]), order=("name",), width=24),
    Column("编号", lambda e: e.code, order=("code",), width=16),
    Column("状态", lambda e: e.shown[0], badge=lambda e: e.shown[1], width=24),
    Column("所在区划", lambda e: e.division.name, order=("division__path",), width=16),
    Column("节点", lambda e: node_text(e.node), width=16),
    Column("站点记录完整至", lambda e: shown_time(e.node.held_through) if e.node else "—", width=18),
    Column("站点", lambda e: e.below.up + e.below.down + e.below.unknown, width=8),
    Column("其中不通", lambda e: e.below.down, width=10),
    Column("情况不明", lambda e: e.below.unknown, width=10),
    Column("地址", lambda e: e.address, width=24),
)


def node_text(node: queries.EdgeNode | None) -> str:
    """Whether the edge's machine is enrolled."""
    if node is None:
        return "未登记"
    if node.moved_at is not None:
        return f"{local_day(node.moved_at)} 移交{node.moved_to}"
    return "已吊销" if node.revoked_at else "已登记"


def fill(rows: Sequence[Any]) -> None:
    """State, node and counts of a page of edges, in a handful of queries."""
    at = clock.now()
    states, counts = derived_states(rows, at=at), queries.counts_below([row.pk for row in rows], at=at)
    nodes = queries.edge_nodes()
    for row in rows:
        row.shown, row.node, row.below = states[row.pk], nodes.get(row.code), counts[row.pk]
        if row.node is not None and row.node.moved_at is not None:
            row.shown = "已移交", "grey"


@door(Permission.SEE_NETWORK)
def edge_list(request: ActingRequest) -> HttpResponseBase:
    """Edge servers of the reader's subtree."""
    page = ListPage[Any](
        title="边缘服务器",
        rows=queries.edges().filter(within("division__path", seen_paths(request.actor))),
        columns=COLUMNS,
        empty="还没有边缘服务器。到“导入台账”登记后，在这里给它的机器发登记码。",
        search=("name", "code", "division__name"),
        search_hint="名称、编号或区划",
        filters=[county_filter(request.actor)],
        prepare=fill,
    )
    return respond(request, page)


@door(Permission.SEE_NETWORK)
def edge(request: ActingRequest, code: str) -> HttpResponseBase:
    """One edge server."""
    return _page(request, visible(code, ObjectKind.EDGE, request.actor))


@door(Permission.ENROL_NODES)
@require_POST
def issue(request: ActingRequest, code: str) -> HttpResponseBase:
    """Issue an enrolment code and show it, this once."""
    row = visible(code, ObjectKind.EDGE, request.actor)
    told = commands.issue_edge_code(edge=row, by=request.actor, at=clock.now())
    return _page(request, row, told=told)


def _page(request: ActingRequest, row: ManagedObject, told: str = "") -> HttpResponseBase:
    at = clock.now()
    context = {
        "page_title": row.name,
        "row": row,
        "node": queries.edge_nodes().get(row.code),
        "shown": derived_states([row], at=at)[row.pk],
        "now": queries.state_now([row.pk], at=at)[row.pk],
        "below": queries.counts_below([row.pk], at=at)[row.pk],
        "children": linked(queries.directly_below(row)[:200], at=at),
        "above": linked(queries.upstream(row), at=at),
        "evidence": queries.evidence_about([row.pk], at).get(row.pk, []),
        "outages": queries.outages_of(row)[:20],
        "changes": queries.story(row, limit=20),
        "assets": queries.assets().filter(place=row),
        "may_enrol": request.actor.covers(Permission.ENROL_NODES, row.division.path),
        "told": told,
        "centre": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "network/edge.html", context)
