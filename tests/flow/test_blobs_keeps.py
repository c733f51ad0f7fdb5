"""What holds wherever blobs are kept: on a disk, or in a bucket of a real S3 server."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from yuanjiao.flow.blobs import quota, store
from yuanjiao.flow.blobs.keeping import GRACE, held, mark_listed, sweep_blobs
from yuanjiao.flow.blobs.models import Spoilt, Trouble, Wanted
from yuanjiao.flow.blobs.scrub import bring_back, scrub_all, scrub_blobs, spoilt_now
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.models import Blob
from yuanjiao.lib.errors import DiskFull, NotFound, Tampered

pytestmark = pytest.mark.django_db
CONTENT = os.urandom(2_300_000)


@dataclass
class Keep:
    """How a test does harm to a kept blob, past all that is ours."""

    overwrite: Callable[[str, bytes], object]
    remove: Callable[[str], object]
    look: Callable[[str], bytes]


@pytest.fixture(params=["disk", "bucket"])
def keep(request: pytest.FixtureRequest) -> Keep:
    if request.param == "disk":
        return Keep(lambda name, content: store.path(name).write_bytes(content), lambda name: store.path(name).unlink(), _file)
    s3 = request.getfixturevalue("s3")
    return Keep(
        lambda name, content: s3.put(f"{name[:2]}/{name[2:]}", content),
        lambda name: s3.delete(f"{name[:2]}/{name[2:]}"),
        lambda name: bytes(s3.get(f"{name[:2]}/{name[2:]}").bytes()),
    )


def _file(name: str) -> bytes:
    return store.path(name).read_bytes()


def quick(_: float) -> None:
    """A test does not wait."""


def flipped(content: bytes) -> bytes:
    return content[:1000] + bytes([content[1000] ^ 1]) + content[1001:]


def strays(settings: Any) -> list[str]:
    """Files of what is under way."""
    return [path.name for path in (Path(settings.HOME) / "blobs" / "parts").glob("*")]


@pytest.mark.parametrize("size", [0, 1, 2_300_000, 20_000_000])
def test_what_is_put_is_had_again_whole_and_in_part(keep: Keep, size: int, settings: Any) -> None:
    content = os.urandom(size)
    ref = store.put(content, media_type="video/mp4")
    assert ref == BlobRef(hashlib.sha256(content).hexdigest(), size, "video/mp4")
    assert store.has(ref.sha256)
    assert store.ref(ref.sha256) == ref
    assert keep.look(ref.sha256) == content
    assert store.read(ref.sha256) == content
    with store.local(ref.sha256) as path, store.local(ref.sha256) as again:
        assert path.read_bytes() == again.read_bytes() == content
    assert strays(settings) == []
    if size > 1_500_000:
        assert b"".join(store.pieces(ref.sha256, 1_000_001, 300_007, 1000)) == content[1_000_001:1_300_008]


def test_a_second_put_of_the_same_changes_nothing_and_another_digest_keeps_nothing(keep: Keep, settings: Any) -> None:
    first = store.put(CONTENT)
    assert store.put(CONTENT, media_type="audio/mp4").sha256 == first.sha256
    assert Blob.objects.get().media_type == "audio/mp4"
    with pytest.raises(Tampered, match="摘要不符"):
        store.put(b"other", expect=first.sha256)
    assert keep.look(first.sha256) == CONTENT
    assert not store.has(hashlib.sha256(b"other").hexdigest())
    assert strays(settings) == []


def test_what_is_not_here_is_not_found_by_anybody(keep: Keep) -> None:
    name = "0" * 64
    assert not store.has(name)
    assert store.size_of(name) is None
    for ask in (store.ref, store.read, lambda name: list(store.pieces(name, 0, 1)), lambda name: store.local(name).__enter__()):
        with pytest.raises(NotFound):
            ask(name)
    assert Client().get(f"/blobs/{name}").status_code == 404
    assert store.forget(name) == 0


def test_many_small_ones_at_once_and_all_of_them_let_go(keep: Keep, settings: Any) -> None:
    contents = [os.urandom(2000) for _ in range(20)]
    refs = [BlobRef(hashlib.sha256(content).hexdigest(), 2000, "image/jpeg") for content in contents]
    store.put_many(list(zip(refs, contents, strict=True)))
    assert [keep.look(ref.sha256) for ref in refs] == contents
    assert held() == (20, 40_000)
    assert sum(store.forget(ref.sha256) for ref in refs) == 40_000
    assert not any(store.has(ref.sha256) for ref in refs)
    assert held() == (0, 0)
    assert strays(settings) == []


def test_no_room_stops_before_anything_is_written(keep: Keep, settings: Any) -> None:
    settings.MIN_FREE_BYTES = 1 << 60
    with pytest.raises(DiskFull, match="磁盘空间不足"):
        store.put(CONTENT)
    assert not store.has(hashlib.sha256(CONTENT).hexdigest())
    assert not Blob.objects.exists()
    assert strays(settings) == []


@pytest.mark.parametrize(
    ("asked", "status", "span"),
    [
        ({}, 200, slice(None)),
        ({"Range": "bytes=1000000-2000000"}, 206, slice(1_000_000, 2_000_001)),
        ({"Range": "bytes=9999999-"}, 416, None),
    ],
)
def test_the_door_gives_what_was_asked_for(keep: Keep, asked: dict[str, str], status: int, span: slice | None) -> None:
    ref = store.put(CONTENT, media_type="video/mp4")
    for suffix in ("", ".mp4"):
        answer = Client().get(f"/blobs/{ref.sha256}{suffix}", headers=asked)
        assert (answer.status_code, answer["Content-Type"], answer["ETag"]) == (status, "video/mp4", f'"{ref.sha256}"')
        assert answer.getvalue() == (CONTENT[span] if span is not None else b"")


@pytest.mark.clause("NET07")
@pytest.mark.parametrize("harm", ["flipped", "truncated", "gone"])
def test_what_is_spoilt_is_found_noted_served_by_nobody_and_mended(
    keep: Keep, harm: str, at: datetime, tmp_path: Path, settings: Any
) -> None:
    sound, ref = store.put(b"sound"), store.put(CONTENT, media_type="video/mp4")
    assert scrub_all(at, sleep=quick) == 0
    harms: dict[str, Callable[[], object]] = {
        "flipped": lambda: keep.overwrite(ref.sha256, flipped(CONTENT)),
        "truncated": lambda: keep.overwrite(ref.sha256, CONTENT[:-1]),
        "gone": lambda: keep.remove(ref.sha256),
    }
    harms[harm]()
    assert scrub_all(at, sleep=quick) == 1
    noted = Spoilt.objects.get()
    assert (noted.sha256, noted.trouble) == (ref.sha256, Trouble.GONE if harm == "gone" else Trouble.ROTTEN)
    assert [row.sha256 for row in spoilt_now(at).lost] == [ref.sha256], "made here: nobody else can give it"
    assert not store.has(ref.sha256)
    assert Client().get(f"/blobs/{ref.sha256}").status_code == 404
    assert store.has(sound.sha256)
    (tmp_path / "copy").write_bytes(CONTENT)
    assert bring_back(tmp_path / "copy", at=at) == ref.sha256
    assert keep.look(ref.sha256) == CONTENT
    assert spoilt_now(at).spoilt == ()
    assert scrub_all(at, sleep=quick) == 0


def test_a_spoilt_blob_of_the_catalogue_is_wanted_again(keep: Keep, at: datetime) -> None:
    ref = store.put(CONTENT, media_type="video/mp4")
    mark_listed([ref.sha256], at=at)
    keep.overwrite(ref.sha256, flipped(CONTENT))
    scrub_blobs(at, sleep=quick)
    assert scrub_all(at, sleep=quick) == 1
    assert [(row.sha256, row.again) for row in Wanted.objects.all()] == [(ref.sha256, True)]
    assert not store.has(ref.sha256)


def test_what_the_catalogue_let_go_of_goes_after_its_grace_and_the_quota_lets_go_at_once(keep: Keep, at: datetime, settings: Any) -> None:
    old, spare = store.put(CONTENT), store.put(CONTENT[:1_000_000])
    mark_listed([old.sha256, spare.sha256], at=at)
    mark_listed([spare.sha256], at=at)
    assert sweep_blobs(at) == 0
    assert sweep_blobs(at + GRACE * 2) == len(CONTENT)
    assert not store.has(old.sha256)
    Blob.objects.update(spare=1)
    settings.BLOB_QUOTA = 1_500_000
    quota.make_room(700_000, at=at)
    assert not store.has(spare.sha256)
    assert [(row.sha256, row.left_out) for row in Wanted.objects.all()] == [(spare.sha256, True)]
