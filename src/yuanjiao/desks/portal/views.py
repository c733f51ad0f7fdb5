"""The learner's portal. No log-in, and nothing recorded about who reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import segno
from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from yuanjiao.courseware import queries
from yuanjiao.courseware.commands import note_search_miss
from yuanjiao.courseware.queries import ItemDetail
from yuanjiao.desks import faces
from yuanjiao.desks.keeping import KEEP, kept
from yuanjiao.desks.leading import leads_on
from yuanjiao.desks.portal import filters
from yuanjiao.desks.portal.choices import choices, chosen, to_keep
from yuanjiao.desks.portal.preferences import LETTERS_PX, Preferences, keep_preferences, preferences_of
from yuanjiao.desks.portal.transcript import transcript
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.access import public

NEWEST, NEWEST_ELDER = 13, 7
PER_PAGE = 24
MORE = 6
SEARCH_CHARS = 60


def page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A public page of the portal: what is missing gets the portal's own page, and answers depend on the device's wishes."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except NotFound as missing:
            response = render_page(request, "missing", {"message": missing.message}, status=404)
        response.headers.setdefault("Vary", "Cookie")
        return response

    return public(shown)  # type: ignore[return-value]  # public() keeps the view as it is


def render_page(request: HttpRequest, stem: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    common = {"wished": preferences_of(request), "address": address_of(request), "follow_url": _open_door("faults:follow")}
    return render(request, f"desks/portal_{stem}.html", {**common, **context}, status=status)


def address_of(request: HttpRequest, path: str | None = None) -> str:
    """The full address of a page on this very node, for sharing."""
    path = path or request.path
    return settings.PUBLIC_URL.rstrip("/") + path if settings.PUBLIC_URL else request.build_absolute_uri(path)


def _open_door(name: str, *args: Any) -> str:
    """The path of another room's page, or nothing where that room has none."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def _pages(request: HttpRequest, listing: faces.Listing) -> Page[faces.Face]:
    sheets: Paginator[faces.Face] = Paginator(listing, PER_PAGE)
    return sheets.get_page(request.GET.get("p"))


@page
@kept
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    wished = preferences_of(request)
    listing = faces.Listing(saving=wished.saving)
    cards = listing[: NEWEST_ELDER if wished.elder else NEWEST]
    return render_page(request, "home", {"columns": faces.columns_here(), "cards": cards, "total": len(listing), "on_search": True})


@page
@kept
@require_safe
def column(request: HttpRequest, uid: UUID) -> HttpResponse:
    """A column's items in its order; ?part= leaves those of one sub-category (CW15)."""
    found, parts = faces.column_here(uid), faces.categories_here(uid)
    part = next((one for one in parts if str(one.uid) == request.GET.get("part")), None)
    listing = faces.Listing(column=uid, category=part.uid if part else None, saving=preferences_of(request).saving)
    context = {"column": found, "page": _pages(request, listing), "kept": f"part={part.uid}&" if part else ""}
    return render_page(request, "column", {**context, "choices": filters.part_rows(parts, part)})


