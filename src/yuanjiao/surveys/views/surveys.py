"""Pages of surveys: the list, a new one, one with its figures, and the rows behind them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.metering import meter
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission as P
from yuanjiao.places.models import Division
from yuanjiao.places.queries import division_by_code, divisions
from yuanjiao.places.rules import Level
from yuanjiao.surveys import commands, queries
from yuanjiao.surveys.inputs import SurveyForm
from yuanjiao.surveys.models import Member, Survey, Visit
from yuanjiao.surveys.rules import CLASS_NAMES, PLAYS_NAMES, VISIT_NAMES, WORD_NAMES, Strata, SurveyState, VisitState, disagrees
from yuanjiao.surveys.views.wording import field_words, strata_rows, telemetry_words
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.middleware import status_of

SEEING = (P.SEE_REPORTS, P.MAKE_SURVEY)
COLOURS = {SurveyState.DRAWN: "grey", SurveyState.OPEN: "blue", SurveyState.CLOSED: "green"}
VISIT_COLOURS = {VisitState.WAITING: "grey", VisitState.TOLD: "green", VisitState.UNREACHED: "yellow"}


def _paths(request: ActingRequest) -> list[str]:
    return sorted({path for one in SEEING for path in request.actor.paths(one)})


def _address(survey: Survey) -> str:
    return reverse("surveys:survey", args=[survey.uid])


@door(*SEEING)
def survey_list(request: ActingRequest) -> HttpResponseBase:
    """Surveys of the person's area."""
    page: ListPage[Survey] = ListPage(
        title=_("百村调查"),
        rows=queries.surveys(_paths(request)),
        columns=[
            Column(_("名称"), lambda row: row.title, link=_address, width=26),
            Column(_("范围"), lambda row: row.place_name),
            Column(_("状态"), lambda row: row.get_state_display(), badge=lambda row: COLOURS[SurveyState(row.state)]),
            Column(_("样本数"), lambda row: row.size),
            Column(_("分层"), lambda row: row.get_strata_display()),
            Column(_("抽样框截至"), lambda row: row.frame_on, order=("frame_on",)),
            Column(_("走访截止"), lambda row: row.due_on, order=("due_on",)),
        ],
        empty=_("还没有调查。抽样时框、种子都会留存，谁都可以照着再抽一遍。"),
        search=("title",),
        search_hint=_("名称"),
        actions=[(_("抽样"), reverse("surveys:survey_new"))] if request.actor.holds(P.MAKE_SURVEY) else [],
    )
    return respond(request, page)


@door(P.MAKE_SURVEY)
def survey_new(request: ActingRequest) -> HttpResponse:
    """Say what is to be drawn; the draw is made at once and stays."""
    places, today, status = _places(request), clock.today(), 200
    form = SurveyForm(request.POST or None, places=places, initial={"frame_on": today, "due_on": today.replace(day=28)})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            survey = commands.make_survey(
                division=division_by_code(data["place"], on=today), title=data["title"], frame_on=data["frame_on"], size=data["size"],
                strata=Strata(data["strata"]), due_on=data["due_on"], by_counties=data["walkers"] == "counties", by=request.actor,
                at=clock.now(),
            )  # fmt: skip
            messages.success(request, _("已抽样。核对样本和给各县增加的负担后下发。"))
            return redirect("surveys:survey", survey.uid)
        except Refused as error:
            form.add_error(None, error.message)
            status = status_of(error)
    context = {"page_title": _("抽样"), "form": form}
    return render(request, "surveys/survey_new.html", context, status=400 if form.errors and status == 200 else status)


def _places(request: ActingRequest) -> list[Division]:
    """Cities and counties in which the person may draw."""
    found = [
        row
        for path in request.actor.paths(P.MAKE_SURVEY)
        for row in divisions(on=clock.today(), under=path).filter(level__lte=Level.COUNTY)
    ]
    return [row for row in found if row.level >= Level.CITY]


