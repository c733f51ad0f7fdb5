"""Released courseware goes down with its columns, its order and its blobs.

Columns for everybody stand in the document of all; a column for a subtree stands in the documents of the scopes it touches.
An item travels in every document that has a place for it, so that no document needs another. Who made an item stays above:
below, its unit is enough. A withdrawn item is in no document any more, and is removed below together with its renditions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec
from django.db.models import Prefetch, Q, QuerySet

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
from yuanjiao.courseware.rules.life import State
from yuanjiao.courseware.rules.profiles import BY_NAME
from yuanjiao.courseware.steps import search_due
from yuanjiao.flow.blobs.store import MEDIA_TYPES, BlobRef
from yuanjiao.flow.catalogue.shelf import ALL, Offer, from_document, to_document
from yuanjiao.places.queries import unit_by_code

name = "courseware"
PLAIN = (
    "kind", "origin", "age_band", "material", "is_story", "is_case", "body", "address", "rights_from", "rights_to", "edition",
)  # fmt: skip
"""Fields of an item that stand in its row as they are."""
INDEXED = ("title", "summary", "speaker", "item_class", "unit__name", *PLAIN[:4], "body")
"""What the search index takes from the item itself."""
BY_HAND = frozenset({"uid", "unit", "renditions", "topics", "parts", "former", "policy", "explains"})


class RenditionRow(msgspec.Struct, frozen=True):
    """One form of an item."""

    uid: UUID
    profile: str
    kind: str
    key: str
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
    playlist: str


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
    placed = Placement.objects.filter(courseware__state=State.RELEASED).select_related("courseware", "category").order_by("uid")
    columns = list(
        _columns_of(scope)
        .select_related("owner")
        .prefetch_related(Prefetch("placements", queryset=placed, to_attr="shown"), "categories")
        .order_by("uid")
    )
    wanted = {placement.courseware_id for column in columns for placement in column.shown}
    items = list(
        Courseware.objects.filter(pk__in=wanted)
        .select_related("unit", "policy")
        .prefetch_related(
            Prefetch("renditions", queryset=Rendition.objects.order_by("uid")),
            Prefetch("parts", queryset=ItemPart.objects.order_by("kind", "number")),
            Prefetch("topics", queryset=Topic.objects.order_by("code").select_related("taxonomy")),
            Prefetch("former", queryset=FormerVersion.objects.order_by("uid")),
            Prefetch("explains", queryset=PolicyLink.objects.order_by("uid")),
        )
        .order_by("uid")
    )
    topics = {topic.code: _topic_row(topic) for item in items for topic in item.topics.all()}
    document = Courses(
        scope=scope,
        columns=tuple(_column_row(one) for one in columns),
        items=tuple(_item_row(one) for one in items),
        topics=tuple(topics[code] for code in sorted(topics)),
    )
    blobs = {_blob(rendition) for item in document.items for rendition in item.renditions}
    blobs |= {BlobRef(part.blob, part.size_bytes, part.media_type) for item in document.items for part in item.parts}
    return Offer(document=to_document(document), blobs=tuple(sorted(blobs)))


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
        renditions=tuple(
            RenditionRow(**{field: getattr(one, field) for field in RenditionRow.__struct_fields__}) for one in item.renditions.all()
        ),
        **{name: getattr(item, name) for name in PLAIN},
        topics=tuple(topic.code for topic in item.topics.all()),
        parts=tuple(PartRow(**{field: getattr(one, field) for field in PartRow.__struct_fields__}) for one in item.parts.all()),
        former=tuple(one.uid for one in item.former.all()),
        policy=PolicyRow(text.uid, text.document, text.issued_on) if (text := getattr(item, "policy", None)) else None,
        explains=tuple(LinkRow(one.uid, one.policy_uid, one.role) for one in item.explains.all()),
    )


# -- accept -----------------------------------------------------------------------------------------------------------------


def accept(document: bytes) -> None:
    """Make the columns of the document's scope, and the items standing in them, equal to the document."""
    courses = from_document(document, Courses)
    before = _indexed()
    topics = {row.code: _accept_topic(row) for row in courses.topics}
    for item in courses.items:
        _accept_item(item, topics)
    columns = [_accept_column(column) for column in courses.columns]
    own = Column.objects.filter(audience="/") if courses.scope == ALL else Column.objects.exclude(audience="/")
    own.exclude(pk__in=[column.pk for column in columns]).delete()
    # copies (they have no author here) that stand nowhere any more were withdrawn above; some had expired here before
    Courseware.objects.filter(state__in=[State.RELEASED, State.EXPIRED], placements=None, author=None).delete()
    after = _indexed()
    search_due(uid for uid in before.keys() | after.keys() if before.get(uid) != after.get(uid))


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


def _accept_item(row: ItemRow, topics: Mapping[str, Topic]) -> None:
    fields = {field: getattr(row, field) for field in row.__struct_fields__ if field not in BY_HAND}
    item, _created = Courseware.objects.update_or_create(
        uid=row.uid, defaults={**fields, "unit": unit_by_code(row.unit), "state": State.RELEASED, "withdrawn_at": None}
    )
    item.renditions.exclude(uid__in=[one.uid for one in row.renditions]).delete()
    for one in row.renditions:
        values = {field: getattr(one, field) for field in one.__struct_fields__ if field != "uid"}
        Rendition.objects.update_or_create(uid=one.uid, defaults={**values, "courseware": item})
    item.topics.set([topics[code] for code in row.topics])
    _accept_parts(item, row)
    _accept_policy(item, row)
    FormerVersion.objects.filter(courseware=item).exclude(uid__in=row.former).delete()
    for uid in row.former:
        FormerVersion.objects.update_or_create(uid=uid, defaults={"courseware": item})


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


def _accept_column(row: ColumnRow) -> Column:
    fields = {field: getattr(row, field) for field in row.__struct_fields__ if field not in {"uid", "owner", "placements", "categories"}}
    column, _created = Column.objects.update_or_create(uid=row.uid, defaults={**fields, "owner": unit_by_code(row.owner)})
    column.placements.exclude(uid__in=[one.uid for one in row.placements]).delete()
    categories = _accept_categories(column, row.categories)
    items = {item.uid: item for item in Courseware.objects.filter(uid__in=[one.item for one in row.placements])}
    for one in row.placements:
        values = {field: getattr(one, field) for field in ("order", "placed_at", "source_on", "adopted_from")}
        values |= {"column": column, "courseware": items[one.item], "category": categories.get(one.category)}
        Placement.objects.update_or_create(uid=one.uid, defaults=values)
    return column


def _accept_categories(column: Column, rows: Sequence[CategoryRow]) -> dict[UUID | None, ColumnCategory]:
    column.categories.exclude(uid__in=[row.uid for row in rows]).delete()
    for held in column.categories.all():  # two names may have changed places
        ColumnCategory.objects.filter(pk=held.pk).update(title=f"~{held.pk}")
    kept: dict[UUID | None, ColumnCategory] = {}
    for row in rows:
        values = {"column": column, "title": row.title, "order": row.order}
        kept[row.uid], _made = ColumnCategory.objects.update_or_create(uid=row.uid, defaults=values)
    return kept
