"""Released courseware goes down with its columns, its order and its blobs.

Columns for everybody stand in the document of all; a column for a subtree stands in the documents of the scopes it touches.
An item travels in every document that has a place for it, so that no document needs another. Who made an item stays above:
below, its unit is enough. A withdrawn item is in no document any more, and is removed below together with its renditions.
An item shows below once all its files are there; until then it stays as it was before, or away.
The media playlists of an item are one of its files (rules/playlists.py); in rows of older software they stand in its forms themselves.
"""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

import msgspec
from django.db.models import Case, F, Prefetch, Q, QuerySet, TextField, Value, When

from yuanjiao.courseware.models import (
    Column,
    ColumnCategory,
    Courseware,
    FormerVersion,
    ItemPart,
    Placement,
    PolicyLink,
    PolicyText,
    Rendition,
    Taxonomy,
    Topic,
)
from yuanjiao.courseware.rules import playlists
from yuanjiao.courseware.rules.life import State
from yuanjiao.courseware.rules.profiles import BY_NAME
from yuanjiao.courseware.steps import search_due
from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.store import MEDIA_TYPES, BlobRef
from yuanjiao.flow.catalogue.shelf import ALL, Offer, from_document, to_document
from yuanjiao.lib.errors import NotFound
from yuanjiao.places.queries import unit_by_code

log = logging.getLogger(__name__)
name = "courseware"
PLAIN = (
    "kind", "origin", "age_band", "material", "is_story", "is_case", "body", "address", "rights_from", "rights_to", "edition",
    "playlists", "playlists_bytes",
)  # fmt: skip
"""Fields of an item that stand in its row as they are."""
INDEXED = ("title", "summary", "speaker", "item_class", "unit__name", *PLAIN[:4], "body")
"""What the search index takes from the item itself."""
BY_HAND = frozenset({"uid", "unit", "renditions", "topics", "parts", "former", "policy", "explains"})


class RenditionRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One form of an item. `playlist` stands here only while the item has no file of them.

    By what key it was encoded stays above: nothing is encoded below.
    """

    uid: UUID
    profile: str
    kind: str
    blob: str
    size_bytes: int
    media_type: str
    codecs: str
    width: int
    height: int
    frame_rate: float
    bitrate: int
    peak_bitrate: int
    duration_s: float
    playlist: str = ""


FORM_FIELDS = RenditionRow.__struct_fields__[:-1]
"""All but the playlist."""


class PartRow(msgspec.Struct, frozen=True):
    """One page, picture or file of an item."""

    uid: UUID
    kind: str
    number: int
    blob: str
    size_bytes: int
    media_type: str
    width: int
    height: int
    text: str
    caption: str


PART_FIELDS = PartRow.__struct_fields__
T = TypeVar("T", Rendition, Placement)
PLACEMENT_FIELDS = ("uid", "order", "placed_at", "source_on", "adopted_from")


class TopicRow(msgspec.Struct, frozen=True):
    """One label that an item of the document carries, with its taxonomy."""

    code: str
    name: str
    order: int
    taxonomy: str
    taxonomy_name: str
    taxonomy_order: int


class PolicyRow(msgspec.Struct, frozen=True):
    """That an item is a policy text."""

    uid: UUID
    document: str
    issued_on: date


class LinkRow(msgspec.Struct, frozen=True):
    """A policy text that an item explains."""

    uid: UUID
    policy: UUID
    role: str


class ItemRow(msgspec.Struct, frozen=True):
    """One released item; the unit and the topics by their codes. Days of rights travel: they end delivery where nobody can be asked."""

    uid: UUID
    title: str
    summary: str
    speaker: str
    item_class: str
    source: str
    unit: str
    created_at: datetime
    released_at: datetime
    duration_s: float
    width: int
    height: int
    frame_rate: float
    has_audio: bool
    renditions: tuple[RenditionRow, ...]
    kind: str = "video"
    origin: str = ""
    age_band: str = ""
    material: str = ""
    is_story: bool = False
    is_case: bool = False
    body: str = ""
    address: str = ""
    rights_from: date | None = None
    rights_to: date | None = None
    edition: int = 1
    playlists: str = ""
    playlists_bytes: int = 0
    topics: tuple[str, ...] = ()
    parts: tuple[PartRow, ...] = ()
    former: tuple[UUID, ...] = ()
    policy: PolicyRow | None = None
    explains: tuple[LinkRow, ...] = ()


class PlacementRow(msgspec.Struct, frozen=True):
    """One item's place in a column."""

    uid: UUID
    item: UUID
    order: int
    placed_at: datetime
    category: UUID | None = None
    source_on: date | None = None
    adopted_from: UUID | None = None


