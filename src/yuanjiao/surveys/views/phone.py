"""The surveyor's phone page: the villages to visit, filled in without a signal, sent when there is one (ui/phone.py)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.access import ActingRequest, door, public
from yuanjiao.people.rules import Permission
from yuanjiao.surveys import commands, queries
from yuanjiao.surveys.commands import Told
from yuanjiao.surveys.inputs import UnreachedForm, VisitForm
from yuanjiao.surveys.models import Visit
from yuanjiao.surveys.rules import VisitState
from yuanjiao.ui.middleware import status_of
from yuanjiao.ui.phone import answer_acts, worker_of

NAME = "yuanjiao-visits"
"""What the browser keeps begins with this name for ever (ui/forget.js knows it)."""
TELL, UNREACHED = "tell", "unreached"
FORMS: dict[str, type[forms.Form]] = {TELL: VisitForm, UNREACHED: UnreachedForm}


@door(Permission.VISIT_VILLAGE)
def my_visits(request: ActingRequest) -> HttpResponse:
    """What is to be visited, by county and village; below it what was told already."""
    rows = list(queries.visits_for(request.actor))
    context = {
        "page_title": _("走访"),
        "cards": [_card(row) for row in rows if row.state == VisitState.WAITING],
        "told": [row for row in rows if row.state != VisitState.WAITING],
        "at": clock.now(),
    }
    answer = render(request, "surveys/my_visits.html", context)
    answer["Cache-Control"] = "no-store"  # only the worker keeps it, until the person logs out
    return answer


def _card(row: Visit) -> dict[str, Any]:
    return {"visit": row, "tell": VisitForm(auto_id=f"{row.uid}-%s"), "unreached": UnreachedForm(auto_id=f"{row.uid}-u-%s")}


@door(Permission.VISIT_VILLAGE)
def visit(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """One village: tell of it, also again, as long as the survey runs; every telling stays."""
    found = queries.visit_for(uid, request.actor)
    if request.method != "POST":
        return _page(request, found, {})
    act = request.POST.get("act", "")
    if act not in FORMS:
        raise Refused(_("不认识的操作"))
    form = FORMS[act](request.POST)
    if not form.is_valid():
        return _page(request, found, {act: form}, status=400)
    seen = request.POST.get("seen", "")
    told = _told(act, form.cleaned_data, int(seen[:9]) if seen.isdecimal() else found.step_count, timedelta())
    try:
        commands.tell_visit(visit=found, told=told, by=request.actor, at=clock.now())
    except (Refused, Conflict) as error:
        messages.error(request, error.message)
        return _page(request, queries.visit_for(uid, request.actor), {act: form}, status=status_of(error))
    messages.success(request, _("已填报。"))
    return redirect("surveys:my_visits")


def _page(request: ActingRequest, found: Visit, bound: dict[str, forms.Form], *, status: int = 200) -> HttpResponse:
    initial = {name: getattr(found, name) for name in ("plays", "fault_class", "remark")} if found.state == VisitState.TOLD else None
    context = {
        "page_title": found.member.village,
        "visit": found,
        "tell": bound.get(TELL) or VisitForm(initial=initial),
        "unreached": bound.get(UNREACHED) or UnreachedForm(auto_id="u-%s"),
        "tellings": list(found.tellings.all()),
    }
    return render(request, "surveys/visit.html", context, status=status)


def _told(act: str, said: dict[str, Any], shown: int, age: timedelta) -> Told:
    texts = {name: str(said.get(name, ""))[:200] for name in ("plays", "fault_class", "remark")}
    return Told(shown=shown, age=age, unreached=act == UNREACHED, **texts)


@door(Permission.VISIT_VILLAGE)
@require_POST
def send_kept(request: ActingRequest) -> HttpResponse:
    """Tellings that the phone kept."""

    def do(one: dict[str, Any], age: timedelta) -> str:
        found = queries.visit_for(UUID(str(one["card"])), request.actor)
        if one["act"] not in FORMS or int(one["shown"]) != int(one["seen"]):
            raise Refused(_("手机传来的内容无法读取"))
        told = _told(one["act"], one, int(one["seen"]), age)
        return "done" if commands.tell_visit(visit=found, told=told, by=request.actor, at=clock.now()) else "already"

    return answer_acts(request, person=str(request.actor.person_uid), do=do)


@public
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker of this page alone."""
    return worker_of(name=NAME, page=reverse("surveys:my_visits"))
