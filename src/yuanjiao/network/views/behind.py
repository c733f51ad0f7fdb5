"""The sites behind a figure of a rate: whoever had such seconds in those days, or was so at that moment, also of the past (RPT16)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.network.queries.behind import KINDS, SiteBehind, fill_sites, sites_behind
from yuanjiao.network.queries.rates import SPLITS
from yuanjiao.network.views.rates import Window, chosen_division, rate_columns, read_window
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, ListPage, respond
from yuanjiao.ui.templatetags.zh import duration

KIND_NAMES = {"up": "畅通", "down": "不通", "unknown": "情况不明", "maintenance": "检修", "excluded": "停用"}
COLOURS = {"up": "green", "down": "red", "unknown": "yellow", "maintenance": "grey", "excluded": "grey"}


@door(Permission.SEE_NETWORK)
def rate_sites(request: ActingRequest) -> HttpResponseBase:
    """?division= with ?at= or ?from=&to= as on the page of rates; ?show= one figure; ?split=&key= one value of a split."""
    window = read_window(request.GET, clock.now())
    division = chosen_division(request.actor, request.GET.get("division", ""), window.days)
    kind, split, key = (request.GET.get(name, "") for name in ("show", "split", "key"))
    kind = kind if kind in KINDS else ""
    named = f" · {SPLITS[split].get(key, key)}" if split in SPLITS else ""
    rows = sites_behind(division, window.start, window.end, kind=kind, split=split, key=key)
    page = ListPage[Any](
        title=_("%(place)s%(kind)s站点") % {"place": division.name, "kind": KIND_NAMES.get(kind, "")} + named,
        rows=rows,
        columns=columns_of(window),
        empty=_("没有这样的站点。"),
        lead=f"{window.words}；{_counted(window, len(rows))}",
        notes=[f"{window.words}。{rows[0].rate.sentence if rows else ''}"],
        actions=[(_("返回畅通率"), _back(request))],
        prepare=fill_sites,
    )
    return respond(request, page)


def _counted(window: Window, count: int) -> str:
    by_day = _("一个站点计入它当时所在的区划，类型、接入方式、项目也按当时的登记。")
    return (_("%d 个站点有这样的时间，时间长的在前。") if window.end else _("%d 个站点。")) % count + by_day


def _back(request: HttpRequest) -> str:
    query = request.GET.copy()
    for name in ("show", "split", "key", "page", "export"):
        query.pop(name, None)
    return f"{reverse('network:rates')}?{query.urlencode()}"


def columns_of(window: Window) -> list[Column[Any]]:
    """At a moment what each site was; over days its seconds, as numbers and the silence in words."""
    who: list[Column[Any]] = [
        Column(_("站点"), lambda row: row.name, link=lambda row: reverse("network:site", args=[row.code]), width=22),
        Column(_("编号"), lambda row: row.code, width=18),
        Column(_("当时所在"), lambda row: row.place_name, width=18),
    ]
    if window.end is None:
        return [*who, Column(_("当时"), lambda row: KIND_NAMES[_was(row)], badge=lambda row: COLOURS[_was(row)], width=10)]
    told = [Column[Any](_("不通时长"), lambda row: duration(row.rate.down), width=14)]
    return [*who, *told, *rate_columns(lambda row: row.rate, _("秒"))]


def _was(row: SiteBehind) -> str:
    """What the one second of a site was at a moment."""
    return next((kind for kind in KINDS if getattr(row.rate, kind)), "unknown")
