"""Pages of the column manager: the columns, one column with its items in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.courseware import commands, queries
from yuanjiao.courseware.counting import freshness_of
from yuanjiao.courseware.inputs import ColumnForm, sent
from yuanjiao.courseware.models import Column as ColumnRow
from yuanjiao.courseware.rules.freshness import FLAG_NAMES
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import own_unit_first
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions, unit_by_code, units
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, ListPage, respond

P = Permission
CHOICE_LEVELS = (Level.CITY, Level.COUNTY, Level.TOWN)


def _open_state(row: ColumnRow) -> tuple[str, str]:
    today = clock.today()
    if row.visible_from > today:
        return _("未开始"), "blue"
    return (_("已结束"), "grey") if row.visible_to is not None and row.visible_to <= today else (_("显示中"), "green")


@door(P.MANAGE_COLUMNS)
@require_safe
def column_list(request: ActingRequest) -> HttpResponseBase:
    names = _audience_names(request)
    rows = queries.columns_managed_by(request.actor)
    page: ListPage[Any] = ListPage(
        title=_("栏目"),
        rows=rows.annotate(items=Count("placements", filter=Q(placements__courseware__state=State.RELEASED))),
        columns=[
            Column(_("栏目名称"), lambda row: row.title, link=lambda row: reverse("courseware:column", args=[row.uid]), order=("title",)),
            Column(_("状态"), lambda row: _open_state(row)[0], badge=lambda row: _open_state(row)[1]),
            Column(_("在播课件"), lambda row: row.items, order=("items",)),
            Column(_("更新"), lambda row: row.flag_words, badge=lambda row: "red" if row.flagged else "green"),
            Column(_("主办单位"), lambda row: row.owner.name, order=("owner__name",), width=24),
            Column(_("面向范围"), lambda row: names.get(row.audience, row.audience)),
            Column(_("起"), lambda row: row.visible_from, order=("visible_from",)),
            Column(_("止"), lambda row: row.visible_to, order=("visible_to",)),
            Column(_("官方栏目"), lambda row: row.official),
            Column(_("顺序"), lambda row: row.order, order=("order",)),
        ],
        empty=_("还没有栏目。点右上角“开设栏目”，起个名字，选好主办单位和面向范围。"),
        search=("title", "owner__name"),
        search_hint=_("栏目或主办单位"),
        actions=[
            (_("开设栏目"), reverse("courseware:column_new")),
            (_("更新情况"), reverse("courseware:freshness")),
            (_("县区上新"), reverse("courseware:adoption_list")),
        ],
        prepare=_flag_rows,
    )
    return respond(request, page)


def _flag_rows(rows: Sequence[Any]) -> None:
    """What is wrong with each column shown, in one reading for the page."""
    names = {flag.value: name for flag, name in FLAG_NAMES}
    for found in freshness_of(rows, clock.today()):
        row: Any = found.column
        row.flagged = bool(found.findings)
        row.flag_words = "、".join(names[one.flag] for one in found.findings) or _("正常")


@door(P.MANAGE_COLUMNS)
def column_new(request: ActingRequest) -> HttpResponse:
    form = ColumnForm(
        sent(request), initial={"visible_from": clock.today()}, units=_units(request), divisions=_divisions(request)
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        values: dict[str, Any] = {**form.cleaned_data, "owner": unit_by_code(form.cleaned_data["owner"])}
        row = commands.open_column(**values, by=request.actor, at=clock.now())
        messages.success(request, _("栏目已开设。"))
        return redirect("courseware:column", row.uid)
    return render(request, "courseware/column_form.html", {"page_title": _("开设栏目"), "form": form})


@door(P.MANAGE_COLUMNS)
def column(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.column_for(request.actor, uid)
    form = ColumnForm(sent(request), initial=ColumnForm.values_of(row), divisions=_divisions(request))
    if request.method == "POST" and form.is_valid():
        commands.change_column(column=row, **form.cleaned_data, by=request.actor, at=clock.now())
        messages.success(request, _("已保存。"))
        return redirect("courseware:column", uid)
    name, badge = _open_state(row)
    context = {
        "page_title": row.title,
        "column": row,
        "form": form,
        "open_name": name,
        "badge": badge,
        "audience_name": _audience_names(request).get(row.audience, row.audience),
        "placements": _placements(row),
        "categories": list(row.categories.all()),
        "fresh": freshness_of([row], clock.today())[0],
    }
    return render(request, "courseware/column.html", context)


def _placements(row: ColumnRow) -> list[Any]:
    rows = list(row.placements.select_related("courseware__unit").order_by("order", "-placed_at", "-pk"))
    came = queries.column_titles(one.adopted_from for one in rows if one.adopted_from)
    for one in rows:
        one.came_from = came.get(one.adopted_from, _("下级栏目")) if one.adopted_from else ""  # type: ignore[attr-defined]
    return rows


@door(P.MANAGE_COLUMNS)
@require_POST
def placement_move(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.placement_for(request.actor, uid)
    steps = -1 if request.POST.get("to") == "up" else 1
    commands.move_placement(placement=row, steps=steps, by=request.actor, at=clock.now())
    return redirect("courseware:column", row.column.uid)


@door(P.MANAGE_COLUMNS)
@require_POST
def placement_remove(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.placement_for(request.actor, uid)
    commands.remove_placement(placement=row, by=request.actor, at=clock.now())
    messages.success(request, _("已移出栏目。"))
    return redirect("courseware:column", row.column.uid)


def _units(request: ActingRequest) -> list[Any]:
    found = [unit for path in request.actor.paths(P.MANAGE_COLUMNS) for unit in units(on=clock.today(), under=path)]
    return own_unit_first([unit for unit in found if unit.division.level <= Level.TOWN], request.actor)


def _divisions(request: ActingRequest) -> list[Division]:
    return [
        one
        for path in request.actor.paths(P.MANAGE_COLUMNS)
        for one in divisions(on=clock.today(), under=path).filter(level__in=CHOICE_LEVELS)
    ]


def _audience_names(request: ActingRequest) -> dict[str, str]:
    return {"/": _("所有人"), **{one.path: one.name for one in _divisions(request)}}
