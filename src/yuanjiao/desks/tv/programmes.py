"""Urgent notices before every television page, channels on the television: what is on, what comes next; live programmes.

A notice is left by OK. On a box that belongs to a site, OK is also the site's confirmation, a fact of the site; at home it is
remembered by the box alone.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.courseware.queries import item_detail
from yuanjiao.desks import faces
from yuanjiao.desks.lives import again_s, stream_of
from yuanjiao.desks.tv import views as tv
from yuanjiao.desks.tv.boxes import box_of
from yuanjiao.learning.rules import television_key
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, YuanjiaoError
from yuanjiao.network.models import Site
from yuanjiao.network.queries import sites_in
from yuanjiao.people.access import machine
from yuanjiao.programmes import commands, queries
from yuanjiao.programmes.models import Notice

SEEN_COOKIE = "notices"
REMEMBERED = 10
View = Callable[..., HttpResponse]
PRIVATE = "private, no-cache"


def noticed(view: View) -> View:
    """A television page behind the urgent notices of its place: each comes first until its OK."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        standing = queries.notices_now(at=clock.civil_now(), path=faces.path_here())
        seen = {*request.COOKIES.get(SEEN_COOKIE, "").split("."), request.GET.get("seen", "")}
        waiting = next((one for one in standing if one.uid.hex not in seen), None)
        response = _notice(request, waiting) if waiting else view(request, *args, **kwargs)
        if standing:
            response["Cache-Control"] = PRIVATE  # a page that was kept would outlive the notice's end
        return response

    return shown


def _notice(request: HttpRequest, row: Notice) -> HttpResponse:
    context = {"notice": row, "next": request.get_full_path(), "proof": {key: request.GET.get(key, "") for key in ("site", "key")}}
    return tv._render(request, "notice", {**context, "paged": _pages(row.body, box_of(request).canvas.name)})


def _pages(body: str, canvas: str) -> str:
    """The words, as small as they must be to stand on one page: letters shrink for the longest notices only."""
    long = 120 if canvas == "sd530" else 150
    return "small" if len(body) > 2 * long else "middle" if len(body) > long else "large"


@csrf_exempt
@machine
@require_POST
def notice_ok(request: HttpRequest, uid: UUID) -> HttpResponse:
    """OK on a notice: the box remembers it; where the box proves its site, the site has confirmed it."""
    row, site = queries.notice_by_uid(uid), _site(request)
    if site is not None:
        with suppress(YuanjiaoError):  # not for this site any more: OK still leaves the page
            commands.confirm_on_television(notice=row, site=site, at=clock.now())
    target = request.POST.get("next", "")
    safe = target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    address = target if safe else reverse("desks:tv_home")
    response = HttpResponseRedirect(f"{address}{'&' if '?' in address else '?'}seen={uid.hex}")
    kept = [one for one in request.COOKIES.get(SEEN_COOKIE, "").split(".") if one and one != uid.hex]
    response.set_cookie(SEEN_COOKIE, ".".join([*kept[-REMEMBERED + 1 :], uid.hex]), max_age=tv.KEPT_S, samesite="Lax", httponly=True)
    return response


def _site(request: HttpRequest) -> Site | None:
    """The site the box proves to belong to (learning/views/television.py makes the proof), or None."""
    code, key = request.POST.get("site", ""), request.POST.get("key", "")
    if not code:
        code, _colon, key = request.COOKIES.get(tv.SITE_COOKIE, "").partition(":")
    site = sites_in(["/"]).filter(code=code).first() if code else None
    if site is None or not site.beat_key:
        return None
    return site if hmac.compare_digest(television_key(site.beat_key, site.code).encode(), key.encode()) else None


# -- channels ---------------------------------------------------------------------------------------------------------------


@tv.page
@require_safe
def channels(request: HttpRequest) -> HttpResponse:
    """Every channel with what is on now and what comes next."""
    shown = queries.channels_now(at=clock.civil_now(), path=faces.path_here())
    rows = [(number, one, tv._link(request, "tv_channel", one.uid)) for number, one in enumerate(shown[:6], 1)]
    return _timely(tv._render(request, "channels", {"rows": rows, "back": tv._link(request, "tv_home")}))


@tv.page
@require_safe
def channel(request: HttpRequest, uid: UUID) -> HttpResponse:
    """What is on now, as the box's own film from the second that is on the air; when it ends the page comes again with the next."""
    at = clock.civil_now()
    shown = next((one for one in queries.channels_now(at=at, path=faces.path_here()) if one.uid == uid), None)
    if shown is None:
        raise NotFound("没有这个频道")
    back = tv._link(request, "tv_channels")
    if shown.now is None:
        context = {"channel": shown, "back": back, "again": tv._link(request, "tv_channel", uid), "again_s": _until_next(shown, at)}
        return _timely(tv._render(request, "off_air", context))
    found = item_detail(shown.now.item, on=clock.today())
    film = faces.box_rendition(found, hd=box_of(request).hd)
    if film is None:
        raise NotFound("播放文件还没有从上级传来，请过一会儿再看")
    context = {
        "channel": shown,
        "item": found,
        "film": film,
        "address": faces.blob_url(film.blob, film.media_type),
        "offset_s": int((at - shown.now.starts_at).total_seconds()),
        "again": tv._link(request, "tv_channel", uid),
        "back": back,
    }
    return _timely(tv._render(request, "channel", context))


def _until_next(shown: queries.ChannelNow, at: Any) -> int:
    """Seconds until the page should come again: at the next programme, in a quarter of an hour at most."""
    return max(5, min(900, int((shown.next.starts_at - at).total_seconds()) + 1)) if shown.next else 900


# -- live programmes --------------------------------------------------------------------------------------------------------


@tv.page
@require_safe
def lives(request: HttpRequest) -> HttpResponse:
    """What is live now and what is announced."""
    shown = queries.lives_now(at=clock.civil_now(), path=faces.path_here())
    rows = [(number, one, tv._link(request, "tv_live", one.uid)) for number, one in enumerate(shown[:6], 1)]
    return _timely(tv._render(request, "lives", {"rows": rows, "back": tv._link(request, "tv_home")}))


@tv.page
@require_safe
def live(request: HttpRequest, uid: UUID) -> HttpResponse:
    """One live programme: the stream while it is on air, else when it begins or where its recording is."""
    at = clock.civil_now()
    found = queries.live_now(uid, at=at, path=faces.path_here())
    stream = stream_of(found) if found.on_air else ""
    film = tv._link(request, "tv_item", found.item) if found.item else ""
    context = {"live": found, "stream": stream, "film": film, "back": tv._link(request, "tv_lives")}
    response = _timely(tv._render(request, "live" if stream else "live_told", context))
    if wait_s := again_s(found, stream, at):
        response["Refresh"] = str(wait_s)  # boxes without script, too, begin when it begins
    return response


def _timely(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response
