"""The unobstructed rate (畅通率) from city to county to town to site, at an instant or over days, with its rule beside it."""

from __future__ import annotations

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
from yuanjiao.network.rules import Rate
from yuanjiao.network.views.parts import division_crumbs, seen_paths
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import division_by_code, divisions
from yuanjiao.places.rules import Level

SPLIT_TITLES = {"site_kind": "按站点类型", "access_mode": "按接入方式", "urban_rural": "按城乡", "programme": "按所属项目"}
SPLIT_FILTERS = {"site_kind": "kind", "access_mode": "mode"}


@dataclass(frozen=True)
class Window:
    """What was asked for: an instant (`end` None), the present one when nothing was, or local days `first` to `last`, both included."""

    start: datetime
    end: datetime | None
    first: date | None
    last: date | None
    is_now: bool = False

    @property
    def query(self) -> dict[str, str]:
        """The words of the address that ask for the same again."""
        if self.first and self.last:
            return {"from": f"{self.first:%Y-%m-%d}", "to": f"{self.last:%Y-%m-%d}"}
        return {} if self.is_now else {"at": f"{self.start.astimezone(clock.CHINA):%Y-%m-%dT%H:%M}"}

    @property
    def more(self) -> str:
        """The same as the end of an address that has a query already."""
        return f"&{urlencode(self.query)}" if self.query else ""


@dataclass(frozen=True)
class Row:
    """One line of a table of rates: what it is of, where it opens, and the sites behind it."""

    title: str
    address: str
    rate: Rate
    sites: str
    partial: bool = False


def read_window(query: Any, at: datetime) -> Window:
    """Days or a moment from the address; without them, the present. Refused for what is no day, or days in the wrong order."""
    first, last = query.get("from", ""), query.get("to", "")
    if not first and not last:
        return _instant(query.get("at", ""), at.replace(microsecond=0))
    try:
        days = date.fromisoformat(first or last), date.fromisoformat(last or first)
    except ValueError:
        raise Refused("日期请写成 2026-03-01 的样子") from None
    if days[0] > days[1]:
        raise Refused("开始日期晚于结束日期")
    end = min(clock.day_start(days[1] + timedelta(days=1)), at.replace(microsecond=0))
    return Window(clock.day_start(days[0]), max(end, clock.day_start(days[0])), *days)


def _instant(text: str, at: datetime) -> Window:
    if not text:
        return Window(at, None, None, None, is_now=True)
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("时刻请写成 2026-03-01T08:00 的样子") from None
    then = then.replace(tzinfo=clock.CHINA) if then.tzinfo is None else then
    if then > at:
        raise Refused("不能看将来的时刻")
    return Window(then.replace(microsecond=0), None, None, None)


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
    """A division's rate, those of its children (or sites, where it has none), and its splits; now, at a moment, or over days."""
    division, at = chosen_division(request.actor, request.GET.get("division", "")), clock.now()
    window = read_window(request.GET, at)
    table = queries.rate_table(division, window.start, window.end)
    whole = table.whole
    context = {
        "page_title": f"{division.name}畅通率",
        "division": division,
        "window": window,
        "whole": whole,
        "fault_share": queries.fault_share(whole),
        "sites_address": _sites(division),
        "children": [_child_row(one, window) for one in table.children],
        "sites": [Row(one.name, reverse("network:site", args=[one.code]), one.rate, "") for one in table.sites],
        "splits": _splits(division, table),
        "crumbs": division_crumbs(division, request.actor, "network:rates")[:-1],
    }
    return render(request, "network/rates.html", context)


def _child_row(child: queries.ChildRate, window: Window) -> Row:
    division = child.division
    return Row(division.name, _rates(division, window), child.rate, _sites(division), partial=not child.whole)


def _rates(division: Division, window: Window) -> str:
    return f"{reverse('network:rates')}?{urlencode({'division': division.code} | window.query)}"


def _sites(division: Division, **filters: str) -> str:
    return f"{reverse('network:site_list')}?{urlencode({'division': division.code} | filters)}"


def _splits(division: Division, table: queries.RateTable) -> list[dict[str, Any]]:
    return [{"title": title, "rows": [_split_row(division, by, one) for one in table.splits[by]]} for by, title in SPLIT_TITLES.items()]


def _split_row(division: Division, by: str, one: queries.SplitRate) -> Row:
    return Row(one.label, "", one.rate, _sites(division, **{SPLIT_FILTERS[by]: one.key}) if by in SPLIT_FILTERS else "")


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
        "uncovered": queries.uncovered_villages(division.path, on=on, limit=500),
        "crumbs": division_crumbs(division, request.actor, "network:coverage")[:-1],
    }
    return render(request, "network/coverage.html", context)
