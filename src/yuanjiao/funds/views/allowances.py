"""Allowances of villages: entitled, paid, used; by county and by village."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.funds import commands, queries
from yuanjiao.funds.inputs import AllowancePaymentForm, AllowanceUseForm, RateForm
from yuanjiao.funds.models import AllowanceRate
from yuanjiao.funds.queries import CountyAllowance, VillageLine
from yuanjiao.funds.views.books import entry_address, fund_address
from yuanjiao.funds.views.parts import may, place_named, seen
from yuanjiao.funds.views.paying import proposal_address
from yuanjiao.lib import clock
from yuanjiao.lib.money import yuan
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.forms import FormPage, form_page
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P = Permission


@door(P.SEE_FUNDS)
def rate_list(request: ActingRequest) -> HttpResponseBase:
    page: ListPage[AllowanceRate] = ListPage(
        title=_("村级补助"),
        rows=queries.rates(seen(request.actor)),
        columns=[
            Column(_("年度"), lambda row: str(row.year), link=lambda row: reverse("funds:rate", args=[row.uid]), order=("year",)),
            Column(_("基金"), lambda row: row.fund.name, width=26),
            Column(_("每村标准（元）"), lambda row: row.rate_fen, money=True, width=16),
            Column(_("村数截至"), lambda row: row.counted_on),
            Column(_("依据文件"), lambda row: row.document, width=26),
        ],
        empty=_("还没有补助标准。在基金页设定年度标准后，这里按村数算出应得，并列已拨和已用。"),
    )
    return respond(request, page)


@door(P.KEEP_FUNDS)
def rate_new(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = queries.fund_by_uid(uid, request.actor.paths(P.KEEP_FUNDS))

    def save(said: dict[str, Any]) -> str:
        row = commands.set_allowance_rate(
            fund=found, year=said["year"], rate_fen=said["rate"], counted_on=said["counted_on"], document=said["document"],
            by=request.actor, at=clock.now(),
        )  # fmt: skip
        return reverse("funds:rate", args=[row.uid])

    form = RateForm(request.POST or None, initial={"year": clock.today().year, "counted_on": clock.today()})
    return form_page(request, form, FormPage(_("设定村级补助标准"), fund_address(found), found.name, _("已设定。")), save)


@door(P.SEE_FUNDS)
def rate(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """The counties of a year; each opens to its villages."""
    found = queries.rate_by_uid(uid, seen(request.actor))
    villages = reverse("funds:rate_villages", args=[found.uid])
    page: ListPage[CountyAllowance] = ListPage(
        title=_("%(year)s 年村级补助") % {"year": found.year},
        rows=queries.county_allowances(found, seen(request.actor)),
        columns=[
            Column(_("县（市、区）"), lambda row: row.division.name, link=lambda row: f"{villages}?county={row.division.path}", width=20),
            Column(_("村数"), lambda row: row.villages),
            Column(_("应得（元）"), lambda row: row.entitled_fen, money=True, width=18),
            Column(_("已拨（元）"), lambda row: row.paid_fen, money=True, width=18),
            Column(_("未拨（元）"), lambda row: row.entitled_fen - row.paid_fen, money=True, width=18),
            Column(_("已用（元）"), lambda row: row.used_fen, money=True, width=18),
        ],
        empty=_("这一天没有计入补助的村。"),
        lead=_("%(fund)s：应得＝村数 × 每村 %(rate)s 元，村数截至 %(day)s。") % {
            "fund": found.fund.name, "rate": yuan(found.rate_fen), "day": f"{found.counted_on:%Y-%m-%d}"
        },
        actions=_rate_actions(request, found),
    )  # fmt: skip
    return respond(request, page)


def _rate_actions(request: ActingRequest, found: AllowanceRate) -> list[tuple[str, str]]:
    actions = [(_("逐村"), reverse("funds:rate_villages", args=[found.uid]))]
    if may(request.actor, P.KEEP_FUNDS, found.fund.division):
        actions.insert(0, (_("提请拨付"), reverse("funds:allowance_pay", args=[found.uid])))
    if request.actor.holds(P.KEEP_FUNDS):
        actions.append((_("登记使用"), reverse("funds:allowance_use", args=[found.uid])))
    return actions


@door(P.SEE_FUNDS)
def rate_villages(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """Each village: entitled, paid, used."""
    found = queries.rate_by_uid(uid, seen(request.actor))
    counties = [(one.division.path, one.division.name) for one in queries.county_allowances(found, seen(request.actor))]
    page: ListPage[VillageLine] = ListPage(
        title=_("%(year)s 年逐村补助") % {"year": found.year},
        rows=queries.village_lines(found, seen(request.actor)),
        columns=[
            Column(_("区划代码"), lambda row: row.division.code),
            Column(_("村"), lambda row: row.division.name, width=20),
            Column(_("应得（元）"), lambda row: row.entitled_fen, money=True, width=16),
            Column(_("已拨（元）"), lambda row: row.paid_fen, money=True, width=16),
            Column(_("已用（元）"), lambda row: row.used_fen, money=True, width=16),
            Column(_("结余（元）"), lambda row: row.paid_fen - row.used_fen, money=True, width=16),
        ],
        empty=_("没有符合条件的村。"),
        filters=[Filter("county", _("县（市、区）"), counties, lambda rows, v: [row for row in rows if row.division.path.startswith(v)])],
    )
    return respond(request, page)


@door(P.KEEP_FUNDS)
def allowance_pay(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = queries.rate_by_uid(uid, request.actor.paths(P.KEEP_FUNDS))
    request.actor.require(P.KEEP_FUNDS, found.fund.division.path)

    def save(said: dict[str, Any]) -> str:
        row = commands.propose_allowances(
            rate=found, source=said["source"], division=place_named(said["place"], found.fund.division, request.actor, on=found.counted_on),
            per_village_fen=said["per_village"], purpose=said["purpose"], uid=said["uid"], by=request.actor, at=clock.now(),
        )  # fmt: skip
        return proposal_address(row)

    back = reverse("funds:rate", args=[found.uid])
    page = FormPage(_("提请拨付村级补助"), back, str(found.year), _("已提请，等待另一人审批。"), _("批准后每村记一条分录。"), _("提请"))
    return form_page(request, AllowancePaymentForm(request.POST or None, fund=found.fund), page, save)


@door(P.KEEP_FUNDS)
def allowance_use(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = queries.rate_by_uid(uid, request.actor.paths(P.KEEP_FUNDS))

    def save(said: dict[str, Any]) -> str:
        entry = commands.enter_allowance_use(
            rate=found, village=place_named(said["place"], found.fund.division, request.actor, on=found.counted_on),
            amount_fen=said["amount"], purpose=said["purpose"], document=said["document"], uid=said["uid"],
            by=request.actor, at=clock.now(),
        )  # fmt: skip
        return entry_address(entry)

    back = reverse("funds:rate", args=[found.uid])
    page = FormPage(_("登记村级补助使用"), back, str(found.year), _("已记账。"))
    return form_page(request, AllowanceUseForm(request.POST or None), page, save)
