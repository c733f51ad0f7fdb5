"""The one list of items of every kind, with kept filters, and what waits at which level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.items import commands, queries
from yuanjiao.items.inputs import KeepForm
from yuanjiao.items.models import KINDS, STATES, Item
from yuanjiao.items.rules import COLOUR_NAMES, ENDED, Colour, ItemKind, State, Tally, grouped_code, may_keep
from yuanjiao.items.search import holding
from yuanjiao.items.views.items import address_of
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import LEVEL_NAMES
from yuanjiao.places.queries import divisions, units
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

BADGES: dict[str, str] = {State.CLOSED: "green", State.VERIFIED: "green", State.CANCELLED: "grey", State.SUBMITTED: "blue"}
MOST_FOUND = 500
MOST_UNITS = 200


@door(Permission.SEE_ITEMS, Permission.SEE_ORDERS)
def item_list(request: ActingRequest) -> HttpResponseBase:
    """Every item of the person's area. POST keeps the conditions of this list under a name, or forgets one."""
    if request.method == "POST":
        return _keep(request)
    at, filters = clock.now(), _filters(request)
    keys = _found(request, filters)
    many = keys is not None and len(keys) > MOST_FOUND
    tallies: dict[int, Tally] = {}

    def prepare(page: Sequence[Item]) -> None:
        tallies.clear()
        tallies.update(queries.progress_of(list(page)))

    page = ListPage[Item](
        title=_("事项"),
        rows=queries.items_seen_by(request.actor),
        columns=_columns(at, tallies),
        search=("code",),
        search_hint=_("事项、措施、成效里的词，或编号"),
        find=(lambda _word: keys[:MOST_FOUND]) if keys is not None else None,
        filters=filters,
        actions=[(_("登记事项"), reverse("items:item_new"))] if request.actor.holds(Permission.ISSUE_ITEM) else [],
        lead=_("找到的太多，只列最近的 %d 件：请加条件。") % MOST_FOUND if many else "",
        notes=[_("蓝：临期（剩余不足三分之一），黄：滞后（超过响应时限未签收或退回返工），红：超过时限")],
        empty=_("没有符合条件的事项。"),
        prepare=prepare,
        context={"kept": queries.filters_of(request.actor), "now": may_keep(request.GET.urlencode()), "keep_form": KeepForm()},
    )
    return respond(request, page, "items/list.html")


def _found(request: ActingRequest, filters: Sequence[Filter]) -> list[int] | None:
    """Keys of the newest items that hold the words asked for, inside the other conditions; None when no word is asked for."""
    condition = holding(request.GET.get("q", "")[:60])
    if condition is None:
        return None
    rows = queries.items_seen_by(request.actor).filter(condition)
    for one in filters:
        value = request.GET.get(one.name, "")
        rows = one.apply(rows, value) if value else rows
    return list(rows.order_by("-pk").values_list("pk", flat=True)[: MOST_FOUND + 1])


def _columns(at: Any, tallies: dict[int, Tally]) -> list[Column[Item]]:
    def parts(item: Item) -> str:
        tally = tallies.get(item.pk)
        return f"{tally.done}/{tally.total}" if tally else ""

    return [
        Column(_("编号"), lambda i: grouped_code(i.code), width=12),
        Column(_("事项"), lambda i: i.title, link=address_of, width=40),
        Column(_("类别"), lambda i: i.get_kind_display(), order=("kind",)),
        Column(_("状态"), lambda i: i.get_state_display(), badge=lambda i: BADGES.get(i.state, "grey"), order=("state",)),
        Column(_("时限状态"), lambda i: COLOUR_NAMES[queries.colour_now(i, at)], badge=lambda i: queries.colour_now(i, at) or None),
        Column(_("应办结"), lambda i: i.due_at, order=("due_at",), width=17),
        Column(_("下级"), parts),
        Column(_("牵头单位"), lambda i: i.lead_unit.name if i.lead_unit else _("待定"), width=22),
        Column(_("地区"), lambda i: i.division.name),
        Column(_("最近办理"), lambda i: i.moved_at, width=17),
    ]


