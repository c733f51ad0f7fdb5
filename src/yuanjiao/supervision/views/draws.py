"""Random draws: made here, and open to anybody who wants to draw again."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Permission
from yuanjiao.supervision import commands, queries
from yuanjiao.supervision.inputs import DrawForm, RecheckDrawForm
from yuanjiao.supervision.models import Campaign, Draw
from yuanjiao.supervision.rules import AT_WORK, Method
from yuanjiao.supervision.views.scope import found, opened, own_places, seen, sends
from yuanjiao.ui.lists import Column, ListPage, respond
from yuanjiao.ui.middleware import status_of


@door(Permission.SEE_ITEMS)
def draw_list(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """Draws the reader may know of. POST by whoever runs the campaign: draw villages (act=visit) or closed problems (act=recheck)."""
    campaign = found(request, uid)
    may = sends(request.actor, campaign) and campaign.state in AT_WORK
    panels = _forms(request, campaign) if may else {}
    if request.method == "POST":
        request.actor.require(Permission.OPEN_CAMPAIGN, campaign.unit.division.path)
        form = panels.get(request.POST.get("act", ""))
        if form is None:
            raise Refused(_("不认识的操作"))
        if form.is_valid():
            try:
                made = _draw(request, campaign, form)
                messages.success(request, _("抽取完毕，抽样框和种子已存档。"))
                return redirect("supervision:draw", made.uid)
            except (Refused, Conflict) as error:
                form.add_error(None, error.message)
                return render(request, "supervision/draw_new.html", _context(campaign, panels), status=status_of(error))
        return render(request, "supervision/draw_new.html", _context(campaign, panels), status=400)
    page: ListPage[Draw] = ListPage(
        title=_("随机抽取"),
        rows=queries.draws_seen_by(request.actor, campaign),
        columns=[
            Column(
                _("时间"),
                lambda row: row.drawn_at,
                link=lambda row: reverse("supervision:draw", args=[row.uid]),
                order=("drawn_at",),
                width=18,
            ),
            Column(_("用途"), lambda row: row.get_purpose_display(), width=18),
            Column(_("地方"), lambda row: row.place_name),
            Column(_("方式"), lambda row: row.get_method_display()),
            Column(_("抽样框"), lambda row: row.frame_size),
            Column(_("抽取"), lambda row: row.count),
            Column(_("种子"), lambda row: row.seed, width=20),
            Column(_("抽取人"), lambda row: row.drawn_by),
        ],
        empty=_("还没有抽取。每次抽取的抽样框和种子都会存档，任何人可以照样再抽一次。"),
        actions=[(campaign.title, opened("campaign", campaign))],
        context=_context(campaign, panels),
    )
    return respond(request, page, "supervision/draws.html")


def _context(campaign: Campaign, panels: dict[str, forms.Form]) -> dict[str, object]:
    return {"panels": [(act, TITLES[act], form) for act, form in panels.items()], "campaign": campaign, "page_title": _("随机抽取")}


TITLES = {"visit": "抽取检查的村", "recheck": "抽取复查的问题"}


def _forms(request: ActingRequest, campaign: Campaign) -> dict[str, forms.Form]:
    act, places = request.POST.get("act", ""), own_places(request.actor)
    scope = campaign.scopes.first()
    initial = {"place": scope.division_code if scope else "", "method": Method.SPOT_CHECK}
    inspectors = list(queries.inspector_rows(campaign))
    panels: dict[str, forms.Form] = {}
    if inspectors:
        panels["visit"] = DrawForm(
            request.POST if act == "visit" else None, places=places, inspectors=inspectors, initial=initial, auto_id="visit-%s"
        )
    panels["recheck"] = RecheckDrawForm(request.POST if act == "recheck" else None, places=places, initial=initial, auto_id="recheck-%s")
    return panels


def _draw(request: ActingRequest, campaign: Campaign, form: forms.Form) -> Draw:
    data, by, at = form.cleaned_data, request.actor, clock.now()
    if isinstance(form, DrawForm):
        inspector, method = form.chosen()
        return commands.draw_visits(
            campaign=campaign, place=data["place"], inspector=inspector, count=data["count"], method=method, seed=data["seed"], by=by, at=at
        )
    return commands.draw_rechecks(campaign=campaign, place=data["place"], percent=data["percent"], seed=data["seed"], by=by, at=at)


@door(Permission.SEE_ITEMS)
def draw(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One draw: how it was made, what came of it; for villages what inspectors saw beside what the machines told."""
    row = queries.draw_seen_by(request.actor, uid)
    visits = queries.visits_of_draw(request.actor, row)
    rechecks = row.rechecks.filter(within("problem__target__path", seen(request.actor))).select_related("problem__item", "problem__target")
    context = {
        "page_title": row.get_purpose_display(),
        "draw": row,
        "visits": visits,
        "figures": queries.field_figures(row.campaign, visits) if row.purpose == "visit" else None,
        "rechecks": rechecks,
        "may_recheck": request.actor.holds(Permission.ISSUE_ITEM),
        "whole": any(row.path.startswith(path) for path in seen(request.actor)),
        "back": opened("draw_list", row.campaign),
    }
    return render(request, "supervision/draw.html", context)


@door(Permission.SEE_ITEMS)
def draw_frame(request: ActingRequest, uid: UUID) -> HttpResponse:
    """The frame as it was drawn from, a member a line: for `sha256sum` and pencil."""
    row = queries.draw_seen_by(request.actor, uid)
    request.actor.require(Permission.SEE_ITEMS, row.path)
    return HttpResponse(f"{row.frame}\n", content_type="text/plain; charset=utf-8")
