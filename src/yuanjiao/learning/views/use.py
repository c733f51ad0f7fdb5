"""Use per place and month, and the sites that were not used (LRN03). About places, never about persons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.learning import queries
from yuanjiao.learning.inputs import month_asked
from yuanjiao.learning.rules import Use, month_span, paths_above, roll_up
from yuanjiao.learning.views.sessions import months_back
from yuanjiao.lib import clock
from yuanjiao.lib.shares import per_cent
from yuanjiao.network.models import Site
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import division_by_code, divisions
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

RULE = (
    "规则：场次、现场人次、线上人次按登记计；人数为各站点单场最多人数之和（上报的只有人次，同一人多次到场无法去重，故只是下限）；"
    "参学率＝有场次的在用站点÷在用站点。断网站点的登记在线路恢复后自动补到，届时数字会增加。"
)


@dataclass(frozen=True)
class PlaceUse:
    """One line of the use list: a division, or a single site."""

    name: str
    code: str
    path: str
    is_site: bool
    asked: int
    use: Use

    @property
    def zero(self) -> int:
        return max(self.asked - self.use.sites, 0)

    @property
    def participation(self) -> str:
        return per_cent(self.use.sites / self.asked) if self.asked else "—"


def _this_month(request: ActingRequest, today: date) -> HttpResponseBase:
    """The same page with the month in its address: the filter shows it, and a kept link means the same next month."""
    query = request.GET.copy()
    query["month"] = f"{today:%Y-%m}"
    return redirect(f"{request.path}?{query.urlencode()}")


@door(Permission.SEE_LEARNING)
def use(request: ActingRequest) -> HttpResponseBase:
    """Use of the places one level below ?place=, in ?month=."""
    today, place = clock.today(), _place_asked(request.actor, request.GET.get("place", ""))
    if not request.GET.get("month"):
        return _this_month(request, today)
    month = month_asked(request.GET.get("month", ""), today)
    rows = _lines(request.actor, place, month, today)
    query = f"&month={month:%Y-%m}"
    page = ListPage[PlaceUse](
        title=_("学习使用统计"),
        rows=rows,
        columns=[
            Column(_("地方"), lambda one: one.name, link=lambda one: None if one.is_site else f"?place={one.code}{query}", width=20),
            Column(_("在用站点"), lambda one: one.asked),
            Column(_("有场次站点"), lambda one: one.use.sites),
            Column(_("参学率"), lambda one: one.participation),
            Column(
                _("零使用站点"),
                lambda one: one.zero,
                link=lambda one: _zero_link(one, query),
                badge=lambda one: "red" if one.zero else None,
            ),
            Column(_("场次"), lambda one: one.use.sessions, link=lambda one: _sessions_link(one, query)),
            Column(_("小时"), lambda one: one.use.hours),
            Column(_("现场人次"), lambda one: one.use.onsite),
            Column(_("线上人次"), lambda one: one.use.online),
            Column(_("人数（至少）"), lambda one: one.use.persons_at_least),
        ],
        filters=[Filter("month", _("月份"), months_back(today), lambda rows, _month: rows)],
        empty=_("这里没有站点。请在台账里导入站点。"),
        lead=_("%(place)s %(year)d年%(month)d月。") % {"place": place.name if place else "", "year": month.year, "month": month.month}
        + RULE,
        notes=[RULE],
        context={"place": place, "above": _way_up(request.actor, place, today), "month": month},
    )
    return respond(request, page, "learning/use.html")


def _zero_link(one: PlaceUse, query: str) -> str | None:
    return None if one.is_site or not one.zero else f"{reverse('learning:zero_use')}?place={one.code}{query}"


def _sessions_link(one: PlaceUse, query: str) -> str | None:
    if not one.use.sessions:
        return None
    narrowed = f"q={one.code}" if one.is_site else f"place={one.code}"
    return f"{reverse('learning:session_list')}?{narrowed}{query}&standing=counted"


def _place_asked(actor: Actor, code: str) -> Division | None:
    """The division in ?place=; without it the reader's own, or None when the reader has several."""
    paths = actor.paths(Permission.SEE_LEARNING)
    if code:
        found = division_by_code(code, on=clock.today())
        actor.require(Permission.SEE_LEARNING, found.path)
        return found
    return divisions(on=clock.today()).filter(path=paths[0]).first() if len(paths) == 1 else None


