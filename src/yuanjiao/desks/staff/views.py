"""Start pages of staff: one address, the page of whoever comes; the audit trail and the nodes for those who watch over both."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from yuanjiao.desks.staff.roles import desk_for
from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.models import AuditRow
from yuanjiao.people.queries import audit_trail
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, ListPage, respond


@door()
def home(request: ActingRequest) -> HttpResponse:
    at = clock.now()
    title = f"{request.actor.name}，{greeting(at.astimezone(clock.CHINA).hour)}"
    return render(request, "desks/home.html", {"page_title": title, "desk": desk_for(request.actor, at)})


def greeting(hour: int) -> str:
    return _("早上好") if 5 <= hour < 11 else _("中午好") if hour < 13 else _("下午好") if hour < 18 else _("晚上好")


@door(Permission.SEE_AUDIT)
def audit(request: ActingRequest) -> HttpResponseBase:
    """Who changed what, newest first; nobody can change this list, the auditor neither."""
    columns = [
        Column[AuditRow](_("时间"), lambda row: row.at, order=("at",), width=18),
        Column[AuditRow](_("操作人"), lambda row: row.actor_name, order=("actor_name",)),
        Column[AuditRow](_("操作"), lambda row: row.action, order=("action",)),
        Column[AuditRow](_("对象"), lambda row: row.subject, width=40),
        Column[AuditRow](_("说明"), lambda row: row.detail, width=50),
    ]
    page = ListPage(
        title=_("操作日志"),
        rows=audit_trail(request.actor.paths(Permission.SEE_AUDIT)),
        columns=columns,
        empty=_("还没有操作记录。任何人做的修改都会出现在这里。"),
        search=("actor_name", "action", "subject", "detail"),
        search_hint=_("操作人、操作、对象"),
        lead=_("每一次修改都与修改本身同时写入，任何岗位都不能改动或删除。"),
    )
    return respond(request, page)
