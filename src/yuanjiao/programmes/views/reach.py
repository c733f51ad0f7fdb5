"""Where withdrawn items still stand, and how items are used."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.courseware.queries import item_titles, released_uids
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.lib.senders import sender_of
from yuanjiao.people.access import ActingRequest, door, machine
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level
from yuanjiao.programmes import commands, queries
from yuanjiao.programmes.queries.reach import machines_below
from yuanjiao.programmes.queries.use import ENOUGH, FEWEST, STEP
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P = Permission
PROMISED = timedelta(hours=24)
"""A withdrawn item should be gone from every machine that can be reached within a day (CW13)."""
SPANS = [("7", "最近 7 天"), ("30", "最近 30 天"), ("365", "最近一年")]


def _standing(row: Any, below: int) -> tuple[str, str]:
    if row.over:
        return _("已重新发布"), "grey"
    if row.gone_version is None:
        return _("等待签发目录"), "yellow"
    if row.proved >= below:
        return _("各处已撤净"), "green"
    late = clock.now() - row.withdrawn_at > PROMISED
    return _("还有 %d 处未确认") % (below - row.proved), "red" if late else "yellow"


def _paths(request: ActingRequest) -> tuple[str, ...]:
    """The subtrees whose withdrawn items the asker follows."""
    return (*request.actor.paths(P.MANAGE_COLUMNS), *request.actor.paths(P.REVIEW_COURSEWARE))


@door(P.MANAGE_COLUMNS, P.REVIEW_COURSEWARE)
@require_safe
def departure_list(request: ActingRequest) -> HttpResponseBase:
    machines = machines_below(_paths(request))
    below = len(machines)
    columns: list[Column[Any]] = [
        Column(_("课件"), lambda row: row.title, link=lambda row: reverse("programmes:departure", args=[row.pk]), width=30),
        Column(_("撤下时间"), lambda row: row.withdrawn_at, order=("withdrawn_at",)),
        Column(_("情况"), lambda row: _standing(row, below)[0], badge=lambda row: _standing(row, below)[1]),
        Column(_("已确认"), lambda row: row.proved, order=("proved",)),
        Column(_("原因"), lambda row: row.reason, width=30),
    ]
    page = ListPage(
        title=_("撤下落实"), rows=queries.departures_seen(_paths(request), machines), columns=columns, empty=_("最近没有撤下的课件。"),
        lead=_("每台下级机器启用不含该课件的目录后自动报回，才算撤净；超过 24 小时未确认的标红。"),
        search=("title",), search_hint=_("课件名称"),
    )  # fmt: skip
    return respond(request, page)


@door(P.MANAGE_COLUMNS, P.REVIEW_COURSEWARE)
@require_safe
def departure(request: ActingRequest, pk: int) -> HttpResponse:
    row = queries.departure_for(pk, _paths(request))
    machines = queries.gone_from(row, machines_below(_paths(request)))
    context = {
        "page_title": row.title,
        "departure": row,
        "machines": machines,
        "proved": sum(one.confirmed_at is not None for one in machines),
        "late": not row.over and clock.now() - row.withdrawn_at > PROMISED,
    }
    return render(request, "programmes/departure.html", context)


def _span(request: ActingRequest) -> tuple[date, date]:
    days = request.GET.get("days", "")
    today = clock.today()
    return today - timedelta(days=int(days) if days in dict(SPANS) else 30), today + timedelta(days=1)


@door(P.SEE_LEARNING, P.MANAGE_COLUMNS)
@require_safe
def use_list(request: ActingRequest) -> HttpResponseBase:
    """Items by how they were taken: plays, played to the end, stars; sums of places, never of persons."""
    start, end = _span(request)
    paths = [*request.actor.paths(P.SEE_LEARNING)] or [*request.actor.paths(P.MANAGE_COLUMNS)]
    few, rounding = _("少于 %d") % FEWEST, {"few": FEWEST, "step": STEP}
    columns: list[Column[Any]] = [
        Column(_("课件"), lambda row: row.title, link=lambda row: reverse("programmes:use", args=[row.item]), width=36),
        Column(_("播放（次）"), lambda row: few if row.started is None else row.started),
        Column(_("看完率"), lambda row: "—" if row.completion is None else f"{row.completion:.0%}"),
        Column(_("评分（次）"), lambda row: few if row.ratings is None else row.ratings),
        Column(_("平均（五星）"), lambda row: "—" if row.mean_rating is None else f"{row.mean_rating:.1f}"),
    ]
    page: ListPage[Any] = ListPage(
        title=_("课件使用"), rows=queries.item_use(paths, start, end), columns=columns,
        empty=_("这段时间还没有播放记录。各机器每天报一次前一天的合计。"),
        filters=[Filter("days", _("时间"), SPANS, lambda rows, _days: rows)],
        lead=_("每台机器按天合计，前一天的次日才到；不记谁看了什么，少于 %(few)d 的数不显示，其余取到 %(step)d 的整倍数。") % rounding,
        notes=[_("看完率＝播到结尾的次数÷开始播放的次数，播放满 %d 次才显示。") % ENOUGH],
    )  # fmt: skip
    return respond(request, page)


@door(P.SEE_LEARNING, P.MANAGE_COLUMNS)
@require_safe
def use(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One item by county."""
    start, end = _span(request)
    paths = [*request.actor.paths(P.SEE_LEARNING)] or [*request.actor.paths(P.MANAGE_COLUMNS)]
    places = [one for path in paths for one in divisions(on=clock.today(), level=Level.COUNTY, under=path)]
    title = item_titles([uid]).get(uid, _("（已不在库中）"))
    rows = queries.use_by_county(uid, places, start, end)
    if not rows and not released_uids([uid]) and all(one.item != uid for one in queries.item_use(paths, start, end)):
        raise NotFound(_("没有找到，或不在您负责的范围内"))  # another's draft is no more than an unknown uid
    return render(request, "programmes/use.html", {"page_title": title, "rows": rows, "few": FEWEST, "start": start})


@csrf_exempt
@machine
@require_POST
def play_count(request: HttpRequest, uid: UUID, what: str) -> HttpResponse:
    """A player says that a play began or ended, or how many stars were pressed. Of the asker nothing is kept but a bucket in memory."""
    at = clock.now()
    if what not in {"started", "finished", "1", "2", "3", "4", "5"}:
        raise NotFound("没有这种计数")
    wait = commands.room_to_count(sender=sender_of(request), item=uid, what=what, at=at)
    if wait:
        return HttpResponse(status=429, headers={"Retry-After": str(wait)})
    if what.isdecimal():
        commands.note_rating(item=uid, stars=int(what), on=clock.today())
    else:
        commands.note_play(item=uid, finished=what == "finished", on=clock.today())
    return HttpResponse(status=204)
