"""Themes, channels and live programmes on the portal."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.desks import faces
from yuanjiao.desks.lives import again_s, stream_of
from yuanjiao.desks.portal import views as portal
from yuanjiao.desks.portal.preferences import preferences_of
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.programmes import queries

COMING = 12
NEWEST = 6
View = Callable[..., HttpResponse]


def noticed(view: View) -> View:
    """A page on which urgent notices stand is not kept: it would outlive their end."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if queries.notices_now(at=clock.civil_now(), path=faces.path_here()):
            response["Cache-Control"] = "private, no-cache"
        return response

    return shown


@portal.page
@require_safe
def theme(request: HttpRequest, uid: UUID) -> HttpResponse:
    """A theme: its banner, its columns, what is newest in each. Gone on the day it ends."""
    found = queries.theme_now(uid, on=clock.today(), path=faces.path_here())
    saving = preferences_of(request).saving
    columns = [(one, faces.Listing(column=one.uid, saving=saving)[:NEWEST]) for one in found.columns]
    return portal.render_page(request, "theme", {"theme": found, "columns": columns})


@portal.page
@require_safe
def channel(request: HttpRequest, uid: UUID) -> HttpResponse:
    """A channel to watch as it goes, what is on now, and the rest of the day."""
    at = clock.civil_now()
    shown = next((one for one in queries.channels_now(at=at, path=faces.path_here()) if one.uid == uid), None)
    if shown is None:
        raise NotFound(_("没有这个频道"))
    day = queries.day_of(queries.channel_by_uid(uid), clock.local_day(at))
    coming = [one for one in day if one.starts_at > at and one.available][:COMING]
    response = portal.render_page(request, "channel", {"channel": shown, "coming": coming})
    response["Cache-Control"] = "no-store"
    return response


@portal.page
@require_safe
def live(request: HttpRequest, uid: UUID) -> HttpResponse:
    """A live programme: before its time, on air with pictures or (?v=sound) with its sound alone, and after."""
    at = clock.civil_now()
    found = queries.live_now(uid, at=at, path=faces.path_here())
    stream = stream_of(found) if found.on_air else ""
    context = {"live": found, "stream": stream, "sound": request.GET.get("v") == "sound", "again_s": again_s(found, stream, at)}
    response = portal.render_page(request, "live", context)
    response["Cache-Control"] = "no-store"
    return response
