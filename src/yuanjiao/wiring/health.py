"""`/healthz`: the process answers. `/readyz`: its database answers and is up to date. For watchers and for whoever starts it."""

from __future__ import annotations

from django.db.utils import OperationalError
from django.http import HttpRequest, HttpResponse

from yuanjiao.people.access import machine
from yuanjiao.wiring.newborn import missing_migrations


@machine
def alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@machine
def ready(request: HttpRequest) -> HttpResponse:
    try:
        missing = missing_migrations()
    except OperationalError as error:
        return HttpResponse(f"database: {error}\n", status=503, content_type="text/plain")
    if missing:
        return HttpResponse(f"{missing} migrations missing\n", status=503, content_type="text/plain")
    return HttpResponse("ready\n", content_type="text/plain")
