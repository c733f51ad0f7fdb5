"""Sessions held: the list with its 台账, one session with its story, setting a record right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yuanjiao.learning import commands, queries
from yuanjiao.learning.inputs import CorrectForm, month_asked
from yuanjiao.learning.models import FORM_NAMES, Session
from yuanjiao.learning.rules import SessionForm, month_span
from yuanjiao.lib import clock
from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import division_by_code, divisions
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

MONTHS_BACK = 13


def months_back(today: date) -> list[tuple[str, str]]:
    """The choices of a month filter, this month first."""
    month, found = today.replace(day=1), []
    for _number in range(MONTHS_BACK):
        found.append((f"{month:%Y-%m}", f"{month.year}年{month.month}月"))
        month = month_span(month)[0].replace(day=1)
        month = date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)
    return found


def _in_month(rows: Any, month: str) -> Any:
    start, end = month_span(month_asked(month, clock.today()))
    return rows.filter(held_on__gte=start, held_on__lt=end)


def _in_place(rows: Any, code: str) -> Any:
    return rows.filter(within("path", [division_by_code(code, on=clock.today()).path]))


STANDING = [("counted", "计入统计"), ("corrected", "改正过"), ("cancelled", "作废")]


def _standing(rows: Any, word: str) -> Any:
    if word == "corrected":
        return rows.filter(cancelled=False, corrected_at__isnull=False)
    return rows.filter(cancelled=word == "cancelled")


@door(Permission.SEE_LEARNING)
def session_list(request: ActingRequest) -> HttpResponseBase:
    """Every session of the reader's places."""
    paths, today = request.actor.paths(Permission.SEE_LEARNING), clock.today()
    places = [row for path in paths for row in divisions(on=today, under=path) if Level.COUNTY <= row.level <= Level.TOWN]
    page = ListPage[Session](
        title=_("学习场次"),
        rows=queries.sessions(paths).prefetch_related("items"),
        columns=_columns(),
        search=("site__name", "site__code", "items__title"),
        search_hint=_("站点名称、编号或课件"),
        filters=[
            Filter("month", _("月份"), months_back(today), _in_month),
            Filter("place", _("地方"), [(row.code, "　" * (row.level - Level.COUNTY) + row.name) for row in places], _in_place),
            Filter("form", _("形式"), FORM_NAMES, lambda rows, word: rows.filter(form=word)),
            Filter("standing", _("记录"), STANDING, _standing),
        ],
        empty=_("还没有学习场次。站点管理员在“登记学习”里只填人数即可，断网时也能登记。"),
        actions=[(_("登记学习"), reverse("learning:record"))] if request.actor.holds(Permission.RECORD_SESSION) else [],
        notes=[_("只有场次和人次上报，参加人员名册由站点所在单位保管。")],
        prepare=_fill,
    )
    return respond(request, page)


def _columns() -> list[Column[Any]]:
    return [
        Column(
            _("时间"), lambda row: row.held_at, link=lambda row: reverse("learning:session", args=[row.uid]), order=("held_at",), width=17
        ),
        Column(_("站点"), site_name, order=("site_id",), width=20),
        Column(_("所在地"), lambda row: row.place_name, order=("path",), width=18),
        Column(_("学习日"), lambda row: row.plan_title, width=18),
        Column(_("形式"), lambda row: row.get_form_display(), order=("form",), width=10),
        Column(_("课件"), lambda row: "、".join(item.title for item in row.items.all()), width=30),
        Column(_("时长（分钟）"), lambda row: row.minutes, order=("minutes",)),
        Column(_("现场人次"), lambda row: row.heads_onsite, order=("heads_onsite",)),
        Column(_("线上人次"), lambda row: row.heads_online, order=("heads_online",)),
        Column(_("登记方式"), lambda row: row.get_recorded_via_display(), width=10),
        Column(_("记录"), lambda row: standing_of(row)[0], badge=lambda row: standing_of(row)[1], width=10),
    ]


def site_name(session: Session) -> str:
    """The site's name; its code where the register has lost it."""
    return session.site.name if session.site else str(session.site_id)


def standing_of(session: Session) -> tuple[str, str]:
    if session.cancelled:
        return _("作废"), "grey"
    return (_("已改正"), "blue") if session.corrected_at else (_("有效"), "green")


def _fill(rows: Sequence[Any]) -> None:
    names = queries.place_names([row.path for row in rows], clock.today())
    titles = queries.plan_titles(row.plan_uid for row in rows)
    for row in rows:
        row.place_name = names[row.path]
        row.plan_title = titles.get(row.plan_uid, "") if row.plan_uid else _("计划外")


@door(Permission.SEE_LEARNING)
def session(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One session: what was recorded, what was set right and why."""
    row = queries.session_by_uid(uid, request.actor.paths(Permission.SEE_LEARNING))
    return _session_page(request, row, CorrectForm(initial=_now_said(row)))


def _now_said(row: Session) -> dict[str, Any]:
    return {"heads_onsite": row.heads_onsite, "heads_online": row.heads_online, "minutes": row.minutes, "form": row.form}


def _session_page(request: ActingRequest, row: Session, form: CorrectForm, status: int = 200) -> HttpResponse:
    _fill([row])
    context = {
        "page_title": _("学习场次"),
        "session": row,
        "site_name": site_name(row),
        "standing": standing_of(row),
        "corrections": queries.corrections_of(row.uid),
        "form": form,
        "may_correct": not row.cancelled and request.actor.covers(Permission.RECORD_SESSION, row.path),
    }
    return render(request, "learning/session.html", context, status=status)


@door(Permission.RECORD_SESSION)
@require_POST
def session_correct(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Set right, or with the second button take out of every count."""
    row = queries.session_by_uid(uid, request.actor.paths(Permission.RECORD_SESSION))
    if "cancel" in request.POST:
        commands.cancel_session(session=row, reason=request.POST.get("reason", ""), by=request.actor, at=clock.now())
        messages.success(request, _("已作废，不再计入统计；原记录仍可查看。"))
        return redirect("learning:session", uid=uid)
    form = CorrectForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data | {"form": SessionForm(form.cleaned_data["form"])}
        try:
            commands.correct_session(session=row, **said, by=request.actor, at=clock.now())
        except YuanjiaoError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已改正；原记录与原因一并保留。"))
            return redirect("learning:session", uid=uid)
    return _session_page(request, row, form, status=400)
