"""What several pages share: colours of standings, buttons that draft, addresses of figures in files, where documents are drafted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.flow.nodes.models import NodeKind
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level
from yuanjiao.reports.models import Document
from yuanjiao.reports.queries import Slot
from yuanjiao.reports.rules import STANDING_NAMES, DocumentKind, Standing
from yuanjiao.ui.lists import Column

COLOURS = {
    Standing.ON_TIME: "green",
    Standing.LATE: "yellow",
    Standing.MISSING: "red",
    Standing.DRAFTED: "blue",
    Standing.NOT_DRAFTED: "grey",
}
MOST_CITIES = 3
"""Who sees more cities than that writes no city's report."""


def slot_columns(kind: DocumentKind) -> list[Column[Slot]]:
    """What a list of reports that fall due says of each."""
    return [
        Column(_("地方"), lambda slot: slot.county.name, link=lambda slot: slot_link(slot, kind), width=20),
        Column(_("状态"), lambda slot: STANDING_NAMES[slot.standing], badge=lambda slot: COLOURS[slot.standing]),
        Column(_("时限"), lambda slot: last_day(slot.due_at) if slot.county.level == Level.COUNTY else ""),
        Column(_("数据截至"), lambda slot: slot.document.as_of if slot.document else None, width=18),
        Column(_("报出时间"), lambda slot: slot.document.issued_at if slot.document else None, width=18),
        Column(_("报出人"), lambda slot: slot.document.issued_by if slot.document else ""),
    ]


def slot_link(slot: Slot, kind: DocumentKind) -> str:
    if slot.document:
        return reverse("reports:document", args=[slot.document.uid])
    return draft_link(kind, slot.county.code, slot.first_day)


def draft_link(kind: DocumentKind, code: str, day: date) -> str:
    """The page that drafts this document; of a month's report as it always was."""
    if kind in {DocumentKind.COUNTY_MONTH, DocumentKind.CITY_MONTH}:
        return f"{reverse('reports:draft')}?place={code}&month={day:%Y-%m}"
    return f"{reverse('reports:draft')}?place={code}&kind={kind}&day={day:%Y-%m-%d}"


def last_day(due: object) -> date:
    """The last day on which a report is on time."""
    return date.fromordinal(clock.local_day(due).toordinal() - 1)  # type: ignore[arg-type]


def own_cities(actor: Actor, on: date) -> list[Division]:
    """The cities for which the person writes."""
    return [row for path in actor.paths(Permission.WRITE_REPORTS) for row in divisions(on=on, level=Level.CITY, under=path)][:MOST_CITIES]


def of_standing(slots: Iterable[Slot], word: str) -> list[Slot]:
    return [slot for slot in slots if slot.standing == word]


def only_at_the_top() -> None:
    """Refused on a machine that has only local data."""
    if own_node().kind != NodeKind.CENTRE:
        raise Refused(_("月报在中心起草：这里只有本地的数据。请登录中心的网页。"))


def figure_link(request: HttpRequest, document: Document) -> Callable[[str], str]:
    """Absolute addresses for figures in files, which are opened far from this page."""

    def link(key: str) -> str:
        path = reverse("reports:figure", args=[document.uid, key])
        return settings.PUBLIC_URL.rstrip("/") + path if settings.PUBLIC_URL else request.build_absolute_uri(path)

    return link
