"""Contests: the list, one contest for whoever comes (organiser, entering unit, judge), and the judge's sheet."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.courseware.queries import columns_managed_by, item_detail, made_items, newest_version
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import people_rows, person_by_uid
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import unit_by_code
from yuanjiao.production import commands, queries
from yuanjiao.production.inputs import ContestForm, pairs
from yuanjiao.production.models import Contest, Entry
from yuanjiao.production.queries.contests import runs
from yuanjiao.production.rules.contests import Stage
from yuanjiao.production.views.parts import act, form_page, own_units
from yuanjiao.ui.lists import Column, ListPage, respond

P = Permission
COLOURS = {"call": "blue", "judging": "yellow", "publicity": "yellow", "awarded": "green"}


@door()
@require_safe
def contest_list(request: ActingRequest) -> HttpResponseBase:
    columns: list[Column[Contest]] = [
        Column(_("评选"), lambda row: row.title, link=lambda row: reverse("production:contest", args=[row.uid]), width=30),
        Column(_("阶段"), lambda row: row.get_stage_display(), badge=lambda row: COLOURS[row.stage]),
        Column(_("征集截止"), lambda row: row.entries_until, order=("entries_until",)),
        Column(_("主办单位"), lambda row: row.unit.name, width=24),
    ]
    actions = [(_("发起评选"), reverse("production:contest_new"))] if request.actor.holds(P.MANAGE_COLUMNS) else []
    page = ListPage(
        title=_("课件评选"), rows=queries.contests_seen(request.actor), columns=columns, empty=_("还没有评选。"), actions=actions
    )
    return respond(request, page)


@door(P.MANAGE_COLUMNS)
def contest_new(request: ActingRequest) -> HttpResponse:
    form = ContestForm(request.POST or None, units=own_units(request))

    def save(said: Any) -> str:
        row = commands.open_contest(**{**said, "unit": unit_by_code(said["unit"])}, by=request.actor, at=clock.now())
        return reverse("production:contest", args=[row.uid])

    back = (reverse("production:contest_list"), _("课件评选"))
    return form_page(request, form, title=_("发起评选"), back=back, save=save, done=_("评选已发起。"))


def _units(request: ActingRequest) -> set[int]:
    own = {grant.unit_id for grant in request.actor.grants}
    return own | {person_by_uid(request.actor.person_uid).unit_id} if request.actor.person_uid else own


@door()
@require_safe
def contest(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One contest. Judges see numbers and titles of what they received; who runs it sees units and how many sheets are in, no score."""
    row = queries.contest_by_uid(request.actor, uid)
    judge = queries.judge_of(row, request.actor)
    running = runs(request.actor, row) and judge is None
    over = row.stage in {Stage.PUBLICITY, Stage.AWARDED}
    context = {
        "page_title": row.title,
        "contest": row,
        "colour": COLOURS[row.stage],
        "running": running,
        "judge": judge,
        "ends_on": commands.contests.publicity_ends_on(row),
        "received": _received(row, judge, request) if judge and row.stage == Stage.JUDGING else [],
        "entries": [(one, one.sheets.count()) for one in row.entries.select_related("unit")] if running and not over else [],
        "standings": queries.standings(row) if over else [],
        "mine": _mine(row, request) if row.stage == Stage.CALL and judge is None else [],
        "people": people_rows().filter(unit__division__path__startswith=row.unit.division.path)
        if running and row.stage in {Stage.CALL, Stage.JUDGING}
        else [],
        "columns": columns_managed_by(request.actor) if running else [],
        "objections": row.objections.all() if running else [],
    }
    return render(request, "production/contest.html", context)


def _received(row: Contest, judge: Any, request: ActingRequest) -> list[tuple[Entry, Any]]:
    sheets = {one.entry_id: one for one in judge.sheets.all()}
    return [(one, sheets.get(one.pk)) for one in queries.entries_for_judge(judge, _units(request))]


def _mine(row: Contest, request: ActingRequest) -> list[Any]:
    """Released works of the person's subtree that are not sent in yet."""
    paths = [*request.actor.paths(P.PRODUCE_COURSEWARE), *request.actor.paths(P.MANAGE_COLUMNS)]
    sent = set(row.entries.values_list("item_uid", flat=True))
    found = made_items(under=row.unit.division.path)
    return [one for one in found if one.uid not in sent and any(one.path.startswith(path) for path in paths)][:100]


