"""Urgent notices: issued, recalled, told as arrived by machines and as confirmed by sites (DLV13)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from yuanjiao.flow.journal.record import record, record_many
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.network.models import Lifecycle, Site
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.programmes.events import NoticeArrived, NoticeConfirmed
from yuanjiao.programmes.models import Acknowledgement, Notice
from yuanjiao.programmes.queries.notices import notices_now, untold_notices

LONGEST = timedelta(days=30)


@transaction.atomic
def issue_notice(*, title: str, body: str, unit: OrgUnit, document: str, scope: str, ends_at: datetime, by: Actor, at: datetime) -> Notice:
    """Put an official notice before everything on every terminal of `scope`, a division path inside the issuer's subtree.

    Refused without a document number, for an end that is not ahead, or for longer than thirty days: what always stands is no alarm.
    """
    by.require(Permission.MANAGE_COLUMNS, scope)
    by.require(Permission.MANAGE_COLUMNS, unit.division.path)
    if not title.strip() or not body.strip():
        raise Refused("标题和正文都不能为空")
    if not document.strip():
        raise Refused("紧急通知只发正式通知：请写明文号或批准依据")
    if not at < ends_at <= at + LONGEST:
        raise Refused("截止时间应在此刻之后、三十天之内")
    row = Notice.objects.create(
        title=title.strip(), body=body.strip(), unit=unit, document=document.strip(), scope=scope, starts_at=at, ends_at=ends_at
    )
    write_audit(
        by=by, action="发布紧急通知", subject=f"通知 {row.title}", at=at, detail=f"{scope}，{document}，至 {ends_at:%Y-%m-%d %H:%M}"
    )
    return row


@transaction.atomic
def recall_notice(*, notice: Notice, by: Actor, at: datetime) -> None:
    """Take a notice back from all terminals; what was acknowledged stays."""
    by.require(Permission.MANAGE_COLUMNS, notice.scope)
    if not Notice.objects.filter(pk=notice.pk, recalled_at=None, ends_at__gt=at).update(recalled_at=at):
        raise Conflict("这条通知已经结束")
    write_audit(by=by, action="收回紧急通知", subject=f"通知 {notice.title}", at=at)


def tell_arrivals(*, at: datetime) -> int:
    """This machine's job: tell upwards which notices in force it has taken in; returns how many were new. Nodes without a register
    code (the centre) tell nothing."""
    node = own_node()
    if not node.subject_code or not node.scope:
        return 0
    fresh = untold_notices(at=at, subject=node.subject_code, path=node.scope)
    record_many([NoticeArrived(notice=one.uid, subject=node.subject_code, path=node.scope) for one in fresh], at=at)
    return len(fresh)


def confirm_notice(*, notice: Notice, site: Site, by: Actor, at: datetime) -> None:
    """Say for a site that its people know the notice, on the page of its manager."""
    by.require(Permission.RECORD_SESSION, site.division.path)
    _confirm(notice, site, via="page", at=at)


def confirm_on_television(*, notice: Notice, site: Site, at: datetime) -> None:
    """The same by OK on the site's television; the caller has proved that the box belongs to the site."""
    _confirm(notice, site, via="tv", at=at)


def _confirm(notice: Notice, site: Site, *, via: str, at: datetime) -> None:
    if site.lifecycle != Lifecycle.IN_SERVICE:
        raise Refused(f"{site.name} 不在用")
    if notice.uid not in {one.uid for one in notices_now(at=at, path=site.division.path)}:
        raise NotFound("这条通知已经结束，或不是发给这个站点的")
    if Acknowledgement.objects.filter(notice_uid=notice.uid, subject=site.code, confirmed_at__isnull=False).exists():
        return
    record(NoticeConfirmed(notice=notice.uid, subject=site.code, path=site.division.path, via=via), at=at)
