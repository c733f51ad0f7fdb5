"""What items ask of units (GOV30): the result of each with its evidence; of an order three boxes, as its form has them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from yuanjiao.items.models import Item
from yuanjiao.items.rules import ItemKind, State
from yuanjiao.lib.asked import Asked, Kind
from yuanjiao.lib.clock import day_start, local_day
from yuanjiao.people.queries import within

NOT_ASKED = (State.DRAFT, State.DECLINED, State.CANCELLED)
ORDER_FIELDS = 3
"""Class, cause and what was done."""


def asked_of(item: Item, due_on: date) -> Asked:
    """What an item asks of its unit; as a draft, what it would ask."""
    order = item.kind == ItemKind.WORK_ORDER
    return Asked(
        Kind.FORM if order else Kind.UPLOAD, f"{item.get_kind_display()}：{item.title}", due_on, fields=ORDER_FIELDS if order else 1,
        unit=item.lead_unit.code if item.lead_unit else "", by=item.given_by.name if item.given_by else "",
        link=("faults:order" if order else "items:item", item.code),
    )  # fmt: skip


def asked(first: date, last: date, path: str) -> Iterator[Asked]:
    """Items given out to units of a place, due from the first to the last day."""
    due = {"due_at__gte": day_start(first), "due_at__lt": day_start(last + timedelta(days=1))}
    rows = Item.objects.filter(within("lead_unit__division__path", [path]), **due).exclude(state__in=NOT_ASKED)
    for item in rows.select_related("lead_unit", "given_by").order_by("due_at").iterator(chunk_size=2000):
        if item.due_at is not None:
            yield asked_of(item, local_day(item.due_at))
