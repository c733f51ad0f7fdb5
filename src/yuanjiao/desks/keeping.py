"""Public pages that may be kept: they are the same for everybody with the same wishes, as long as nothing is written here.

`public, no-cache` is what HTTP calls that: anybody may keep the page, but must ask before showing it again. The server's own front
(wiring/front.py) keeps by it; a browser asks and is told 304.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

KEEP = "public, no-cache"


def kept(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view whose page depends on its address and the device's wishes alone."""

    @wraps(view)
    def marked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if response.status_code == 200:
            response.headers.setdefault("Cache-Control", KEEP)
        return response

    return marked
