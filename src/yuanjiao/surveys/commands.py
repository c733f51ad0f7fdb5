"""Writes of surveys: draw, give out, tell of a visit, close. A telling is known by its number, as an order's step is (decision 0101)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from yuanjiao.lib.clock import CHINA, local_day
from yuanjiao.lib.draw import draw, new_seed
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.kept import done_at
from yuanjiao.lib.metering import meter
from yuanjiao.network.queries import rates_by_site, rates_of_sites
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import PERMISSIONS, Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import units
from yuanjiao.surveys.models import Member, Survey, Telling, Visit
from yuanjiao.surveys.queries import asks_of, frame_of, sizes_of, span_of, visits_of, word_at
from yuanjiao.surveys.rules import (
    CLASS_NAMES,
    LEAST,
    PLAYS_NAMES,
    VISIT_NAMES,
    Plays,
    Strata,
    SurveyState,
    VisitState,
    allocation,
)

LARGEST = 1000
LATEST = timedelta(days=731)
"""Two years: a survey is walked by then."""
BATCH = 1000
FEW = 2000
"""So many sites are asked about by name; a larger frame by its place."""


@transaction.atomic
def make_survey(
    *, division: Division, title: str, frame_on: date, strata: Strata = Strata.NONE, size: int, due_on: date, by_counties: bool = True,
    by: Actor, at: datetime,
) -> Survey:  # fmt: skip
    """Freeze the frame and draw. Nothing can be drawn anew: another survey is another row. Nothing is asked of anybody yet."""
    by.require(Permission.MAKE_SURVEY, division.path)
    if not title.strip():
        raise Refused("请写名称")
    if frame_on > local_day(at) or due_on < local_day(at):
        raise Refused("抽样框的日期不能晚于今天，走访截止不能早于今天")
    if due_on > local_day(at) + LATEST:
        raise Refused("走访截止不能晚于两年以后")
    survey = Survey.objects.create(
        title=title.strip()[:60], path=division.path, place_name=division.name, frame_on=frame_on, strata=strata, size=size,
        seed=new_seed(), by_counties=by_counties, due_on=due_on, made_by=by.name[:50], unit_name=_unit_name(by, division, at), made_at=at,
    )  # fmt: skip
    frame = frame_of(division, on=frame_on, strata=strata)
    for row in frame:
        row.survey = survey
    Member.objects.bulk_create(frame, batch_size=BATCH)
    _draw(survey)
    write_audit(by=by, action="抽取百村调查样本", subject=survey.title, at=at, detail=f"框 {len(frame)}，抽 {size}，种子 {survey.seed}")
    return survey


def _unit_name(by: Actor, division: Division, at: datetime) -> str:
    """The unit for which the person makes it."""
    held = [one for one in by.grants if Permission.MAKE_SURVEY in PERMISSIONS[one.role] and division.path.startswith(one.path)]
    found = units(on=local_day(at)).filter(pk__in=[one.unit_id for one in held]).first()
    return found.name if found else ""


def _draw(survey: Survey) -> None:
    sizes = sizes_of(survey)
    if not LEAST <= survey.size <= LARGEST or survey.size > sum(sizes.values()):
        raise Refused(f"样本数应在 {LEAST} 到 {min(LARGEST, sum(sizes.values()))} 之间：抽样框有 {sum(sizes.values())} 个村（站点）")
    try:
        counts = allocation(sizes, survey.size)
    except ValueError:
        raise Refused(f"分 {len(sizes)} 层，每层至少 {LEAST} 个，样本数不够") from None
    for stratum, count in counts.items():
        frame = {row.code: row for row in Member.objects.filter(survey=survey, stratum=stratum)}
        drawn = draw(frame, count, survey.seed)
        Visit.objects.bulk_create(Visit(survey=survey, member=frame[code], rank=rank) for rank, code in enumerate(drawn, 1))


@transaction.atomic
def open_survey(*, survey: Survey, by: Actor, at: datetime) -> Survey:
    """Give it out: from now on the drawn villages are visited. Refused while a unit would go over its cap (GOV30)."""
    by.require(Permission.MAKE_SURVEY, survey.path)
    held = _held(survey)
    if held.state != SurveyState.DRAWN:
        raise Conflict("这次调查已经下发")
    if held.due_on < local_day(at):
        raise Refused("走访截止日期已过，请另行抽样")
    meter().require(asks_of(held), subject=subject_of(held), by=by, at=at)
    held.state, held.opened_at = SurveyState.OPEN, at
    held.save(update_fields=["state", "opened_at"])
    write_audit(by=by, action="下发百村调查", subject=held.title, at=at)
    return held


def subject_of(survey: Survey) -> str:
    """How an approval names the survey."""
    return f"survey:{survey.uid}"


def _held(survey: Survey) -> Survey:
    """The survey as it is now, held until the transaction ends."""
    return Survey.objects.select_for_update().get(pk=survey.pk)


@dataclass(frozen=True)
class Told:
    """What somebody says of a visit, on the page or kept on a phone.

    `shown`: how many tellings the page showed; `age`: how long ago by the phone's own clock, which need not be right.
    """

    shown: int
    age: timedelta = timedelta()
    plays: str = ""
    fault_class: str = ""
    remark: str = ""
    unreached: bool = False

    def said(self) -> tuple[str, str, str, str]:
        """State, answer, class and remark as they are kept."""
        if self.unreached:
            return VisitState.UNREACHED, "", "", self.remark.strip()[:200]
        return VisitState.TOLD, self.plays, self.fault_class if self.plays == Plays.NO else "", self.remark.strip()[:200]


def tell_visit(*, visit: Visit, told: Told, by: Actor, at: datetime) -> bool:
    """Write down what was seen, as of the moment it was seen; False when this very telling is here already.

    Conflict when somebody told of it since. A village that could not be visited is replaced by the next of the same draw and stratum.
    """
    with transaction.atomic():
        return _tell(visit, told, by, at)


def _tell(visit: Visit, told: Told, by: Actor, at: datetime) -> bool:
    by.require(Permission.VISIT_VILLAGE, visit.member.path)
    survey = _held(visit.survey)
    row = Visit.objects.select_related("member").get(pk=visit.pk)
    last = row.tellings.order_by("-number").first()
    if last is not None and row.step_count == told.shown + 1 and _same(last, told, by):
        return False
    if survey.state != SurveyState.OPEN:
        raise Refused("这次调查还没有下发，或已经结束")
    if row.step_count != told.shown:
        raise Conflict(_news(last))
    if row.state == VisitState.UNREACHED:
        raise Refused("这个村已记为未能走访，并已替换")
    if told.unreached and row.state == VisitState.TOLD:  # an answer that somebody saw never leaves the sample
        raise Refused("这个村已经走访过，不能再记为未能走访；填错了的请更正")
    _require_whole(told)
    visited_at = _moment(told, survey, last, at)
    _write(row, told, visited_at, by=by, at=at)
    if told.unreached:
        _replace(survey, row)
    return True


def _same(last: Telling, told: Told, by: Actor) -> bool:
    return last.by_uid == by.person_uid and (last.state, last.plays, last.fault_class, last.remark) == told.said()


def _news(last: Telling | None) -> str:
    if last is None:
        return "手机上显示的填报次数不对，请刷新后再看"
    word = PLAYS_NAMES[Plays(last.plays)] if last.plays else VISIT_NAMES[VisitState(last.state)]
    return f"{last.by_name}已于 {last.received_at.astimezone(CHINA):%m-%d %H:%M} 填报“{word}”"


def _require_whole(told: Told) -> None:
    if told.unreached:
        if not told.remark.strip():
            raise Refused("请写明未能走访的原因")
        return
    if told.plays not in set(Plays):
        raise Refused("请选择能否播放")
    if told.plays == Plays.NO and told.fault_class not in CLASS_NAMES:
        raise Refused("不能播放的，请选择问题在哪一类")


def _moment(told: Told, survey: Survey, last: Telling | None, at: datetime) -> datetime:
    """When it was seen: never before the survey was given out. A correction speaks of the same visit, and keeps its moment."""
    seen_at = done_at(told.age, at=at, not_before=survey.opened_at or at)
    return seen_at if last is None else last.visited_at


def _write(row: Visit, told: Told, visited_at: datetime, *, by: Actor, at: datetime) -> None:
    state, plays, fault_class, remark = told.said()
    said = {"state": state, "plays": plays, "fault_class": fault_class, "remark": remark, "visited_at": visited_at}
    word = word_at(row.member.site_id, visited_at) if state == VisitState.TOLD else ""
    seen = Visit.objects.filter(pk=row.pk, step_count=row.step_count)
    if not seen.update(step_count=row.step_count + 1, word=word, **said):
        raise Conflict("刚刚有人填报过，请刷新后再看")
    Telling.objects.create(visit=row, number=row.step_count + 1, received_at=at, by_uid=by.person_uid, by_name=by.name[:50], **said)


def _replace(survey: Survey, row: Visit) -> None:
    """The next of the same draw and stratum; none when all of the stratum have been drawn."""
    frame = {one.code: one for one in Member.objects.filter(survey=survey, stratum=row.member.stratum)}
    rank = Visit.objects.filter(survey=survey, member__stratum=row.member.stratum).count() + 1
    if rank <= len(frame):
        code = draw(frame, rank, survey.seed)[-1]
        Visit.objects.create(survey=survey, member=frame[code], rank=rank, replaces=row)


@transaction.atomic
def close_survey(*, survey: Survey, by: Actor, at: datetime) -> Survey:
    """End it: what telemetry knows by now of each visit's moment, and of the whole frame over the days of the visits, is written down.

    Refused while a village waits. Afterwards nothing of it changes.
    """
    by.require(Permission.MAKE_SURVEY, survey.path)
    held = _held(survey)
    if held.state != SurveyState.OPEN:
        raise Conflict("这次调查没有在走访")
    rows = list(visits_of(held))
    waiting = [row for row in rows if row.state == VisitState.WAITING]
    if waiting:
        raise Refused(f"还有 {len(waiting)} 个村没有走访；确实去不了的，记为未能走访并写明原因")
    if not any(row.state == VisitState.TOLD for row in rows):
        raise Refused("没有一个村走访过，不能出结果")
    _listen_again(rows)
    _freeze_frame(held)
    held.state, held.closed_at = SurveyState.CLOSED, at
    held.save(update_fields=["state", "closed_at"])
    write_audit(by=by, action="结束百村调查", subject=held.title, at=at)
    return held


def _listen_again(rows: list[Visit]) -> None:
    """A journal that came late knows better what was at that moment."""
    for row in rows:
        if row.state == VisitState.TOLD and row.visited_at is not None:
            row.word = word_at(row.member.site_id, row.visited_at)
    Visit.objects.bulk_update(rows, ["word"], batch_size=BATCH)


def _freeze_frame(survey: Survey) -> None:
    """The seconds of every site of the frame from the first to the last visit; at one moment, if there was but one."""
    first, last = span_of(survey)
    assert first is not None
    assert last is not None
    members = {row.site_id: row for row in Member.objects.filter(survey=survey)}
    end = last if (last - first).total_seconds() >= 1 else None
    told = rates_of_sites(members, first, end) if len(members) <= FEW else rates_by_site(survey.path, first, end)
    for one in told:
        row = members.get(one.object_id)
        if row is None:
            continue
        row.up_s, row.down_s, row.unknown_s = one.rate.up, one.rate.down, one.rate.unknown
    Member.objects.bulk_update(list(members.values()), ["up_s", "down_s", "unknown_s"], batch_size=BATCH)


__all__ = ["Told", "close_survey", "make_survey", "open_survey", "subject_of", "tell_visit"]