def _way_up(actor: Actor, place: Division | None, today: date) -> list[Division]:
    if place is None:
        return []
    seen = [path for path in paths_above(place.path)[:-1] if actor.covers(Permission.SEE_LEARNING, path)]
    return list(divisions(on=today).filter(path__in=seen).order_by("level"))


def _lines(actor: Actor, place: Division | None, month: date, today: date) -> list[PlaceUse]:
    start, end = month_span(month)
    paths = [place.path] if place else list(actor.paths(Permission.SEE_LEARNING))
    if place is not None and place.level >= Level.TOWN:
        return _site_lines(paths, start, end)
    below = _children(place, paths, today)
    asked = queries.sites_asked(paths, end).values_list("division__path", flat=True)
    population = roll_up([(path, Use(sites=1)) for path in asked], [row.path for row in below])
    used = queries.use_by_division(paths, [row.path for row in below], start, end)
    return [PlaceUse(row.name, row.code, row.path, False, population[row.path].sites, used[row.path]) for row in below]


def _children(place: Division | None, paths: Sequence[str], today: date) -> list[Division]:
    if place is None:
        return list(divisions(on=today).filter(path__in=paths))
    return list(divisions(on=today, under=place.path).filter(level=place.level + 1))


def _site_lines(paths: Sequence[str], start: date, end: date) -> list[PlaceUse]:
    used = queries.use_by_site(paths, start, end)
    return [
        PlaceUse(site.name, site.code, site.division.path, True, 1, used.get(site.code, Use())) for site in queries.sites_asked(paths, end)
    ]


@door(Permission.SEE_LEARNING)
def zero_use(request: ActingRequest) -> HttpResponseBase:
    """Sites in service that held nothing in ?month=, under ?place= or all of the reader's places."""
    today, place = clock.today(), _place_asked(request.actor, request.GET.get("place", ""))
    if not request.GET.get("month"):
        return _this_month(request, today)
    start, end = month_span(month_asked(request.GET.get("month", ""), today))
    paths = [place.path] if place else list(request.actor.paths(Permission.SEE_LEARNING))
    page = ListPage[Site](
        title=_("零使用站点"),
        rows=queries.zero_use(paths, start, end),
        columns=[
            Column(_("站点"), lambda site: site.name, order=("name",), width=22),
            Column(_("编号"), lambda site: site.code, order=("code",), width=20),
            Column(_("所在地"), lambda site: site.place_name, order=("division__path",), width=20),  # type: ignore[attr-defined]
            Column(_("最近一次学习"), lambda site: site.last_held or _("从未登记"), width=16),  # type: ignore[attr-defined]
            Column(_("投用日期"), lambda site: site.in_service_on, order=("in_service_on",)),
        ],
        search=("name", "code", "pinyin"),
        search_hint=_("站点名称、编号或拼音首字母"),
        filters=[Filter("month", _("月份"), months_back(today), lambda rows, _month: rows)],
        empty=_("%(year)d年%(month)d月在用站点都有学习场次。") % {"year": start.year, "month": start.month},
        lead=_("%(place)s %(year)d年%(month)d月没有学习场次的在用站点。断网站点的登记可能还没有送到，请先看线路再问人。")
        % {"place": place.name if place else "", "year": start.year, "month": start.month},
        prepare=_fill_sites,
    )
    return respond(request, page)


def _fill_sites(sites: Sequence[Any]) -> None:
    names = queries.place_names([site.division.path for site in sites], clock.today())
    last = queries.last_held(site.code for site in sites)
    for site in sites:
        site.place_name, site.last_held = names[site.division.path], last.get(site.code)
