"""For the rooms above: items that stream, what stands in a column, names of items, what left the public."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from yuanjiao.courseware.models import Courseware, CoursewareClass, CoursewareStep, Placement, Rendition, RenditionKind
from yuanjiao.courseware.rules import playlists
from yuanjiao.courseware.rules.life import State
from yuanjiao.courseware.rules.profiles import BY_NAME


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


def left_since(at: datetime) -> list[tuple[UUID, str, str, datetime, str]]:
    """Items that left the public since a moment, by their step: uid, title, path of the making unit's division, when, why."""
    rows = CoursewareStep.objects.filter(from_state=State.RELEASED, to_state__in=GONE, at__gte=at).order_by("at", "pk")
    return list(rows.values_list("courseware__uid", "courseware__title", "courseware__unit__division__path", "at", "reason"))


def revised_uids(items: Iterable[UUID]) -> set[UUID]:
    """Those of these items whose place a newer version took."""
    return set(Courseware.objects.filter(uid__in=set(items), state=State.REVISED).values_list("uid", flat=True))


def released_since(at: datetime) -> list[tuple[UUID, str, str, datetime]]:
    """Released items by when they were: uid, title, path of the making unit's division, moment of release."""
    rows = Courseware.objects.filter(state=State.RELEASED, released_at__gte=at).order_by("released_at", "pk")
    return [
        (uid, title, path, at) for uid, title, path, at in rows.values_list("uid", "title", "unit__division__path", "released_at") if at
    ]


def audiences_of(items: Iterable[UUID]) -> dict[UUID, frozenset[str]]:
    """For whom these items stand in columns: division paths, '/' is everybody; an item in no column is left out."""
    found: dict[UUID, set[str]] = defaultdict(set)
    rows = Placement.objects.filter(courseware__uid__in=set(items)).values_list("courseware__uid", "column__audience").distinct()
    for uid, audience in rows:
        found[uid].add(audience)
    return {uid: frozenset(audiences) for uid, audiences in found.items()}


def released_uids(items: Iterable[UUID]) -> set[UUID]:
    """Those of these items that are released."""
    return set(Courseware.objects.filter(uid__in=set(items), state=State.RELEASED).values_list("uid", flat=True))
