"""Circulars: the list, and the steps of one: asking the named units, giving back, approving."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.reports import commands, queries
from yuanjiao.reports.inputs import AskForm, ReturnForm
from yuanjiao.reports.models import Document
from yuanjiao.reports.rules import DocumentKind, DocumentState, months_back
from yuanjiao.reports.views.parts import draft_link, figure_link, own_cities
from yuanjiao.ui.lists import Column, ListPage, respond

STATE_COLOURS = {DocumentState.DRAFT: "blue", DocumentState.REPLYING: "yellow", DocumentState.ISSUED: "green"}


@door(Permission.SEE_REPORTS)
def circular_list(request: ActingRequest) -> HttpResponseBase:
    """Circulars of one's own city in every state; from below, those that have been sent."""
    page = ListPage[Document](
        title=_("通报"),
        rows=queries.documents_seen_by(request.actor).filter(kind=DocumentKind.CIRCULAR),
        columns=[
            Column(_("月份"), lambda row: f"{row.first_day:%Y-%m}", order=("first_day",)),
            Column(_("通报"), str, lambda row: reverse("reports:document", args=[row.uid]), width=30),
            Column(_("状态"), lambda row: row.get_state_display(), badge=lambda row: STATE_COLOURS[DocumentState(row.state)]),
            Column(_("数据截至"), lambda row: row.as_of, order=("as_of",), width=18),
            Column(_("发出时间"), lambda row: row.issued_at, order=("issued_at",), width=18),
            Column(_("批准人"), lambda row: row.issued_by),
        ],
        empty=_("没有通报。"),
        actions=_actions(request),
        lead=_("只列机器记录和登记里的事实，不评价态度，不点名个人。列出的单位先看到事实并可以说明，经没有经手起草的人批准才发出。"),
    )
    return respond(request, page)


def _actions(request: ActingRequest) -> list[tuple[str, str]]:
    today = clock.today()
    return [
        (
            _("起草 %(place)s %(month)d 月通报") % {"place": city.name, "month": month.month},
            draft_link(DocumentKind.CIRCULAR, city.code, month),
        )
        for city in own_cities(request.actor, today)
        for month in months_back(today, 2)
    ]


def _cleaned(form: Form) -> None:
    """Refused with the form's own words."""
    if not form.is_valid():
        raise Refused("；".join(str(error) for errors in form.errors.values() for error in errors))


@door(Permission.WRITE_REPORTS)
@require_POST
def ask(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Tell the named units what will be said of them."""
    row = queries.document_by_uid(uid, request.actor.paths(Permission.WRITE_REPORTS))
    form = AskForm(request.POST)
    _cleaned(form)
    told = commands.ask_units(
        document=row, revision=form.cleaned_data["asked_revision"], days=form.cleaned_data["days"], by=request.actor, at=clock.now()
    )
    messages.success(request, _("已告知 %d 个单位。时限到或都已说明后，由没有经手起草的人批准。") % len(told))
    return redirect("reports:document", uid=uid)


@door(Permission.WRITE_REPORTS, Permission.APPROVE_CIRCULARS)
@require_POST
def give_back(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Back to the drafters, with the reason."""
    row = queries.document_by_uid(uid, request.actor.paths(Permission.SEE_REPORTS))
    form = ReturnForm(request.POST)
    _cleaned(form)
    data = form.cleaned_data
    commands.return_circular(document=row, reason=data["reason"], revision=data["revision"], by=request.actor, at=clock.now())
    messages.success(request, _("已退回起草。单位已经提交的说明都保留。"))
    return redirect("reports:document", uid=uid)


@door(Permission.APPROVE_CIRCULARS)
@require_POST
def approve(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Approve and issue: after this nothing changes any more."""
    row = queries.document_by_uid(uid, request.actor.paths(Permission.APPROVE_CIRCULARS))
    revision = request.POST.get("revision", "")
    if not revision.isdecimal():
        raise Refused(_("请从通报的页面批准"))
    commands.approve_circular(document=row, revision=int(revision), link=figure_link(request, row), by=request.actor, at=clock.now())
    messages.success(request, _("已批准并发出。文件已固定，各县（市、区）现在都能看到。"))
    return redirect("reports:document", uid=uid)
