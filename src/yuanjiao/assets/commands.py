"""Writes about equipment: where it goes, who takes it, its repair and its end. One row of the register is the one truth of where it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from yuanjiao.assets.models import Issue, KindLife, LeastStock, Move
from yuanjiao.assets.queries import assets, kind_lives, where
from yuanjiao.assets.rules import USUAL_LIFE_YEARS, Act
from yuanjiao.funds.queries import purchases
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.network.commands import many as network
from yuanjiao.network.commands.many import STANDINGS, AssetEntry
from yuanjiao.network.models import Asset, Condition, ManagedObject
from yuanjiao.network.queries import assets as listed
from yuanjiao.network.queries import object_by_code
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.queries import open_units

P = Permission
Standing = Mapping[str, str]
"""One of `place`, `unit`, `store` → a code."""
LISTED_DOCUMENT = "台账登记"


def _stored(unit: OrgUnit) -> Standing:
    return {"place": "", "unit": "", "store": unit.code}


@transaction.atomic
def enter_listed(*, entries: Sequence[AssetEntry], on: date) -> dict[str, UUID]:
    """Equipment that the register's spreadsheet brings, checked by it; where a row says nothing of its life it gets that of its kind.
    What stands with a unit is issued to it from that day."""
    lives = kind_lives()
    told = [
        AssetEntry(entry.code, entry.kind, entry.place, {"life_years": lives.get(entry.kind, USUAL_LIFE_YEARS), **entry.details})
        for entry in entries
    ]
    uids = network.enter_assets(entries=told)
    issued = [entry.code for entry in entries if entry.details.get("unit")]
    Issue.objects.bulk_create([_listed_issue(row, on) for row, _ in _standings(set(issued)).values()], batch_size=500)
    return uids


def _listed_issue(row: Asset, on: date) -> Issue:
    """A hand-over of which only the register tells: nobody wrote down who took it."""
    assert row.unit_id is not None  # only what stands with a unit is issued
    return Issue(asset=row, unit_id=row.unit_id, taker="", issued_on=on, document=LISTED_DOCUMENT)


@transaction.atomic
def remove_listed(*, uids: Collection[UUID]) -> None:
    """Take out again what `enter_listed` brought, with the hand-overs that it wrote. Conflict when anything else hangs on it."""
    wanted = list(uids)
    for start in range(0, len(wanted), 500):
        Issue.objects.filter(asset__uid__in=wanted[start : start + 500], document=LISTED_DOCUMENT, returned_on=None).delete()
    network.remove_assets(uids=uids)


@transaction.atomic
def correct_listed(*, changes: Mapping[str, Mapping[str, Any]], on: date, by_name: str, note: str, undoing: bool = False) -> None:
    """Changes that the register's spreadsheet brings, or its undoing; what moves is written down as every move is. What leaves a unit is
    handed back, what reaches one is issued to it; undoing puts hand-overs back as they were."""
    moving = {code for code, fields in changes.items() if any(name in fields for name in (*STANDINGS, "condition"))}
    before = _standings(moving)
    network.correct_assets(changes=changes)
    for code, row in _standings(moving).items():
        _write(row, Act.LISTED, before[code][1], on, by_name, note)
        if row[0].unit_id != before[code][0].unit_id:
            _end_issue(row[0], on, undoing)
            _begin_issue(row[0], on, undoing)


def _end_issue(row: Asset, on: date, undoing: bool) -> None:
    issue = Issue.objects.filter(asset=row, returned_on=None).first()
    if issue is None:
        return
    if undoing and issue.document == LISTED_DOCUMENT:
        issue.delete()  # it was written by what is undone
        return
    issue.returned_on = max(on, issue.issued_on)
    issue.save(update_fields=["returned_on"])


def _begin_issue(row: Asset, on: date, undoing: bool) -> None:
    if row.unit_id is None:
        return
    ended = Issue.objects.filter(asset=row, unit_id=row.unit_id).order_by("-returned_on", "-pk").first() if undoing else None
    if ended is None:
        _listed_issue(row, on).save(force_insert=True)
        return
    ended.returned_on = None
    ended.save(update_fields=["returned_on"])


def _standings(codes: set[str]) -> dict[str, tuple[Asset, str]]:
    wanted = sorted(codes)
    found: dict[str, tuple[Asset, str]] = {}
    for start in range(0, len(wanted), 500):
        rows = listed().filter(code__in=wanted[start : start + 500])
        found |= {row.code: (row, _words(row)) for row in rows}
    return found


def _words(row: Asset) -> str:
    """李村站点（维修中）: where, and how when that is not the usual."""
    usual = row.condition in {Condition.IN_SERVICE, Condition.SPARE}
    return where(row) if usual else f"{where(row)}（{row.get_condition_display()}）"


def _write(now: tuple[Asset, str], act: Act, left: str, on: date, by_name: str, note: str) -> None:
    Move.objects.create(asset=now[0], act=act, on=on, left=left[:140], reached=now[1][:140], note=note.strip()[:200], by_name=by_name)


@transaction.atomic
def enter_asset(*, code: str, kind: str, standing: Standing, details: Mapping[str, Any], by: Actor, at: datetime) -> Asset:
    """Enter one piece of equipment. `standing` names one object, unit or store; `details` are the other columns of the register."""
    target = _target(standing)
    by.require(P.MANAGE_ASSETS, target.division.path)
    if not code.strip() or not kind.strip():
        raise Refused("须写明资产编号和设备名称")
    if listed().filter(code=code.strip()).exists():
        raise Conflict(f"资产编号 {code.strip()} 已被使用")
    _check_purchase(str(details.get("paid_from", "")))
    condition = Condition.SPARE if standing.get("store") else Condition.IN_SERVICE
    said = {key: value for key, value in details.items() if value not in {None, ""}}
    entry = AssetEntry(code.strip(), kind.strip(), standing.get("place", ""), {**said, **_units(standing), "condition": condition})
    enter_listed(entries=[entry], on=local_day(at))
    row = listed().get(code=code.strip())
    write_audit(by=by, action="登记设备", subject=f"设备 {row.code}", at=at, detail=f"{row.kind} {row.model}，{where(row)}")
    return row


def _units(standing: Standing) -> dict[str, str]:
    return {name: standing[name] for name in ("unit", "store") if standing.get(name)}


def _check_purchase(reference: str) -> None:
    if reference and reference not in purchases([reference]):
        raise Refused(f"没有凭证号为 {reference} 的采购分录，或已冲销")


def _target(standing: Standing) -> ManagedObject | OrgUnit:
    """What a standing names. Refused when it is none or several, or when it is not there."""
    named = [(name, code) for name, code in standing.items() if name in STANDINGS and code]
    if len(named) != 1:
        raise Refused("一件设备只在一处：所在对象、使用单位、备件库单位填一个")
    name, code = named[0]
    if name == "place":
        return object_by_code(code.strip())
    found = open_units().select_related("division").filter(code=code.strip()).first()
    if found is None:
        raise Refused(f"没有代码为 {code} 的单位，或已撤销")
    return found


def _held(asset: Asset, by: Actor) -> Asset:
    """The row as it stands now, locked; NotFound outside the person's subtree, Conflict once it is scrapped."""
    row = listed().select_for_update(of=("self",)).get(pk=asset.pk)
    by.require(P.MANAGE_ASSETS, row.division.path)
    if row.condition == Condition.SCRAPPED:
        raise Conflict("这件设备已经报废")
    return row


