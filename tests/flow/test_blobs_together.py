"""Small blobs come together: few questions, what came stays whatever happens, and each blob's trouble is its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from django.test import Client

from tests.flow.publishing import Centre, changed, lost, plain
from yuanjiao.flow.blobs import fetch, keeping, pack, queue, store, together
from yuanjiao.flow.blobs.models import Rank
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.models import Blob, Wanted
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib import clock
from yuanjiao.lib.errors import DiskFull

pytestmark = pytest.mark.django_db
PACK = "/blobs/pack"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once, and pauses after a blob's own trouble are the longest possible."""
    monkeypatch.setattr(fetch, "LONGEST_PAUSE_S", 0.0)
    monkeypatch.setattr(queue.random, "uniform", lambda _, most: most)


def fetch_wanted(at: datetime, *, line: Line) -> int:
    """The job at a moment that does not pass."""
    return queue.fetch_wanted(at, line=line, now=lambda: at)


def wanted(centre: Centre, at: datetime, count: int, size: int = 2000, rank: Rank = Rank.REST) -> list[BlobRef]:
    """So many blobs at the centre that this machine waits for."""
    refs = [centre.put_blob(os.urandom(size), "image/jpeg") for _ in range(count)]
    Blob.objects.all().delete()  # the centre's rows: it shares this machine's database
    want(refs, at, rank)
    return refs


def want(refs: Sequence[BlobRef], at: datetime, rank: Rank = Rank.REST) -> None:
    Wanted.objects.bulk_create(
        Wanted(sha256=ref.sha256, size=ref.size, media_type=ref.media_type, rank=rank, asked_at=at, asked_version=9) for ref in refs
    )


def here(refs: Sequence[BlobRef]) -> int:
    return sum(store.has(ref.sha256) for ref in refs)


@pytest.fixture
def quiet(centre: Centre) -> Centre:
    """A centre of which nothing was asked yet."""
    Wanted.objects.all().delete()
    centre.requests.clear()
    centre.bytes_down = centre.bytes_up = 0
    return centre


def test_many_small_blobs_are_asked_for_together(quiet: Centre, at: datetime) -> None:
    refs = wanted(quiet, at, 1500)
    payload = sum(ref.size for ref in refs)
    assert fetch_wanted(at, line=quiet.line) == 1500
    assert quiet.requests == [PACK, PACK]
    assert quiet.bytes_down + quiet.bytes_up + 32 * 1500 < 1.10 * payload
    assert here(refs) == 1500
    assert not Wanted.objects.exists()
    assert Blob.objects.filter(listed=True, media_type="image/jpeg", size=2000).count() == 1500
    assert list(store.parts_folder().iterdir()) == []


