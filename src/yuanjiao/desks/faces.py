"""What every face towards learners (portal, television) shows of released items: the same lists, the same forms to play.

Both faces list through `Listing`, so a difference between terminals could only come from here (DLV01). Addresses are paths of
this node: an edge never sends a learner to the centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import overload
from uuid import UUID

from yuanjiao.courseware import queries
from yuanjiao.courseware.queries import CategoryNow, ColumnNow, ItemCard, ItemDetail, Narrow, PartCard, RenditionCard
from yuanjiao.flow.blobs.lost import absent
from yuanjiao.flow.nodes.queries import own_node, parent_node
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound

SUFFIXES = {
    "video/mp4": ".mp4",
    "video/mp2t": ".ts",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "text/vtt": ".vtt",
    "application/pdf": ".pdf",
    "application/epub+zip": ".epub",
}
FIRST_FOUND = 24
"""So many of what was found are asked for together with their count."""
BOX, BOX_HD, BOX_TS, PHONE_LOW, SOUND, CAPTIONS, POSTER = "box-sd", "box-hd", "box-sd-ts", "phone-low", "audio", "captions", "poster"


def blob_url(sha256: str, media_type: str) -> str:
    """Path of a blob on this node; the suffix lets old boxes choose their player."""
    return f"/blobs/{sha256}{SUFFIXES.get(media_type, '')}"


def path_here() -> str | None:
    """The division this node serves; None at the top, where every open column is shown."""
    return own_node().scope or None if parent_node() else None


def columns_here() -> list[ColumnNow]:
    return queries.columns_now(on=clock.today(), path=path_here())


def column_here(uid: UUID) -> ColumnNow:
    """An open column; NotFound when there is none of that uid, or its time is over."""
    found = next((column for column in columns_here() if column.uid == uid), None)
    if found is None:
        raise NotFound("没有这个栏目，可能已经关闭")
    return found


def categories_here(column: UUID) -> list[CategoryNow]:
    """Sub-categories of a column in which something stands, in order (CW15)."""
    return [one for one in queries.categories_now(column, on=clock.today()) if one.items]


@dataclass(frozen=True)
class Face:
    """One item in a list, with the sizes a learner wants to know before playing, in bytes (DLV09)."""

    card: ItemCard
    saving: bool = False

    @property
    def poster_url(self) -> str:
        return blob_url(self.card.poster, "image/jpeg") if self.card.poster else ""

    @property
    def watch_bytes(self) -> int | None:
        sizes = self.card.sizes
        first, second = (PHONE_LOW, BOX) if self.saving else (BOX, PHONE_LOW)
        if self.card.kind == "audio":
            return None  # its form for boxes is a still picture with the sound
        return sizes.get(first) or sizes.get(second)

    @property
    def read_bytes(self) -> int | None:
        """Bytes of all pages or pictures."""
        return self.card.sizes.get("pages") or None

    @property
    def listen_bytes(self) -> int | None:
        return self.card.sizes.get(SOUND)


@dataclass(frozen=True)
class Listing(Sequence[Face]):
    """A list of released items that asks the database for the page it is asked for. Fits Django's Paginator."""

    column: UUID | None = None
    saving: bool = False
    category: UUID | None = None
    narrow: Narrow = field(default_factory=Narrow)

    @cached_property
    def _count(self) -> int:
        return queries.released_count(on=clock.today(), column=self.column, category=self.category, path=path_here(), **self.narrow)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, wanted: int) -> Face: ...
    @overload
    def __getitem__(self, wanted: slice) -> list[Face]: ...
    def __getitem__(self, wanted: slice | int) -> list[Face] | Face:
        if isinstance(wanted, int):
            return self[wanted : wanted + 1][0]
        start = wanted.start or 0
        return [Face(card, self.saving) for card in self._cards(start, None if wanted.stop is None else max(wanted.stop - start, 0))]

    def _cards(self, offset: int, limit: int | None) -> list[ItemCard]:
        within, path = self.column, path_here()
        return queries.released_items(
            on=clock.today(), column=within, category=self.category, path=path, offset=offset, limit=limit, **self.narrow
        )


@dataclass(frozen=True)
class Findings(Listing):
    """What a search found, page by page. `alike` says that nothing held the words and these only sound like them."""

    words: str = ""

    def _found(self, offset: int, limit: int) -> queries.Found:
        return queries.search_items(
            self.words, on=clock.today(), column=self.column, path=path_here(), offset=offset, limit=limit, **self.narrow
        )

    @cached_property
    def _first(self) -> queries.Found:
        return self._found(0, FIRST_FOUND)

    @cached_property
    def _count(self) -> int:
        return self._first.count

    @property
    def alike(self) -> bool:
        return self._first.alike

    def _cards(self, offset: int, limit: int | None) -> list[ItemCard]:
        wanted = self._count - offset if limit is None else limit
        return self._first.cards[:wanted] if offset == 0 and wanted <= FIRST_FOUND else self._found(offset, wanted).cards


def on_this_machine(item: ItemDetail) -> tuple[ItemDetail, bool]:
    """The item with the forms that are here, and whether others are not for lack of room."""
    gone = absent([one.blob for one in item.renditions])
    return replace(item, renditions=tuple(one for one in item.renditions if one.blob not in gone)), any(gone.values())


def box_rendition(item: ItemDetail, *, hd: bool = False, ts: bool = False) -> RenditionCard | None:
    """The one file a box plays: the HD form for boxes that can, the transport stream for those that know nothing else; else the sound."""
    order = [BOX, PHONE_LOW, SOUND]
    if hd:
        order.insert(0, BOX_HD)
    if ts:
        order.insert(0, BOX_TS)
    return next((found for found in map(item.rendition, order) if found), None)


def part_url(part: PartCard) -> str:
    """Where a page, a picture or the file of a document is fetched."""
    return blob_url(part.blob, part.media_type)


def captions_url(item: ItemDetail) -> str:
    found = item.rendition(CAPTIONS)
    return blob_url(found.blob, "text/vtt") if found else ""


def poster_url(item: ItemDetail) -> str:
    """The key picture; for pages and pictures the first of them."""
    found = item.rendition(POSTER)
    if found:
        return blob_url(found.blob, found.media_type)
    return part_url(item.parts[0]) if item.parts else ""
