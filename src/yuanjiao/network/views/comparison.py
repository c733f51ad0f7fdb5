"""The unobstructed rate before and after a change of how things are done: one definition, one population, and the page says so (OPS17)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.network import queries
from yuanjiao.network.views.parts import division_crumbs
from yuanjiao.network.views.rates import chosen_division
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import Division

SPANS = (7, 30, 90, 180)
"""Days on each side that may be asked for."""


@door(Permission.SEE_NETWORK)
def comparison(request: ActingRequest) -> HttpResponseBase:
    """?on=2026-03-01&days=30: the days before that day, and the days from it on (as far as they are over)."""
    division, at = chosen_division(request.actor, request.GET.get("division", "")), clock.now().replace(microsecond=0)
    days = _days(request.GET.get("days", ""))
    on = _day(request.GET.get("on", ""), clock.local_day(at) - timedelta(days=days))
    before, after = _spans(on, days, at)
    whole, below = queries.before_and_after(division, before, after)
    context: dict[str, Any] = {
        "page_title": _("%s畅通率前后对比") % division.name,
        "division": division,
        "whole": whole,
        "below": below,
        "on": on,
        "days": days,
        "spans": SPANS,
        "before": before,
        "after": after,
        "links": {name: _rates(division, span) for name, span in (("before", before), ("after", after))},
        "short": after[1] < clock.day_start(on + timedelta(days=days)),
        "crumbs": division_crumbs(division, request.actor, "network:comparison")[:-1],
    }
    return render(request, "network/comparison.html", context)


def _rates(division: Division, span: tuple[datetime, datetime]) -> str:
    days = {"from": f"{clock.local_day(span[0])}", "to": f"{clock.local_day(span[1] - timedelta(seconds=1))}"}
    return f"{reverse('network:rates')}?{urlencode({'division': division.code} | days)}"


def _days(text: str) -> int:
    return next((span for span in SPANS if str(span) == text), SPANS[1])


def _day(text: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(text) if text else otherwise
    except ValueError:
        raise Refused(_("日期请写成 2026-03-01 的样子")) from None


def _spans(on: date, days: int, at: datetime) -> tuple[tuple[datetime, datetime], tuple[datetime, datetime]]:
    middle = clock.day_start(on)
    if middle >= at:
        raise Refused(_("这一天还没有到，没有可比的记录"))
    return (clock.day_start(on - timedelta(days=days)), middle), (middle, min(clock.day_start(on + timedelta(days=days)), at))