@door(*SEEING)
def survey(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """One survey: how it was drawn, what it asks of whom, what came of it; giving it out and closing it."""
    found = queries.survey_by_uid(uid, _paths(request))
    if request.method == "POST":
        return _act(request, found)
    return _page(request, found)


def _act(request: ActingRequest, found: Survey) -> HttpResponseBase:
    acts = {"open": commands.open_survey, "close": commands.close_survey}
    act = acts.get(request.POST.get("act", ""))
    if act is None:
        raise Refused(_("不认识的操作"))
    try:
        act(survey=found, by=request.actor, at=clock.now())
    except (Refused, Conflict) as error:
        messages.error(request, error.message)
        return _page(request, queries.survey_by_uid(found.uid, _paths(request)), status=status_of(error))
    messages.success(request, _("已下发。") if act is commands.open_survey else _("已结束，数字不再变动。"))
    return redirect("surveys:survey", found.uid)


def _page(request: ActingRequest, found: Survey, *, status: int = 200) -> HttpResponse:
    result, drawn = queries.result_of(found), found.state == SurveyState.DRAWN
    gives = request.actor.covers(P.MAKE_SURVEY, found.path)
    asks = queries.asks_of(found) if drawn and gives else []
    context = {
        "page_title": found.title,
        "survey": found,
        "colour": COLOURS[SurveyState(found.state)],
        "result": result,
        "frame": sum(one.size for one in result.strata),
        "strata": strata_rows(result),
        "classes": [(CLASS_NAMES.get(name, name), count) for name, count in result.classes.items()],
        "differences": queries.differences(found),
        "example": queries.members_of(found)[0].code,
        "weights": meter().weighed(asks, subject=commands.subject_of(found), at=clock.now()),
        "may_open": gives and drawn,
        "may_close": gives and found.state == SurveyState.OPEN,
        "rows": reverse("surveys:visit_list", args=[found.uid]),
        "frame_rows": reverse("surveys:frame_list", args=[found.uid]),
    }
    context |= field_words(found, result.field) | telemetry_words(result)
    return render(request, "surveys/survey.html", context, status=status)


@door(*SEEING)
def visit_list(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """Every drawn village with what was seen and what telemetry said at that moment."""
    found = queries.survey_by_uid(uid, _paths(request))
    page: ListPage[Visit] = ListPage(
        title=_("%s样本") % found.title,
        rows=queries.visits_of(found),
        columns=[
            Column(_("层"), lambda row: row.member.stratum),
            Column(_("次序"), lambda row: row.rank),
            Column(_("村"), lambda row: row.member.village, order=("member__village",)),
            Column(_("县"), lambda row: row.member.county_name),
            Column(_("站点"), lambda row: row.member.code, width=20),
            Column(_("走访"), lambda row: row.get_state_display(), badge=lambda row: VISIT_COLOURS[VisitState(row.state)]),
            Column(_("现场"), lambda row: row.get_plays_display()),
            Column(_("问题在哪"), lambda row: row.get_fault_class_display()),
            Column(_("当时的遥测"), lambda row: row.get_word_display(), badge=_mark),
            Column(_("走访时间"), lambda row: row.visited_at, order=("visited_at",), width=18),
            Column(_("备注或原因"), lambda row: row.remark, width=24),
            Column(_("替换"), lambda row: row.replaces.member.village if row.replaces else ""),
        ],
        empty=_("没有样本。"),
        search=("member__village", "member__code", "member__county_name"),
        search_hint=_("村、县或站点编号"),
        filters=[
            Filter(
                "state", _("走访"), [(str(key), name) for key, name in VISIT_NAMES.items()], lambda rows, value: rows.filter(state=value)
            ),
            Filter(
                "plays", _("现场"), [(str(key), name) for key, name in PLAYS_NAMES.items()], lambda rows, value: rows.filter(plays=value)
            ),
            Filter("word", _("遥测"), [(str(key), name) for key, name in WORD_NAMES.items()], lambda rows, value: rows.filter(word=value)),
            Filter("class", _("问题在哪"), list(CLASS_NAMES.items()), lambda rows, value: rows.filter(fault_class=value)),
            Filter("differ", _("两边"), [("yes", _("现场与遥测不一致"))], _differing),
        ],
        notes=[_("遥测为走访那一刻的记录；标红的与现场不一致")],
    )
    return respond(request, page)


def _mark(row: Visit) -> str | None:
    return "red" if disagrees(row.plays, row.word) else None


def _differing(rows: Any, value: str) -> Any:
    return rows.filter(pk__in=[row.pk for row in rows if disagrees(row.plays, row.word)])


@door(*SEEING)
def frame_list(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """The frame as it was kept; of a closed survey with the seconds of the days of the visits."""
    found = queries.survey_by_uid(uid, _paths(request))
    page: ListPage[Member] = ListPage(
        title=_("%s抽样框") % found.title,
        rows=queries.members_of(found),
        columns=[
            Column(_("站点"), lambda row: row.code, order=("code",), width=20),
            Column(_("村"), lambda row: row.village, order=("village",)),
            Column(_("县"), lambda row: row.county_name),
            Column(_("层"), lambda row: row.stratum, order=("stratum",)),
            Column(_("通（秒）"), lambda row: row.up_s),
            Column(_("断（秒）"), lambda row: row.down_s, order=("down_s",)),
            Column(_("不明（秒）"), lambda row: row.unknown_s, order=("unknown_s",)),
        ],
        empty=_("没有行。"),
        search=("village", "code", "county_name"),
        search_hint=_("村、县或站点编号"),
        lead=_("%(day)s 在用的村级站点。种子 %(seed)s：按“种子、换行、站点编号”的 SHA-256 从小到大，每层取前几个。")
        % {"day": found.frame_on, "seed": found.seed},
    )
    return respond(request, page)
