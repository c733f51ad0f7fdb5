"""Reads of courseware for the faces (portal, television) and the rooms above. All of it is about items, never about viewers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from yuanjiao.courseware import search
from yuanjiao.courseware.counting import Freshness, freshness_of
from yuanjiao.courseware.models import (
    Column,
    ColumnAlarm,
    ColumnCategory,
    Courseware,
    CoursewareClass,
    CoursewareSource,
    CoursewareStep,
    Placement,
    Rendition,
    RenditionKind,
    SearchDue,
    SearchMiss,
    Upload,
)
from yuanjiao.courseware.rules import playlists
from yuanjiao.courseware.rules.life import State
from yuanjiao.courseware.rules.profiles import BY_NAME
from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission


@dataclass(frozen=True)
class ColumnNow:
    """One column open on the day asked for. `audience` is a division path, '/' is everybody."""

    uid: UUID
    title: str
    summary: str
    owner_name: str
    audience: str
    items: int


@dataclass(frozen=True)
class ItemCard:
    """One released item as a list shows it. `poster` is a blob's SHA-256; `sizes` are bytes by profile (DLV09: shown before playing)."""

    uid: UUID
    title: str
    summary: str
    speaker: str
    class_name: str
    unit_name: str
    duration_s: float
    poster: str | None
    columns: tuple[str, ...]
    released_at: datetime
    sizes: dict[str, int]


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

    def rendition(self, profile: str) -> RenditionCard | None:
        """The rendition of that profile (`poster`, `box-sd`, `audio`, `captions`, `hls-240` …), or None."""
        return next((one for one in self.renditions if one.profile == profile), None)


# -- columns ----------------------------------------------------------------------------------------------------------------


def columns_now(*, on: date, path: str | None = None) -> list[ColumnNow]:
    """Columns open on a day, in order. `path` leaves only those whose audience includes that division; None asks for all."""
    rows = _open_columns(on, path).annotate(items=Count("placements", filter=Q(placements__courseware__state=State.RELEASED)))
    return [
        ColumnNow(uid=row.uid, title=row.title, summary=row.summary, owner_name=row.owner.name, audience=row.audience, items=int(row.items))
        for row in rows.select_related("owner")
    ]


@dataclass(frozen=True)
class CategoryNow:
    """One sub-category of a column with how many released items stand in it."""

    uid: UUID
    title: str
    items: int


def categories_now(column: UUID) -> list[CategoryNow]:
    """The sub-categories of a column in order; empty for a column without any."""
    released = Q(placements__courseware__state=State.RELEASED)
    rows = ColumnCategory.objects.filter(column__uid=column).annotate(items=Count("placements", filter=released))
    return [CategoryNow(row.uid, row.title, int(row.items)) for row in rows.order_by("order", "pk")]


def _open_columns(on: date, path: str | None) -> QuerySet[Column]:
    rows = Column.objects.filter(Q(visible_to=None) | Q(visible_to__gt=on), visible_from__lte=on).order_by("order", "uid")
    if path is None:
        return rows
    parts = [part for part in path.split("/") if part]
    audiences = ["/", *("/" + "/".join(parts[:n]) + "/" for n in range(1, len(parts) + 1))]
    return rows.filter(audience__in=audiences)


# -- lists ------------------------------------------------------------------------------------------------------------------


