"""Community outlets: per county against the minimum, one by one against the checklist (NET12)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.plans import commands, queries
from yuanjiao.plans.inputs import MinimumForm, OutletForm, PointForm
from yuanjiao.plans.views.parts import form_page, own_places, own_site, seen


@door(Permission.SEE_NETWORK)
def outlet_list(request: ActingRequest) -> HttpResponse:
    """Demonstration outlets per county against the minimum, then every outlet."""
    actor, paths = request.actor, seen(request.actor)
    context = {
        "page_title": _("红色网络教育家园"),
        "counties": queries.outlets_by_county(paths, on=clock.today()),
        "outlets": queries.outlet_states(paths),
        "points": queries.points(),
        "may_plan": actor.holds(Permission.PLAN_BUILDING),
        "may_set": actor.holds(Permission.IMPORT_REGISTER),
    }
    return render(request, "plans/outlets.html", context)


@door(Permission.PLAN_BUILDING)
def outlet_new(request: ActingRequest) -> HttpResponse:
    form = OutletForm(request.POST or None)

    def save(said: dict[str, object]) -> object:
        opened, document = form.cleaned_data["opened_on"], form.cleaned_data["document"]
        return commands.open_outlet(
            site=own_site(form, request.actor), opened_on=opened, document=document, by=request.actor, at=clock.now()
        )

    title = _("设立网络教育家园")
    return form_page(request, form, title=title, back="plans:outlet_list", back_title=_("网络教育家园"), done=_("已设立。"), save=save)


@door(Permission.IMPORT_REGISTER)
def outlet_points(request: ActingRequest) -> HttpResponse:
    """The checklist: add a point, or (POST with `drop`) take one off."""
    drop = request.POST.get("drop", "")
    if drop:
        point = next((one for one in queries.points() if str(one.pk) == drop), None)
        if point is None:
            raise NotFound("没有这一条标准")
        commands.drop_point(point=point, by=request.actor, at=clock.now())
        return redirect("plans:outlet_points")
    form = PointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            commands.add_point(**form.cleaned_data, by=request.actor, at=clock.now())
            return redirect("plans:outlet_points")
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
    context = {"page_title": _("创建标准"), "form": form, "points": queries.points()}
    return render(request, "plans/points.html", context, status=400 if form.errors else 200)


@door(Permission.IMPORT_REGISTER)
def outlet_minimum(request: ActingRequest) -> HttpResponse:
    form = MinimumForm(request.POST or None, places=own_places(request.actor, Permission.IMPORT_REGISTER))
    return form_page(
        request, form, title=_("下达示范网点任务"), back="plans:outlet_list", back_title=_("网络教育家园"), done=_("任务已保存。"),
        save=lambda said: commands.set_outlet_minimum(**said, by=request.actor, at=clock.now()),
    )  # fmt: skip


@door(Permission.SEE_NETWORK)
def outlet(request: ActingRequest, code: str) -> HttpResponse:
    """One outlet by its site's code; POST keeps what was found on the checklist."""
    state = next((one for one in queries.outlet_states(seen(request.actor)) if one.outlet.site.code == code), None)
    if state is None:
        raise NotFound("没有这个网点，或不在您负责的范围内")
    if request.method == "POST":
        request.actor.require(Permission.PLAN_BUILDING, state.outlet.site.division.path)
        ticked = set(request.POST.getlist("point"))
        fulfilled = {point.pk for point in queries.points() if str(point.pk) in ticked}
        try:
            commands.check_outlet(outlet=state.outlet, fulfilled=fulfilled, by=request.actor, at=clock.now())
            messages.success(request, _("检查结果已保存。"))
        except Refused as error:
            messages.error(request, error.message)
        return redirect("plans:outlet", code=code)
    checks = {check.point_id: check for check in state.outlet.checks.all()}
    context = {
        "page_title": state.outlet.site.name,
        "state": state,
        "points": [(point, checks.get(point.pk)) for point in queries.points()],
        "may_plan": request.actor.holds(Permission.PLAN_BUILDING),
    }
    return render(request, "plans/outlet.html", context)
