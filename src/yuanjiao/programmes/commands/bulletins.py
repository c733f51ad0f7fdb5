"""Weekly bulletins: the series, an edition's items and words, and sending it off (DLV06). What the line does is in `delivering`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from yuanjiao.courseware.queries import item_detail
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.lib.seal import mask_phone
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import Reachable
from yuanjiao.people.rules import SYSTEM, Actor, Permission
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.programmes.models import (
    BulletinChannel,
    BulletinDelivery,
    BulletinEdition,
    BulletinItem,
    BulletinSeries,
    DeliveryState,
    EditionState,
    Outlet,
)
from yuanjiao.programmes.queries import audience_of, items_offered, items_to_name, made_here
from yuanjiao.programmes.rules.bulletin import LONGEST, LOOKED_BACK, compose, due_on, fitting, week_of
from yuanjiao.programmes.rules.gateway import ROBOTS
from yuanjiao.programmes.rules.outlets import Connector

E, D = EditionState, DeliveryState
MOST = 12
BATCH = 1000
RESENT = frozenset({D.NOT_SENT, D.REFUSED, D.UNSURE})
"""What a person may have sent once more."""


def _require(series: BulletinSeries, by: Actor) -> None:
    if not made_here():
        raise Refused("快讯在上级平台编发，这台机器没有手机号码")
    by.require(Permission.MANAGE_COLUMNS, series.unit.division.path)
    by.require(Permission.MANAGE_COLUMNS, series.scope.path)


@transaction.atomic
def open_bulletin(
    *, name: str, unit: OrgUnit, scope: Division, sender: str, address: str, weekday: int, most: int, by: Actor, at: datetime
) -> BulletinSeries:
    """Begin a weekly bulletin; `weekday` 1 is Monday, `most` how many items a draft names. Conflict with one of the same name."""
    row = BulletinSeries(
        name=name.strip(), unit=unit, scope=scope, sender=sender.strip(), address=address.strip(), weekday=weekday, most=most
    )
    _require(row, by)
    if not row.name or not row.sender or any(letter in row.sender for letter in "【】"):
        raise Refused("请填写快讯名称和短信签名，签名不带括号")
    if not row.address.startswith(("https://", "http://")) or any(letter.isspace() for letter in row.address):
        raise Refused("观看网址以 https:// 或 http:// 开头")
    _check_rhythm(weekday, most)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Conflict("这个单位已经有同名的快讯") from None
    write_audit(by=by, action="开办快讯", subject=f"快讯 {row.name}", at=at, detail=f"{scope.name} {row.sender}")
    return row


def _check_rhythm(weekday: int, most: int) -> None:
    if not 1 <= weekday <= 7 or not 1 <= most <= MOST:
        raise Refused(f"起草日从周一到周日，课件 1 到 {MOST} 件")


@transaction.atomic
def change_bulletin(*, series: BulletinSeries, weekday: int, most: int, by: Actor, at: datetime) -> None:
    """Set the day on which drafts are made, and how many items they name."""
    _require(series, by)
    _check_rhythm(weekday, most)
    series.weekday, series.most = weekday, most
    series.save(update_fields=["weekday", "most"])
    write_audit(by=by, action="修改快讯", subject=f"快讯 {series.name}", at=at, detail=f"周{weekday} {most} 件")


@transaction.atomic
def end_bulletin(*, series: BulletinSeries, by: Actor, at: datetime) -> None:
    """No more drafts are made; what was sent stays."""
    _require(series, by)
    if not BulletinSeries.objects.filter(pk=series.pk, ended_on=None).update(ended_on=local_day(at)):
        raise Conflict("这个快讯已经停办")
    write_audit(by=by, action="停办快讯", subject=f"快讯 {series.name}", at=at)


def draft_bulletins(*, at: datetime) -> int:
    """Draft what is due this week and not there yet; returns how many. Nothing is sent: that takes a person."""
    if not made_here():
        return 0
    today, made = local_day(at), 0
    missing = BulletinSeries.objects.filter(ended_on=None).exclude(editions__week_on=week_of(today)).select_related("scope", "unit")
    for series in missing.order_by("pk"):
        if due_on(week_of(today), series.weekday) <= today:
            made += _drafted(series, SYSTEM, at) is not None
    return made


@transaction.atomic
def draft_edition(*, series: BulletinSeries, by: Actor, at: datetime) -> BulletinEdition:
    """Draft this week's edition now, whatever its day is. Conflict when there is one."""
    _require(series, by)
    if series.ended_on is not None:
        raise Refused("这个快讯已经停办")
    row = _drafted(series, by, at)
    if row is None:
        raise Conflict("本周已经有一期")
    return row


