"""Reads about items: lists in scope, the story of one, how many stand where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from yuanjiao.items.models import Item, ItemStep, Verification
from yuanjiao.items.rules import (
    ENDED,
    PERMISSION_OF,
    WITH_OWNER,
    Act,
    Colour,
    ItemKind,
    Party,
    Stance,
    State,
    acts_from,
    colour_of,
    require_party,
)
from yuanjiao.lib.errors import Forbidden, NotFound
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission


def items_seen_by(actor: Actor, *, kind: ItemKind | None = None) -> QuerySet[Item]:
    """Items inside the actor's subtree, newest first."""
    rows = Item.objects.filter(within("division__path", actor.paths(Permission.SEE_ORDERS)))
    rows = rows if kind is None else rows.filter(kind=kind)
    return rows.select_related("division", "lead_unit").order_by("-created_at")


def item_by_code(code: str) -> Item:
    """The item of that code; NotFound otherwise. Scope is the caller's."""
    row = Item.objects.select_related("division", "lead_unit").filter(code=code).first()
    if row is None:
        raise NotFound("没有这个编号的事项，或不在您负责的范围内")
    return row


def colour_filter(colour: str, at: datetime, prefix: str = "") -> Q:
    """Rows of one colour at a moment, as `rules.colour_of` tells it; `prefix` leads to the item, such as 'item__'."""

    def q(**conditions: object) -> Q:
        return Q(**{prefix + name: value for name, value in conditions.items()})

    running = q(state__in=WITH_OWNER)
    red = running & q(due_at__lte=at)
    behind = q(state=State.RETURNED) | (q(state=State.ISSUED) & q(respond_due_at__lte=at))
    yellow = running & behind & ~q(due_at__lte=at)
    blue = running & q(near_due_at__lte=at) & ~q(due_at__lte=at) & q(due_at__isnull=False)
    blue &= ~q(state=State.RETURNED) & ~(q(state=State.ISSUED) & q(respond_due_at__isnull=False) & q(respond_due_at__lte=at))
    none = ~red & ~yellow & ~blue
    return {Colour.RED.value: red, Colour.YELLOW.value: yellow, Colour.BLUE.value: blue}.get(colour, none)


def colour_now(item: Item, at: datetime) -> Colour:
    return colour_of(state=State(item.state), at=at, due_at=item.due_at, near_at=item.near_due_at, respond_due_at=item.respond_due_at)


@dataclass(frozen=True)
class StoryLine:
    """One step of an item's story, with the time that passed since the step before."""

    step: ItemStep
    title: str
    waited: timedelta | None
    due_changed: bool


def story(item: Item) -> list[StoryLine]:
    """The item's life from its first line: who, when, what, why."""
    lines, before = [], None
    for step in item.steps.all():
        changed = step.due_before is not None and step.due_after != step.due_before
        lines.append(StoryLine(step, step.get_act_display() or "登记", step.at - before if before else None, changed))
        before = step.at
    return lines


def verifications(item: Item) -> list[Verification]:
    return list(item.verifications.all())


def acts_open_to(item: Item, actor: Actor) -> list[Act]:
    """What this person may do with this item now: by table, permission, subtree and side."""
    from_here = acts_from(State(item.state), Party.OWNER) + acts_from(State(item.state), Party.VERIFIER)
    return [act for act in from_here if _may(item, actor, act)]


def stance_of(item: Item, by: Actor) -> Stance:
    """Where the actor stands towards the item."""
    return Stance(
        person_uid=by.person_uid,
        unit_ids=frozenset(grant.unit_id for grant in by.grants),
        owner_unit_id=item.lead_unit_id,
        worker_uid=item.worker_uid,
    )


def _may(item: Item, actor: Actor, act: Act) -> bool:
    if not actor.covers(PERMISSION_OF[act], item.division.path):
        return False
    try:
        require_party(act, stance_of(item, actor))
    except Forbidden:
        return False
    return True


def counts_by_state(paths: Iterable[str], *, kind: ItemKind | None = None) -> dict[State, int]:
    """How many items stand in each state inside the subtrees."""
    rows = Item.objects.filter(within("division__path", paths))
    rows = rows if kind is None else rows.filter(kind=kind)
    found = dict(rows.order_by().values_list("state").annotate(n=Count("pk")))
    return {state: found.get(state, 0) for state in State}


def open_items(paths: Iterable[str]) -> QuerySet[Item]:
    """Items not ended inside the subtrees, earliest date first."""
    return Item.objects.filter(within("division__path", paths)).exclude(state__in=ENDED).order_by("due_at")
