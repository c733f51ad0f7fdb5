"""Which conditions of a list may be kept under a name."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

KEPT = ("q", "kind", "state", "colour", "stuck", "unit", "place", "mine")
"""The conditions of the list of items; nothing else of an address is kept, so that a shared name cannot lead elsewhere."""


def may_keep(query: str) -> str:
    """The conditions of an address in a fixed order, empty ones and everything unknown left out; at most 400 characters."""
    given = dict(parse_qsl(query.lstrip("?")))
    kept = urlencode([(name, given[name]) for name in KEPT if given.get(name)])
    return kept if len(kept) <= 400 else ""
