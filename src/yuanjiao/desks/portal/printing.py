"""What is printed for an item, a column, a site or the portal (DLV16): posters A4 and A3, leaflets. Public like the pages they lead to."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.courseware import queries
from yuanjiao.courseware.queries import ItemDetail
from yuanjiao.desks import faces
from yuanjiao.desks.keeping import kept
from yuanjiao.desks.leading import leads_on
from yuanjiao.desks.portal.choices import choices
from yuanjiao.desks.portal.paper import SIZES, Sheet, draw
from yuanjiao.desks.portal.views import address_of, page
from yuanjiao.flow.blobs import store
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.network.queries import sites
from yuanjiao.ui.templatetags.zh import duration, size

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
    )
    if picture is None or not store.has(picture.blob):
        return _printed(request, sheet)
    with store.local(picture.blob) as path:
        return _printed(request, replace(sheet, picture=path))


def _facts(found: ItemDetail) -> tuple[str, ...]:
    """Who speaks, how long, and what it costs to watch or to listen, said before anybody scans (DLV09)."""
    costs = [_("听 %s") % size(one.size_bytes) for one in choices(found) if one.sound_only]
    watched = [one for one in choices(found) if not one.sound_only]
    speaker = [_("主讲：%s") % found.speaker] if found.speaker else []
    length = [duration(found.duration_s)] if found.duration_s else []
    return (*speaker, *length, *([_("看 %s") % size(watched[0].size_bytes)] if watched else []), *costs)


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
    response = HttpResponse(draw(sheet, form), content_type="application/pdf")
    response["Content-Disposition"] = content_disposition_header(False, f"{sheet.title[:40]}-{form}.pdf") or "inline"
    return response