class CategoryRow(msgspec.Struct, frozen=True):
    """One sub-category of a column."""

    uid: UUID
    title: str
    order: int


class ColumnRow(msgspec.Struct, frozen=True):
    """One column with its places."""

    uid: UUID
    title: str
    summary: str
    owner: str
    order: int
    visible_from: date
    visible_to: date | None
    audience: str
    accepts_class: str
    official: bool
    placements: tuple[PlacementRow, ...]
    min_weekly: int = 0
    max_delay_days: int | None = None
    categories: tuple[CategoryRow, ...] = ()


class Courses(msgspec.Struct, frozen=True):
    """The document of this shelf for one scope."""

    scope: str
    columns: tuple[ColumnRow, ...]
    items: tuple[ItemRow, ...]
    topics: tuple[TopicRow, ...] = ()


def _columns_of(scope: str) -> QuerySet[Column]:
    if scope == ALL:
        return Column.objects.filter(audience="/")
    above = [scope[: n + 1] for n, letter in enumerate(scope) if letter == "/" and n > 0]
    return Column.objects.filter(Q(audience__startswith=scope) | Q(audience__in=above)).exclude(audience="/")


# -- offer ------------------------------------------------------------------------------------------------------------------


def offer(scope: str) -> Offer:
    """Columns of the scope, what stands in them, and the blobs of all its renditions."""
    columns = list(_with_places(_columns_of(scope)))
    wanted = {placement.courseware_id for column in columns for placement in column.shown}  # type: ignore[attr-defined]
    items = list(_with_rows(Courseware.objects.filter(pk__in=wanted)))
    topics = {topic.code: _topic_row(topic) for item in items for topic in item.topics.all()}
    document = Courses(
        scope=scope,
        columns=tuple(_column_row(one) for one in columns),
        items=tuple(_item_row(one) for one in items),
        topics=tuple(topics[code] for code in sorted(topics)),
    )
    blobs = {blob for item in document.items for blob in blobs_of(item)}
    return Offer(document=to_document(document), blobs=tuple(sorted(blobs)))


def blobs_of(item: ItemRow) -> list[BlobRef]:
    """Every file the item needs."""
    parts = [BlobRef(part.blob, part.size_bytes, part.media_type) for part in item.parts]
    return [*map(_blob, item.renditions), *parts, *([BlobRef(item.playlists, item.playlists_bytes)] if item.playlists else [])]


def files_of(document: bytes, items: Set[UUID]) -> set[str]:
    """The names of the files that these items need, by what stands in the document: an item itself, or the version that took its place."""
    meant = [item for item in from_document(document, Courses).items if item.uid in items or not items.isdisjoint(item.former)]
    return {blob.sha256 for item in meant for blob in blobs_of(item)}


class Needs(msgspec.Struct, frozen=True):
    """The files of one item of a document, by name with their bytes; `former`: versions it took the place of."""

    item: UUID
    former: tuple[UUID, ...]
    released_at: datetime
    files: dict[str, int]

    def meant_by(self, items: Set[UUID]) -> bool:
        """Whether the item or a version before it is among these."""
        return self.item in items or not items.isdisjoint(self.former)


def needs_of(document: bytes) -> Iterator[Needs]:
    """Every item of a document with its files."""
    for item in from_document(document, Courses).items:
        yield Needs(item.uid, item.former, item.released_at, {blob.sha256: blob.size for blob in blobs_of(item)})


