"""Announced maintenance: the list, announcing and cancelling."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.network import commands, queries
from yuanjiao.network.models import MaintenanceWindow
from yuanjiao.network.views.forms import MaintenanceForm
from yuanjiao.network.views.parts import address_of, county_filter, seen_paths, shown_time
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

WHEN = [("now", "正在检修"), ("coming", "将要检修"), ("past", "已经结束"), ("cancelled", "已撤销")]


def standing(window: MaintenanceWindow, at: datetime) -> tuple[str, str]:
    """Word and colour of a window at a moment."""
    if window.cancelled_at is not None:
        return "已撤销", "grey"
    if at < window.start_at:
        return "将要检修", "yellow"
    return ("正在检修", "yellow") if at < window.end_at else ("已经结束", "grey")


def _columns(at: datetime) -> tuple[Column[Any], ...]:
    return (
        Column("对象", lambda w: w.object.name, link=lambda w: address_of(w.object), order=("object__name",), width=24),
        Column("类别", lambda w: w.object.get_kind_display(), order=("object__kind",), width=12),
        Column("状态", lambda w: standing(w, at)[0], badge=lambda w: standing(w, at)[1], width=10),
        Column("开始", lambda w: shown_time(w.start_at), order=("start_at",), width=17),
        Column("结束", lambda w: shown_time(w.end_at), order=("end_at",), width=17),
        Column("涉及站点", queries.sites_covered, width=10),
        Column("通知文号", lambda w: w.document, link=lambda w: reverse("network:maintenance", args=[w.uid]), width=24),
        Column("事由", lambda w: w.reason, width=24),
        Column("登记", lambda w: shown_time(w.announced_at) + ("（补登）" if w.announced_at > w.start_at else ""), width=22),
    )


def _by_time(rows: Any, value: str, at: datetime) -> Any:
    """Narrow windows to those that run, come, are over or were cancelled."""
    if value == "cancelled":
        return rows.exclude(cancelled_at=None)
    wanted = {"now": Q(start_at__lte=at, end_at__gt=at), "coming": Q(start_at__gt=at), "past": Q(end_at__lte=at)}
    return rows.filter(wanted.get(value, Q()), cancelled_at=None)


@door(Permission.SEE_NETWORK)
def maintenance_list(request: ActingRequest) -> HttpResponseBase:
    """Windows of the reader's subtree, the latest first."""
    at = clock.now()
    may = request.actor.holds(Permission.PLAN_MAINTENANCE)
    page = ListPage[Any](
        title="检修",
        rows=queries.window_rows(seen_paths(request.actor)),
        columns=_columns(at),
        empty="没有登记的检修。检修须在开始之前登记，写明通知文号；登记的时间不计入畅通率，另列。",
        search=("object__name", "object__code", "document", "reason"),
        search_hint="名称、编号、文号或事由",
        filters=[
            Filter("when", "时间", WHEN, lambda rows, v: _by_time(rows, v, at)),
            county_filter(request.actor, "object__division__path"),
        ],
        actions=[(_("登记检修"), reverse("network:maintenance_new"))] if may else [],
        lead="检修期间照常监测、照常记录；通断时间不计入畅通率，另列在旁，也不派工单。",
    )
    return respond(request, page)


@door(Permission.PLAN_MAINTENANCE)
def maintenance_new(request: ActingRequest) -> HttpResponseBase:
    """Announce work; ?object= fills in the code."""
    is_sent = request.method == "POST"
    form = MaintenanceForm(request.POST if is_sent else None, initial={"subject": request.GET.get("object", "")})
    if is_sent and form.is_valid():
        try:
            window = _announce(request, dict(form.cleaned_data))
        except (Refused, Conflict, NotFound) as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已登记，涉及 %s 个站点。") % queries.sites_covered(window))
            return redirect("network:maintenance", uid=window.uid)
    return render(request, "network/maintenance_new.html", {"page_title": _("登记检修"), "form": form}, status=400 if form.errors else 200)


def _announce(request: ActingRequest, told: dict[str, Any]) -> MaintenanceWindow:
    subject = queries.object_by_code(told.pop("subject").strip())
    return commands.announce_maintenance(subject=subject, **told, by=request.actor, at=clock.now())


@door(Permission.SEE_NETWORK)
def maintenance(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """One window: of what, by which notice, whom it covers."""
    window, at = _visible(request, uid, Permission.SEE_NETWORK), clock.now()
    context = {
        "page_title": f"{window.object.name}检修",
        "window": window,
        "object_address": address_of(window.object),
        "shown": standing(window, at),
        "sites": queries.sites_covered(window),
        "late": window.announced_at > window.start_at,
        "may_cancel": window.cancelled_at is None
        and window.end_at > at
        and request.actor.covers(Permission.PLAN_MAINTENANCE, window.object.division.path),
    }
    return render(request, "network/maintenance.html", context)


def _visible(request: ActingRequest, uid: UUID, permission: Permission) -> MaintenanceWindow:
    window = queries.window_by_uid(uid)
    request.actor.require(permission, window.object.division.path)
    return window


@door(Permission.PLAN_MAINTENANCE)
@require_POST
def maintenance_cancel(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """Take the announcement back."""
    commands.cancel_maintenance(window=_visible(request, uid, Permission.PLAN_MAINTENANCE), by=request.actor, at=clock.now())
    messages.success(request, _("已撤销。已经过去的检修时间仍不计入畅通率。"))
    return redirect("network:maintenance", uid=uid)
