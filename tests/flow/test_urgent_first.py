"""Rows of a new catalogue act at once, whatever its blobs do; what needs a blob shows when that one is here."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.flow.notices import LOCAL, NOTICES
from tests.flow.publishing import Centre, changed, lost, plain
from tests.flow.test_catalogue_follow import FILM, stands
from yuanjiao.flow.blobs import fetch, keeping, queue, store
from yuanjiao.flow.blobs.models import Rank
from yuanjiao.flow.blobs.queue import fetch_wanted
from yuanjiao.flow.catalogue.follow import GATHER, follow
from yuanjiao.flow.catalogue.queries import taken_version, whole_version
from yuanjiao.flow.catalogue.shards import shard_file
from yuanjiao.flow.catalogue.trust import shards_folder
from yuanjiao.flow.models import Blob, CurrentCatalogue, HeldShard, Wanted
from yuanjiao.lib.errors import DiskFull, Unavailable

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def film(centre: Centre, at: datetime) -> store.BlobRef:
    """The edge follows; then a film is released, and the edge has followed that too."""
    follow(at, line=centre.line)
    made = centre.put_blob(FILM)
    NOTICES.texts, NOTICES.blobs = ("新片", "开学了"), (made,)
    centre.publish(at + MINUTE)
    assert follow(at + MINUTE, line=centre.line)
    return made


def publish_and_follow(centre: Centre, at: datetime) -> None:
    centre.publish(at)
    assert follow(at, line=centre.line)


def test_what_needs_a_blob_shows_when_it_is_here_and_everything_else_at_once(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    assert stands("开学了")
    assert not store.has(film.sha256)
    assert fetch_wanted(at + MINUTE, line=centre.line) == 1
    assert store.path(film.sha256).read_bytes() == FILM
    assert store.ref(film.sha256).media_type == "video/mp4"
    centre.requests.clear()
    assert follow(at + 2 * MINUTE, line=centre.line)
    assert stands("新片", "开学了")
    assert centre.requests == ["/catalogue/metadata/timestamp.json"]
    assert not Wanted.objects.exists()
    assert follow(at + 3 * MINUTE, line=centre.line) is False


def cut(answer: httpx.Response) -> httpx.Response:
    return lost(answer) if answer.status_code == 200 else plain(503, b"", {})


TROUBLES: dict[str, tuple[Callable[[httpx.Response], httpx.Response], type[Exception] | None, str]] = {
    "half here": (cut, Unavailable, "503"),
    "not there": (lambda _: plain(404, b"", {}), None, "还没有文件"),
    "changed": (changed(lambda content: b"x" + content[1:]), None, "摘要不符"),
    "lengthened": (changed(lambda content: content + b"x"), None, "长"),
    "shortened": (changed(lambda content: content[:-1]), Unavailable, "中途断开|没有给出"),
}


@pytest.mark.clause("DLV13")
@pytest.mark.parametrize("name", TROUBLES)
def test_a_notice_and_a_withdrawal_pass_a_film_that_does_not_come(centre: Centre, at: datetime, film: store.BlobRef, name: str) -> None:
    spoiler, error, problem = TROUBLES[name]
    centre.spoil["/blobs/"] = spoiler
    if error is None:
        assert fetch_wanted(at + MINUTE, line=centre.line) == 0
    else:
        with pytest.raises(error):
            fetch_wanted(at + MINUTE, line=centre.line)
    assert Wanted.objects.filter(problem__regex=problem).exists()
    NOTICES.texts, LOCAL.texts = ("新片", "今晚有暴雨"), ()
    publish_and_follow(centre, at + 2 * MINUTE)
    assert stands("今晚有暴雨")
    assert LOCAL.shown() == []
    centre.spoil.clear()
    assert fetch_wanted(at + 20 * MINUTE, line=centre.line) == 1
    assert follow(at + 20 * MINUTE, line=centre.line)
    assert stands("新片", "今晚有暴雨")


@pytest.mark.clause("CW13")
def test_a_full_disk_takes_a_withdrawal_that_makes_room(centre: Centre, at: datetime, film: store.BlobRef, settings: Any) -> None:
    fetch_wanted(at + MINUTE, line=centre.line)
    follow(at + MINUTE, line=centre.line)
    other = centre.put_blob(FILM[::-1])
    settings.MIN_FREE_BYTES = 1 << 60
    NOTICES.texts, NOTICES.blobs = ("新片第二部", "通知"), (other,)
    publish_and_follow(centre, at + 2 * MINUTE)
    with pytest.raises(DiskFull):
        fetch_wanted(at + 2 * MINUTE, line=centre.line)
    assert stands("通知")
    assert keeping.sweep_blobs(at + timedelta(hours=7)) == len(FILM), "the withdrawn film makes room"
    settings.MIN_FREE_BYTES = 0
    assert fetch_wanted(at + timedelta(hours=7), line=centre.line) == 1


def test_a_blob_that_cannot_be_had_holds_up_no_other(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    poster = centre.put_blob(b"poster" * 50_000, "image/jpeg")
    assert poster.size > film.size
    NOTICES.blobs = (film, poster)
    publish_and_follow(centre, at + 2 * MINUTE)
    centre.blob_path(film).unlink()
    assert fetch_wanted(at + 2 * MINUTE, line=centre.line) == 1
    assert store.has(poster.sha256)
    assert Wanted.objects.get().failures == 1
    assert queue.waiting().blobs == 1
    assert "还没有文件" in queue.waiting().problem


def test_pauses_do_not_outlast_a_clock_that_is_set_back(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    ahead = at + timedelta(days=2)
    centre.spoil["/blobs/"] = lambda _: plain(404, b"", {})
    assert fetch_wanted(ahead, line=centre.line) == 0
    CurrentCatalogue.objects.update(accepted_at=ahead)
    centre.spoil.clear()
    NOTICES.blobs = (film, centre.put_blob(b"poster" * 50_000, "image/jpeg"))
    publish_and_follow(centre, at + 2 * MINUTE)
    CurrentCatalogue.objects.update(accepted_at=ahead)
    centre.blob_path(NOTICES.blobs[1]).unlink()
    assert fetch_wanted(at + 2 * MINUTE, line=centre.line) == 1
    assert follow(at + 2 * MINUTE, line=centre.line), "what came is not held back until the day after tomorrow"


def test_what_is_shown_today_comes_before_the_rest_and_small_before_large(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    small, large = centre.put_blob(b"s"), centre.put_blob(bytes(300_000))
    NOTICES.blobs = (film, small, large)
    publish_and_follow(centre, at + 2 * MINUTE)
    queue.rank([large.sha256], Rank.LESSON)
    centre.requests.clear()
    assert fetch_wanted(at + 2 * MINUTE, line=centre.line) == 3
    assert centre.requests == [f"/blobs/{one.sha256}" for one in (large, small, film)]


def test_a_blob_under_way_gives_room_to_one_wanted_sooner_and_goes_on_at_its_byte(
    centre: Centre, at: datetime, film: store.BlobRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson = centre.put_blob(bytes(300_000))
    monkeypatch.setattr(queue, "LOOK_S", 0.0)
    follow_once = iter([True])

    def a_lesson_is_planned_meanwhile(answer: httpx.Response) -> httpx.Response:
        if next(follow_once, False):
            row = {"media_type": "video/mp4", "asked_at": at, "asked_version": 9}
            Wanted.objects.create(sha256=lesson.sha256, size=lesson.size, rank=Rank.LESSON, **row)
        return answer

    centre.spoil[film.sha256] = a_lesson_is_planned_meanwhile
    centre.requests.clear()
    assert fetch_wanted(at + MINUTE, line=centre.line) == 2
    assert centre.requests == [f"/blobs/{one.sha256}" for one in (film, lesson, film)]
    assert store.has(film.sha256)
    assert store.has(lesson.sha256)


def test_a_blob_that_is_let_go_while_it_comes_is_not_gone_on_with(
    centre: Centre, at: datetime, film: store.BlobRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "LOOK_S", 0.0)

    def withdrawn_meanwhile(answer: httpx.Response) -> httpx.Response:
        Wanted.objects.all().delete()
        return answer

    centre.spoil[film.sha256] = withdrawn_meanwhile
    assert fetch_wanted(at + MINUTE, line=centre.line) == 0
    assert not store.has(film.sha256)


def test_a_blob_that_came_as_it_was_let_go_is_swept(
    centre: Centre, at: datetime, film: store.BlobRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fetch.fetch

    def withdrawn_at_the_last_byte(*args: Any, **kwargs: Any) -> bool:
        Wanted.objects.all().delete()
        return real(*args, **kwargs)

    monkeypatch.setattr(queue, "fetch", withdrawn_at_the_last_byte)
    assert fetch_wanted(at + MINUTE, line=centre.line) == 1
    assert store.has(film.sha256)
    assert keeping.sweep_blobs(at + timedelta(hours=7)) == len(FILM)


def test_while_others_are_on_their_way_what_came_gathers_for_a_while(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    missing = centre.put_blob(b"poster" * 50_000, "image/jpeg")
    NOTICES.blobs = (film, missing)
    publish_and_follow(centre, at + 2 * MINUTE)
    centre.blob_path(missing).unlink()
    fetch_wanted(at + 2 * MINUTE, line=centre.line)
    assert follow(at + 2 * MINUTE + GATHER / 2, line=centre.line) is False
    assert HeldShard.objects.get(path="all/notices.json").waiting == 2
    assert follow(at + 2 * MINUTE + GATHER, line=centre.line)
    assert HeldShard.objects.get(path="all/notices.json").waiting == 1


def test_a_version_is_whole_when_every_blob_named_up_to_it_is_here(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    first, before = taken_version(), whole_version()
    assert before < first
    other = centre.put_blob(b"another film")
    NOTICES.blobs = (film, other)
    publish_and_follow(centre, at + 2 * MINUTE)
    assert (taken_version() > first, whole_version()) == (True, before)
    centre.blob_path(other).unlink()
    fetch_wanted(at + 2 * MINUTE, line=centre.line)
    follow(at + 3 * MINUTE, line=centre.line)
    assert first <= whole_version() < taken_version(), "the first film is here, the second catalogue's other file is not"
    centre.put_blob(b"another film")
    fetch_wanted(at + 30 * MINUTE, line=centre.line)
    follow(at + 30 * MINUTE, line=centre.line)
    assert whole_version() == taken_version()


def test_a_film_first_named_in_a_version_nobody_here_saw_has_not_arrived_with_it(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    before = taken_version()
    assert whole_version() == before
    NOTICES.blobs = (centre.put_blob(FILM),)
    named_first = centre.publish(at + timedelta(hours=1))
    NOTICES.texts = ("又一条",)
    publish_and_follow(centre, at + timedelta(hours=9))
    assert named_first is not None
    assert before <= whole_version() < named_first < taken_version()


@pytest.mark.parametrize("lost_whole", [False, True])
def test_a_document_torn_by_a_power_cut_is_fetched_anew(centre: Centre, at: datetime, film: store.BlobRef, lost_whole: bool) -> None:
    fetch_wanted(at + MINUTE, line=centre.line)
    torn = shards_folder() / shard_file("all/notices.json")
    torn.unlink() if lost_whole else torn.write_bytes(b"{")
    assert follow(at + 2 * MINUTE, line=centre.line)
    assert stands("新片", "开学了")


def test_a_document_the_catalogue_gave_up_does_not_hold_up_what_came(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    HeldShard.objects.create(path="all/gone.json", sha256="0" * 64, size=1, accepted_at=at)
    NOTICES.texts = ("新片", "三")
    publish_and_follow(centre, at + 2 * MINUTE)
    fetch_wanted(at + 2 * MINUTE, line=centre.line)
    assert follow(at + 3 * MINUTE, line=centre.line)
    assert stands("新片", "三")
    assert not HeldShard.objects.filter(path="all/gone.json").exists()


def test_a_blob_that_always_breaks_does_not_starve_what_stands_behind_it(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    large = centre.put_blob(bytes(300_000))
    NOTICES.blobs = (film, large)
    publish_and_follow(centre, at + 2 * MINUTE)
    centre.spoil[film.sha256] = cut
    with pytest.raises(Unavailable):
        fetch_wanted(at + 2 * MINUTE, line=centre.line)
    assert fetch_wanted(at + 2 * MINUTE + timedelta(seconds=10), line=centre.line) == 1
    assert store.has(large.sha256)
    assert Wanted.objects.get(sha256=film.sha256).failures == 0


def test_a_lesson_that_does_not_fit_keeps_no_poster_away(
    centre: Centre, at: datetime, film: store.BlobRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = centre.put_blob(b"poster", "image/jpeg")
    NOTICES.blobs = (film, small)
    publish_and_follow(centre, at + 2 * MINUTE)
    queue.rank([film.sha256], Rank.LESSON)

    def room_for_little(size: int) -> None:
        if size > 1000:
            raise DiskFull("磁盘空间不足")

    monkeypatch.setattr(store, "make_room", room_for_little)
    with pytest.raises(DiskFull):
        fetch_wanted(at + 2 * MINUTE, line=centre.line)
    assert (store.has(small.sha256), store.has(film.sha256)) == (True, False)


def test_a_parent_that_has_nothing_yet_is_not_asked_for_everything(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    NOTICES.blobs = tuple(centre.put_blob(f"film {number}".encode()) for number in range(30))
    publish_and_follow(centre, at + 2 * MINUTE)
    centre.spoil["/blobs/"] = lambda _: plain(404, b"", {})
    centre.requests.clear()
    assert fetch_wanted(at + 2 * MINUTE, line=centre.line) == 0
    assert len(centre.requests) == 1 + queue.MOST_REFUSED, "once for a pack, which it does not know of, then one by one"


def test_wrong_bytes_are_not_fetched_again_soon(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    centre.spoil["/blobs/"] = changed(lambda content: b"x" + content[1:])
    fetch_wanted(at + MINUTE, line=centre.line)
    centre.requests.clear()
    assert fetch_wanted(at + 10 * MINUTE, line=centre.line) == 0
    assert centre.requests == []


def test_a_blob_that_came_just_before_a_death_is_struck_off_by_the_next_turn(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    fetch.fetch(film, centre.line)
    Blob.objects.all().delete()
    NOTICES.texts = ("新片", "三")
    publish_and_follow(centre, at + 2 * MINUTE)
    assert fetch_wanted(at + 2 * MINUTE, line=centre.line) == 1
    assert Blob.objects.get(sha256=film.sha256).listed
    follow(at + 3 * MINUTE, line=centre.line)
    assert whole_version() == taken_version()


def test_half_a_film_that_was_withdrawn_makes_room_after_the_grace(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    centre.spoil["/blobs/"] = cut
    with pytest.raises(Unavailable):
        fetch_wanted(at + MINUTE, line=centre.line)
    part = fetch.part_path(film)
    os.utime(part, (at.timestamp(), at.timestamp()))
    assert keeping.sweep_blobs(at + timedelta(hours=7)) == 0
    NOTICES.blobs = ()
    publish_and_follow(centre, at + 2 * MINUTE)
    assert keeping.sweep_blobs(at + timedelta(hours=7)) > 0
    assert not part.exists()


def test_a_turn_that_was_cut_between_documents_and_switch_takes_in_nothing_of_the_newer(
    centre: Centre, at: datetime, film: store.BlobRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch_wanted(at + MINUTE, line=centre.line)
    NOTICES.texts = ("新片", "第三版")
    centre.publish(at + 2 * MINUTE)
    before = CurrentCatalogue.objects.get()
    with monkeypatch.context() as patch:
        patch.setattr("yuanjiao.flow.catalogue.follow._take_in", lambda current, at: False)
        patch.setattr("yuanjiao.flow.catalogue.follow._switch", _power_cut)
        with pytest.raises(Unavailable):
            follow(at + 2 * MINUTE, line=centre.line)
    centre.spoil["timestamp.json"] = lost
    with pytest.raises(Unavailable):
        follow(at + 3 * MINUTE, line=centre.line)
    assert stands("新片", "开学了"), "the film that came shows as the catalogue in force says; of the newer one, nothing"
    assert CurrentCatalogue.objects.get().version == before.version
    centre.spoil.clear()
    assert follow(at + 4 * MINUTE, line=centre.line)
    assert stands("新片", "第三版")


def _power_cut(*_: object) -> bool:
    raise Unavailable("停电")


def test_a_withdrawn_item_goes_at_once_and_its_bytes_after_the_grace(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    poster = centre.put_blob(b"poster", "image/jpeg")
    NOTICES.blobs = (film, poster)
    publish_and_follow(centre, at + 2 * MINUTE)
    fetch_wanted(at + 2 * MINUTE, line=centre.line)
    own = store.put(b"put here by hand")
    NOTICES.texts, NOTICES.blobs = (), (poster,)
    publish_and_follow(centre, at + 3 * MINUTE)
    assert stands()
    assert keeping.sweep_blobs(at + 4 * MINUTE) == 0, "somebody may still be watching"
    assert keeping.sweep_blobs(at + timedelta(hours=7)) == len(FILM)
    assert [store.has(ref.sha256) for ref in (film, poster, own)] == [False, True, True]


def test_a_blob_that_is_released_again_is_kept(centre: Centre, at: datetime, film: store.BlobRef) -> None:
    for minute, blobs in enumerate(((film,), (), (film,)), 2):
        NOTICES.texts, NOTICES.blobs = (f"第 {minute} 次",), blobs
        publish_and_follow(centre, at + minute * MINUTE)
        fetch_wanted(at + minute * MINUTE, line=centre.line)
    keeping.sweep_blobs(at + timedelta(days=1))
    assert store.has(film.sha256)
    assert Blob.objects.get(sha256=film.sha256).listed


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once, and pauses after a blob's own trouble are the longest possible."""
    monkeypatch.setattr(fetch, "LONGEST_PAUSE_S", 0.0)
    monkeypatch.setattr(queue.random, "uniform", lambda _, most: most)
