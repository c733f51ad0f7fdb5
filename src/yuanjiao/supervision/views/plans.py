"""Plans of the units: who has handed one in, and handing in one's own."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Permission
from yuanjiao.supervision import commands, queries
from yuanjiao.supervision.inputs import PlanForm
from yuanjiao.supervision.models import UnitPlan
from yuanjiao.supervision.rules import AT_WORK
from yuanjiao.supervision.views.lists import come_filter
from yuanjiao.supervision.views.scope import found, opened, own_units, seen
from yuanjiao.ui.lists import Column, ListPage, respond
from yuanjiao.ui.middleware import status_of


@door(Permission.SEE_ITEMS)
def plan_list(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """Every unit that is to hand in a plan; the missing ones in red once the day is over."""
    campaign, today = found(request, uid), clock.today()
    late = campaign.plan_due_on < today
    page: ListPage[UnitPlan] = ListPage(
        title=_("整顿方案"),
        rows=queries.plan_rows(campaign, seen(request.actor)),
        columns=[
            Column(
                _("单位"),
                lambda row: row.unit.name,
                link=lambda row: reverse("supervision:plan", args=[row.pk]),
                order=("unit__name",),
                width=26,
            ),
            Column(_("地方"), lambda row: row.unit.division.name, order=("unit__division__path",)),
            Column(_("方案"), lambda row: row.title, width=30),
            Column(
                _("报送"),
                lambda row: row.submitted_at or (_("逾期未报") if late else _("未报")),
                order=("submitted_at",),
                width=18,
                badge=lambda row: "green" if row.submitted_at else "red" if late else "yellow",
            ),
            Column(_("报送人"), lambda row: row.submitted_by),
        ],
        empty=_("专项行动启动后，这里列出应报送方案的单位。"),
        search=("unit__name",),
        search_hint=_("单位"),
        filters=[come_filter("come", _("报送"), "submitted_at")],
        actions=[(campaign.title, opened("campaign", campaign))],
        lead=_("各单位在 %s 以前报送。") % f"{campaign.plan_due_on:%Y-%m-%d}",
    )
    return respond(request, page)


@door(Permission.SEE_ITEMS)
def plan(request: ActingRequest, pk: int) -> HttpResponse:
    """One plan; its own unit writes it here."""
    row = UnitPlan.objects.filter(within("unit__division__path", seen(request.actor)), pk=pk).select_related("unit", "campaign").first()
    if row is None:
        raise NotFound(_("没有这份方案，或不在您负责的范围内"))
    may = row.unit_id in own_units(request.actor) and row.campaign.state in AT_WORK
    form = PlanForm(request.POST or None, initial={"title": row.title, "words": row.words, "seen": row.mark}) if may else None
    status, lead = 200, "" if form else f"{row.title} {row.words}".strip() or _("还没有报送。")
    if request.method == "POST":
        if form is None:
            raise NotFound(_("只有本单位的人员在行动期间可以报送"))
        if form.is_valid():
            try:
                commands.submit_plan(plan=row, by=request.actor, at=clock.now(), **form.cleaned_data)
                messages.success(request, _("方案已报送。"))
                return redirect("supervision:plan", pk)
            except (Refused, Conflict) as error:
                status = status_of(error)
                if isinstance(error, Conflict):
                    row.refresh_from_db()
                    form, lead = _with_the_newer(form, row), f"{_('现在的方案')}：{row.title} {row.words}"
                form.add_error(None, error.message)
    context = {
        "page_title": _("%s的整顿方案") % row.unit.name,
        "form": form,
        "button": _("报送"),
        "lead": lead,
        "back": opened("plan_list", row.campaign),
        "back_title": _("整顿方案"),
    }
    return render(request, "supervision/form.html", context, status=400 if form and form.errors and status == 200 else status)


def _with_the_newer(form: PlanForm, row: UnitPlan) -> PlanForm:
    """What the person wrote, now written in sight of the text that came before it."""
    kept = PlanForm({**form.cleaned_data, "seen": row.mark})
    kept.full_clean()
    return kept
