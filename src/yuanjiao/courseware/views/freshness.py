"""How columns keep what they promise (DLV04, CW15), and what counties show that the city may adopt (DLV05)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.courseware import commands, queries
from yuanjiao.courseware.inputs import uid_of
from yuanjiao.courseware.models import Column, ColumnCategory
from yuanjiao.courseware.rules.freshness import DELAY_DAYS, QUIET_DAYS
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission

P = Permission
ADOPTABLE_SHOWN = 60


@door(P.MANAGE_COLUMNS)
@require_safe
def freshness(request: ActingRequest) -> HttpResponse:
    """Every open column: eight weeks of updates, what it promised, what is wrong and since when."""
    on = clock.today()
    rows = queries.freshness_managed_by(request.actor, on=on)
    since = {row.column_id: row.opened_on for row in reversed(queries.alarms_managed_by(request.actor))}
    context = {
        "page_title": _("栏目更新"),
        "rows": [(row, since.get(row.column.pk)) for row in rows],
        "wanting": sum(bool(row.findings) for row in rows),
        "quiet_days": QUIET_DAYS,
        "delay_days": DELAY_DAYS,
    }
    return render(request, "courseware/freshness.html", context)


@door(P.MANAGE_COLUMNS)
@require_POST
def category_change(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Add, rename, move or take away one sub-category of a column."""
    row, at, said = queries.column_for(request.actor, uid), clock.now(), request.POST
    try:
        _change(row, said, by=request.actor, at=at)
        messages.success(request, _("已保存。"))
    except (Refused, Conflict) as error:
        messages.error(request, error.message)
    return redirect("courseware:column", uid)


def _change(row: Column, said: Any, **who: Any) -> None:
    if "add" in said:
        for title in filter(None, (one.strip() for one in said.get("title", "").replace("、", "\n").splitlines())):
            commands.add_category(column=row, title=title, **who)
        return
    category = _category(row, said.get("category", ""))
    if category is None:
        raise Refused(_("没有指明要改的子栏目"))
    if "drop" in said:
        commands.drop_category(category=category, **who)
    else:
        commands.change_category(category=category, title=said.get("title", ""), steps=-1 if "up" in said else 0, **who)


def _category(row: Column, text: str) -> ColumnCategory | None:
    if not text:
        return None
    found = row.categories.filter(uid=uid_of(text)).first()
    if found is None:
        raise NotFound("没有这个子栏目")
    return found


@door(P.MANAGE_COLUMNS)
@require_POST
def placement_describe(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.placement_for(request.actor, uid)
    text = request.POST.get("source_on", "").strip()
    try:
        day = _day(text)
        category = _category(row.column, request.POST.get("category", ""))
        commands.describe_placement(placement=row, category=category, source_on=day, by=request.actor, at=clock.now())
        messages.success(request, _("已保存。"))
    except Refused as error:
        messages.error(request, error.message)
    return redirect("courseware:column", row.column.uid)


def _day(text: str) -> Any:
    try:
        day = parse_date(text) if text else None
    except ValueError:
        day = None
    if text and day is None:
        raise Refused("来源日期不是一个日期")
    return day


@door(P.MANAGE_COLUMNS)
@require_safe
def adoption_list(request: ActingRequest) -> HttpResponse:
    """What columns of counties and towns show and the own columns do not."""
    rows = queries.adoptable_by(request.actor, on=clock.today())
    paths = request.actor.paths(P.MANAGE_COLUMNS)
    own = [row for row in queries.columns_managed_by(request.actor) if row.owner.division.path in paths]
    shown = list(rows[:ADOPTABLE_SHOWN])
    context = {"page_title": _("县区上新"), "rows": shown, "more": rows.count() - len(shown), "columns": own}
    return render(request, "courseware/adoption.html", context)


@door(P.MANAGE_COLUMNS)
@require_POST
def adopt(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.placement_for(request.actor, uid)
    try:
        target = queries.column_for(request.actor, uid_of(request.POST.get("column", "")))
        commands.adopt_courseware(placement=row, column=target, by=request.actor, at=clock.now())
        messages.success(request, _("已采用到“%s”。") % target.title)
    except (Refused, Conflict) as error:
        messages.error(request, error.message)
    return redirect("courseware:adoption_list")
