"""Writes of duties: naming a person, handing over, signing, disputing. Each leaves its audit row."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from yuanjiao.duties.models import Handover, HandoverLine
from yuanjiao.duties.queries import open_things
from yuanjiao.duties.rules import KIND_NAMES
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.network.queries import object_by_code
from yuanjiao.people import commands as people
from yuanjiao.people.models import Person, Responsibility, ResponsibilityKind
from yuanjiao.people.queries import has_log_in, person_by_uid, person_in_unit, posts_in_unit
from yuanjiao.people.rules import POST_OF_KIND, Actor, Permission, Role
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import lock_division

AHEAD = timedelta(days=366)
"""A change is announced at most a year ahead, and entered at most a year late."""
MINIMUM_PHONE = 7


@dataclass(frozen=True)
class Named:
    """A person as an officer names them: of a unit. Somebody new is entered on the way."""

    name: str
    unit: OrgUnit
    post: str = ""
    phone: str = ""


def _known(named: Named, *, by: Actor, at: datetime) -> Person:
    if not named.name.strip():
        raise Refused("请填写姓名")
    by.require(Permission.KEEP_DUTIES, named.unit.division.path)
    person = person_in_unit(named.name, named.unit)
    if person is not None:
        return person
    if named.phone.strip() and sum(letter.isdecimal() for letter in named.phone) < MINIMUM_PHONE:
        raise Refused("电话不完整")
    person = people.add_person(name=named.name, unit=named.unit, phone=named.phone, post=named.post)
    people.write_audit(by=by, action="登记人员", subject=f"{named.unit.name} {person.name}", at=at)
    return person


@transaction.atomic
def name_responsible(
    *, named: Named, division: Division, kind: str, on: date, document: str = "", object_code: str = "", by: Actor, at: datetime
) -> Responsibility:
    """Name somebody for a duty that nobody has, or for one more that several may have. The chain is the unit's."""
    by.require(Permission.KEEP_DUTIES, division.path)
    _require_near(on, at)
    lock_division(division.pk)  # of a button pressed twice the second sees whom the first entered
    if kind not in set(ResponsibilityKind):
        raise Refused("请选择责任")
    if object_code and not object_by_code(object_code).division.path.startswith(division.path):
        raise Refused("该对象不在这个地方")
    person = _known(named, by=by, at=at)
    made = people.make_responsible(
        person=person, unit=named.unit, division=division, kind=ResponsibilityKind(kind), on=on, document=document.strip(),
        object_code=object_code,
    )  # fmt: skip
    people.write_audit(by=by, action="登记责任人", subject=_what(made), at=at, detail=f"{person.name}，{on:%Y-%m-%d} 起")
    return made


def _require_near(on: date, at: datetime) -> None:
    if abs(on - clock.local_day(at)) > AHEAD:
        raise Refused("日期应在前后一年以内")


def _what(tenure: Responsibility) -> str:
    return f"{tenure.division.name}{tenure.object_code and ' ' + tenure.object_code} {KIND_NAMES[tenure.kind]}"


@transaction.atomic
def hand_over(
    *, tenure: Responsibility, to: Named | None, vacancy: str = "", on: date, roles: Collection[Role] = (), document: str = "",
    note: str = "", by: Actor, at: datetime,
) -> Handover:  # fmt: skip
    """End a tenure on a day and begin the next, or record the vacancy; draw the sheet of what is open.

    `roles`: posts in the unit that end with it and go to the successor, as does the post the duty itself gives; Refused when the
    successor's unit reaches further than theirs. The change holds from its day on, signed or not: nobody keeps a permission by not signing.
    """
    by.require(Permission.KEEP_DUTIES, tenure.division.path)
    _require_near(on, at)
    if to is None and not vacancy.strip():
        raise Refused("没有接任人时，请写明空缺原因")
    _require_posts(tenure, roles, by)
    things = open_things(tenure, at)
    given = _post_given(tenure, on)
    ended = people.end_responsibility(responsibility=tenure, on=on, roles=roles)
    taker = _known(to, by=by, at=at) if to else _keeper(by)
    if taker is not None and taker.pk == tenure.person_id:
        raise Refused("接任人就是移交人，不必交接")
    following = _begin(tenure, taker, to.unit, on, document) if to and taker else None
    if taker is not None and to is not None:
        _pass_on({*given, *(Role(post.role) for post in ended)}, tenure, taker, to.unit, on)
    sheet = Handover.objects.create(
        tenure=tenure, following=following, taker=taker, vacancy="" if to else vacancy.strip()[:100], on=on,
        document=document.strip()[:100], note=note.strip()[:300], drawn_at=at,
    )  # fmt: skip
    HandoverLine.objects.bulk_create(
        HandoverLine(sheet=sheet, number=number, kind=one.kind, code=one.code, title=one.title[:160], remark=one.remark[:160])
        for number, one in enumerate(things, 1)
    )
    detail = f"{tenure.person.name} → {taker.name if to and taker else '空缺'}，{on:%Y-%m-%d}"
    people.write_audit(by=by, action="办理交接", subject=_what(tenure), at=at, detail=detail)
    return sheet


