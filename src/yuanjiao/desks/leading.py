"""Addresses that were shared, printed or kept before a new version came: they lead to it, on every face."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse

from yuanjiao.courseware.queries import newest_version
from yuanjiao.lib.errors import NotFound


def leads_on(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view of one item: the address of an earlier version leads to the newest, with whatever else stands in it (CW21)."""

    @wraps(view)
    def shown(request: HttpRequest, uid: UUID, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, uid=uid, **kwargs)
        except NotFound:
            newest = newest_version(uid)
            if newest is None or request.resolver_match is None:
                raise
        target = reverse(request.resolver_match.view_name, kwargs={"uid": newest, **kwargs})
        query = request.META.get("QUERY_STRING", "")
        response = HttpResponsePermanentRedirect(f"{target}?{query}" if query else target)
        response["Cache-Control"] = "no-cache"  # permanent for who asks again, but the newest may be withdrawn one day
        return response

    return shown
