"""Playlists: public ones for released items, previews for the people who make, review and release them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from yuanjiao.courseware import queries
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.access import ActingRequest, door, public
from yuanjiao.people.rules import Permission

P = Permission
MEDIA_TYPE = "application/vnd.apple.mpegurl"


def _playlist(text: str, cache: str) -> HttpResponse:
    return HttpResponse(text, content_type=MEDIA_TYPE, headers={"Cache-Control": cache})


@public
@require_safe
def master_playlist(request: HttpRequest, uid: UUID) -> HttpResponse:
    """The master playlist; 404 once the item is withdrawn. That of an earlier version leads to the newest (CW21)."""
    try:
        text = queries.hls_master(uid, on=clock.today())
    except NotFound:
        newer = queries.newest_version(uid)
        if newer is None:
            raise
        return redirect("courseware:master_playlist", newer)
    return _playlist(text, "max-age=60")


@public
@require_safe
def newest(request: HttpRequest) -> HttpResponseBase:
    """Title and playlist of the newest programme, which sites try once a day (NET07); 204 while nothing is released here."""
    del request
    found = queries.newest_playable(on=clock.today())
    if found is None:
        return HttpResponse(status=204)
    uid, title = found
    address = reverse("courseware:master_playlist", args=[uid])
    return JsonResponse({"title": title, "address": address}, headers={"Cache-Control": "max-age=60"})


@public
@require_safe
def media_playlist(request: HttpRequest, uid: UUID, profile: str) -> HttpResponse:
    return _playlist(queries.hls_media(uid, profile, on=clock.today()), "max-age=60")


@door(P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
@require_safe
def preview_master(request: ActingRequest, uid: UUID) -> HttpResponse:
    return _playlist(queries.master_of(queries.item_for(request.actor, uid)), "no-store")


@door(P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
@require_safe
def preview_media(request: ActingRequest, uid: UUID, profile: str) -> HttpResponse:
    return _playlist(queries.media_of(queries.item_for(request.actor, uid), profile), "no-store")
