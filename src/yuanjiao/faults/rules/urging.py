"""Whom to urge about what is late: the direct responsible person first, then the first one, in both chains (GOV01)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Protocol, TypeVar

FIRST_AFTER = timedelta(hours=24)
"""So long past its date an item is told to the first responsible persons too."""


class Rung(IntEnum):
    """How far up an urging sheet goes."""

    DIRECT = 1
    FIRST = 2


RUNG_NAMES: dict[Rung, str] = {Rung.DIRECT: "直接责任人", Rung.FIRST: "第一责任人"}
KIND_OF: dict[Rung, str] = {Rung.DIRECT: "direct", Rung.FIRST: "first"}


class Answers(Protocol):
    """Somebody who answers for a place, as `people.queries.responsible_for` tells it."""

    @property
    def chain(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def level(self) -> int: ...


def rungs_due(past: timedelta) -> list[Rung]:
    """The rungs an item that is `past` its date has reached."""
    return [rung for rung, least in ((Rung.DIRECT, timedelta()), (Rung.FIRST, FIRST_AFTER)) if past >= least]


def late_words(due_at: datetime, at: datetime) -> str:
    """How a sheet speaks of its date: whole days past it; before it, whole days left."""
    days = abs(at - due_at).days
    if at < due_at:
        return f"还有 {days} 天到期" if days else "不到一天就到期"
    return f"已超期 {days} 天" if days else "已超期"


A = TypeVar("A", bound=Answers)


def addressees(people: Iterable[A], rung: Rung) -> list[A]:
    """In each chain the persons of that kind for the nearest place that has one; a chain without a direct person gives its first one.

    `people` stand nearest place first.
    """
    rows = list(people)
    found: list[A] = []
    for chain in sorted({row.chain for row in rows}):
        own = [row for row in rows if row.chain == chain]
        wanted = [row for row in own if row.kind == KIND_OF[rung]] or [row for row in own if row.kind == KIND_OF[Rung.FIRST]]
        found += [row for row in wanted if row.level == wanted[0].level]
    return found