@page
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Chinese words, pinyin or initials of titles, summaries, speakers and units; without a word, everything."""
    words = request.GET.get("q", "").strip()[:SEARCH_CHARS]
    columns, there = faces.columns_here(), queries.filter_choices(on=clock.today(), path=faces.path_here())
    wanted = filters.wanted(request.GET, columns, there)
    saving = preferences_of(request).saving
    listing: faces.Listing
    if words:
        listing = faces.Findings(words=words, column=wanted.column, saving=saving, narrow=wanted.narrow)
    else:
        listing = faces.Listing(column=wanted.column, saving=saving, narrow=wanted.narrow)
    found, alike = _pages(request, listing), getattr(listing, "alike", False)
    if words and not wanted.pairs and (not listing or alike):
        note_search_miss(words=words, on=clock.today())
    context = {
        "q": words,
        "columns": columns,
        "given": wanted.pairs,
        "wanted": wanted,
        "page": found,
        "on_search": True,
        "alike": alike,
        "kept": wanted.address(words)[1:] + "&",
        "choices": filters.rows(words, wanted, columns, there),
        "labels": filters.label_rows(words, wanted, there),
    }
    response = render_page(request, "search", context)
    if not words:  # a word looked for in vain is counted, each time
        response["Cache-Control"] = KEEP
    return response


@page
@kept
@leads_on
@require_safe
def item(request: HttpRequest, uid: UUID) -> HttpResponse:
    found, away = faces.on_this_machine(queries.item_detail(uid, on=clock.today()))
    wished = preferences_of(request)
    offered = choices(found)
    playing = chosen(offered, request.GET.get("v", ""), saving=wished.saving)
    columns = [one for one in faces.columns_here() if one.title in found.columns]
    picture, words = faces.poster_url(found), found.rendition(faces.CAPTIONS)
    return render_page(
        request,
        "item",
        {
            "item": found,
            "away": away,
            "choices": offered,
            "playing": playing,
            "keep": to_keep(offered, playing),
            "columns": columns,
            "picture": picture,
            "picture_address": address_of(request, picture) if picture else "",
            "captions_url": faces.captions_url(found),
            "master_url": _master_url(found),
            "file_url": faces.part_url(found.file) if found.file else "",
            "book_url": faces.part_url(found.book) if found.book else "",
            "parts": [(part, faces.part_url(part)) for part in found.parts],
            "host": urlsplit(found.address).hostname or "",
            "transcript": transcript(words.blob) if words else [],
            "about": _about(found),
            "policy": queries.policy_of(uid, on=clock.today()),
            "explains": queries.explained_by(uid, on=clock.today()),
            "more": _more(found, columns[0].uid if columns else None, wished),
        },
    )


def _master_url(found: ItemDetail) -> str:
    streamed = any(one.hls and one.kind == "video" for one in found.renditions)
    return _open_door("courseware:master_playlist", found.uid) if streamed else ""


def _about(found: ItemDetail) -> list[tuple[str, str]]:
    facts = (
        (_("适合"), found.age_band),
        (_("主题"), "、".join(found.topics)),
        (_("主讲"), found.speaker),
        (_("制作单位"), found.unit_name),
        (_("来源"), found.source_name),
    )
    return [(name, value) for name, value in facts if value]


def _more(found: ItemDetail, within: UUID | None, wished: Preferences) -> list[faces.Face]:
    """Neighbours in the item's column; the newest where it stands in none."""
    others = faces.Listing(column=within, saving=wished.saving)[: MORE + 1]
    return [face for face in others if face.card.uid != found.uid][:MORE]


@page
@leads_on
@require_safe
def qr(request: HttpRequest, uid: UUID) -> HttpResponse:
    """The item's address as a QR code (SVG), for phones held to another phone or a wall."""
    queries.item_detail(uid, on=clock.today())
    code = segno.make(address_of(request, reverse("desks:portal_item", args=[uid])), error="m")
    response = HttpResponse(code.svg_inline(scale=4, border=2).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1))
    response["Content-Type"] = "image/svg+xml"
    response["Cache-Control"] = KEEP
    return response


@page
@require_safe
def letters(request: HttpRequest, px: int) -> HttpResponse:
    """One tap to the elder version (长辈版) and back: sets the cookie and returns to the page. Works without script."""
    if px not in LETTERS_PX:
        raise NotFound(_("没有这个字号"))
    wished = preferences_of(request)
    response = HttpResponseRedirect(_back_to(request))
    keep_preferences(response, Preferences(px, wished.saving, wished.wifi_only))
    return response


def _back_to(request: HttpRequest) -> str:
    target = request.GET.get("next", "")
    safe = target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if safe else reverse("desks:portal_home")


@page
@require_http_methods(["GET", "HEAD", "POST"])
def reading_settings(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        names = (_("标准"), _("大字"), _("长辈版"), _("长辈版，特大字"))
        return render_page(request, "settings", {"letters": list(zip(LETTERS_PX, names, strict=True))})
    asked = request.POST.get("letters", "")
    px = int(asked) if asked in map(str, LETTERS_PX) else LETTERS_PX[0]
    response = HttpResponseRedirect(reverse("desks:portal_home"))
    keep_preferences(response, Preferences(px, "saving" in request.POST, "wifi_only" in request.POST))
    return response