def _turn(row: Asset, act: Act, fields: Mapping[str, Any], *, on: date, note: str, by: Actor, at: datetime) -> None:
    left = _words(row)
    network.correct_assets(changes={row.code: fields})
    now = _standings({row.code})[row.code]
    _write(now, act, left, on, by.name, note)
    write_audit(by=by, action="设备变动", subject=f"设备 {row.code}", at=at, detail=f"{left} → {now[1]}，{note}")


@transaction.atomic
def move_asset(*, asset: Asset, standing: Standing, note: str, on: date, by: Actor, at: datetime) -> None:
    """Take it to another object or to a store. What is issued is handed back first."""
    row, target = _held(asset, by), _target(standing)
    by.require(P.MANAGE_ASSETS, target.division.path)
    if standing.get("unit"):
        raise Refused("交给单位使用的请办“配发”")
    if row.unit_id is not None:
        raise Refused("配发给单位的设备先办“交回”")
    if target == row.stands or (row.store_id and target.pk == row.store_id and not standing.get("place")):
        raise Conflict("这件设备已经在那里")
    stored = bool(standing.get("store"))
    usual = Condition.SPARE if stored else Condition.IN_SERVICE
    condition = Condition.REPAIR if row.condition == Condition.REPAIR else usual
    fields = {**dict.fromkeys(STANDINGS, ""), **{key: code.strip() for key, code in standing.items() if code}, "condition": condition}
    _turn(row, Act.MOVED, fields, on=on, note=note, by=by, at=at)


