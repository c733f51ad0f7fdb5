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
    """An apply for kinds that come by the thousand: `many([(event, fact), …])` builds the rows of a run of one kind, in order.

    Wired like any apply (`apply_changed = InBulk(apply_changes)`); one event is a run of one, so there is one piece of code.
    """

    many: Callable[[Sequence[tuple[Any, Fact]]], None]

    def __call__(self, event: Any, fact: Fact) -> None:
        self.many([(event, fact)])


EventTable = Mapping[str, tuple[type[Event], Apply]]
