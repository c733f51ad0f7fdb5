"""Proposals to pay, and the second person's word."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.funds import commands, queries
from yuanjiao.funds.inputs import PaymentForm
from yuanjiao.funds.models import KIND_NAMES, PROPOSAL_STATE_NAMES, Proposal
from yuanjiao.funds.rules import EntryKind, ProposalState
from yuanjiao.funds.views.books import fund_address
from yuanjiao.funds.views.parts import fund_filter, may, place_named, seen
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.forms import FormPage, form_page
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P = Permission
BADGES = {"waiting": "yellow", "approved": "green", "refused": "red", "withdrawn": "grey"}


def proposal_address(row: Proposal) -> str:
    return reverse("funds:proposal", args=[row.uid])


@door(P.SEE_FUNDS)
def proposal_list(request: ActingRequest) -> HttpResponseBase:
    page: ListPage[Proposal] = ListPage(
        title=_("支付审批"),
        rows=queries.proposals(seen(request.actor)),
        columns=[
            Column(_("摘要"), lambda row: row.purpose, link=proposal_address, width=30),
            Column(_("类别"), lambda row: _("冲销") if row.reverses_id else row.get_kind_display()),
            Column(_("基金"), lambda row: row.fund.name, width=20),
            Column(_("资金来源"), lambda row: row.source.name, width=20),
            Column(_("金额（元）"), lambda row: row.amount_fen, money=True, order=("amount_fen",), width=16),
            Column(_("区划"), lambda row: row.division.name),
            Column(_("经办"), lambda row: row.proposed_name),
            Column(_("提请时间"), lambda row: row.proposed_at, order=("proposed_at",), width=18),
            Column(_("状态"), lambda row: row.get_state_display(), badge=lambda row: BADGES[row.state], order=("state",)),
            Column(_("审批"), lambda row: row.decided_name),
        ],
        empty=_("没有支付申请。从基金页提请支付，另一人批准后入账。"),
        filters=[
            Filter("state", _("状态"), [(str(key), name) for key, name in PROPOSAL_STATE_NAMES], lambda rows, v: rows.filter(state=v)),
            Filter("kind", _("类别"), [(str(key), name) for key, name in KIND_NAMES], lambda rows, v: rows.filter(kind=v)),
            fund_filter(queries.funds(seen(request.actor)), "fund"),
        ],
        search=("purpose", "payee"),
        search_hint=_("摘要或收款单位"),
    )
    return respond(request, page)


@door(P.KEEP_FUNDS)
def payment_new(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = queries.fund_by_uid(uid, request.actor.paths(P.KEEP_FUNDS))

    def save(said: dict[str, Any]) -> str:
        row = commands.propose_payment(
            kind=EntryKind(said["kind"]), source=said["source"], amount_fen=said["amount"], category=said["category"],
            division=place_named(said["place"], found.division, request.actor), purpose=said["purpose"], payee=said["payee"],
            document=said["document"], uid=said["uid"], by=request.actor, at=clock.now(),
        )  # fmt: skip
        return proposal_address(row)

    page = FormPage(
        _("提请支付"), fund_address(found), found.name, _("已提请，等待另一人审批。"), _("经办人和审批人须是两个人；批准后才入账。"),
        _("提请"),
    )  # fmt: skip
    return form_page(request, PaymentForm(request.POST or None, fund=found), page, save)


@door(P.SEE_FUNDS)
def proposal(request: ActingRequest, uid: UUID) -> HttpResponse:
    found, actor = queries.proposal_by_uid(uid, seen(request.actor)), request.actor
    waits, own = found.state == ProposalState.WAITING, found.proposed_uid == actor.person_uid
    context = {
        "page_title": found.purpose,
        "proposal": found,
        "badge": BADGES[found.state],
        "balance": found.source.balance_fen,
        "may_decide": waits and not own and may(actor, P.APPROVE_FUNDS, found.fund.division),
        "may_withdraw": waits and own and may(actor, P.KEEP_FUNDS, found.fund.division),
        "sees_fund": may(actor, P.SEE_FUNDS, found.fund.division),
    }
    return render(request, "funds/proposal.html", context)


@door(P.APPROVE_FUNDS, P.KEEP_FUNDS)
def proposal_act(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One of the three words about a proposal; a GET leads to its page."""
    reach = tuple({*request.actor.paths(P.APPROVE_FUNDS), *request.actor.paths(P.KEEP_FUNDS)})
    found = queries.proposal_by_uid(uid, reach)
    if request.method == "POST":
        _act(request, found)
    return redirect(proposal_address(found))


def _act(request: ActingRequest, found: Proposal) -> None:
    act, who = request.POST.get("act"), {"by": request.actor, "at": clock.now()}
    if act == "approve":
        entries = commands.approve_proposal(proposal=found, **who)  # type: ignore[arg-type]
        messages.success(request, _("已批准，记账 %(n)s 条。") % {"n": len(entries)})
    elif act == "refuse":
        commands.refuse_proposal(proposal=found, reason=request.POST.get("reason", ""), **who)  # type: ignore[arg-type]
        messages.success(request, _("已退回。"))
    elif act == "withdraw":
        commands.withdraw_proposal(proposal=found, **who)  # type: ignore[arg-type]
        messages.success(request, _("已撤回。"))
    else:
        raise Refused(_("没有这个操作"))