def _with_places(columns: QuerySet[Column]) -> QuerySet[Column]:
    """Columns with all that stands in their rows, in the order of a document."""
    placed = Placement.objects.filter(courseware__state=State.RELEASED).select_related("courseware", "category").order_by("uid")
    return (
        columns.select_related("owner")
        .prefetch_related(Prefetch("placements", queryset=placed, to_attr="shown"), "categories")
        .order_by("uid")
    )  # fmt: skip


def _with_rows(items: QuerySet[Courseware]) -> QuerySet[Courseware]:
    """Items with all that stands in their rows, in the order of a document."""
    return (
        items.select_related("unit", "policy")
        .prefetch_related(
            Prefetch("renditions", queryset=Rendition.objects.defer("playlist").annotate(said=_said_itself()).order_by("uid")),
            Prefetch("parts", queryset=ItemPart.objects.order_by("kind", "number")),
            Prefetch("topics", queryset=Topic.objects.order_by("code").select_related("taxonomy")),
            Prefetch("former", queryset=FormerVersion.objects.order_by("uid")),
            Prefetch("explains", queryset=PolicyLink.objects.order_by("uid")),
        )
        .order_by("uid")
    )


def _said_itself() -> Case:
    """A playlist that travels in the row; thousands that do not are not read from the database."""
    return Case(When(courseware__playlists="", then=F("playlist")), default=Value(""), output_field=TextField())


def _blob(row: RenditionRow) -> BlobRef:
    suffix = BY_NAME[row.profile].suffix if row.profile in BY_NAME else ""
    return BlobRef(row.blob, row.size_bytes, MEDIA_TYPES.get(suffix, row.media_type))


def _column_row(column: Column) -> ColumnRow:
    places: Sequence[Placement] = column.shown  # type: ignore[attr-defined]
    return ColumnRow(
        uid=column.uid,
        title=column.title,
        summary=column.summary,
        owner=column.owner.code,
        order=column.order,
        visible_from=column.visible_from,
        visible_to=column.visible_to,
        audience=column.audience,
        accepts_class=column.accepts_class,
        official=column.official,
        placements=tuple(_placement_row(one) for one in places),
        min_weekly=column.min_weekly,
        max_delay_days=column.max_delay_days,
        categories=tuple(CategoryRow(one.uid, one.title, one.order) for one in column.categories.all()),
    )


def _placement_row(one: Placement) -> PlacementRow:
    category = one.category.uid if one.category else None
    return PlacementRow(one.uid, one.courseware.uid, one.order, one.placed_at, category, one.source_on, one.adopted_from)


def _topic_row(topic: Topic) -> TopicRow:
    kept = topic.taxonomy
    return TopicRow(topic.code, topic.name, topic.order, kept.code, kept.name, kept.order)


def _item_row(item: Courseware) -> ItemRow:
    assert item.released_at is not None  # held by the constraint courseware_released_has_moment
    return ItemRow(
        uid=item.uid,
        title=item.title,
        summary=item.summary,
        speaker=item.speaker,
        item_class=item.item_class,
        source=item.source,
        unit=item.unit.code,
        created_at=item.created_at,
        released_at=item.released_at,
        duration_s=item.duration_s,
        width=item.width,
        height=item.height,
        frame_rate=item.frame_rate,
        has_audio=item.has_audio,
        renditions=tuple(_form_row(one) for one in item.renditions.all()),
        **{name: getattr(item, name) for name in PLAIN},
        topics=tuple(topic.code for topic in item.topics.all()),
        parts=tuple(PartRow(**{field: getattr(one, field) for field in PartRow.__struct_fields__}) for one in item.parts.all()),
        former=tuple(one.uid for one in item.former.all()),
        policy=PolicyRow(text.uid, text.document, text.issued_on) if (text := getattr(item, "policy", None)) else None,
        explains=tuple(LinkRow(one.uid, one.policy_uid, one.role) for one in item.explains.all()),
    )