def test_a_torn_pack_leaves_what_came_whole_and_asks_for_the_rest(quiet: Centre, at: datetime) -> None:
    refs = wanted(quiet, at, 100)
    times = iter([True])
    quiet.spoil[PACK] = lambda answer: lost(answer) if next(times, False) else answer
    asked: list[int] = []

    class Counting(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            asked.append((len(request.read()) - len(pack.MAGIC)) // 32)
            return quiet.handle_request(request)

    assert fetch_wanted(at, line=Line("http://parent.test", transport=Counting())) == 100
    assert here(refs) == 100
    assert asked[0] == 100
    assert 45 <= asked[1] <= 55, "the half that came is not asked for again"
    assert len(asked) == 2


def test_what_the_parent_has_not_got_is_noted_and_holds_up_no_other(quiet: Centre, at: datetime) -> None:
    refs = wanted(quiet, at, 40)
    for ref in refs[:5]:
        quiet.blob_path(ref).unlink()
    assert fetch_wanted(at, line=quiet.line) == 35
    rows = Wanted.objects.filter(sha256__in=[ref.sha256 for ref in refs[:5]])
    assert {(row.failures, row.problem[:10], row.retry_at) for row in rows} == {(1, "上级节点还没有文件"[:10], at + timedelta(seconds=5))}
    assert Wanted.objects.count() == 5
    quiet.requests.clear()
    assert fetch_wanted(at, line=quiet.line) == 0
    assert quiet.requests == []


def test_a_parent_that_has_none_of_them_ends_the_turn(quiet: Centre, at: datetime) -> None:
    refs = wanted(quiet, at, 30)
    film = wanted(quiet, at, 1, size=100_000)
    for ref in refs:
        quiet.blob_path(ref).unlink()
    assert fetch_wanted(at, line=quiet.line) == 0
    assert quiet.requests == [PACK]
    assert fetch_wanted(at + timedelta(seconds=1), line=quiet.line) == 1
    assert here(film) == 1


def test_wrong_bytes_count_against_their_blob_alone(quiet: Centre, at: datetime) -> None:
    refs = wanted(quiet, at, 20)
    quiet.blob_path(refs[3]).write_bytes(os.urandom(2000))
    assert fetch_wanted(at, line=quiet.line) == 19
    assert not store.has(refs[3].sha256)
    row = Wanted.objects.get()
    assert (row.sha256, row.failures, row.retry_at) == (refs[3].sha256, 1, at + timedelta(minutes=10))
    assert "摘要不符" in row.problem


OLDER = {403: "the guard against forged forms stands before the door", 404: "no such door", 405: "one that is only read"}


def test_an_older_parent_turns_a_pack_away_before_any_door_sees_it() -> None:
    door_of_old = f"/blobs/{'0' * 64}"  # one that is only read: what `/blobs/pack` was there
    assert Client(enforce_csrf_checks=True).post(door_of_old, b"YJP1", content_type="application/octet-stream").status_code == 403
    assert Client().post(door_of_old, b"YJP1", content_type="application/octet-stream").status_code == 405
    assert set(OLDER) == together.OLDER


@pytest.mark.parametrize("status", OLDER)
def test_an_older_parent_is_asked_one_by_one_and_for_a_while_for_no_pack(quiet: Centre, at: datetime, status: int) -> None:
    refs = wanted(quiet, at, 3)
    quiet.spoil[PACK] = lambda _: plain(status, b"", {})
    assert fetch_wanted(at, line=quiet.line) == 3
    assert quiet.requests == [PACK, *(f"/blobs/{name}" for name in sorted(ref.sha256 for ref in refs))]
    quiet.requests.clear()
    wanted(quiet, at, 2)
    assert fetch_wanted(at + MINUTE, line=quiet.line) == 2
    assert PACK not in quiet.requests
    quiet.spoil.clear()
    quiet.requests.clear()
    wanted(quiet, at, 2)
    assert fetch_wanted(at + queue.PACKS_AGAIN + MINUTE, line=quiet.line) == 2
    assert quiet.requests == [PACK], "it may have been upgraded"


SPOILT = {
    "speaks of nothing": lambda answer: plain(200, b"".join(pack.packed([], lambda _: None)), {}),
    "cut at once": lambda answer: plain(200, b"", {}),
    "noise": changed(lambda content: os.urandom(len(content))),
    "not believed": lambda answer: plain(401, b"", {}),
    "broken above": lambda answer: plain(500, b"", {}),
}


@pytest.mark.parametrize("name", SPOILT)
def test_packs_that_bring_nothing_are_given_up_for_single_blobs(quiet: Centre, at: datetime, name: str) -> None:
    refs = wanted(quiet, at, 3)
    quiet.spoil[PACK] = SPOILT[name]
    assert fetch_wanted(at, line=quiet.line) == 3
    assert here(refs) == 3
    assert quiet.requests.count(PACK) == 1
    quiet.spoil.clear()
    quiet.requests.clear()
    wanted(quiet, at, 2)
    assert fetch_wanted(at + MINUTE, line=quiet.line) == 2
    assert quiet.requests == [PACK], "another turn tries again"


def test_a_box_whose_clock_stands_in_another_year_is_believed_at_its_second_try(quiet: Centre, at: datetime) -> None:
    refs = wanted(quiet, at, 3)
    line = Line("http://parent.test", transport=quiet, now=lambda: clock.now() - timedelta(days=400))
    assert fetch_wanted(at, line=line) == 3
    assert here(refs) == 3
    assert quiet.requests == [PACK, PACK]


def test_a_parent_busy_with_packs_gives_blobs_one_by_one_and_none_is_put_off(quiet: Centre, at: datetime) -> None:
    lesson = wanted(quiet, at, 3, rank=Rank.LESSON)
    absent = wanted(quiet, at, 1)
    quiet.blob_path(absent[0]).unlink()
    quiet.spoil[PACK] = lambda _: plain(429, b"", {})
    assert fetch_wanted(at, line=quiet.line) == 3
    assert here(lesson) == 3
    assert (quiet.requests[0], quiet.requests.count(PACK), len(quiet.requests)) == (PACK, 1, 5)
    assert "没有" in Wanted.objects.get().problem, "its own trouble, not the crowd's"
    quiet.spoil.clear()
    quiet.requests.clear()
    wanted(quiet, at, 2)
    assert fetch_wanted(at + timedelta(seconds=1), line=quiet.line) == 2
    assert quiet.requests == [PACK], "another turn tries again"


def test_small_blobs_of_a_sooner_rank_come_first_and_by_themselves(quiet: Centre, at: datetime) -> None:
    rest, lesson, film = wanted(quiet, at, 4), wanted(quiet, at, 3, rank=Rank.LESSON), wanted(quiet, at, 1, 90_000, Rank.LESSON)
    seen: list[tuple[int, int]] = []

    def look(answer: httpx.Response) -> httpx.Response:
        seen.append((here(lesson), here(rest)))
        return answer

    quiet.spoil["/blobs/"] = look
    assert fetch_wanted(at, line=quiet.line) == 8
    assert quiet.requests == [PACK, f"/blobs/{film[0].sha256}", PACK]
    assert seen == [(0, 0), (3, 0), (3, 0)]


def test_a_pack_under_way_gives_room_to_a_blob_wanted_sooner(quiet: Centre, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    rest = wanted(quiet, at, 50)
    lesson = quiet.put_blob(os.urandom(90_000))
    monkeypatch.setattr(queue, "LOOK_S", 0.0)
    once = iter([True])

    def planned_meanwhile(answer: httpx.Response) -> httpx.Response:
        if next(once, False):
            want([lesson], at, Rank.LESSON)
        return answer

    quiet.spoil[PACK] = planned_meanwhile
    assert fetch_wanted(at, line=quiet.line) == 51
    assert quiet.requests == [PACK, f"/blobs/{lesson.sha256}", PACK]
    assert here(rest) == 50


def test_a_pack_nobody_wants_any_more_is_not_gone_on_with(quiet: Centre, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    refs = wanted(quiet, at, 50)
    monkeypatch.setattr(queue, "LOOK_S", 0.0)

    def withdrawn_meanwhile(answer: httpx.Response) -> httpx.Response:
        Wanted.objects.all().delete()
        return answer

    quiet.spoil[PACK] = withdrawn_meanwhile
    fetch_wanted(at, line=quiet.line)
    assert here(refs) <= 2
    assert quiet.requests == [PACK]


def test_what_was_let_go_while_its_pack_came_is_swept(quiet: Centre, at: datetime) -> None:
    refs = wanted(quiet, at, 10)

    def one_is_withdrawn(answer: httpx.Response) -> httpx.Response:
        Wanted.objects.filter(sha256=refs[0].sha256).delete()
        return answer

    quiet.spoil[PACK] = one_is_withdrawn
    fetch_wanted(at, line=quiet.line)
    assert keeping.sweep_blobs(at + timedelta(hours=7)) == 2000
    assert (store.has(refs[0].sha256), here(refs)) == (False, 9)


def test_a_disk_without_room_for_all_still_takes_those_that_fit(quiet: Centre, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    small, larger = wanted(quiet, at, 2), wanted(quiet, at, 2, size=60_000)

    def room_for_little(size: int) -> None:
        if size > 3000:
            raise DiskFull("磁盘空间不足")

    monkeypatch.setattr(store, "make_room", room_for_little)
    with pytest.raises(DiskFull):
        fetch_wanted(at, line=quiet.line)
    assert (here(small), here(larger)) == (2, 0)
    assert PACK not in quiet.requests


def test_a_disk_that_fills_up_meanwhile_leaves_nothing_half_written(quiet: Centre, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    refs = wanted(quiet, at, 20)

    def full(paths: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "_sync", full)
    monkeypatch.setattr(store, "settle", lambda *_: full(_))
    with pytest.raises(DiskFull):
        fetch_wanted(at, line=quiet.line)
    assert here(refs) == 0
    assert not [path for path in store.parts_folder().iterdir() if path.name.startswith("new-")]
    assert not Blob.objects.filter(sha256__in=[ref.sha256 for ref in refs]).exists()


def test_what_came_is_put_away_while_the_pack_goes_on(quiet: Centre, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted(quiet, at, 10)
    monkeypatch.setattr(together, "PUT_AWAY_S", 0.0)
    held: list[int] = []
    real = store.put_many

    def look(found: Sequence[tuple[BlobRef, bytes]]) -> None:
        held.append(len(found))
        real(found)

    monkeypatch.setattr(store, "put_many", look)
    assert fetch_wanted(at, line=quiet.line) == 10
    assert held == [1] * 10


def test_a_blob_that_was_here_once_keeps_its_row_and_is_named_again(quiet: Centre, at: datetime) -> None:
    refs = wanted(quiet, at, 3)
    Blob.objects.create(sha256=refs[0].sha256, size=2000, listed=False, unreferenced_at=at)
    assert fetch_wanted(at, line=quiet.line) == 3
    row = Blob.objects.get(sha256=refs[0].sha256)
    assert (row.media_type, row.unreferenced_at) == ("image/jpeg", None)
