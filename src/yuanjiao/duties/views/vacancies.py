"""Places without a responsible person, today or from a known day on: per county, with what to do about it."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.duties import queries
from yuanjiao.duties.rules import county_code
from yuanjiao.duties.views.parts import county_filter, county_names, seen
from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission as P
from yuanjiao.places.models import Division
from yuanjiao.ui.lists import Column, ListPage, respond


@door(P.SEE_PEOPLE)
def vacancy_list(request: ActingRequest) -> HttpResponseBase:
    """Counties that lack one of their four; tenures that end soon; villages with a site and no manager."""
    day, counties, paths = clock.today(), county_names(), seen(request.actor)
    page: ListPage[Division] = ListPage(
        title=_("责任空缺"),
        rows=queries.villages_without_manager(paths, day),
        columns=[
            Column(_("地方"), lambda row: row.name, link=lambda row: reverse("duties:place", args=[row.code]), order=("name",), width=22),
            Column(_("县"), lambda row: counties.get(county_code(row.path), ""), order=("path",)),
            Column(_("缺"), lambda row: _("站点管理员"), badge=lambda row: "yellow"),
            Column(_("自何时"), lambda row: row.since or _("从未登记"), order=("since",)),  # type: ignore[attr-defined]
        ],
        empty=_("有站点的地方都有站点管理员。"),
        search=("name", "code"),
        search_hint=_("地名或区划代码"),
        filters=[county_filter(request.actor, "path")],
        notes=[_("有在用或停用站点、今天没有站点管理员的地方")],
        context={"counties": queries.county_vacancies(paths, day), "coming": queries.coming_vacancies(paths, day)},
    )
    return respond(request, page, "duties/vacancies.html")
