"""The lists of month's reports: the counties' with what is late and missing, and the operators' service reports; and drafting."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import division_by_code, unit_by_code, units
from yuanjiao.places.rules import Chain, Level
from yuanjiao.reports import commands, queries
from yuanjiao.reports.inputs import day_asked, month_asked
from yuanjiao.reports.models import Document
from yuanjiao.reports.queries import Slot
from yuanjiao.reports.rules import KIND_NAMES, STANDING_NAMES, WEEKLY, DocumentKind, DocumentState, months_back, span_of
from yuanjiao.reports.views.parts import draft_link, of_standing, only_at_the_top, own_cities, slot_columns
from yuanjiao.ui.lists import Column, Filter, ListPage, respond


@door(Permission.SEE_REPORTS)
def report_list(request: ActingRequest) -> HttpResponseBase:
    """Month by month, county by county: what is sent, what is late, what is missing."""
    today, months = clock.today(), list(months_back(clock.today()))
    paths, now = request.actor.paths(Permission.SEE_REPORTS), clock.now()
    slots = queries.county_months(paths, months, at=now, on=today)
    in_use = _months_in_use(slots, today)
    page = ListPage[Slot](
        title=_("县级月报"),
        rows=[*queries.city_months(paths, months, at=now, on=today), *(one for one in slots if one.first_day in in_use)],
        columns=[Column(_("月份"), lambda slot: f"{slot.first_day:%Y-%m}"), *slot_columns(DocumentKind.COUNTY_MONTH)],
        filters=[
            Filter("month", _("月份"), [(f"{m:%Y-%m}", f"{m.year}年{m.month}月") for m in months], _of_month),
            Filter("standing", _("状态"), [(str(key), name) for key, name in STANDING_NAMES.items()], of_standing),
        ],
        empty=_("您的范围内没有县（市、区）的月报。月报每月 25 日自动起草，也可以提前起草。"),
        actions=_city_actions(request, today),
        lead=_("每月 25 日自动起草，县级组织员补写两段后在月底前报出。数字来自机器记录，不用填写。"),
    )
    return respond(request, page)


def _city_actions(request: ActingRequest, today: date) -> list[tuple[str, str]]:
    """Buttons that draft the city's own report, of this month and of the last one, for who writes for a whole city."""
    wanted = list(months_back(today, 2))
    return [
        (
            _("%(place)s %(month)d 月月报") % {"place": row.name, "month": month.month},
            draft_link(DocumentKind.CITY_MONTH, row.code, month),
        )
        for row in own_cities(request.actor, today)
        for month in wanted
    ]


def _months_in_use(slots: list[Slot], today: date) -> set[date]:
    """Months somebody has a report of, this month, and in its first days the last one: before the system ran, nobody was late."""
    this = today.replace(day=1)
    last = date.fromordinal(this.toordinal() - 1).replace(day=1)
    return {slot.first_day for slot in slots if slot.document} | {this} | ({last} if today.day <= 10 else set())


def _of_month(slots: list[Slot], text: str) -> list[Slot]:
    month = month_asked(text)
    return [slot for slot in slots if slot.first_day == month]


@door(Permission.SEE_REPORTS, Permission.WORK_ORDER)
def service_list(request: ActingRequest) -> HttpResponseBase:
    """Service reports of the operators' branches (OPS15): a branch's own people see theirs."""
    page = ListPage[Document](
        title=_("运维服务月报"),
        rows=queries.documents_seen_by(request.actor).filter(kind=DocumentKind.BRANCH_MONTH),
        columns=[
            Column(_("月份"), lambda row: f"{row.first_day:%Y-%m}", order=("first_day",)),
            Column(
                _("单位"),
                lambda row: row.place_name,
                lambda row: reverse("reports:document", args=[row.uid]),
                order=("place_name",),
                width=24,
            ),
            Column(_("状态"), lambda row: row.get_state_display(), badge=lambda row: "green" if row.issued_at else "blue"),
            Column(_("数据截至"), lambda row: row.as_of, order=("as_of",), width=18),
            Column(_("报出时间"), lambda row: row.issued_at, order=("issued_at",), width=18),
        ],
        filters=[Filter("state", _("状态"), [(DocumentState.DRAFT, _("草稿")), (DocumentState.ISSUED, _("已报出"))], _of_state)],
        search=("place_name",),
        search_hint=_("单位"),
        empty=_("还没有运维服务月报。每月 25 日为每个运营商单位自动起草，也可以提前起草。"),
        actions=_branch_actions(request),
        lead=_("数字与县级月报取自同样的工单，用同样的规则判定按时与超时。"),
    )
    return respond(request, page)


def _of_state(rows: object, value: str) -> object:
    return rows.filter(state=value)  # type: ignore[attr-defined]


def _branch_actions(request: ActingRequest) -> list[tuple[str, str]]:
    """Buttons that draft this month's report of the branches in one's own place, where they are few."""
    today = clock.today()
    found = [
        unit
        for path in request.actor.paths(Permission.WRITE_REPORTS)
        for unit in units(on=today, under=path).filter(chain=Chain.OPERATOR)[:3]
    ]
    return [(_("%s 本月月报") % unit.name, draft_link(DocumentKind.BRANCH_MONTH, unit.code, today.replace(day=1))) for unit in found[:3]]


@door(Permission.WRITE_REPORTS)
def draft(request: ActingRequest) -> HttpResponse:
    """Draft the document of ?place= now, before the machine does: a month's of ?month=, any other of ?kind= and ?day=."""
    only_at_the_top()
    code = request.GET.get("place", "")
    if not code:
        return redirect("reports:report_list")
    kind, day = _asked(request)
    unit = unit_by_code(code) if kind == DocumentKind.BRANCH_MONTH else None
    division = unit.division if unit else place_then(code, kind, day)
    request.actor.require(Permission.WRITE_REPORTS, division.path)
    if kind == DocumentKind.COUNTY_MONTH and division.level == Level.CITY:
        kind = DocumentKind.CITY_MONTH
    if request.method == "POST":
        row = _drafted(request, kind, unit or division, day)
        messages.success(request, _("已起草，数据截至此刻。补写要写的几段即可报出。"))
        return redirect("reports:document", uid=row.uid)
    context = {
        "page_title": _("起草") + KIND_NAMES[kind],
        "name": unit.name if unit else division.name,
        "day": day,
        "weekly": kind in WEEKLY,
    }
    return render(request, "reports/draft.html", context)


def _asked(request: ActingRequest) -> tuple[DocumentKind, date]:
    word = request.GET.get("kind", "")
    if not word:
        return DocumentKind.COUNTY_MONTH, month_asked(request.GET.get("month", f"{clock.today():%Y-%m}"))
    if word not in set(DocumentKind):
        raise NotFound(_("没有这种文书"))
    return DocumentKind(word), day_asked(request.GET.get("day", ""))


def _drafted(request: ActingRequest, kind: DocumentKind, subject: Division | OrgUnit, day: date) -> Document:
    by, at = request.actor, clock.now()
    if isinstance(subject, OrgUnit):
        return commands.draft_branch_month(unit=subject, month=day, by=by, at=at)
    if kind == DocumentKind.BRANCH_MONTH:
        raise Refused(_("请从运维服务月报的列表起草"))
    return commands.draft_of(kind, subject, day, by=by, at=at)


def place_then(code: str, kind: DocumentKind, day: date) -> Division:
    """The place as it was named on the last day of the span that has been."""
    return division_by_code(code, on=min(date.fromordinal(span_of(kind, day)[1].toordinal() - 1), clock.today()))
