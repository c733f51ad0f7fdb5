"""Build plans, coverage targets, upgrades and the renewal list."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.network.models import Asset, ManagedObject
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.plans import commands, queries
from yuanjiao.plans.inputs import BuildPlanForm, CoverageTargetForm, UpgradeForm
from yuanjiao.plans.models import Upgrade
from yuanjiao.plans.views.parts import day, form_page, new_button, own_places, own_site, seen
from yuanjiao.ui.lists import Column, ListPage, respond


@door(Permission.SEE_NETWORK)
def plan_list(request: ActingRequest) -> HttpResponse:
    """Every plan with its targets: built, accepted, remaining (NET10)."""
    plans = [(plan, queries.plan_lines(plan), plan.due_on < clock.today()) for plan in queries.build_plans(seen(request.actor))]
    context = {"page_title": _("建设计划"), "plans": plans, "may_plan": request.actor.holds(Permission.PLAN_BUILDING)}
    return render(request, "plans/plans.html", context)


@door(Permission.PLAN_BUILDING)
def plan_new(request: ActingRequest) -> HttpResponse:
    form = BuildPlanForm(request.POST or None, places=own_places(request.actor))
    return form_page(
        request, form, title=_("制定建设计划"), back="plans:plan_list", back_title=_("建设计划"), done=_("计划已保存。"),
        save=lambda said: commands.add_build_plan(**said, by=request.actor, at=clock.now()),
    )  # fmt: skip


@door(Permission.SEE_NETWORK)
def coverage_list(request: ActingRequest) -> HttpResponse:
    """Coverage targets with the forecast from the present pace (NET13)."""
    on = clock.today()
    found = [queries.coverage_progress(target, on=on) for target in queries.coverage_targets(seen(request.actor))]
    context = {"page_title": _("覆盖目标"), "rows": found, "may_plan": request.actor.holds(Permission.PLAN_BUILDING)}
    return render(request, "plans/coverage.html", context)


@door(Permission.PLAN_BUILDING)
def coverage_new(request: ActingRequest) -> HttpResponse:
    form = CoverageTargetForm(request.POST or None, places=own_places(request.actor))
    return form_page(
        request, form, title=_("制定覆盖目标"), back="plans:coverage_list", back_title=_("覆盖目标"), done=_("目标已保存。"),
        save=lambda said: commands.add_coverage_target(**said, by=request.actor, at=clock.now()),
    )  # fmt: skip


STAGES = {"accepted": ("已验收", "green"), "done": ("待验收", "blue"), "late": ("已过计划日期", "red"), "planned": ("未开工", "grey")}


def stage(upgrade: Upgrade) -> str:
    """Where an upgrade stands: a key of STAGES."""
    if upgrade.accepted_at:
        return "accepted"
    if upgrade.done_at:
        return "done"
    return "late" if upgrade.planned_on < clock.today() else "planned"


@door(Permission.SEE_NETWORK)
def upgrade_list(request: ActingRequest) -> HttpResponseBase:
    """The upgrade plan site by site (NET14)."""
    columns: list[Column[Upgrade]] = [
        Column(_("站点"), lambda row: row.site.name, link=lambda row: reverse("plans:upgrade", args=[row.uid]), width=24),
        Column(_("编号"), lambda row: row.site.code, width=18),
        Column(_("现状"), lambda row: row.get_from_mode_display()),
        Column(_("改造为"), lambda row: row.get_to_mode_display()),
        Column(_("计划日期"), lambda row: day(row.planned_on), order=("planned_on",)),
        Column(_("费用（元）"), lambda row: row.cost_cents / 100, order=("cost_cents",)),
        Column(_("进展"), lambda row: STAGES[stage(row)][0], badge=lambda row: STAGES[stage(row)][1]),
        Column(_("依据"), lambda row: row.document),
    ]
    page = ListPage(
        title=_("改造计划"), rows=queries.upgrades(seen(request.actor)), columns=columns,
        empty=_("还没有安排改造。可从“更新清单”看哪些站点的机顶盒已到年限。"), search=("site__name", "site__code"),
        search_hint=_("站点名称或编号"), actions=new_button(request.actor, _("安排改造"), "plans:upgrade_new"),
    )  # fmt: skip
    return respond(request, page)


@door(Permission.PLAN_BUILDING)
def upgrade_new(request: ActingRequest) -> HttpResponse:
    form = UpgradeForm(request.POST or None, initial={"site": request.GET.get("site", "")})

    def save(said: dict[str, object]) -> object:
        site = own_site(form, request.actor)
        cents = int(form.cleaned_data["cost"] * 100)
        kept = {name: value for name, value in form.cleaned_data.items() if name not in {"site", "cost"}}
        return commands.plan_upgrade(site=site, cost_cents=cents, **kept, by=request.actor, at=clock.now())

    return form_page(
        request, form, title=_("安排改造"), back="plans:upgrade_list", back_title=_("改造计划"), done=_("改造已安排。"), save=save
    )


@door(Permission.SEE_NETWORK)
def upgrade(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One upgrade; POST says that it is done, or accepts it by a play test."""
    found = queries.upgrades(seen(request.actor)).filter(uid=uid).first()
    if found is None:
        raise NotFound("没有这项改造，或不在您负责的范围内")
    if request.method == "POST":
        request.actor.require(Permission.PLAN_BUILDING, found.site.division.path)
        try:
            act = commands.accept_upgrade if request.POST.get("act") == "accept" else commands.finish_upgrade
            act(upgrade=found, by=request.actor, at=clock.now())
            messages.success(request, _("已登记。"))
        except (Refused, Conflict) as error:
            messages.error(request, error.message)
        return redirect("plans:upgrade", uid=uid)
    context = {
        "page_title": found.site.name,
        "upgrade": found,
        "cost": found.cost_cents / 100,
        "stage": STAGES[stage(found)],
        "may_plan": request.actor.holds(Permission.PLAN_BUILDING),
    }
    return render(request, "plans/upgrade.html", context)


