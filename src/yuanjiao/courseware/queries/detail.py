"""One item with all that a reader, or the people who make and review it, must know of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from yuanjiao.courseware.models import Courseware, CoursewareClass, CoursewareSource, FormerVersion, ItemPart, PartKind, Rendition
from yuanjiao.courseware.queries.columns import in_force, titles_of_items
from yuanjiao.courseware.queries.lists import AGE_NAMES, NAMES_OF_KINDS
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.courseware.rules.life import State
from yuanjiao.courseware.rules.profiles import BY_NAME, STREAMED
from yuanjiao.lib.errors import NotFound


@dataclass(frozen=True)
class RenditionCard:
    """One form of an item: `blob` is the SHA-256 under /blobs/, rates in bits per second, `title` says whom it is for."""

    profile: str
    title: str
    kind: str
    blob: str
    size_bytes: int
    media_type: str
    codecs: str
    width: int
    height: int
    bitrate: int
    duration_s: float
    hls: bool
    family: str = ""
    frame_rate: float = 0.0
    peak_bitrate: int = 0


EPUB = "application/epub+zip"


@dataclass(frozen=True)
class PartCard:
    """One page or picture, or the file to be saved: `text` holds a page's words, `caption` what a picture shows."""

    number: int
    kind: str
    blob: str
    size_bytes: int
    media_type: str
    width: int
    height: int
    text: str
    caption: str


@dataclass(frozen=True)
class ItemDetail:
    """One item with all its renditions, in the order of the profile table."""

    uid: UUID
    title: str
    summary: str
    speaker: str
    class_name: str
    source_name: str
    unit_name: str
    duration_s: float
    width: int
    height: int
    has_audio: bool
    released_at: datetime | None
    columns: tuple[str, ...]
    renditions: tuple[RenditionCard, ...]
    kind: str = Kind.VIDEO
    kind_name: str = "视频"
    body: str = ""  # HTML that can do no harm
    address: str = ""
    parts: tuple[PartCard, ...] = ()  # pages and pictures in their order
    file: PartCard | None = None
    book: PartCard | None = None  # the text of the pages for reading programs, bound anew: an EPUB
    topics: tuple[str, ...] = ()
    age_band: str = ""
    origin: str = ""
    edition: int = 1
    is_story: bool = False
    is_case: bool = False
    rights_to: date | None = None

    def rendition(self, profile: str) -> RenditionCard | None:
        """The rendition of that profile (`poster`, `box-sd`, `audio`, `captions`, `hls-240` …), or None."""
        return next((one for one in self.renditions if one.profile == profile), None)


def item_detail(uid: UUID, *, on: date) -> ItemDetail:
    """A released item with its renditions; NotFound when there is none, it was withdrawn, or its rights are not in force that day."""
    return detail_of(released_item(uid, on=on))


def detail_of(row: Courseware) -> ItemDetail:
    """The same for an item the caller already has, released or not: previews of producers and reviewers."""
    order = list(BY_NAME)
    renditions = sorted(row.renditions.all(), key=lambda one: order.index(one.profile) if one.profile in order else len(order))
    parts = list(row.parts.order_by("kind", "number"))
    return ItemDetail(
        uid=row.uid,
        title=row.title,
        summary=row.summary,
        speaker=row.speaker,
        class_name=CoursewareClass(row.item_class).label,
        source_name=CoursewareSource(row.source).label,
        unit_name=row.unit.name,
        duration_s=row.duration_s,
        width=row.width,
        height=row.height,
        has_audio=row.has_audio,
        released_at=row.released_at,
        columns=tuple(titles_of_items([row.pk])[row.pk]),
        renditions=tuple(_rendition_card(one) for one in renditions),
        kind=row.kind,
        kind_name=NAMES_OF_KINDS[Kind(row.kind)],
        body=row.body,
        address=row.address,
        parts=tuple(_part_card(one) for one in parts if one.kind != PartKind.FILE),
        file=next((_part_card(one) for one in parts if one.kind == PartKind.FILE), None),
        book=next((_part_card(one) for one in parts if one.kind == PartKind.FILE and one.media_type == EPUB), None),
        topics=tuple(row.topics.order_by("taxonomy__order", "order", "code").values_list("name", flat=True)),
        age_band=AGE_NAMES.get(row.age_band, ""),
        origin=row.origin,
        edition=row.edition,
        is_story=row.is_story,
        is_case=row.is_case,
        rights_to=row.rights_to,
    )


def _part_card(row: ItemPart) -> PartCard:
    return PartCard(row.number, row.kind, row.blob, row.size_bytes, row.media_type, row.width, row.height, row.text, row.caption)


def _rendition_card(row: Rendition) -> RenditionCard:
    known = BY_NAME.get(row.profile)
    return RenditionCard(
        profile=row.profile,
        title=known.title if known else row.profile,
        kind=row.kind,
        blob=row.blob,
        size_bytes=row.size_bytes,
        media_type=row.media_type,
        codecs=row.codecs,
        width=row.width,
        height=row.height,
        bitrate=row.bitrate,
        duration_s=row.duration_s,
        hls=row.profile in STREAMED,
        family=known.family if known else "",
        frame_rate=row.frame_rate,
        peak_bitrate=row.peak_bitrate,
    )


def released_item(uid: UUID, *, on: date) -> Courseware:
    """The row of a released item whose rights are in force on the day; NotFound for any other."""
    row = Courseware.objects.filter(in_force(on), uid=uid, state=State.RELEASED).select_related("unit").first()
    if row is None:
        raise NotFound("没有这件课件，可能已经撤下")
    return row


def newest_version(uid: UUID) -> UUID | None:
    """The item that took the place of an earlier version, so that an old address leads on; None when there is none."""
    found = FormerVersion.objects.filter(uid=uid, courseware__state=State.RELEASED)
    return found.values_list("courseware__uid", flat=True).first()
