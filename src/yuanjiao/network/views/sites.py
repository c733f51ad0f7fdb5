"""Sites: the list with its states, and one site's page: what it is, how it is, who answers for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from yuanjiao.lib import clock
from yuanjiao.network import queries
from yuanjiao.network.models import AccessMode, ManagedObject, ObjectKind, SiteKind, State
from yuanjiao.network.queries.evidence import STEP_NAMES
from yuanjiao.network.views.parts import (
    COLOURS,
    STATE_CHOICES,
    above_address,
    by_state,
    county_filter,
    division_filter,
    linked,
    scope_of,
    shown_time,
    state_colour,
    state_text,
    visible,
)
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import masked_phone, responsible_for
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import full_name
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.panels import beside

COLUMNS: tuple[Column[Any], ...] = (
    Column("站点", lambda s: s.name, link=lambda s: reverse("network:site", args=[s.code]), order=("name",), width=20),
    Column("编号", lambda s: s.code, order=("code",), width=18),
    Column("状态", state_text, badge=state_colour, order=("state",)),
    Column("自", lambda s: shown_time(s.state_since), order=("state_since",), width=17),
    Column("最后心跳", lambda s: shown_time(s.heard_at), width=17),
    Column("所在区划", lambda s: s.division.name, order=("division__path",), width=18),
    Column("类型", lambda s: s.get_site_kind_display()),
    Column("接入方式", lambda s: s.get_access_mode_display(), width=18),
    Column("上联", lambda s: s.depends_on.name if s.depends_on else "", link=above_address, width=20),
)


@door(Permission.SEE_NETWORK)
def site_list(request: ActingRequest) -> HttpResponseBase:
    """Sites of the reader's subtree; every number elsewhere that counts sites leads here with its filters."""
    actor, at = request.actor, clock.now()
    filters = [
        *division_filter(actor, request.GET.get("division", "")),
        county_filter(actor),
        Filter("state", "状态", STATE_CHOICES, by_state),
        Filter("kind", "类型", SiteKind.choices, lambda rows, value: rows.filter(site_kind=value)),
        Filter("mode", "接入方式", AccessMode.choices, lambda rows, value: rows.filter(access_mode=value)),
    ]
    page = ListPage[Any](
        title="站点",
        rows=queries.with_state(queries.sites_in(scope_of(actor)), at=at),
        columns=COLUMNS,
        empty="没有符合条件的站点。换一个条件，或到“导入台账”登记站点。",
        search=("name", "code", "pinyin", "division__name"),
        find=queries.sites_named,
        keys_first=request.GET.get("state") in {State.DOWN, State.UNKNOWN},
        search_hint="站点名称、编号、拼音首字母或村名",
        filters=filters,
        lead="“不通”自最后一次心跳算起；监听中断、边缘失联期间记为“情况不明”，不算正常也不算不通。",
    )
    return respond(request, page)


@door(Permission.SEE_NETWORK)
def site(request: ActingRequest, code: str) -> HttpResponseBase:
    """One site."""
    row, at = visible(code, ObjectKind.SITE, request.actor), clock.now()
    now = queries.state_now([row.pk], at=at)[row.pk]
    start = clock.day_start(clock.local_day(at)) - timedelta(days=29)
    context = {
        "page_title": row.name,
        "site": queries.site_by_id(row.pk),
        "full_name": full_name(row.division),
        "now": now,
        "state_name": "从未上报" if now.since is None else State(now.state).label,
        "colour": COLOURS[State(now.state)],
        "root": queries.open_outage_of(row),
        "changes": queries.story(row, limit=30),
        "outages": queries.outages_of(row)[:20],
        "plays": [(play, STEP_NAMES.get(play.step, play.step)) for play in queries.play_tests(row)[:10]],
        "evidence": queries.evidence_about([row.pk], at).get(row.pk, []),
        "above": linked(queries.upstream(row), at=at),
        "assets": queries.assets().filter(place=row),
        "people": _responsible(row) if request.actor.holds(Permission.SEE_PEOPLE) else None,
        "month": queries.availability(row, start, at),
        "beside": beside("site", row.pk, request.actor, at),
    }
    return render(request, "network/site.html", context)


def _responsible(row: ManagedObject) -> list[dict[str, Any]]:
    """Who answers for the place in each chain, nearest place first."""
    found = responsible_for(row.division, on=clock.today(), object_code=row.code)
    return [{"one": one, "phone": masked_phone(one.person)} for one in found]
