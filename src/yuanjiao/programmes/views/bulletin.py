"""The weekly bulletin for telephones: composed from what was released, ready to be sent (DLV06)."""

from __future__ import annotations

from datetime import date, timedelta

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.courseware.queries import released_items
from yuanjiao.lib import clock
from yuanjiao.lib.clock import local_day
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.programmes.rules.bulletin import compose, parts

NAMED = (3, 5, 8, 12)
"""How many items may be named."""
LOOKED_THROUGH = 200
WEEKS = 4


@door(Permission.MANAGE_COLUMNS)
@require_safe
def bulletin(request: ActingRequest) -> HttpResponse:
    """The text of one of the last weeks, and the same as a file for the system or robot that sends it."""
    most = int(request.GET["n"]) if request.GET.get("n") in {str(number) for number in NAMED} else NAMED[1]
    back = int(request.GET["week"]) if request.GET.get("week") in {str(number) for number in range(WEEKS)} else 0
    last = clock.today() - timedelta(days=7 * back)
    first = last - timedelta(days=6)
    titles = _released(first, last)
    address = settings.PUBLIC_URL.rstrip("/") + "/" if settings.PUBLIC_URL else request.build_absolute_uri(reverse("desks:portal_home"))
    text = compose(settings.NODE_NAME, first, last, titles[:most], address) if titles else ""
    if request.GET.get("as") == "txt" and text:
        return _file(text, last)
    context = {
        "page_title": _("每周手机信息"), "text": text, "parts": parts(text), "letters": len(text), "found": len(titles), "most": most,
        "choices": NAMED, "week": back, "weeks": [(n, clock.today() - timedelta(days=7 * n)) for n in range(WEEKS)],
    }  # fmt: skip
    return render(request, "programmes/bulletin.html", context)


def _released(first: date, last: date) -> list[str]:
    """Titles of what was released from the first to the last day, the newest first."""
    rows = released_items(on=clock.today(), limit=LOOKED_THROUGH)
    return [row.title for row in rows if row.released_at and first <= local_day(row.released_at) <= last]


def _file(text: str, last: date) -> HttpResponse:
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"每周手机信息{last:%Y%m%d}.txt") or "attachment"
    return response
