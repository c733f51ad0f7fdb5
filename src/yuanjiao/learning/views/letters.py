"""Letters (一封信, DLV17): one text for many units, printed by each in its own name, with the lesson it speaks of. No addressees."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import segno
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yuanjiao.learning import commands, queries
from yuanjiao.learning.inputs import LEVELS_ASKED, LetterForm
from yuanjiao.learning.models import Letter, StudyDayPlan
from yuanjiao.learning.rules import fill_letter
from yuanjiao.learning.views.plans import days_text
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.queries import divisions, full_name, units
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, ListPage, respond

MOST_PAGES = 500
"""So many units print at once; more go level by level."""


@door(Permission.SEE_LEARNING)
def letter_list(request: ActingRequest) -> HttpResponseBase:
    """Letters that concern the reader's places."""
    paths, today = request.actor.paths(Permission.SEE_LEARNING), clock.today()
    rows = queries.letters(paths)
    names = queries.place_names(rows.values_list("scope", flat=True), today)
    may_write = request.actor.holds(Permission.PLAN_LEARNING) and queries.plans_are_made_here()
    page = ListPage[Letter](
        title=_("一封信"),
        rows=rows,
        columns=[
            Column(
                _("标题"), lambda row: row.title, link=lambda row: reverse("learning:letter", args=[row.uid]), order=("title",), width=30
            ),
            Column(_("范围"), lambda row: names.get(row.scope, ""), width=18),
            Column(_("发布日期"), lambda row: row.issued_on, order=("issued_on",)),
            Column(
                _("状态"), lambda row: _("已停用") if row.ended_on else _("可以打印"), badge=lambda row: "grey" if row.ended_on else "green"
            ),
            Column(_("起草单位"), lambda row: row.unit.name, width=22),
        ],
        search=("title",),
        search_hint=_("标题"),
        lead=_("上级写一份，各单位以自己的名义打印。发给谁由单位自己掌握，这里不登记收信人。"),
        empty=_("还没有信。"),
        actions=[(_("写一封信"), reverse("learning:letter_new"))] if may_write else [],
    )
    return respond(request, page)


@door(Permission.SEE_LEARNING)
def letter(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One letter with its gaps open, and the buttons that print it."""
    paths = request.actor.paths(Permission.SEE_LEARNING)
    row = queries.letter_by_uid(uid, paths)
    lesson = queries.lesson_of(row)
    context = {
        "page_title": row.title,
        "letter": row,
        "lesson": lesson,
        "paragraphs": fill_letter(row.body, _gaps(None, lesson)),
        "levels": LEVELS_ASKED,
        "may_end": row.ended_on is None and request.actor.covers(Permission.PLAN_LEARNING, row.scope) and queries.plans_are_made_here(),
    }
    return render(request, "learning/letter.html", context)


def _gaps(unit: OrgUnit | None, lesson: StudyDayPlan | None) -> dict[str, str]:
    today = clock.today()
    filled = {"日期": f"{today.year}年{today.month}月{today.day}日"}
    if unit is not None:
        filled |= {"单位": unit.name, "地方": full_name(unit.division) or unit.division.name}
    if lesson is not None:
        filled |= {"课程": "、".join(item.title for item in lesson.items.all()), "时间": f"{days_text(lesson)} {lesson.start_time:%H:%M}"}
    return filled


@door(Permission.SEE_LEARNING)
def letter_print(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Pages to print: of the reader's own units, or with ?level= of every unit of a level that the reader sees."""
    paths = request.actor.paths(Permission.SEE_LEARNING)
    row = queries.letter_by_uid(uid, paths)
    if row.ended_on is not None:
        raise Refused(_("这封信已经停用，不再打印。"))
    asked = request.GET.get("level", "")
    level = Level(int(asked)) if asked in {str(int(value)) for value, _name in LEVELS_ASKED} else None
    bodies = queries.units_printing(row, paths, clock.today(), level=level, only={grant.unit_id for grant in request.actor.grants})
    if not bodies:
        raise NotFound(_("范围内没有可以打印的单位"))
    if len(bodies) > MOST_PAGES:
        raise Refused(_("一次最多打印 %d 个单位，请由下级各自打印。") % MOST_PAGES)
    lesson = queries.lesson_of(row)
    address = _address(request, lesson)
    context = {
        "letter": row,
        "pages": [(unit, fill_letter(row.body, _gaps(unit, lesson))) for unit in bodies],
        "date": _gaps(None, None)["日期"],
        "address": address,
        "code": segno.make(address, error="m").svg_inline(scale=3, border=2) if address else "",
    }
    return render(request, "learning/letter_print.html", context)


def _address(request: HttpRequest, lesson: StudyDayPlan | None) -> str:
    """Where the lesson's first film is watched; empty without a lesson or a film."""
    first = next(iter(lesson.items.all()), None) if lesson else None
    if first is None:
        return ""
    path = reverse("desks:portal_item", args=[first.courseware_uid])
    return settings.PUBLIC_URL.rstrip("/") + path if settings.PUBLIC_URL else request.build_absolute_uri(path)


@door(Permission.PLAN_LEARNING)
def letter_new(request: ActingRequest) -> HttpResponse:
    """Write one."""
    if not queries.plans_are_made_here():
        raise Refused(_("信在中心写，由目录下发到这里。请登录中心的网页。"))
    today, paths = clock.today(), request.actor.paths(Permission.PLAN_LEARNING)
    places = [row for path in paths for row in divisions(on=today, under=path) if Level.CITY <= row.level <= Level.TOWN]
    own = {grant.unit_id for grant in request.actor.grants}
    bodies = sorted({unit for path in paths for unit in units(on=today, under=path)}, key=lambda unit: (unit.pk not in own, unit.code))
    lessons: list[Any] = list(queries.plans(paths).order_by("-starts_on")[:30])
    form = LetterForm(request.POST or None, places=places, units=bodies, plans=lessons)
    if request.method == "POST" and form.is_valid():
        try:
            row = commands.issue_letter(**form.asked(), by=request.actor, at=clock.now())
        except Refused as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已发布“%s”，随下一次目录下发。") % row.title)
            return redirect("learning:letter", uid=row.uid)
    context = {"page_title": _("写一封信"), "form": form, "back": reverse("learning:letter_list"), "list_title": _("一封信")}
    return render(request, "learning/distribution_form.html", context, status=400 if form.errors else 200)


@door(Permission.PLAN_LEARNING)
@require_POST
def letter_end(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Print it no more."""
    row = queries.letter_by_uid(uid, request.actor.paths(Permission.PLAN_LEARNING))
    if not queries.plans_are_made_here():
        raise Refused(_("信在中心写，请在中心停用。"))
    commands.end_letter(letter=row, on=clock.today(), by=request.actor, at=clock.now())
    messages.success(request, _("已停用“%s”。") % row.title)
    return redirect("learning:letter", uid=uid)
