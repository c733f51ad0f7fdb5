"""Files of today's and tomorrow's lessons are fetched before the rest."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.core.management import CommandError, call_command

from tests.learning.stage import make_plan
from yuanjiao.courseware import shelf
from yuanjiao.flow.blobs import quota
from yuanjiao.flow.blobs.models import Rank
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.catalogue.shards import address, shard_file, wrap
from yuanjiao.flow.catalogue.shelf import ALL, Offer, to_document
from yuanjiao.flow.catalogue.trust import shards_folder
from yuanjiao.flow.models import HeldShard, Node, Wanted
from yuanjiao.learning.events import ItemShown
from yuanjiao.lib.uid import new_uid
from yuanjiao.programmes.models import Airing, Channel
from yuanjiao.simulation.cast import Cast
from yuanjiao.wiring.lessons import rank_lessons

pytestmark = pytest.mark.django_db
ON = date(2026, 3, 16)
MORNING = datetime.fromisoformat("2026-03-16T08:00:00+08:00")


def item(uid: UUID, blob: str) -> shelf.ItemRow:
    form = {"size_bytes": 5, "media_type": "video/mp4", "codecs": "", "width": 0, "height": 0, "frame_rate": 0.0}
    rates = {"bitrate": 0, "peak_bitrate": 0, "duration_s": 1.0, "playlist": ""}
    rendition = shelf.RenditionRow(uid=new_uid(), profile="box-sd", kind="video", blob=blob, **form, **rates)
    told = {"summary": "", "speaker": "", "item_class": "education", "source": "", "unit": "ZZ-9901", "created_at": MORNING}
    shape = {"duration_s": 1.0, "width": 0, "height": 0, "frame_rate": 0.0, "has_audio": True}
    return shelf.ItemRow(uid=uid, title="课", released_at=MORNING, renditions=(rendition,), **told, **shape)


@pytest.fixture
def edge(cast: Cast, at: datetime) -> dict[str, UUID]:
    """An edge of 柳溪县 that waits for three films: one planned for the 16th, one on a channel that day, one of the rest."""
    Node.objects.filter(is_self=True).update(scope=cast.divisions["990101000000"].path)
    items = {name: new_uid() for name in ("planned", "aired", "rest")}
    blobs = {name: BlobRef(str(number) * 64, 5, "video/mp4") for number, name in enumerate(items, 1)}
    document = shelf.Courses(scope=ALL, columns=(), items=tuple(item(items[name], blobs[name].sha256) for name in items))
    content = wrap(shelf.name, ALL, Offer(to_document(document), tuple(blobs.values())))
    path = address(shelf.name, ALL)
    shards_folder().mkdir(parents=True, exist_ok=True)
    (shards_folder() / shard_file(path)).write_bytes(content)
    HeldShard.objects.create(path=path, sha256="0" * 64, size=len(content), accepted_at=at)
    for ref in blobs.values():
        Wanted.objects.create(sha256=ref.sha256, size=5, media_type="video/mp4", asked_at=at, asked_version=1)
    plan(cast, "990101000000", items["planned"], at)
    channel = Channel.objects.create(title="农事频道", unit=cast.units["ZZ-9901"], audience="/")
    shown = {"starts_at": MORNING, "ends_at": MORNING + timedelta(hours=1), "item_uid": items["aired"], "title": "课", "segments": 1}
    Airing.objects.create(channel=channel, day=ON, position=0, **shown)
    return items


def plan(cast: Cast, place: str, item: UUID, at: datetime) -> None:
    scope = cast.divisions[place].path
    make_plan(cast, at, scope=scope, days_of_month={16}, items=[ItemShown(uid=item, title="课")])


def sooner() -> set[str]:
    return {row.sha256[0] for row in Wanted.objects.filter(rank=Rank.LESSON)}


@pytest.mark.parametrize(
    ("at_day", "expected"),
    [(-2, set()), (-1, {"1", "2"}), (0, {"1", "2"}), (1, set())],
    ids=["two days before", "the evening before", "the day itself", "afterwards"],
)
def test_files_of_a_lesson_come_first_from_the_day_before(edge: dict[str, UUID], at_day: int, expected: set[str]) -> None:
    assert rank_lessons(MORNING + timedelta(days=at_day)) == len(expected)
    assert sooner() == expected


@pytest.mark.parametrize("own", ["1970-01-01T00:00:07+00:00", "2031-05-01T00:00:00+08:00"])
def test_the_day_is_told_by_the_parents_clock(edge: dict[str, UUID], settings: Any, own: str) -> None:
    at = datetime.fromisoformat(own)
    settings.BLOB_QUOTA = 10
    parent_ahead((MORNING - at).total_seconds())
    assert rank_lessons(at) == 2
    assert {row.sha256[0] for row in quota.wanted_here()} == {"1", "2"}


@pytest.mark.parametrize("ahead_s", [1e15, -1e15])
def test_a_parent_that_tells_nonsense_of_the_time_ends_nothing(edge: dict[str, UUID], ahead_s: float) -> None:
    parent_ahead(ahead_s)
    assert rank_lessons(MORNING) == 0


def parent_ahead(by_s: float) -> None:
    row = {"kind": "centre", "public_key": b"p" * 32, "enrolled_at": MORNING, "clock_offset_s": -by_s}
    Node.objects.update_or_create(is_parent=True, defaults=row)


def test_another_countys_lesson_is_no_hurry_here(edge: dict[str, UUID], cast: Cast, at: datetime) -> None:
    plan(cast, "990102000000", edge["rest"], at)
    rank_lessons(MORNING)
    assert "3" not in sooner()


def test_with_nothing_to_wait_for_nothing_is_read(edge: dict[str, UUID]) -> None:
    Wanted.objects.all().delete()
    assert rank_lessons(MORNING) == 0


def room_for(edge: dict[str, UUID], films: int, settings: Any) -> set[str]:
    """What is fetched when there is room for so many films, each of 5 bytes."""
    settings.BLOB_QUOTA = 5 * films
    rank_lessons(MORNING)
    return {row.sha256[0] for row in quota.wanted_here()}


def test_with_little_room_what_is_pinned_comes_before_the_lessons_and_those_before_the_rest(
    edge: dict[str, UUID], settings: Any, at: datetime
) -> None:
    assert room_for(edge, 2, settings) == {"1", "2"}
    assert room_for(edge, 3, settings) == {"1", "2", "3"}
    quota.pin(str(edge["rest"]), at=at)
    assert room_for(edge, 1, settings) == {"3"}


def test_of_the_rest_the_newest_publications_have_the_room(edge: dict[str, UUID], settings: Any) -> None:
    after = MORNING + timedelta(days=30)  # no lesson of these items is near
    settings.BLOB_QUOTA = 5
    path = shards_folder() / shard_file(address(shelf.name, ALL))
    blobs = {name: BlobRef(str(number) * 64, 5, "video/mp4") for number, name in enumerate(edge, 1)}
    rows = [item(edge[name], blobs[name].sha256) for name in edge]
    rows[1] = msgspec.structs.replace(rows[1], released_at=MORNING + timedelta(days=1))
    document = shelf.Courses(scope=ALL, columns=(), items=tuple(rows))
    path.write_bytes(wrap(shelf.name, ALL, Offer(to_document(document), tuple(blobs.values()))))
    rank_lessons(after + timedelta(days=2))
    assert {row.sha256[0] for row in quota.wanted_here()} == {"2"}


def test_an_item_of_the_catalogue_is_pinned_by_its_number_and_no_other(edge: dict[str, UUID], settings: Any) -> None:
    settings.BLOB_QUOTA = 5
    out = StringIO()
    call_command("blobs", "pin", str(edge["rest"]), stdout=out)
    call_command("blobs", "room", stdout=out)
    assert f"指定保留\t{edge['rest']}" in out.getvalue()
    assert "限额 5 字节" in out.getvalue()
    with pytest.raises(CommandError, match="目录里没有"):
        call_command("blobs", "pin", str(new_uid()))
    call_command("blobs", "unpin", str(edge["rest"]), stdout=out)
    assert quota.pinned() == []
