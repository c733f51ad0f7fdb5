"""Outages: the list of roots (not of symptoms), and one outage with what it explains and every verdict on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from yuanjiao.lib import clock
from yuanjiao.network import queries
from yuanjiao.network.models import FaultClass, Hold, ManagedObject, ObjectKind, Sign
from yuanjiao.network.rules.causes import RULE_NAMES
from yuanjiao.network.rules.steadiness import is_back_to_stay
from yuanjiao.network.views.parts import address_of, county_filter, division_filter, linked, scope_of, shown_time
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import masked_phone, responsible_for
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import full_name
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.panels import beside
from yuanjiao.ui.templatetags.zh import duration

CLASS_COLOURS = {FaultClass.SERVER: "blue", FaultClass.LINE: "yellow", FaultClass.EQUIPMENT: "grey"}


def class_colour(row: Any) -> str | None:
    return CLASS_COLOURS.get(row.fault_class)


COLUMNS: tuple[Column[Any], ...] = (
    Column("根源", lambda o: o.object.name, link=lambda o: reverse("network:outage", args=[o.uid]), width=22),
    Column("对象", lambda o: o.object.get_kind_display(), order=("object__kind",)),
    Column("类别", lambda o: o.get_fault_class_display() or "待判定", badge=class_colour, order=("fault_class",)),
    Column("影响站点", lambda o: o.affected_count, order=("affected_count",), width=10),
    Column("开始", lambda o: shown_time(o.started_at), order=("started_at",), width=17),
    Column("结束", lambda o: shown_time(o.ended_at) if o.ended_at else "未恢复", order=("ended_at",), width=17),
    Column("告知", lambda o: o.get_held_for_display() or "已告知", badge=lambda o: "yellow" if o.held_for else None, order=("held_for",)),
    Column("时长", lambda o: duration((o.ended_at or clock.now()) - o.started_at)),
    Column("区划", lambda o: o.object.division.name, order=("object__division__path",)),
    Column("依据", lambda o: o.evidence or "等待上级证据", width=60),
)

TOLD_LATER = [(hold.value, hold.label) for hold in Hold if hold is not Hold.EVIDENCE]


def _is_lasting(view: queries.OutageView, row: ManagedObject, at: datetime) -> bool:
    """A return is shown as one only after some steady beats; the record has it from the first."""
    ended = view.ended_at.timestamp() if view.ended_at else None
    return is_back_to_stay(ended, row.period_s or settings.BEAT_PERIOD_S, at.timestamp())


@door(Permission.SEE_NETWORK)
def outage_list(request: ActingRequest) -> HttpResponseBase:
    """Root outages of the reader's subtree."""
    field = "object__division__path"
    page = ListPage[Any](
        title="中断",
        rows=queries.root_rows(scope_of(request.actor)),
        columns=COLUMNS,
        empty="没有符合条件的中断记录。",
        search=("object__name", "object__code", "object__division__name"),
        search_hint="名称、编号或区划",
        filters=[
            *division_filter(request.actor, request.GET.get("division", ""), field),
            county_filter(request.actor, field),
            Filter("open", "恢复", [("1", "未恢复"), ("0", "已恢复")], lambda rows, value: rows.filter(ended_at__isnull=value == "1")),
            Filter("kind", "对象", ObjectKind.choices, lambda rows, value: rows.filter(object__kind=value)),
            Filter("class", "类别", FaultClass.choices, lambda rows, value: rows.filter(fault_class=value)),
            Filter("sign", "迹象", Sign.choices, lambda rows, value: rows.filter(sign=value)),
            Filter("hold", "未告知", TOLD_LATER, lambda rows, value: rows.filter(held_for=value)),
        ],
        lead="一次中断只列一个根源；由它引起的站点中断列在它的页面里，不单独报警。",
    )
    return respond(request, page)


@door(Permission.SEE_NETWORK)
def outage(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """One outage."""
    view, at = queries.outage(uid), clock.now()
    request.actor.require(Permission.SEE_NETWORK, view.path)
    row = queries.object_by_code(view.code)
    affected = list(queries.with_state(queries.affected_sites(uid), at=at)[:300])
    people = responsible_for(row.division, on=clock.today(), object_code=row.code) if request.actor.holds(Permission.SEE_PEOPLE) else []
    context = {
        "page_title": f"{view.name}中断",
        "outage": view,
        "ended_or_now": view.ended_at or at,
        "length": (view.ended_at or at) - view.started_at,
        "row": row,
        "row_address": address_of(row),
        "full_name": full_name(row.division),
        "verdicts": [{"one": one, "rule": RULE_NAMES.get(one.rule, one.rule)} for one in queries.verdicts(uid)],
        "lasting": _is_lasting(view, row, at),
        "unstable": queries.instabilities_of(row)[:5],
        "affected": affected,
        "beside": beside("outage", view.outage_id, request.actor, at),
        "above": linked(queries.upstream(row), at=at),
        "people": [{"one": one, "phone": masked_phone(one.person)} for one in people],
        "colour": CLASS_COLOURS.get(FaultClass(view.fault_class)) if view.fault_class else "grey",
    }
    return render(request, "network/outage.html", context)