@transaction.atomic
def issue_asset(*, asset: Asset, unit: OrgUnit, taker: str, document: str, on: date, by: Actor, at: datetime) -> Issue:
    """Give a spare to a unit; the name of who took it stands on the hand-over (OPS22)."""
    row = _held(asset, by)
    by.require(P.MANAGE_ASSETS, unit.division.path)
    if row.condition != Condition.SPARE:
        raise Refused("只有备件库里备用的设备可以配发")
    if not taker.strip():
        raise Refused("须写明领用人")
    issue = Issue.objects.create(asset=row, unit=unit, taker=taker.strip(), issued_on=on, document=document.strip())
    fields = {"place": "", "store": "", "unit": unit.code, "condition": Condition.IN_SERVICE}
    _turn(row, Act.ISSUED, fields, on=on, note=document, by=by, at=at)
    return issue


@transaction.atomic
def hand_back(*, asset: Asset, store: OrgUnit, note: str, on: date, by: Actor, at: datetime) -> None:
    """A unit gives it back into a store, such as when who took it leaves."""
    row = _held(asset, by)
    by.require(P.MANAGE_ASSETS, store.division.path)
    if row.unit_id is None:
        raise Conflict("这件设备没有配发在外")
    issue = Issue.objects.filter(asset=row, returned_on=None).first()
    if issue is not None and on < issue.issued_on:
        raise Refused("交回日期早于配发日期")
    Issue.objects.filter(asset=row, returned_on=None).update(returned_on=on)
    condition = Condition.REPAIR if row.condition == Condition.REPAIR else Condition.SPARE
    _turn(row, Act.HANDED_BACK, {**_stored(store), "condition": condition}, on=on, note=note, by=by, at=at)


@transaction.atomic
def send_to_repair(*, asset: Asset, note: str, on: date, by: Actor, at: datetime) -> None:
    """It is being repaired; it belongs where it stood."""
    row = _held(asset, by)
    if row.condition == Condition.REPAIR:
        raise Conflict("这件设备已在维修")
    _turn(row, Act.TO_REPAIR, {"condition": Condition.REPAIR}, on=on, note=note, by=by, at=at)


@transaction.atomic
def end_repair(*, asset: Asset, note: str, on: date, by: Actor, at: datetime) -> None:
    """It is back from repair."""
    row = _held(asset, by)
    if row.condition != Condition.REPAIR:
        raise Conflict("这件设备不在维修")
    usual = Condition.SPARE if row.store_id else Condition.IN_SERVICE
    _turn(row, Act.REPAIRED, {"condition": usual}, on=on, note=note, by=by, at=at)


@transaction.atomic
def scrap_asset(*, asset: Asset, document: str, on: date, by: Actor, at: datetime) -> None:
    """It is of no more use, by a written decision; it stays in the register where it was last."""
    row = _held(asset, by)
    if not document.strip():
        raise Refused("报废须写明依据文件")
    if row.unit_id is not None:
        raise Refused("配发给单位的设备先办“交回”")
    _turn(row, Act.SCRAPPED, {"condition": Condition.SCRAPPED}, on=on, note=document, by=by, at=at)


@transaction.atomic
def set_kind_life(*, kind: str, years: int, by: Actor, at: datetime) -> int:
    """Say how long a kind is expected to last. Equipment that had the former figure of its kind follows; what had one of its own keeps
    it. Returns how many followed."""
    by.require(P.IMPORT_REGISTER)
    if listed().exclude(pk__in=assets(by.paths(P.IMPORT_REGISTER)).order_by().values("pk")).exists():
        raise Forbidden("使用年限对全部设备通用，须由管理全部设备的人设定")
    if not kind.strip() or not 1 <= years <= 50:
        raise Refused("使用年限为 1 到 50 年")
    former = kind_lives().get(kind.strip(), USUAL_LIFE_YEARS)
    KindLife.objects.update_or_create(kind=kind.strip(), defaults={"years": years})
    followed = network.follow_life(kind=kind.strip(), former=former, years=years)
    write_audit(by=by, action="设定使用年限", subject=f"设备 {kind.strip()}", at=at, detail=f"{former} → {years} 年，{followed} 件随之")
    return followed


@transaction.atomic
def set_least_stock(*, store: OrgUnit, kind: str, least: int, by: Actor, at: datetime) -> None:
    """Say of how many spares of a kind a store is to be filled up; 0 takes the word back."""
    by.require(P.MANAGE_ASSETS, store.division.path)
    if not kind.strip() or least < 0:
        raise Refused("须写明设备名称，最低库存不为负")
    if least:
        LeastStock.objects.update_or_create(store=store, kind=kind.strip(), defaults={"least": least})
    else:
        LeastStock.objects.filter(store=store, kind=kind.strip()).delete()
    write_audit(by=by, action="设定最低库存", subject=f"备件库 {store.code}", at=at, detail=f"{kind.strip()} {least}")
