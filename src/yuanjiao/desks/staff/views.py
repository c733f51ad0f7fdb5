"""Start pages of staff: one address, the page of whoever comes; the audit trail and the nodes for those who watch over both."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from yuanjiao.desks.staff.roles import desk_for
from yuanjiao.flow.journal.queries import HeadNow, entry_count, heads_now, unapplied_count
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


@door(Permission.SEE_FLOW)
def nodes(request: ActingRequest) -> HttpResponseBase:
    """Every machine that keeps a journal: how far we hold it, what our parent said, what could not be built."""
    columns = [
        Column[HeadNow](_("节点"), lambda row: row.name + ("（本机）" if row.is_self else ""), width=28),
        Column[HeadNow](_("已收到第几条"), lambda row: row.seq),
        Column[HeadNow](_("上级已收第几条"), lambda row: row.acknowledged_seq),
        Column[HeadNow](_("上级最近的拒绝"), lambda row: row.refusal, width=40),
        Column[HeadNow](_("拒绝时间"), lambda row: row.refused_at, width=18),
    ]
    waiting = unapplied_count()
    lead = _("日志共 {total} 条。").format(total=entry_count())
    if waiting:
        lead += _("有 {n} 条暂时不能入库，系统会再试；长期不减请联系系统管理员。").format(n=waiting)
    page = ListPage(
        title=_("节点与日志"),
        rows=heads_now(),
        columns=columns,
        empty=_("还没有任何节点记下日志。到“边缘服务器”页给一台服务器发登记码。"),
        lead=lead,
    )
    return respond(request, page)
