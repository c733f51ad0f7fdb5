"""The inspector's phone page: what is to be looked at, by place, filled in without a signal and sent when there is one (decision 0101).

Without script every card is a plain form to the page of its visit.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.access import ActingRequest, door, public
from yuanjiao.people.rules import Permission
from yuanjiao.supervision import commands, queries
from yuanjiao.supervision.inputs import VisitForm
from yuanjiao.supervision.models import Visit
from yuanjiao.supervision.rules import Method
from yuanjiao.supervision.views.scope import found, opened, seen
from yuanjiao.ui.middleware import status_of
from yuanjiao.ui.phone import answer_acts, worker_of

NAME = "yuanjiao-inspections"
"""What the browser keeps begins with this name for ever (ui/forget.js knows it)."""


@door()
def my_visits(request: ActingRequest) -> HttpResponse:
    """What the person has to inspect, whatever else they are: the places in order, the checklist in every card."""
    visits = queries.visits_to_make(request.actor, clock.today())
    places = [
        (county, place, [(one, VisitForm(auto_id=f"{one.uid}-%s")) for one in rows])
        for (county, place), rows in groupby(visits, key=lambda one: (one.target.county_name, one.target.place_name))
    ]
    context = {"page_title": _("我的检查"), "places": places, "total": len(visits), "at": clock.now()}
    answer = render(request, "supervision/my_visits.html", context)
    answer["Cache-Control"] = "no-store"  # only the worker keeps it, until the person logs out
    return answer


@door()
@require_POST
def send_visits(request: ActingRequest) -> HttpResponse:
    """Records from the phone, each with its own answer: done, already, conflict or refused. JSON in and out."""

    def do(one: dict[str, Any], age: timedelta) -> str:
        visit, form = queries.visit_sent_by(request.actor, UUID(str(one["card"]))), VisitForm(one)
        if not form.is_valid():
            raise Refused(str(next(iter(form.errors.values()))[0]))
        return commands.file_visit(visit=visit, record=form.record(), age=age, by=request.actor, at=clock.now())

    return answer_acts(request, person=str(request.actor.person_uid), do=do)


@public
@require_safe
def visits_worker(_request: HttpRequest) -> HttpResponse:
    """The service worker of this page alone; a stranger learns nothing from it."""
    return worker_of(name=NAME, page=reverse("supervision:my_visits"))


@door()
def visit(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One's own visit: its record, or the checklist to file it."""
    row = queries.visit_of(request.actor, uid, clock.today())
    form = VisitForm(request.POST or None) if row.filed_at is None else None
    status = 200
    if request.method == "POST":
        form = VisitForm(request.POST)
        if form.is_valid():
            try:
                commands.file_visit(visit=row, record=form.record(), by=request.actor, at=clock.now())
                messages.success(request, _("检查记录已填报。"))
                return redirect("supervision:visit", uid)
            except (Refused, Conflict) as error:
                form.add_error(None, error.message)
                status = status_of(error)
    context = {
        "page_title": _("检查：%s") % row.target.name,
        "visit": row,
        "form": form,
        "problems": list(row.problems.select_related("item")),
    }
    return render(request, "supervision/visit.html", context, status=400 if form and form.errors and status == 200 else status)


@door(Permission.SEE_ITEMS)
def visit_add(request: ActingRequest, uid: UUID, code: str) -> HttpResponse:
    """One object of the population: what was recorded of it, its problems; POST by an inspector of its place begins one more visit."""
    campaign = found(request, uid)
    target = queries.frozen_objects(campaign, seen(request.actor)).select_related("campaign").filter(code=code).first()
    if target is None:
        raise NotFound(_("没有这个对象，或不在您负责的范围内"))
    person = request.actor.person_uid
    own = [one for one in queries.inspector_rows(campaign) if one.person_uid == person and target.path.startswith(one.path)]
    if request.method == "POST":
        if not own:
            raise NotFound(_("没有这个对象，或不在您负责检查的地方"))
        made: Visit = commands.add_visit(target=target, inspector=own[0], method=Method.ON_SITE, by=request.actor, at=clock.now())
        return redirect("supervision:visit", made.uid)
    context = {
        "page_title": target.name,
        "target": target,
        "visits": list(queries.visits_seen_by(request.actor, campaign).filter(target=target)),
        "problems": list(queries.problems_seen_by(request.actor, campaign).filter(target=target)),
        "returns": list(queries.returns_of(campaign, target)),
        "may_visit": bool(own),
        "back": opened("object_list", campaign),
    }
    return render(request, "supervision/object.html", context)