def _site(row: Asset) -> ManagedObject:
    """Where a box of the renewal list stands: all of them stand at sites."""
    assert row.place is not None
    return row.place


@door(Permission.SEE_NETWORK)
def renewal_list(request: ActingRequest) -> HttpResponseBase:
    """Boxes past their life: what is to be renewed, and which sites have been taken out of the rate by a decision (OPS19)."""
    columns: list[Column[Asset]] = [
        Column(_("站点"), lambda row: _site(row).name, link=lambda row: reverse("network:site", args=[_site(row).code]), width=24),
        Column(_("站点编号"), lambda row: _site(row).code, width=18),
        Column(_("所在区划"), lambda row: _site(row).division.name),
        Column(_("设备"), lambda row: f"{row.kind} {row.model}".strip()),
        Column(_("购置日期"), lambda row: day(row.purchased_on), order=("purchased_on",)),
        Column(_("使用年限"), lambda row: row.life_years),
        Column(_("计入畅通率"), lambda row: _("否（已停用）") if _site(row).lifecycle == "suspended" else _("是")),
        Column(_("停用依据"), lambda row: _site(row).suspension_document),
    ]
    if request.actor.holds(Permission.PLAN_BUILDING):
        address = reverse("plans:upgrade_new")
        columns.append(Column("", lambda row: _("安排改造"), link=lambda row: f"{address}?site={_site(row).code}"))
    page = ListPage(
        title=_("更新清单"), rows=queries.renewals(seen(request.actor), on=clock.today()), columns=columns,
        empty=_("没有超过使用年限的机顶盒。"), search=("place__name", "place__code"), search_hint=_("站点名称或编号"),
        lead=_("机顶盒已到使用年限的站点，最旧的在前。列入本清单不影响考核：站点只有凭停用文件才不计入畅通率。"),
    )  # fmt: skip
    return respond(request, page)
