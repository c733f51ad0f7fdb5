"""Writes about the register of the network: edges, lines, sites, assets and their life."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.seal import digest, phone_digits, seal
from yuanjiao.network.models import AccessMode, Asset, Edge, Lifecycle, Line, ManagedObject, ObjectKind, Site, SiteKind
from yuanjiao.network.rules import DEPENDS_ON, pinyin_initials
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division


def _common(*, kind: ObjectKind, code: str, name: str, division: Division, depends_on: ManagedObject | None, on: date) -> dict[str, Any]:
    if depends_on is not None and depends_on.kind not in DEPENDS_ON[kind]:
        raise Refused(f"{name} 不能上联到{depends_on.get_kind_display()} {depends_on.name}")
    if not name.strip():
        raise Refused(f"编号 {code} 的名称为空")
    return {
        "kind": kind,
        "code": code,
        "name": name.strip(),
        "division": division,
        "depends_on": depends_on,
        "lifecycle_on": on,
        "in_service_on": on,
    }


def add_edge(*, code: str, name: str, division: Division, uplink: ManagedObject | None = None, on: date, address: str = "") -> Edge:
    """Enter an edge server in the register."""
    common = _common(kind=ObjectKind.EDGE, code=code, name=name, division=division, depends_on=uplink, on=on)
    return Edge.objects.create(**common, address=address)


def add_line(
    *, code: str, name: str, division: Division, depends_on: ManagedObject | None = None, on: date, is_uplink: bool = False, **details: Any
) -> Line:
    """Enter a line; `details` are medium, bandwidth_mbps, circuit_number."""
    common = _common(kind=ObjectKind.LINE, code=code, name=name, division=division, depends_on=depends_on, on=on)
    return Line.objects.create(**common, is_uplink=is_uplink, **details)


def add_site(
    *,
    code: str,
    name: str,
    division: Division,
    depends_on: ManagedObject | None,
    on: date,
    site_kind: SiteKind = SiteKind.VILLAGE,
    access_mode: AccessMode = AccessMode.BROADBAND_STB,
    phone: str = "",
    road: str = "",
    **details: Any,
) -> Site:
    """Enter a site; its telephone number is sealed, its pinyin initials are kept for the hotline."""
    common = _common(kind=ObjectKind.SITE, code=code, name=name, division=division, depends_on=depends_on, on=on)
    return Site.objects.create(
        **common,
        site_kind=site_kind,
        access_mode=access_mode,
        road=road,
        pinyin=pinyin_initials(name),
        phone_sealed=seal(phone, settings.SECRET_KEY),
        phone_digest=digest(phone_digits(phone), settings.SECRET_KEY),
        beat_key=secrets.token_urlsafe(24),
        **details,
    )


def add_asset(*, code: str, kind: str, place: ManagedObject, purchased_on: date | None = None, **details: Any) -> Asset:
    """Enter one piece of equipment at one place; `details` are model, serial_number, life_years."""
    return Asset.objects.create(code=code, kind=kind, place=place, purchased_on=purchased_on, **details)


@transaction.atomic
def suspend_object(*, subject: ManagedObject, document: str, by: Actor, on: date, at: datetime) -> None:
    """Take an object out of service by a written decision; it stays visible beside every rate (OPS19)."""
    by.require(Permission.IMPORT_REGISTER, subject.division.path)
    if not document.strip():
        raise Refused("停用须写明依据文件")
    if subject.lifecycle == Lifecycle.SUSPENDED:
        raise Conflict(f"{subject.name} 已经停用")
    subject.lifecycle, subject.lifecycle_on, subject.suspension_document = Lifecycle.SUSPENDED, on, document.strip()
    subject.save(update_fields=["lifecycle", "lifecycle_on", "suspension_document"])
    write_audit(by=by, action="停用", subject=f"{subject.get_kind_display()} {subject.code}", at=at, detail=document)


@transaction.atomic
def resume_object(*, subject: ManagedObject, by: Actor, on: date, at: datetime) -> None:
    """Put a suspended object back into service."""
    by.require(Permission.IMPORT_REGISTER, subject.division.path)
    if subject.lifecycle != Lifecycle.SUSPENDED:
        raise Conflict(f"{subject.name} 没有停用")
    subject.lifecycle, subject.lifecycle_on, subject.suspension_document = Lifecycle.IN_SERVICE, on, ""
    subject.save(update_fields=["lifecycle", "lifecycle_on", "suspension_document"])
    write_audit(by=by, action="恢复使用", subject=f"{subject.get_kind_display()} {subject.code}", at=at, detail="")
