"""The television page: six keys and digits, no script needed, no log-in; plays are counted in sums.

Every page is plain links in focus order; what the links lead to is the same for every box (DLV01).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.courseware import queries
from yuanjiao.courseware.queries import ItemDetail, RenditionCard
from yuanjiao.desks import faces
from yuanjiao.desks.keeping import kept
from yuanjiao.desks.leading import leads_on
from yuanjiao.desks.tv.boxes import BOXES, ROWS, TILES, box_of
from yuanjiao.desks.tv.keys import as_text
from yuanjiao.desks.tv.leaves import leaves
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.lib.senders import sender_of
from yuanjiao.people.access import public
from yuanjiao.programmes import commands as programmes
from yuanjiao.programmes.queries import channels_shown, lives_now

log = logging.getLogger(__name__)
KEPT_S = 400 * 86400
START = ("box", "site", "key")
"""What the operator may put into a box's start address: its kind, and the site whose study days it may record."""
SITE_COOKIE = "yuanjiao_tv_site"
"""Set by the page on which study days are recorded, once a box has proved its site."""


@dataclass(frozen=True)
class Tile:
    """One field of a first page."""

    title: str
    url: str
    note: str = ""


def page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A public television page: what is missing gets a page the remote control can leave."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except NotFound as missing:
            context = {"message": missing.message, "back": _link(request, "tv_home")}
            response = _render(request, "missing", context, status=404)
        if any(request.GET.get(key) for key in START[1:]):
            response["Cache-Control"] = "no-store"  # the address holds what proves a site
        response.headers.setdefault("Vary", "Cookie")
        asked = request.GET.get("box", "")
        if asked in BOXES and request.COOKIES.get("box") != asked:
            response.set_cookie("box", asked, max_age=KEPT_S, samesite="Lax", httponly=True)
        return response

    return public(shown)  # type: ignore[return-value]  # public() keeps the view as it is


