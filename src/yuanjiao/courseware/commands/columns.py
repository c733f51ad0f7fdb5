"""Columns: opened, changed, put in order (DLV03), their sub-categories (CW15), what they promise (DLV04), adoption (DLV05)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import Max, Q

from yuanjiao.courseware import steps
from yuanjiao.courseware.commands.review import release_courseware
from yuanjiao.courseware.counting import freshness_of
from yuanjiao.courseware.models import Column, ColumnAlarm, ColumnCategory, Placement
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.rules import Level


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
    min_weekly: int = 0,
    max_delay_days: int | None = None,
) -> Column:
    """Open a column. `audience` is '/' for everybody (a city's column only) or the path of a division inside the manager's subtree."""
    by.require(Permission.MANAGE_COLUMNS, owner.division.path)
    _check(title=title, owner=owner, visible_from=visible_from, visible_to=visible_to, audience=audience, by=by)
    try:
        with transaction.atomic():
            row = Column.objects.create(
                title=title.strip(), owner=owner, visible_from=visible_from, visible_to=visible_to, summary=summary.strip(),
                order=order, audience=audience, accepts_class=accepts_class, official=official,
                min_weekly=min_weekly, max_delay_days=max_delay_days,
            )  # fmt: skip
    except IntegrityError:
        raise Conflict(f"{owner.name} 已有名为“{title.strip()}”的栏目") from None
    write_audit(by=by, action="开设栏目", subject=f"栏目 {row.title}", at=at)
    return row


def _check(*, title: str, owner: OrgUnit, visible_from: date, visible_to: date | None, audience: str, by: Actor) -> None:
    if not title.strip():
        raise Refused("栏目名称不能为空")
    if visible_to is not None and visible_to <= visible_from:
        raise Refused("栏目的截止日期应晚于开始日期")
    if audience != "/":
        by.require(Permission.MANAGE_COLUMNS, audience)
    elif owner.division.level > Level.CITY:
        raise Refused("县区、乡镇的栏目只面向本地；要让全市看到，请市里采用其中的课件")


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
    min_weekly: int = 0,
    max_delay_days: int | None = None,
) -> None:
    """Change everything but the owner. A column ends by its last day; its items stay released."""
    by.require(Permission.MANAGE_COLUMNS, column.owner.division.path)
    _check(title=title, owner=column.owner, visible_from=visible_from, visible_to=visible_to, audience=audience, by=by)
    column.title, column.summary, column.order = title.strip(), summary.strip(), order
    column.visible_from, column.visible_to = visible_from, visible_to
    column.audience, column.accepts_class, column.official = audience, accepts_class, official
    column.min_weekly, column.max_delay_days = min_weekly, max_delay_days
    try:
        with transaction.atomic():
            column.save()
    except IntegrityError:
        raise Conflict(f"{column.owner.name} 已有名为“{title.strip()}”的栏目") from None
    write_audit(by=by, action="修改栏目", subject=f"栏目 {column.title}", at=at)


@transaction.atomic
def add_category(*, column: Column, title: str, by: Actor, at: datetime) -> ColumnCategory:
    """A sub-category (CW15) at the end of the column's."""
    by.require(Permission.MANAGE_COLUMNS, column.owner.division.path)
    if not title.strip():
        raise Refused("子栏目名称不能为空")
    last = column.categories.aggregate(last=Max("order"))["last"] or 0
    row, made = ColumnCategory.objects.get_or_create(column=column, title=title.strip(), defaults={"order": last + 10})
    if not made:
        raise Conflict(f"已有子栏目“{title.strip()}”")
    write_audit(by=by, action="增加子栏目", subject=f"栏目 {column.title}", at=at, detail=row.title)
    return row


@transaction.atomic
def change_category(*, category: ColumnCategory, title: str, steps: int, by: Actor, at: datetime) -> None:
    """Rename a sub-category and move it up (negative) or down."""
    by.require(Permission.MANAGE_COLUMNS, category.column.owner.division.path)
    rows = list(category.column.categories.all())
    if not title.strip() or any(row.title == title.strip() for row in rows if row.pk != category.pk):
        raise Refused("子栏目名称不能为空，也不能与别的重复")
    here = next(number for number, row in enumerate(rows) if row.pk == category.pk)
    rows.insert(max(0, min(len(rows) - 1, here + steps)), rows.pop(here))
    for number, row in enumerate(rows, 1):
        row.order = number * 10
        row.title = title.strip() if row.pk == category.pk else row.title
    ColumnCategory.objects.bulk_update(rows, ["order", "title"])
    write_audit(by=by, action="修改子栏目", subject=f"栏目 {category.column.title}", at=at, detail=title.strip())


@transaction.atomic
def drop_category(*, category: ColumnCategory, by: Actor, at: datetime) -> None:
    """Take a sub-category away; its items stay in the column, in none of the others."""
    by.require(Permission.MANAGE_COLUMNS, category.column.owner.division.path)
    write_audit(by=by, action="撤销子栏目", subject=f"栏目 {category.column.title}", at=at, detail=category.title)
    category.delete()


@transaction.atomic
def describe_placement(*, placement: Placement, category: ColumnCategory | None, source_on: date | None, by: Actor, at: datetime) -> None:
    """Say in which sub-category an item stands, and the day it tells of. Refused for another column's, or a day after the upload."""
    by.require(Permission.MANAGE_COLUMNS, placement.column.owner.division.path)
    if category is not None and category.column_id != placement.column_id:
        raise Refused("这个子栏目不属于本栏目")
    if source_on is not None and source_on > local_day(placement.placed_at):
        raise Refused("来源日期晚于上载日期，请核对")
    placement.category, placement.source_on = category, source_on
    placement.save(update_fields=["category", "source_on"])
    said = f"{placement.courseware.title}：{category or '未分类'}，来源 {source_on or '未填'}"
    write_audit(by=by, action="编排归类", subject=f"栏目 {placement.column.title}", at=at, detail=said)


@transaction.atomic
def adopt_courseware(*, placement: Placement, column: Column, by: Actor, at: datetime) -> None:
    """Take an item from a county's column into one of one's own, in one action (DLV05); where it came from stays with it.

    The rules of release hold: not by its author, not by its reviewer on an official column, only into a column that takes its class.
    """
    item = placement.courseware
    if placement.column.owner.division.level <= column.owner.division.level:
        raise Refused("只采用下级栏目里的课件")
    release_courseware(courseware=item, columns=[column], by=by, at=at)
    Placement.objects.filter(column=column, courseware=item).update(adopted_from=placement.column.uid, source_on=placement.source_on)
    came = f"{placement.column.owner.name}“{placement.column.title}”"
    write_audit(by=by, action="采用课件", subject=f"课件 {item.title}", at=at, detail=f"{came} → “{column.title}”")


@transaction.atomic
def watch_columns(*, at: datetime) -> tuple[int, int]:
    """Open an alarm for every promise that is not kept any more and close those that are kept again (DLV04): (opened, closed)."""
    on = local_day(at)
    open_now = {(row.column_id, row.flag): row for row in ColumnAlarm.objects.filter(closed_on=None)}
    shown = Column.objects.filter(Q(visible_to=None) | Q(visible_to__gt=on), visible_from__lte=on)
    wrong = {(found.column.pk, one.flag.value): one for found in freshness_of(shown, on) for one in found.findings}
    fresh = [ColumnAlarm(column_id=key[0], flag=key[1], words=one.words, opened_on=on) for key, one in wrong.items() if key not in open_now]
    ColumnAlarm.objects.bulk_create(fresh)
    for key, row in open_now.items():
        if key in wrong and row.words != wrong[key].words:
            ColumnAlarm.objects.filter(pk=row.pk).update(words=wrong[key].words)
    over = [row.pk for key, row in open_now.items() if key not in wrong]
    ColumnAlarm.objects.filter(pk__in=over).update(closed_on=on)
    return len(fresh), len(over)


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
