"""Room under a quota is made when something has come: a source that brings nothing costs nothing that is here."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.flow.publishing import Centre, plain
from tests.flow.test_blobs_quota import FILM, MINUTE, films, held, here, need, offer
from yuanjiao.flow.blobs import folders, queue, store
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.models import Blob, Wanted
from yuanjiao.lib.errors import DiskFull, Unavailable

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small(settings: Any) -> None:
    """Room for three films and a picture."""
    settings.BLOB_QUOTA = 3 * FILM + 5000


@pytest.fixture
def old(centre: Centre, at: datetime) -> list[BlobRef]:
    """Three films that are here, needed in this order."""
    found = films(centre, 3)
    offer(centre, at, *found)
    need(at, *found)
    queue.fetch_wanted(at, line=centre.line)
    return found


def newer(centre: Centre, at: datetime, old: list[BlobRef], number: int = 1, size: int = FILM) -> list[BlobRef]:
    """More films, needed more than those."""
    found = films(centre, number, size)
    offer(centre, at, *found, *old)
    need(at, *found, *old)
    return found


def test_small_files_that_come_together_take_room_when_they_come(centre: Centre, at: datetime, old: list[BlobRef]) -> None:
    new = newer(centre, at + MINUTE, old, 4, 10_000)
    centre.spoil = {"/blobs/": lambda _: plain(503, b"", {})}
    with pytest.raises(Unavailable):
        queue.fetch_wanted(at + MINUTE, line=centre.line)
    assert here(*old) == [True, True, True]
    centre.spoil = {}
    assert queue.fetch_wanted(at + 60 * MINUTE, line=centre.line) == 4
    assert here(*new, *old) == [True, True, True, True, True, True, False]


def test_a_folder_that_cannot_be_read_costs_nothing(
    centre: Centre, at: datetime, old: list[BlobRef], tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_looked_through", {})
    monkeypatch.setattr(folders, "_wrong", set())
    (new,) = newer(centre, at + MINUTE, old)
    settings.BLOB_FOLDERS = [str(tmp_path / "stick")]
    file = tmp_path / "stick" / new.sha256[:2] / new.sha256
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(FILM))
    centre.spoil = {"/blobs/": lambda _: plain(503, b"", {})}
    with pytest.raises(Unavailable):
        queue.fetch_wanted(at + MINUTE, line=centre.line)
    assert here(*old) == [True, True, True]
    with centre.at_home():
        content = store.path(new.sha256).read_bytes()
    file.write_bytes(content)
    monkeypatch.setattr(queue, "_looked_through", {})
    monkeypatch.setattr(folders, "_wrong", set())
    assert queue.fetch_wanted(at + MINUTE, line=centre.line) == 1
    assert here(new, *old) == [True, True, True, False]


def test_a_disk_without_room_for_both_is_cleared_before(
    centre: Centre, at: datetime, old: list[BlobRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    (new,) = newer(centre, at + MINUTE, old)

    def tight(size: int) -> None:
        if size and all(here(*old)):
            raise DiskFull("磁盘空间不足")

    monkeypatch.setattr(store, "make_room", tight)
    assert queue.fetch_wanted(at + MINUTE, line=centre.line) == 1
    assert here(new, *old) == [True, True, True, False]


def test_nothing_goes_and_nothing_is_asked_for_where_no_room_can_be_made(centre: Centre, at: datetime, old: list[BlobRef]) -> None:
    need(at, held(old[0]), held(old[1]), old[2])
    Blob.objects.filter(sha256=old[2].sha256).update(spare=1)
    (large,) = films(centre, 1, 2 * FILM)
    Wanted.objects.create(sha256=large.sha256, size=large.size, asked_at=at, asked_version=9, left_out=False)
    centre.requests.clear()
    with pytest.raises(DiskFull, match="超出课件限额"):
        queue.fetch_wanted(at, line=centre.line)
    assert here(*old) == [True, True, True]
    assert centre.requests == []
