"""What "unobstructed" means (NET06): the rule, its versions, and why one site counts as it does now."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.network import queries
from yuanjiao.network.models import Lifecycle, ManagedObject, ObjectKind
from yuanjiao.network.rules.explained import Explained, Known, explained
from yuanjiao.network.views.parts import visible
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission

COUNTED = {"up": ("畅通", "green"), "down": ("不通", "red"), "unknown": ("情况不明", "yellow"), "excluded": ("不计入", "grey")}
EXAMPLES = (
    ("有", "成功", "up"),
    ("有", "失败", "down"),
    ("有", "期限内没有", "unknown"),
    ("没有", "不论", "down"),
    ("当时没有人在监听", "不论", "unknown"),
)


@door(Permission.SEE_NETWORK)
def rule(request: ActingRequest) -> HttpResponseBase:
    """The rule in force with its versions; ?site=CODE shows how it is applied to a site at this moment."""
    at = clock.now()
    code = request.GET.get("site", "").strip()
    site = visible(code, ObjectKind.SITE, request.actor) if code else None
    in_force = queries.rule_on(clock.local_day(at))
    told = why(site, at) if site is not None else None
    context = {
        "page_title": _("怎样算畅通"),
        "rule": in_force,
        "versions": list(reversed(queries.rule_versions())),
        "examples": [(beat, play, *COUNTED[counted]) for beat, play, counted in EXAMPLES],
        "site": site,
        "told": told,
        "counted": COUNTED[told.counted] if told else None,
        "at": at,
        "code": code,
    }
    return render(request, "network/rule.html", context)


def why(site: ManagedObject, at: datetime) -> Explained:
    """The rule of the day applied to what is known of one site at a moment."""
    now = queries.state_now([site.pk], at=at)[site.pk]
    test = queries.last_play_test(site)
    known = Known(
        now=int(at.timestamp()),
        state=now.state,
        heard=int(now.last_heard_at.timestamp()) if now.last_heard_at else 0,
        test_at=int(test.at.timestamp()) if test else 0,
        test_ok=test.ok if test else False,
        outside=_outside(site, at),
    )
    return explained(queries.rule_on(clock.local_day(at)), known)


def _outside(site: ManagedObject, at: datetime) -> str:
    if site.lifecycle != Lifecycle.IN_SERVICE:
        return f"{site.get_lifecycle_display()}{f'（{site.suspension_document}）' if site.suspension_document else ''}"
    window = queries.maintenance_at([site.pk], at).get(site.pk)
    return f"检修中（{window.document}）" if window is not None else ""
