"""Books and documents: issued, needed by units, delivered to them (CW24, DLV23)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Sum

from yuanjiao.courseware.queries import released_uids
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.production.models import CopyForm, Handout, HandoutDelivery, HandoutKind, HandoutNeed

MOST_COPIES = 1_000_000
Counts = Sequence[tuple[OrgUnit, int]]


@transaction.atomic
def issue_handout(
    *, kind: HandoutKind, title: str, edition: str, unit: OrgUnit, issued_on: date, by: Actor, at: datetime, item: UUID | None = None
) -> Handout:
    """Enter an edition of a book, or a document. Its digital copy is a released item, if it has one."""
    by.require(Permission.MANAGE_COLUMNS, unit.division.path)
    if not title.strip() or not edition.strip():
        raise Refused("须写明名称，以及版次或文号")
    if item is not None and item not in released_uids([item]):
        raise Refused("电子版须是已发布的课件")
    try:
        with transaction.atomic():
            row = Handout.objects.create(
                kind=kind, title=title.strip(), edition=edition.strip(), unit=unit, issued_on=issued_on, item_uid=item
            )  # fmt: skip
    except IntegrityError:
        raise Conflict("这个单位已经登记过同一版次") from None
    write_audit(by=by, action="登记印发", subject=str(row), at=at, detail=unit.name)
    return row


@transaction.atomic
def set_needs(*, handout: Handout, form: CopyForm, counts: Counts, by: Actor, at: datetime) -> None:
    """Say how many copies of a form each of these units needs; said again, the new number stands, 0 takes a unit off the list."""
    by.require(Permission.MANAGE_COLUMNS, handout.unit.division.path)
    for unit, copies in counts:
        if not unit.division.path.startswith(handout.unit.division.path):
            raise Refused(f"{unit.name} 不在 {handout.unit.name} 的范围内")
        if not 0 <= copies <= MOST_COPIES:
            raise Refused("份数在 0 到一百万之间")
        held = handout.needs.filter(unit=unit, form=form)
        if not copies and held.filter(deliveries__isnull=False).exists():
            raise Refused(f"{unit.name} 已有送达记录，不能取消")
        if copies:
            HandoutNeed.objects.update_or_create(handout=handout, unit=unit, form=form, defaults={"copies": copies})
        else:
            held.delete()
    said = "，".join(f"{unit.name} {copies}" for unit, copies in counts)
    write_audit(by=by, action="设定印发份数", subject=str(handout), at=at, detail=f"{CopyForm(form).label}：{said}"[:300])


@transaction.atomic
def note_deliveries(*, handout: Handout, form: CopyForm, counts: Counts, on: date, by: Actor, at: datetime) -> None:
    """Write down what came to units of one's own subtree. A negative number sets a wrong one right; the sum never falls below nothing."""
    if on > local_day(at):
        raise Refused("送达日期还没有到")
    for unit, copies in counts:
        by.require(Permission.MANAGE_COLUMNS, unit.division.path)
        need = HandoutNeed.objects.select_for_update().filter(handout=handout, unit=unit, form=form).first()
        if need is None:
            raise Refused(f"{unit.name} 没有登记需要数")
        came = need.deliveries.aggregate(sum=Sum("copies"))["sum"] or 0
        if not copies or abs(copies) > MOST_COPIES or came + copies < 0:
            raise Refused(f"{unit.name} 的份数不对：已送达 {came} 份")
        HandoutDelivery.objects.create(need=need, on=on, copies=copies)
    said = "，".join(f"{unit.name} {copies}" for unit, copies in counts)
    write_audit(by=by, action="登记送达", subject=str(handout), at=at, detail=f"{CopyForm(form).label}：{said}"[:300])
