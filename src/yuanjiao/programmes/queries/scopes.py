"""Whom a row is for: division paths, '/' is everybody."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import Q

from yuanjiao.flow.nodes.models import NodeKind
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.places.queries import divisions


def audiences(path: str) -> list[str]:
    """The audiences that include a place: everybody, every division above it, itself."""
    parts = [part for part in path.split("/") if part]
    return ["/", *("/" + "/".join(parts[:n]) + "/" for n in range(1, len(parts) + 1))]


def shown_at(field: str, path: str | None) -> Q:
    """Rows shown at a node that serves `path`: for it, for a place around it, or for a place inside it. None asks for all."""
    if path is None:
        return Q()
    return Q(**{f"{field}__in": audiences(path)}) | Q(**{f"{field}__startswith": path})


def names_of(paths: Iterable[str], on: date) -> dict[str, str]:
    """Names of divisions by path; '/' is 所有人."""
    wanted = set(paths)
    return {"/": "所有人", **{row.path: row.name for row in divisions(on=on).filter(path__in=wanted)}}


def made_here() -> bool:
    """Whether rows that go down are made on this machine; an edge or a site only holds copies."""
    return own_node().kind == NodeKind.CENTRE