def _form_row(one: Rendition) -> RenditionRow:
    said: str = one.said  # type: ignore[attr-defined]
    return RenditionRow(**{field: getattr(one, field) for field in FORM_FIELDS}, playlist=said)


# -- accept -----------------------------------------------------------------------------------------------------------------


def accept(document: bytes, missing: Collection[str] = ()) -> set[str]:
    """Make the columns of the document's scope, and the items standing in them, equal to the document.

    An item whose files are not all here stays as it is, or its former version stands in its place, but for its rights; the files that
    are still shown are returned. What is here as the document says it costs no write.
    """
    courses = from_document(document, Courses)
    before = _indexed()
    topics = {row.code: _accept_topic(row) for row in courses.topics}
    late: dict[UUID, ItemRow] = {}
    shown: dict[UUID, ItemRow] = {}
    for some in _batches(courses.items):
        fresh, held = _differing(some, missing)
        lacking = {item.uid: item for item in some if _lacks(item, missing) or (item.uid in fresh and fresh[item.uid] is None)}
        for item in some:
            texts = fresh.get(item.uid)
            if item.uid not in lacking and texts is not None:
                _accept_item(item, topics, texts)
        late |= lacking
        shown |= _shown_meanwhile(lacking, held)
    for uid, row in shown.items():
        Courseware.objects.filter(uid=row.uid).update(rights_from=late[uid].rights_from, rights_to=late[uid].rights_to)
    _accept_columns(courses, {uid: shown[uid].uid if uid in shown else None for uid in late})
    # copies (they have no author here) that stand nowhere any more were withdrawn above; some had expired here before
    Courseware.objects.filter(state__in=[State.RELEASED, State.EXPIRED], placements=None, author=None).delete()
    after = _indexed()
    search_due(uid for uid in before.keys() | after.keys() if before.get(uid) != after.get(uid))
    return {blob.sha256 for row in shown.values() for blob in blobs_of(row)}


