"""The page of one item on which everything is done, and the page on which one is written down."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.items import commands, queries
from yuanjiao.items.inputs import ItemForm
from yuanjiao.items.models import Item
from yuanjiao.items.rules import (
    COLOUR_NAMES,
    NEVER_OVER_A_CAP,
    PARTS_OF,
    Act,
    ItemKind,
    clean_code,
    grouped_code,
    one_at_a_time,
    permission_of,
)
from yuanjiao.items.views import acting
from yuanjiao.lib import clock
from yuanjiao.lib.asked import Weight
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.metering import meter
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.queries import full_name, units
from yuanjiao.ui.middleware import status_of

PROPOSED = 300
"""Units in the list a browser proposes from; any other is typed in full."""


def address_of(item: Item) -> str:
    """The page of an item: its own for kinds that have one (wiring says which), else the common one."""
    return reverse(settings.ITEM_PAGES.get(item.kind, "items:item"), args=[item.code])


@door(Permission.ISSUE_ITEM)
def item_new(request: ActingRequest) -> HttpResponseBase:
    """Write an item down as a draft, by itself or under another (?parent=code)."""
    above = request.GET.get("parent", "")
    parent = queries.item_seen_by(request.actor, clean_code(above)) if above else None
    if parent is not None and ItemKind(parent.kind) not in PARTS_OF:
        raise Refused(_("这一类事项不再分下级"))
    if parent is not None:
        request.actor.require(permission_of(parent.kind, Act.ISSUE), parent.division.path)
    own = _own_units(request)
    form = ItemForm(request.POST or None, own=own, every=units(on=clock.today()), parent=parent)
    if request.method == "POST" and form.is_valid():
        try:
            item = _create(request, form.cleaned_data, parent)
            messages.success(request, _("已登记为草稿，核对后交办。"))
            return redirect("items:item", item.code)
        except Refused as error:
            form.add_error(None, error.message)
    title = _("登记下级事项") if parent else _("登记事项")
    context = {"page_title": title, "form": form, "parent": parent, "units": own[:PROPOSED]}
    return render(request, "items/new.html", context, status=400 if form.errors else 200)


def _own_units(request: ActingRequest) -> QuerySet[OrgUnit]:
    return units(on=clock.today()).filter(within("division__path", request.actor.paths(Permission.ISSUE_ITEM)))


def _create(request: ActingRequest, data: dict[str, Any], parent: Item | None) -> Item:
    lead, at = data["lead"], clock.now()
    fields = {name: data[name] for name in ("title", "measure", "expected_result", "starts_on")} | {"source": _("交办"), "parent": parent}
    who = {"division": lead.division, "lead_unit": lead, "cooperating": data["cooperating"], "by": request.actor}
    return commands.create_item(kind=ItemKind(data["kind"]), at=at, **who, **fields)


@door(Permission.SEE_ITEMS, Permission.SEE_ORDERS)
def item(request: ActingRequest, code: str) -> HttpResponseBase:
    """One item: what is wanted, who does it, how far it is, and what this person may do now."""
    found = queries.item_seen_by(request.actor, clean_code(code))
    if request.method != "POST":
        return _page(request, found)
    act = request.POST.get("act", "")
    if act not in acting.DO or found.kind == ItemKind.WORK_ORDER:
        raise Refused(_("不认识的操作"))
    form = acting.form_of(act, found, request.POST)
    if request.POST.get("seen", str(found.step_count)) != str(found.step_count):
        return conflict(request, found, act, int(request.POST["seen"][:9]) if request.POST["seen"].isdecimal() else 0)
    if form is not None and not form.is_valid():
        return _page(request, found, bound={act: form}, status=400)
    return _do(request, found, act, form)


def _do(request: ActingRequest, found: Item, act: str, form: forms.Form | None) -> HttpResponseBase:
    seen = found.step_count
    try:
        one_at_a_time(request.POST.getlist("code") or [found.code])
        acting.DO[act](found, form, request.actor, clock.now())
    except Conflict:
        now = queries.item_seen_by(request.actor, found.code)
        if now.step_count != seen:  # somebody was between our look and our act
            return conflict(request, now, act, seen)
        raise
    except Refused as error:
        messages.error(request, error.message)
        again = queries.item_seen_by(request.actor, found.code)
        return _page(request, again, bound={act: form} if form else {}, status=status_of(error))
    messages.success(request, _("已办理：%s") % acting.name_of(act, found))
    return redirect("items:item", found.code)


def conflict(request: ActingRequest, found: Item, act: str, seen: int) -> HttpResponse:
    """Somebody was faster: what happened since, what was about to be done, and the choice. Nothing has been written."""
    sent = [(name, value) for name in request.POST for value in request.POST.getlist(name) if name not in {"csrfmiddlewaretoken", "seen"}]
    form = acting.form_of(act, found, request.POST)
    said = [(field.label, field.value()) for field in form.visible_fields() if field.value()] if form else []
    context = {
        "page_title": _("这件事刚刚有人办理过"),
        "item": found,
        "address": reverse("items:item", args=[found.code]),
        "happened": queries.happened_since(found, seen),
        "act_name": acting.name_of(act, found),
        "sent": sent,
        "said": said,
        "possible": act in acting.acts_of(found, request.actor),
    }
    return render(request, "items/conflict.html", context, status=409)


def _page(request: ActingRequest, found: Item, *, bound: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    at = clock.now()
    colour = queries.colour_now(found, at)
    has_tree = ItemKind(found.kind) in PARTS_OF
    context = {
        "page_title": found.title,
        "item": found,
        "spoken": grouped_code(found.code),
        "colour": colour,
        "colour_name": COLOUR_NAMES[colour],
        "address": full_name(found.division),
        "own_page": address_of(found) if found.kind in settings.ITEM_PAGES else "",
        "weights": _weights(found, request.actor, bound or {}),
        "panels": acting.panels(found, request.actor, bound or {}),
        "above": queries.path_to(found, request.actor),
        "cooperating": list(found.co_units.all()),
        "phases": queries.phases(found),
        "asked": queries.open_change(found),
        "tree": queries.tree_of(found, on=_day(request), actor=request.actor) if has_tree else None,
        "may_add": has_tree and request.actor.holds(Permission.ISSUE_ITEM) and Act.CANCEL in queries.acts_open_to(found, request.actor),
        "story": queries.story(found),
        "verifications": queries.verifications(found),
        "today": clock.today(),
        "at": at,
    }
    return render(request, "items/item.html", context, status=status)


def _weights(found: Item, actor: Actor, bound: dict[str, Any]) -> list[Weight]:
    """What giving it out, or another date, adds to the unit's month: that of the date on the form; before there is one, this month."""
    if found.kind in NEVER_OVER_A_CAP:
        return []
    acts = queries.acts_open_to(found, actor)
    if Act.ISSUE in acts:
        asks = commands.asks_of(found, found.lead_unit, _day_on(bound, Act.ISSUE) or clock.today())
    else:
        later = _day_on(bound, Act.EXTEND, Act.REOPEN) or (_day_asked(found) if Act.REFUSE in acts else None)
        asks = commands.asks_anew(found, later) if later else []
    return meter().weighed(asks, subject=commands.subject_of(found), at=clock.now())


def _day_on(bound: dict[str, Any], *acts: Act) -> date | None:
    """The date on the form that was sent."""
    found = [bound[act].cleaned_data["due_on"] for act in acts if act in bound and bound[act].is_valid()]
    return found[0] if found else None


def _day_asked(found: Item) -> date | None:
    """The later date that the owner unit asks for and nobody has decided."""
    asked = queries.open_change(found)
    return clock.local_day(asked.due_at) if asked and asked.due_at else None


def _day(request: ActingRequest) -> date:
    """The day the tree is shown as of: today unless another is asked for."""
    try:
        return min(date.fromisoformat(request.GET.get("on", "")), clock.today())
    except ValueError:
        return clock.today()
