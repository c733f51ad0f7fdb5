"""Columns: opened, changed, put in order (DLV03)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import IntegrityError, transaction

from yuanjiao.courseware import steps
from yuanjiao.courseware.models import Column, Placement
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit


@transaction.atomic
def open_column(
    *,
    title: str,
    owner: OrgUnit,
    visible_from: date,
    by: Actor,
    at: datetime,
    visible_to: date | None = None,
    summary: str = "",
    order: int = 100,
    audience: str = "/",
    accepts_class: str = "",
    official: bool = True,
) -> Column:
    """Open a column. `audience` is '/' for everybody or the path of a division inside the manager's subtree."""
    by.require(Permission.MANAGE_COLUMNS, owner.division.path)
    _check(title=title, visible_from=visible_from, visible_to=visible_to, audience=audience, by=by)
    try:
        with transaction.atomic():
            row = Column.objects.create(
                title=title.strip(), owner=owner, visible_from=visible_from, visible_to=visible_to, summary=summary.strip(),
                order=order, audience=audience, accepts_class=accepts_class, official=official,
            )  # fmt: skip
    except IntegrityError:
        raise Conflict(f"{owner.name} 已有名为“{title.strip()}”的栏目") from None
    write_audit(by=by, action="开设栏目", subject=f"栏目 {row.title}", at=at)
    return row


def _check(*, title: str, visible_from: date, visible_to: date | None, audience: str, by: Actor) -> None:
    if not title.strip():
        raise Refused("栏目名称不能为空")
    if visible_to is not None and visible_to <= visible_from:
        raise Refused("栏目的截止日期应晚于开始日期")
    if audience != "/":
        by.require(Permission.MANAGE_COLUMNS, audience)


@transaction.atomic
def change_column(
    *,
    column: Column,
    title: str,
    visible_from: date,
    visible_to: date | None,
    summary: str,
    order: int,
    audience: str,
    accepts_class: str,
    official: bool,
    by: Actor,
    at: datetime,
) -> None:
    """Change everything but the owner. A column ends by its last day; its items stay released."""
    by.require(Permission.MANAGE_COLUMNS, column.owner.division.path)
    _check(title=title, visible_from=visible_from, visible_to=visible_to, audience=audience, by=by)
    column.title, column.summary, column.order = title.strip(), summary.strip(), order
    column.visible_from, column.visible_to = visible_from, visible_to
    column.audience, column.accepts_class, column.official = audience, accepts_class, official
    try:
        with transaction.atomic():
            column.save()
    except IntegrityError:
        raise Conflict(f"{column.owner.name} 已有名为“{title.strip()}”的栏目") from None
    write_audit(by=by, action="修改栏目", subject=f"栏目 {column.title}", at=at)


@transaction.atomic
def move_placement(*, placement: Placement, steps: int, by: Actor, at: datetime) -> None:
    """Move an item up (negative) or down in its column's order, and renumber the column in tens."""
    by.require(Permission.MANAGE_COLUMNS, placement.column.owner.division.path)
    rows = list(placement.column.placements.order_by("order", "-placed_at", "-pk"))
    here = next(number for number, row in enumerate(rows) if row.pk == placement.pk)
    rows.insert(max(0, min(len(rows) - 1, here + steps)), rows.pop(here))
    for number, row in enumerate(rows, 1):
        row.order = number * 10
    Placement.objects.bulk_update(rows, ["order"])
    write_audit(by=by, action="调整栏目顺序", subject=f"栏目 {placement.column.title}", at=at, detail=placement.courseware.title)


@transaction.atomic
def remove_placement(*, placement: Placement, by: Actor, at: datetime) -> None:
    """Take an item out of one column. The last one cannot be taken out: withdraw the item instead, with a reason."""
    by.require(Permission.MANAGE_COLUMNS, placement.column.owner.division.path)
    if not placement.courseware.placements.exclude(pk=placement.pk).exists():
        raise Refused("这是它所在的最后一个栏目；不再播出请用“撤下”，并写明原因")
    deleted, _rows = Placement.objects.filter(pk=placement.pk).delete()
    if not deleted:
        raise NotFound("已经不在这个栏目里")
    steps.search_due([placement.courseware.uid])
    write_audit(by=by, action="移出栏目", subject=f"栏目 {placement.column.title}", at=at, detail=placement.courseware.title)
