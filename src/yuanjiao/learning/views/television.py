"""Recording with a remote control: choose today's lesson, enter the heads, done. No log-in, no script, no cookie needed.

The box proves its site by twelve digits derived from its own key (`rules.television_key`), carried in the address and in the
form. They open this one thing for this one site, so a page elsewhere cannot make the box record: it does not know them.
"""

from __future__ import annotations

import hmac
from datetime import date, datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from yuanjiao.learning import commands, queries
from yuanjiao.learning.events import ItemShown
from yuanjiao.learning.inputs import held_time
from yuanjiao.learning.models import RecordedVia, StudyDayPlan
from yuanjiao.learning.rules import SessionForm, television_key
from yuanjiao.learning.views.record import plan_chosen
from yuanjiao.lib import clock
from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models import Site
from yuanjiao.network.queries import sites_in
from yuanjiao.people.access import machine

COOKIE = "yuanjiao_tv_site"
YEAR_S = 365 * 86400


@csrf_exempt
@machine
def tv_record(request: HttpRequest) -> HttpResponse:
    """First page: today's lessons, numbered; the first one has the focus. ?plan= leads to the heads."""
    code, key = _proof(request)
    site = _site(code, key)
    if site is None:
        return render(request, "learning/tv_unknown.html", {"code": code}, status=403)
    if request.method == "POST":
        response = _record(request, site, key)
    elif "plan" in request.GET:
        response = _heads_page(request, site, key, request.GET["plan"])
    else:
        response = _lessons_page(request, site, key)
    response.set_cookie(COOKIE, f"{code}:{key}", max_age=YEAR_S, httponly=True, samesite="Lax")
    return response


def _proof(request: HttpRequest) -> tuple[str, str]:
    """Site code and key: from the form, the address, or the cookie an earlier visit left."""
    sent = request.POST if request.method == "POST" else request.GET
    if "site" in sent:
        return sent["site"], sent.get("key", "")
    code, _colon, key = request.COOKIES.get(COOKIE, "").partition(":")
    return code, key


def _site(code: str, key: str) -> Site | None:
    site = sites_in(["/"]).filter(code=code).first() if code else None
    if site is None or not site.beat_key:
        return None
    return site if hmac.compare_digest(television_key(site.beat_key, site.code).encode(), key.encode()) else None


def _address(site: Site, key: str, **more: str) -> str:
    query = "&".join(f"{name}={value}" for name, value in {"site": site.code, "key": key, **more}.items())
    return f"{reverse('learning:tv_record')}?{query}"


def _lessons_page(request: HttpRequest, site: Site, key: str) -> HttpResponse:
    today = clock.today()
    lessons = []
    for number, plan in enumerate(queries.plans_of_day(site.division.path, today)[:8], 1):
        lessons.append((number, plan, _address(site, key, plan=str(plan.uid)), queries.recorded_already(site.code, plan.uid, today)))
    context = {"site": site, "today": today, "lessons": lessons, "other": _address(site, key, plan=""), "other_number": len(lessons) + 1}
    return render(request, "learning/tv_lessons.html", context)


def _heads_page(
    request: HttpRequest, site: Site, key: str, chosen: str, *, fault: str = "", uid: str = "", status: int = 200
) -> HttpResponse:
    plans = queries.plans_of_day(site.division.path, clock.today())
    plan = next((plan for plan in plans if str(plan.uid) == chosen), None)
    context = {
        "site": site, "key": key, "plan": plan, "uid": uid or new_uid(), "fault": fault,
        "heads": request.POST.get("heads", ""), "back": _address(site, key),
    }  # fmt: skip
    return render(request, "learning/tv_heads.html", context, status=status)


def _record(request: HttpRequest, site: Site, key: str) -> HttpResponse:
    at, sent = clock.now(), request.POST
    try:
        uid = UUID(sent.get("uid", ""))
    except ValueError:
        uid = new_uid()
    text = sent.get("heads", "").strip()
    if not (text.isdecimal() and len(text) <= 6):
        return _heads_page(request, site, key, sent.get("plan", ""), fault=_("请按数字键输入人数"), uid=str(uid), status=400)
    try:
        plan = plan_chosen(queries.plans_of_day(site.division.path, clock.today()), sent.get("plan", ""))
        held = _held(plan, int(text), clock.today(), clock.civil(at))
        done = commands.record_session(
            uid=uid,
            site=site,
            plan=plan,
            held=held,
            by=commands.television_of(site),
            at=at,
            via=RecordedVia.TELEVISION,
            civil_at=clock.civil(at),
        )
    except YuanjiaoError as error:
        return _heads_page(request, site, key, sent.get("plan", ""), fault=error.message, uid=str(uid), status=400)
    return redirect(_done_address(site, key, str(done.uid)))


def _held(plan: StudyDayPlan | None, heads: int, on: date, at: datetime) -> commands.SessionRecord:
    """What is known fills the rest: time, length, form and items are the plan's."""
    held_at = datetime.combine(on, held_time(plan, on, at), tzinfo=CHINA)
    if plan is None:
        return commands.SessionRecord(held_at=held_at, heads_onsite=heads)
    items = tuple(ItemShown(uid=item.courseware_uid, title=item.title) for item in plan.items.all())
    return commands.SessionRecord(held_at=held_at, heads_onsite=heads, minutes=plan.minutes, form=SessionForm(plan.form), items=items)


def _done_address(site: Site, key: str, uid: str) -> str:
    return f"{reverse('learning:tv_done', args=[uid])}?site={site.code}&key={key}"


@machine
def tv_done(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Last page: what was recorded, in large letters."""
    code, key = _proof(request)
    site = _site(code, key)
    if site is None:
        return render(request, "learning/tv_unknown.html", {"code": code}, status=403)
    session = queries.session_by_uid(uid, [site.division.path])
    return render(request, "learning/tv_done.html", {"site": site, "session": session, "back": _address(site, key)})