def _render(request: HttpRequest, stem: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    box = box_of(request)
    common = {"box": box, "canvas": box.canvas, "keys": as_text(box.keys), "home": _link(request, "tv_home")}
    return render(request, f"desks/tv_{stem}.html", {**common, **context}, status=status)


def _link(request: HttpRequest, name: str, *args: object, anchor: str = "", **query: object) -> str:
    """A link that keeps what the box's start address said, for boxes without cookies."""
    query.update({key: request.GET[key] for key in START if request.GET.get(key)})
    text = urlencode({key: value for key, value in query.items() if value})
    return reverse(f"desks:{name}", args=args) + (f"?{text}" if text else "") + (f"#{anchor}" if anchor else "")


# -- first page -------------------------------------------------------------------------------------------------------------


@page
@kept
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Columns as tiles, one per digit; with more than nine, the ninth turns the page."""
    return _render(request, "home", {"rows": _sheet_of(request, _tiles(request), _("更多栏目"), "tv_home")})


def _sheet_of(request: HttpRequest, every: list[Tile], more: str, name: str, *args: object) -> list[list[tuple[int, Tile]]]:
    """So many tiles as there are digits, in rows of three; the ninth leads to the next sheet where there are more."""
    if len(every) <= TILES:
        return _in_rows(every)
    sheets = Paginator(every, TILES - 1)
    sheet = sheets.get_page(request.GET.get("p"))
    after = sheet.next_page_number() if sheet.has_next() else 1
    return _in_rows([*sheet, Tile(more, _link(request, name, *args, p=after), f"{sheet.number} / {sheets.num_pages}")])


def _tiles(request: HttpRequest) -> list[Tile]:
    everything = Tile(_("全部课件"), _link(request, "tv_all"), _items(len(faces.Listing())))
    columns = [Tile(one.title, _link(request, "tv_column", one.uid), _items(one.items)) for one in faces.columns_here()]
    return [*_todays_lesson(request), *_lives(request), everything, *_channels(request), *columns]


def _items(number: int) -> str:
    return _("%d 个") % number


def _lives(request: HttpRequest) -> list[Tile]:
    """The way to live programmes, in front while one is on air or announced."""
    shown = lives_now(at=clock.civil_now(), path=faces.path_here())
    if not shown:
        return []
    on_air = any(one.on_air for one in shown)
    return [Tile(_("现场直播"), _link(request, "tv_lives"), _("正在直播") if on_air else _("即将直播"))]


def _channels(request: HttpRequest) -> list[Tile]:
    """The way to the channels, where there are any."""
    number = len(channels_shown(on=clock.today(), path=faces.path_here()))
    return [Tile(_("频道"), _link(request, "tv_channels"), _items(number))] if number else []


def _todays_lesson(request: HttpRequest) -> list[Tile]:
    """The way to recording a study day, on boxes that belong to a site; a television at home has nothing to record."""
    if "site" not in request.GET and SITE_COOKIE not in request.COOKIES:
        return []
    proof = urlencode({key: request.GET[key] for key in START[1:] if request.GET.get(key)})
    return [Tile(_("今天的课"), reverse("learning:tv_record") + (f"?{proof}" if proof else ""), _("学习日"))]


def _in_rows(tiles: list[Tile]) -> list[list[tuple[int, Tile]]]:
    numbered = list(enumerate(tiles, 1))
    return [numbered[n : n + 3] for n in range(0, len(numbered), 3)]


@page
@kept
@require_safe
def choose_box(request: HttpRequest) -> HttpResponse:
    """For whoever sets the box up: its kind is kept in the box's cookie."""
    asked = request.GET.get("box", "")
    if asked in BOXES:
        return HttpResponseRedirect(_link(request, "tv_home"))
    return _render(request, "box", {"boxes": list(BOXES.values()), "back": _link(request, "tv_home")})


# -- lists ------------------------------------------------------------------------------------------------------------------


@page
@kept
@require_safe
def all_items(request: HttpRequest) -> HttpResponse:
    return _list(request, _("全部课件"), None)


@page
@kept
@require_safe
def column(request: HttpRequest, uid: UUID) -> HttpResponse:
    """A column's list, or with ?g= that of one sub-category; 8 leads to the choice of them."""
    found, asked = faces.column_here(uid), request.GET.get("g", "")
    parts = faces.categories_here(uid)
    part = next((one for one in parts if str(one.uid) == asked), None)
    choice = _link(request, "tv_categories", uid) if parts else ""
    if part is None:
        return _list(request, found.title, uid, choice=choice)
    return _list(request, part.title, uid, part.uid, choice=choice)


@page
@kept
@require_safe
def categories(request: HttpRequest, uid: UUID) -> HttpResponse:
    """The sub-categories of a column as tiles, one per digit (CW15)."""
    found = faces.column_here(uid)
    everything = Tile(_("全部"), _link(request, "tv_column", uid), _items(found.items))
    tiles = [Tile(one.title, _link(request, "tv_column", uid, g=one.uid), _items(one.items)) for one in faces.categories_here(uid)]
    rows = _sheet_of(request, [everything, *tiles], _("更多分类"), "tv_categories", uid)
    return _render(request, "categories", {"title": found.title, "rows": rows, "back": _link(request, "tv_column", uid)})


def _list(request: HttpRequest, title: str, within: UUID | None, part: UUID | None = None, *, choice: str = "") -> HttpResponse:
    """A list, a page of rows at a time; `choice` leads to the sub-categories where there are any."""
    listing = faces.Listing(column=within, category=part)
    sheet: Page[faces.Face] = Paginator(listing, ROWS).get_page(request.GET.get("p"))
    place = {"c": str(within or ""), "g": str(part or ""), "p": str(sheet.number)}
    rows = [(number, face, _link(request, "tv_item", face.card.uid, **place, n=number)) for number, face in enumerate(sheet.object_list, 1)]
    context = {"title": title, "rows": rows, "sheet": sheet, "choice": choice, "back": choice if part else _link(request, "tv_home")}
    for name, there, number in (("before", sheet.has_previous(), sheet.number - 1), ("after", sheet.has_next(), sheet.number + 1)):
        context[name] = _list_link(request, {**place, "p": str(number)}) if there else ""
    return _render(request, "list", context)


def _list_link(request: HttpRequest, place: dict[str, str], anchor: str = "") -> str:
    """The list a learner came from; anything that is no column's uid leads to the list of all."""
    sheet = place["p"] if place["p"].isdecimal() and place["p"] != "1" else ""
    try:
        return _link(request, "tv_column", UUID(place["c"]), anchor=anchor, g=place["g"], p=sheet)
    except ValueError:
        return _link(request, "tv_all", anchor=anchor, p=sheet)


# -- one item ---------------------------------------------------------------------------------------------------------------


@page
@kept
@leads_on
@require_safe
def item(request: HttpRequest, uid: UUID) -> HttpResponse:
    found, away = faces.on_this_machine(queries.item_detail(uid, on=clock.today()))
    film = _film(request, found)
    place = _place(request)
    return _render(
        request,
        "item",
        {
            "item": found,
            "film": film,
            "away": away,
            "picture": faces.poster_url(found),
            "summary_chars": box_of(request).canvas.summary_chars(found.title),
            "play": _link(request, "tv_play", uid, **place) if film else "",
            "read": _link(request, "tv_read", uid, **place) if leaves(found, box_of(request).canvas) else "",
            "listen": _link(request, "tv_play", uid, **place, v="audio") if found.rendition(faces.SOUND) else "",
            "kin": _kin(request, uid),
            "back": _back(request),
        },
    )


def _kin(request: HttpRequest, uid: UUID) -> tuple[str, str] | None:
    """From a policy text to its explanation (or its questions), from an explanation to the text: (words, address)."""
    on = clock.today()
    policy, texts = queries.policy_of(uid, on=on), queries.explained_by(uid, on=on)
    if policy and policy.explained:
        return _("看%s") % policy.explained[0].role, _link(request, "tv_item", policy.explained[0].uid)
    return (_("看文件原文"), _link(request, "tv_item", texts[0].uid)) if texts else None


@page
@leads_on
@require_safe
def play(request: HttpRequest, uid: UUID) -> HttpResponse:
    """The film over the whole canvas; when it ends, back to the list it was chosen from. To ask for it is a play: so it is never kept."""
    found, away = faces.on_this_machine(queries.item_detail(uid, on=clock.today()))
    sound = found.rendition(faces.SOUND) if request.GET.get("v") == "audio" else None
    film = sound or _film(request, found)
    if film is None:
        raise NotFound(_("本站暂无这一件，可请管理员联系县里调取") if away else _("播放文件还没有从上级传来，请过一会儿再看"))
    address = faces.blob_url(film.blob, film.media_type)
    context = {"item": found, "film": film, "address": address, "sound_only": film.kind == "audio", "back": _back(request)}
    _count(request, uid)
    return _render(request, "play", {**context, "picture": faces.poster_url(found)})


def _count(request: HttpRequest, uid: UUID) -> None:
    """A play begins where its page is asked for, with or without script (FBK08)."""
    at = clock.now()
    if request.method != "GET" or programmes.room_to_count(sender=sender_of(request), item=uid, what="started", at=at):
        return
    try:
        programmes.note_play(item=uid, finished=False, on=clock.today())
    except DatabaseError:  # a sum that cannot be written, on a full disk or so, keeps no film from playing
        log.warning("a play was not counted", exc_info=True)


@page
@kept
@leads_on
@require_safe
def read(request: HttpRequest, uid: UUID) -> HttpResponse:
    """An article, a document or pictures, one screen at a time."""
    found = queries.item_detail(uid, on=clock.today())
    sheet = Paginator(leaves(found, box_of(request).canvas), 1).get_page(request.GET.get("l"))
    if not sheet.object_list:
        raise NotFound(_("这里没有可以看的页"))
    place = _place(request)
    context = {"item": found, "sheet": sheet, "back": _link(request, "tv_item", uid, **place)}
    for name, there, number in (("before", sheet.has_previous(), sheet.number - 1), ("after", sheet.has_next(), sheet.number + 1)):
        context[name] = _link(request, "tv_read", uid, **place, l=number) if there else ""
    return _render(request, "read", context)


def _film(request: HttpRequest, found: ItemDetail) -> RenditionCard | None:
    box = box_of(request)
    return faces.box_rendition(found, hd=box.hd, ts=box.ts)


def _place(request: HttpRequest) -> dict[str, str]:
    """Where in which list the learner was, carried in the links."""
    return {key: request.GET.get(key, "") for key in ("c", "g", "p", "n")}


def _back(request: HttpRequest) -> str:
    place = _place(request)
    return _list_link(request, place, anchor=f"i{place['n']}" if place["n"].isdecimal() else "")
