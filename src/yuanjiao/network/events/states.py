"""State changes and deaf spans of an observer, and the rows they make: set by set, because a storm is 700,000 of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from yuanjiao.flow.journal.event import Event, Fact, InBulk
from yuanjiao.flow.nodes.queries import own_node, require_told_of
from yuanjiao.network.events import staging, telling
from yuanjiao.network.events.telling import Change
from yuanjiao.network.models import ListeningGap


class StateChanged(Event, frozen=True, kw_only=True):
    """What one sweep of the nearest observer found; an object occurs at most once."""

    KIND: ClassVar[str] = "network.state_changed/1"
    changes: list[Change]


class Deaf(Event, frozen=True, kw_only=True):
    """The recorder did not listen in [start, end): nothing is known of what it observes from `start` until it is heard again.

    With `edges` (codes) it was deaf for these and all that hangs on them only.
    """

    KIND: ClassVar[str] = "network.deaf/1"
    start: datetime
    end: datetime
    edges: list[str] = []


def apply_changes(pairs: Sequence[tuple[StateChanged, Fact]]) -> None:
    """Insert the changes where they belong in each object's story. Objects that left the register are passed over.

    Refused when an entry tells of an object twice.
    """
    once = telling.lay_out([(fact.origin, fact.seq, event.changes) for event, fact in pairs])
    with staging.by_key():
        _write(once, pairs)


def _write(once: bool, pairs: Sequence[tuple[StateChanged, Fact]]) -> None:
    for origin, facts in _by_origin(pairs).items():
        require_told_of(facts, staging.paths_told_of(origin))  # each of each: where that is too strict, they are halved
    staging.stage_told(once=once)
    staging.keep(once=once)


def _by_origin(pairs: Sequence[tuple[StateChanged, Fact]]) -> dict[UUID, list[Fact]]:
    """The entries of each machine but this one: we may speak of all that we hear."""
    found: dict[UUID, list[Fact]] = {}
    own = own_node().uid
    for _, fact in pairs:
        if fact.origin != own:
            found.setdefault(fact.origin, []).append(fact)
    return found


apply_state_changed = InBulk(apply_changes, commutes=True)


def apply_deaf(event: Deaf, fact: Fact) -> None:
    """Everything this observer had an opinion on becomes unknown from `start` (never before its own last change)."""
    _, new = ListeningGap.objects.get_or_create(observer=fact.origin, seq=fact.seq, defaults={"start": event.start, "end": event.end})
    if new:
        with staging.by_key():
            staging.stage_unknown(observer=fact.origin, seq=fact.seq, start=event.start, edges=event.edges)
            staging.keep(once=True)
