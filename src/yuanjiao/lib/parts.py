"""Cutting a long list of names for a database: a question may hold so many and no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

MOST = 500
"""Names in one question; every database we run on takes more."""
T = TypeVar("T")


def in_parts(values: Iterable[T], most: int = MOST) -> Iterator[list[T]]:
    """All of them in their order, at most so many at a time; none at all for no values."""
    rest = iter(values)
    while part := list(islice(rest, most)):
        yield part
