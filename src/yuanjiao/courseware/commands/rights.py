"""What must be in order behind an item: licence (CW08), consents of the living (CW02), the needs it answers (CW06)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import transaction

from yuanjiao.courseware import steps
from yuanjiao.courseware.commands.items import require_own
from yuanjiao.courseware.models import (
    ConsentForm,
    Courseware,
    CoursewareSource,
    Need,
    NeedOrigin,
    Rights,
    ShownPerson,
    Topic,
)
from yuanjiao.courseware.rules.life import ASLEEP, EDITABLE, State, rights_in_force
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.lib.seal import seal
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import person_by_uid
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division

BEFORE_RELEASE = EDITABLE | ASLEEP | {State.PACKAGING, State.IN_REVIEW, State.APPROVED}
"""States in which the papers of an item may still be put in order: reviewers often ask for them last."""


def require_clear(courseware: Courseware, *, on: date) -> None:
    """Refused unless licence and consents allow the item to be shown on that day; the message names all that stands against it."""
    against = [*against_rights(courseware, on), *against_consents(courseware)]
    if against:
        raise Refused("；".join(against))


def against_rights(courseware: Courseware, on: date) -> list[str]:
    """What the licence lacks, in words."""
    rights = Rights.objects.filter(courseware=courseware).first()
    found = []
    if courseware.source == CoursewareSource.BOUGHT:
        said = {
            "权利人": rights and rights.holder, "合同编号": rights and rights.contract_number,
            "价格": rights and rights.price_fen is not None, "许可范围": rights and rights.scope, "授权截止日期": courseware.rights_to,
        }  # fmt: skip
        missing = [name for name, value in said.items() if not value]
        found += [f"购买的课件还没有登记{'、'.join(missing)}"] if missing else []
    if not rights_in_force(courseware.rights_from, courseware.rights_to, on):
        late = courseware.rights_to is not None and courseware.rights_to <= on
        found.append(f"授权已于 {courseware.rights_to:%Y-%m-%d} 到期" if late else f"授权到 {courseware.rights_from:%Y-%m-%d} 才开始")
    return found


def against_consents(courseware: Courseware) -> list[str]:
    """Whose consent is missing, without names: the message may be seen by more people than may know them."""
    if not courseware.is_story:
        return []
    people = list(courseware.shown_people.all())
    if not people:
        return ["人物事迹须登记所涉人物，健在的须有本人同意"]
    missing = sum(one.is_living and (one.consent_on is None or one.revoked_on is not None) for one in people)
    return [f"有 {missing} 位健在的人物没有同意播出的记录"] if missing else []


# -- licence ----------------------------------------------------------------------------------------------------------------


@transaction.atomic
def set_rights(
    *,
    courseware: Courseware,
    holder: str,
    rights_from: date | None,
    rights_to: date | None,
    by: Actor,
    at: datetime,
    contract_number: str = "",
    price_fen: int | None = None,
    scope: str = "",
    area: Division | None = None,
) -> Rights:
    """Record the licence. `rights_to` is the first day on which the item is shown nowhere; `area` None is everywhere.

    A released item's licence may be prolonged or cut short: cut short, its delivery ends on that day.
    """
    require_papers(courseware, by, BEFORE_RELEASE | {State.RELEASED})
    if not holder.strip():
        raise Refused("请填写权利人")
    if rights_from and rights_to and rights_to <= rights_from:
        raise Refused("授权截止日期应晚于开始日期")
    if price_fen is not None and price_fen < 0:
        raise Refused("价格不能小于零")
    courseware.rights_from, courseware.rights_to = rights_from, rights_to
    courseware.save(update_fields=["rights_from", "rights_to"])
    row, _made = Rights.objects.update_or_create(
        courseware=courseware,
        defaults={
            "holder": holder.strip(), "contract_number": contract_number.strip(), "price_fen": price_fen,
            "scope": scope.strip(), "area": area.path if area else "/",
        },
    )  # fmt: skip
    if courseware.state == State.RELEASED:
        steps.search_due([courseware.uid])
    until = f"{rights_to:%Y-%m-%d}" if rights_to else "不限"
    write_audit(by=by, action="登记授权", subject=f"课件 {courseware.title}", at=at, detail=f"{row.holder}，至 {until}")
    return row


def require_papers(courseware: Courseware, by: Actor, states: frozenset[State]) -> None:
    """The author, or who manages the columns there: contracts often lie with the office."""
    path = courseware.unit.division.path
    if by.covers(Permission.MANAGE_COLUMNS, path):
        if courseware.state not in states:
            raise Refused(f"“{steps.NAMES[courseware.state]}”的课件不再登记材料")
        return
    require_own(courseware, by, states)


# -- consents ---------------------------------------------------------------------------------------------------------------


@transaction.atomic
def add_shown_person(
    *,
    courseware: Courseware,
    name: str,
    is_living: bool,
    by: Actor,
    at: datetime,
    consent_form: str = "",
    consent_on: date | None = None,
    paper: str = "",
) -> ShownPerson:
    """Record somebody the item tells of, and the consent of who lives. The name is sealed; the trail does not hold it."""
    require_papers(courseware, by, BEFORE_RELEASE)
    if not name.strip() or len(name.strip()) > 50:
        raise Refused("请填写人物姓名（最多 50 字）")
    _check_consent(consent_form, consent_on, local_day(at))
    row = ShownPerson.objects.create(
        courseware=courseware, name_sealed=seal(name.strip(), settings.SECRET_KEY), is_living=is_living,
        consent_form=consent_form, consent_on=consent_on, paper=paper.strip()[:100],
    )  # fmt: skip
    write_audit(by=by, action="登记所涉人物", subject=f"课件 {courseware.title}", at=at, detail="健在" if is_living else "已故")
    return row


def _check_consent(form: str, given_on: date | None, today: date) -> None:
    if bool(form) != bool(given_on):
        raise Refused("同意方式和同意日期要一起填")
    if form and form not in ConsentForm.values:
        raise Refused("没有这种同意方式")
    if given_on and given_on > today:
        raise Refused("同意日期不能晚于今天")


@transaction.atomic
def record_consent(*, person: ShownPerson, consent_form: str, consent_on: date, by: Actor, at: datetime, paper: str = "") -> None:
    """Record a consent that came later."""
    require_papers(person.courseware, by, BEFORE_RELEASE)
    _check_consent(consent_form, consent_on, local_day(at))
    person.consent_form, person.consent_on, person.revoked_on, person.paper = consent_form, consent_on, None, paper.strip()[:100]
    person.save(update_fields=["consent_form", "consent_on", "revoked_on", "paper"])
    write_audit(by=by, action="登记同意", subject=f"课件 {person.courseware.title}", at=at)


@transaction.atomic
def revoke_consent(*, person: ShownPerson, by: Actor, at: datetime) -> None:
    """Somebody does not agree any more: a released item is withdrawn at once, everywhere with the next catalogue."""
    courseware = person.courseware
    require_papers(courseware, by, BEFORE_RELEASE | {State.RELEASED})
    if person.consent_on is None or person.revoked_on is not None:
        raise Conflict("没有有效的同意可以撤回")
    person.revoked_on = local_day(at)
    person.save(update_fields=["revoked_on"])
    write_audit(by=by, action="撤回同意", subject=f"课件 {courseware.title}", at=at)
    if courseware.state == State.RELEASED:
        steps.move(courseware, State.WITHDRAWN, by=by, at=at, reason="所涉人物撤回同意", withdrawn_at=at)
        courseware.placements.all().delete()


@transaction.atomic
def remove_shown_person(*, person: ShownPerson, by: Actor, at: datetime) -> None:
    """Take somebody off the list who is not shown after all; the name is gone with the row."""
    require_papers(person.courseware, by, BEFORE_RELEASE)
    person.delete()
    write_audit(by=by, action="去掉所涉人物", subject=f"课件 {person.courseware.title}", at=at)


# -- needs ------------------------------------------------------------------------------------------------------------------


@transaction.atomic
def record_need(
    *,
    text: str,
    origin: NeedOrigin,
    division: Division,
    by: Actor,
    at: datetime,
    raised_on: date | None = None,
    times: int = 1,
    topic: Topic | None = None,
) -> Need:
    """Record something people asked for, in a place inside the recorder's subtree; nobody is named."""
    if by.person_uid is None:
        raise Forbidden("需求须由具体的人登记")
    permission = Permission.PRODUCE_COURSEWARE if by.holds(Permission.PRODUCE_COURSEWARE) else Permission.MANAGE_COLUMNS
    by.require(permission, division.path)
    words = " ".join(text.split())
    if not words or len(words) > 100:
        raise Refused("请用一句话写下需求（最多 100 字）")
    if times < 1:
        raise Refused("次数至少为 1")
    unit = person_by_uid(by.person_uid).unit
    row = Need.objects.create(
        text=words, origin=origin, topic=topic, division=division, unit=unit, raised_on=raised_on or local_day(at), times=times,
    )  # fmt: skip
    write_audit(by=by, action="登记需求", subject=f"需求 {words[:40]}", at=at)
    return row


@transaction.atomic
def cite_needs(*, courseware: Courseware, needs: Sequence[Need], by: Actor, at: datetime) -> None:
    """Say which recorded needs the item answers; those not named any more are let go."""
    require_papers(courseware, by, BEFORE_RELEASE | {State.RELEASED})
    courseware.needs.set(needs)
    write_audit(by=by, action="关联需求", subject=f"课件 {courseware.title}", at=at, detail="；".join(one.text for one in needs)[:200])
