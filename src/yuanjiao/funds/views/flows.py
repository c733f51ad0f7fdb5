"""Subsidies with the county's own money beside them, and commitments in kind."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.funds import commands, queries
from yuanjiao.funds.inputs import AcceptForm, CommitmentForm, DeliveryForm, GrantForm, SubsidyForm
from yuanjiao.funds.models import SUBSIDY_STATE_NAMES, Commitment, Subsidy
from yuanjiao.funds.queries import Matching
from yuanjiao.funds.rules import SubsidyState, match_ratio
from yuanjiao.funds.views.books import entry_address, fund_address
from yuanjiao.funds.views.parts import county_filter, kept_places, may, place_named, seen
from yuanjiao.funds.views.paying import proposal_address
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.forms import FormPage, form_page
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P = Permission
BADGES = {"applied": "yellow", "approved": "blue", "paid": "blue", "accepted": "green", "refused": "red"}


def ratio_words(ratio: float | None) -> str:
    """1 : 0.80: own money for each yuan of subsidy."""
    return "—" if ratio is None else f"1 : {ratio:.2f}"


def subsidy_address(row: Subsidy) -> str:
    return reverse("funds:subsidy", args=[row.uid])


@door(P.SEE_FUNDS)
def subsidy_list(request: ActingRequest) -> HttpResponseBase:
    states = [(str(key), name) for key, name in SUBSIDY_STATE_NAMES]
    actions = [(_("申请补贴"), reverse("funds:subsidy_new"))] if request.actor.holds(P.KEEP_FUNDS) else []
    page: ListPage[Subsidy] = ListPage(
        title=_("补贴"),
        rows=queries.subsidies(seen(request.actor)),
        columns=[
            Column(_("项目"), lambda row: row.purpose, link=subsidy_address, width=30),
            Column(_("申请区划"), lambda row: row.division.name, order=("division__path",)),
            Column(_("申请（元）"), lambda row: row.asked_fen, money=True, order=("asked_fen",), width=16),
            Column(_("批准（元）"), lambda row: row.granted_fen, money=True, order=("granted_fen",), width=16),
            Column(_("承诺配套（元）"), lambda row: row.own_fen, money=True, width=16),
            Column(_("实际配套（元）"), lambda row: row.own_spent_fen, money=True, width=16),
            Column(_("配套比例"), lambda row: ratio_words(_ratio(row))),
            Column(_("状态"), lambda row: row.get_state_display(), badge=lambda row: BADGES[row.state], order=("state",)),
        ],
        empty=_("没有补贴。县里申请，市里审批、拨付，完工后验收。"),
        filters=[Filter("state", _("状态"), states, lambda rows, v: rows.filter(state=v)), county_filter(request.actor, "division__path")],
        actions=[*actions, (_("各县配套"), reverse("funds:matching_list"))],
    )
    return respond(request, page)


def _ratio(row: Subsidy) -> float | None:
    """Own money spent once the work was accepted, promised before; to what is granted, or asked."""
    own = row.own_spent_fen if row.state == SubsidyState.ACCEPTED else row.own_fen
    return match_ratio(own, row.granted_fen or row.asked_fen)


@door(P.SEE_FUNDS)
def matching_list(request: ActingRequest) -> HttpResponseBase:
    def link(row: Matching) -> str:
        return f"{reverse('funds:subsidy_list')}?county={row.division.path}"

    page: ListPage[Matching] = ListPage(
        title=_("各县配套"),
        rows=queries.matchings(seen(request.actor)),
        columns=[
            Column(_("区划"), lambda row: row.division.name, link=link),
            Column(_("项目"), lambda row: row.count),
            Column(_("批准补贴（元）"), lambda row: row.granted_fen, money=True, width=18),
            Column(_("承诺配套（元）"), lambda row: row.own_fen, money=True, width=18),
            Column(_("承诺比例"), lambda row: ratio_words(row.promised_ratio)),
            Column(_("实际配套（元）"), lambda row: row.own_spent_fen, money=True, width=18),
            Column(_("实际比例"), lambda row: ratio_words(row.ratio)),
        ],
        empty=_("还没有批准的补贴。"),
        lead=_("比例＝补贴 1 元，本地配套多少元；实际配套在验收时登记。"),
    )
    return respond(request, page)


@door(P.KEEP_FUNDS)
def subsidy_new(request: ActingRequest) -> HttpResponse:
    places = kept_places(request.actor)
    funds = queries.funds_to_ask(request.actor.paths(P.KEEP_FUNDS))

    def save(said: dict[str, Any]) -> str:
        row = commands.apply_for_subsidy(
            fund=said["fund"], division=said["division"], purpose=said["purpose"], asked_fen=said["asked"], own_fen=said["own"],
            document=said["document"], uid=said["uid"], by=request.actor, at=clock.now(),
        )  # fmt: skip
        return subsidy_address(row)

    form = SubsidyForm(request.POST or None, places=places, funds=funds)
    return form_page(
        request, form, FormPage(_("申请补贴"), reverse("funds:subsidy_list"), _("补贴"), _("已申请。"), button=_("申请")), save
    )


@door(P.SEE_FUNDS)
def subsidy(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One subsidy; who may act on it acts here."""
    found = queries.subsidy_by_uid(uid, seen(request.actor))
    grant = GrantForm(request.POST if request.POST.get("act") == "approve" else None, fund=found.fund)
    accept = AcceptForm(request.POST if request.POST.get("act") == "accept" else None)
    if request.method == "POST":
        form = {"approve": grant, "accept": accept}.get(request.POST.get("act", ""))
        if form is None or form.is_valid():
            try:
                return redirect(_act(request, found, form.cleaned_data if form else {}))
            except NotFound:
                raise
            except (Refused, Conflict) as error:
                messages.error(request, error.message)
                return redirect(subsidy_address(found))
    others = found.applied_uid != request.actor.person_uid
    decides = others and may(request.actor, P.APPROVE_FUNDS, found.fund.division)
    context = {
        "page_title": found.purpose,
        "subsidy": found,
        "badge": BADGES[found.state],
        "ratio": ratio_words(_ratio(found)),
        "grant": grant if decides and found.state == SubsidyState.APPLIED else None,
        "accept": accept if decides and found.state == SubsidyState.PAID else None,
        "may_pay": found.state == SubsidyState.APPROVED and may(request.actor, P.KEEP_FUNDS, found.fund.division),
        "entries": queries.entries(seen(request.actor)).filter(subsidy=found),
        "proposals": queries.proposals(seen(request.actor)).filter(subsidy=found),
    }
    return render(request, "funds/subsidy.html", context)


