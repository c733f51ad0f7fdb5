"""The site manager's page: today's study day is chosen already, the heads are the only empty field."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.courseware.queries import ItemCard, released_items
from yuanjiao.learning import commands, queries
from yuanjiao.learning.inputs import RecordForm, day_asked, shown_items
from yuanjiao.learning.models import Session, StudyDayPlan
from yuanjiao.learning.rules import SessionForm, television_key
from yuanjiao.lib import clock
from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.errors import NotFound, YuanjiaoError
from yuanjiao.network.models import Site
from yuanjiao.network.queries import sites_in
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, ListPage, respond

Offered = tuple[list[ItemCard], list[tuple[UUID, str]]]
"""The newest items of the library, and what required lists still ask for."""
LIBRARY_LENGTH = 20
"""So many of the newest items are offered for a session outside any plan."""


@door(Permission.RECORD_SESSION)
def record(request: ActingRequest) -> HttpResponseBase:
    """Record a session at ?site=; a person with one site is not asked which."""
    sites = sites_in(request.actor.paths(Permission.RECORD_SESSION))
    code = request.GET.get("site", "")
    if code:
        site = sites.filter(code=code).first()
        if site is None:
            raise NotFound(_("没有这个站点，或不在您负责的范围内"))
        return _record_at(request, site)
    only = list(sites[:2])
    if len(only) == 1:
        return _record_at(request, only[0])
    page = ListPage[Site](
        title=_("登记学习：选站点"),
        rows=sites,
        columns=[
            Column(_("站点"), lambda one: one.name, link=lambda one: f"?site={one.code}", order=("name",), width=24),
            Column(_("编号"), lambda one: one.code, order=("code",), width=20),
            Column(_("所在地"), lambda one: one.division.name, order=("division__path",), width=20),
        ],
        search=("name", "code", "pinyin"),
        search_hint=_("站点名称、编号或拼音首字母"),
        empty=_("您负责的范围内没有站点。请市级管理员在台账里导入站点，或核对您的任职单位。"),
        export=False,
    )
    return respond(request, page)


def _record_at(request: ActingRequest, site: Site) -> HttpResponse:
    at, today = clock.now(), clock.today()
    on = min(day_asked(request.GET.get("on", ""), today), today)
    plans = queries.plans_of_day(site.division.path, on)
    cards = released_items(on=today, limit=LIBRARY_LENGTH)
    required = queries.required_at(site.division.path, on)
    form = RecordForm(request.POST or None, plans=plans, at=clock.civil(at), on=on)
    if request.method == "POST" and form.is_valid():
        try:
            done = _record(request, site, form, plans, (cards, required), on, at)
        except YuanjiaoError as error:
            form.add_error(None, error.message)
        else:
            heads = done.heads_onsite + done.heads_online
            messages.success(request, _("已登记：%(site)s，%(heads)d 人次。") % {"site": site.name, "heads": heads})
            return redirect("learning:session", uid=done.uid)
    context = {
        "page_title": _("登记学习"),
        "site": site,
        "on": on,
        "today": today,
        "plans": [(plan, queries.recorded_already(site.code, plan.uid, on)) for plan in plans],
        "chosen": request.POST.get("plan", str(plans[0].uid) if plans else ""),
        "ticked": request.POST.getlist("items"),
        "cards": cards,
        "required": required,
        "form": form,
        "more_open": any(form.errors.get(name) for name in ("heads_online", "start_time", "minutes", "form")),
        "television_address": television_address(request, site),
    }
    return render(request, "learning/record.html", context, status=400 if form.errors else 200)


def _record(
    request: ActingRequest, site: Site, form: RecordForm, plans: list[StudyDayPlan], offered: Offered, on: date, at: datetime
) -> Session:
    cleaned, (cards, required) = form.cleaned_data, offered
    plan = plan_chosen(plans, request.POST.get("plan", ""))
    held = commands.SessionRecord(
        held_at=datetime.combine(on, cleaned["start_time"], tzinfo=CHINA),
        heads_onsite=cleaned["heads_onsite"],
        heads_online=cleaned["heads_online"],
        minutes=cleaned["minutes"],
        form=SessionForm(cleaned["form"]),
        items=shown_items(plan, _ticked(request, plan), [] if plan else cards, required),
    )
    return commands.record_session(uid=cleaned["uid"], site=site, plan=plan, held=held, by=request.actor, at=at, civil_at=clock.civil(at))


def _ticked(request: ActingRequest, plan: StudyDayPlan | None) -> list[str]:
    return [*request.POST.getlist(f"items-{plan.uid}" if plan else "items"), *request.POST.getlist("required")]


def plan_chosen(plans: list[StudyDayPlan], text: str) -> StudyDayPlan | None:
    """The plan of that day whose uid was sent; None for a session outside any plan."""
    if not text:
        return None
    chosen = next((plan for plan in plans if str(plan.uid) == text), None)
    if chosen is None:
        raise NotFound(_("这个学习日已经变动，请重新打开登记页"))
    return chosen


def television_address(request: HttpRequest, site: Site) -> str:
    """What is entered once at the site's box, so that its television may record; empty for a site without a box key."""
    if not site.beat_key:
        return ""
    path = f"{reverse('learning:tv_record')}?site={site.code}&key={television_key(site.beat_key, site.code)}"
    return settings.PUBLIC_URL.rstrip("/") + path if settings.PUBLIC_URL else request.build_absolute_uri(path)
