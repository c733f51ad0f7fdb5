"""Study days: the list, a new one, ending one."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yuanjiao.courseware.queries import released_items
from yuanjiao.learning import commands, queries
from yuanjiao.learning.inputs import PlanForm
from yuanjiao.learning.models import StudyDayPlan
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import divisions, units
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, ListPage, respond

LIBRARY_LENGTH = 60
"""So many of the newest courseware items are offered for a plan; older ones are found by planning for a column."""


@door(Permission.SEE_LEARNING)
def plan_list(request: ActingRequest) -> HttpResponseBase:
    """Study days that concern the reader's places, with the next days on top."""
    paths, today = request.actor.paths(Permission.SEE_LEARNING), clock.today()
    plans = queries.plans(paths).order_by("-starts_on", "-pk")
    names = queries.place_names(plans.values_list("scope", flat=True), today)
    may_plan = request.actor.holds(Permission.PLAN_LEARNING) and queries.plans_are_made_here()
    page = ListPage[StudyDayPlan](
        title=_("学习日"),
        rows=plans,
        columns=[
            Column(
                _("名称"), lambda plan: plan.title, link=lambda plan: reverse("learning:plan", args=[plan.uid]), order=("title",), width=24
            ),
            Column(_("范围"), lambda plan: names.get(plan.scope, ""), width=16),
            Column(_("日子"), days_text, width=18),
            Column(_("时间"), lambda plan: f"{plan.start_time:%H:%M}", order=("start_time",)),
            Column(_("形式"), lambda plan: plan.get_form_display()),
            Column(_("推荐课件"), lambda plan: "、".join(item.title for item in plan.items.all()), width=30),
            Column(_("组织单位"), lambda plan: plan.unit.name, width=20),
            Column(_("起"), lambda plan: plan.starts_on, order=("starts_on",)),
            Column(_("止"), lambda plan: plan.ends_on, order=("ends_on",)),
            Column(_("状态"), lambda plan: state_of(plan, today)[0], badge=lambda plan: state_of(plan, today)[1]),
        ],
        search=("title",),
        search_hint=_("名称"),
        empty=_("还没有安排学习日。按“安排学习日”，写上每月的几号，范围内的站点就会收到提醒。"),
        actions=[(_("安排学习日"), reverse("learning:plan_new"))] if may_plan else [],
        context={"upcoming": queries.upcoming(paths, today, 14)[:6]},
    )
    return respond(request, page, "learning/plan_list.html")


def days_text(plan: StudyDayPlan) -> str:
    """'每月 6、16、26 日' or the one day."""
    if plan.single_on:
        return f"{plan.single_on:%Y-%m-%d}"
    return _("每月 %s 日") % "、".join(str(row.day) for row in plan.days.all())


def state_of(plan: StudyDayPlan, today: date) -> tuple[str, str]:
    """A word and its colour: running, to come, over."""
    if plan.ends_on is not None and plan.ends_on < today:
        return _("已结束"), "grey"
    return (_("未开始"), "blue") if plan.starts_on > today else (_("进行中"), "green")


@door(Permission.PLAN_LEARNING)
def plan_new(request: ActingRequest) -> HttpResponse:
    if not queries.plans_are_made_here():
        raise Refused(_("学习日在中心安排，由目录下发到这里。请登录中心的网页。"))
    today, paths = clock.today(), request.actor.paths(Permission.PLAN_LEARNING)
    places = [row for path in paths for row in divisions(on=today, under=path) if Level.CITY <= row.level <= Level.TOWN]
    own = {grant.unit_id for grant in request.actor.grants}
    bodies = sorted({unit for path in paths for unit in units(on=today, under=path)}, key=lambda unit: (unit.pk not in own, unit.code))
    cards = released_items(on=today, limit=LIBRARY_LENGTH)
    form = PlanForm(request.POST or None, places=places, units=bodies, cards=cards, today=today)
    if request.method == "POST" and form.is_valid():
        try:
            plan = commands.plan_study_day(**form.plan(), by=request.actor, at=clock.now())
        except Refused as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已安排“%s”，随下一次目录下发到站点。") % plan.title)
            return redirect("learning:plan", uid=plan.uid)
    return render(request, "learning/plan_new.html", {"page_title": _("安排学习日"), "form": form}, status=400 if form.errors else 200)


@door(Permission.SEE_LEARNING)
def plan(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One study day with its next days and what was held."""
    paths, today = request.actor.paths(Permission.SEE_LEARNING), clock.today()
    row = queries.plan_by_uid(uid, paths)
    held = queries.sessions(paths).filter(plan_uid=uid, cancelled=False)
    context = {
        "page_title": row.title,
        "plan": row,
        "scope_name": queries.place_names([row.scope], today).get(row.scope, ""),
        "days_text": days_text(row),
        "state": state_of(row, today),
        "next_days": [day for day in queries.upcoming(paths, today, 62) if day.plan_uid == uid][:6],
        "held": held.count(),
        "may_end": request.actor.covers(Permission.PLAN_LEARNING, row.scope)
        and queries.plans_are_made_here()
        and state_of(row, today)[1] != "grey",
        "today": today,
    }
    return render(request, "learning/plan.html", context)


@door(Permission.PLAN_LEARNING)
@require_POST
def plan_end(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.plan_by_uid(uid, request.actor.paths(Permission.PLAN_LEARNING))
    if not queries.plans_are_made_here():
        raise Refused(_("学习日在中心安排，请在中心终止。"))
    commands.end_study_day_plan(plan=row, last_on=clock.today(), by=request.actor, at=clock.now())
    messages.success(request, _("“%s”到今天为止，以后不再提醒。") % row.title)
    return redirect("learning:plan", uid=uid)
