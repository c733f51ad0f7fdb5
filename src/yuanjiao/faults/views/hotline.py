"""The hotline clerk's desk: search, site card with a short form, receipt. Three screens, no script needed (OPS04)."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from yuanjiao.faults import commands, queries
from yuanjiao.faults.inputs import CallForm
from yuanjiao.faults.queries.sites import SHOWN, site_in
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.network.queries import state_now
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import full_name
from yuanjiao.ui.middleware import status_of


@door(Permission.ANSWER_HOTLINE)
def hotline(request: ActingRequest) -> HttpResponse:
    """One box: telephone, name part, pinyin initials or code. A single hit goes straight to its card."""
    text = request.GET.get("q", "").strip()[:60]
    found = list(queries.find_sites(text, request.actor.paths(Permission.ANSWER_HOTLINE))[: SHOWN + 1])
    if len(found) == 1:
        return redirect("faults:hotline_site", found[0].code)
    states = state_now([site.pk for site in found], at=clock.now())
    rows = [(site, states[site.pk].state, full_name(site.division)) for site in found[:SHOWN]]
    context = {"page_title": _("热线受理"), "text": text, "rows": rows, "more": len(found) > SHOWN, "shown": SHOWN}
    return render(request, "faults/hotline.html", context)


@door(Permission.ANSWER_HOTLINE)
def hotline_site(request: ActingRequest, code: str) -> HttpResponse:
    """The site's card beside the form; POST opens or joins an order and shows the receipt."""
    site = site_in(request.actor.paths(Permission.ANSWER_HOTLINE), code)
    if site is None:
        raise NotFound(_("没有这个站点，或不在您负责的范围内"))
    at = clock.now()
    card = queries.site_card(site, at=at)
    form = CallForm(request.POST or None, known=card.is_known)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            report, _handling = commands.take_call(site=site, by=request.actor, at=at, **form.details())
            return redirect("faults:report", report.receipt_code)
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
            status = status_of(error)
    context: dict[str, Any] = {"page_title": site.name, "card": card, "form": form, "at": at}
    return render(request, "faults/hotline_site.html", context, status=status)