def _batches(items: Sequence[ItemRow], size: int = 500) -> Iterator[Sequence[ItemRow]]:
    """Tens of thousands of items are compared some at a time: all at once would be held in memory twice."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _differing(items: Sequence[ItemRow], missing: Collection[str]) -> tuple[dict[UUID, dict[str, str] | None], dict[UUID, ItemRow]]:
    """Items that do not stand here as they are said, with their playlists, or None when those cannot be read; and what shows of all."""
    held = _held(item.uid for item in items)
    differing = [item for item in items if held.get(item.uid) != item and not _lacks(item, missing)]
    return {item.uid: _playlists(item) for item in differing}, held


def _playlists(item: ItemRow) -> dict[str, str] | None:
    """The media playlists of an item by profile, from its file or, of older software, from its forms."""
    if not item.playlists:
        return {one.profile: one.playlist for one in item.renditions}
    try:
        content = store.read(item.playlists)
        return playlists.apart(content)
    except (OSError, NotFound) as error:
        _say_unreadable(item, error)
    except ValueError as error:  # it came whole: the disk is failing, or who made it was
        _say_unreadable(item, error)
        if hashlib.sha256(content).hexdigest() != item.playlists:
            store.forget(item.playlists)  # who follows the catalogue sees that it is gone and has it fetched again
    return None


def _say_unreadable(item: ItemRow, error: Exception) -> None:
    log.error("%s cannot be shown, its playlists %s are unreadable: %s", item.uid, item.playlists[:12], error)


def _lacks(item: ItemRow, missing: Collection[str]) -> bool:
    """Whether a file of the item is not here yet."""
    return any(blob.sha256 in missing for blob in blobs_of(item))


def _shown_meanwhile(late: Mapping[UUID, ItemRow], held: Mapping[UUID, ItemRow]) -> dict[UUID, ItemRow]:
    """What shows in the place of each late item: its own older form, or the version before it; nothing for a new one."""
    former = _held(uid for item in late.values() for uid in item.former)
    found = {}
    for uid, item in late.items():
        shown = held.get(uid) or next((former[one] for one in item.former if one in former), None)
        if shown is not None:
            found[uid] = shown
    return found


def _held(items: Iterable[UUID]) -> dict[UUID, ItemRow]:
    """Those of these items that show here now, said as a document says them."""
    found: dict[UUID, ItemRow] = {}
    wanted = list(items)
    for start in range(0, len(wanted), 500):  # SQLite takes so many parameters at once
        uids = wanted[start : start + 500]
        shown = Courseware.objects.filter(uid__in=uids, state=State.RELEASED, withdrawn_at=None, released_at__isnull=False)
        found |= {item.uid: _item_row(item) for item in _with_rows(shown)}
    return found


def _indexed() -> dict[UUID, tuple[object, ...]]:
    """What the search index holds of every released item: a change of it makes the item due."""
    columns: dict[UUID, set[UUID]] = defaultdict(set)
    for item, column in Placement.objects.filter(courseware__state=State.RELEASED).values_list("courseware__uid", "column__uid"):
        columns[item].add(column)
    topics: dict[UUID, set[str]] = defaultdict(set)
    for item, code in Topic.objects.filter(courseware__state=State.RELEASED).values_list("courseware__uid", "code"):
        topics[item].add(code)
    rows = Courseware.objects.filter(state=State.RELEASED).values_list("uid", *INDEXED)
    return {uid: (*said, frozenset(columns[uid]), frozenset(topics[uid])) for uid, *said in rows}


def _accept_topic(row: TopicRow) -> Topic:
    """A label by its code; those no item carries any more stay: nothing shows them."""
    taxonomy, _made = Taxonomy.objects.update_or_create(
        code=row.taxonomy, defaults={"name": row.taxonomy_name, "order": row.taxonomy_order}
    )
    # two labels may have changed names
    Topic.objects.filter(taxonomy=taxonomy, name=row.name).exclude(code=row.code).update(name=f"~{row.code}"[:20])
    topic, _made = Topic.objects.update_or_create(code=row.code, defaults={"taxonomy": taxonomy, "name": row.name, "order": row.order})
    return topic


def _accept_item(row: ItemRow, topics: Mapping[str, Topic], texts: Mapping[str, str]) -> None:
    fields = {field: getattr(row, field) for field in row.__struct_fields__ if field not in BY_HAND}
    item, _created = Courseware.objects.update_or_create(
        uid=row.uid, defaults={**fields, "unit": unit_by_code(row.unit), "state": State.RELEASED, "withdrawn_at": None}
    )
    item.renditions.exclude(uid__in=[one.uid for one in row.renditions]).delete()
    forms = [
        Rendition(courseware=item, playlist=texts.get(one.profile, ""), **{field: getattr(one, field) for field in FORM_FIELDS})
        for one in row.renditions
    ]
    _write_by_uid(Rendition, forms, {*FORM_FIELDS, "courseware", "playlist"})
    item.topics.set([topics[code] for code in row.topics])
    _accept_parts(item, row)
    _accept_policy(item, row)
    FormerVersion.objects.filter(courseware=item).exclude(uid__in=row.former).delete()
    for uid in row.former:
        FormerVersion.objects.update_or_create(uid=uid, defaults={"courseware": item})


def _write_by_uid(table: type[T], rows: Sequence[T], said: Set[str]) -> None:
    """Write rows as they are said, new or not, in few statements: one by one they were most of what a first catalogue costs."""
    table._base_manager.bulk_create(
        rows, update_conflicts=True, unique_fields=["uid"], update_fields=sorted(said - {"uid"}), batch_size=500
    )


def _accept_parts(item: Courseware, row: ItemRow) -> None:
    """Pages and pictures: usually the very same ones, then nothing is written."""
    held = {part.uid: part for part in item.parts.all()}
    kept = {one.uid for one in row.parts}
    changed = [one for one in row.parts if one.uid not in held or PartRow(**{f: getattr(held[one.uid], f) for f in PART_FIELDS}) != one]
    # a changed part is written anew: its number may be another's until a moment ago
    item.parts.filter(uid__in=[uid for uid in held if uid not in kept] + [one.uid for one in changed]).delete()
    ItemPart.objects.bulk_create(
        [ItemPart(courseware=item, **{field: getattr(one, field) for field in PART_FIELDS}) for one in changed], batch_size=500
    )


def _accept_policy(item: Courseware, row: ItemRow) -> None:
    """What the item is to policies: nearly always nothing, then two look-ups."""
    held = PolicyText.objects.filter(courseware=item)
    (held.exclude(uid=row.policy.uid) if row.policy else held).delete()
    if row.policy:
        said = {"courseware": item, "document": row.policy.document, "issued_on": row.policy.issued_on}
        PolicyText.objects.update_or_create(uid=row.policy.uid, defaults=said)
    item.explains.exclude(uid__in=[one.uid for one in row.explains]).delete()
    for one in row.explains:
        PolicyLink.objects.update_or_create(uid=one.uid, defaults={"courseware": item, "policy_uid": one.policy, "role": one.role})


def _accept_columns(courses: Courses, late: Mapping[UUID, UUID | None]) -> None:
    """The columns of the document; in place of a late item stands what shows meanwhile, or nothing. An unchanged one costs no write."""
    own = Column.objects.filter(audience="/") if courses.scope == ALL else Column.objects.exclude(audience="/")
    own.exclude(uid__in=[row.uid for row in courses.columns]).delete()  # first: their titles may be others' now
    held = {column.uid: _column_row(column) for column in _with_places(Column.objects.filter(uid__in=[row.uid for row in courses.columns]))}
    _free_titles(courses.columns, held)
    for row in courses.columns:
        shown = [(one, late.get(one.item, one.item)) for one in row.placements]
        placed = tuple(msgspec.structs.replace(one, item=uid) for one, uid in shown if uid is not None)
        here = msgspec.structs.replace(row, placements=placed)
        if held.get(row.uid) != here:
            _accept_column(here)


def _free_titles(rows: Sequence[ColumnRow], held: Mapping[UUID, ColumnRow]) -> None:
    """Two columns may have changed titles; or the title is still that of a column of another document, which follows."""
    for row in rows:
        before = held.get(row.uid)
        if before is None or (before.owner, before.title) != (row.owner, row.title):
            in_the_way = Column.objects.filter(Q(uid=row.uid) | Q(owner__code=row.owner, title=row.title))
            for pk in in_the_way.values_list("pk", flat=True):
                Column.objects.filter(pk=pk).update(title=f"~{pk}")


def _accept_column(row: ColumnRow) -> None:
    fields = {field: getattr(row, field) for field in row.__struct_fields__ if field not in {"uid", "owner", "placements", "categories"}}
    column, _created = Column.objects.update_or_create(uid=row.uid, defaults={**fields, "owner": unit_by_code(row.owner)})
    column.placements.exclude(uid__in=[one.uid for one in row.placements]).delete()
    categories = _accept_categories(column, row.categories)
    items = {item.uid: item for item in Courseware.objects.filter(uid__in=[one.item for one in row.placements])}
    places = [
        Placement(
            column=column,
            courseware=items[one.item],
            category=categories.get(one.category),
            **{field: getattr(one, field) for field in PLACEMENT_FIELDS},
        )
        for one in row.placements
    ]
    _write_by_uid(Placement, places, {*PLACEMENT_FIELDS, "column", "courseware", "category"})


def _accept_categories(column: Column, rows: Sequence[CategoryRow]) -> dict[UUID | None, ColumnCategory]:
    column.categories.exclude(uid__in=[row.uid for row in rows]).delete()
    for held in column.categories.all():  # two names may have changed places
        ColumnCategory.objects.filter(pk=held.pk).update(title=f"~{held.pk}")
    kept: dict[UUID | None, ColumnCategory] = {}
    for row in rows:
        values = {"column": column, "title": row.title, "order": row.order}
        kept[row.uid], _made = ColumnCategory.objects.update_or_create(uid=row.uid, defaults=values)
    return kept
