"""Caps, and leave to go over them: asked for by one person, decided by another."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.burden import commands, queries
from yuanjiao.burden.inputs import AskForm, CapForm, DecideForm
from yuanjiao.burden.models import Approval, Cap
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission as P
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.middleware import status_of

GIVING = (P.ISSUE_ITEM, P.MAKE_SURVEY)


@door(P.LIMIT_BURDEN, P.SEE_REPORTS)
def cap_list(request: ActingRequest) -> HttpResponseBase:
    """Every cap that was ever set; a new one below for who sets them."""
    form = CapForm(request.POST or None, initial={"from_month": clock.today()}) if request.actor.holds(P.LIMIT_BURDEN) else None
    if request.method == "POST":
        request.actor.require(P.LIMIT_BURDEN)
        if form is not None and form.is_valid():
            try:
                commands.set_cap(by=request.actor, at=clock.now(), **form.cleaned_data)
                messages.success(request, _("已设定。"))
                return redirect("burden:cap_list")
            except Refused as error:
                form.add_error(None, error.message)
    page: ListPage[Cap] = ListPage(
        title=_("负担上限"),
        rows=queries.cap_rows(),
        columns=[
            Column(_("级别"), lambda row: row.get_level_display()),
            Column(_("计量"), lambda row: row.get_measure_display()),
            Column(_("每月上限"), lambda row: _("不设上限") if row.most is None else row.most),
            Column(_("自"), lambda row: f"{row.from_month:%Y-%m}", order=("from_month",)),
            Column(_("依据"), lambda row: row.document, width=26),
            Column(_("设定"), lambda row: row.set_at, width=18),
        ],
        empty=_("还没有设上限：布置什么都不会被拦下。"),
        lead=_("超出上限的事项和调查，要另一个人批准才能下发；月内先布置的先占。工单、问题和整改不受限：故障总要修，查出的问题总要改。"),
        context={"form": form},
    )
    return respond(request, page, "burden/caps.html")


@door(P.APPROVE_BURDEN, *GIVING)
def approval_list(request: ActingRequest) -> HttpResponseBase:
    """What was asked for and decided."""
    page: ListPage[Approval] = ListPage(
        title=_("超限申请"),
        rows=queries.approvals_for(request.actor),
        columns=[
            Column(_("事由"), lambda row: row.what, link=lambda row: reverse("burden:approval", args=[row.uid]), width=30),
            Column(_("单位"), lambda row: row.unit_name, width=22),
            Column(_("月份"), lambda row: f"{row.month:%Y-%m}"),
            Column(_("超出情况"), lambda row: row.lines, width=26),
            Column(_("申请人"), lambda row: row.asked_by),
            Column(_("决定"), _decided, badge=lambda row: {None: "yellow", True: "green", False: "red"}[row.granted]),
            Column(_("批准人"), lambda row: row.decided_by),
        ],
        empty=_("没有申请。"),
        search=("what", "unit_name"),
        search_hint=_("事由或单位"),
        filters=[Filter("open", _("决定"), [("yes", _("待批准"))], lambda rows, _value: rows.filter(granted=None))],
    )
    return respond(request, page)


def _decided(row: Approval) -> str:
    return {None: _("待批准"), True: _("已批准"), False: _("不批准")}[row.granted]


@door(*GIVING)
def approval_new(request: ActingRequest) -> HttpResponse:
    """Ask leave for what a page was about to give out (?about= as that page gave it)."""
    about, status = commands.wanted(request.GET.get("about", "")), 200
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = commands.ask_approval(about=about, reason=form.cleaned_data["reason"], by=request.actor, at=clock.now())
            messages.success(request, _("已提出，等另一位有权批准的人决定。"))
            return redirect("burden:approval", row.uid)
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
            status = status_of(error)
    context = {"page_title": _("申请超出上限"), "about": about, "form": form}
    return render(request, "burden/approval_new.html", context, status=400 if form.errors and status == 200 else status)


@door(P.APPROVE_BURDEN, *GIVING)
def approval(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One of them: why, and what was decided by whom; deciding it for somebody else than who asked."""
    found, status = queries.approval_for(uid, request.actor), 200
    form = DecideForm(request.POST or None)
    if request.method == "POST":
        request.actor.require(P.APPROVE_BURDEN, found.path)
    if request.method == "POST" and form.is_valid():
        try:
            commands.decide_approval(approval=found, by=request.actor, at=clock.now(), **form.said())
            messages.success(request, _("已决定。"))
            return redirect("burden:approval", found.uid)
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
            status = status_of(error)
    own = found.asked_by_uid == request.actor.person_uid
    may = found.granted is None and not own and request.actor.covers(P.APPROVE_BURDEN, found.path)
    context = {"page_title": _("超限申请"), "approval": found, "decided": _decided(found), "form": form if may or form.errors else None}
    return render(request, "burden/approval.html", context, status=400 if form.errors and status == 200 else status)
