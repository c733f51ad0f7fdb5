"""The census as a site manager sees it: what is known of the own sites, one press to confirm it. Works on any machine."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.supervision import commands, queries
from yuanjiao.supervision.inputs import CensusForm
from yuanjiao.supervision.queries.census import Wanted
from yuanjiao.ui.middleware import status_of


@door(Permission.RECORD_SESSION)
def census(request: ActingRequest) -> HttpResponse:
    """The person's sites in every campaign at work; POST confirms one of them."""
    wanted = queries.census_wanted(request.actor)
    bound, status = None, 200
    if request.method == "POST":
        chosen = _chosen(request, wanted)
        bound = CensusForm(request.POST, auto_id=f"{chosen.site.code}-%s")
        if bound.is_valid():
            try:
                commands.confirm_site(
                    campaign=chosen.campaign, site=chosen.site, remark=bound.cleaned_data["remark"], problems=bound.problems(),
                    uid=_press(request), by=request.actor, at=clock.now(),
                )  # fmt: skip
                messages.success(request, _("已确认：%s") % chosen.site.name)
                return redirect("supervision:census")
            except (Refused, Conflict) as error:
                bound.add_error(None, error.message)
                status = status_of(error)
        status = 400 if status == 200 else status
    form = CensusForm
    rows = [(one, form(auto_id=f"{one.site.code}-{one.campaign.pk}-%s"), new_uid()) for one in wanted]
    return render(request, "supervision/census.html", {"page_title": _("底数确认"), "rows": rows, "bound": bound}, status=status)


def _press(request: ActingRequest) -> UUID | None:
    """Which press this is: each form has its own, so that the same one sent twice is known. None from a page that has none yet."""
    try:
        return UUID(request.POST.get("press", ""))
    except ValueError:
        return None


def _chosen(request: ActingRequest, wanted: list[Wanted]) -> Wanted:
    site, campaign = request.POST.get("site", ""), request.POST.get("campaign", "")
    found = next((one for one in wanted if one.site.code == site and str(one.campaign.uid) == campaign), None)
    if found is None:
        raise NotFound(_("没有这个站点，或不是由您管理的"))
    return found
