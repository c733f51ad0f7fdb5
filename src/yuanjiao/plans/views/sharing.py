"""Facilities lent by other departments, a site's costs split among programmes, practice notes."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.network.models import Site
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.plans import commands, queries
from yuanjiao.plans.inputs import FacilityForm, NoteForm, ShareForm
from yuanjiao.plans.models import LentFacility, PracticeNote
from yuanjiao.plans.rules import split_cost
from yuanjiao.plans.views.parts import day, form_page, new_button, own_places, seen
from yuanjiao.ui.lists import Column, ListPage, respond

SOON_DAYS = 60


def term(row: LentFacility) -> tuple[str, str]:
    """What to say of a facility's term, and its colour."""
    if row.returned_on:
        return _("已归还"), "grey"
    left = (row.ends_on - clock.today()).days
    if left < 0:
        return _("已到期未归还"), "red"
    return (_("即将到期"), "yellow") if left <= SOON_DAYS else (_("在借"), "green")


@door(Permission.SEE_NETWORK)
def facility_list(request: ActingRequest) -> HttpResponseBase:
    """What is lent, by whom, for what, until when (NET16)."""
    columns: list[Column[LentFacility]] = [
        Column(_("设施"), lambda row: row.name, width=24),
        Column(_("产权单位"), lambda row: row.owner, width=20),
        Column(_("所在"), lambda row: row.division.name),
        Column(_("许可用途"), lambda row: row.permitted_use, width=24),
        Column(_("借用日期"), lambda row: day(row.lent_on), order=("lent_on",)),
        Column(_("到期日期"), lambda row: day(row.ends_on), order=("ends_on",)),
        Column(_("状态"), lambda row: term(row)[0], badge=lambda row: term(row)[1]),
        Column(_("协议"), lambda row: row.document),
    ]
    if request.actor.holds(Permission.PLAN_BUILDING):
        columns.append(
            Column(
                "",
                lambda row: "" if row.returned_on else _("登记归还"),
                link=lambda row: None if row.returned_on else reverse("plans:facility_return", args=[row.uid]),
            )
        )
    page = ListPage(
        title=_("借用设施"), rows=queries.facilities(seen(request.actor)), columns=columns, empty=_("还没有登记借用的设施。"),
        search=("name", "owner"), search_hint=_("设施或产权单位"),
        actions=new_button(request.actor, _("登记借用设施"), "plans:facility_new"),
    )  # fmt: skip
    return respond(request, page)


@door(Permission.PLAN_BUILDING)
def facility_new(request: ActingRequest) -> HttpResponse:
    form = FacilityForm(request.POST or None, places=own_places(request.actor))
    return form_page(
        request, form, title=_("登记借用设施"), back="plans:facility_list", back_title=_("借用设施"), done=_("已登记。"),
        save=lambda said: commands.lend_facility(**said, by=request.actor, at=clock.now()),
    )  # fmt: skip


@door(Permission.PLAN_BUILDING)
def facility_return(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Ask once more; POST registers that it has gone back today."""
    row = queries.facilities(seen(request.actor)).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这项设施，或不在您负责的范围内")
    if request.method == "POST":
        commands.return_facility(facility=row, on=clock.today(), by=request.actor, at=clock.now())
        return redirect("plans:facility_list")
    return render(request, "plans/return.html", {"page_title": _("登记归还"), "facility": row})


@door(Permission.SEE_NETWORK)
def share_list(request: ActingRequest) -> HttpResponseBase:
    """Sites of several programmes and who bears their costs (NET09)."""
    columns: list[Column[Site]] = [
        Column(_("站点"), lambda row: row.name, link=lambda row: reverse("plans:share", args=[row.code]), width=24),
        Column(_("编号"), lambda row: row.code, width=18),
        Column(_("所在区划"), lambda row: row.division.name),
        Column(_("所属项目"), lambda row: row.programmes, width=24),
        Column(_("分摊份数"), lambda row: "，".join(f"{one.programme} {one.weight}" for one in queries.cost_shares(row)), width=28),
    ]
    page = ListPage(
        title=_("费用分摊"), rows=queries.shared_sites(seen(request.actor)), columns=columns,
        empty=_("没有属于其他项目的站点。在台账的“所属项目”一栏填写后会列在这里。"),
        search=("name", "code"), search_hint=_("站点名称或编号"),
        lead=_("一个站点可同属几个项目：设备在台账中只计一次，费用按份数分摊。"),
    )  # fmt: skip
    return respond(request, page)


@door(Permission.SEE_NETWORK)
def share(request: ActingRequest, code: str) -> HttpResponse:
    """One site's shares; POST sets them, or only tries an amount out."""
    site = queries.shared_sites(seen(request.actor)).filter(code=code).first()
    if site is None:
        raise NotFound("没有这个站点，或不在您负责的范围内")
    kept = "\n".join(f"{one.programme} {one.weight}" for one in queries.cost_shares(site))
    form = ShareForm(request.POST or None, initial={"shares": kept or f"{site.programmes} 1"})
    parts: dict[str, int] = {}
    keeps = request.method == "POST" and request.POST.get("act") != "try"
    if keeps:
        request.actor.require(Permission.PLAN_BUILDING, site.division.path)
    if request.method == "POST" and form.is_valid():
        try:
            if keeps:
                commands.set_cost_shares(site=site, shares=form.cleaned_data["shares"], by=request.actor, at=clock.now())
                return redirect("plans:share", code=code)
            parts = split_cost(int((form.cleaned_data["amount"] or 0) * 100), form.cleaned_data["shares"])
        except (Refused, ValueError) as error:
            form.add_error(None, getattr(error, "message", _("份数至少为 1")))
    context = {
        "page_title": site.name,
        "site": site,
        "form": form,
        "parts": [(name, cents / 100) for name, cents in parts.items()],
        "may_plan": request.actor.holds(Permission.PLAN_BUILDING),
    }
    return render(request, "plans/share.html", context, status=400 if form.errors else 200)


@door(Permission.SEE_NETWORK)
def note_list(request: ActingRequest) -> HttpResponseBase:
    """Practice notes of all divisions within reach of any reader: good practice is there to be copied."""
    columns: list[Column[PracticeNote]] = [
        Column(_("标题"), lambda row: row.title, link=lambda row: reverse("plans:note", args=[row.uid]), width=36),
        Column(_("区划"), lambda row: row.division.name),
        Column(_("更新"), lambda row: f"{row.written_at.astimezone(clock.CHINA):%Y-%m-%d}", order=("written_at",)),
    ]
    page = ListPage(
        title=_("经验做法"), rows=queries.practice_notes(["/"]), columns=columns, empty=_("还没有人写下经验做法。"),
        search=("title", "words"), search_hint=_("标题或内容"), actions=new_button(request.actor, _("登记经验做法"), "plans:note_new"),
    )  # fmt: skip
    return respond(request, page)


@door(Permission.PLAN_BUILDING)
def note_new(request: ActingRequest) -> HttpResponse:
    form = NoteForm(request.POST or None, places=own_places(request.actor))
    return form_page(
        request, form, title=_("登记经验做法"), back="plans:note_list", back_title=_("经验做法"), done=_("已登记。"),
        save=lambda said: commands.write_practice_note(**said, by=request.actor, at=clock.now()),
    )  # fmt: skip


@door(Permission.SEE_NETWORK)
def note(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = queries.practice_notes(["/"]).filter(uid=uid).first()
    if found is None:
        raise NotFound("没有这篇经验做法")
    return render(request, "plans/note.html", {"page_title": found.title, "note": found})
