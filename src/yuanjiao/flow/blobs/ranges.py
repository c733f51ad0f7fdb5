"""Byte ranges of HTTP (RFC 9110, section 14), as far as a single range goes. Pure.

1. A header we cannot read, another unit, or several ranges: answer as if there were none (the RFC allows it).
2. A readable range that begins behind the end, or the last zero bytes: nobody can satisfy it.
3. An end behind the last byte is the last byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FORM = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class Unsatisfiable(Exception):
    """No byte of the file lies in the range: status 416."""


@dataclass(frozen=True)
class Span:
    """Bytes first … last, both included, of a file of `size` bytes."""

    first: int
    last: int
    size: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    @property
    def content_range(self) -> str:
        return f"bytes {self.first}-{self.last}/{self.size}"


def span_of(header: str, size: int) -> Span | None:
    """What a Range header asks of a file of `size` bytes; None stands for the whole file. Raises Unsatisfiable."""
    found = FORM.fullmatch(header.replace(" ", "").lower())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        return _suffix(int(last), size)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return Span(int(first), min(int(last or size), size - 1), size)


def _suffix(length: int, size: int) -> Span:
    if not length or not size:
        raise Unsatisfiable
    return Span(max(size - length, 0), size - 1, size)
