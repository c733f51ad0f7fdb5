"""Certificates: issued with a number of their own, revoked with a reason (CW09)."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.production.limits import ASKED
from yuanjiao.production.models import Certificate
from yuanjiao.production.rules.numbers import CODE_LENGTH, CODE_LETTERS, certificate_number


def room_to_ask(*, sender: str, number: str, at: datetime) -> int:
    """Seconds a stranger has to wait before a number is looked up; 0 when room for it was taken (limits.py)."""
    return ASKED.take(sender, number, at.timestamp())


@transaction.atomic
def issue_certificate(
    *, holder: str, reason: str, unit: OrgUnit, by: Actor, at: datetime, item: UUID | None = None, on: date | None = None
) -> Certificate:
    """Issue the next number of the year. Two at the same moment cannot get one number: the second meets the constraint and is refused."""
    by.require(Permission.MANAGE_COLUMNS, unit.division.path)
    if not holder.strip() or not reason.strip():
        raise Refused("证书须写明获证者和事由")
    day = on or local_day(at)
    running = (Certificate.objects.filter(year=day.year).aggregate(last=Max("running"))["last"] or 0) + 1
    row = Certificate.objects.create(
        year=day.year, running=running, number=certificate_number(day.year, running), holder=holder.strip(), reason=reason.strip(),
        code="".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH)), unit=unit, item_uid=item, issued_on=day,
    )  # fmt: skip
    write_audit(by=by, action="颁发证书", subject=f"证书 {row.number}", at=at, detail=f"{holder}：{reason}")
    return row


@transaction.atomic
def revoke_certificate(*, certificate: Certificate, reason: str, by: Actor, at: datetime) -> None:
    """Revoke a certificate; its number stays and the public page says so."""
    by.require(Permission.MANAGE_COLUMNS, certificate.unit.division.path)
    if not reason.strip():
        raise Refused("撤销须写明原因")
    changed = Certificate.objects.filter(pk=certificate.pk, revoked_on=None).update(revoked_on=local_day(at), revoked_reason=reason.strip())
    if not changed:
        raise Conflict("这张证书已经撤销")
    write_audit(by=by, action="撤销证书", subject=f"证书 {certificate.number}", at=at, detail=reason)
