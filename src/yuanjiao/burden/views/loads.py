"""What is asked: of all units of an area with the trend by month, and of one unit, row by row."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from yuanjiao.burden import queries
from yuanjiao.burden.inputs import month_asked
from yuanjiao.burden.queries import Line, Standing
from yuanjiao.burden.rules import KIND_NAMES, MEASURE_NAMES, Measure, last_of, load_of, month_of, months_back
from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission as P
from yuanjiao.places.models import LEVEL_NAMES
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

TREND = 12


@door(P.SEE_REPORTS)
def overview(request: ActingRequest) -> HttpResponseBase:
    """The month of every unit that something is asked of, those over a cap first; above it the months as they were."""
    today = clock.today()
    month, paths = month_asked(request.GET.get("month", ""), today), request.actor.paths(P.SEE_REPORTS)
    found = _standings(month, paths, today)
    months = [queries.sum_of(month, found), *queries.kept_months(months_back(today, TREND + 1)[1:], paths)]
    page: ListPage[Standing] = ListPage(
        title=_("各单位负担"),
        rows=found,
        columns=[
            Column(_("单位"), lambda row: row.name, link=lambda row: _unit_link(row.code, month), width=26),
            Column(_("级别"), lambda row: dict(LEVEL_NAMES).get(row.level, "")),  # type: ignore[call-overload]
            *(Column(MEASURE_NAMES[one], partial(_number, measure=one), badge=partial(_colour, measure=one)) for one in Measure),
        ],
        empty=_("这个月还没有要求任何单位做什么。"),
        filters=[
            Filter("over", _("上限"), [("yes", _("超出上限"))], lambda rows, _value: [row for row in rows if row.over]),
            Filter("level", _("级别"), [(str(key), name) for key, name in LEVEL_NAMES], _of_level),
        ],
        lead=_("%(month)s：要求每个单位填的表单和项、开的会、报的材料，按期限所在的月计。只计单位，不计个人。")
        % {"month": f"{month:%Y-%m}"},
        actions=[(_("本月"), reverse("burden:overview")), (_("下月"), _month_link(_next(today)))],
        notes=[_("标红的超出当月上限")],
        context={"months": {one.month: one for one in months}.values(), "month": month},
    )
    return respond(request, page, "burden/overview.html")


def _standings(month: date, paths: tuple[str, ...], today: date) -> list[Standing]:
    if queries.is_frozen(month):
        return queries.kept_standings(month, paths)
    on = min(max(today, month), last_of(month))
    found = [row for path in paths for row in queries.standings(month, path, on=on)]
    return sorted(found, key=lambda row: (not row.over, -row.load.fields, -row.load.forms, row.code))


def _number(row: Standing, measure: Measure) -> int:
    return row.load.of(measure)


def _colour(row: Standing, measure: Measure) -> str | None:
    return "red" if measure in row.over else None


def _of_level(rows: Any, value: str) -> Any:
    return [row for row in rows if str(row.level) == value]


def _next(day: date) -> date:
    return month_of(date.fromordinal(last_of(day).toordinal() + 1))


def _month_link(month: date) -> str:
    return f"{reverse('burden:overview')}?month={month:%Y-%m}"


def _unit_link(code: str, month: date) -> str:
    return f"{reverse('burden:unit', args=[code])}?month={month:%Y-%m}"


@door()
def mine(request: ActingRequest) -> HttpResponse:
    """To the page of the own unit; a choice for who works in several."""
    own = queries.own_units(request.actor, on=clock.today())
    if len(own) == 1:
        return redirect("burden:unit", own[0].code)
    return render(request, "burden/mine.html", {"page_title": _("要本单位做的"), "units": own})


@door()
def unit(request: ActingRequest, code: str) -> HttpResponseBase:
    """What is asked of a unit this month and by whom; open to the unit itself and to who reads the reports of its area."""
    found, today = queries.unit_for(code, request.actor), clock.today()
    month = month_asked(request.GET.get("month", ""), today)
    lines = queries.lines_of_unit(found, month)
    load, caps = load_of(line.asked for line in lines), queries.caps_of(month).get(found.division.level, {})
    sums = [(MEASURE_NAMES[one], load.of(one), caps.get(one), one in load.over(caps)) for one in Measure]
    page: ListPage[Line] = ListPage(
        title=_("%(unit)s %(month)s") % {"unit": found.name, "month": f"{month:%Y-%m}"},
        rows=lines,
        columns=[
            Column(_("期限"), lambda line: line.asked.due_on),
            Column(_("类别"), lambda line: KIND_NAMES[line.asked.kind]),
            Column(_("内容"), lambda line: line.asked.what, link=_source, width=40),
            Column(_("份数"), lambda line: line.asked.times),
            Column(_("每份填写项"), lambda line: line.asked.fields),
            Column(_("谁布置"), lambda line: line.asked.by or _("系统按规定"), width=22),
            Column(_("来自"), lambda line: line.room),
        ],
        empty=_("这个月没有要求本单位做什么。"),
        filters=[Filter("kind", _("类别"), [(str(key), name) for key, name in KIND_NAMES.items()], _of_kind)],
        actions=[(f"{one:%Y-%m}", _unit_link(code, one)) for one in _months(month, today)],
        context={"sums": sums},
    )
    return respond(request, page, "burden/unit.html")


def _months(shown: date, today: date) -> list[date]:
    """The months to choose from: first the one that is shown, as the first button of a page is the marked one."""
    return [shown, *(one for one in (_next(today), *months_back(today, 4)) if one != shown)]


def _of_kind(rows: Any, value: str) -> Any:
    return [line for line in rows if line.asked.kind == value]


def _source(line: Line) -> str | None:
    """The page on which it is seen; None for what was kept under a route that is no more."""
    try:
        return reverse(line.asked.link[0], args=line.asked.link[1:]) if line.asked.link else None
    except NoReverseMatch:
        return None
