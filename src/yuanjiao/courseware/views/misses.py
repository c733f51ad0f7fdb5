"""What learners looked for in vain: needs for whoever plans and makes courseware."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.courseware import queries
from yuanjiao.courseware.commands.search import FEWEST
from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

DAYS = 90
OPENS = (Permission.MANAGE_COLUMNS, Permission.PRODUCE_COURSEWARE)


def _counties(paths: list[str]) -> list[Division]:
    found = [one for path in paths for one in divisions(on=clock.today(), level=Level.COUNTY, under=path)]
    return list({one.path: one for one in found}.values())


@door(*OPENS)
@require_safe
def miss_list(request: ActingRequest) -> HttpResponseBase:
    """The words of the last days at this machine and at those of the asker's places, the most wanted first."""
    paths = sorted({path for one in OPENS for path in request.actor.paths(one)})
    counties = _counties(paths)
    chosen = next((one for one in counties if one.code == request.GET.get("place")), None)
    rows = queries.search_misses(
        since=clock.today() - timedelta(days=DAYS), paths=[chosen.path] if chosen else paths, here=chosen is None
    )  # fmt: skip
    recorded = set(queries.needs_seen_by(request.actor).values_list("text", flat=True))
    columns: list[Column[tuple[str, int]]] = [
        Column(_("搜索词"), lambda row: row[0], link=lambda row: f"{reverse('desks:portal_search')}?{urlencode({'q': row[0]})}", width=30),
        Column(_("次数"), lambda row: row[1]),
        Column(
            _("需求"), lambda row: _("已登记") if row[0] in recorded else _("登记为需求"), link=lambda row: _record(row, chosen, recorded)
        ),
    ]
    page = ListPage(
        title=_("没有找到的词"), rows=rows, columns=columns,
        lead=_("近九十天学员搜过而没有课件的词，可作选题参考。只记词和次数，不记是谁；号码一类的内容不记。"),
        empty=_("近九十天搜过的词都有课件。"),
        filters=[Filter("place", _("地方"), [(one.code, one.name) for one in counties], lambda rows, _place: rows)],
        notes=[_("各边缘服务器次日报回前一天的合计；一天不到 %d 次的词不上报。选定一个县时不含本机门户上搜的。") % FEWEST],
    )  # fmt: skip
    return respond(request, page)


def _record(row: tuple[str, int], place: Division | None, recorded: set[str]) -> str:
    """The form of a need, filled with the word; a recorded one leads to the needs."""
    if row[0] in recorded:
        return f"{reverse('courseware:need_list')}?{urlencode({'q': row[0]})}"
    said = {"text": row[0], "origin": "search", "times": row[1], **({"division": place.path} if place else {})}
    return f"{reverse('courseware:need_new')}?{urlencode(said)}"
