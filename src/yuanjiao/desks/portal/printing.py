"""What is printed for an item, a column, a site or the portal (DLV16): posters A4 and A3, leaflets. Public like the pages they lead to."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.courseware import queries
from yuanjiao.courseware.queries import ItemDetail
from yuanjiao.courseware.rules.articles import plain
from yuanjiao.desks import faces
from yuanjiao.desks.keeping import kept
from yuanjiao.desks.leading import leads_on
from yuanjiao.desks.portal.choices import choices
from yuanjiao.desks.portal.paper import SIZES, Letter, Sheet, draw, draw_letter
from yuanjiao.desks.portal.views import address_of, page
from yuanjiao.flow.blobs import store
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.network.queries import sites
from yuanjiao.places.queries import unit_by_code
from yuanjiao.ui.templatetags.zh import duration, size

BLANK = "〔单位〕"
"""Stands in the words of a letter for the unit that hands it out."""
LISTED = 8
"""So many titles of a column stand on its poster."""


@page
@kept
@leads_on
@require_safe
def item_poster(request: HttpRequest, uid: UUID) -> HttpResponse:
    found = queries.item_detail(uid, on=clock.today())
    picture = found.rendition(faces.POSTER)
    sheet = Sheet(
        sender=settings.NODE_NAME,
        kicker="、".join(found.columns),
        title=found.title,
        text=found.summary,
        facts=_facts(found),
        address=address_of(request, reverse("desks:portal_item", args=[uid])),
        picture=store.path(picture.blob) if picture and store.has(picture.blob) else None,
    )
    return _printed(request, sheet)


def _facts(found: ItemDetail) -> tuple[str, ...]:
    """Who speaks, how long, and what it costs to watch or to listen, said before anybody scans (DLV09)."""
    costs = [_("听 %s") % size(one.size_bytes) for one in choices(found) if one.sound_only]
    watched = [one for one in choices(found) if not one.sound_only]
    speaker = [_("主讲：%s") % found.speaker] if found.speaker else []
    length = [duration(found.duration_s)] if found.duration_s else []
    return (*speaker, *length, *([_("看 %s") % size(watched[0].size_bytes)] if watched else []), *costs)


@page
@kept
@leads_on
@require_safe
def item_letter(request: HttpRequest, uid: UUID) -> HttpResponse:
    """An item as a letter that a unit hands out (DLV17): 〔单位〕 in its words is the unit or site of ?unit=, a line to fill in without.

    The template is an article like any other and goes to units with the catalogue; who receives the letter is nobody's business here.
    """
    found = queries.item_detail(uid, on=clock.today())
    name = _unit_name(request.GET.get("unit", "").strip()[:30])
    words = plain(found.body) if found.body else found.summary
    letter = Letter(
        title=found.title,
        paragraphs=tuple(line.strip().replace(BLANK, name or "＿＿＿＿＿＿") for line in words.splitlines() if line.strip()),
        signed=name or "＿＿＿＿＿＿",
        address=address_of(request, reverse("desks:portal_item", args=[uid])),
    )
    return _pdf(draw_letter(letter), f"{found.title[:40]}-{_('书信')}")


def _unit_name(code: str) -> str:
    """The name of the unit or site with this register code; NotFound for a wrong one, "" for none."""
    if not code:
        return ""
    site = sites().filter(code=code).first()
    return site.name if site is not None else unit_by_code(code).name


@page
@kept
@require_safe
def column_poster(request: HttpRequest, uid: UUID) -> HttpResponse:
    column = faces.column_here(uid)
    titles = [f"· {face.card.title}" for face in faces.Listing(column=uid)[:LISTED]]
    sheet = Sheet(
        sender=settings.NODE_NAME,
        kicker=_("栏目"),
        title=column.title,
        text="\n".join([column.summary, *titles] if column.summary else titles),
        facts=(_("%d 个课件") % column.items,),
        address=address_of(request, reverse("desks:portal_column", args=[uid])),
    )
    return _printed(request, sheet)


@page
@kept
@require_safe
def portal_poster(request: HttpRequest) -> HttpResponse:
    return _printed(request, _portal_sheet(request, ""))


@page
@kept
@require_safe
def site_poster(request: HttpRequest, code: str) -> HttpResponse:
    """For the wall of a village site: its name, and the way to the portal."""
    site = sites().filter(code=code).first()
    if site is None:
        raise NotFound(_("没有这个站点"))
    return _printed(request, _portal_sheet(request, site.name))


def _portal_sheet(request: HttpRequest, place: str) -> Sheet:
    columns = faces.columns_here()
    return Sheet(
        sender=settings.NODE_NAME,
        kicker=place,
        title=_("农技、政策、党课，手机上就能看"),
        text="\n".join(f"· {column.title}" for column in columns[:LISTED]),
        facts=(_("%d 个课件") % len(faces.Listing()),),
        address=address_of(request, reverse("desks:portal_home")),
    )


def _printed(request: HttpRequest, sheet: Sheet) -> HttpResponse:
    form = request.GET.get("form", "a4")
    if form not in SIZES:
        raise NotFound(_("没有这种纸张"))
    return _pdf(draw(sheet, form), f"{sheet.title[:40]}-{form}")


def _pdf(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = content_disposition_header(False, f"{name}.pdf") or "inline"
    return response
