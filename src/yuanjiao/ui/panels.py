"""Panels: a titled list of lines that lead somewhere, as start pages are made of them; and what rooms above have to say beside a page.

A room shows what it has itself. That orders belong to an outage only the room of orders knows, which stands above: it says so by a maker
in the table of `wiring/panels.py`, and the page asks for whatever is `beside` it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse


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


Maker = Callable[[int, Any, datetime], Panel | None]
"""From the key of what the page is about, who reads it, and the moment; None where there is nothing to say to this reader."""
_makers: dict[str, tuple[Maker, ...]] = {}


def set_beside(table: dict[str, tuple[Maker, ...]]) -> None:
    """The table of the house: page → who has something to say there (wiring/panels.py)."""
    _makers.clear()
    _makers.update(table)


def beside(page: str, key: int, reader: Any, at: datetime) -> list[Panel]:
    """What rooms above say beside a page, in the order of the table."""
    found = (make(key, reader, at) for make in _makers.get(page, ()))
    return [panel for panel in found if panel is not None]


def link(name: str, *arguments: object, **query: str) -> str:
    """An address by route name with a query."""
    address = reverse(name, args=arguments)
    return f"{address}?{urlencode(query)}" if query else address