@door()
@require_POST
def contest_act(request: ActingRequest, uid: UUID, what: str) -> HttpResponse:
    """The buttons of a contest."""
    row, said = queries.contest_by_uid(request.actor, uid), request.POST
    who: Any = {"by": request.actor, "at": clock.now()}
    doings = {
        "enter": lambda: commands.enter_work(contest=row, item=_uid(said.get("item", "")), **who),
        "refuse": lambda: commands.refuse_entry(entry=_entry(row, said.get("entry", "")), reason=said.get("reason", ""), **who),
        "judge": lambda: commands.ask_judge(contest=row, person=person_by_uid(_uid(said.get("person", ""))), **who),
        "begin": lambda: commands.begin_judging(contest=row, units=_judges_units(row), **who),
        "close": lambda: commands.close_judging(contest=row, prizes=_prizes(said.get("prizes", "")), **who),
        "object": lambda: commands.raise_objection(contest=row, words=said.get("words", ""), **who),
        "answer": lambda: commands.answer_objection(objection=_objection(row, said), answer=said.get("answer", ""), **who),
        "award": lambda: commands.award_contest(contest=row, column=_column(request), **who),
    }
    if what not in doings:
        raise NotFound("没有这个操作")
    return act(request, doings[what], reverse("production:contest", args=[uid]))


def _prizes(text: str) -> list[tuple[str, int]]:
    try:
        return pairs(text)
    except ValidationError as error:
        raise Refused("请每行写一个奖项和名额，例：一等奖 1") from error


def _judges_units(row: Contest) -> dict[int, set[int]]:
    """Each judge's units: the own one and those of memberships."""
    judges = row.judges.select_related("person").prefetch_related("person__memberships")
    return {judge.pk: {judge.person.unit_id, *(one.unit_id for one in judge.person.memberships.all())} for judge in judges}


def _uid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused("请先选择") from None


def _entry(row: Contest, text: str) -> Entry:
    found = row.entries.filter(uid=_uid(text)).first()
    if found is None:
        raise NotFound("没有这件作品")
    return found


def _objection(row: Contest, said: Any) -> Any:
    found = row.objections.filter(pk=said.get("objection", "0") or 0).first() if said.get("objection", "").isdecimal() else None
    if found is None:
        raise NotFound("没有这条异议")
    return found


def _column(request: ActingRequest) -> Any:
    text = request.POST.get("column", "")
    return columns_managed_by(request.actor).filter(uid=_uid(text)).first() if text else None


@door()
def sheet(request: ActingRequest, uid: UUID) -> HttpResponse:
    """The judge's sheet of one work received: number, title, the work itself of whatever kind; not who made it (CW12)."""
    entry, judge = _for_judge(request, uid)
    criteria = list(entry.contest.criteria.all())
    back = reverse("production:contest", args=[entry.contest.uid])
    if request.method == "POST":
        who: Any = {"by": request.actor, "at": clock.now()}
        if "step_back" in request.POST:
            return act(request, lambda: commands.step_back(entry=entry, reason=request.POST.get("reason", ""), **who), back)
        given = {one.pk: request.POST.get(f"c{one.pk}", "") for one in criteria}
        points = {key: int(text) for key, text in given.items() if text.isdecimal()}
        words = request.POST.get("words", "")
        return act(request, lambda: commands.hand_in_sheet(entry=entry, points=points, words=words, **who), back)
    held = judge.sheets.filter(entry=entry).first()
    points = dict(held.lines.values_list("criterion_id", "given")) if held else {}
    rows = [(one, points.get(one.pk, "")) for one in criteria]
    context = {"page_title": _("%d 号作品") % entry.number, "entry": entry, "rows": rows, "held": held, "back": back}
    return render(request, "production/sheet.html", {**context, **_shown(entry)})


def _shown(entry: Entry) -> dict[str, Any]:
    """The work without who made it or speaks in it: what of it is played, read, looked at. Empty once it is withdrawn."""
    newest = newest_version(entry.item_uid) or entry.item_uid
    try:
        work = item_detail(newest, on=clock.today())
    except NotFound:
        return {}
    return {
        "work": {"kind": work.kind, "summary": work.summary, "body": work.body, "address": work.address, "parts": work.parts},
        "film": work.rendition("box-sd") if work.kind == Kind.VIDEO else None,
        "sound": work.rendition("audio"),
        "captions": work.rendition("captions"),
    }


def _for_judge(request: ActingRequest, uid: UUID) -> tuple[Entry, Any]:
    for row in queries.contests_seen(request.actor).filter(entries__uid=uid):
        judge = queries.judge_of(row, request.actor)
        if judge is not None:
            found = next((one for one in queries.entries_for_judge(judge, _units(request)) if one.uid == uid), None)
            if found is not None:
                return found, judge
    raise NotFound("没有分到这件作品")