def released_items(
    *,
    on: date,
    column: UUID | None = None,
    category: UUID | None = None,
    item_class: str = "",
    path: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[ItemCard]:
    """Released items that stand in a column open on the day: a column's in its order, otherwise newest first.

    The list is the same for every kind of terminal (DLV01): nothing here asks what the reader's box can play.
    """
    ids = _released_ids(on=on, column=column, item_class=item_class, path=path, category=category)
    return _cards(ids[offset : None if limit is None else offset + limit])


def released_count(
    *, on: date, column: UUID | None = None, category: UUID | None = None, item_class: str = "", path: str | None = None
) -> int:
    """How many items `released_items` would list without a limit."""
    return len(_released_ids(on=on, column=column, item_class=item_class, path=path, category=category))


def _released_ids(*, on: date, column: UUID | None, item_class: str, path: str | None, category: UUID | None = None) -> list[int]:
    placed = Placement.objects.filter(column__in=_open_columns(on, path), courseware__state=State.RELEASED)
    if column is not None:
        placed = placed.filter(column__uid=column).order_by("order", "-placed_at", "-uid")
    else:
        placed = placed.order_by("-courseware__released_at", "-courseware__uid")
    if category is not None:
        placed = placed.filter(category__uid=category)
    if item_class:
        placed = placed.filter(courseware__item_class=item_class)
    return list(dict.fromkeys(placed.values_list("courseware_id", flat=True)))


@dataclass(frozen=True)
class Found:
    """One page of what a search found, best first, and how many there are. `alike`: nothing held the words, these sound like them."""

    cards: list[ItemCard]
    count: int
    alike: bool


def search_items(
    words: str, *, on: date, column: UUID | None = None, item_class: str = "", path: str | None = None, limit: int, offset: int = 0
) -> Found:
    """Released items of the open columns that hold the words: characters and words, pinyin and initials, then the same sound."""
    open_now = _open_columns(on, path)
    wanted = (open_now if column is None else open_now.filter(uid=column)).values_list("uid", flat=True)
    hits = search.find(words, columns=wanted, item_class=item_class, limit=limit, offset=offset)
    keys = dict(Courseware.objects.filter(uid__in=hits.uids).values_list("uid", "pk"))
    return Found(_cards([keys[uid] for uid in hits.uids if uid in keys]), hits.count, hits.alike)


def search_due_count() -> int:
    """Changes that the index of this machine has not taken in yet."""
    return SearchDue.objects.count()


def search_misses(*, since: date) -> list[tuple[str, int]]:
    """Words looked for in vain since a day, the most wanted first."""
    rows = SearchMiss.objects.filter(day__gte=since).values_list("words").annotate(times=Sum("count")).order_by("-times", "words")
    return [(words, int(times)) for words, times in rows]


def _cards(ids: Sequence[int]) -> list[ItemCard]:
    rows = {row.pk: row for row in Courseware.objects.filter(pk__in=ids).select_related("unit")}
    columns = _column_titles(ids)
    sizes: dict[int, dict[str, int]] = defaultdict(dict)
    posters: dict[int, str] = {}
    for pk, profile, kind, size, blob in Rendition.objects.filter(courseware__in=ids).values_list(
        "courseware_id", "profile", "kind", "size_bytes", "blob"
    ):
        sizes[pk][profile] = size
        if kind == RenditionKind.POSTER:
            posters[pk] = blob
    return [
        ItemCard(
            uid=row.uid,
            title=row.title,
            summary=row.summary,
            speaker=row.speaker,
            class_name=CoursewareClass(row.item_class).label,
            unit_name=row.unit.name,
            duration_s=row.duration_s,
            poster=posters.get(row.pk),
            columns=tuple(columns[row.pk]),
            released_at=row.released_at,
            sizes=sizes[row.pk],
        )
        for row in (rows[pk] for pk in ids)
        if row.released_at is not None
    ]


def _column_titles(ids: Iterable[int]) -> dict[int, list[str]]:
    titles: dict[int, list[str]] = defaultdict(list)
    for pk, title in (
        Placement.objects.filter(courseware__in=ids).order_by("column__order", "column__uid").values_list("courseware_id", "column__title")
    ):
        titles[pk].append(title)
    return titles


# -- one item ---------------------------------------------------------------------------------------------------------------


def item_detail(uid: UUID) -> ItemDetail:
    """A released item with its renditions; NotFound when there is none, or it was withdrawn."""
    return detail_of(_released(uid))


def detail_of(row: Courseware) -> ItemDetail:
    """The same for an item the caller already has, released or not: previews of producers and reviewers."""
    order = list(BY_NAME)
    renditions = sorted(row.renditions.all(), key=lambda one: order.index(one.profile) if one.profile in order else len(order))
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
        columns=tuple(_column_titles([row.pk])[row.pk]),
        renditions=tuple(_rendition_card(one) for one in renditions),
    )


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
        hls=bool(row.playlist),
    )


def _released(uid: UUID) -> Courseware:
    row = Courseware.objects.filter(uid=uid, state=State.RELEASED).select_related("unit").first()
    if row is None:
        raise NotFound("没有这件课件，可能已经撤下")
    return row


# -- playlists --------------------------------------------------------------------------------------------------------------


def newest_playable(*, on: date) -> tuple[UUID, str] | None:
    """Uid and title of the newest released item that streams and stands in an open column; None while there is none."""
    ids = _released_ids(on=on, column=None, item_class="", path=None)
    found = Rendition.objects.filter(courseware__in=ids[:50], kind=RenditionKind.VIDEO).exclude(playlist="")
    streams = set(found.values_list("courseware_id", flat=True))
    chosen = next((pk for pk in ids[:50] if pk in streams), None)
    return Courseware.objects.values_list("uid", "title").get(pk=chosen) if chosen is not None else None


