"""What a kind of document says of itself: its paragraphs, its rows with the figures over them, and its wording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.reports.documents.blocks import Official
from yuanjiao.reports.models import Document, Figure, FrozenRow
from yuanjiao.reports.rules import Period


@dataclass(frozen=True)
class Subject:
    """Whom a document is about: a division, or the branch of an operator that works in one."""

    code: str
    name: str
    division: Division
    unit: OrgUnit | None = None

    @property
    def path(self) -> str:
        return self.division.path


def place(division: Division) -> Subject:
    return Subject(division.code, division.name, division)


def branch(unit: OrgUnit) -> Subject:
    return Subject(unit.code, unit.name, unit.division, unit)


@dataclass(frozen=True)
class Snapshot:
    """Rows and figures not yet saved, and texts taken over from other documents (key → text)."""

    rows: list[FrozenRow]
    figures: list[Figure]
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """One kind of document. `paragraphs` are what a person writes (key → heading); none may be empty when it is issued."""

    version: int
    paragraphs: Mapping[str, str]
    tables: tuple[str, ...]
    snapshot: Callable[[Subject, Period, datetime], Snapshot]
    official: Callable[[Document, Mapping[str, Figure], Mapping[str, str]], Official]
    title: Callable[[Document], str]
    addressee: str = ""
    """Whom it is sent to, where that is not the unit above."""
