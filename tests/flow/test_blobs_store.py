"""The store: verified while written, one rename, no half files, no odd names."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from yuanjiao.flow.blobs import store
from yuanjiao.flow.models import Blob
from yuanjiao.lib.errors import DiskFull, NotFound, Tampered

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 9000


def files(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in (home / "blobs").rglob("*") if path.is_file())


@pytest.mark.parametrize("form", ["path", "text", "bytes", "stream"])
def test_what_is_put_is_found_under_its_digest(form: str, tmp_path: Path) -> None:
    source = tmp_path / "课件.mp4"
    source.write_bytes(CONTENT)
    given = {"path": source, "text": str(source), "bytes": CONTENT, "stream": BytesIO(CONTENT)}[form]
    found = store.put(given)  # type: ignore[arg-type]
    assert found.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert found.size == len(CONTENT)
    assert store.has(found.sha256)
    assert store.path(found.sha256).read_bytes() == CONTENT
    assert files(tmp_path) == [f"blobs/{found.sha256[:2]}/{found.sha256[2:]}"]
    assert store.ref(found.sha256).media_type == ("video/mp4" if form in {"path", "text"} else "application/octet-stream")


def test_the_same_bytes_twice_are_one_blob_and_a_later_type_makes_it_better_known() -> None:
    first, second = store.put(CONTENT), store.put(CONTENT, media_type="audio/mp4")
    assert first.sha256 == second.sha256
    assert Blob.objects.get().media_type == "audio/mp4"
    assert store.put(CONTENT, media_type="video/mp4").media_type == "audio/mp4", "the first real type stays"


def test_bytes_that_are_not_what_they_say_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(Tampered, match="摘要不符"):
        store.put(CONTENT, expect="0" * 64)
    assert files(tmp_path) == []
    assert not Blob.objects.exists()


def test_a_disk_that_is_nearly_full_stops_the_intake_before_a_byte_is_written(tmp_path: Path, settings: Any) -> None:
    settings.MIN_FREE_BYTES = 1 << 60
    with pytest.raises(DiskFull, match="磁盘空间不足"):
        store.put(CONTENT)
    assert files(tmp_path) == []


@pytest.mark.parametrize("name", ["", "..", "0" * 63, "0" * 65, "A" * 64, "../" + "0" * 61, "0" * 63 + "\n", "．" * 64])
def test_a_name_that_is_no_digest_is_nobodys(name: str) -> None:
    with pytest.raises(NotFound):
        store.path(name)


def test_a_forgotten_blob_is_gone_from_disk_and_table() -> None:
    ref = store.put(CONTENT)
    assert store.forget(ref.sha256) == len(CONTENT)
    assert not store.has(ref.sha256)
    assert store.forget(ref.sha256) == 0
    with pytest.raises(NotFound):
        store.ref(ref.sha256)
