"""The producer's pages: my items, a new one, the item with its upload, packaging and story; and the library of those who look after it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.courseware import commands, queries
from yuanjiao.courseware.inputs import CoursewareForm, sent
from yuanjiao.courseware.models import Courseware, CoursewareClass, JobState
from yuanjiao.courseware.packaging.probe import NotUsable
from yuanjiao.courseware.rules.life import EDITABLE, STATE_NAMES, State
from yuanjiao.courseware.rules.profiles import BY_NAME
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
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
}
COLUMNS: tuple[Column[Courseware], ...] = (
    Column(_("标题"), lambda row: row.title, link=lambda row: reverse("courseware:item", args=[row.uid]), order=("title",), width=30),
    Column(_("状态"), lambda row: row.get_state_display(), badge=lambda row: BADGES[State(row.state)], order=("state",)),
    Column(_("类别"), lambda row: row.get_item_class_display(), order=("item_class",)),
    Column(_("来源"), lambda row: row.get_source_display(), order=("source",)),
    Column(_("制作人"), lambda row: row.author.name if row.author else "—"),
    Column(_("制作单位"), lambda row: row.unit.name, width=24),
    Column(_("时长（秒）"), lambda row: round(row.duration_s) or None, order=("duration_s",)),
    Column(_("建立时间"), lambda row: row.created_at, order=("created_at",), width=18),
    Column(_("发布时间"), lambda row: row.released_at, order=("released_at",), width=18),
)
FILTERS = (
    Filter("state", _("状态"), [(state.value, name) for state, name in STATE_NAMES], lambda rows, value: rows.filter(state=value)),
    Filter("class", _("类别"), CoursewareClass.choices, lambda rows, value: rows.filter(item_class=value)),
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


@door(P.PRODUCE_COURSEWARE)
def item_new(request: ActingRequest) -> HttpResponse:
    form = CoursewareForm(sent(request))
    if request.method == "POST" and form.is_valid():
        item = commands.create_courseware(**form.words(), by=request.actor, at=clock.now())
        return redirect("courseware:item", item.uid)
    return render(request, "courseware/item_form.html", {"page_title": _("新建课件"), "form": form, "submit": _("下一步：上传视频")})


@door(P.PRODUCE_COURSEWARE)
def item_edit(request: ActingRequest, uid: UUID) -> HttpResponse:
    item = queries.item_for(request.actor, uid)
    initial = {name: getattr(item, name) for name in ("title", "summary", "speaker", "item_class", "source")}
    form = CoursewareForm(sent(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        commands.describe_courseware(courseware=item, **form.words(), by=request.actor, at=clock.now())
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
        "jobs": [(job, BY_NAME[job.profile].title if job.profile in BY_NAME else job.profile) for job in jobs],
        "at_work": any(job.state in {JobState.WAITING, JobState.RUNNING} for job in jobs),
        "failed": any(job.state == JobState.FAILED for job in jobs),
    }


def _item_context(request: ActingRequest, row: Courseware) -> dict[str, Any]:
    actor, detail = request.actor, queries.detail_of(row)
    mine = row.author is not None and row.author.uid == actor.person_uid and actor.holds(P.PRODUCE_COURSEWARE)
    progress = _progress_context(row)
    path, state = row.unit.division.path, State(row.state)
    over = state == State.PACKAGING and progress["failed"] and not progress["at_work"]
    manages = actor.covers(P.MANAGE_COLUMNS, path)
    return {
        **progress,
        "page_title": row.title,
        "detail": detail,
        "badge": BADGES[state],
        "steps": row.steps.order_by("at", "pk"),
        "streamed": any(one.hls and one.kind != "captions" for one in detail.renditions),
        "poster": detail.rendition("poster"),
        "progressive": detail.rendition("box-sd"),
        "captions": detail.rendition("captions"),
        "mine": mine,
        "may_edit": mine and state in EDITABLE,
        "may_upload": mine and (state in EDITABLE or over),
        "may_retry": mine and over,
        "may_caption": mine and row.duration_s > 0 and state in {*EDITABLE, State.PACKAGING, State.IN_REVIEW},
        "may_submit": mine and state in {State.RETURNED, State.WITHDRAWN} and bool(detail.renditions),
        "may_review": not mine and state == State.IN_REVIEW and actor.covers(P.REVIEW_COURSEWARE, path),
        "may_return": not mine and state == State.APPROVED and actor.covers(P.REVIEW_COURSEWARE, path),
        "may_release": not mine and state in {State.APPROVED, State.RELEASED} and manages,
        "may_withdraw": state != State.WITHDRAWN and (mine or manages or actor.covers(P.REVIEW_COURSEWARE, path)),
        "columns": _open_columns(request, row) if not mine and manages else [],
        "max_upload_bytes": settings.MAX_UPLOAD_BYTES,
        "max_form_bytes": settings.MAX_BODY_BYTES,
    }


def _open_columns(request: ActingRequest, row: Courseware) -> list[Any]:
    taken = set(row.placements.values_list("column_id", flat=True))
    today = clock.today()
    return [c for c in queries.columns_managed_by(request.actor) if c.pk not in taken and (c.visible_to is None or c.visible_to > today)]


# -- what the producer does with an item ------------------------------------------------------------------------------------


@door(P.PRODUCE_COURSEWARE)
@require_POST
def item_file(request: ActingRequest, uid: UUID) -> HttpResponse:
    """The plain form for browsers without script: one request, so only for small files."""
    row, file = queries.item_for(request.actor, uid), _file(request, "file")
    if (file.size or 0) > settings.MAX_BODY_BYTES:
        raise Refused(_("不用脚本时一次最多传 %(n)d MB；请打开浏览器的脚本，可以断点续传") % {"n": settings.MAX_BODY_BYTES // 2**20})
    at = clock.now()
    upload = commands.begin_upload(courseware=row, filename=file.name or "", size_bytes=file.size or 0, by=request.actor, at=at)
    commands.append_upload(upload=upload, offset=0, source=file, by=request.actor, at=at)
    try:
        commands.finish_upload(upload=upload, by=request.actor, at=at)
    except NotUsable as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("文件已收到，正在打包。可以离开本页，打包会继续。"))
    return redirect("courseware:item", uid)


@door(P.PRODUCE_COURSEWARE)
@require_POST
def item_captions(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.item_for(request.actor, uid)
    commands.attach_captions(courseware=row, content=_file(request, "captions").read(), by=request.actor, at=clock.now())
    messages.success(request, _("字幕已加上。"))
    return redirect("courseware:item", uid)


def _file(request: HttpRequest, name: str) -> UploadedFile:
    file = request.FILES.get(name)
    if not isinstance(file, UploadedFile):
        raise Refused(_("没有选择文件"))
    return file


@door(P.PRODUCE_COURSEWARE)
@require_POST
def item_retry(request: ActingRequest, uid: UUID) -> HttpResponse:
    commands.retry_packaging(courseware=queries.item_for(request.actor, uid), by=request.actor, at=clock.now())
    messages.success(request, _("已重新排队。"))
    return redirect("courseware:item", uid)


@door(P.PRODUCE_COURSEWARE)
@require_POST
def item_submit(request: ActingRequest, uid: UUID) -> HttpResponse:
    commands.submit_courseware(courseware=queries.item_for(request.actor, uid), by=request.actor, at=clock.now())
    messages.success(request, _("已送审。"))
    return redirect("courseware:item", uid)
