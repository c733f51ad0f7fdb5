"""A small disk keeps what is needed most: nothing is fetched only to go again, and nothing goes before its room is needed."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.flow.notices import NOTICES
from tests.flow.publishing import Centre, missing
from tests.flow.test_blobs_scrub import flip, whole_round
from tests.flow.test_catalogue_follow import stands
from yuanjiao.flow.blobs import queue, quota, store
from yuanjiao.flow.blobs.lost import absent
from yuanjiao.flow.blobs.quota import Group, lay_out
from yuanjiao.flow.blobs.scrub import ROUND, scrub_blobs
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.catalogue.follow import follow
from yuanjiao.flow.catalogue.queries import whole_version
from yuanjiao.flow.catalogue.stick import export, take_in
from yuanjiao.flow.models import Blob, Spoilt, Wanted
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.errors import Conflict, DiskFull

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
FILM = 100_000


@pytest.fixture(autouse=True)
def small(settings: Any) -> None:
    """Room for three films and a picture."""
    settings.BLOB_QUOTA = 3 * FILM + 5000


def films(centre: Centre, number: int, size: int = FILM) -> list[BlobRef]:
    refs = [centre.put_blob(os.urandom(size)) for _ in range(number)]
    Blob.objects.filter(sha256__in=[ref.sha256 for ref in refs]).delete()  # the centre's rows: both share one database here
    return refs


def offer(centre: Centre, at: datetime, *refs: BlobRef, text: str = "开学了") -> None:
    NOTICES.texts, NOTICES.blobs = (text,), tuple(refs)
    centre.publish(at)
    follow(at, line=centre.line)


def need(at: datetime, *refs: BlobRef | Group) -> None:
    """Each film by itself, the most needed first."""
    lay_out([ref if isinstance(ref, Group) else Group({ref.sha256: ref.size}) for ref in refs], at=at)


def held(ref: BlobRef) -> Group:
    return Group({ref.sha256: ref.size}, held=True)


def here(*refs: BlobRef) -> list[bool]:
    return [store.has(ref.sha256) for ref in refs]


def test_the_needed_most_come_and_the_others_are_never_asked_for(centre: Centre, at: datetime) -> None:
    refs = films(centre, 5)
    (picture,) = films(centre, 1, 4000)
    offer(centre, at, *refs, picture)
    centre.requests.clear()
    assert queue.fetch_wanted(at, line=centre.line) == 0, "nothing was decided yet"
    need(at, *refs)
    assert queue.fetch_wanted(at, line=centre.line) == 4
    assert here(*refs, picture) == [True, True, True, False, False, True]
    assert not [path for path in centre.requests for ref in refs[3:] if ref.sha256 in path]
    room = quota.room()
    assert room is not None
    assert (room.used, room.left_out, room.left_out_bytes) == (3 * FILM + 4000, 2, 2 * FILM)
    assert queue.waiting().blobs == 0
    assert absent([ref.sha256 for ref in refs]) == {refs[3].sha256: True, refs[4].sha256: True}
    assert queue.fetch_wanted(at + MINUTE, line=centre.line) == 0


def test_a_newer_film_takes_the_place_of_the_oldest_when_it_comes_and_not_before(centre: Centre, at: datetime) -> None:
    old = films(centre, 3)
    offer(centre, at, *old)
    need(at, *old)
    queue.fetch_wanted(at, line=centre.line)
    (new,) = films(centre, 1)
    offer(centre, at + MINUTE, new, *old, text="新片二")
    assert stands(), "the new film is awaited"
    need(at + MINUTE, new, *old)
    assert here(*old) == [True, True, True], "a machine that is cut off loses nothing"
    assert queue.fetch_wanted(at + MINUTE, line=centre.line) == 1
    assert here(new, *old) == [True, True, True, False]
    assert Wanted.objects.get().left_out
    assert queue.unconfirmed() == 0, "the rooms are asked again, although another blob is away now"
    for turn in range(3):
        need(at + turn * MINUTE, new, *old)
        assert queue.fetch_wanted(at + turn * MINUTE, line=centre.line) == 0, "and it stays so"


def test_what_is_held_stays_though_it_is_needed_least(centre: Centre, at: datetime) -> None:
    old = films(centre, 3)
    offer(centre, at, *old)
    need(at, *old)
    queue.fetch_wanted(at, line=centre.line)
    new = films(centre, 2)
    offer(centre, at + MINUTE, *new, *old)
    need(at + MINUTE, held(old[2]), *new, *old[:2])
    queue.fetch_wanted(at + MINUTE, line=centre.line)
    assert here(*new, *old) == [True, True, False, False, True]


def test_a_film_asked_for_again_comes_and_its_rows_stood_all_the_time(centre: Centre, at: datetime) -> None:
    refs = films(centre, 4)
    offer(centre, at, *refs[1:], text="三片")
    need(at, *refs[1:])
    queue.fetch_wanted(at, line=centre.line)
    follow(at, line=centre.line)
    offer(centre, at + MINUTE, *refs, text="四片")
    need(at + MINUTE, *refs)
    queue.fetch_wanted(at + MINUTE, line=centre.line)
    assert here(*refs) == [True, True, True, False]
    need(at + MINUTE, held(refs[3]), *refs[:3])
    assert queue.fetch_wanted(at + 2 * MINUTE, line=centre.line) == 1
    assert here(*refs) == [True, True, False, True]


def test_blobs_of_one_item_come_and_go_together(centre: Centre, at: datetime) -> None:
    item, other, small_one = films(centre, 2), films(centre, 2), films(centre, 1)
    both = [Group({ref.sha256: ref.size for ref in pair}) for pair in (item, other)]
    offer(centre, at, *item, *other, *small_one)
    need(at, *both, *small_one)
    queue.fetch_wanted(at, line=centre.line)
    assert here(*item, *other, *small_one) == [True, True, False, False, True], "half an item is of no use, a smaller one fits"
    need(at, both[1], *small_one, both[0])
    queue.fetch_wanted(at, line=centre.line)
    assert here(*item, *other, *small_one) == [False, False, True, True, True]


def test_left_out_films_keep_no_version_back_and_undecided_ones_do(centre: Centre, at: datetime) -> None:
    refs = films(centre, 4)
    offer(centre, at, *refs)
    first = whole_version()
    assert queue.whole_before() is not None
    need(at, *refs)
    queue.fetch_wanted(at, line=centre.line)
    assert queue.whole_before() is None
    follow(at + MINUTE, line=centre.line)
    assert whole_version() > first


def test_a_dead_line_costs_nothing(centre: Centre, at: datetime) -> None:
    old = films(centre, 3)
    offer(centre, at, *old)
    need(at, *old)
    queue.fetch_wanted(at, line=centre.line)
    new = films(centre, 3)
    offer(centre, at + MINUTE, *new, *old)
    need(at + MINUTE, *new, *old)
    centre.spoil = {f"/blobs/{ref.sha256}": missing for ref in new}
    for turn in range(5):
        queue.fetch_wanted(at + turn * timedelta(hours=1), line=centre.line)
    assert all(here(*old))
    centre.spoil = {}
    assert queue.fetch_wanted(at + timedelta(days=1), line=centre.line) == 3
    assert here(*new, *old) == [True, True, True, False, False, False]


def test_a_smaller_quota_acts_at_the_next_lay_out(centre: Centre, at: datetime, settings: Any) -> None:
    refs = films(centre, 3)
    offer(centre, at, *refs)
    need(at, *refs)
    queue.fetch_wanted(at, line=centre.line)
    settings.BLOB_QUOTA = FILM + 10
    need(at, *refs)
    assert here(*refs) == [True, False, False]
    settings.BLOB_QUOTA = 0
    assert queue.fetch_wanted(at, line=centre.line) == 2, "without one all is kept"
    assert all(here(*refs))


def test_when_all_the_room_is_held_the_new_one_says_so(centre: Centre, at: datetime, settings: Any) -> None:
    refs = films(centre, 3)
    offer(centre, at, *refs)
    need(at, *map(held, refs))
    queue.fetch_wanted(at, line=centre.line)
    settings.BLOB_QUOTA = 2 * FILM
    need(at, *map(held, refs))
    assert all(here(*refs)), "what is held does not go, whatever the quota"
    (picture,) = films(centre, 1, 4000)
    offer(centre, at + MINUTE, *refs, picture)
    need(at + MINUTE, *map(held, refs))
    with pytest.raises(DiskFull, match="超出课件限额"):
        queue.fetch_wanted(at + MINUTE, line=centre.line)
    assert "超出课件限额" in queue.waiting().problem


def test_what_the_catalogue_let_go_of_goes_before_anything_it_names(centre: Centre, at: datetime) -> None:
    refs = films(centre, 3)
    offer(centre, at, *refs)
    need(at, *refs)
    queue.fetch_wanted(at, line=centre.line)
    (new,) = films(centre, 1)
    offer(centre, at + MINUTE, new, *refs[1:])
    need(at + MINUTE, new, *refs[1:])
    queue.fetch_wanted(at + MINUTE, line=centre.line)
    assert here(new, *refs) == [True, False, True, True]


def test_what_went_for_room_is_not_taken_for_spoilt(centre: Centre, at: datetime, settings: Any) -> None:
    refs = films(centre, 3)
    offer(centre, at, *refs)
    need(at, *refs)
    queue.fetch_wanted(at, line=centre.line)
    settings.BLOB_QUOTA = FILM
    need(at, *refs)
    scrub_blobs(at - ROUND, sleep=lambda _: None)
    assert scrub_blobs(at, sleep=lambda _: None) == 0
    assert not Spoilt.objects.exists()


@pytest.mark.parametrize("again", ["line", "stick"])
def test_a_spoilt_film_comes_again_when_the_quota_is_full_and_costs_no_other(
    again: str, centre: Centre, at: datetime, settings: Any, tmp_path: Path
) -> None:
    settings.BLOB_QUOTA = 3 * FILM
    refs = films(centre, 3)
    offer(centre, at, *refs)
    with centre.at_home():
        export(tmp_path / "stick", nodes=[own_node()], at=at)
    need(at, *refs)
    queue.fetch_wanted(at, line=centre.line)
    flip(store.path(refs[0].sha256))
    assert whole_round(at) == 1
    assert quota.used() == 2 * FILM
    if again == "stick":
        assert take_in(tmp_path / "stick", at=at).blobs == 1, "also before the next lay-out"
    else:
        need(at, *refs)
        assert queue.fetch_wanted(at, line=centre.line) == 1
    assert all(here(*refs))
    assert quota.used() == 3 * FILM, "at once, not only when the scrub has seen it"


def test_a_stick_brings_what_there_is_room_for(centre: Centre, at: datetime, tmp_path: Path) -> None:
    refs = films(centre, 4)
    NOTICES.blobs = tuple(refs)
    with centre.at_home():
        export(tmp_path / "stick", nodes=[own_node()], at=at)
    Blob.objects.all().delete()
    assert take_in(tmp_path / "stick", at=at).blobs == 3
    last = next(ref for ref in refs if not store.has(ref.sha256))
    need(at, last, *(ref for ref in refs if ref != last))
    assert take_in(tmp_path / "stick", at=at).blobs == 1
    assert store.has(last.sha256)
    assert sum(here(*refs)) == 3


def test_pins_are_given_and_taken_back_once(at: datetime) -> None:
    quota.pin("a", at=at)
    with pytest.raises(Conflict):
        quota.pin("a", at=at)
    assert quota.pinned() == ["a"]
    quota.unpin("a")
    with pytest.raises(Conflict):
        quota.unpin("a")
