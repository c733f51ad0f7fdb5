"""What an event is: a frozen struct with a kind that never changes, and the fact that carries it.

A kind is `<room>.<past tense>/<version>`. A field may be added with a default; anything else is a new version beside the old
one, because old entries are replayed for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every event. Fields: text, numbers, booleans, uuid, aware datetimes, dates, lists and structs of these."""

    KIND: ClassVar[str] = ""


@dataclass(frozen=True)
class Fact:
    """Where an event stands: who recorded it, in which order, when by the recorder's clock (aware, UTC)."""

    origin: UUID
    seq: int
    at: datetime


E = TypeVar("E", bound=Event)
Apply = Callable[[Any, Fact], None]
"""`apply_x(event, fact)`: builds rows from the event alone; deterministic, idempotent, no clock, no network, no settings."""


@dataclass(frozen=True)
class InBulk:
    """An apply for kinds that come by the thousand: `many([(event, fact), …])` builds the rows of a run of them, in order.

    Wired like any apply (`apply_changed = InBulk(apply_changes)`); one event is a run of one, so there is one piece of code. Kinds that
    write the same rows share one `InBulk`: they are one run and keep their order. `many` raises if, and only if, one of the events
    would raise by itself at its place: the entries are then halved until the one at fault stands alone.

    `commutes`: what `many` writes no other apply that commutes reads or writes. Their entries may then be gathered out of a mixed run
    and applied apply by apply, each in its own order, and the rows (and the refusals) are the same. A kind that does not say so is
    applied at its place, after all before it and before all behind it. A test asks the databases which tables each one touches.
    """

    many: Callable[[Sequence[tuple[Any, Fact]]], None]
    commutes: bool = False

    def __call__(self, event: Any, fact: Fact) -> None:
        self.many([(event, fact)])


EventTable = Mapping[str, tuple[type[Event], Apply]]