def hls_master(uid: UUID) -> str:
    """The master playlist of a released item; media playlists are named beside it as `<profile>.m3u8`."""
    return master_of(_released(uid))


def hls_media(uid: UUID, profile: str, *, blob_prefix: str = "/blobs/") -> str:
    """The media playlist of one rendition of a released item, its addresses under `blob_prefix`."""
    return media_of(_released(uid), profile, blob_prefix=blob_prefix)


def master_of(row: Courseware) -> str:
    """The master playlist of an item the caller may see."""
    streams = [
        playlists.Stream(
            one.profile, one.kind, one.codecs, one.width, one.height, one.frame_rate, one.bitrate, one.peak_bitrate
        )
        for one in row.renditions.exclude(playlist="")
    ]  # fmt: skip
    if not streams:
        raise NotFound("这件课件还没有可以流式播放的版本")
    return playlists.master(streams)


def media_of(row: Courseware, profile: str, *, blob_prefix: str = "/blobs/") -> str:
    """The media playlist of one rendition of an item the caller may see."""
    found = row.renditions.exclude(playlist="").filter(profile=profile).first()
    if found is None:
        raise NotFound("没有这个版本")
    known = BY_NAME.get(profile)
    return playlists.media(found.playlist, blob_prefix + found.blob + (known.suffix if known else ""))


# -- for the rooms above ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stream:
    """One HLS form of an item: its media playlist with addresses in it, and what a master says of it (bits per second)."""

    playlist: str
    bitrate: int
    peak_bitrate: int
    codecs: str
    width: int
    height: int
    duration_s: float


@dataclass(frozen=True)
class Streams:
    """An item that can be put on a linear channel: pictures by profile, and its sound apart."""

    title: str
    duration_s: float
    pictures: dict[str, Stream]
    sound: Stream


def streams_of(items: Iterable[UUID]) -> dict[UUID, Streams]:
    """Released items of these that stream with pictures and sound; others are left out."""
    rows = Rendition.objects.filter(courseware__uid__in=set(items), courseware__state=State.RELEASED).exclude(playlist="")
    found: dict[UUID, dict[str, Rendition]] = defaultdict(dict)
    for row in rows.select_related("courseware"):
        if row.profile.startswith("hls-"):  # what stands in the master; boxes' transport streams have lists of their own
            found[row.courseware.uid][row.profile] = row
    return {uid: made for uid, forms in found.items() if (made := _streams(forms)) is not None}


def _streams(forms: dict[str, Rendition]) -> Streams | None:
    pictures = {name: _stream(row) for name, row in forms.items() if row.kind == RenditionKind.VIDEO}
    sounds = [forms[name] for name in sorted(forms) if forms[name].kind == RenditionKind.AUDIO]
    sound = sounds[0] if sounds else None  # hls-audio before hls-audio-low
    if sound is None or not pictures:
        return None
    return Streams(sound.courseware.title, min(one.duration_s for one in pictures.values()), pictures, _stream(sound))


def _stream(row: Rendition) -> Stream:
    known = BY_NAME.get(row.profile)
    text = playlists.media(row.playlist, "/blobs/" + row.blob + (known.suffix if known else ""))
    return Stream(text, row.bitrate, row.peak_bitrate, row.codecs, row.width, row.height, row.duration_s)


def placed_items(column: UUID) -> list[UUID]:
    """Released items of a column in its order."""
    rows = Placement.objects.filter(column__uid=column, courseware__state=State.RELEASED).order_by("order", "-placed_at", "-uid")
    return list(rows.values_list("courseware__uid", flat=True))


def item_titles(items: Iterable[UUID]) -> dict[UUID, str]:
    """Titles by uid of every item this machine holds, released or not."""
    return dict(Courseware.objects.filter(uid__in=set(items)).values_list("uid", "title"))


def item_summaries(items: Iterable[UUID]) -> dict[UUID, tuple[str, str]]:
    """Summary and name of the class by uid, for programme guides."""
    rows = Courseware.objects.filter(uid__in=set(items)).values_list("uid", "summary", "item_class")
    return {uid: (summary, str(CoursewareClass(kind).label)) for uid, summary, kind in rows}


GONE = (State.WITHDRAWN, State.EXPIRED, State.REVISED)


