"""What edges find of themselves and their lines (边缘自检): the present outcome of every check, the failing ones first."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase

from yuanjiao.network import queries
from yuanjiao.network.models import CheckKind, EdgeCheck
from yuanjiao.network.views.parts import address_of, county_filter, seen_paths, shown_time
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

OUTCOMES = (("0", "不合格"), ("1", "合格"))
COLUMNS: tuple[Column[Any], ...] = (
    Column("边缘服务器", lambda c: c.edge.name, link=lambda c: address_of(c.edge), order=("edge__name",), width=24),
    Column("检查", lambda c: c.get_kind_display(), order=("kind",), width=10),
    Column("对象", lambda c: c.subject.name, link=lambda c: address_of(c.subject), order=("subject__name",), width=24),
    Column("结果", lambda c: "合格" if c.ok else "不合格", badge=lambda c: "green" if c.ok else "red", order=("ok",), width=10),
    Column("变化时读数", lambda c: reading(c), width=14),
    Column("说明", lambda c: c.note, width=30),
    Column("自", lambda c: shown_time(c.at), order=("at",), width=18),
)


def reading(row: EdgeCheck) -> str:
    """What was read when the outcome changed."""
    return f"{row.value:g} {row.unit}".strip() if row.value is not None else "—"


@door(Permission.SEE_NETWORK)
def check_list(request: ActingRequest) -> HttpResponseBase:
    """The open span of each check in the reader's subtree."""
    page = ListPage[Any](
        title="边缘自检",
        rows=queries.edge_checks_now(seen_paths(request.actor)),
        columns=COLUMNS,
        empty="还没有自检结果。边缘服务器登记后每分钟检查磁盘、温度、时钟与线路，有变化才上报。",
        search=("edge__name", "edge__code", "subject__name", "subject__code"),
        search_hint="边缘服务器或线路的名称、编号",
        filters=[
            Filter("ok", "结果", OUTCOMES, lambda rows, value: rows.filter(ok=value == "1")),
            Filter("kind", "检查", [(str(key), str(name)) for key, name in CheckKind.choices], lambda rows, value: rows.filter(kind=value)),
            county_filter(request.actor, "edge__division__path"),
        ],
        lead="只在结果变化时上报：没有新消息就是照旧。边缘失联期间的变化在恢复后补报。",
    )
    return respond(request, page)