def _act(request: ActingRequest, found: Subsidy, said: dict[str, Any]) -> str:
    act, at, by = request.POST.get("act"), clock.now(), request.actor
    if act == "approve":
        commands.approve_subsidy(subsidy=found, source=said["source"], granted_fen=said["amount"], decision=said["decision"], by=by, at=at)
    elif act == "refuse":
        commands.refuse_subsidy(subsidy=found, decision=request.POST.get("reason", ""), by=by, at=at)
    elif act == "pay":
        return proposal_address(commands.propose_subsidy_payment(subsidy=found, by=by, at=at))
    elif act == "accept":
        commands.accept_subsidy(
            subsidy=found, own_spent_fen=said["own_spent"], acceptance=said["acceptance"], on=clock.local_day(at), by=by, at=at
        )
    else:
        raise Refused(_("没有这个操作"))
    messages.success(request, _("已保存。"))
    return subsidy_address(found)


@door(P.SEE_FUNDS)
def commitment_list(request: ActingRequest) -> HttpResponseBase:
    today = clock.today()

    def badge(row: Commitment) -> str:
        return "green" if not row.outstanding else "red" if row.due_on < today else "yellow"

    page: ListPage[Commitment] = ListPage(
        title=_("实物承诺"),
        rows=queries.commitments(seen(request.actor)),
        columns=[
            Column(_("实物"), lambda row: row.what, link=lambda row: reverse("funds:commitment", args=[row.uid]), width=20),
            Column(_("承诺方"), lambda row: row.source.name, width=20),
            Column(_("用于"), lambda row: row.division.name),
            Column(_("承诺"), lambda row: row.promised),
            Column(_("已到"), lambda row: row.delivered),
            Column(_("未到"), lambda row: row.outstanding, badge=badge),
            Column(_("未到价值（元）"), lambda row: row.outstanding * row.unit_fen, money=True, width=18),
            Column(_("约定日期"), lambda row: row.due_on, order=("due_on",)),
            Column(_("协议"), lambda row: row.document, width=24),
        ],
        empty=_("没有实物承诺。运营商承诺更新的机顶盒、电视机从基金页登记，到货后登记到位。"),
        filters=[county_filter(request.actor, "division__path")],
    )
    return respond(request, page)


@door(P.KEEP_FUNDS)
def commitment_new(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = queries.fund_by_uid(uid, request.actor.paths(P.KEEP_FUNDS))

    def save(said: dict[str, Any]) -> str:
        row = commands.enter_commitment(
            source=said["source"], division=place_named(said["place"], found.division, request.actor), what=said["what"],
            count=said["count"], unit_fen=said["unit"], due_on=said["due_on"], document=said["document"], uid=said["uid"],
            by=request.actor, at=clock.now(),
        )  # fmt: skip
        return reverse("funds:commitment", args=[row.uid])

    page = FormPage(_("登记实物承诺"), fund_address(found), found.name, _("已登记。"))
    return form_page(request, CommitmentForm(request.POST or None, fund=found), page, save)


@door(P.SEE_FUNDS)
def commitment(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = queries.commitment_by_uid(uid, seen(request.actor))
    context = {
        "page_title": found.what,
        "commitment": found,
        "late": found.outstanding and found.due_on < clock.today(),
        "entries": queries.entries(seen(request.actor)).filter(commitment=found),
        "may_keep": bool(found.outstanding) and may(request.actor, P.KEEP_FUNDS, found.source.fund.division),
    }
    return render(request, "funds/commitment.html", context)


@door(P.KEEP_FUNDS)
def delivery_new(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = queries.commitment_by_uid(uid, request.actor.paths(P.KEEP_FUNDS))

    def save(said: dict[str, Any]) -> str:
        entry = commands.enter_delivery(
            commitment=found, count=said["count"], document=said["document"], uid=said["uid"], by=request.actor, at=clock.now()
        )
        return entry_address(entry)

    back = reverse("funds:commitment", args=[found.uid])
    return form_page(request, DeliveryForm(request.POST or None), FormPage(_("登记到位"), back, found.what, _("已登记。")), save)
