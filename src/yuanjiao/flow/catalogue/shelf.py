"""What a room offers to the catalogue, and how it takes what came down (wiring/shelves.py lists the shelves).

The promises between catalogue and shelf:
1. `offer` is a pure reading: the same rows give the same bytes (sort every list, no clock, no random), else every turn publishes.
2. A row is offered in one scope only: `ALL` for what everybody may hold, or the division path of a subtree. Never send a subtree
   what it may not see: whoever holds the node's key reads the whole document.
3. `Offer()` (no document) means: this shelf has nothing for that kind of scope. A scope it serves gets a document, empty or not.
4. `accept` runs inside the catalogue's one transaction, in the order of the list, and only for documents that changed, or whose
   blobs came. It makes this machine's copy equal to the document: rows are matched by uid or natural code, never by pk; rows that
   are not in it any more are ended, withdrawn or removed, as the room finds safe. It must not touch rows born on this machine.
5. `missing` names the document's blobs that are not here yet. What cannot do without them is not shown in its new form: it stays as
   it was, or away; everything else acts at once. `accept` is called again when they have come. Blobs that are here stay while the
   newest document names them, or while `accept` returns them: files that something shown in its old form still needs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, Protocol, TypeVar

import msgspec
from django.conf import settings
from django.utils.module_loading import import_string

from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.lib.errors import Tampered

ALL = "all"
"""The scope of what every node receives."""
S = TypeVar("S", bound=msgspec.Struct)
_encoder = msgspec.json.Encoder(order="deterministic")


class Offer(msgspec.Struct, frozen=True):
    """One shelf's rows for one scope: a JSON document and the blobs its rows name."""

    document: bytes = b""
    blobs: tuple[BlobRef, ...] = ()


class Shelf(Protocol):
    """A module or object with these three names; rooms keep it in their shelf.py."""

    @property
    def name(self) -> str:
        """Lower-case letters; it is part of the document's address and may never change."""

    def offer(self, scope: str) -> Offer:
        """The rows of `scope`: `ALL`, or a division path such as '/990000000000/990100000000/'."""

    def accept(self, document: bytes, missing: Collection[str] = ()) -> Collection[str] | None:
        """Make this machine's copy equal to the document, but for what `missing` blobs hold up; returns blobs still needed besides.

        Raises Tampered when the document cannot be read.
        """


@cache
def shelves() -> Sequence[Shelf]:
    """The wired shelves, lower rooms first."""
    found: Sequence[Shelf] = import_string(settings.YUANJIAO_SHELVES)
    return found


def to_document(rows: Any) -> bytes:
    """Canonical JSON of a struct: the same rows always give the same bytes."""
    return _encoder.encode(rows)


def from_document(document: bytes, kind: type[S]) -> S:
    """The struct again; Tampered with the reason when it does not fit (a signed document that we cannot read is an alarm)."""
    try:
        return msgspec.json.decode(document, type=kind)
    except msgspec.DecodeError as error:
        raise Tampered(f"目录文档无法读取（{kind.__name__}）：{error}") from None
