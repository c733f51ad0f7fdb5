"""A contest from call to award (CW11, CW12). Each command first asks whether the stage allows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from yuanjiao.courseware.commands import release_courseware
from yuanjiao.courseware.models import Column
from yuanjiao.courseware.queries import Made, item_for, made_items
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.models import Person
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.production.commands.certificates import issue_certificate
from yuanjiao.production.models import Award, Contest, Criterion, Entry, Judge, Objection, Recusal, Sheet, SheetLine
from yuanjiao.production.queries.contests import entries_for_judge, judge_of, receives, standings
from yuanjiao.production.rules.contests import LEAST_PUBLICITY_DAYS, STAGE_NAMES, Stage, sheet_fault
from yuanjiao.production.rules.contests import Criterion as Asked

NAMES = {stage.value: name for stage, name in STAGE_NAMES}


def _require(contest: Contest, stage: Stage, by: Actor | None = None) -> None:
    """The contest is at this stage and stays there until the transaction ends: who moves it on waits for a sheet being handed in."""
    contest.refresh_from_db(from_queryset=Contest.objects.select_for_update())
    if by is not None:
        by.require(Permission.MANAGE_COLUMNS, contest.unit.division.path)
    if contest.stage != stage:
        raise Refused(f"评选正在“{NAMES[contest.stage]}”阶段，不能这样做")


def _move(contest: Contest, old: Stage, new: Stage, **changes: object) -> None:
    if not Contest.objects.filter(pk=contest.pk, stage=old).update(stage=new, **changes):
        raise Conflict("评选刚刚被别人推进过，请刷新后再看")
    contest.refresh_from_db()


@transaction.atomic
def open_contest(
    *,
    title: str,
    unit: OrgUnit,
    entries_until: date,
    criteria: Sequence[tuple[str, int]],
    by: Actor,
    at: datetime,
    call: str = "",
    made_from: date | None = None,
    least_sheets: int = 3,
    publicity_days: int = LEAST_PUBLICITY_DAYS,
) -> Contest:
    """Call for works. `criteria` are (what is judged, most points), a hundred together."""
    by.require(Permission.MANAGE_COLUMNS, unit.division.path)
    if not title.strip() or entries_until < local_day(at):
        raise Refused("请写明名称；征集截止不能早于今天")
    if not criteria or sum(most for _title, most in criteria) != 100 or min(most for _title, most in criteria) < 1:
        raise Refused("评分项的满分合计应为 100")
    if least_sheets < 1 or publicity_days < LEAST_PUBLICITY_DAYS:
        raise Refused(f"每件至少一张评分表，公示不少于 {LEAST_PUBLICITY_DAYS} 天")
    row = Contest.objects.create(
        title=title.strip(), call=call.strip(), unit=unit, entries_until=entries_until, made_from=made_from,
        least_sheets=least_sheets, publicity_days=publicity_days,
    )  # fmt: skip
    Criterion.objects.bulk_create(
        Criterion(contest=row, position=number, title=name.strip(), most=most) for number, (name, most) in enumerate(criteria, 1)
    )
    write_audit(by=by, action="发起评选", subject=f"评选 {row.title}", at=at, detail=f"征集至 {entries_until}")
    return row


@transaction.atomic
def ask_judge(*, contest: Contest, person: Person, by: Actor, at: datetime) -> Judge:
    """Ask a person to judge, before judging is closed."""
    by.require(Permission.MANAGE_COLUMNS, contest.unit.division.path)
    if contest.stage not in {Stage.CALL, Stage.JUDGING}:
        raise Refused("评审已经结束")
    row, made = Judge.objects.get_or_create(contest=contest, person=person)
    if not made:
        raise Conflict(f"{person.name} 已是评委")
    write_audit(by=by, action="聘请评委", subject=f"评选 {contest.title}", at=at, detail=person.name)
    return row


@transaction.atomic
def enter_work(*, contest: Contest, item: UUID, by: Actor, at: datetime) -> Entry:
    """Send in a released item of a unit in one's own subtree. Refused after the last day, for an older work, and twice."""
    _require(contest, Stage.CALL)
    if local_day(at) > contest.entries_until:
        raise Refused(f"征集已于 {contest.entries_until:%Y-%m-%d} 截止")
    made = _made(item, contest, by)
    if contest.made_from is not None and local_day(made.released_at) < contest.made_from:
        raise Refused(f"只收 {contest.made_from:%Y-%m-%d} 以后发布的作品")
    if contest.entries.filter(item_uid=item).exists():
        raise Conflict("这件作品已经报送")
    number = (contest.entries.aggregate(last=Max("number"))["last"] or 0) + 1
    row = Entry.objects.create(contest=contest, number=number, item_uid=item, title=made.title, unit_id=made.unit, entered_at=at)
    write_audit(by=by, action="报送作品", subject=f"评选 {contest.title}", at=at, detail=made.title)
    return row


