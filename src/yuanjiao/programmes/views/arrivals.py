"""Where released items have arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.programmes import queries
from yuanjiao.programmes.models import Arrival
from yuanjiao.programmes.queries.arrivals import MOST
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P = Permission
OPENS = (P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
STATES = [("0", "发布中"), ("1", "已不再发布")]
NEXT_MORNING = timedelta(hours=12)
"""What is released in the evening should stand at 95 % of the edges that can be reached the next morning."""


def _paths(request: ActingRequest) -> tuple[str, ...]:
    held = {path for one in OPENS for path in request.actor.paths(one)}
    return tuple(sorted(path for path in held if not any(path != other and path.startswith(other) for other in held)))


def _hours(took: timedelta | None) -> str:
    return "—" if took is None else _("%.1f 小时") % (took.total_seconds() / 3600)


def _standing(row: Arrival) -> tuple[str, str]:
    picture: queries.Picture = row.picture  # type: ignore[attr-defined]
    if row.over:
        return _("已不再发布"), "grey"
    if not row.versions.all():
        return _("等待签发目录"), "yellow"
    if picture.share >= MOST:
        return _("%d%% 可达机器已有") % int(picture.share * 100), "green"
    return _("%d%% 可达机器已有") % int(picture.share * 100), "red" if clock.now() - row.released_at > NEXT_MORNING else "yellow"


@door(*OPENS)
@require_safe
def arrival_list(request: ActingRequest) -> HttpResponseBase:
    paths, at = _paths(request), clock.now()

    def fill(rows: Sequence[Arrival]) -> None:
        for row in rows:
            row.picture = queries.picture_of(row, paths, at=at)  # type: ignore[attr-defined]

    columns: list[Column[Any]] = [
        Column(_("课件"), lambda row: row.title, link=lambda row: reverse("programmes:arrival", args=[row.item_uid]), width=30),
        Column(_("发布时间"), lambda row: row.released_at, order=("released_at",)),
        Column(_("情况"), lambda row: _standing(row)[0], badge=lambda row: _standing(row)[1]),
        Column(_("机器"), lambda row: f"{row.picture.held}/{len(row.picture.machines)}"),
        Column(_("站点"), lambda row: f"{row.picture.all_sites.reached}/{row.picture.all_sites.sites}"),
        Column(_("到 95% 站点用时"), lambda row: _hours(row.picture.all_sites.took)),
    ]
    followed = [(_("撤下落实"), reverse("programmes:departure_list"))] if _may_follow(request) else []
    page = ListPage(
        title=_("下发到达"), rows=queries.arrivals_seen(paths), columns=columns, empty=_("最近九十天没有发布过课件。"), actions=followed,
        lead=_("下级机器启用含该课件的目录（文件已全部到齐）后自动报回。发布十二小时后，可达机器不足 95% 的标红。"),
        search=("title",), search_hint=_("课件名称"), prepare=fill,
        filters=[Filter("over", _("状态"), STATES, lambda rows, value: rows.filter(over=value == "1"))],
        notes=[_("可达：不计现在已知中断的机器，情况不明的计入。用时从发布算到该接入方式 95% 的站点能播，取最慢的接入方式。")],
    )  # fmt: skip
    return respond(request, page)


def _may_follow(request: ActingRequest) -> bool:
    return request.actor.holds(P.REVIEW_COURSEWARE) or request.actor.holds(P.MANAGE_COLUMNS)


@door(*OPENS)
@require_safe
def arrival(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One item's newest release, machine by machine, and by access mode."""
    paths, at = _paths(request), clock.now()
    row = queries.arrival_of(uid, paths)
    picture = queries.picture_of(row, paths, at=at)
    context = {
        "page_title": row.title,
        "arrival": row,
        "picture": picture,
        "percent": int(picture.share * 100),
        "late": not row.over and picture.share < MOST and at - row.released_at > NEXT_MORNING,
        "modes": [(one, int(one.share * 100), _hours(one.took)) for one in picture.modes],
    }
    return render(request, "programmes/arrival.html", context)
