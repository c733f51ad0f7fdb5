"""Reads of trees: the parts of a plan with how much of each level is done, as of a day; phases; what an owner asked to change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from yuanjiao.items.models import ChangeAsked, Item, ItemStep, Phase, SavedFilter
from yuanjiao.items.queries.lists import items_seen_by
from yuanjiao.items.rules import DEEPEST, KIND_NAMES, ItemKind, Node, State, Tally, beneath, by_kind
from yuanjiao.lib.clock import day_start
from yuanjiao.lib.parts import in_parts
from yuanjiao.people.rules import Actor

MOST_SHOWN = 400


@dataclass(frozen=True)
class Branch:
    """One item of a tree as of a day, `depth` 0 for the root; `tally` is what is beneath it."""

    item: Item
    depth: int
    state: str
    state_name: str
    tally: Tally


@dataclass(frozen=True)
class Tree:
    """A tree as of the end of a day: its branches in reading order, and completed / total of each kind. `more` are not listed."""

    on: date
    branches: list[Branch]
    by_kind: dict[str, Tally]
    more: int


def tree_of(root: Item, *, on: date, actor: Actor) -> Tree:
    """The item and its parts as they stood at the end of the day (SUP10, SUP31). Parts written down later are left out.

    Every part counts; only those the actor may read are listed by name.
    """
    states, seen = dict(_standing(Item.objects.filter(pk=root.pk), on)), {root.pk}
    levels: list[list[Item]] = [[root]] if root.pk in states else []
    while levels and levels[-1] and len(levels) <= DEEPEST:
        parts = Item.objects.filter(parent__in=levels[-1]).select_related("lead_unit", "division").order_by("pk")
        found = dict(_standing(parts, on))
        states |= found
        seen.update(items_seen_by(actor).filter(parent__in=levels[-1]).order_by().values_list("pk", flat=True))
        levels.append([row for row in parts if row.pk in found])
    rows = [row for level in levels for row in level]
    nodes = [Node(row.pk, row.parent_id if row.pk != root.pk else None, row.kind, states[row.pk]) for row in rows]
    sums = beneath(nodes)
    kinds = by_kind(node for node in nodes if node.key != root.pk)
    listed = [(row, depth) for row, depth in _ordered(rows, root) if row.pk in seen][:MOST_SHOWN]
    branches = [Branch(row, depth, states[row.pk], _state_name(states[row.pk]), sums[row.pk]) for row, depth in listed]
    return Tree(on, branches, {KIND_NAMES[ItemKind(kind)]: tally for kind, tally in kinds.items()}, len(rows) - len(listed))


def _standing(rows: QuerySet[Item], on: date) -> QuerySet[Item, tuple[int, str]]:
    """(key, state) of each item that was there at the end of the day."""
    before = ItemStep.objects.filter(item=OuterRef("pk"), at__lt=day_start(on + timedelta(days=1))).order_by("-number")
    return rows.order_by().annotate(stood=Subquery(before.values("to_state")[:1])).exclude(stood=None).values_list("pk", "stood")


def states_at(keys: Iterable[int], moment: datetime) -> dict[int, str]:
    """Key → state of each of these items that was there before the moment, as its story tells."""
    before = ItemStep.objects.filter(item=OuterRef("pk"), at__lt=moment).order_by("-number")
    found: dict[int, str] = {}
    for part in in_parts(keys):
        rows = Item.objects.filter(pk__in=part).order_by().annotate(stood=Subquery(before.values("to_state")[:1]))
        found |= dict(rows.exclude(stood=None).values_list("pk", "stood"))
    return found


def _ordered(rows: list[Item], root: Item) -> list[tuple[Item, int]]:
    """Each item before its parts, with its depth."""
    parts: dict[int, list[Item]] = {}
    for row in rows:
        if row.pk != root.pk and row.parent_id is not None:
            parts.setdefault(row.parent_id, []).append(row)
    found: list[tuple[Item, int]] = []
    waiting = [(row, 0) for row in rows if row.pk == root.pk]
    while waiting:
        row, depth = waiting.pop()
        found.append((row, depth))
        waiting += [(part, depth + 1) for part in reversed(parts.get(row.pk, []))]
    return found


def _state_name(state: str) -> str:
    return str(dict(Item._meta.get_field("state").flatchoices)[State(state)])


def path_to(item: Item, actor: Actor) -> list[Item]:
    """The items above that the actor may read, the topmost first."""
    found: list[Item] = []
    above = item.parent
    while above is not None and len(found) < DEEPEST:
        found.insert(0, above)
        above = above.parent
    seen = set(items_seen_by(actor).filter(pk__in=[row.pk for row in found]).values_list("pk", flat=True)) if found else set()
    return [row for row in found if row.pk in seen]


def phases(item: Item) -> list[Phase]:
    return list(item.phases.all())


def open_change(item: Item) -> ChangeAsked | None:
    """What the owner unit asked and nobody has decided."""
    return item.changes.filter(agreed=None).first()


def filters_of(actor: Actor) -> list[tuple[SavedFilter, bool]]:
    """The lists a person kept, and those shared inside their units; each with whether it is their own."""
    if actor.person_uid is None:
        return []
    own = SavedFilter.objects.filter(owner_uid=actor.person_uid)
    shared = SavedFilter.objects.filter(unit__in=[grant.unit_id for grant in actor.grants]).exclude(owner_uid=actor.person_uid)
    return [(row, True) for row in own] + [(row, False) for row in shared]


def progress_of(items: list[Item]) -> Mapping[int, Tally]:
    """Key → completed / total of the direct parts, for a page of a list; items without parts are left out."""
    found: dict[int, Tally] = {}
    parts = Item.objects.filter(parent__in=[row.pk for row in items]).exclude(state=State.CANCELLED)
    for parent, state in parts.exclude(parent=None).values_list("parent_id", "state"):
        assert parent is not None
        found[parent] = found.get(parent, Tally()) + Tally(int(state == State.CLOSED), 1)
    return found
