"""The unobstructed rate (畅通率) from city to county to town to site, at an instant or over days, with its rule beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.network import queries
from yuanjiao.network.rules import RULE, Rate
from yuanjiao.network.views.parts import division_crumbs, seen_paths
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import division_by_code, divisions
from yuanjiao.places.rules import Level

SPLIT_TITLES = {"site_kind": "按站点类型", "access_mode": "按接入方式", "urban_rural": "按城乡"}
SPLIT_FILTERS = {"site_kind": "kind", "access_mode": "mode"}


@dataclass(frozen=True)
class Window:
    """What was asked for: an instant (`end` None) or local days from `first` to `last`, both included."""

    start: datetime
    end: datetime | None
    first: date | None
    last: date | None

    @property
    def query(self) -> dict[str, str]:
        return {"from": f"{self.first:%Y-%m-%d}", "to": f"{self.last:%Y-%m-%d}"} if self.first and self.last else {}


@dataclass(frozen=True)
class Row:
    """One line of a table of rates: what it is of, where it opens, and the sites behind it."""

    title: str
    address: str
    rate: Rate
    sites: str


def read_window(query: Any, at: datetime) -> Window:
    """Days from the address; without them, the present. Refused for what is no day, or days in the wrong order."""
    first, last = query.get("from", ""), query.get("to", "")
    if not first and not last:
        return Window(at.replace(microsecond=0), None, None, None)
    try:
        days = date.fromisoformat(first or last), date.fromisoformat(last or first)
    except ValueError:
        raise Refused("日期请写成 2026-03-01 的样子") from None
    if days[0] > days[1]:
        raise Refused("开始日期晚于结束日期")
    end = min(clock.day_start(days[1] + timedelta(days=1)), at.replace(microsecond=0))
    return Window(clock.day_start(days[0]), max(end, clock.day_start(days[0])), *days)


def chosen_division(actor: Actor, code: str) -> Division:
    """The division asked for, inside the reader's subtree; without one, the top of the subtree."""
    on = clock.today()
    if code:
        row = division_by_code(code, on=on)
        actor.require(Permission.SEE_NETWORK, row.path)
        return row
    top = divisions(on=on).filter(path__in=seen_paths(actor)).order_by("level", "code").first()
    if top is None:
        top = divisions(on=on, level=Level.PROVINCE).first()
    if top is None:
        raise Refused("还没有区划。请先导入台账。")
    return top


@door(Permission.SEE_NETWORK)
def rates(request: ActingRequest) -> HttpResponseBase:
    """A division's rate, those of its children (or sites, where it has none), and its splits."""
    division, at = chosen_division(request.actor, request.GET.get("division", "")), clock.now()
    window = read_window(request.GET, at)
    start, end = window.start, window.end
    whole = queries.rate_over(division, start, end) if end else queries.rate_at(division, start)
    children = queries.rates_by_child(division, start, end)
    context = {
        "page_title": f"{division.name}畅通率",
        "division": division,
        "window": window,
        "whole": whole,
        "bounds": whole.bounds,
        "sites_address": _sites(division),
        "children": [Row(c.division.name, _rates(c.division, window), c.rate, _sites(c.division)) for c in children],
        "sites": [] if children else _site_rows(division, window),
        "splits": _splits(division, window),
        "rule": RULE,
        "crumbs": division_crumbs(division, request.actor, "network:rates")[:-1],
        "unit": "站点·小时" if end else "站点",
    }
    return render(request, "network/rates.html", context)


def _rates(division: Division, window: Window) -> str:
    return f"{reverse('network:rates')}?{urlencode({'division': division.code} | window.query)}"


def _sites(division: Division, **filters: str) -> str:
    return f"{reverse('network:site_list')}?{urlencode({'division': division.code} | filters)}"


def _site_rows(division: Division, window: Window) -> Sequence[Row]:
    found = queries.rates_by_site(division.path, window.start, window.end)
    return [Row(one.name, reverse("network:site", args=[one.code]), one.rate, "") for one in found]


def _splits(division: Division, window: Window) -> list[dict[str, Any]]:
    tables = []
    for by, title in SPLIT_TITLES.items():
        rows = [
            Row(one.label, "", one.rate, _sites(division, **{SPLIT_FILTERS[by]: one.key}) if by in SPLIT_FILTERS else "")
            for one in queries.rates_split(division.path, by, window.start, window.end)
        ]
        tables.append({"title": title, "rows": rows})
    return tables


@door(Permission.SEE_NETWORK)
def coverage(request: ActingRequest) -> HttpResponseBase:
    """Villages with a site in service, of all villages (NET02), with the list of those without."""
    division, on = chosen_division(request.actor, request.GET.get("division", "")), clock.today()
    children = queries.coverage_by_child(division, on=on)
    context = {
        "page_title": f"{division.name}行政村覆盖",
        "division": division,
        "whole": queries.coverage_of_villages(division, on=on),
        "children": [(one, f"{reverse('network:coverage')}?division={one.division.code}") for one in children],
        "uncovered": queries.uncovered_villages(division.path, on=on)[:500],
        "crumbs": division_crumbs(division, request.actor, "network:coverage")[:-1],
    }
    return render(request, "network/coverage.html", context)