def left_since(at: datetime) -> list[tuple[UUID, str, datetime, str]]:
    """Items that left the public since a moment, by their step: uid, title, when, why."""
    rows = CoursewareStep.objects.filter(from_state=State.RELEASED, to_state__in=GONE, at__gte=at).order_by("at", "pk")
    return list(rows.values_list("courseware__uid", "courseware__title", "at", "reason"))


def released_uids(items: Iterable[UUID]) -> set[UUID]:
    """Those of these items that are released."""
    return set(Courseware.objects.filter(uid__in=set(items), state=State.RELEASED).values_list("uid", flat=True))


# -- our own pages ----------------------------------------------------------------------------------------------------------


def made_by(by: Actor) -> Q:
    """A filter for the items this person made."""
    return Q(author__uid=by.person_uid) if by.person_uid else Q(pk__in=[])


def items_seen_by(by: Actor) -> QuerySet[Courseware]:
    """Items a person meets at work: their own, and those of the subtrees they review or whose columns they manage."""
    theirs = made_by(by)
    paths = {*by.paths(Permission.REVIEW_COURSEWARE), *by.paths(Permission.MANAGE_COLUMNS)}
    rows = Courseware.objects.filter(theirs | within("unit__division__path", sorted(paths)))
    return rows.select_related("unit__division", "author").order_by("-created_at", "-pk")


def item_for(by: Actor, uid: UUID) -> Courseware:
    """One of those items; NotFound for any other."""
    row = items_seen_by(by).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有找到这件课件，或不在您负责的范围内")
    return row


def columns_managed_by(by: Actor) -> QuerySet[Column]:
    """Columns whose owner lies in a subtree where the person manages columns, in their order."""
    inside = within("owner__division__path", by.paths(Permission.MANAGE_COLUMNS))
    return Column.objects.filter(inside).select_related("owner__division").order_by("order", "pk")


def column_for(by: Actor, uid: UUID) -> Column:
    """One of those columns; NotFound for any other."""
    row = columns_managed_by(by).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有找到这个栏目，或不在您负责的范围内")
    return row


def freshness_managed_by(by: Actor, *, on: date) -> list[Freshness]:
    """How every column this person manages stands on a day (DLV04, CW15); columns not open that day are left out."""
    shown = columns_managed_by(by).filter(Q(visible_to=None) | Q(visible_to__gt=on), visible_from__lte=on)
    return freshness_of(shown, on)


def alarms_managed_by(by: Actor) -> QuerySet[ColumnAlarm]:
    """Alarms of those columns that are open, the oldest first."""
    rows = ColumnAlarm.objects.filter(column__in=columns_managed_by(by), closed_on=None)
    return rows.select_related("column__owner").order_by("opened_on", "pk")


def adoptable_by(by: Actor, *, on: date) -> QuerySet[Placement]:
    """What columns of lower units show that stands in no column of the person's own units yet (DLV05), the newest first."""
    paths = by.paths(Permission.MANAGE_COLUMNS)
    own = Column.objects.filter(owner__division__path__in=paths)
    shown = Column.objects.filter(within("owner__division__path", paths)).exclude(owner__division__path__in=paths)
    shown = shown.filter(Q(visible_to=None) | Q(visible_to__gt=on), visible_from__lte=on)
    rows = Placement.objects.filter(column__in=shown, courseware__state=State.RELEASED)
    taken = Placement.objects.filter(column__in=own).values("courseware")
    return rows.exclude(courseware__in=taken).select_related("column__owner", "courseware__unit").order_by("-placed_at", "-pk")


def column_titles(uids: Iterable[UUID]) -> dict[UUID, str]:
    """Titles of columns by uid; columns this machine does not hold are left out."""
    return dict(Column.objects.filter(uid__in=set(uids)).values_list("uid", "title"))


def placement_for(by: Actor, uid: UUID) -> Placement:
    """One place in one of those columns; NotFound for any other."""
    row = (
        Placement.objects.filter(uid=uid, column__in=columns_managed_by(by)).select_related("column__owner__division", "courseware").first()
    )
    if row is None:
        raise NotFound("已经不在这个栏目里")
    return row


def upload_of(by: Actor, uid: UUID) -> Upload:
    """An upload of this very person; NotFound for anybody else's."""
    row = Upload.objects.filter(uid=uid).select_related("person", "courseware__unit__division", "courseware__author").first()
    if row is None or row.person.uid != by.person_uid:
        raise NotFound("没有这次上传")
    return row
