"""Writes about the register of the network: edges, lines, sites, assets and their life."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction

from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.seal import digest, phone_digits, seal
from yuanjiao.network.commands.placements import follow_rows, place_new
from yuanjiao.network.models import AccessMode, Asset, Edge, Lifecycle, Line, ManagedObject, ObjectKind, Placement, Site, SiteKind
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


Object = TypeVar("Object", bound=ManagedObject)


def _placed(row: Object) -> Object:
    place_new([row])
    return row


@transaction.atomic
def add_edge(*, code: str, name: str, division: Division, uplink: ManagedObject | None = None, on: date, address: str = "") -> Edge:
    """Enter an edge server in the register."""
    common = _common(kind=ObjectKind.EDGE, code=code, name=name, division=division, depends_on=uplink, on=on)
    return _placed(Edge.objects.create(**common, address=address))


@transaction.atomic
def add_line(
    *, code: str, name: str, division: Division, depends_on: ManagedObject | None = None, on: date, is_uplink: bool = False, **details: Any
) -> Line:
    """Enter a line; `details` are medium, bandwidth_mbps, circuit_number."""
    common = _common(kind=ObjectKind.LINE, code=code, name=name, division=division, depends_on=depends_on, on=on)
    return _placed(Line.objects.create(**common, is_uplink=is_uplink, **details))


@transaction.atomic
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
    site = Site.objects.create(
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
    return _placed(site)


def add_asset(*, code: str, kind: str, place: ManagedObject, purchased_on: date | None = None, **details: Any) -> Asset:
    """Enter one piece of equipment at one place; `details` are model, serial_number, life_years."""
    return Asset.objects.create(code=code, kind=kind, place=place, purchased_on=purchased_on, **details)


@transaction.atomic
def suspend_object(*, subject: ManagedObject, document: str, by: Actor, on: date, at: datetime) -> None:
    """Take an object out of service by a written decision; it stays visible beside every rate (OPS19)."""
    by.require(Permission.IMPORT_REGISTER, subject.division.path)
    if subject.lifecycle == Lifecycle.SUSPENDED:
        raise Conflict(f"{subject.name} 已经停用")
    _require_document(document, "停用")
    _turn(subject, lifecycle=Lifecycle.SUSPENDED, document=document, on=on, at=at)
    write_audit(by=by, action="停用", subject=f"{subject.get_kind_display()} {subject.code}", at=at, detail=f"{on} 起，{document.strip()}")


@transaction.atomic
def resume_object(*, subject: ManagedObject, by: Actor, on: date, at: datetime) -> None:
    """Put a suspended object back into service."""
    by.require(Permission.IMPORT_REGISTER, subject.division.path)
    if subject.lifecycle != Lifecycle.SUSPENDED:
        raise Conflict(f"{subject.name} 没有停用")
    _turn(subject, lifecycle=Lifecycle.IN_SERVICE, document="", on=on, at=at)
    write_audit(by=by, action="恢复使用", subject=f"{subject.get_kind_display()} {subject.code}", at=at, detail=f"{on} 起")


@transaction.atomic
def retire_object(*, subject: ManagedObject, document: str, by: Actor, on: date, at: datetime) -> None:
    """End an object's service for good, by a written decision."""
    by.require(Permission.IMPORT_REGISTER, subject.division.path)
    if subject.lifecycle == Lifecycle.RETIRED:
        raise Conflict(f"{subject.name} 已经退役")
    _require_document(document, "退役")
    _turn(subject, lifecycle=Lifecycle.RETIRED, document=document, on=on, at=at)
    write_audit(by=by, action="退役", subject=f"{subject.get_kind_display()} {subject.code}", at=at, detail=f"{on} 起，{document.strip()}")


@transaction.atomic
def move_object(*, subject: ManagedObject, division: Division, by: Actor, on: date, at: datetime) -> None:
    """From `on` the object stands in another division; its earlier days stay where they were."""
    by.require(Permission.IMPORT_REGISTER, subject.division.path)
    by.require(Permission.IMPORT_REGISTER, division.path)
    if division.valid_to is not None or division.valid_from > on:
        raise Refused(f"{division.name} 在 {on:%Y-%m-%d} 没有启用")
    if division.pk == subject.division_id:
        raise Conflict(f"{subject.name} 已经在{division.name}")
    _require_day(subject, on, at)
    former, subject.division = subject.division, division
    subject.save(update_fields=["division"])
    follow_rows([subject], on=on)
    detail = f"{on} 起，由{former.name}（{former.code}）到{division.name}（{division.code}）"
    write_audit(by=by, action="变更所在区划", subject=f"{subject.get_kind_display()} {subject.code}", at=at, detail=detail)


def _require_document(document: str, what: str) -> None:
    if not document.strip():
        raise Refused(f"{what}须写明依据文件")


def _require_day(subject: ManagedObject, on: date, at: datetime) -> None:
    """A change is dated today or earlier, but not before the last one: the story is told in order."""
    if on > local_day(at):
        raise Refused("日期不能晚于今天")
    last = Placement.objects.filter(object=subject.pk, valid_to=None).values_list("valid_from", flat=True).first()
    if last is not None and on < last:
        raise Refused(f"{subject.name} 在 {last:%Y-%m-%d} 已有变更，日期不能早于那一天")


def _turn(subject: ManagedObject, *, lifecycle: Lifecycle, document: str, on: date, at: datetime) -> None:
    _require_day(subject, on, at)
    subject.lifecycle, subject.lifecycle_on, subject.suspension_document = lifecycle, on, document.strip()
    subject.save(update_fields=["lifecycle", "lifecycle_on", "suspension_document"])
    follow_rows([subject], on=on)