def _require_posts(tenure: Responsibility, roles: Collection[Role], by: Actor) -> None:
    """A post is taken and given only where the actor keeps duties; those who keep the system only by one of them."""
    if not roles:
        return
    by.require(Permission.KEEP_DUTIES, tenure.unit.division.path)
    if {Role.CITY_ADMIN, Role.AUDITOR} & set(roles) and Role.CITY_ADMIN not in by.roles:
        raise Forbidden("市级管理员、审计员的岗位由市级管理员办理")


def _keeper(by: Actor) -> Person | None:
    """In a vacancy whoever records it keeps what is there."""
    return person_by_uid(by.person_uid) if by.person_uid else None


def _begin(tenure: Responsibility, person: Person, unit: OrgUnit, on: date, document: str) -> Responsibility:
    if unit.chain != tenure.chain:
        raise Refused("接任人的单位应属于同一系统")
    return people.make_responsible(
        person=person, unit=unit, division=tenure.division, kind=ResponsibilityKind(tenure.kind), on=on, document=document.strip()[:100],
        object_code=tenure.object_code,
    )  # fmt: skip


def _post_given(tenure: Responsibility, on: date) -> set[Role]:
    """The post the duty gives, where its holder has it: the successor needs it also when the other keeps it by another tenure."""
    held = {Role(post.role) for post in posts_in_unit(tenure.person, tenure.unit, on=on)}
    return {POST_OF_KIND[tenure.kind]} & held if tenure.kind in POST_OF_KIND else set()


def _pass_on(roles: Collection[Role], tenure: Responsibility, person: Person, unit: OrgUnit, on: date) -> None:
    """A post reaches as far as its unit: by a hand-over it must not grow."""
    if roles and not unit.division.path.startswith(tenure.unit.division.path):
        raise Refused("接任人单位的范围大于原岗位，请以原单位登记接任人")
    for role in roles:
        _appoint(person, unit, role, on)


def _appoint(person: Person, unit: OrgUnit, role: Role, on: date) -> None:
    try:
        people.appoint(person=person, unit=unit, role=role, on=on)
    except Conflict:
        return  # has the post already


@transaction.atomic
def sign_sheet(*, sheet: Handover, by: Actor, at: datetime) -> Handover:
    """Sign with one's own account, as who gives or who takes (SUP40). Conflict when that is done."""
    row = _held(sheet)
    gives, takes = by.person_uid == row.tenure.person.uid, row.taker is not None and by.person_uid == row.taker.uid
    if by.person_uid is None or not (gives or takes):
        raise Forbidden("交接单由移交人、接收人本人签字")
    if (row.given_at if gives else row.taken_at) is not None:
        raise Conflict("您已经签过字")
    name = "given_at" if gives else "taken_at"
    setattr(row, name, at)
    row.save(update_fields=[name])
    people.write_audit(by=by, action="签交接单", subject=_what(row.tenure), at=at, detail="移交" if gives else "接收")
    return row


@transaction.atomic
def sign_on_paper(*, sheet: Handover, side: str, note: str, by: Actor, at: datetime) -> Handover:
    """An officer notes that somebody without a log-in signed the printed sheet, or why they could not; the note stays on it."""
    row = _held(sheet)
    by.require(Permission.KEEP_DUTIES, row.tenure.division.path)
    if side not in {"given", "taken"}:
        raise Refused("请选择移交方或接收方")
    person = row.tenure.person if side == "given" else row.taker
    if person is not None and has_log_in(person):
        raise Refused(f"{person.name} 有账号，应由本人登录签字")
    if not note.strip():
        raise Refused("请写明纸质签字的情况，如：已在纸质交接单签字；调离失去联系，由镇党委书记代交")
    if getattr(row, f"{side}_at") is not None:
        raise Conflict("这一方已经签过字")
    setattr(row, f"{side}_at", at)
    setattr(row, f"{side}_on_paper", note.strip()[:100])
    row.save(update_fields=[f"{side}_at", f"{side}_on_paper"])
    people.write_audit(by=by, action="登记纸质签字", subject=_what(row.tenure), at=at, detail=note.strip())
    return row


@transaction.atomic
def dispute_line(*, sheet: Handover, number: int, words: str, by: Actor, at: datetime) -> HandoverLine:
    """Note what is disputed about one line; it stays on the sheet. Refused once both have signed."""
    row = _held(sheet)
    if by.person_uid is None or by.person_uid not in {row.tenure.person.uid, row.taker.uid if row.taker else None}:
        raise Forbidden("异议由移交人、接收人本人提出")
    if row.is_signed:
        raise Refused("双方都已签字，不能再提异议；新发现的问题请另立事项")
    line = row.lines.select_for_update().filter(number=number).first()
    if line is None or not words.strip():
        raise Refused("请选择一项并写明异议")
    if line.dispute:
        raise Conflict(f"第 {number} 项已有异议：{line.dispute}")
    line.dispute, line.disputed_by, line.disputed_at = words.strip()[:200], by.name[:50], at
    line.save(update_fields=["dispute", "disputed_by", "disputed_at"])
    return line


def _held(sheet: Handover) -> Handover:
    """The sheet as it is now, held until the transaction ends: of two who write at once the second sees what the first wrote."""
    rows = Handover.objects.select_for_update(of=("self",)).select_related("tenure__person", "tenure__division", "taker")
    return rows.get(pk=sheet.pk)
