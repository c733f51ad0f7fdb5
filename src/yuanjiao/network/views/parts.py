"""What several pages of the network share: colours, filters, times, the scope of who looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound
from yuanjiao.network import queries
from yuanjiao.network.models import Lifecycle, ManagedObject, ObjectKind, State
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import ancestors, divisions, every_row
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Filter

COLOURS = {State.UP: "green", State.DOWN: "red", State.UNKNOWN: "yellow"}
STATE_CHOICES = [("down", "不通"), ("unknown", "情况不明"), ("up", "正常"), ("serving", "在用"), ("suspended", "停用")]

EVERYTHING = ("/",)
MOST_CHOICES = 400
"""A drop-down of more is no help."""


def shown_time(at: datetime | None) -> str:
    """A moment as lists show it."""
    return f"{at.astimezone(clock.CHINA):%Y-%m-%d %H:%M}" if at else "—"


def state_text(row: Any) -> str:
    """The state of a row annotated by `with_state`; who is out of service says so."""
    if row.lifecycle != Lifecycle.IN_SERVICE:
        return str(row.get_lifecycle_display())
    if row.state == State.UNKNOWN and row.state_since is None:
        return "从未上报"
    return State(row.state).label


def state_colour(row: Any) -> str:
    return COLOURS[State(row.state)] if row.lifecycle == Lifecycle.IN_SERVICE else "grey"


def seen_paths(actor: Actor) -> tuple[str, ...]:
    return actor.paths(Permission.SEE_NETWORK)


def scope_of(actor: Actor) -> tuple[str, ...]:
    """`seen_paths`, said as "everything" to whoever sees the whole tree: then no row is asked where it lies."""
    paths = seen_paths(actor)
    return EVERYTHING if set(every_row().filter(parent=None).values_list("path", flat=True)) <= set(paths) else paths


def county_filter(actor: Actor, field: str = "division__path") -> Filter:
    """Counties inside the reader's subtree, by code; the cities instead where the counties are too many to choose from."""
    inside = divisions(on=clock.today()).filter(within("path", seen_paths(actor)))
    counties = list(inside.filter(level=Level.COUNTY).values_list("code", "name")[: MOST_CHOICES + 1])
    many = len(counties) > MOST_CHOICES
    choices = list(inside.filter(level=Level.CITY).values_list("code", "name")) if many else counties

    def narrow(rows: Any, code: str) -> Any:
        path = inside.filter(code=code, level__in=(Level.CITY, Level.COUNTY)).values_list("path", flat=True).first()
        return rows.filter(within(field, [path or "无"]))

    return Filter("county", "市" if many else "县", choices, narrow)


def division_filter(actor: Actor, chosen: str, field: str = "division__path") -> list[Filter]:
    """The division a link from a figure narrows to, shown only when there is one (a drop-down of every village would be no help)."""
    if not chosen:
        return []
    row = divisions(on=clock.today()).filter(within("path", seen_paths(actor)), code=chosen).first()
    path, name = (row.path, row.name) if row else ("无", chosen)
    return [Filter("division", "区划", [(chosen, name)], lambda rows, _code: rows.filter(within(field, [path])))]


def by_state(rows: Any, value: str) -> Any:
    """Narrow rows annotated by `with_state`; the states are those of what is in service."""
    if value == "suspended":
        return rows.filter(lifecycle=Lifecycle.SUSPENDED)
    if value == "serving":
        return rows.filter(lifecycle=Lifecycle.IN_SERVICE)
    narrowed = rows.filter(state=value, lifecycle=Lifecycle.IN_SERVICE)
    # What is dark now was last told to be dark: said once more, because an index knows the few.
    return narrowed.filter(liveness__state=State.DOWN) if value == State.DOWN else narrowed


def visible(code: str, kind: str, actor: Actor) -> ManagedObject:
    """The object of this kind and code inside the reader's subtree; NotFound otherwise."""
    row = queries.object_by_code(code)
    actor.require(Permission.SEE_NETWORK, row.division.path)
    if row.kind != kind:
        raise NotFound("没有找到，或不在您负责的范围内")
    return row


def address_of(row: ManagedObject) -> str:
    """The page of an edge, line or site."""
    return reverse(f"network:{ObjectKind(row.kind).value}", args=[row.code])


def above_address(row: ManagedObject) -> str | None:
    """The page of what the object hangs on."""
    return address_of(row.depends_on) if row.depends_on else None


@dataclass(frozen=True)
class Crumb:
    """One step of a path of divisions."""

    title: str
    address: str


@dataclass(frozen=True)
class Linked:
    """An object with its page and state, as the chain above it is shown."""

    row: ManagedObject
    address: str
    state: str
    colour: str


def derived_states(rows: Sequence[ManagedObject], *, at: datetime) -> dict[int, tuple[str, str]]:
    """Id → (word, colour). What does not beat (lines, edges without a node) takes its state from what hangs on it."""
    now = queries.state_now([row.pk for row in rows], at=at)
    found: dict[int, tuple[str, str]] = {}
    counts = queries.counts_below([row.pk for row in rows], at=at)
    for row in rows:
        state = now[row.pk]
        if state.since is None and row.kind != ObjectKind.SITE:
            found[row.pk] = _by_children(counts.get(row.pk))
        else:
            found[row.pk] = (State(state.state).label, COLOURS[State(state.state)])
    return found


def _by_children(counts: queries.BelowCounts | None) -> tuple[str, str]:
    if counts is None or counts.up + counts.down == 0:
        return "情况不明", "yellow"
    if counts.up:
        return f"正常（{counts.up}/{counts.up + counts.down} 个站点有心跳）", "green" if not counts.down else "yellow"
    return "不通（站点全部无心跳）", "red"


def linked(rows: Iterable[ManagedObject], *, at: datetime) -> list[Linked]:
    wanted = list(rows)
    states = derived_states(wanted, at=at)
    return [Linked(row, address_of(row), *states[row.pk]) for row in wanted]


def division_crumbs(division: Division, actor: Actor, name: str) -> list[Crumb]:
    """Links from the reader's own top down to a division, each to the page `name` with ?division=."""
    return [
        Crumb(row.name, f"{reverse(name)}?division={row.code}")
        for row in ancestors(division)
        if actor.covers(Permission.SEE_NETWORK, row.path)
    ]
