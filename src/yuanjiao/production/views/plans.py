"""Resource plans and certificates."""

from __future__ import annotations

from typing import Any

import segno
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.access import ActingRequest, door, public
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import unit_by_code
from yuanjiao.production import commands, queries
from yuanjiao.production.inputs import CertificateForm, PlanForm
from yuanjiao.production.models import Certificate
from yuanjiao.production.views.parts import act, form_page, own_units
from yuanjiao.ui.lists import Column, ListPage, respond

P = Permission


@door(P.MANAGE_COLUMNS, P.SEE_REPORTS, P.PRODUCE_COURSEWARE)
@require_safe
def plan_list(request: ActingRequest) -> HttpResponse:
    """Every plan with its lines: planned, made, the items behind the number."""
    plans = [(plan, queries.plan_progress(plan)) for plan in queries.plans_seen(request.actor)]
    context = {"page_title": _("资源建设规划"), "plans": plans, "year": clock.today().year, "may": request.actor.holds(P.MANAGE_COLUMNS)}
    return render(request, "production/plans.html", context)


@door(P.MANAGE_COLUMNS)
def plan_new(request: ActingRequest) -> HttpResponse:
    form = PlanForm(request.POST or None, units=own_units(request))

    def save(said: Any) -> str:
        commands.add_resource_plan(**{**said, "unit": unit_by_code(said["unit"])}, by=request.actor, at=clock.now())
        return reverse("production:plan_list")

    back = (reverse("production:plan_list"), _("资源建设规划"))
    return form_page(request, form, title=_("制定规划"), back=back, save=save, done=_("规划已保存。"))


@door(P.MANAGE_COLUMNS)
@require_safe
def certificate_list(request: ActingRequest) -> HttpResponseBase:
    columns: list[Column[Certificate]] = [
        Column(_("编号"), lambda row: row.number, link=lambda row: reverse("production:certificate", args=[row.number]), order=("number",)),
        Column(_("获证者"), lambda row: row.holder, order=("holder",)),
        Column(_("事由"), lambda row: row.reason, width=40),
        Column(_("颁发单位"), lambda row: row.unit.name, width=24),
        Column(_("颁发日期"), lambda row: row.issued_on, order=("issued_on",)),
        Column(
            _("状态"), lambda row: _("已撤销") if row.revoked_on else _("有效"), badge=lambda row: "grey" if row.revoked_on else "green"
        ),
    ]
    page = ListPage(
        title=_("证书"), rows=queries.certificates_issued(request.actor), columns=columns, empty=_("还没有颁发证书。"),
        search=("number", "holder", "reason"), search_hint=_("编号、获证者或事由"),
        actions=[(_("颁发证书"), reverse("production:certificate_new"))],
    )  # fmt: skip
    return respond(request, page)


@door(P.MANAGE_COLUMNS)
def certificate_new(request: ActingRequest) -> HttpResponse:
    form = CertificateForm(request.POST or None, units=own_units(request))

    def save(said: Any) -> str:
        row = commands.issue_certificate(**{**said, "unit": unit_by_code(said["unit"])}, by=request.actor, at=clock.now())
        return reverse("production:certificate", args=[row.number])

    back = (reverse("production:certificate_list"), _("证书"))
    return form_page(request, form, title=_("颁发证书"), back=back, save=save, done=_("证书已颁发。"))


@door(P.MANAGE_COLUMNS)
@require_POST
def certificate_revoke(request: ActingRequest, number: str) -> HttpResponse:
    row = queries.certificates_issued(request.actor).filter(number=number).first()
    if row is None:
        raise NotFound("没有这张证书，或不在您的范围内")
    reason = request.POST.get("reason", "")
    return act(
        request,
        lambda: commands.revoke_certificate(certificate=row, reason=reason, by=request.actor, at=clock.now()),
        reverse("production:certificate", args=[number]),
    )


@public
@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """Anybody types a number and is told what it stands for; a known one leads to its own page."""
    typed = request.GET.get("number", "").strip()[:40]
    found = queries.certificate_by_number(typed) if typed else None
    if found is not None:
        return redirect("production:certificate", found.number)
    return render(request, "production/certificate.html", {"typed": typed, "certificate": None}, status=404 if typed else 200)


@public
@require_safe
def certificate(request: HttpRequest, number: str) -> HttpResponse:
    """One certificate for everybody: holder, reason, by whom, when, and whether it still holds; with its QR."""
    found = queries.certificate_by_number(number)
    address = request.build_absolute_uri(request.path)
    code = segno.make(address, error="m").svg_inline(scale=4, border=2) if found else ""
    context = {"typed": number, "certificate": found, "qr": code}
    return render(request, "production/certificate.html", context, status=200 if found else 404)
