"""Funds with their sources, money that comes in, and the entries."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.funds import commands, queries
from yuanjiao.funds.inputs import ContributionForm, FundForm, ReasonForm, SourceForm
from yuanjiao.funds.models import KIND_NAMES, SOURCE_NAMES, Entry, Fund
from yuanjiao.funds.rules import EntryKind, ProposalState, effect_on_balance
from yuanjiao.funds.views.parts import county_filter, fund_filter, kept_places, may, seen
from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.forms import FormPage, form_page
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P = Permission


def fund_address(fund: Fund) -> str:
    return reverse("funds:fund", args=[fund.uid])


def entry_address(entry: Entry) -> str:
    return reverse("funds:entry", args=[entry.uid])


@door(P.SEE_FUNDS)
def fund_list(request: ActingRequest) -> HttpResponseBase:
    rows = queries.funds(seen(request.actor))
    waiting: dict[int, int] = {}
    page: ListPage[Any] = ListPage(
        title=_("维护基金"),
        rows=rows,
        columns=[
            Column(_("基金编号"), lambda row: row.code, order=("code",)),
            Column(_("名称"), lambda row: row.name, link=fund_address, width=26),
            Column(_("所属区划"), lambda row: row.division.name, order=("division__path",)),
            Column(_("设立日期"), lambda row: row.opened_on),
            Column(_("余额（元）"), lambda row: row.balance or 0, money=True, width=18),
            Column(_("待审批"), lambda row: waiting.get(row.pk, 0), badge=lambda row: "yellow" if waiting.get(row.pk) else None),
            Column(_("分录"), lambda row: row.entry_count),
        ],
        empty=_("还没有基金。设立时写明各资金来源和约定的份额，以后每笔收支都记在来源名下。"),
        search=("code", "name"),
        search_hint=_("编号或名称"),
        actions=[(_("设立基金"), reverse("funds:fund_new"))] if request.actor.holds(P.KEEP_FUNDS) else [],
        prepare=lambda found: waiting.update(queries.waiting_counts(found)),
    )
    return respond(request, page)


@door(P.KEEP_FUNDS)
def fund_new(request: ActingRequest) -> HttpResponse:
    form = FundForm(request.POST or None, places=kept_places(request.actor))

    def save(said: dict[str, Any]) -> str:
        at = clock.now()
        return fund_address(commands.open_fund(**said, on=clock.local_day(at), by=request.actor, at=at))

    page = FormPage(
        _("设立基金"),
        reverse("funds:fund_list"),
        _("维护基金"),
        _("已设立。"),
        _("份额合计为 100%；没有约定份额的都不写。赞助是一种资金来源，不换取任何宣传。"),
    )
    return form_page(request, form, page, save)


@door(P.SEE_FUNDS)
def fund(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = queries.fund_by_uid(uid, seen(request.actor))
    latest = queries.entries(seen(request.actor)).filter(fund=found)[:10]
    context = {
        "page_title": found.name,
        "fund": found,
        "sources": queries.source_lines(found),
        "entries": latest,
        "waiting": queries.proposals(seen(request.actor)).filter(fund=found, state=ProposalState.WAITING),
        "may_keep": may(request.actor, P.KEEP_FUNDS, found.division),
    }
    return render(request, "funds/fund.html", context)


@door(P.KEEP_FUNDS)
def source_new(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = queries.fund_by_uid(uid, request.actor.paths(P.KEEP_FUNDS))

    def save(said: dict[str, Any]) -> None:
        commands.add_source(fund=found, new=said["source"], by=request.actor, at=clock.now())

    page = FormPage(_("增加资金来源"), fund_address(found), found.name, _("已增加。"))
    return form_page(request, SourceForm(request.POST or None), page, save)


@door(P.KEEP_FUNDS)
def contribution_new(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = queries.fund_by_uid(uid, request.actor.paths(P.KEEP_FUNDS))

    def save(said: dict[str, Any]) -> str:
        entry = commands.enter_contribution(
            source=said["source"], amount_fen=said["amount"], purpose=said["purpose"], document=said["document"], uid=said["uid"],
            by=request.actor, at=clock.now(),
        )  # fmt: skip
        return entry_address(entry)

    page = FormPage(_("登记拨入"), fund_address(found), found.name, _("已记账。"))
    return form_page(request, ContributionForm(request.POST or None, fund=found), page, save)


@door(P.SEE_FUNDS)
def entry_list(request: ActingRequest) -> HttpResponseBase:
    actor = request.actor
    page: ListPage[Entry] = ListPage(
        title=_("经费分录"),
        rows=queries.entries(seen(actor)),
        columns=[
            Column(_("凭证号"), str, link=entry_address, order=("fund__code", "number")),
            Column(_("记账时间"), lambda row: row.at, order=("at",), width=18),
            Column(_("类别"), lambda row: row.get_kind_display(), order=("kind",)),
            Column(_("资金来源"), lambda row: row.source.name, width=20),
            Column(_("金额（元）"), lambda row: row.amount_fen, money=True, order=("amount_fen",), width=16),
            Column(_("余额增减（元）"), lambda row: effect_on_balance(EntryKind(row.kind), row.amount_fen), money=True, width=16),
            Column(_("用途"), lambda row: row.get_category_display()),
            Column(_("区划"), lambda row: row.division.name),
            Column(_("摘要"), lambda row: row.purpose, width=30),
            Column(_("收款单位"), lambda row: row.payee, width=20),
            Column(_("经办"), lambda row: row.proposed_name),
            Column(_("审批"), lambda row: row.approved_name),
        ],
        empty=_("没有符合条件的分录。拨入、支出入账后列在这里；记错的不修改，用冲销分录更正。"),
        search=("purpose", "payee", "document"),
        search_hint=_("摘要、收款单位或凭据"),
        filters=[
            fund_filter(queries.funds(seen(actor)), "fund"),
            Filter("kind", _("类别"), [(str(key), name) for key, name in KIND_NAMES], lambda rows, value: rows.filter(kind=value)),
            Filter(
                "from", _("来源"), [(str(key), name) for key, name in SOURCE_NAMES], lambda rows, value: rows.filter(source__kind=value)
            ),
            county_filter(actor, "division__path"),
        ],
    )
    return respond(request, page)


@door(P.SEE_FUNDS)
def entry(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = queries.entry_by_uid(uid, seen(request.actor))
    opposite = getattr(found, "reversed_by", None)
    may_reverse = may(request.actor, P.KEEP_FUNDS, found.fund.division) and found.reverses is None and opposite is None
    context = {
        "page_title": f"{found.get_kind_display()} {found}",
        "entry": found,
        "opposite": opposite,
        "sees_fund": may(request.actor, P.SEE_FUNDS, found.fund.division),
        "form": ReasonForm() if may_reverse else None,
    }
    return render(request, "funds/entry.html", context)


@door(P.KEEP_FUNDS)
def reversal_new(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = queries.entry_by_uid(uid, request.actor.paths(P.KEEP_FUNDS))

    def save(said: dict[str, Any]) -> str:
        row = commands.propose_reversal(entry=found, reason=said["reason"], by=request.actor, at=clock.now())
        return reverse("funds:proposal", args=[row.uid])

    page = FormPage(
        _("冲销分录 %(entry)s") % {"entry": found}, entry_address(found), str(found), _("已提请冲销，等待另一人审批。"),
        _("批准后记一条相反的分录，原分录不变。"), _("提请冲销"),
    )  # fmt: skip
    return form_page(request, ReasonForm(request.POST or None), page, save)
