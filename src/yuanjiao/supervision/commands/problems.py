"""Problems of a campaign: each is an item of the one machine, with a unit and a person who answers for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from yuanjiao.items.commands import create_item, issue_item, settle_item
from yuanjiao.items.rules import ENDED, Answer, ItemKind, State, ThreeAnswers
from yuanjiao.lib.clock import day_start, local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.queries import divisions_of
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import person_by_uid, person_in_unit
from yuanjiao.people.rules import Actor, Grant, Permission, Role
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import division_held
from yuanjiao.supervision.models import Campaign, CampaignItem, CampaignObject, Visit
from yuanjiao.supervision.queries import held_campaign, proposed_owner
from yuanjiao.supervision.queries.owners import Owner
from yuanjiao.supervision.rules import AT_WORK, MEASURES, PROBLEM_NAMES, RESULTS, ProblemKind

LATER = timedelta(days=7)
"""A problem that turns up on the last days has so long."""


@dataclass(frozen=True)
class Fixed:
    """What was put right before the inspector's eyes: by whom, and what shows each of the three answers (SUP30)."""

    who: str
    done: str
    solved: str
    changed: str


def at_work(campaign: Campaign) -> Campaign:
    """The campaign, held until the transaction ends. Conflict when it is not at work any more."""
    row = held_campaign(campaign.pk)
    if row.state not in AT_WORK:
        raise Conflict("专项行动还没有启动，或已经结束")
    return row


def commissioned(campaign: Campaign, by: Actor) -> Actor:
    """The person acting for the campaign's unit: what an inspector or a manager finds is given out, and checked, by that unit."""
    grant = Grant(Role.CITY_ADMIN, campaign.unit.division.path, campaign.unit_id)
    return Actor(name=by.name, person_uid=by.person_uid, grants=(grant,))


@transaction.atomic
def raise_problem(
    *, campaign: Campaign, target: CampaignObject, kind: ProblemKind, words: str, measure: str = "", visit: Visit | None = None,
    census_uid: UUID | None = None, fixed: Fixed | None = None, by: Actor, at: datetime,
) -> CampaignItem:  # fmt: skip
    """Make an item of what was found, give it to whoever answers, and close it at once where it was put right on the spot.

    Nobody answers: it stays a draft without an owner, is listed, and holds up the closing. What the finder's own unit answers for is given
    out even when it was put right on the spot: who answers does not verify. `by` was permitted by the caller.
    """
    campaign = at_work(campaign)
    place, day = _place_of(target, campaign, local_day(at)), local_day(at)
    owner = proposed_owner(place, kind, code=target.code, on=day, never=campaign.unit_id)
    actor = commissioned(campaign, by)
    settled = fixed if owner and fixed and not _of_ones_own(owner, by) else None
    planned = measure.strip() or MEASURES[kind]
    if fixed and not settled:
        planned = f"{planned}（检查时{fixed.who.strip()}已改：{fixed.done.strip()}，待核实）"
    item = create_item(
        kind=ItemKind.PROBLEM, title=f"{target.name}：{PROBLEM_NAMES[kind]}{f'，{words.strip()}' if words.strip() else ''}", division=place,
        lead_unit=owner.unit if owner else None, measure=planned, expected_result=RESULTS[kind], starts_on=day,
        source=campaign.title, by=actor, at=at,
    )  # fmt: skip
    if owner and settled:
        item = settle_item(
            item=item, answers=_answers(settled), result=f"{settled.who.strip() or owner.name}当场整改：{settled.done}", by=actor, at=at
        )
    elif owner:
        item = issue_item(item=item, due_at=_due_at(campaign, at), by=actor, at=at)
    return CampaignItem.objects.create(
        campaign=campaign, item=item, target=target, visit=visit, census_uid=census_uid, kind=kind, **_named(owner, at)
    )


def _of_ones_own(owner: Owner, by: Actor) -> bool:
    """Whether the person is the owner, or of the owner's unit: asked of who was there, not of the unit that sent them."""
    if owner.unit.pk in {grant.unit_id for grant in by.grants} or owner.person_uid == by.person_uid:
        return True
    return by.person_uid is not None and person_by_uid(by.person_uid).unit_id == owner.unit.pk


def _answers(fixed: Fixed) -> ThreeAnswers:
    return ThreeAnswers(Answer(True, fixed.done), Answer(True, fixed.solved), Answer(True, fixed.changed))


def _place_of(target: CampaignObject, campaign: Campaign, day: object) -> Division:
    """Where the object stands today; where it stood when it was frozen, if it is gone."""
    assert campaign.started_at is not None
    now = divisions_of([target.code]).get(target.code)
    return now or division_held(target.place_code, first=local_day(campaign.started_at), last=day)  # type: ignore[arg-type]


def _due_at(campaign: Campaign, at: datetime) -> datetime:
    """The end of the campaign; a week from now when that is nearer than a day."""
    end = day_start(campaign.ends_on) + timedelta(hours=23, minutes=59)
    return end if end > at + timedelta(days=1) else at + LATER


def _named(owner: Owner | None, at: datetime) -> dict[str, object]:
    return {"owner_uid": owner.person_uid, "owner_name": owner.name[:50], "owner_unit": owner.unit, "owned_at": at} if owner else {}


@transaction.atomic
def name_owner(*, problem: CampaignItem, unit: OrgUnit, name: str, by: Actor, at: datetime) -> CampaignItem:
    """Say which unit and which person of it answers; what was not given out yet is given out to them.

    Refused for a person who is not of the unit, and for one's own unit: whoever gives it out also verifies it.
    """
    row = (
        CampaignItem.objects.select_related("item__division", "item__lead_unit", "campaign")
        .select_for_update(of=("self",))
        .get(pk=problem.pk)
    )
    campaign, item = at_work(row.campaign), row.item
    by.require(Permission.ISSUE_ITEM, item.division.path)
    if unit.pk == campaign.unit_id or unit.pk in {grant.unit_id for grant in by.grants}:
        raise Refused(f"{unit}是组织行动或您自己的单位，不能作责任单位：交办的单位还要核实")
    person = person_in_unit(name, unit)
    if person is None:
        raise Refused(f"{unit.name}没有叫“{name.strip()}”的人员，请先在台账登记，或写全名")
    if item.state in ENDED:
        raise Conflict("这件问题已经办结")
    if item.state in {State.DRAFT, State.DECLINED}:
        issue_item(item=item, due_at=_due_at(campaign, at), lead_unit=unit, by=by, at=at)
    elif item.lead_unit_id != unit.pk:
        raise Refused(f"已经交给{item.lead_unit}办理，请在该单位内指定责任人")
    owner = Owner(unit, person.uid, person.name)
    CampaignItem.objects.filter(pk=row.pk).update(**_named(owner, at) | ({"owned_at": row.owned_at} if row.owned_at else {}))
    write_audit(by=by, action="落实问题责任", subject=str(item)[:120], at=at, detail=f"{unit.name} {person.name}")
    row.refresh_from_db()
    return row
