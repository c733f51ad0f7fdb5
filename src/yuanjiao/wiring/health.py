"""`/healthz`: the process answers. `/readyz`: its database answers and is up to date. For watchers and for whoever starts it."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError
from django.http import HttpRequest, HttpResponse

from yuanjiao.people.access import machine


@machine
def alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@machine
def ready(request: HttpRequest) -> HttpResponse:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except OperationalError as error:
        return HttpResponse(f"database: {error}\n", status=503, content_type="text/plain")
    if missing:
        return HttpResponse(f"{len(missing)} migrations missing\n", status=503, content_type="text/plain")
    return HttpResponse("ready\n", content_type="text/plain")
