"""The engineer's phone page: the orders of the own units by town and road, worked on without a signal, sent when there is one.

Without script every button is a plain form to the order's page. With it, acts are kept in the browser (IndexedDB) and sent from
there; the page itself is kept by a service worker, which needs HTTPS or localhost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.faults import commands, queries
from yuanjiao.faults.inputs import SubmitForm
from yuanjiao.faults.models import FaultCause, ReportHandling, WorkOrder
from yuanjiao.faults.queries.orders import orders_of_sites, town_names
from yuanjiao.faults.views.orders import class_name
from yuanjiao.items.queries import colour_now
from yuanjiao.items.rules import Act, State, clean_code, grouped_code
from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door, public
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import full_names
from yuanjiao.ui.keeping import answer_kept, kept_page

NEXT = {State.ISSUED: Act.ACCEPT, State.ACCEPTED: Act.START, State.RETURNED: Act.START, State.IN_PROGRESS: Act.SUBMIT}
"""What an engineer does next with an order in each state."""
FILES = ("faults/faults.css", "faults/phone.js")
EARLIER = 3


@dataclass
class Road:
    """The orders along one road of one town, most urgent first."""

    town: str
    name: str
    rows: list[dict[str, Any]] = field(default_factory=list)


@door(Permission.WORK_ORDER)
def my_orders(request: ActingRequest) -> HttpResponse:
    """What the own units have to do: the towns in the order of their most urgent order, within a town road by road, so that one trip
    serves several. All that is needed on the spot stands on this one page."""
    reports = Prefetch("handlings", ReportHandling.objects.select_related("report").order_by("pk"))
    orders = list(queries.orders_of_unit(request.actor).prefetch_related(reports))
    todo = [order for order in orders if order.item.state != State.SUBMITTED]
    towns, known = town_names(todo), _known(todo)
    ranks: dict[str, int] = {}
    roads: dict[tuple[str, str], Road] = {}
    for order in todo:
        town = towns[order.pk]
        name = getattr(getattr(order.subject, "site", None), "road", "") or _("机房与线路")
        ranks.setdefault(town, len(ranks))
        roads.setdefault((town, name), Road(town, name)).rows.append(_card(order, known))
    context = {
        "page_title": _("我的工单"),
        "roads": sorted(roads.values(), key=lambda road: ranks[road.town]),
        "waiting": [_row(order) for order in orders if order.item.state == State.SUBMITTED],
        "at": clock.now(),
    }
    answer = render(request, "faults/my_orders.html", context)
    answer["Cache-Control"] = "no-store"  # only the worker keeps it, until the person logs out
    return answer


@dataclass
class Known:
    """What the cards of all orders need, read once: addresses by division, causes, and earlier orders by object."""

    addresses: dict[int, str]
    causes: list[FaultCause]
    earlier: dict[str, list[WorkOrder]]


def _known(orders: list[WorkOrder]) -> Known:
    return Known(full_names([order.subject.division for order in orders]), list(queries.causes_for()), _earlier(orders))


def _row(order: WorkOrder) -> dict[str, Any]:
    return {
        "order": order,
        "code": grouped_code(order.item.code),
        "class_name": class_name(order),
        "colour": colour_now(order.item, clock.now()),
    }


def _card(order: WorkOrder, known: Known) -> dict[str, Any]:
    act = NEXT.get(State(order.item.state))
    return _row(order) | {
        "address": known.addresses[order.subject.division_id],
        "act": act or "",
        "seen": order.item.step_count,
        "form": SubmitForm(order=order, causes=known.causes, auto_id=f"{order.item.code}-%s") if act else None,
        "reports": [one.report for one in list(order.handlings.all())[:EARLIER]],
        "earlier": [one for one in known.earlier.get(order.subject.code, []) if one.pk != order.pk][:EARLIER],
    }


def _earlier(orders: list[WorkOrder]) -> dict[str, list[WorkOrder]]:
    """What was done before at the same objects, newest first."""
    found: dict[str, list[WorkOrder]] = {}
    for one in orders_of_sites({order.subject.code for order in orders})[:500]:
        found.setdefault(one.subject.code, []).append(one)
    return found


@door(Permission.WORK_ORDER)
@require_POST
def send_kept(request: ActingRequest) -> HttpResponse:
    """Acts from the phone, oldest first, each with its own answer: done, already, conflict or refused. JSON in and out."""

    def do(one: dict[str, Any], age: timedelta) -> str:
        order = queries.order_by_code(clean_code(str(one["order"])), request.actor)
        return commands.send_kept_act(order=order, kept=_kept(one, age), by=request.actor, at=clock.now())

    return answer_kept(request, str(request.actor.person_uid), do)


def _kept(one: dict[str, Any], age: timedelta) -> commands.KeptAct:
    texts = {name: str(one.get(name, ""))[:300] for name in ("fault_class", "cause", "note")}
    return commands.KeptAct(Act(one["act"]), int(one["shown"]), int(one["seen"]), age, **texts)


@public
@require_safe
def worker(_request: HttpRequest) -> HttpResponse:
    """The service worker of this page alone; a stranger learns nothing from it."""
    return kept_page("orders", reverse("faults:my_orders"), FILES)
