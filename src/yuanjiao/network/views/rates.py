"""The unobstructed rate (畅通率) from city to county to town to site, at an instant or over days, with its rule beside it.

Every figure opens to the sites behind it, of the past too; tables go out as 台账.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.network import queries
from yuanjiao.network.rules import Rate
from yuanjiao.network.views.parts import division_crumbs, seen_paths
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import division_by_code, division_held, divisions
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, ListPage, respond
from yuanjiao.ui.templatetags.zh import share

SPLIT_TITLES = {"site_kind": "按站点类型", "access_mode": "按接入方式", "urban_rural": "按城乡", "programme": "按所属项目"}
SPLIT_FILTERS = {"site_kind": "kind", "access_mode": "mode"}
EVERY = 10_000_000
"""More villages than there are."""


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

    @property
    def days(self) -> tuple[date, date]:
        """The local days it touches, both included."""
        end = self.start if self.end is None else max(self.end - timedelta(seconds=1), self.start)
        return clock.local_day(self.start), clock.local_day(end)

    @property
    def words(self) -> str:
        """What was asked for, as lists and sheets say it."""
        start, end = (one and f"{one.astimezone(clock.CHINA):%Y-%m-%d %H:%M}" for one in (self.start, self.end))
        return f"{start} 至 {end}" if end else f"{start} 当时"


@dataclass(frozen=True)
class Row:
    """One line of a table of rates: what it is of, where it opens, the sites of today, and the address of the sites behind its figures."""

    title: str
    address: str
    rate: Rate
    sites: str
    partial: bool = False
    behind: str = ""


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


def chosen_division(actor: Actor, code: str, days: tuple[date, date] | None = None) -> Division:
    """The division asked for, inside the reader's subtree; without one, the top of the subtree.

    One that has ended since is as it was in `days`, first and last.
    """
    on = clock.today()
    if code:
        try:
            row = division_by_code(code, on=on)
        except NotFound:
            if days is None:
                raise
            row = division_held(code, first=days[0], last=days[1])
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
    window = read_window(request.GET, clock.now())
    division = chosen_division(request.actor, request.GET.get("division", ""), window.days)
    table = queries.rate_table(division, window.start, window.end)
    whole = table.whole
    if request.GET.get("export") == "xlsx":
        return respond(request, units_page(division, window, table))
    context = {
        "page_title": f"{division.name}畅通率",
        "division": division,
        "window": window,
        "whole": whole,
        "fault_share": queries.fault_share(whole),
        "sites_address": _sites(division),
        "behind": _behind(division, window),
        "export_address": f"{_rates(division, window)}&export=xlsx",
        "children": [_child_row(one, window) for one in table.children],
        "sites": [Row(one.name, reverse("network:site", args=[one.code]), one.rate, "") for one in table.sites],
        "splits": _splits(division, window, table),
        "crumbs": division_crumbs(division, request.actor, "network:rates")[:-1],
    }
    return render(request, "network/rates.html", context)


def _child_row(child: queries.ChildRate, window: Window) -> Row:
    division = child.division
    behind = _behind(division, window)
    return Row(division.name, _rates(division, window), child.rate, _sites(division), partial=not child.whole, behind=behind)


def _rates(division: Division, window: Window) -> str:
    return f"{reverse('network:rates')}?{urlencode({'division': division.code} | window.query)}"


def _sites(division: Division, **filters: str) -> str:
    return f"{reverse('network:site_list')}?{urlencode({'division': division.code} | filters)}"


def _behind(division: Division, window: Window, **split: str) -> str:
    """The sites behind the figures of a division in the window; `&show=down` and so on narrows to one figure."""
    return f"{reverse('network:rate_sites')}?{urlencode({'division': division.code} | window.query | split)}"


def _splits(division: Division, window: Window, table: queries.RateTable) -> list[dict[str, Any]]:
    return [
        {"title": title, "rows": [_split_row(division, window, by, one) for one in table.splits[by]]} for by, title in SPLIT_TITLES.items()
    ]


def _split_row(division: Division, window: Window, by: str, one: queries.SplitRate) -> Row:
    sites = _sites(division, **{SPLIT_FILTERS[by]: one.key}) if by in SPLIT_FILTERS else ""
    return Row(one.label, "", one.rate, sites, behind=_behind(division, window, split=by, key=one.key))


def units_page(division: Division, window: Window, table: queries.RateTable) -> ListPage[Any]:
    """The units below a division (its sites where it has none) as a 台账: each rate with all that stands beside it."""
    rows = [(one.division.name, one.division.code, one.rate) for one in table.children] or [
        (one.name, one.code, one.rate) for one in table.sites
    ]
    unit = "秒" if window.end else "个"
    return ListPage[Any](
        title=f"{division.name}畅通率 {window.words.replace(':', '')}",
        rows=rows,
        columns=[
            Column("单位", lambda row: row[0], width=22),
            Column("代码", lambda row: row[1], width=18),
            Column("在用站点", lambda row: row[2].population, width=10),
            *rate_columns(lambda row: row[2], unit),
            Column("故障率", lambda row: share(queries.fault_share(row[2])), width=10),
            Column("目标", lambda row: share(row[2].target.value if row[2].target else None), width=10),
        ],
        empty="",
        notes=[table.whole.sentence, f"{window.words}。"],
    )


def rate_columns(of: Any, unit: str) -> list[Column[Any]]:
    """A rate as columns of a sheet: the value never without its known share and its bounds, and what it was counted from."""
    return [
        Column("畅通率", lambda row: share(of(row).value), width=10),
        Column("已知", lambda row: share(of(row).coverage), width=10),
        Column("下限", lambda row: share((of(row).bounds or (None, None))[0]), width=10),
        Column("上限", lambda row: share((of(row).bounds or (None, None))[1]), width=10),
        Column(f"畅通（{unit}）", lambda row: of(row).up, width=12),
        Column(f"不通（{unit}）", lambda row: of(row).down, width=12),
        Column(f"情况不明（{unit}）", lambda row: of(row).unknown, width=14),
        Column(f"检修（{unit}）", lambda row: of(row).maintenance, width=12),
        Column(f"停用（{unit}）", lambda row: of(row).excluded, width=12),
    ]


@door(Permission.SEE_NETWORK)
def coverage(request: ActingRequest) -> HttpResponseBase:
    """Villages with a site in service, of all villages (NET02), with the list of those without."""
    division, on = chosen_division(request.actor, request.GET.get("division", "")), clock.today()
    if request.GET.get("export") == "xlsx":
        return respond(request, uncovered_page(division, on))
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


def uncovered_page(division: Division, on: date) -> ListPage[Division]:
    """Every village without a site in service as a 台账, with the count that reconciles it with the code table (NET02)."""
    whole = queries.coverage_of_villages(division, on=on)
    rows = queries.uncovered_villages(division.path, on=on, limit=EVERY)
    names = dict(divisions(on=on, under=division.path).filter(level__lt=Level.VILLAGE).values_list("code", "name"))

    def above(row: Division, level: Level) -> str:
        codes = row.path.strip("/").split("/")
        return names.get(codes[level - 1], "") if len(codes) >= level else ""

    told = (
        f"{on:%Y-%m-%d}，区划代码表中村级区划 {whole.villages} 个，其中有在用站点 {whole.covered} 个，没有的 {len(rows)} 个，逐个列在表中。"
    )
    return ListPage[Division](
        title=f"{division.name}没有在用站点的村",
        rows=rows,
        columns=[
            Column("区划代码", lambda row: row.code, width=16),
            Column("村（社区）", lambda row: row.name, width=24),
            Column("乡镇", lambda row: above(row, Level.TOWN), width=18),
            Column("县", lambda row: above(row, Level.COUNTY), width=18),
        ],
        empty="全部覆盖。",
        notes=[told],
    )
