"""Trainings and what became of operating errors after them (OPS18)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yuanjiao.faults import commands, queries
from yuanjiao.faults.inputs import TrainingForm
from yuanjiao.faults.rules import TRAINING_RULE
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, YuanjiaoError
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import division_by_code, divisions
from yuanjiao.places.rules import Level

SPANS = (30, 60, 90, 180)
"""Days on each side that may be compared; the third is taken when nothing is asked."""


@door(Permission.SEE_REPORTS)
def training_list(request: ActingRequest) -> HttpResponse:
    """Each training with the share of operating errors before and after it; POST writes one down."""
    at, form = clock.now(), _form(request)
    if form is not None and request.method == "POST" and form.is_valid():
        try:
            division = division_by_code(form.cleaned_data["division"], on=clock.today())
            commands.record_training(
                division=division, on=form.cleaned_data["on"], topic=form.cleaned_data["topic"], by=request.actor, at=at
            )
            messages.success(request, _("培训已登记。"))
            return redirect("faults:training_list")
        except YuanjiaoError as error:
            form.add_error(None, error.message)
    days = _days(request)
    context: dict[str, Any] = {
        "page_title": _("培训前后的操作失误"),
        "effects": queries.training_effects(request.actor.paths(Permission.SEE_REPORTS), days=days, at=at),
        "days": days,
        "spans": SPANS,
        "rule": TRAINING_RULE,
        "cut_off": at,
        "form": form,
        "may_withdraw": form is not None,
    }
    return render(request, "faults/trainings.html", context, status=400 if form is not None and form.errors else 200)


def _form(request: ActingRequest) -> TrainingForm | None:
    if not request.actor.holds(Permission.PLAN_LEARNING):
        return None
    paths = request.actor.paths(Permission.PLAN_LEARNING)
    counties = [row for path in paths for row in divisions(on=clock.today(), level=Level.COUNTY, under=path)]
    return TrainingForm(request.POST if request.method == "POST" else None, places=counties)


def _days(request: HttpRequest) -> int:
    text = request.GET.get("days", "")
    return next((span for span in SPANS if str(span) == text), SPANS[2])


@door(Permission.PLAN_LEARNING)
@require_POST
def training_withdraw(request: ActingRequest, pk: int) -> HttpResponse:
    row = queries.trainings(request.actor.paths(Permission.PLAN_LEARNING)).filter(pk=pk).first()
    if row is None:
        raise NotFound(_("没有找到，或不在您负责的范围内"))
    commands.withdraw_training(training=row, by=request.actor, at=clock.now())
    messages.success(request, _("培训登记已撤销。"))
    return redirect("faults:training_list")
