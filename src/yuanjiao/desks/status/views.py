"""The page on the local network that says how this machine stands, for whoever is sent to look at it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from yuanjiao.desks.portal.views import page, render_page
from yuanjiao.desks.status.machine import machine_now
from yuanjiao.lib import clock


@page
@never_cache
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """What it has, what it lacks, since when it hears nobody. Public: it names no person and nothing that is not on the box itself."""
    at = clock.now()
    return render_page(request, "status", {"now": machine_now(at), "at": at})
