"""The portal without a network: what makes it installable, the worker that keeps chosen items, and the page that lists them.

What is kept lies in the browser of this device and is known to nobody else. Browsers allow it over HTTPS (and on localhost) only;
elsewhere the buttons stay away and everything else works as before.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.desks.keeping import kept
from yuanjiao.desks.portal.views import page, render_page

SHELL = ("desks/portal.css", "desks/portal_player.js", "desks/portal_offline.js", "desks/portal_aloud.js", "ui/mark.svg")
"""Files without which a kept page cannot be shown."""


@page
@kept
@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """What a phone needs to put the portal on its home screen. Installing is never required (DLV08)."""
    names = {"name": f"{_('远教')} · {settings.NODE_NAME}", "short_name": _("远教"), "lang": "zh-CN"}
    look = {"display": "standalone", "background_color": "#fbf5ea", "theme_color": "#b3261e"}
    icons = [{"src": static("ui/mark.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}]
    told = {**names, **look, "id": "/", "start_url": reverse("desks:portal_home"), "scope": "/", "icons": icons}
    return JsonResponse(told, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False})


@page
@kept
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, which has to lie at the root. It changes with every file it carries, and then fetches them anew."""
    told = {"version": _version(), "page": reverse("desks:portal_offline"), "files": [static(name) for name in SHELL]}
    return HttpResponse(f"const SHELL = {json.dumps(told)};\n{_source('desks/portal_worker.js')}", content_type="text/javascript")


@page
@kept
@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """What this device has kept. The list is made by the script from what lies in the browser; the server knows nothing of it."""
    return render_page(request, "offline", {})


@lru_cache(maxsize=1)
def _version() -> str:
    texts = [_source(name) for name in (*SHELL, "desks/portal_worker.js")]
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:12]


def _source(name: str) -> str:
    found = finders.find(name)
    assert isinstance(found, str), name
    return Path(found).read_text("utf-8")
