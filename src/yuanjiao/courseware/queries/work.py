"""What the people who make, review and release items meet at work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from yuanjiao.courseware.models import (
    Courseware,
    CoursewareClass,
    ItemPart,
    Need,
    PartKind,
    Review,
    ReviewPolicy,
    ShownPerson,
    Topic,
    Upload,
)
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib.errors import NotFound
from yuanjiao.lib.seal import unseal
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level


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


def own_draft(by: Actor, uid: UUID | None) -> Courseware | None:
    """The draft of this very person; None when it is another's, or no draft any more."""
    return Courseware.objects.filter(made_by(by), uid=uid, state=State.DRAFT).first() if uid else None


def original_taken(uid: UUID | None) -> str:
    """The name of the file an item is made of; empty while nothing was taken that could be used."""
    if uid is None:
        return ""
    taken = Courseware.objects.filter(uid=uid, refusal="").exclude(state=State.DRAFT)  # a refused draft may be withdrawn as it is
    return taken.values_list("original_name", flat=True).first() or ""


def upload_of(by: Actor, uid: UUID) -> Upload:
    """An upload of this very person; NotFound for anybody else's."""
    row = Upload.objects.filter(uid=uid).select_related("person", "courseware__unit__division", "courseware__author").first()
    if row is None or row.person.uid != by.person_uid:
        raise NotFound("没有这次上传")
    return row


def picture_for(by: Actor, item: UUID, number: int) -> ItemPart:
    """One picture of an item this person meets at work; NotFound otherwise."""
    row = ItemPart.objects.filter(courseware=item_for(by, item), kind=PartKind.PICTURE, number=number).select_related(
        "courseware__unit__division", "courseware__author"
    )
    found = row.first()
    if found is None:
        raise NotFound("没有这张图片")
    return found


def pictures_of(item: Courseware) -> list[ItemPart]:
    return list(item.parts.filter(kind=PartKind.PICTURE).order_by("number"))


def topics_offered() -> list[Topic]:
    """Labels an author may choose from, by taxonomy and order."""
    rows = Topic.objects.filter(ended=False).select_related("taxonomy")
    return list(rows.order_by("taxonomy__order", "taxonomy__code", "order", "code"))


@dataclass(frozen=True)
class Shown:
    """Somebody an item tells of, with the name opened for those whose work it is."""

    row: ShownPerson
    name: str


def shown_people(by: Actor, item: Courseware) -> list[Shown]:
    """Who the item tells of: its author and who manages the columns there read the names, nobody else reads anything."""
    mine = item.author is not None and item.author.uid == by.person_uid
    if not mine and not by.covers(Permission.MANAGE_COLUMNS, item.unit.division.path):
        return []
    return [Shown(row, unseal(bytes(row.name_sealed), settings.SECRET_KEY)) for row in item.shown_people.order_by("pk")]


def shown_person_for(by: Actor, uid: UUID) -> ShownPerson:
    """One of them by uid; NotFound for anybody whose work it is not."""
    row = ShownPerson.objects.filter(uid=uid).select_related("courseware__unit__division", "courseware__author").first()
    if row is None or row.pk not in {one.row.pk for one in shown_people(by, row.courseware)}:
        raise NotFound("没有这条记录")
    return row


def reviews_of(item: Courseware) -> QuerySet[Review]:
    """Every review of the item with the answers to its checklist, the newest first; its author may read all of it (CW19)."""
    return item.reviews.prefetch_related("answers").order_by("-at", "-pk")


def needs_seen_by(by: Actor) -> QuerySet[Any]:  # needs, each with what `answered` it
    """Recorded needs of the subtrees in which the person produces or manages, and of the places above them, the newest first."""
    paths = {*by.paths(Permission.PRODUCE_COURSEWARE), *by.paths(Permission.MANAGE_COLUMNS)}
    above = {"/" + "/".join(path.strip("/").split("/")[:n]) + "/" for path in paths for n in range(1, path.count("/"))}
    rows = Need.objects.filter(within("division__path", sorted(paths)) | Q(division__path__in=above))
    answered = Count("courseware", filter=Q(courseware__state=State.RELEASED), distinct=True)
    return rows.select_related("division", "unit", "topic").annotate(answered=answered).order_by("-raised_on", "-pk")


def county_path(path: str) -> str:
    """The county's part of a division path: three steps, province, city, county."""
    return "/".join(path.split("/")[:4]) + "/"


def needs_named(by: Actor, uids: Sequence[UUID]) -> list[Need]:
    """Those of these needs that the person may see."""
    return list(needs_seen_by(by).filter(uid__in=uids))


@dataclass(frozen=True)
class NeedGap:
    """Needs of one topic in one county (or one place above counties) that no released item answers. `topic` is a code, "" for none."""

    topic: str
    topic_name: str
    place: str
    place_name: str
    needs: int
    times: int


def need_gaps(by: Actor, *, on: date) -> list[NeedGap]:
    """What is asked for and not made, by topic and county, the most asked for first."""
    counties = {one.path: one for one in divisions(on=on, level=Level.COUNTY)}
    sums: dict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for need in needs_seen_by(by).filter(answered=0):
        place = counties.get(county_path(need.division.path), need.division)
        topic = (need.topic.code, need.topic.name) if need.topic else ("", "")
        found = sums[(*topic, place.code, place.name)]
        found[0] += 1
        found[1] += need.times
    return sorted((NeedGap(*said, *numbers) for said, numbers in sums.items()), key=lambda one: (-one.times, one.topic, one.place))


@dataclass(frozen=True)
class CitedShare:
    """How many released service items there are, and how many cite at least one recorded need (CW06)."""

    items: int
    citing: int


def cited_share(by: Actor) -> CitedShare:
    """The share over the items this person meets at work."""
    rows = items_seen_by(by).filter(state=State.RELEASED, item_class=CoursewareClass.SERVICE)
    return CitedShare(rows.count(), rows.filter(needs__isnull=False).values("pk").distinct().count())


def materials_seen_by(by: Actor) -> QuerySet[Courseware]:
    """Teaching materials of those subtrees with their reviews (CW18)."""
    return items_seen_by(by).exclude(material="")


def review_policies(by: Actor) -> QuerySet[ReviewPolicy]:
    """How many reviews are asked where, in the subtrees the person manages and above them."""
    paths = by.paths(Permission.MANAGE_COLUMNS)
    rows = ReviewPolicy.objects.filter(within("division__path", paths)).select_related("division")
    return rows.order_by("division__level", "division__path")
