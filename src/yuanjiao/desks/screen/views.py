"""The big screen, drilling city → county → town, every number a link to its rows; and the ranking of units behind its lists."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from yuanjiao.desks.screen import board, sheet
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.network import queries as network
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import ancestors, division_by_code
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import respond

ROOTS_SHOWN, UNITS_SHOWN = 10, 5
FAULT_SHARE = _("故障率＝不通 ÷（畅通＋不通），情况不明不计入也不排名。")


@door(Permission.SEE_SCREEN)
def screen(request: ActingRequest) -> HttpResponse:
    """?division=code drills down; without it the highest place the person may see."""
    at = clock.now()
    division = _division(request, at)
    rate, below = network.rate_and_children(division, at)
    roots = network.open_roots([division.path], limit=ROOTS_SHOWN)
    ranking = network.rank_units(below)
    worst, best = board.ranked(ranking, UNITS_SHOWN)
    context = {
        "division": division,
        "crumbs": [row for row in ancestors(division) if request.actor.covers(Permission.SEE_SCREEN, row.path)],
        "figures": board.figures(division, rate, roots, at),
        "tiles": board.site_tiles(division, at) if division.level >= Level.TOWN else board.unit_tiles(below),
        "roots": roots.widest,
        "more_roots": max(roots.count - ROOTS_SHOWN, 0),
        "ranking": ranking,
        "worst": worst,
        "best": best,
        "trend": board.trend(division, at, rate.target.value if rate.target else None),
        "at": at,
        "rule": rate.sentence,
    }
    template = "desks/_screen_body.html" if getattr(request, "htmx", False) else "desks/screen.html"
    return render(request, template, context)


@door(Permission.SEE_SCREEN)
def ranking(request: ActingRequest) -> HttpResponseBase:
    """Units below a division above a share of faulty sites (?over=5, per cent), and the best; now, or over a month (?month=2026-03)."""
    at = clock.now().replace(microsecond=0)
    division, over = _division(request, at), _over(request.GET.get("over", ""))
    month = request.GET.get("month", "")
    start, end = _month_span(month, at) if month else (at, None)
    found = network.rank_units(network.rates_by_child(division, start, end), threshold=over)
    worst, best = board.ranked(found, 1000)
    rule = (worst or best)[0].standing.rate.sentence if worst or best else ""
    if request.GET.get("export") == "xlsx":
        lines = sheet.lines(worst, best, found.unranked, f"{over * 100:g}")
        title = _("%s各单位故障率") % division.name + (f" {month}" if month else "")
        unit = _("秒") if end else _("个")
        return respond(request, sheet.ranking_page(title, lines, unit=unit, notes=[FAULT_SHARE, rule, _span(start, end)]))
    context = {
        "page_title": _("%s各单位故障率") % division.name,
        "division": division,
        "ranking": found,
        "worst": worst,
        "best": best,
        "over": f"{over * 100:g}",
        "month": month,
        "start": start,
        "end": end,
        "crumbs": [row for row in ancestors(division) if request.actor.covers(Permission.SEE_SCREEN, row.path)][:-1],
        "rule": rule,
        "fault_rule": FAULT_SHARE,
        "export_address": "?" + urlencode({"division": division.code, "over": f"{over * 100:g}", "month": month, "export": "xlsx"}),
        "unit": _("站点·小时") if end else _("站点"),
    }
    return render(request, "desks/ranking.html", context)


def _span(start: datetime, end: datetime | None) -> str:
    """The time the figures are of, in China's time."""
    first, last = (f"{one.astimezone(clock.CHINA):%Y-%m-%d %H:%M}" for one in (start, end or start))
    return _("{first} 至 {last}，按时间加权。").format(first=first, last=last) if end else _("截至 %s。") % first


def _over(text: str) -> float:
    try:
        share = float(text) / 100 if text else network.FAULTY_FROM
    except ValueError:
        raise Refused(_("界限请写百分数，如 5")) from None
    if not 0 <= share <= 1:
        raise Refused(_("界限在 0 与 100 之间"))
    return share


def _month_span(text: str, at: datetime) -> tuple[datetime, datetime]:
    try:
        first = datetime.strptime(text, "%Y-%m").replace(tzinfo=clock.CHINA).date()
    except ValueError:
        raise Refused(_("月份应写作 2026-03")) from None
    start = clock.day_start(first)
    if start >= at:
        raise Refused(_("这个月还没有到"))
    return start, min(clock.day_start((first + timedelta(days=32)).replace(day=1)), at)


def _division(request: ActingRequest, at: datetime) -> Division:
    day = clock.local_day(at)
    code = request.GET.get("division", "")
    if code:
        division = division_by_code(code, on=day)
        request.actor.require(Permission.SEE_SCREEN, division.path)
        return division
    return top_division(request.actor, Permission.SEE_SCREEN, at)


def top_division(actor: Actor, permission: Permission, at: datetime) -> Division:
    """The highest place under which the person holds the permission."""
    actor.require(permission)
    path = actor.paths(permission)[0]
    return division_by_code(path.strip("/").split("/")[-1], on=clock.local_day(at))
