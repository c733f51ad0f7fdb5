"""Weekly reports: who has reported, who has not; the fixed day; the digest of a week."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.reports import commands, queries
from yuanjiao.reports.inputs import ReportDayForm, day_asked
from yuanjiao.reports.queries import Slot
from yuanjiao.reports.rules import STANDING_NAMES, DocumentKind
from yuanjiao.reports.views.parts import draft_link, of_standing, own_cities, slot_columns
from yuanjiao.ui.lists import Column, Filter, ListPage, respond


@door(Permission.SEE_REPORTS)
def week_list(request: ActingRequest) -> HttpResponseBase:
    """Week by week, county by county: what is sent, what is late, what is missing (RPT05)."""
    slots = queries.week_slots(request.actor.paths(Permission.SEE_REPORTS), at=clock.now(), on=clock.today())
    weeks = sorted({slot.first_day for slot in slots}, reverse=True)
    page = ListPage[Slot](
        title=_("周报"),
        rows=slots,
        columns=[Column(_("一周自"), lambda slot: slot.first_day), *slot_columns(DocumentKind.COUNTY_WEEK)],
        filters=[
            Filter("week", _("周"), [(f"{day:%Y-%m-%d}", f"{day:%m-%d} 起") for day in weeks], _of_week),
            Filter("standing", _("状态"), [(str(key), name) for key, name in STANDING_NAMES.items()], of_standing),
        ],
        empty=_("还没有周报。到了周报日，会为每个县（市、区）自动起草前七天的周报。"),
        actions=_actions(request),
        lead=_("周报日自动起草前七天的周报，“数据”一节已经填好；写完做法、案例、成效，当天报出为按时。"),
        context={"digests": list(queries.documents_seen_by(request.actor).filter(kind=DocumentKind.WEEK_DIGEST)[:8])},
    )
    return respond(request, page, "reports/weeks.html")


def _of_week(slots: list[Slot], text: str) -> list[Slot]:
    day = day_asked(text)
    return [slot for slot in slots if slot.first_day == day]


def _actions(request: ActingRequest) -> list[tuple[str, str]]:
    """The office assembles the digest of the last week, and sets the fixed day."""
    today = clock.today()
    cities = own_cities(request.actor, today)
    digests = [
        (
            _("汇总 %(place)s %(day)s 起一周") % {"place": city.name, "day": f"{day:%m-%d}"},
            draft_link(DocumentKind.WEEK_DIGEST, city.code, day),
        )
        for city in cities
        for day in queries.weeks_of(city.path, today, 1)[:1]
    ]
    return [*digests, (_("周报日"), reverse("reports:week_settings"))] if cities else []


@door(Permission.WRITE_REPORTS)
def week_settings(request: ActingRequest) -> HttpResponse:
    """The day of the week on which weekly reports fall due, for who writes for a whole city."""
    cities = own_cities(request.actor, clock.today())
    if not cities:
        raise Refused(_("周报日由市里统一定"))
    city = cities[0]
    form = ReportDayForm(request.POST or None, initial={"weekday": queries.weekday_at(city.path)})
    if request.method == "POST" and form.is_valid():
        row = commands.set_report_day(city=city, weekday=form.cleaned_data["weekday"], by=request.actor, at=clock.now())
        messages.success(request, _("周报日已定为%s，从下一次起执行；已经起草的周报不变。") % row)
        return redirect("reports:week_list")
    context = {"page_title": _("周报日"), "form": form, "city": city}
    return render(request, "reports/week_settings.html", context, status=400 if request.method == "POST" else 200)
