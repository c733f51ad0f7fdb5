"""Resource plans and certificates."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import segno
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.lib.senders import sender_of
from yuanjiao.people.access import ActingRequest, door, public
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import unit_by_code
from yuanjiao.production import commands, queries
from yuanjiao.production.inputs import CertificateForm, LinesForm, PlanForm
from yuanjiao.production.models import Certificate
from yuanjiao.production.rules.numbers import read_number, shown_code
from yuanjiao.production.views.parts import act, form_page, own_units
from yuanjiao.ui.lists import Column, ListPage, respond

P = Permission


@door(P.MANAGE_COLUMNS, P.SEE_REPORTS, P.PRODUCE_COURSEWARE)
@require_safe
def plan_list(request: ActingRequest) -> HttpResponse:
    """Every plan with its lines: planned, made, the items behind the number."""
    plans = [(plan, queries.plan_progress(plan)) for plan in queries.plans_seen(request.actor)]
    context = {"page_title": _("资源建设规划"), "plans": plans, "year": clock.today().year, "may": request.actor.holds(P.MANAGE_COLUMNS)}
    context["changes"] = {plan.pk for plan, _lines in plans if request.actor.covers(P.MANAGE_COLUMNS, plan.unit.division.path)}
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
def plan_lines(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Further lines of a plan; those there stay as they are."""
    plan = queries.plans_seen(request.actor).filter(uid=uid).first()
    if plan is None:
        raise NotFound("没有这份规划，或不在您的范围内")
    form = LinesForm(request.POST or None, units=own_units(request))

    def save(said: Any) -> str:
        commands.add_plan_lines(plan=plan, lines=said["lines"], by=request.actor, at=clock.now())
        return reverse("production:plan_list")

    back = (reverse("production:plan_list"), _("资源建设规划"))
    return form_page(request, form, title=_("补充条目：%s") % plan.title, back=back, save=save, done=_("已补充。"))


def _page_of(row: Certificate) -> str:
    return reverse("production:certificate", args=[row.number, row.code])


@door(P.MANAGE_COLUMNS)
@require_safe
def certificate_list(request: ActingRequest) -> HttpResponseBase:
    columns: list[Column[Certificate]] = [
        Column(
            _("编号"),
            lambda row: row.number,
            link=lambda row: reverse("production:certificate", args=[row.number, row.code]),
            order=("number",),
        ),
        Column(_("查验码"), lambda row: shown_code(row.code)),
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
        return reverse("production:certificate", args=[row.number, row.code])

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
        reverse("production:certificate", args=[number, row.code]),
    )


@public
@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """Anybody types a number with its code and is led to the certificate's own page; wrong ones are all answered alike."""
    number, code = (request.GET.get(name, "").strip()[:40] for name in ("number", "code"))
    if not number or not code:
        return _asked_for(request, number)
    wait, found = _found(request, number, code)
    if found is not None:
        return redirect("production:certificate", found.number, found.code)
    return _not_found(request, number, wait)


@public
@require_safe
def certificate(request: HttpRequest, number: str, code: str = "") -> HttpResponse:
    """One certificate for who holds it or was shown it: holder, reason, by whom, when, whether it still holds; with its QR."""
    if not code:
        return _asked_for(request, number)
    wait, found = _found(request, number, code)
    if found is None:
        return _not_found(request, number, wait)
    address = request.build_absolute_uri(reverse("production:certificate", args=[found.number, found.code]))
    context = {"certificate": found, "code": shown_code(found.code), "qr": segno.make(address, error="m").svg_inline(scale=4, border=2)}
    answer = render(request, "production/certificate.html", context)
    answer["Cache-Control"], answer["Referrer-Policy"] = "private, no-store", "no-referrer"  # the address holds the code
    return answer


def _found(request: HttpRequest, number: str, code: str) -> tuple[int, Certificate | None]:
    """Seconds to wait and nothing, or no wait and what belongs to number and code."""
    known = read_number(number)
    wait = commands.room_to_ask(sender=sender_of(request), number=known or "", at=clock.now())
    return wait, None if wait else queries.verified_certificate(number, code)


def _asked_for(request: HttpRequest, number: str) -> HttpResponse:
    return render(request, "production/certificate.html", {"typed": number[:40], "certificate": None})


def _not_found(request: HttpRequest, number: str, wait: int) -> HttpResponse:
    context = {"typed": number[:40], "certificate": None, "wrong": not wait, "wait": wait}
    answer = render(request, "production/certificate.html", context, status=429 if wait else 404)
    if wait:
        answer["Retry-After"] = str(wait)
    return answer
