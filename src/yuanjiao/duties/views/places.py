"""Who answers for which place, today and on any day; naming somebody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.duties import commands, queries
from yuanjiao.duties.inputs import DutyForm, day_asked
from yuanjiao.duties.rules import KIND_NAMES, Side, county_code, side_of
from yuanjiao.duties.views.parts import county_filter, county_names, kept_units, proposed, seen
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.queries import objects_at
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import tenures_on
from yuanjiao.people.rules import Permission as P
from yuanjiao.places.models import LEVEL_NAMES, Division
from yuanjiao.places.queries import every_row, full_name, valid_on
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.middleware import status_of


class Names:
    """Who answers for the places of one page of rows, in one query."""

    def __init__(self) -> None:
        self.of: dict[tuple[int, Side, str], list[str]] = defaultdict(list)

    def prepare(self, rows: Sequence[Division]) -> None:
        for one in tenures_on(clock.today()).filter(division__in=[row.pk for row in rows], object_code="").order_by("valid_from", "pk"):
            self.of[one.division_id, side_of(one.chain), one.kind].append(one.person.name)

    def column(self, title: str, kind: str, side: Side = Side.HOME) -> Column[Division]:
        return Column(title, lambda row: "、".join(self.of[row.pk, side, kind]), width=16)


@door(P.SEE_PEOPLE)
def place_list(request: ActingRequest) -> HttpResponseBase:
    """Places with who answers for them today; a place opens for any other day."""
    names, counties = Names(), county_names()
    page: ListPage[Division] = ListPage(
        title=_("谁负责"),
        rows=every_row(seen(request.actor)).filter(valid_on(clock.today())).order_by("code"),
        columns=[
            Column(_("地方"), lambda row: row.name, link=lambda row: reverse("duties:place", args=[row.code]), order=("name",), width=20),
            Column(_("级别"), lambda row: row.get_level_display(), order=("level", "code")),
            Column(_("县"), lambda row: counties.get(county_code(row.path), ""), order=("path",)),
            names.column(_("组织第一责任人"), "first"),
            names.column(_("组织直接责任人"), "direct"),
            names.column(_("运营商第一责任人"), "first", Side.OPERATOR),
            names.column(_("运营商直接责任人"), "direct", Side.OPERATOR),
            names.column(_("站点管理员"), "site_manager"),
        ],
        empty=_("这里还没有区划。可在“导入台账”页导入区划和责任人。"),
        search=("name", "code"),
        search_hint=_("地名或区划代码"),
        filters=[
            Filter("level", _("级别"), [(str(key), name) for key, name in LEVEL_NAMES], lambda rows, value: rows.filter(level=int(value))),
            county_filter(request.actor, "path"),
        ],
        actions=[(_("责任空缺"), reverse("duties:vacancy_list"))],
        lead=_("点开一个地方，可查任何一天由谁负责，也可登记责任人、办理交接。"),
        prepare=names.prepare,
    )
    return respond(request, page)


@door(P.SEE_PEOPLE)
def place(request: ActingRequest, code: str) -> HttpResponse:
    """Who answered for one place on ?on=, level by level and side by side; below it every tenure the place has seen."""
    today = clock.today()
    day = day_asked(request.GET.get("on", ""), today)
    found = queries.place_on(code, day, seen(request.actor))
    may_keep = request.actor.covers(P.KEEP_DUTIES, found.path)
    context = {
        "page_title": found.name,
        "place": found,
        "address": full_name(found),
        "day": day,
        "today": today,
        "levels": queries.answers_on(found, day),
        "tenures": [_told(row, day) for row in queries.place_tenures(code)],
        "vacancies": queries.vacancies_at(found, day) if day >= found.valid_from else [],
        "may_keep": may_keep,
        "other": day != today,
    }
    return render(request, "duties/place.html", context)


def _told(row: Any, day: Any) -> dict[str, Any]:
    state = "coming" if row.valid_from > day else "ended" if row.valid_to and row.valid_to <= day else "in_force"
    return {"row": row, "kind": KIND_NAMES[row.kind], "state": state, "sheet": getattr(row, "handover", None)}


@door(P.KEEP_DUTIES)
def duty_new(request: ActingRequest, code: str) -> HttpResponse:
    """Name somebody for a duty of a place, or of one object there."""
    today = clock.today()
    found = queries.place_on(code, today, request.actor.paths(P.KEEP_DUTIES))
    initial, units = {"on": today, "kind": request.GET.get("kind", "direct")}, kept_units(request.actor)
    form = DutyForm(request.POST or None, units=units, things=objects_at(found)[:200], initial=initial)
    status = 200
    if request.method == "POST" and form.is_valid():
        said = {name: form.cleaned_data[name] for name in ("kind", "object_code", "on", "document")}
        try:
            made = commands.name_responsible(named=form.named(), division=found, by=request.actor, at=clock.now(), **said)
            messages.success(request, _("已登记：%s") % f"{made.person.name} {KIND_NAMES[made.kind]}")
            return redirect("duties:place", code)
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
            status = status_of(error)
    context = {"page_title": _("登记责任人"), "place": found, "address": full_name(found), "form": form, "units": proposed(units, found)}
    return render(request, "duties/duty_new.html", context, status=400 if form.errors and status == 200 else status)
