"""Review, release, withdrawal: the queues and the decisions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.courseware import commands, queries
from yuanjiao.courseware.inputs import answers_of
from yuanjiao.courseware.rules.life import State
from yuanjiao.courseware.views.items import COLUMNS
from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, ListPage, respond

P = Permission


DUE: Column[Any] = Column(_("急需期限"), lambda row: row.wanted_at, badge=lambda row: "red" if row.wanted_at else None, width=18)


@door(P.REVIEW_COURSEWARE)
@require_safe
def review_list(request: ActingRequest) -> HttpResponseBase:
    """Items that wait for a review by this person: their own are not among them."""
    inside = within("unit__division__path", request.actor.paths(P.REVIEW_COURSEWARE))
    rows = queries.items_seen_by(request.actor).filter(inside, state=State.IN_REVIEW)
    page = ListPage(
        title=_("待审核课件"),
        rows=queries.urgent_first(rows.exclude(queries.made_by(request.actor))),
        columns=[*COLUMNS[:4], DUE, *COLUMNS[4:9]],
        empty=_("没有等待审核的课件。打包完成的课件会自动来到这里。"),
        search=("title", "summary"),
        search_hint=_("标题或简介"),
        lead=_("点开标题即可试看。自己制作的课件由别人审核。"),
    )
    return respond(request, page)


@door(P.MANAGE_COLUMNS)
@require_safe
def release_list(request: ActingRequest) -> HttpResponseBase:
    """Items that passed review and wait for a column."""
    inside = within("unit__division__path", request.actor.paths(P.MANAGE_COLUMNS))
    rows = queries.items_seen_by(request.actor).filter(inside, state=State.APPROVED)
    page = ListPage(
        title=_("待发布课件"),
        rows=rows.order_by("created_at", "pk"),
        columns=COLUMNS[:8],
        empty=_("没有等待发布的课件。审核通过的课件会来到这里，选好栏目即可发布。"),
        search=("title", "summary"),
        search_hint=_("标题或简介"),
    )
    return respond(request, page)


@door(P.REVIEW_COURSEWARE)
@require_POST
def item_approve(request: ActingRequest, uid: UUID) -> HttpResponse:
    item = queries.item_for(request.actor, uid)
    commands.approve_courseware(
        courseware=item, by=request.actor, at=clock.now(), reason=request.POST.get("reason", "").strip(), answers=answers_of(request.POST)
    )
    done = item.state == State.APPROVED
    messages.success(request, _("审核通过，已转给栏目管理员发布。") if done else _("已通过，转给下一道审核。"))
    return redirect("courseware:review_list")


@door(P.REVIEW_COURSEWARE)
@require_POST
def item_return(request: ActingRequest, uid: UUID) -> HttpResponse:
    item = queries.item_for(request.actor, uid)
    commands.return_courseware(
        courseware=item, reason=request.POST.get("reason", ""), by=request.actor, at=clock.now(), answers=answers_of(request.POST)
    )
    messages.success(request, _("已退回制作人。"))
    return redirect("courseware:review_list")


@door(P.MANAGE_COLUMNS)
@require_POST
def item_release(request: ActingRequest, uid: UUID) -> HttpResponse:
    item = queries.item_for(request.actor, uid)
    chosen = set(request.POST.getlist("column"))
    columns = [column for column in queries.columns_managed_by(request.actor) if str(column.uid) in chosen]
    commands.release_courseware(courseware=item, columns=columns, by=request.actor, at=clock.now())
    messages.success(request, _("已发布。各边缘服务器将在下次同步时收到。"))
    return redirect("courseware:item", uid)


@door(P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
@require_POST
def item_withdraw(request: ActingRequest, uid: UUID) -> HttpResponse:
    item = queries.item_for(request.actor, uid)
    commands.withdraw_courseware(courseware=item, reason=request.POST.get("reason", ""), by=request.actor, at=clock.now())
    messages.success(request, _("已撤下。各边缘服务器将在下次同步时撤下。"))
    return redirect("courseware:item", uid)
