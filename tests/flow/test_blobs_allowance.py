"""What is not for today waits for its hours and its bytes; what is for today, rows and notices do not."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.flow.notices import NOTICES
from tests.flow.publishing import Centre
from tests.flow.test_catalogue_follow import stands
from yuanjiao.flow.blobs import pack, queue, store
from yuanjiao.flow.blobs.allowance import Allowance, Hold, Reason, hold_at
from yuanjiao.flow.blobs.fetch import part_path
from yuanjiao.flow.blobs.models import Rank
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.catalogue.follow import follow
from yuanjiao.flow.models import Node, SpentBytes, Wanted
from yuanjiao.lib.clock import CHINA, day_start, local_day
from yuanjiao.lib.dayspans import read_spans

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
AFTERNOON = datetime(2026, 3, 2, 16, 0, tzinfo=CHINA)
"""The moment every test here begins at, as `at` is: a Monday."""
TEN_AT_NIGHT = datetime(2026, 3, 2, 22, 0, tzinfo=CHINA)


def wanted(centre: Centre, size: int, rank: Rank = Rank.REST, count: int = 1) -> list[BlobRef]:
    refs = [centre.put_blob(os.urandom(size)) for _ in range(count)]
    Wanted.objects.bulk_create(
        Wanted(sha256=ref.sha256, size=ref.size, media_type=ref.media_type, rank=rank, asked_at=AFTERNOON, asked_version=9) for ref in refs
    )
    return refs


def fetch_at(at: datetime, centre: Centre) -> int:
    return queue.fetch_wanted(at, line=centre.line, now=lambda: at)


def spent() -> tuple[int, int]:
    row = SpentBytes.objects.get()
    return row.hour_bytes, row.day_bytes


def test_the_rest_waits_for_its_hours_and_what_is_for_today_does_not(centre: Centre, settings: Any) -> None:
    settings.BLOB_WINDOW = read_spans("22:00-06:00")
    lesson, rest = wanted(centre, 90_000, Rank.LESSON), wanted(centre, 90_000) + wanted(centre, 2000, count=3)
    assert fetch_at(AFTERNOON, centre) == 1
    assert store.has(lesson[0].sha256)
    assert queue.held(AFTERNOON) == Hold(Reason.WINDOW, TEN_AT_NIGHT)
    assert fetch_at(TEN_AT_NIGHT - timedelta(seconds=1), centre) == 0
    assert fetch_at(TEN_AT_NIGHT, centre) == 4
    assert all(store.has(ref.sha256) for ref in rest)
    assert queue.held(AFTERNOON) is None, "nothing waits"


def test_the_catalogue_never_waits(centre: Centre, at: datetime, settings: Any) -> None:
    settings.BLOB_WINDOW, settings.BYTES_DAY = read_spans("22:00-06:00"), 1
    Allowance(at).spend(5, at)
    NOTICES.texts = ("今晚有暴雨",)
    centre.publish(at + HOUR)
    assert follow(at + HOUR, line=centre.line)
    assert stands("今晚有暴雨")


def test_bytes_are_counted_of_every_rank_as_they_come_and_hold_back_the_rest(centre: Centre, settings: Any) -> None:
    settings.BYTES_DAY = 230_000
    wanted(centre, 150_000, Rank.LESSON)
    wanted(centre, 80_000, count=2)
    assert fetch_at(AFTERNOON, centre) == 2
    assert spent() == (230_000, 230_000)
    midnight = day_start(local_day(AFTERNOON) + timedelta(days=1))
    assert queue.held(AFTERNOON) == Hold(Reason.DAY, midnight)
    wanted(centre, 70_000, Rank.LESSON)
    assert fetch_at(AFTERNOON + HOUR, centre) == 1, "a lesson passes"
    assert fetch_at(midnight, centre) == 1


def test_a_film_stops_at_its_byte_when_the_bytes_are_used_and_goes_on_in_the_next_hour(centre: Centre, settings: Any) -> None:
    settings.BYTES_HOUR = 50_000
    (film,) = wanted(centre, 120_000)
    for hour in range(3):
        assert not store.has(film.sha256)
        fetch_at(AFTERNOON + hour * HOUR, centre)
        assert spent()[0] <= 51_000, "no more than one piece over"
        if hour < 2:
            assert queue.held(AFTERNOON + hour * HOUR) == Hold(Reason.HOUR, AFTERNOON + (hour + 1) * HOUR)
            assert part_path(film).stat().st_size == (hour + 1) * 50_000
    assert store.has(film.sha256)
    assert spent()[1] == 120_000, "no byte came twice"


def test_a_pack_is_no_larger_than_the_bytes_left_and_no_byte_comes_twice(centre: Centre, settings: Any) -> None:
    settings.BYTES_HOUR = 18_700
    refs = wanted(centre, 2000, count=30)
    centre.requests.clear()
    assert fetch_at(AFTERNOON, centre) == 9
    assert sum(store.has(ref.sha256) for ref in refs) == 9
    assert len(centre.requests) == 2
    assert centre.requests[0] == "/blobs/pack"
    (begun,) = (ref for ref in refs if part_path(ref).exists())
    assert centre.requests[1] == f"/blobs/{begun.sha256}", "what did not fit into the pack goes on at its byte"
    assert fetch_at(AFTERNOON + HOUR, centre) == 10, "the other half of that one, eight more together, one by itself"
    assert centre.requests[2:4] == [f"/blobs/{begun.sha256}", "/blobs/pack"]
    assert store.has(begun.sha256)


def test_blobs_of_which_two_are_more_than_an_hour_allows_come_at_the_pace_of_the_allowance(centre: Centre, settings: Any) -> None:
    settings.BYTES_HOUR = 40_000
    wanted(centre, 30_000, count=4)
    assert [fetch_at(AFTERNOON + hour * HOUR, centre) for hour in range(3)] == [1, 1, 2]
    assert spent()[1] <= 121_000, "no byte came twice"


def test_a_whole_pack_is_counted_to_its_last_byte(centre: Centre, settings: Any) -> None:
    wanted(centre, 2000, count=3)
    seen: list[int] = []

    def look(answer: httpx.Response) -> httpx.Response:
        seen.append(len(answer.extensions["content"]))
        return answer

    centre.spoil["/blobs/pack"] = look
    assert fetch_at(AFTERNOON, centre) == 3
    assert spent() == (seen[0], seen[0])
    assert seen[0] <= 3 * (2000 + pack.OVERHEAD)


def test_what_is_for_today_comes_in_packs_whatever_is_left(centre: Centre, settings: Any) -> None:
    settings.BYTES_HOUR = 1000
    wanted(centre, 2000, Rank.LESSON, count=3)
    centre.requests.clear()
    assert fetch_at(AFTERNOON, centre) == 3
    assert centre.requests == ["/blobs/pack"]


def test_a_window_that_closes_ends_what_is_under_way(centre: Centre, settings: Any) -> None:
    settings.BLOB_WINDOW = read_spans("12:00-16:01")
    (film,) = wanted(centre, 120_000)
    moments = iter([AFTERNOON] * 20)
    assert queue.fetch_wanted(AFTERNOON, line=centre.line, now=lambda: next(moments, AFTERNOON + HOUR)) == 0
    assert 0 < part_path(film).stat().st_size < 120_000
    assert len(centre.requests) == 1


@pytest.mark.parametrize(("before", "after", "comes"), [(Rank.LESSON, Rank.REST, False), (Rank.REST, Rank.LESSON, True)])
def test_a_film_under_way_that_changes_its_rank_is_held_by_its_new_one(
    centre: Centre, settings: Any, monkeypatch: pytest.MonkeyPatch, before: Rank, after: Rank, comes: bool
) -> None:
    monkeypatch.setattr(queue, "LOOK_S", 0.0)
    (film,) = wanted(centre, 120_000, before)

    def planned_otherwise(answer: httpx.Response) -> httpx.Response:
        Wanted.objects.filter(sha256=film.sha256).update(rank=after)
        settings.BLOB_WINDOW = read_spans("22:00-06:00")
        return answer

    centre.spoil["/blobs/"] = planned_otherwise
    assert fetch_at(AFTERNOON, centre) == comes
    assert store.has(film.sha256) == comes
    assert len(centre.requests) == 1


def test_a_restart_does_not_forget_what_was_spent(centre: Centre, settings: Any) -> None:
    settings.BYTES_DAY = 100_000
    first = Allowance(AFTERNOON)
    first.spend(99_999, AFTERNOON)
    first.keep()
    again = Allowance(AFTERNOON + HOUR)
    assert again.hold(AFTERNOON + HOUR) is None
    again.spend(1, AFTERNOON + HOUR)
    assert again.hold(AFTERNOON + HOUR) == Hold(Reason.DAY, day_start(local_day(AFTERNOON) + timedelta(days=1)))
    again.keep()
    assert spent() == (1, 100_000)


def test_a_death_in_the_middle_of_a_film_forgets_no_more_than_a_second(
    centre: Centre, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted(centre, 120_000)
    monkeypatch.setattr(queue, "LOOK_S", 0.0)
    monkeypatch.setattr(queue._Fetching, "run", _without_the_end(queue._Fetching.run))
    seen: list[int] = []

    def look(answer: httpx.Response) -> httpx.Response:
        seen.append(SpentBytes.objects.count())
        return answer

    centre.spoil["/blobs/"] = look
    fetch_at(AFTERNOON, centre)
    assert seen == [0]
    assert spent()[0] == 120_000


def _without_the_end(run: Any) -> Any:
    """As if the process died where the turn would have written down its count."""

    def running(self: Any) -> int:
        came: int = run(self)
        self.allowance.keep = lambda: None
        return came

    return running


def test_the_longest_of_several_reasons_is_told(centre: Centre, settings: Any) -> None:
    settings.BYTES_HOUR = settings.BYTES_DAY = 10
    settings.BLOB_WINDOW = read_spans("22:00-06:00")
    spending = Allowance(AFTERNOON)
    spending.spend(10, AFTERNOON)
    spending.keep()
    assert hold_at(AFTERNOON) == Hold(Reason.DAY, day_start(local_day(AFTERNOON) + timedelta(days=1)))


def test_a_clock_that_was_set_back_holds_nothing_up(centre: Centre, settings: Any) -> None:
    settings.BYTES_HOUR = settings.BYTES_DAY = 10
    ahead = AFTERNOON + timedelta(days=400)
    spending = Allowance(ahead)
    spending.spend(10, ahead)
    spending.keep()
    assert hold_at(ahead) is not None
    assert hold_at(AFTERNOON) is None


def parent_ahead(by: timedelta) -> None:
    row = {"kind": "centre", "public_key": b"p" * 32, "enrolled_at": AFTERNOON, "clock_offset_s": -by.total_seconds()}
    Node.objects.update_or_create(is_parent=True, defaults=row)


def test_hours_and_bytes_are_those_of_the_parents_clock(centre: Centre, settings: Any) -> None:
    settings.BLOB_WINDOW = read_spans("22:00-06:00")
    wanted(centre, 90_000)
    parent_ahead(-6 * HOUR)
    assert fetch_at(TEN_AT_NIGHT, centre) == 0, "this box says it is night; it is afternoon"
    assert queue.held(TEN_AT_NIGHT) == Hold(Reason.WINDOW, TEN_AT_NIGHT)
    parent_ahead(timedelta(days=400, hours=6))
    assert fetch_at(AFTERNOON, centre) == 1, "this box says it is an afternoon of another year"
    row = SpentBytes.objects.get()
    assert row.hour_at == TEN_AT_NIGHT + timedelta(days=400)
    assert row.day_on == local_day(TEN_AT_NIGHT + timedelta(days=400))


@pytest.mark.parametrize("ahead_s", [1e15, -1e15])
def test_a_parent_that_tells_nonsense_of_the_time_ends_nothing(centre: Centre, ahead_s: float) -> None:
    parent_ahead(timedelta())
    Node.objects.filter(is_parent=True).update(clock_offset_s=-ahead_s)
    wanted(centre, 90_000)
    assert fetch_at(AFTERNOON, centre) == 1


def test_without_settings_nothing_is_held_back(centre: Centre) -> None:
    wanted(centre, 90_000)
    assert fetch_at(AFTERNOON, centre) == 1
    assert hold_at(AFTERNOON) is None