@transaction.atomic
def _drafted(series: BulletinSeries, by: Actor, at: datetime) -> BulletinEdition | None:
    """The newest items of the last days, as many as the series names and the text has room for; None when the week has its edition."""
    last = local_day(at)
    first = last - timedelta(days=LOOKED_BACK - 1)
    try:
        with transaction.atomic():
            row = BulletinEdition.objects.create(
                series=series, week_on=week_of(last), first_on=first, last_on=last, drafted_by=by.name, drafted_at=at
            )
    except IntegrityError:
        return None
    found = items_to_name(series, first=first, last=last)[: series.most]
    found = found[: fitting(first, last, [one.title for one in found], series.address)]
    _name_items(row, [(one.uid, one.title) for one in found])
    write_audit(by=by, action="起草快讯", subject=f"快讯 {series.name}", at=at, detail=f"{row.week_on} {len(found)} 件")
    return row


def _name_items(edition: BulletinEdition, items: Sequence[tuple[UUID, str]]) -> None:
    edition.items.all().delete()
    rows = [BulletinItem(edition=edition, number=number, item_uid=uid, title=title) for number, (uid, title) in enumerate(items, 1)]
    BulletinItem.objects.bulk_create(rows)
    text = compose(edition.first_on, edition.last_on, [title for _, title in items], edition.series.address)
    if len(text) > LONGEST:
        raise Refused(f"正文超过 {LONGEST} 字，请少选几件")
    _change(edition, {E.DRAFT}, text=text)


@transaction.atomic
def choose_items(*, edition: BulletinEdition, items: Sequence[UUID], by: Actor, at: datetime) -> None:
    """Name these items in this order; the text is written anew from them."""
    _require(edition.series, by)
    _change(edition, {E.DRAFT})  # takes the row first: who sends and who changes wait for one another
    offered = {one.uid: one.title for one in items_offered(edition)}
    kept = {row.item_uid: row.title for row in edition.items.all()}
    if len(items) > MOST or len(set(items)) != len(items):
        raise Refused(f"最多选 {MOST} 件，每件一次")
    if not set(items) <= offered.keys() | kept.keys():
        raise NotFound("所选课件不在可选的范围内，可能刚刚撤下")
    _name_items(edition, [(uid, offered.get(uid) or kept[uid]) for uid in items])
    write_audit(by=by, action="选编快讯", subject=f"快讯 {edition}", at=at, detail=f"{len(items)} 件")


@transaction.atomic
def write_bulletin(*, edition: BulletinEdition, text: str, by: Actor, at: datetime) -> None:
    """Set the words of a draft."""
    _require(edition.series, by)
    text = " ".join(text.split())
    if not text or len(text) > LONGEST:
        raise Refused(f"正文 1 到 {LONGEST} 字")
    if "【" in text or "】" in text:
        raise Refused("正文不用【】：它是短信签名的记号，签名会自动加上")
    _change(edition, {E.DRAFT}, text=text)
    write_audit(by=by, action="修改快讯正文", subject=f"快讯 {edition}", at=at)


@transaction.atomic
def skip_edition(*, edition: BulletinEdition, by: Actor, at: datetime) -> None:
    """Say that this week has none."""
    _require(edition.series, by)
    _change(edition, {E.DRAFT}, state=E.SKIPPED)
    write_audit(by=by, action="本周不发快讯", subject=f"快讯 {edition}", at=at)


@transaction.atomic
def reopen_edition(*, edition: BulletinEdition, by: Actor, at: datetime) -> None:
    """Make a draft again of what was to be left out."""
    _require(edition.series, by)
    _change(edition, {E.SKIPPED}, state=E.DRAFT)
    write_audit(by=by, action="恢复快讯草稿", subject=f"快讯 {edition}", at=at)


def _change(edition: BulletinEdition, states: set[EditionState], **said: object) -> None:
    """The one door to an edition's row: what was sent never changes."""
    if not BulletinEdition.objects.filter(pk=edition.pk, state__in=states).update(**(said or {"state": F("state")})):
        raise Conflict("这一期的情况已经变了，请重新打开")
    for name, value in said.items():
        setattr(edition, name, value)


