"""The producer's pages: my items, a new one, the item with its upload, packaging and story; and the library of those who look after it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.courseware import commands, queries
from yuanjiao.courseware.inputs import CoursewareForm, sent
from yuanjiao.courseware.models import Courseware, CoursewareClass, JobState
from yuanjiao.courseware.rules.kinds import FROM_ONE_FILE, KIND_NAMES, Kind
from yuanjiao.courseware.rules.life import ASLEEP, EDITABLE, ROUND_NAMES, STATE_NAMES, State
from yuanjiao.courseware.rules.profiles import BY_NAME
from yuanjiao.courseware.views.packaging import progress_of
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import ancestors
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P = Permission
BADGES = {
    State.DRAFT: "grey",
    State.PACKAGING: "blue",
    State.IN_REVIEW: "yellow",
    State.APPROVED: "yellow",
    State.RELEASED: "green",
    State.RETURNED: "red",
    State.WITHDRAWN: "grey",
    State.REVISED: "grey",
    State.EXPIRED: "grey",
}
COLUMNS: tuple[Column[Courseware], ...] = (
    Column(_("标题"), lambda row: row.title, link=lambda row: reverse("courseware:item", args=[row.uid]), order=("title",), width=30),
    Column(_("状态"), lambda row: row.get_state_display(), badge=lambda row: BADGES[State(row.state)], order=("state",)),
    Column(_("形式"), lambda row: row.get_kind_display(), order=("kind",)),
    Column(_("类别"), lambda row: row.get_item_class_display(), order=("item_class",)),
    Column(_("来源"), lambda row: row.get_source_display(), order=("source",)),
    Column(_("制作人"), lambda row: row.author.name if row.author else "—"),
    Column(_("制作单位"), lambda row: row.unit.name, width=24),
    Column(_("时长（秒）"), lambda row: round(row.duration_s) or None, order=("duration_s",)),
    Column(_("建立时间"), lambda row: row.created_at, order=("created_at",), width=18),
    Column(_("发布时间"), lambda row: row.released_at, order=("released_at",), width=18),
)
NATURES = {"case": Q(is_case=True), "story": Q(is_story=True)}
FILTERS = (
    Filter("state", _("状态"), [(state.value, name) for state, name in STATE_NAMES], lambda rows, value: rows.filter(state=value)),
    Filter("kind", _("形式"), [(kind.value, name) for kind, name in KIND_NAMES], lambda rows, value: rows.filter(kind=value)),
    Filter("class", _("类别"), CoursewareClass.choices, lambda rows, value: rows.filter(item_class=value)),
    Filter(
        "nature", _("性质"), [("case", _("教学案例")), ("story", _("人物事迹"))], lambda rows, value: rows.filter(NATURES.get(value, Q()))
    ),
)


@door(P.PRODUCE_COURSEWARE)
@require_safe
def item_list(request: ActingRequest) -> HttpResponseBase:
    mine = queries.items_seen_by(request.actor).filter(queries.made_by(request.actor))
    page = ListPage(
        title=_("我的课件"),
        rows=mine,
        columns=[column for column in COLUMNS if column.title not in {_("制作人"), _("制作单位")}],
        empty=_("还没有课件。点右上角“新建课件”，填一个标题，再把手机或电脑里的视频传上来，其余由系统完成。"),
        search=("title", "summary"),
        search_hint=_("标题或简介"),
        filters=FILTERS,
        actions=[(_("新建课件"), reverse("courseware:item_new"))],
    )
    return respond(request, page)


@door(P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
@require_safe
def library(request: ActingRequest) -> HttpResponseBase:
    page = ListPage(
        title=_("课件库"),
        rows=queries.items_seen_by(request.actor),
        columns=COLUMNS,
        empty=_("您负责的范围内还没有课件。制作员上传后会出现在这里。"),
        search=("title", "summary", "speaker"),
        search_hint=_("标题、简介或主讲人"),
        filters=FILTERS,
    )
    return respond(request, page)


NEXT = {
    Kind.VIDEO: _("下一步：上传视频"),
    Kind.AUDIO: _("下一步：上传录音"),
    Kind.ARTICLE: _("下一步：写正文"),
    Kind.PICTURES: _("下一步：上传图片"),
    Kind.DOCUMENT: _("下一步：上传文档"),
    Kind.LINK: _("建立"),
}


@door(P.PRODUCE_COURSEWARE)
def item_new(request: ActingRequest) -> HttpResponse:
    """The kind stands in the address (?kind=article), so that each kind's form asks only what it needs."""
    kind = next((one for one, _name in KIND_NAMES if one == request.GET.get("kind")), Kind.VIDEO)
    form = CoursewareForm(sent(request), kind=kind, topics=queries.topics_offered())
    if request.method == "POST" and form.is_valid():
        try:
            item = commands.create_courseware(kind=kind, **form.words(), by=request.actor, at=clock.now())
        except Refused as error:
            form.add_error(None, error.message)
        else:
            return redirect("courseware:item", item.uid)
    context = {"page_title": _("新建课件"), "form": form, "submit": NEXT[kind], "kinds": KIND_NAMES, "kind": kind}
    return render(request, "courseware/item_form.html", context, status=400 if form.errors and form.is_bound else 200)


