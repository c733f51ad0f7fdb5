"""Books and documents that go to units in copies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.courseware.queries import made_items
from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import unit_by_code
from yuanjiao.production import commands, queries
from yuanjiao.production.inputs import DeliveryForm, HandoutForm, NeedsForm
from yuanjiao.production.models import CopyForm, HandoutKind
from yuanjiao.production.views.parts import form_page, own_units
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P = Permission
CHOSEN_FROM = 200
"""The newest items offered as a digital copy."""


@door(P.MANAGE_COLUMNS, P.SEE_REPORTS)
@require_safe
def handout_list(request: ActingRequest) -> HttpResponseBase:
    columns: list[Column[Any]] = [
        Column(_("名称"), lambda row: row.title, link=lambda row: reverse("production:handout", args=[row.uid]), width=30),
        Column(_("种类"), lambda row: row.get_kind_display(), order=("kind",)),
        Column(_("版次或文号"), lambda row: row.edition, width=20),
        Column(_("印发单位"), lambda row: row.unit.name, width=24),
        Column(_("印发日期"), lambda row: row.issued_on, order=("issued_on",)),
        Column(_("需要（份）"), lambda row: row.needed, order=("needed",)),
        Column(_("还缺（份）"), lambda row: row.missing, order=("missing",), badge=lambda row: "red" if row.missing else "green"),
    ]
    may = request.actor.holds(P.MANAGE_COLUMNS)
    page: ListPage[Any] = ListPage(
        title=_("读本与文件印发"), rows=queries.handouts_seen(request.actor), columns=columns,
        empty=_("还没有登记印发的读本或文件。"), search=("title", "edition"), search_hint=_("名称、版次或文号"),
        lead=_("按单位登记需要、送达和还缺的份数；只计单位的份数，不记谁领、谁读。"),
        filters=[Filter("kind", _("种类"), HandoutKind.choices, lambda rows, value: rows.filter(kind=value))],
        actions=[(_("登记印发"), reverse("production:handout_new"))] if may else [],
    )  # fmt: skip
    return respond(request, page)


@door(P.MANAGE_COLUMNS)
def handout_new(request: ActingRequest) -> HttpResponse:
    items = [one for path in request.actor.paths(P.MANAGE_COLUMNS) for one in made_items(under=path)][:CHOSEN_FROM]
    form = HandoutForm(request.POST or None, units=own_units(request), items=[(one.uid, one.title) for one in items])

    def save(said: Any) -> str:
        row = commands.issue_handout(**{**said, "unit": unit_by_code(said["unit"])}, by=request.actor, at=clock.now())
        return reverse("production:handout", args=[row.uid])

    back = (reverse("production:handout_list"), _("读本与文件印发"))
    return form_page(request, form, title=_("登记印发"), back=back, save=save, done=_("已登记，请写各单位的份数。"))


@door(P.MANAGE_COLUMNS, P.SEE_REPORTS)
@require_safe
def handout(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.handout_for(request.actor, uid)
    lines = queries.delivered(row, request.actor)
    context = {
        "page_title": row.title,
        "handout": row,
        "lines": lines,
        "needed": sum(one.needed for one in lines),
        "delivered": sum(one.delivered for one in lines),
        "missing": sum(one.missing for one in lines),
        "may_need": request.actor.covers(P.MANAGE_COLUMNS, row.unit.division.path),
        "may_note": request.actor.holds(P.MANAGE_COLUMNS) and bool(lines),
    }
    return render(request, "production/handout.html", context)


@door(P.MANAGE_COLUMNS)
def handout_needs(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.handout_for(request.actor, uid)
    form = NeedsForm(request.POST or None, units=own_units(request))

    def save(said: Any) -> str:
        commands.set_needs(handout=row, form=CopyForm(said["form"]), counts=said["counts"], by=request.actor, at=clock.now())
        return reverse("production:handout", args=[uid])

    back = (reverse("production:handout", args=[uid]), row.title)
    return form_page(request, form, title=_("各单位需要的份数"), back=back, save=save, done=_("已保存。"))


@door(P.MANAGE_COLUMNS)
def handout_deliveries(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.handout_for(request.actor, uid)
    form = DeliveryForm(request.POST or None, units=own_units(request), initial={"on": clock.today()})

    def save(said: Any) -> str:
        said = {**said, "form": CopyForm(said["form"])}
        commands.note_deliveries(handout=row, **said, by=request.actor, at=clock.now())
        return reverse("production:handout", args=[uid])

    back = (reverse("production:handout", args=[uid]), row.title)
    return form_page(request, form, title=_("登记送达"), back=back, save=save, done=_("已登记。"))
