"""Inspections: who may inspect, what they have to look at, and the record they file, with or without a signal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.lib.kept import Outcome, done_at
from yuanjiao.people.commands import write_audit
from yuanjiao.people.models import Person
from yuanjiao.people.queries import has_log_in
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.supervision.commands.problems import Fixed, at_work, raise_problem
from yuanjiao.supervision.models import Campaign, CampaignObject, Inspector, Visit
from yuanjiao.supervision.queries import frozen_objects, scope_paths
from yuanjiao.supervision.queries.lists import MOST_VISITS
from yuanjiao.supervision.rules import Found, Method, ProblemKind, SupervisionLine


@transaction.atomic
def appoint_inspector(
    *, campaign: Campaign, person: Person, line: SupervisionLine, place: Division, valid_from: date, valid_to: date, by: Actor, at: datetime
) -> Inspector:
    """Send a person to inspect a place from a day to before another, on one of the three lines. It gives no right to anything else.

    Who was sent there already goes on, on these dates and this line: a month that lasts longer needs no other inspector.
    """
    campaign = at_work(campaign)
    by.require(Permission.OPEN_CAMPAIGN, place.path)
    paths = scope_paths(campaign)
    if not any(place.path.startswith(path) or path.startswith(place.path) for path in paths):
        raise Refused("这个地方不在行动范围之内")
    if valid_to <= valid_from:
        raise Refused("止期应晚于起期")
    if not has_log_in(person):
        raise Refused(f"{person.name}还没有账号，请先在台账开通")
    told = {"person_name": person.name[:50], "line": line, "place_name": place.name, "valid_from": valid_from, "valid_to": valid_to}
    row, fresh = Inspector.objects.update_or_create(campaign=campaign, person_uid=person.uid, path=place.path, defaults=told)
    write_audit(
        by=by,
        action="派出检查人员" if fresh else "更改检查人员起止",
        subject=f"{campaign.title} {person.name}"[:120],
        at=at,
        detail=f"{place.name} {valid_from} 至 {valid_to}",
    )
    return row


@transaction.atomic
def plan_round(*, inspector: Inspector, method: Method, by: Actor, at: datetime) -> int:
    """Give an inspector what lies in their place and has neither a record nor a visit to come; at most some hundred. How many.

    What waits for somebody whose appointment is over comes no more. Refused for such an inspector.
    """
    campaign = at_work(inspector.campaign)
    by.require(Permission.OPEN_CAMPAIGN, inspector.path)
    today = local_day(at)
    if inspector.valid_to <= today:
        raise Refused(f"{inspector.person_name}的检查任期已满，请先延长")
    rest = frozen_objects(campaign, [inspector.path]).filter(inspected_at=None)
    waiting = Visit.objects.filter(target=OuterRef("pk"), filed_at=None, inspector__valid_to__gt=today)
    targets = rest.filter(~Exists(waiting))[:MOST_VISITS]
    rows = [_visit(campaign, target, inspector, method, at) for target in targets]
    Visit.objects.bulk_create(rows)
    write_audit(by=by, action="安排检查", subject=f"{campaign.title} {inspector}"[:120], at=at, detail=f"{len(rows)} 个对象")
    return len(rows)


def _visit(campaign: Campaign, target: CampaignObject, inspector: Inspector, method: Method, at: datetime) -> Visit:
    return Visit(campaign=campaign, target=target, inspector=inspector, line=inspector.line, method=method, planned_at=at)


@transaction.atomic
def add_visit(*, target: CampaignObject, inspector: Inspector, method: Method, by: Actor, at: datetime) -> Visit:
    """An inspector looks at one more thing in their own place. NotFound for anybody else, and elsewhere."""
    campaign = at_work(target.campaign)
    if inspector.campaign_id != campaign.pk or not _may_inspect(inspector, by, local_day(at)) or not target.path.startswith(inspector.path):
        raise NotFound("没有这个对象，或不在您负责检查的地方")
    waiting = Visit.objects.filter(target=target, inspector=inspector, filed_at=None).first()
    if waiting is not None:
        return waiting
    row = _visit(campaign, target, inspector, method, at)
    row.save()
    return row


@dataclass(frozen=True)
class VisitRecord:
    """What an inspector writes down on the spot; a problem has a kind and words, and what was done about it at once."""

    found: Found
    powered: bool | None = None
    plays: bool | None = None
    kept: bool | None = None
    note: str = ""
    problem: ProblemKind | None = None
    words: str = ""
    measure: str = ""
    fixed: Fixed | None = None


@transaction.atomic
def file_visit(*, visit: Visit, record: VisitRecord, age: timedelta = timedelta(), by: Actor, at: datetime) -> Outcome:
    """File the record of a visit, made `age` ago by the phone's own clock; a finding becomes an item at once.

    The appointment is asked of the day it was made: what was written without a signal on the last day may come in later.
    Filed already: ALREADY for the same person (the phone sent it again), Conflict for another. Refused for a finding without its kind.
    """
    campaign = at_work(visit.campaign)
    row = Visit.objects.select_related("inspector", "target").select_for_update(of=("self",)).get(pk=visit.pk)
    if row.inspector.person_uid != by.person_uid:
        raise NotFound("没有这项检查，或不是安排给您的")
    if row.filed_at is not None:
        if row.by_uid == by.person_uid:
            return Outcome.ALREADY
        raise Conflict(f"{row.by_name}已经填报了这项检查")
    made_at = done_at(age, at=at, not_before=row.planned_at)
    if not _may_inspect(row.inspector, by, local_day(made_at)):
        raise NotFound("没有这项检查，或当时不在安排您检查的日期之内")
    if (record.found is Found.PROBLEM) != (record.problem is not None):
        raise Refused("发现问题的请选问题类别，没有发现问题的不选")
    if record.found is Found.GOOD and record.plays is False:
        raise Refused("现场不能播放的，请选“发现问题”和问题类别")
    row.found, row.note = record.found, record.note.strip()[:300]
    row.powered, row.plays, row.kept = record.powered, record.plays, record.kept
    row.made_at, row.filed_at = made_at, at
    row.by_uid, row.by_name = by.person_uid, by.name[:50]
    row.save()
    CampaignObject.objects.filter(pk=row.target_id, inspected_at=None).update(inspected_at=at)
    if record.problem is not None:
        raise_problem(
            campaign=campaign, target=row.target, kind=record.problem, words=record.words, measure=record.measure, visit=row,
            fixed=record.fixed, by=by, at=at,
        )  # fmt: skip
    return Outcome.DONE


def _may_inspect(inspector: Inspector, by: Actor, day: date) -> bool:
    return inspector.person_uid == by.person_uid and inspector.valid_from <= day < inspector.valid_to