@transaction.atomic
def send_edition(*, edition: BulletinEdition, outlets: Sequence[Outlet], seen: str, by: Actor, at: datetime) -> None:
    """Send it off: whoever is to get it is written down now, the line is used by `send_bulletins`.

    `seen` is the text the sender had before their eyes: Conflict when it is another by now.
    """
    _require(edition.series, by)
    _check_outlets(outlets, by)
    _change(edition, {E.DRAFT}, state=E.SENT, sent_by=by.name, sent_at=at)
    edition.refresh_from_db()
    if edition.text != seen:
        raise Conflict("正文刚被别人改过，请看一遍再发")
    _check_items(edition, local_day(at))
    for outlet in outlets:
        channel = BulletinChannel.objects.create(edition=edition, outlet=outlet, due_at=at)
        if outlet.connector == Connector.SMS:
            _write_down(channel, local_day(at))
        else:
            BulletinDelivery.objects.create(channel=channel, unit_name=outlet.unit.name, state=D.WAITING)
    names = "、".join(outlet.name for outlet in outlets)
    write_audit(by=by, action="发送快讯", subject=f"快讯 {edition}", at=at, detail=names)


def _check_outlets(outlets: Sequence[Outlet], by: Actor) -> None:
    if not outlets:
        raise Refused("请至少选择一个通道")
    for outlet in outlets:
        by.require(Permission.MANAGE_COLUMNS, outlet.unit.division.path)
        if outlet.ended_on is not None or outlet.connector not in {Connector.SMS, *ROBOTS}:
            raise Refused(f"“{outlet.name}”不能发快讯")
    if sum(outlet.connector == Connector.SMS for outlet in outlets) > 1:
        raise Refused("只选一个短信网关，免得同一个人收到两遍")


def _check_items(edition: BulletinEdition, on: date) -> None:
    named = list(edition.items.all())
    if not named:
        raise Refused("这一期没有课件，没有发送")
    if not edition.text:
        raise Refused("这一期没有正文，没有发送")
    for one in named:
        try:
            item_detail(one.item_uid, on=on)
        except NotFound:
            raise Refused(f"《{one.title}》已经撤下或授权到期，请重新选编") from None


def _write_down(channel: BulletinChannel, on: date) -> None:
    found = audience_of(channel.edition.series, on=on)
    rows = [_row(channel, one, D.WAITING) for one in found.sent_to] + [_row(channel, one, D.NO_NUMBER) for one in found.no_number]
    BulletinDelivery.objects.bulk_create(rows, batch_size=BATCH)
    channel.opted_out, channel.same_number, channel.people = found.opted_out, found.same_number, found.all
    channel.save(update_fields=["opted_out", "same_number", "people"])


def _row(channel: BulletinChannel, one: Reachable, state: DeliveryState) -> BulletinDelivery:
    return BulletinDelivery(
        channel=channel, person_uid=one.person_uid, unit_name=one.unit_name, division_name=one.division_name, state=state,
        number_masked=mask_phone(one.mobile), number_digest=one.digest,
    )  # fmt: skip


@transaction.atomic
def stop_edition(*, edition: BulletinEdition, by: Actor, at: datetime) -> int:
    """Send no more of it; what is on its way cannot be called back. Returns how many were left out."""
    _require(edition.series, by)
    waiting = BulletinDelivery.objects.filter(channel__edition=edition, state=D.WAITING)
    stopped = waiting.update(state=D.NOT_SENT, answer="人工停止发送", done_at=at)
    if not stopped:
        raise Conflict("没有等待发送的了")
    edition.channels.update(is_stopped=True)
    write_audit(by=by, action="停止发送快讯", subject=f"快讯 {edition}", at=at, detail=f"{stopped} 条没有发")
    return stopped


@transaction.atomic
def send_rest(*, edition: BulletinEdition, state: DeliveryState, by: Actor, at: datetime) -> int:
    """Try once more, now, what was not sent, was refused, or is unsure: the last only after asking the gateway.

    Channels that ended meanwhile are left as they are. Returns how many.
    """
    _require(edition.series, by)
    if state not in RESENT:
        raise Refused("请选择要重发哪些")
    _check_items(edition, local_day(at))
    rows = BulletinDelivery.objects.filter(channel__edition=edition, state=state)
    channels = set(rows.filter(channel__outlet__ended_on=None).values_list("channel", flat=True))
    if not channels:
        raise Refused("通道已经停用，不能重发") if rows.exists() else Conflict("没有可以重发的")
    again = rows.filter(channel__in=channels).update(state=D.WAITING, tries=0, answer="", done_at=None)
    edition.channels.filter(pk__in=channels).update(due_at=at, failures=0, is_stopped=False)
    write_audit(by=by, action="重发快讯", subject=f"快讯 {edition}", at=at, detail=f"{D(state).label} {again} 条")
    return again
