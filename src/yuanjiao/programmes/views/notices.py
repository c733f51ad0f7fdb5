"""Urgent notices: issuing, recalling, and who has acknowledged, who has not, since when."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.network.models import Lifecycle
from yuanjiao.network.queries import sites_in
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import unit_by_code
from yuanjiao.programmes import commands, queries
from yuanjiao.programmes.inputs import NoticeForm
from yuanjiao.programmes.models import Notice
from yuanjiao.programmes.views.parts import form_page, own_divisions, own_units, said, sent
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P = Permission
STAGES = {"confirmed": ("已确认", "green"), "taken": ("已到达，未确认", "yellow"), "waiting": ("未到达", "red")}
VIA = {"tv": "电视", "page": "网页"}


def _state(row: Notice) -> tuple[str, str]:
    if row.recalled_at:
        return _("已收回"), "grey"
    return (_("已截止"), "grey") if row.ends_at <= clock.now() else (_("显示中"), "red")


@door(P.MANAGE_COLUMNS, P.SEE_NETWORK)
@require_safe
def notice_list(request: ActingRequest) -> HttpResponseBase:
    rows = queries.notices_seen_by(request.actor)
    names = queries.names_of((row.scope for row in rows), clock.today())
    columns: list[Column[Notice]] = [
        Column(_("标题"), lambda row: row.title, link=lambda row: reverse("programmes:notice", args=[row.uid]), width=30),
        Column(_("状态"), lambda row: _state(row)[0], badge=lambda row: _state(row)[1]),
        Column(_("范围"), lambda row: names.get(row.scope, row.scope)),
        Column(_("发布"), lambda row: row.starts_at, order=("starts_at",)),
        Column(_("截止"), lambda row: row.ends_at, order=("ends_at",)),
        Column(_("文号"), lambda row: row.document),
        Column(_("发布单位"), lambda row: row.unit.name, width=24),
    ]
    may = request.actor.holds(P.MANAGE_COLUMNS) and queries.made_here()
    page = ListPage(
        title=_("紧急通知"), rows=rows, columns=columns,
        empty=_("没有紧急通知。紧急通知会先于一切内容显示在范围内所有终端上，只用于有文号的正式通知。"),
        search=("title", "document"), search_hint=_("标题或文号"),
        actions=[(_("发布紧急通知"), reverse("programmes:notice_new"))] if may else [],
    )  # fmt: skip
    return respond(request, page)


@door(P.MANAGE_COLUMNS)
def notice_new(request: ActingRequest) -> HttpResponse:
    form = NoticeForm(sent(request)[0], units=own_units(request), divisions=own_divisions(request))

    def save(values: Any) -> str:
        row = commands.issue_notice(**{**values, "unit": unit_by_code(values["unit"])}, by=request.actor, at=clock.now())
        return reverse("programmes:notice", args=[row.uid])

    back = (reverse("programmes:notice_list"), _("紧急通知"))
    note = _("发布后立即随目录下发；范围内的电视和手机页面都会先显示它，各站点须确认。")
    return form_page(request, form, title=_("发布紧急通知"), back=back, save=save, done=_("通知已发布。"), note=note, submit=_("发布"))


def _seen(request: ActingRequest, uid: UUID) -> Notice:
    row = queries.notices_seen_by(request.actor).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这条通知，或不在您的范围内")
    return row


@door(P.SEE_NETWORK)
@require_safe
def notice(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """One notice: counts, edges, and every site with its stage and since when."""
    row = _seen(request, uid)
    reach = queries.site_reach(row, request.actor)
    counts = {stage: sum(one.stage == stage for one in reach) for stage in STAGES}
    columns: list[Column[Any]] = [
        Column(_("站点"), lambda one: one.name, link=lambda one: reverse("network:site", args=[one.code]), width=24),
        Column(_("编号"), lambda one: one.code, width=18),
        Column(_("情况"), lambda one: STAGES[one.stage][0], badge=lambda one: STAGES[one.stage][1]),
        Column(_("自"), lambda one: one.waiting_since),
        Column(_("方式"), lambda one: VIA.get(one.via, "")),
        Column(_("所在"), lambda one: one.place),
        Column(_("边缘服务器"), lambda one: one.edge),
    ]
    context = {
        "notice": row,
        "state": _state(row),
        "counts": [(STAGES[stage], stage, counts[stage]) for stage in ("waiting", "taken", "confirmed")],
        "total": len(reach),
        "edges": queries.edge_reach(row, request.actor),
        "scope_name": queries.names_of([row.scope], clock.today()).get(row.scope, row.scope),
        "may_recall": request.actor.covers(P.MANAGE_COLUMNS, row.scope) and _state(row)[1] == "red" and queries.made_here(),
        "own_sites": _own_sites(request, row),
    }
    page: ListPage[Any] = ListPage(
        title=row.title, rows=reach, columns=columns, empty=_("这个范围内没有在用的站点。"), context=context,
        filters=[Filter("stage", _("情况"), [(key, name) for key, (name, _c) in STAGES.items()], _of_stage)],
        notes=[_("站点没有自己的机器时，以它的边缘服务器收到为到达。到达和确认都是站点的记录，不记个人。")],
    )  # fmt: skip
    return respond(request, page, template="programmes/notice.html")


def _of_stage(rows: Any, stage: str) -> Any:
    return [one for one in rows if one.stage == stage]


def _own_sites(request: ActingRequest, row: Notice) -> list[Any]:
    """Sites a manager may confirm for, while the notice stands: a site manager's own, not a whole county's."""
    paths = [path for path in request.actor.paths(P.RECORD_SESSION) if path.startswith(row.scope) or row.scope.startswith(path)]
    if _state(row)[1] != "red" or not paths or request.actor.holds(P.MANAGE_COLUMNS):
        return []
    done = {one.code for one in queries.site_reach(row, request.actor) if one.confirmed_at}
    return [site for site in sites_in(paths).filter(lifecycle=Lifecycle.IN_SERVICE) if site.code not in done][:20]


@door(P.MANAGE_COLUMNS)
@require_POST
def notice_recall(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = _seen(request, uid)
    return said(
        request, lambda: commands.recall_notice(notice=row, by=request.actor, at=clock.now()), _("通知已收回。"), "programmes:notice", uid
    )


@door(P.RECORD_SESSION)
@require_POST
def notice_confirm(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.notice_by_uid(uid)
    site = sites_in(request.actor.paths(P.RECORD_SESSION)).filter(code=request.POST.get("site", "")).first()
    if site is None:
        raise NotFound("没有这个站点，或不在您的范围内")
    act = lambda: commands.confirm_notice(notice=row, site=site, by=request.actor, at=clock.now())  # noqa: E731
    return said(request, act, _("已确认。"), "programmes:notice", uid)
