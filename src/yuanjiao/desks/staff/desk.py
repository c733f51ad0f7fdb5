"""What a start page is made of: figures that open, and panels of lines with an empty state that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.urls import reverse


@dataclass(frozen=True)
class Figure:
    """One number; its address opens the rows behind it."""

    label: str
    value: str | int
    address: str
    bad: bool = False
    note: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a panel: what, where it leads, a remark at the right, a coloured word."""

    text: str
    address: str = ""
    remark: str = ""
    badge: str = ""
    colour: str = "grey"


@dataclass(frozen=True)
class Panel:
    """A titled list; `empty` tells what to do when there is nothing, `more` leads to the whole list."""

    title: str
    lines: Sequence[Line]
    empty: str
    more: str = ""
    more_title: str = "全部"
    search: str = ""  # address of a search form shown on top, with its hint
    search_hint: str = ""


@dataclass
class Desk:
    """One person's start page."""

    figures: list[Figure] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    actions: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: Desk) -> None:
        """Lay the page of another role of the same person under this one; the same thing is shown once."""
        self.figures += [figure for figure in other.figures if figure not in self.figures]
        titles = {panel.title for panel in self.panels}
        self.panels += [panel for panel in other.panels if panel.title not in titles]
        self.actions += [action for action in other.actions if action not in self.actions]


def link(name: str, *arguments: object, **query: str) -> str:
    """An address by route name with a query."""
    address = reverse(name, args=arguments)
    return f"{address}?{urlencode(query)}" if query else address
