"""The queue of packaging as people see it: what is being made, by which worker, how long it still takes; and hurrying."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.courseware import commands, queries
from yuanjiao.courseware.models import Courseware, JobState, RenditionJob
from yuanjiao.courseware.packaging.expected import Outlook, outlook, seconds_a_load
from yuanjiao.courseware.rules.profiles import BY_NAME
from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, ListPage, respond
from yuanjiao.ui.templatetags.zh import duration

P = Permission
OPEN = (JobState.RUNNING, JobState.WAITING, JobState.FAILED)
BADGES = {JobState.RUNNING: "blue", JobState.WAITING: "grey", JobState.FAILED: "red"}


@door(P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
@require_safe
def packaging_list(request: ActingRequest) -> HttpResponseBase:
    """Items whose packaging is not over, those at work first; the page asks anew by itself."""
    rows = queries.items_seen_by(request.actor).filter(jobs__state__in=OPEN).distinct().prefetch_related("jobs")
    page = ListPage(
        title=_("打包队列"), rows=rows, columns=_columns(), search=("title",), search_hint=_("标题"),
        lead=_("每件课件先做声音，再一次解码做出全部画面；加急的排在前面。打包进程中断时，做好的规格都在，由别的进程接着做。"),
        empty=_("没有正在打包或等待打包的课件。"),
    )  # fmt: skip
    return respond(request, page)


def _columns() -> list[Column[Courseware]]:
    speed, at = seconds_a_load(), clock.now()

    def look(row: Courseware) -> Outlook:
        return outlook(row, row.jobs.all(), at=at, speed=speed)

    return [
        Column(_("标题"), lambda row: row.title, link=lambda row: reverse("courseware:item", args=[row.uid]), width=30),
        Column(_("状态"), lambda row: JobState(_foremost(row).state).label, badge=lambda row: BADGES[JobState(_foremost(row).state)]),
        Column(_("加急"), lambda row: _("加急") if any(job.urgent for job in row.jobs.all()) else "—"),
        Column(_("正在做"), _being_made, width=24),
        Column(_("进度（%）"), lambda row: look(row).percent),
        Column(_("还需"), lambda row: length(look(row).left_s)),
        Column(_("共约"), lambda row: length(look(row).expected_s)),
        Column(_("已用"), lambda row: length(look(row).gone_s)),
        Column(_("工人进程"), lambda row: _foremost(row).worker or "—", width=20),
        Column(_("原因"), lambda row: next((job.reason for job in row.jobs.all() if job.reason), "—"), width=40),
    ]


def _foremost(row: Courseware) -> RenditionJob:
    """The job that says most about where the item stands: one at work, else one that waits, else one that failed."""
    jobs = [job for job in row.jobs.all() if job.state in OPEN]
    return min(jobs, key=lambda job: OPEN.index(JobState(job.state)))


def _being_made(row: Courseware) -> str:
    names = [BY_NAME[job.profile].title for job in row.jobs.all() if job.state == JobState.RUNNING and job.profile in BY_NAME]
    return "、".join(names) or "—"


def length(seconds: float | None) -> str:
    """Seconds as people read them; unknown is said to be so."""
    return _("尚无可参照") if seconds is None else duration(seconds)


def progress_of(row: Courseware, jobs: list[RenditionJob]) -> dict[str, Any]:
    """What the progress table of one item tells beside its rows."""
    told = outlook(row, jobs, at=clock.now())
    return {"outlook": told, "left": length(told.left_s), "expected": length(told.expected_s), "gone": length(told.gone_s)}


@door(P.REVIEW_COURSEWARE)
@require_POST
def item_hurry(request: ActingRequest, uid: UUID) -> HttpResponse:
    commands.hurry_packaging(courseware=queries.item_for(request.actor, uid), by=request.actor, at=clock.now())
    messages.success(request, _("已加急：排到没有加急的课件前面。"))
    return redirect("courseware:item", uid)
