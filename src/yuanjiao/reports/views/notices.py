"""What a circular is about to say of one's own unit, the rows behind it, and the unit's answer."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.reports import commands, queries
from yuanjiao.reports.documents.circular import LINES
from yuanjiao.reports.inputs import ReplyForm
from yuanjiao.reports.models import Notice
from yuanjiao.reports.rules import DocumentState
from yuanjiao.reports.views.documents import figure_page
from yuanjiao.ui.lists import Column, ListPage, respond


@door(Permission.SEE_REPORTS)
def notice_list(request: ActingRequest) -> HttpResponseBase:
    """Every circular that names a unit in scope, with the time left to explain."""
    now = clock.now()
    page = ListPage[Notice](
        title=_("通报说明"),
        rows=queries.notices_in(request.actor.paths(Permission.SEE_REPORTS)),
        columns=[
            Column(_("单位"), lambda row: row.place_name, lambda row: reverse("reports:notice", args=[row.uid]), order=("place_name",)),
            Column(_("通报"), lambda row: str(row.document), width=28),
            Column(_("告知时间"), lambda row: row.sent_at, order=("sent_at",), width=18),
            Column(_("说明时限"), lambda row: row.reply_until, order=("reply_until",), width=18),
            Column(_("说明"), lambda row: _state(row, now)[0], badge=lambda row: _state(row, now)[1]),
        ],
        empty=_("没有通报涉及您范围内的单位。"),
        lead=_("通报发出前，涉及的单位先看到事实，并可以在时限内说明；说明与事实印在同一页上，一并保存。"),
    )
    return respond(request, page)


def _state(row: Notice, now: object) -> tuple[str, str]:
    if row.answered:
        return _("已说明"), "green"
    return (_("待说明"), "yellow") if row.reply_until > now else (_("没有说明"), "grey")  # type: ignore[operator]


@door(Permission.SEE_REPORTS)
def notice(request: ActingRequest, uid: UUID) -> HttpResponse:
    """The facts with their rows, and the answer, which may be changed until the limit."""
    row = queries.notice_by_uid(uid, request.actor.paths(Permission.SEE_REPORTS))
    form = ReplyForm(request.POST or None, initial={"reply": row.reply, "revision": row.revision})
    status = 200
    if request.method == "POST":
        request.actor.require(Permission.WRITE_REPORTS, row.path)
        status = 400
        if form.is_valid():
            try:
                return _answered(request, row, form)
            except (Conflict, Refused) as error:
                form.add_error(None, error.message)
                status = 409 if isinstance(error, Conflict) else 400
    open_still = row.document.state == DocumentState.REPLYING and clock.now() < row.reply_until
    context = {
        "page_title": _("通报说明"),
        "notice": row,
        "facts": row.facts.splitlines(),
        "lines": LINES,
        "figures": row.document.figures.filter(path=row.path),
        "form": form,
        "may_answer": (open_still or status != 200) and request.actor.covers(Permission.WRITE_REPORTS, row.path),
    }
    return render(request, "reports/notice.html", context, status=status)


def _answered(request: ActingRequest, row: Notice, form: ReplyForm) -> HttpResponse:
    data = form.cleaned_data
    commands.answer_notice(notice=row, text=data["reply"], revision=data["revision"], by=request.actor, at=clock.now())
    messages.success(request, _("说明已提交，时限之前可以修改。"))
    return redirect("reports:notice", uid=row.uid)


@door(Permission.SEE_REPORTS)
def notice_rows(request: ActingRequest, uid: UUID, key: str) -> HttpResponseBase:
    """The rows behind one of the facts: the unit's own."""
    row = queries.notice_by_uid(uid, request.actor.paths(Permission.SEE_REPORTS))
    one = queries.figure_of(row.document, f"town-{row.place_code}-{key}")
    return respond(request, figure_page(row.document, one, queries.rows_of(one)))
