"""Kept blobs are read again from a real disk; what is rotten, torn or gone is served by nobody and comes again."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.flow.notices import NOTICES
from tests.flow.publishing import Centre
from tests.flow.test_catalogue_follow import stands
from yuanjiao.flow.blobs import queue, scrub, store
from yuanjiao.flow.blobs.keeping import GRACE, held, sweep_blobs
from yuanjiao.flow.blobs.models import Trouble
from yuanjiao.flow.blobs.scrub import ROUND, bring_back, scrub_blobs, spoilt_now
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.catalogue.follow import follow
from yuanjiao.flow.catalogue.queries import whole_version
from yuanjiao.flow.models import Blob, ScrubRound, Spoilt, Wanted
from yuanjiao.lib.errors import NotFound, Refused

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def flip(path: Path) -> None:
    """One bit in the middle of the file."""
    with open(path, "r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 4]))


def tear(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def unreadable(path: Path) -> None:
    """A file whose bytes the kernel refuses with EIO, as those of a bad sector."""
    path.unlink()
    path.symlink_to("/proc/self/mem")


def unopened(path: Path) -> None:
    """A name the kernel refuses to open, as that of a broken inode; the error is another (ELOOP), a disk cannot be broken at will."""
    path.unlink()
    path.symlink_to(path.name)


def unseen(path: Path) -> None:
    """A name that cannot even be looked up, as that of another broken inode; the error is ENAMETOOLONG."""
    path.unlink()
    path.symlink_to("x" * 300)


HARMS: dict[str, tuple[Callable[[Path], None], Trouble]] = {
    "a bit flipped": (flip, Trouble.ROTTEN),
    "torn": (tear, Trouble.ROTTEN),
    "emptied": (empty, Trouble.ROTTEN),
    "unreadable": (unreadable, Trouble.ROTTEN),
    "not opened": (unopened, Trouble.ROTTEN),
    "not looked up": (unseen, Trouble.ROTTEN),
    "gone": (Path.unlink, Trouble.GONE),
}


def whole_round(at: datetime) -> int:
    """Everything is read once: the turn that begins the round, and one when all of it is due."""
    ScrubRound.objects.all().delete()
    return scrub_blobs(at - ROUND, sleep=quick) + scrub_blobs(at, sleep=quick)


def aside(settings: Any) -> list[str]:
    """Names of the spoilt files whose bytes are kept."""
    return [path.name for path in (Path(settings.HOME) / "blobs" / "spoilt").glob("*")]


def quick(_: float) -> None:
    """A test does not wait."""


@pytest.fixture
def films(centre: Centre, at: datetime) -> list[BlobRef]:
    """Five films of the catalogue in force, all of them here."""
    refs = [centre.put_blob(os.urandom(300_000 + number)) for number in range(5)]
    NOTICES.texts, NOTICES.blobs = ("新片上线",), tuple(refs)
    centre.publish(at)
    follow(at, line=centre.line)
    assert queue.fetch_wanted(at, line=centre.line) == 5
    follow(at, line=centre.line)
    assert stands("新片上线")
    return refs


@pytest.mark.parametrize("harm", HARMS)
def test_what_is_spoilt_is_served_by_nobody_and_comes_again_from_the_parent(
    harm: str, centre: Centre, films: list[BlobRef], at: datetime, settings: Any
) -> None:
    do, trouble = HARMS[harm]
    do(store.path(films[2].sha256))
    assert whole_round(at) == 1
    row = Spoilt.objects.get()
    assert (row.sha256, row.trouble, row.found_at, row.mended_at) == (films[2].sha256, trouble, at, None)
    assert Client().get(f"/blobs/{films[2].sha256}.mp4").status_code == 404
    assert not store.has(films[2].sha256)
    assert held()[0] == 4
    assert spoilt_now(at).lost == ()
    assert not aside(settings), "the parent has it; a disk that is nearly full needs the room"
    assert queue.fetch_wanted(at, line=centre.line) == 1
    assert Client().get(f"/blobs/{films[2].sha256}.mp4").status_code == 200
    scrub_blobs(at + MINUTE, sleep=quick)
    assert Spoilt.objects.get().mended_at == at + MINUTE
    assert spoilt_now(at + MINUTE).spoilt == ()
    assert spoilt_now(at + MINUTE).mended == 1
    assert whole_round(at + ROUND) == 0


@pytest.mark.parametrize("harm", [unopened, unseen, Path.unlink])
def test_what_cannot_be_looked_up_is_not_here_and_brings_nothing_down(harm: Callable[[Path], None], films: list[BlobRef]) -> None:
    """Before any scrub has come by."""
    harm(store.path(films[2].sha256))
    assert not store.has(films[2].sha256)
    with pytest.raises(NotFound):
        store.ref(films[2].sha256)
    assert Client().get(f"/blobs/{films[2].sha256}.mp4").status_code == 404


def test_spoilt_bytes_that_nobody_needs_are_swept(at: datetime, settings: Any) -> None:
    """What a turn left that died between putting aside and noting; and not the only copy there is of what was made here."""
    ref = store.put(os.urandom(200_000), media_type="video/mp4")
    flip(store.path(ref.sha256))
    assert whole_round(at) == 1
    folder, now = Path(settings.HOME) / "blobs" / "spoilt", datetime.now(UTC)
    (folder / ("ab" * 32)).write_bytes(b"left behind")
    scrub_blobs(now, sleep=quick)
    assert sorted(aside(settings)) == sorted([ref.sha256, "ab" * 32]), "it may be noted in a moment"
    scrub_blobs(now + 2 * HOUR, sleep=quick)
    assert aside(settings) == [ref.sha256]


def test_what_cannot_be_put_aside_holds_up_no_other(
    films: list[BlobRef], at: datetime, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    first, *_, last = sorted(ref.sha256 for ref in films)
    (Path(settings.HOME) / "blobs" / "spoilt").write_bytes(b"in the way")
    flip(store.path(first))
    store.path(last).unlink()
    assert whole_round(at) == 2
    assert ScrubRound.objects.get().whole_at == at
    assert [row.sha256 for row in Spoilt.objects.all()] == [last]
    assert [row.sha256 for row in Wanted.objects.all()] == [last], "nothing can take the place of the other"
    assert first[2:] in caplog.text


def test_sound_blobs_are_left_alone(films: list[BlobRef], at: datetime) -> None:
    before = {ref.sha256: store.path(ref.sha256).stat().st_ino for ref in films}
    assert whole_round(at) == 0
    assert {ref.sha256: store.path(ref.sha256).stat().st_ino for ref in films} == before
    assert not Spoilt.objects.exists()
    assert spoilt_now(at).whole_at == at


def test_a_round_is_spread_over_its_days_and_goes_on_where_it_was(films: list[BlobRef], at: datetime) -> None:
    for ref in films:
        flip(store.path(ref.sha256))
    found = [scrub_blobs(at + ROUND * tenth / 10, sleep=quick) for tenth in range(11)]
    assert sum(found) == 5
    assert max(found) == 1, "a fifth of the bytes is due in a fifth of the time"
    assert scrub_blobs(at + ROUND - MINUTE, sleep=quick) == 0


def test_the_next_round_begins_when_the_time_of_the_last_is_over(films: list[BlobRef], at: datetime) -> None:
    assert whole_round(at) == 0
    flip(store.path(films[0].sha256))
    scrub_blobs(at, sleep=quick)  # begins the next round
    assert not Spoilt.objects.exists()
    assert scrub_blobs(at + ROUND, sleep=quick) == 1


def test_no_faster_than_the_rate(films: list[BlobRef], at: datetime, settings: Any) -> None:
    settings.SCRUB_RATE = 100_000
    slept: list[float] = []
    scrub_blobs(at - ROUND, sleep=slept.append)
    scrub_blobs(at, sleep=slept.append)
    assert sum(slept) == pytest.approx(sum(ref.size for ref in films) / 100_000)


def test_a_rate_of_nothing_reads_nothing(films: list[BlobRef], at: datetime, settings: Any) -> None:
    settings.SCRUB_RATE = 0
    flip(store.path(films[0].sha256))
    assert whole_round(at) == 0
    assert scrub.scrub_all(at) == 1, "but a person may ask for it"


def test_a_clock_that_was_years_ahead_holds_nothing_up(films: list[BlobRef], at: datetime) -> None:
    scrub_blobs(at + timedelta(days=4000), sleep=quick)
    flip(store.path(films[4].sha256))
    flip(store.path(films[0].sha256))
    scrub_blobs(at, sleep=quick)
    scrub_blobs(at + ROUND, sleep=quick)
    scrub_blobs(at + 2 * ROUND, sleep=quick)
    assert Spoilt.objects.count() == 2


def test_what_is_being_mended_changes_nothing_that_stands_and_keeps_no_version_back(
    centre: Centre, films: list[BlobRef], at: datetime
) -> None:
    before = whole_version()
    flip(store.path(films[1].sha256))
    whole_round(at)
    assert stands("新片上线")
    new = centre.put_blob(os.urandom(90_000))
    NOTICES.texts, NOTICES.blobs = ("新片上线", "新片二"), (*films, new)
    centre.publish(at + MINUTE)
    follow(at + MINUTE, line=centre.line)
    assert whole_version() >= before
    assert stands(), "the document has two blobs to wait for now"
    queue.fetch_wanted(at + MINUTE, line=centre.line)
    assert follow(at + 2 * MINUTE, line=centre.line)
    assert stands("新片上线", "新片二")
    assert not Wanted.objects.exists()


def test_a_new_film_shows_although_another_is_still_being_mended(centre: Centre, films: list[BlobRef], at: datetime) -> None:
    """The rooms are asked again when what they wait for has come, however many were lost meanwhile."""
    new = centre.put_blob(os.urandom(90_000))
    NOTICES.texts, NOTICES.blobs = ("新片二",), (*films, new)
    centre.publish(at + MINUTE)
    follow(at + MINUTE, line=centre.line)
    Blob.objects.filter(sha256=new.sha256).delete()  # the centre's row: both share one database here
    for ref in films[:3]:
        flip(store.path(ref.sha256))
        centre.blob_path(ref).rename(centre.home / ref.sha256)
    assert whole_round(at + MINUTE) == 3
    assert queue.fetch_wanted(at + MINUTE, line=centre.line) == 1
    assert Wanted.objects.count() == 3
    assert queue.unconfirmed() == 0
    assert follow(at + 2 * MINUTE, line=centre.line)


def test_what_the_parent_sends_rotten_is_not_taken_for_a_repair(centre: Centre, films: list[BlobRef], at: datetime) -> None:
    flip(store.path(films[0].sha256))
    flip(centre.blob_path(films[0]))
    whole_round(at)
    assert queue.fetch_wanted(at, line=centre.line) == 0
    scrub_blobs(at + MINUTE, sleep=quick)
    assert [row.sha256 for row in spoilt_now(at).spoilt] == [films[0].sha256]
    assert "摘要不符" in queue.waiting().problem


def test_what_was_let_go_of_is_not_mourned(centre: Centre, films: list[BlobRef], at: datetime, settings: Any) -> None:
    flip(store.path(films[0].sha256))
    NOTICES.blobs = tuple(films[1:])
    centre.publish(at + MINUTE)
    follow(at + MINUTE, line=centre.line)
    assert whole_round(at + MINUTE) == 0
    assert not Blob.objects.filter(sha256=films[0].sha256).exists()
    assert not Spoilt.objects.exists()
    assert not aside(settings)


def test_a_spoilt_blob_that_is_let_go_of_later_is_forgotten(centre: Centre, films: list[BlobRef], at: datetime) -> None:
    flip(store.path(films[0].sha256))
    whole_round(at)
    NOTICES.blobs = tuple(films[1:])
    centre.publish(at + MINUTE)
    follow(at + MINUTE, line=centre.line)
    assert not Wanted.objects.exists()
    sweep_blobs(at + GRACE + 2 * MINUTE)
    scrub_blobs(at + GRACE + 2 * MINUTE, sleep=quick)
    assert not Spoilt.objects.exists()


def test_what_was_made_here_is_lost_until_a_copy_is_brought(tmp_path: Path, at: datetime, settings: Any) -> None:
    content = os.urandom(200_000)
    copy, other = tmp_path / "从县里拷来", tmp_path / "别的"
    copy.write_bytes(content)
    other.write_bytes(content[:-1])
    ref = store.put(content, media_type="video/mp4")
    flip(store.path(ref.sha256))
    assert whole_round(at) == 1
    assert [row.sha256 for row in spoilt_now(at).lost] == [ref.sha256]
    assert not Wanted.objects.exists()
    assert aside(settings) == [ref.sha256], "all there is of it, but for one bit"
    with pytest.raises(Refused, match="不是本机缺的文件"):
        bring_back(other, at=at)
    assert bring_back(copy, at=at) == ref.sha256
    assert spoilt_now(at).spoilt == ()
    assert not aside(settings)
    assert store.ref(ref.sha256).media_type == "video/mp4"
    assert Client().get(f"/blobs/{ref.sha256}.mp4").status_code == 200


def test_a_blob_written_anew_while_it_was_read_stays(at: datetime) -> None:
    content = os.urandom(3_000_000)
    ref = store.put(content)
    flip(store.path(ref.sha256))

    def written_anew(_: float) -> None:
        store.put(content)

    assert scrub.scrub_all(at, sleep=written_anew) == 0
    assert store.has(ref.sha256)
    assert not Spoilt.objects.exists()
    assert whole_round(at) == 0