@door(P.PRODUCE_COURSEWARE)
def item_edit(request: ActingRequest, uid: UUID) -> HttpResponse:
    item = queries.item_for(request.actor, uid)
    form = CoursewareForm(sent(request), initial=CoursewareForm.values_of(item), kind=item.kind, topics=queries.topics_offered())
    if request.method == "POST" and form.is_valid():
        try:
            commands.describe_courseware(courseware=item, **form.words(), by=request.actor, at=clock.now())
        except Refused as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已保存。"))
            return redirect("courseware:item", uid)
    return render(request, "courseware/item_form.html", {"page_title": _("修改说明"), "form": form, "item": item, "submit": _("保存")})


@door(P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
@require_safe
def item(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.item_for(request.actor, uid)
    return render(request, "courseware/item.html", _item_context(request, row))


@door(P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
@require_safe
def item_progress(request: ActingRequest, uid: UUID) -> HttpResponse:
    """The packaging table alone; when the work is over, htmx is told to load the whole page."""
    row = queries.item_for(request.actor, uid)
    answer = render(request, "courseware/_progress.html", _progress_context(row))
    if not answer.headers.get("HX-Refresh") and not _at_work(row):
        answer["HX-Refresh"] = "true"
    return answer


def _at_work(row: Courseware) -> bool:
    return row.jobs.filter(state__in=[JobState.WAITING, JobState.RUNNING]).exists()


def _progress_context(row: Courseware) -> dict[str, Any]:
    order = list(BY_NAME)
    jobs = sorted(row.jobs.all(), key=lambda job: order.index(job.profile) if job.profile in order else len(order))
    return {
        "item": row,
        "jobs": [(job, BY_NAME[job.profile].title if job.profile in BY_NAME else _("页面")) for job in jobs],
        "at_work": any(job.state in {JobState.WAITING, JobState.RUNNING} for job in jobs),
        "failed": any(job.state == JobState.FAILED for job in jobs),
        "ordinary": any(job.state == JobState.WAITING and not job.urgent for job in jobs),
        **progress_of(row, jobs),
    }


def _item_context(request: ActingRequest, row: Courseware) -> dict[str, Any]:
    actor, detail = request.actor, queries.detail_of(row)
    mine = row.author is not None and row.author.uid == actor.person_uid and actor.holds(P.PRODUCE_COURSEWARE)
    progress = _progress_context(row)
    manages = actor.covers(P.MANAGE_COLUMNS, row.unit.division.path)
    return {
        **progress,
        **_allowed(request, row, mine, manages, progress),
        "page_title": row.title,
        "detail": detail,
        "badge": BADGES[State(row.state)],
        "steps": row.steps.order_by("at", "pk"),
        "reviews": [(one, ROUND_NAMES[min(one.round, len(ROUND_NAMES)) - 1]) for one in queries.reviews_of(row)],
        "round_name": ROUND_NAMES[min(row.rounds_passed, len(ROUND_NAMES) - 1)],
        "missing": commands.missing_of(row) if mine and State(row.state) in EDITABLE else [],
        "against": [*commands.against_rights(row, clock.today()), *commands.against_consents(row)],
        "policy": queries.policy_of(row.uid, on=clock.today()),
        "explains": queries.policy_links(row),
        "manages": manages,
        "people": queries.shown_people(actor, row),
        "cited": row.needs.order_by("pk"),
        "streamed": any(one.hls and one.kind != "captions" for one in detail.renditions),
        "poster": detail.rendition("poster"),
        "progressive": detail.rendition("box-sd") or detail.rendition("audio"),
        "captions": detail.rendition("captions"),
        "offer_to": _offer_to(row) if mine and State(row.state) in commands.READY else [],
        "mine": mine,
        "columns": _open_columns(request, row) if not mine and manages else [],
        "max_upload_bytes": settings.MAX_UPLOAD_BYTES,
        "max_form_bytes": settings.MAX_BODY_BYTES,
    }


def _offer_to(row: Courseware) -> list[Division]:
    """Places above the item's unit that have editors of their own."""
    above = reversed(list(ancestors(row.unit.division)))
    return [one for one in above if one.level in {Level.COUNTY, Level.CITY} and one.path != row.unit.division.path]


def _allowed(request: ActingRequest, row: Courseware, mine: bool, manages: bool, progress: dict[str, Any]) -> dict[str, Any]:
    """Which buttons the person is shown; the commands decide again."""
    actor, path, state, kind = request.actor, row.unit.division.path, State(row.state), Kind(row.kind)
    reviews = actor.covers(P.REVIEW_COURSEWARE, path) and not mine
    over = state == State.PACKAGING and progress["failed"] and not progress["at_work"]
    may_review = reviews and state == State.IN_REVIEW and actor.person_uid not in commands.reviewers_of(row)
    first = state == State.DRAFT and kind not in FROM_ONE_FILE
    return {
        "may_edit": mine and state in EDITABLE,
        "may_write": mine and state in EDITABLE and kind == Kind.ARTICLE,
        "may_illustrate": mine and state in EDITABLE and kind in commands.ILLUSTRATED,
        "may_upload": mine and kind in FROM_ONE_FILE and (state in EDITABLE or over),
        "may_retry": mine and over,
        "may_hurry": reviews and progress["ordinary"],
        "may_caption": mine and row.duration_s > 0 and state in {*EDITABLE, State.PACKAGING, State.IN_REVIEW},
        "may_submit": mine and (first or state in ASLEEP) and not commands.missing_of(row),
        "may_revise": state == State.RELEASED and actor.covers(P.PRODUCE_COURSEWARE, path),
        "may_keep_papers": ((mine or manages) and state not in {State.REVISED, State.WITHDRAWN}) or (mine and state in ASLEEP),
        "may_review": may_review,
        "checklist": commands.checklist_of(row) if may_review else [],
        "may_return": reviews and state == State.APPROVED,
        "may_release": not mine and state in {State.APPROVED, State.RELEASED} and manages,
        "replaces": row.revises if row.revises and row.revises.state == State.RELEASED and state != State.RELEASED else None,
        "may_withdraw": state not in {State.WITHDRAWN, State.REVISED} and (mine or manages or reviews),
    }


def _open_columns(request: ActingRequest, row: Courseware) -> list[Any]:
    taken = set(row.placements.values_list("column_id", flat=True))
    today = clock.today()
    return [c for c in queries.columns_managed_by(request.actor) if c.pk not in taken and (c.visible_to is None or c.visible_to > today)]
