"""Writes about places and units. Rows are dated: a change ends one row and begins another."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from yuanjiao.lib.errors import Refused
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import valid_on
from yuanjiao.places.rules import URBAN_RURAL, Chain, is_code, level_of, path_of


def add_division(*, code: str, name: str, parent: Division | None, urban_rural: str = "", on: date) -> Division:
    """Open a division on a day. Raises Refused for a wrong code, class or parent, or a code in use that day."""
    if not is_code(code):
        raise Refused(f"区划代码应为 12 位数字：{code}")
    if urban_rural and urban_rural not in URBAN_RURAL:
        raise Refused(f"城乡分类代码不在国家标准内：{urban_rural}")
    level = level_of(code)
    if parent is not None and parent.level >= level:
        raise Refused(f"{name} 的上级 {parent.name} 级别不高于它")
    if Division.objects.filter(valid_on(on), code=code).exists():
        raise Refused(f"区划代码 {code} 在 {on:%Y-%m-%d} 已有区划")
    return Division.objects.create(
        code=code,
        name=name.strip(),
        level=level,
        parent=parent,
        path=path_of(parent.path if parent else "/", code),
        urban_rural=urban_rural,
        valid_from=on,
    )


@transaction.atomic
def rename_division(*, division: Division, name: str, on: date) -> Division:
    """End the present row on `on` and open one with the new name; earlier dates keep the old name (story 3)."""
    if division.valid_from >= on:
        raise Refused("更名日期应晚于启用日期")
    division.valid_to = on
    division.save(update_fields=["valid_to"])
    return Division.objects.create(
        code=division.code,
        name=name.strip(),
        level=division.level,
        parent=division.parent,
        path=division.path,
        urban_rural=division.urban_rural,
        valid_from=on,
    )


def add_unit(
    *, code: str, name: str, chain: Chain, division: Division, parent: OrgUnit | None = None, on: date, temporary: bool = False
) -> OrgUnit:
    """Open an organisation unit. A child stays in its parent's chain and inside its parent's dates."""
    if parent is not None and parent.chain != chain:
        raise Refused(f"{name} 与上级单位 {parent.name} 不在同一系统")
    if parent is not None and parent.valid_from > on:
        raise Refused(f"{name} 的成立日期早于上级单位 {parent.name}")
    if OrgUnit.objects.filter(code=code).exists():
        raise Refused(f"单位代码 {code} 已被使用")
    return OrgUnit.objects.create(
        code=code, name=name.strip(), chain=chain, division=division, parent=parent, valid_from=on, temporary=temporary
    )
