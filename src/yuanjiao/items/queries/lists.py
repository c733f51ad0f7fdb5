"""Reads of items in scope: lists, one by its code, its story, how many stand where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from yuanjiao.items.models import Item, ItemStep, Verification
from yuanjiao.items.rules import (
    ENDED,
    WITH_OWNER,
    Act,
    Colour,
    ItemKind,
    Party,
    Stance,
    State,
    Told,
    act_name,
    acts_from,
    changed_since,
    colour_of,
    is_act_of,
    permission_of,
    require_party,
    sentence,
)
from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.errors import Forbidden, NotFound
from yuanjiao.people.queries import within
from yuanjiao.people.rules import PERMISSIONS, Actor, Permission

MOST_SHARED = 2000
"""Items outside the own subtree that one's units support: of more than these the newest are looked at."""


def items_seen_by(actor: Actor, *, kind: ItemKind | None = None) -> QuerySet[Item]:
    """Items inside the actor's subtree, and those their own units cooperate in (SUP38), newest first."""
    rows = Item.objects.filter(_seen(actor))
    rows = rows if kind is None else rows.filter(kind=kind)
    return rows.select_related("division", "lead_unit", "given_by").order_by("-pk")


def _seen(actor: Actor) -> Q:
    orders, others = actor.paths(Permission.SEE_ORDERS), actor.paths(Permission.SEE_ITEMS)
    if orders == others:
        found = within("division__path", orders)
    else:
        order = Q(kind=ItemKind.WORK_ORDER)
        found = (order & within("division__path", orders)) | (~order & within("division__path", others))
    own = [grant.unit_id for grant in actor.grants if Permission.SEE_ITEMS in PERMISSIONS[grant.role]]
    links = Item.co_units.through.objects.filter(orgunit__in=own).order_by("-item_id")
    shared = list(links.values_list("item_id", flat=True)[:MOST_SHARED])
    return found | Q(pk__in=shared) if shared else found


def item_seen_by(actor: Actor, code: str) -> Item:
    """One item the actor may read; NotFound for any other: it does not exist for them."""
    row = items_seen_by(actor).select_related("division", "lead_unit", "given_by", "parent").filter(code=code).first()
    if row is None:
        raise NotFound("没有这个编号的事项，或不在您负责的范围内")
    return row


def item_by_code(code: str) -> Item:
    """The item of that code; NotFound otherwise. Scope is the caller's."""
    row = Item.objects.select_related("division", "lead_unit").filter(code=code).first()
    if row is None:
        raise NotFound("没有这个编号的事项，或不在您负责的范围内")
    return row


def held_item(pk: int) -> Item:
    """The item as it now is; its row is held until the transaction ends, so that nobody acts on it meanwhile."""
    return Item.objects.select_related("division", "lead_unit").select_for_update(of=("self",)).get(pk=pk)


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
    sentence: str
    waited: timedelta | None
    due_changed: bool


def story(item: Item) -> list[StoryLine]:
    """The item's life from its first line: who, when, what, why."""
    lines: list[StoryLine] = []
    before: datetime | None = None
    for step in item.steps.all():
        changed = step.due_before is not None and step.due_after != step.due_before
        title, waited = act_name(step.act, item.kind), (step.at - before) if before else None
        lines.append(StoryLine(step, title, sentence(_told(step, item), CHINA), waited, changed))
        before = step.at
    return lines


def happened_since(item: Item, seen: int) -> list[str]:
    """The sentences of the steps after the first `seen`: what somebody does not know whose page is that old."""
    return changed_since([line.sentence for line in story(item)], seen)


def _told(step: ItemStep, item: Item) -> Told:
    return Told(step.act, item.kind, step.by_name, step.unit_name, step.at, step.reason, step.due_before, step.due_after)


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
    if not is_act_of(item.kind, act) or not actor.covers(permission_of(item.kind, act), item.division.path):
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


def overdue_items(before: datetime) -> QuerySet[Item]:
    """Issued items of every kind that somebody owns and whose date was at or before that moment."""
    return Item.objects.filter(state__in=WITH_OWNER, due_at__lte=before).exclude(issued_at=None)


def open_items(paths: Iterable[str]) -> QuerySet[Item]:
    """Items not ended inside the subtrees, earliest date first."""
    return Item.objects.filter(within("division__path", paths)).exclude(state__in=ENDED).order_by("due_at")