def _made(item: UUID, contest: Contest, by: Actor) -> Made:
    """The item, made in a subtree for which the person produces or manages columns, inside the contest's own area."""
    paths = [*by.paths(Permission.PRODUCE_COURSEWARE), *by.paths(Permission.MANAGE_COLUMNS)]
    found = next((one for one in made_items(under=contest.unit.division.path) if one.uid == item), None)
    if found is None or not any(found.path.startswith(path) for path in paths):
        raise NotFound("没有这件已发布的作品，或不在您的范围内")
    return found


@transaction.atomic
def refuse_entry(*, entry: Entry, reason: str, by: Actor, at: datetime) -> None:
    """Not eligible, with the reason; before judging begins."""
    _require(entry.contest, Stage.CALL, by)
    if not reason.strip():
        raise Refused("请写明为什么不符合条件")
    entry.refusal = reason.strip()
    entry.save(update_fields=["refusal"])
    write_audit(by=by, action="作品不符合条件", subject=f"评选 {entry.contest.title}", at=at, detail=f"{entry}：{reason}")


@transaction.atomic
def begin_judging(*, contest: Contest, units: Mapping[int, set[int]], by: Actor, at: datetime) -> None:
    """Close the call. Refused while a work could not get enough sheets from judges of other units. `units`: each judge's units by key."""
    _require(contest, Stage.CALL, by)
    entries = list(contest.entries.filter(refusal="").select_related("unit"))
    if not entries:
        raise Refused("还没有符合条件的作品")
    judges = list(contest.judges.all())
    for entry in entries:
        able = sum(receives(entry, units.get(judge.pk, set()), set()) for judge in judges)
        if able < contest.least_sheets:
            raise Refused(f"{entry.number} 号作品只有 {able} 位别单位的评委，至少要 {contest.least_sheets} 位")
    _move(contest, Stage.CALL, Stage.JUDGING)
    write_audit(by=by, action="开始评审", subject=f"评选 {contest.title}", at=at, detail=f"{len(entries)} 件，{len(judges)} 位评委")


def _received(entry: Entry, by: Actor) -> Judge:
    """The acting judge, who must have received this work."""
    judge = judge_of(entry.contest, by)
    units = {grant.unit_id for grant in by.grants}
    if judge is None or entry.pk not in {one.pk for one in entries_for_judge(judge, units | {judge.person.unit_id})}:
        raise NotFound("没有分到这件作品")
    return judge


@transaction.atomic
def hand_in_sheet(*, entry: Entry, points: Mapping[int, int], words: str, by: Actor, at: datetime) -> Sheet:
    """Give points for every criterion, by its key; until closing a judge may hand in anew. NotFound for a work not received."""
    _require(entry.contest, Stage.JUDGING)
    judge = _received(entry, by)
    criteria = list(entry.contest.criteria.all())
    asked = [Asked(str(one.pk), one.title, one.most) for one in criteria]
    if fault := sheet_fault(asked, {str(key): given for key, given in points.items()}):
        raise Refused(fault)
    sheet, _made_now = Sheet.objects.update_or_create(judge=judge, entry=entry, defaults={"words": words.strip(), "at": at})
    sheet.lines.all().delete()
    SheetLine.objects.bulk_create(SheetLine(sheet=sheet, criterion=one, given=points[one.pk]) for one in criteria)
    write_audit(by=by, action="交评分表", subject=f"评选 {entry.contest.title}", at=at, detail=f"{entry.number} 号")
    return sheet


@transaction.atomic
def step_back(*, entry: Entry, reason: str, by: Actor, at: datetime) -> None:
    """Step back from a work (回避); a sheet already handed in for it is taken out."""
    _require(entry.contest, Stage.JUDGING)
    judge = _received(entry, by)
    if not reason.strip():
        raise Refused("请写明回避原因")
    Recusal.objects.create(judge=judge, entry=entry, reason=reason.strip(), at=at)
    Sheet.objects.filter(judge=judge, entry=entry).delete()
    write_audit(by=by, action="评委回避", subject=f"评选 {entry.contest.title}", at=at, detail=f"{entry.number} 号：{reason}")