MINE = [("do", _("我单位牵头")), ("help", _("我单位配合")), ("given", _("我单位交办")), ("hand", _("我经办"))]


def _filters(request: ActingRequest) -> list[Filter]:
    actor, today = request.actor, clock.today()
    paths = sorted({*actor.paths(Permission.SEE_ITEMS), *actor.paths(Permission.SEE_ORDERS)})
    levels = (Level.COUNTY, Level.TOWN)
    places = [row for path in paths for row in divisions(on=today, under=path).filter(level__in=levels)[:MOST_UNITS]]
    own = units(on=today).filter(within("division__path", paths), division__level__lte=Level.TOWN)[:MOST_UNITS]
    colours = [(colour.value, COLOUR_NAMES[colour]) for colour in (Colour.RED, Colour.YELLOW, Colour.BLUE)]
    return [
        Filter("mine", _("与我有关"), MINE, _mine(request)),
        Filter("kind", _("类别"), KINDS, lambda rows, value: rows.filter(kind=value)),
        Filter("state", _("状态"), [("open", _("未办结")), *STATES], _by_state),
        Filter("colour", _("时限"), colours, lambda rows, value: rows.filter(queries.colour_filter(value, clock.now()))),
        Filter("stuck", _("卡在"), [(str(int(level)), name) for level, name in LEVEL_NAMES], _by_stuck),
        Filter("unit", _("牵头单位"), [(unit.code, unit.name) for unit in own], lambda rows, value: rows.filter(lead_unit__code=value)),
        Filter("place", _("地区"), [(place.path, place.name) for place in places], _by_place),
    ]


def _by_place(rows: Any, value: str) -> Any:
    return rows.filter(within("division__path", [value]))


def _by_state(rows: Any, value: str) -> Any:
    return rows.exclude(state__in=ENDED) if value == "open" else rows.filter(state=value)


def _by_stuck(rows: Any, value: str) -> Any:
    return queries.stuck_at(rows, int(value)) if value.isdecimal() else rows.none()


def _mine(request: ActingRequest) -> Any:
    own = [grant.unit_id for grant in request.actor.grants]

    def apply(rows: Any, value: str) -> Any:
        if value == "hand":
            return rows.filter(worker_uid=request.actor.person_uid)
        field = {"do": "lead_unit__in", "given": "given_by__in"}.get(value)
        helped = Item.co_units.through.objects.filter(orgunit__in=own).values("item")
        return rows.filter(**{field: own}) if field else rows.filter(pk__in=helped)

    return apply


def _keep(request: ActingRequest) -> HttpResponse:
    forget, now = request.POST.get("forget", ""), may_keep(request.POST.get("now", ""))
    try:
        if forget:
            saved = next((row for row, own in queries.filters_of(request.actor) if own and str(row.uid) == forget), None)
            if saved is None:
                raise Conflict(_("这个筛选已经不在"))
            commands.drop_filter(saved=saved, by=request.actor)
            messages.success(request, _("已删除"))
        else:
            form = KeepForm(request.POST)
            name, shared = (form.cleaned_data["name"], form.cleaned_data["shared"]) if form.is_valid() else ("", False)
            commands.save_filter(name=name, query=now, shared=shared, by=request.actor)
            messages.success(request, _("已保存"))
    except (Refused, Conflict) as error:
        messages.error(request, error.message)
    return redirect(reverse("items:item_list") + (f"?{now}" if now else ""))


@door(Permission.SEE_ITEMS, Permission.SEE_ORDERS)
def stuck(request: ActingRequest) -> HttpResponse:
    """Open items by the level where they wait, and how long the oldest has waited (SUP02)."""
    rows = queries.items_seen_by(request.actor)
    kind = request.GET.get("kind", "")
    if kind in set(ItemKind):
        rows = rows.filter(kind=kind)
    context = {"page_title": _("卡在哪一级"), "waiting": queries.stuck_summary(rows, clock.now()), "kinds": KINDS, "kind": kind}
    return render(request, "items/stuck.html", context)
