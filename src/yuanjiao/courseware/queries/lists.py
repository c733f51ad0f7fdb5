"""Lists of released items for every face: a column's, the newest, what a search found. Nothing asks who reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet, Sum

from yuanjiao.courseware import search
from yuanjiao.courseware.models import (
    Courseware,
    CoursewareClass,
    ItemPart,
    PartKind,
    Placement,
    Rendition,
    RenditionKind,
    SearchDue,
    SearchMiss,
    SearchMissCount,
    Taxonomy,
)
from yuanjiao.courseware.queries.columns import in_force, open_columns, titles_of_items
from yuanjiao.courseware.rules.kinds import AGE_BANDS, KIND_NAMES, Kind
from yuanjiao.courseware.rules.life import State
from yuanjiao.flow.blobs.lost import absent
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.people.queries import within

AGE_NAMES = dict(AGE_BANDS)
NAMES_OF_KINDS = dict(KIND_NAMES)


class Narrow(TypedDict, total=False):
    """Filters of a list; empty ones narrow nothing. `topics` are codes, and an item has to carry every one of them."""

    item_class: str
    kind: str
    age_band: str
    is_case: bool
    topics: Sequence[str]


FIELDS = ("item_class", "kind", "age_band", "is_case")


@dataclass(frozen=True)
class ItemCard:
    """One released item as a list shows it. `poster` is a blob's SHA-256; `sizes` are bytes by profile (DLV09: shown before playing).

    `pages` counts pages or pictures, their bytes stand in `sizes` under "pages". `age_band` and `topics` are names, empty for all.
    `away`: it plays, but for want of room none of what plays is on this machine.
    """

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
    kind: str = Kind.VIDEO
    kind_name: str = "视频"
    pages: int = 0
    age_band: str = ""
    topics: tuple[str, ...] = ()
    edition: int = 1
    is_story: bool = False
    is_case: bool = False
    away: bool = False


def released_items(
    *,
    on: date,
    column: UUID | None = None,
    category: UUID | None = None,
    path: str | None = None,
    limit: int | None = None,
    offset: int = 0,
    **narrow: Unpack[Narrow],
) -> list[ItemCard]:
    """Released items with rights in force that stand in a column open on the day: a column's in its order, otherwise newest first.

    The list is the same for every kind of terminal (DLV01): nothing here asks what the reader's box can play.
    """
    ids = _keys(on, column, path, category, narrow)
    return cards(list(ids[offset : None if limit is None else offset + limit]))


def released_count(
    *, on: date, column: UUID | None = None, category: UUID | None = None, path: str | None = None, **narrow: Unpack[Narrow]
) -> int:
    """How many items `released_items` would list without a limit."""
    return _keys(on, column, path, category, narrow).count()


def released(on: date, path: str | None = None) -> QuerySet[Courseware]:
    """Those items in no order. What stands in columns is one list for the database; a join would name an item once for each column."""
    placed = Placement.objects.filter(column__in=open_columns(on, path)).order_by()
    return Courseware.objects.filter(in_force(on), state=State.RELEASED, pk__in=placed.values("courseware"))


def _keys(on: date, column: UUID | None, path: str | None, category: UUID | None, narrow: Narrow) -> QuerySet[Any, int]:
    """Primary keys of the items in order, to be counted and cut by the database."""
    if column is None and category is None:
        newest = released(on, path).filter(*_narrowed(narrow, "")).order_by("-released_at", "-uid")
        return newest.values_list("pk", flat=True)
    shown = in_force(on, "courseware__") & Q(courseware__state=State.RELEASED, column__in=open_columns(on, path))
    placed = Placement.objects.filter(shown, *_narrowed(narrow, "courseware__"))
    if column is not None:
        placed = placed.filter(column__uid=column)
    if category is not None:
        placed = placed.filter(category__uid=category)
    return placed.order_by("order", "-placed_at", "-uid").values_list("courseware_id", flat=True)


def _narrowed(narrow: Narrow, before: str) -> list[Q]:
    """The filters that are set; each topic is a question of its own."""
    said = [Q(**{f"{before}{name}": narrow[name]}) for name in FIELDS if narrow.get(name)]  # type: ignore[literal-required]
    labelled = Courseware.topics.through.objects
    return said + [Q(**{f"{before}pk__in": labelled.filter(topic__code=code).values("courseware")}) for code in narrow.get("topics", ())]


@dataclass(frozen=True)
class Choices:
    """What a reader may narrow a list by: (value, name) of kinds, classes and age bands that occur, topics by the name of their taxonomy.

    `cases`: there are teaching cases (CW23).
    """

    kinds: tuple[tuple[str, str], ...]
    classes: tuple[tuple[str, str], ...]
    age_bands: tuple[tuple[str, str], ...]
    cases: bool
    topics: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def filter_choices(*, on: date, path: str | None = None) -> Choices:
    """The filters that lead to something on that day."""
    rows = released(on, path)
    said = list(rows.values_list("kind", "item_class", "age_band", "is_case").distinct())
    kinds, classes, bands, cases = (set(values) for values in zip(*said, strict=True)) if said else (set(), set(), set(), set())
    used = set(Courseware.topics.through.objects.filter(courseware__in=rows).values_list("topic", flat=True).distinct())
    topics = []
    for taxonomy in Taxonomy.objects.order_by("order", "code").prefetch_related("topics"):
        named = tuple(
            (topic.code, topic.name) for topic in sorted(taxonomy.topics.all(), key=lambda t: (t.order, t.code)) if topic.pk in used
        )
        topics += [(taxonomy.name, named)] if named else []
    return Choices(
        tuple((value.value, name) for value, name in KIND_NAMES if value in kinds),
        tuple((value, name) for value, name in CoursewareClass.choices if value in classes),
        tuple((value, name) for value, name in AGE_BANDS if value in bands),
        True in cases,
        tuple(topics),
    )


@dataclass(frozen=True)
class Found:
    """One page of what a search found, best first, and how many there are. `alike`: nothing held the words, these sound like them."""

    cards: list[ItemCard]
    count: int
    alike: bool


def search_items(
    words: str,
    *,
    on: date,
    column: UUID | None = None,
    path: str | None = None,
    limit: int,
    offset: int = 0,
    **narrow: Unpack[Narrow],
) -> Found:
    """Released items of the open columns that hold the words: characters and words, pinyin and initials, then the same sound."""
    open_now = open_columns(on, path)
    wanted = (open_now if column is None else open_now.filter(uid=column)).values_list("uid", flat=True)
    facets = [search.facet(name, str(narrow[name])) for name in FIELDS if narrow.get(name)]  # type: ignore[literal-required]
    facets += [search.facet("topic", code) for code in narrow.get("topics", ())]
    hits = search.find(words, columns=wanted, facets=facets, limit=limit, offset=offset)
    keys = dict(Courseware.objects.filter(in_force(on), uid__in=hits.uids).values_list("uid", "pk"))
    return Found(cards([keys[uid] for uid in hits.uids if uid in keys]), hits.count, hits.alike)


def search_due_count() -> int:
    """Changes that the index of this machine has not taken in yet."""
    return SearchDue.objects.count()


def search_misses(*, since: date, paths: Iterable[str] = (), here: bool = True) -> list[tuple[str, int]]:
    """Words looked for in vain since a day, the most wanted first: `here` on this machine, and at those that serve the subtrees."""
    below = SearchMissCount.objects.filter(within("path", paths), day__gte=since)
    own = own_node().uid  # what this machine told itself stands in its own rows
    sums: Counter[str] = Counter()
    for rows in ([SearchMiss.objects.filter(day__gte=since)] if here else []) + [below.exclude(origin=own)]:
        for words, times in rows.order_by().values_list("words").annotate(times=Sum("count")):
            sums[words] += int(times)
    return sorted(sums.items(), key=lambda one: (-one[1], one[0]))


def cards(ids: Sequence[int]) -> list[ItemCard]:
    """Cards of the items with these primary keys, in this order."""
    rows = {row.pk: row for row in Courseware.objects.filter(pk__in=ids).select_related("unit").prefetch_related("topics")}
    columns = titles_of_items(ids)
    sizes: dict[int, dict[str, int]] = defaultdict(dict)
    posters: dict[int, str] = {}
    played: dict[int, list[str]] = defaultdict(list)
    for pk, profile, kind, size, blob in Rendition.objects.filter(courseware__in=ids).values_list(
        "courseware_id", "profile", "kind", "size_bytes", "blob"
    ):
        sizes[pk][profile] = size
        if kind == RenditionKind.POSTER:
            posters[pk] = blob
        if kind in {RenditionKind.VIDEO, RenditionKind.AUDIO}:
            played[pk].append(blob)
    pages, gone = _pages(ids, sizes, posters), absent([blob for blobs in played.values() for blob in blobs])
    away = {pk for pk, blobs in played.items() if all(blob in gone for blob in blobs) and any(gone[blob] for blob in blobs)}
    return [
        _card(row, columns[row.pk], sizes[row.pk], posters.get(row.pk), pages.get(row.pk, 0), away=row.pk in away)
        for row in (rows[pk] for pk in ids)
        if row.released_at is not None
    ]


def _pages(ids: Sequence[int], sizes: dict[int, dict[str, int]], posters: dict[int, str]) -> dict[int, int]:
    """How many pages or pictures each item has; their bytes go to `sizes`, the first one is the poster of items without one."""
    shown = ItemPart.objects.filter(courseware__in=ids).exclude(kind=PartKind.FILE)
    told = shown.values_list("courseware_id").annotate(count=Count("pk"), size=Sum("size_bytes"), first=Min("number"))
    firsts = {}
    counts = {}
    for pk, count, size, first in told:
        counts[pk], sizes[pk]["pages"], firsts[pk] = count, size, first
    if firsts:  # a set may have lost its first picture
        for pk, number, blob in shown.filter(number__in=set(firsts.values())).values_list("courseware_id", "number", "blob"):
            if number == firsts[pk]:
                posters.setdefault(pk, blob)
    return counts


def _card(row: Courseware, columns: Sequence[str], sizes: dict[str, int], poster: str | None, pages: int, *, away: bool) -> ItemCard:
    assert row.released_at is not None
    return ItemCard(
        uid=row.uid,
        title=row.title,
        summary=row.summary,
        speaker=row.speaker,
        class_name=CoursewareClass(row.item_class).label,
        unit_name=row.unit.name,
        duration_s=row.duration_s,
        poster=poster,
        columns=tuple(columns),
        released_at=row.released_at,
        sizes=sizes,
        kind=row.kind,
        kind_name=NAMES_OF_KINDS[Kind(row.kind)],
        pages=pages,
        age_band=AGE_NAMES.get(row.age_band, ""),
        topics=tuple(topic.name for topic in row.topics.all()),
        edition=row.edition,
        is_story=row.is_story,
        is_case=row.is_case,
        away=away,
    )