@transaction.atomic
def close_judging(*, contest: Contest, prizes: Sequence[tuple[str, int]], by: Actor, at: datetime) -> None:
    """Close judging, propose prizes by place and begin publicity. `prizes` are (name, how many) from the highest.

    Refused while a work has too few sheets. Works with equal totals get the same prize, even if that makes one more of it.
    """
    _require(contest, Stage.JUDGING, by)
    for entry in contest.entries.filter(refusal=""):
        if (count := entry.sheets.count()) < contest.least_sheets:
            raise Refused(f"{entry.number} 号作品只有 {count} 张评分表，至少要 {contest.least_sheets} 张")
    if not prizes or any(count < 1 or not name.strip() for name, count in prizes):
        raise Refused("请写明奖项和名额")
    _move(contest, Stage.JUDGING, Stage.PUBLICITY, publicised_on=local_day(at))
    limits, limit = [], 0
    for name, count in prizes:
        limit += count
        limits.append((limit, name.strip()))
    for row in standings(contest):
        prize = next((name for last, name in limits if row.place is not None and row.place <= last), "")
        if prize:
            Award.objects.create(entry=row.entry, prize=prize)
    write_audit(by=by, action="评审结束，开始公示", subject=f"评选 {contest.title}", at=at, detail=f"公示 {contest.publicity_days} 天")


@transaction.atomic
def raise_objection(*, contest: Contest, words: str, by: Actor, at: datetime) -> Objection:
    """Say during publicity what seems wrong. Whoever may see the contest may object; the row names nobody."""
    _require(contest, Stage.PUBLICITY)
    if not words.strip():
        raise Refused("请写明异议内容")
    row = Objection.objects.create(contest=contest, words=words.strip(), at=at)
    write_audit(by=by, action="对评选提出异议", subject=f"评选 {contest.title}", at=at)
    return row


@transaction.atomic
def answer_objection(*, objection: Objection, answer: str, by: Actor, at: datetime) -> None:
    """Answer an objection; only then can anything be awarded."""
    _require(objection.contest, Stage.PUBLICITY, by)
    if not answer.strip():
        raise Refused("请写明答复")
    objection.answer, objection.answered_at = answer.strip(), at
    objection.save(update_fields=["answer", "answered_at"])
    write_audit(by=by, action="答复异议", subject=f"评选 {objection.contest.title}", at=at)


def publicity_ends_on(contest: Contest) -> date | None:
    """The first day on which prizes may be awarded."""
    return contest.publicised_on + timedelta(days=contest.publicity_days) if contest.publicised_on else None


@transaction.atomic
def award_contest(*, contest: Contest, column: Column | None, by: Actor, at: datetime) -> int:
    """Award what was publicised: a certificate for each prize, and the works into a column to be seen. Returns the certificates.

    Refused before publicity is over and while an objection is open.
    """
    _require(contest, Stage.PUBLICITY, by)
    ends_on = publicity_ends_on(contest)
    if ends_on is None or local_day(at) < ends_on:
        raise Refused(f"公示到 {ends_on:%Y-%m-%d} 才满，之前不能评定")
    if contest.objections.filter(answered_at=None).exists():
        raise Refused("还有没有答复的异议")
    _move(contest, Stage.PUBLICITY, Stage.AWARDED)
    awards = list(Award.objects.filter(entry__contest=contest).select_related("entry__unit").order_by("pk"))
    for award in awards:
        reason = f"《{award.entry.title}》获“{contest.title}”{award.prize}"
        issue_certificate(holder=award.entry.unit.name, reason=reason[:120], unit=contest.unit, item=award.entry.item_uid, by=by, at=at)
        if column is not None:
            _feature(award.entry, column, by, at)
    write_audit(by=by, action="评定奖项", subject=f"评选 {contest.title}", at=at, detail=f"{len(awards)} 个奖项")
    return len(awards)


def _feature(entry: Entry, column: Column, by: Actor, at: datetime) -> None:
    """Into the column; one that stands there already stays."""
    item = item_for(by, entry.item_uid)
    if not column.placements.filter(courseware=item).exists():
        release_courseware(courseware=item, columns=[column], by=by, at=at)
