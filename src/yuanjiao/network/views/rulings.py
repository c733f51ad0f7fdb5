"""What rates are measured against: the versions of the rule (NET06) and the targets of divisions (NET05), each by a document."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yuanjiao.lib import clock
from yuanjiao.network import commands, queries
from yuanjiao.network.views.forms import RuleForm, TargetForm, act_on
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import division_by_code


@door(Permission.SEE_NETWORK)
def rulings(request: ActingRequest) -> HttpResponseBase:
    """Rule versions and targets, with the forms for new ones."""
    return _page(request)


def _page(request: ActingRequest, *, target: Form | None = None, rule: Form | None = None) -> HttpResponse:
    may = request.actor.holds(Permission.IMPORT_REGISTER)
    today = clock.today()
    context = {
        "page_title": _("畅通规则与目标"),
        "versions": list(reversed(queries.rule_versions())),
        "in_force": queries.rule_on(today),
        "targets": queries.target_rows(),
        "today": today,
        "target": target or (TargetForm(initial={"on": today}) if may else None),
        "rule": rule or (RuleForm(initial=_present()) if may else None),
    }
    return render(request, "network/rulings.html", context, status=400 if target or rule else 200)


def _present() -> dict[str, Any]:
    """The rule of today, as the form begins."""
    rule = queries.rule_on(clock.today())
    return {"heartbeat_min": rule.heartbeat_min, "play_days": rule.play_days, "min_coverage": rule.min_coverage * 100}


@door(Permission.IMPORT_REGISTER)
@require_POST
def target_new(request: ActingRequest) -> HttpResponseBase:
    """Set a target."""
    form = TargetForm(request.POST)
    return _done(request) if act_on(form, lambda told: _set(told, request)) else _page(request, target=form)


def _set(told: dict[str, Any], request: ActingRequest) -> None:
    division = division_by_code(told.pop("division"), on=clock.today())
    commands.set_target(division=division, value=round(told.pop("value") / 100, 6), **told, by=request.actor, at=clock.now())


@door(Permission.IMPORT_REGISTER)
@require_POST
def rule_new(request: ActingRequest) -> HttpResponseBase:
    """Issue a new version of the rule."""
    form = RuleForm(request.POST)
    return _done(request) if act_on(form, lambda told: _issue(told, request)) else _page(request, rule=form)


def _issue(told: dict[str, Any], request: ActingRequest) -> None:
    coverage = round(told.pop("min_coverage") / 100, 6)
    commands.issue_rule(min_coverage=coverage, **told, by=request.actor, at=clock.now())


def _done(request: ActingRequest) -> HttpResponseBase:
    messages.success(request, _("已登记，并记入操作日志。"))
    return redirect("network:rulings")
