"""One piece of equipment: its card, its way, and what may be done with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.assets import commands, queries
from yuanjiao.assets.inputs import AssetForm, HandBackForm, IssueForm, MoveForm, NoteForm
from yuanjiao.assets.rules import bought_before
from yuanjiao.assets.views.parts import asset_address, managed_units, seen
from yuanjiao.funds.queries import purchases
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.models import Asset, Condition
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.forms import FormPage, form_page

P = Permission
BADGES = {"in_service": "green", "spare": "blue", "repair": "yellow", "scrapped": "grey"}


@door(P.MANAGE_ASSETS)
def asset_new(request: ActingRequest) -> HttpResponse:
    form = AssetForm(request.POST or None)

    def save(said: dict[str, Any]) -> str:
        row = commands.enter_asset(
            code=said["code"], kind=said["kind"], standing=form.standing(), details=form.details(), by=request.actor, at=clock.now()
        )
        return asset_address(row)

    return form_page(request, form, FormPage(_("登记设备"), reverse("register:asset_list"), _("设备"), _("已登记。")), save)


@door(P.SEE_NETWORK)
def asset(request: ActingRequest, uid: UUID) -> HttpResponse:
    found, today = queries.asset_by_uid(uid, seen(request.actor)), clock.today()
    over = found.purchased_on is not None and found.purchased_on <= bought_before(today, found.life_years)
    may_manage = request.actor.covers(P.MANAGE_ASSETS, found.division.path) and found.condition != Condition.SCRAPPED
    purchase = purchases([found.paid_from]).get(found.paid_from) if found.paid_from else None
    context = {
        "page_title": f"{found.kind} {found.code}",
        "asset": found,
        "where": queries.where(found),
        "badge": BADGES[found.condition],
        "over": over,
        "way": queries.way_of(found),
        "issue": queries.open_issue(found),
        "purchase": purchase,
        "sees_purchase": purchase is not None and request.actor.covers(P.SEE_FUNDS, purchase.division.path),
        "may_manage": may_manage,
        "form": NoteForm(),
    }
    return render(request, "assets/asset.html", context)


def _managed(request: ActingRequest, uid: UUID) -> Asset:
    return queries.asset_by_uid(uid, request.actor.paths(P.MANAGE_ASSETS))


@door(P.MANAGE_ASSETS)
def asset_move(request: ActingRequest, uid: UUID) -> HttpResponse:
    found, form = _managed(request, uid), MoveForm(request.POST or None)

    def save(said: dict[str, Any]) -> None:
        at = clock.now()
        commands.move_asset(asset=found, standing=form.standing(), note=said["note"], on=clock.local_day(at), by=request.actor, at=at)

    return form_page(request, form, FormPage(_("调拨"), asset_address(found), str(found), _("已登记。")), save)


@door(P.MANAGE_ASSETS)
def asset_issue(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = _managed(request, uid)

    def save(said: dict[str, Any]) -> None:
        at = clock.now()
        commands.issue_asset(
            asset=found, unit=said["unit"], taker=said["taker"], document=said["document"], on=clock.local_day(at), by=request.actor, at=at
        )

    form = IssueForm(request.POST or None, units=managed_units(request.actor))
    page = FormPage(_("配发给单位"), asset_address(found), str(found), _("已登记。"), _("登记到单位；领用人只写姓名。"))
    return form_page(request, form, page, save)


@door(P.MANAGE_ASSETS)
def asset_return(request: ActingRequest, uid: UUID) -> HttpResponse:
    found = _managed(request, uid)

    def save(said: dict[str, Any]) -> None:
        at = clock.now()
        commands.hand_back(asset=found, store=said["unit"], note=said["note"], on=clock.local_day(at), by=request.actor, at=at)

    form = HandBackForm(request.POST or None, units=managed_units(request.actor))
    form.fields["unit"].label = _("交回备件库")
    return form_page(request, form, FormPage(_("交回"), asset_address(found), str(found), _("已登记。")), save)


@door(P.MANAGE_ASSETS)
def asset_act(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Repair and its end, scrapping; a GET leads to the card."""
    found = _managed(request, uid)
    if request.method == "POST":
        try:
            _act(request, found)
            messages.success(request, _("已登记。"))
        except (Refused, Conflict) as error:
            messages.error(request, error.message)
    return redirect(asset_address(found))


def _act(request: ActingRequest, found: Asset) -> None:
    at, note = clock.now(), request.POST.get("note", "")
    who: dict[str, Any] = {"asset": found, "on": clock.local_day(at), "by": request.actor, "at": at}
    match request.POST.get("act"):
        case "repair":
            commands.send_to_repair(note=note, **who)
        case "repaired":
            commands.end_repair(note=note, **who)
        case "scrap":
            commands.scrap_asset(document=note, **who)
        case _other:
            raise Refused(_("没有这个操作"))
