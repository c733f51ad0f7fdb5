"""The papers of an item: its licence, the persons it tells of and their consent, the needs it answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.courseware import commands, queries
from yuanjiao.courseware.inputs import NeedForm, RightsForm, ShownPersonForm, sent, uid_of
from yuanjiao.courseware.models import ConsentForm, Courseware, NeedOrigin, Rights
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P = Permission
SHOWN_NEEDS = 60
NONE = "-"
"""Stands for "no topic" in addresses."""


def _divisions(request: ActingRequest) -> list[Division]:
    paths = {*request.actor.paths(P.PRODUCE_COURSEWARE), *request.actor.paths(P.MANAGE_COLUMNS)}
    found = [one for path in sorted(paths) for one in divisions(on=clock.today(), under=path).filter(level__lte=Level.TOWN)]
    return list({one.path: one for one in found}.values())


@door(P.PRODUCE_COURSEWARE, P.MANAGE_COLUMNS)
def item_rights(request: ActingRequest, uid: UUID) -> HttpResponse:
    item = queries.item_for(request.actor, uid)
    form = RightsForm(sent(request), initial=_terms_of(item), divisions=_divisions(request))
    if request.method == "POST" and form.is_valid():
        try:
            commands.set_rights(courseware=item, **form.terms(), by=request.actor, at=clock.now())
        except Refused as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("授权已登记。"))
            return redirect("courseware:item", uid)
    context = {"page_title": _("登记授权"), "form": form, "item": item, "submit": _("保存")}
    return render(request, "courseware/item_form.html", context, status=400 if form.errors else 200)


def _terms_of(item: Courseware) -> dict[str, Any]:
    known = Rights.objects.filter(courseware=item).first()
    days = {"rights_from": item.rights_from, "rights_to": item.rights_to}
    if known is None:
        return days
    price = None if known.price_fen is None else known.price_fen / 100
    area = "" if known.area == "/" else known.area
    return {**days, "holder": known.holder, "contract_number": known.contract_number, "scope": known.scope, "price": price, "area": area}


@door(P.PRODUCE_COURSEWARE, P.MANAGE_COLUMNS)
def item_people(request: ActingRequest, uid: UUID) -> HttpResponse:
    item = queries.item_for(request.actor, uid)
    form = ShownPersonForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            commands.add_shown_person(courseware=item, **form.cleaned_data, by=request.actor, at=clock.now())
        except Refused as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已登记。"))
            return redirect("courseware:item_people", uid)
    context = {
        "page_title": _("所涉人物"), "form": form, "item": item, "people": queries.shown_people(request.actor, item),
        "consent_forms": ConsentForm.choices, "today": clock.today(),
    }  # fmt: skip
    return render(request, "courseware/people.html", context, status=400 if form.errors else 200)


@door(P.PRODUCE_COURSEWARE, P.MANAGE_COLUMNS)
@require_POST
def person_change(request: ActingRequest, uid: UUID) -> HttpResponse:
    """A consent given, taken back, or a person taken off the list, by the button that was pressed."""
    person, at = queries.shown_person_for(request.actor, uid), clock.now()
    item, wanted = person.courseware, request.POST.get("do")
    if wanted == "revoke":
        commands.revoke_consent(person=person, by=request.actor, at=at)
        messages.success(request, _("已记录撤回同意；已发布的课件随即撤下。"))
    elif wanted == "remove":
        commands.remove_shown_person(person=person, by=request.actor, at=at)
    else:
        form = ShownPersonForm({**request.POST.dict(), "name": "—"})
        if not form.is_valid() or not form.cleaned_data["consent_on"]:
            raise Refused(_("请填写同意方式和日期"))
        said = {name: form.cleaned_data[name] for name in ("consent_form", "consent_on", "paper")}
        commands.record_consent(person=person, **said, by=request.actor, at=at)
    return redirect("courseware:item_people", item.uid)


@door(P.PRODUCE_COURSEWARE, P.MANAGE_COLUMNS)
def item_needs(request: ActingRequest, uid: UUID) -> HttpResponse:
    item = queries.item_for(request.actor, uid)
    if request.method == "POST":
        named = queries.needs_named(request.actor, [uid_of(text) for text in request.POST.getlist("need")])
        commands.cite_needs(courseware=item, needs=named, by=request.actor, at=clock.now())
        messages.success(request, _("已关联。"))
        return redirect("courseware:item", uid)
    cited = set(item.needs.values_list("pk", flat=True))
    rows = [(row, row.pk in cited) for row in queries.needs_seen_by(request.actor)[:SHOWN_NEEDS]]
    return render(request, "courseware/needs.html", {"page_title": _("关联需求"), "item": item, "needs": rows})


@door(P.PRODUCE_COURSEWARE, P.MANAGE_COLUMNS)
@require_safe
def need_list(request: ActingRequest) -> HttpResponseBase:
    """Recorded needs, and which of them no item answers yet."""
    share = queries.cited_share(request.actor)
    places = {one.code: one for one in _divisions(request) if one.level <= Level.COUNTY}
    told = _("已发布的服务类课件 %(items)d 件，其中 %(citing)d 件注明了所回应的需求。") % {"items": share.items, "citing": share.citing}
    page: ListPage[Any] = ListPage(
        title=_("需求"),
        rows=queries.needs_seen_by(request.actor),
        columns=[
            Column(_("需求"), lambda row: row.text, order=("text",), width=40),
            Column(_("从哪里来"), lambda row: row.get_origin_display(), order=("origin",)),
            Column(_("主题"), lambda row: row.topic.name if row.topic else "—", order=("topic__order", "topic__code")),
            Column(_("地方"), lambda row: row.division.name),
            Column(_("次数"), lambda row: row.times, order=("times",)),
            Column(_("提出日期"), lambda row: row.raised_on, order=("raised_on",)),
            Column(_("回应的课件"), lambda row: row.answered or _("还没有"), badge=lambda row: "green" if row.answered else "yellow"),
            Column(_("登记单位"), lambda row: row.unit.name, width=24),
        ],
        empty=_("还没有登记需求。热线、调查、基层提出的学习需求都可以在这里登记，只写需要什么，不写是谁。"),
        lead=told,
        search=("text",),
        search_hint=_("需求"),
        filters=[
            Filter("origin", _("从哪里来"), NeedOrigin.choices, lambda rows, value: rows.filter(origin=value)),
            Filter(
                "topic", _("主题"), _topics(), lambda rows, code: rows.filter(topic__code=code) if code != NONE else rows.filter(topic=None)
            ),
            Filter(
                "place", _("地方"), [(one.code, one.name) for one in places.values()], lambda rows, code: _in_place(rows, places.get(code))
            ),
            Filter("open", _("回应"), [("1", _("还没有课件"))], lambda rows, value: rows.filter(answered=0)),
        ],
        actions=[
            (_("登记需求"), reverse("courseware:need_new")),
            (_("缺口"), reverse("courseware:need_gap_list")),
            (_("没有找到的词"), reverse("courseware:miss_list")),
        ],
    )
    return respond(request, page)


def _topics() -> list[tuple[str, str]]:
    return [(one.code, f"{one.taxonomy.name}·{one.name}") for one in queries.topics_offered()] + [(NONE, _("未分主题"))]


def _in_place(rows: Any, place: Division | None) -> Any:
    """A county with all that lies in it; what is asked for by a place above counties stands for itself."""
    if place is None:
        return rows
    return rows.filter(division__path__startswith=place.path) if place.level >= Level.COUNTY else rows.filter(division=place)


@door(P.PRODUCE_COURSEWARE, P.MANAGE_COLUMNS)
@require_safe
def need_gap_list(request: ActingRequest) -> HttpResponseBase:
    """Needs that no released item answers, by topic and county."""

    def needs(row: queries.NeedGap) -> str:
        return f"{reverse('courseware:need_list')}?{urlencode({'topic': row.topic or NONE, 'place': row.place, 'open': 1})}"

    page: ListPage[queries.NeedGap] = ListPage(
        title=_("需求缺口"), rows=queries.need_gaps(request.actor, on=clock.today()),
        columns=[
            Column(_("主题"), lambda row: row.topic_name or _("未分主题"), width=20),
            Column(_("地方"), lambda row: row.place_name, width=20),
            Column(_("没有课件的需求"), lambda row: row.needs, link=needs),
            Column(_("提出次数"), lambda row: row.times),
        ],
        empty=_("登记过的需求都有已发布的课件回应。"), lead=_("登记过而没有已发布课件回应的需求，按主题和县（市、区）汇总，次数多的在前。"),
    )  # fmt: skip
    return respond(request, page)


@door(P.PRODUCE_COURSEWARE, P.MANAGE_COLUMNS)
def need_new(request: ActingRequest) -> HttpResponse:
    said = {"origin": "unit", "times": "1", **request.GET.dict()}
    form = NeedForm(sent(request), initial=said, divisions=_divisions(request), topics=queries.topics_offered())
    if request.method == "POST" and form.is_valid():
        try:
            commands.record_need(**form.terms(), by=request.actor, at=clock.now())
        except Refused as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("需求已登记。"))
            return redirect("courseware:need_list")
    return render(request, "courseware/item_form.html", {"page_title": _("登记需求"), "form": form, "submit": _("登记")})
