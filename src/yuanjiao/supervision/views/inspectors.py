"""Who inspects for a campaign: sending people, giving them a round, and which counties each line has been to."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.supervision import commands, queries
from yuanjiao.supervision.inputs import InspectorForm, RoundForm
from yuanjiao.supervision.models import Campaign
from yuanjiao.supervision.views.scope import all_units, found, opened, own_places
from yuanjiao.ui.middleware import status_of


@door(Permission.OPEN_CAMPAIGN)
def inspector_list(request: ActingRequest, uid: UUID) -> HttpResponse:
    """POST sends somebody (act=appoint), or gives an inspector what nobody has looked at in their place (act=round)."""
    campaign, act = found(request, uid), request.POST.get("act", "")
    request.actor.require(Permission.OPEN_CAMPAIGN, campaign.unit.division.path)
    inspectors = list(queries.inspector_rows(campaign))
    days = {"valid_from": clock.today(), "until": max(clock.today(), campaign.ends_on)}
    appoint = InspectorForm(request.POST if act == "appoint" else None, places=own_places(request.actor), units=all_units(), initial=days)
    present = [one for one in inspectors if one.valid_to > clock.today()]
    rounds = RoundForm(request.POST if act == "round" else None, inspectors=present)
    chosen: forms.Form = appoint if act == "appoint" else rounds
    status = 200
    if request.method == "POST" and chosen.is_valid():
        try:
            messages.success(request, _appoint(request, campaign, appoint) if chosen is appoint else _round(request, rounds))
            return redirect("supervision:inspector_list", uid)
        except (Refused, Conflict) as error:
            chosen.add_error(None, error.message)
            status = status_of(error)
        except forms.ValidationError as error:
            chosen.add_error(None, error)
    context = {
        "page_title": _("检查人员"),
        "campaign": campaign,
        "inspectors": inspectors,
        "appoint": appoint,
        "rounds": rounds if present else None,
        "back": opened("campaign", campaign),
    }
    return render(request, "supervision/inspectors.html", context, status=400 if chosen.errors and status == 200 else status)


def _appoint(request: ActingRequest, campaign: Campaign, form: InspectorForm) -> str:
    row = commands.appoint_inspector(campaign=campaign, by=request.actor, at=clock.now(), **form.appointment())
    return _("已派出：%s") % row


def _round(request: ActingRequest, form: RoundForm) -> str:
    inspector, method = form.chosen()
    count = commands.plan_round(inspector=inspector, method=method, by=request.actor, at=clock.now())
    return _("已给%(who)s安排 %(n)s 个还没有人检查的对象") % {"who": inspector, "n": count}
