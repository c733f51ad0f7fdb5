"""The big screen: one dark canvas for a hall, drilling city → county → town; every number is a link to its rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from yuanjiao.lib import clock
from yuanjiao.network import queries as network
from yuanjiao.network.rules import Rate
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import ancestors, division_by_code
from yuanjiao.places.rules import Level

TREND_HOURS = 24
TREND_KEPT_S = 600
BANDS = ((0.98, "good"), (0.95, "fair"), (0.9, "weak"), (0.0, "bad"))
"""Lower bound of the rate → colour of a tile. The word beside the colour is the rate itself."""


@door(Permission.SEE_SCREEN)
def screen(request: ActingRequest) -> HttpResponse:
    """?division=code drills down; without it the highest place the person may see."""
    at = clock.now()
    division = _division(request, at)
    rate, below = network.rate_and_children(division, at)
    context = {
        "division": division,
        "crumbs": [row for row in ancestors(division) if request.actor.covers(Permission.SEE_SCREEN, row.path)],
        "figures": figures(division, rate, at),
        "tiles": site_tiles(division, at) if division.level >= Level.TOWN else tiles(below),
        "outages": sorted(network.open_outages([division.path]), key=lambda row: (-row.affected_count, at - row.started_at))[:12],
        "trend": trend(division, at),
        "at": at,
        "rule": rate.rule.sentence,
    }
    template = "desks/_screen_body.html" if getattr(request, "htmx", False) else "desks/screen.html"
    return render(request, template, context)


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


def figures(division: Division, rate: Rate, at: datetime) -> list[dict[str, Any]]:
    """The cards at the top."""
    counts = network.site_counts(division.path, at=at)
    place = {"division": division.code}
    sites, outages, rates = reverse("network:site_list"), reverse("network:outage_list"), reverse("network:rates")
    return [
        {"label": "终端站点", "value": counts.total, "link": f"{sites}?{urlencode({**place, 'state': 'serving'})}"},
        {"label": "正常", "value": counts.up, "link": f"{sites}?{urlencode({**place, 'state': 'up'})}"},
        {"label": "不通", "value": counts.down, "link": f"{sites}?{urlencode({**place, 'state': 'down'})}", "bad": counts.down > 0},
        {"label": "情况不明", "value": counts.unknown, "link": f"{sites}?{urlencode({**place, 'state': 'unknown'})}"},
        {"label": "当前畅通率", "value": per_cent(rate), "note": rate.why_none, "link": f"{rates}?{urlencode(place)}"},
        {"label": "未恢复中断", "value": len(network.open_outages([division.path])), "link": f"{outages}?{urlencode(place)}"},
    ]


def tiles(below: Iterable[network.ChildRate]) -> list[dict[str, Any]]:
    """One tile per division below."""
    rows = []
    for child in below:
        link = f"{reverse('desks:screen')}?{urlencode({'division': child.division.code})}"
        rows.append(
            {
                "name": child.division.name,
                "value": per_cent(child.rate),
                "band": band(child.rate),
                "down": child.rate.down,
                "unknown": child.rate.unknown,
                "population": child.rate.population,
                "link": link,
            }
        )
    return rows


def site_tiles(division: Division, at: datetime) -> list[dict[str, Any]]:
    """A town's tiles are its villages' sites."""
    names = {"up": "正常", "down": "不通", "unknown": "不明"}
    bands = {"up": "good", "down": "bad", "unknown": "none"}
    rows = network.with_state(network.sites_in([division.path]), at=at)
    return [
        {
            "name": row.name,
            "value": names[row.state],  # type: ignore[attr-defined]  # with_state adds it
            "band": bands[row.state],  # type: ignore[attr-defined]
            "link": reverse("network:site", args=[row.code]),
        }
        for row in rows[:400]
    ]


def trend(division: Division, at: datetime) -> dict[str, list[Any]]:
    """Hourly rates of the last day in per cent; None where too little is known. Kept for ten minutes: late records may still change it."""
    key = f"screen-trend-{division.code}-{at:%Y%m%d%H}"
    found: dict[str, list[Any]] | None = cache.get(key)
    if found is None:
        hour = at.replace(minute=0, second=0, microsecond=0)
        starts = [hour - timedelta(hours=back) for back in range(TREND_HOURS, 0, -1)]
        rates = [network.rate_over(division, start, start + timedelta(hours=1)).value for start in starts]
        found = {
            "hours": [f"{start.astimezone(clock.CHINA):%H:00}" for start in starts],
            "rates": [None if value is None else round(value * 100, 2) for value in rates],
        }
        cache.set(key, found, TREND_KEPT_S)
    return found


def per_cent(rate: Rate) -> str:
    return "—" if rate.value is None else f"{rate.value * 100:.1f}%"


def band(rate: Rate) -> str:
    return "none" if rate.value is None else next(name for bound, name in BANDS if rate.value >= bound)
