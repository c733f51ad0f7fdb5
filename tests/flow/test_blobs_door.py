"""The door /blobs/<sha256> as browsers, old boxes and our own nodes use it."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client

from yuanjiao.flow.blobs import store

pytestmark = pytest.mark.django_db
CONTENT = b"0123456789" * 100_000


@pytest.fixture
def ref() -> store.BlobRef:
    return store.put(CONTENT, media_type="video/mp4")


def body(answer: HttpResponse) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]


def test_the_whole_blob_comes_typed_and_cacheable_for_ever(ref: store.BlobRef) -> None:
    answer = Client().get(f"/blobs/{ref.sha256}", headers={"Accept-Encoding": "gzip, br"})
    assert (answer.status_code, body(answer)) == (200, CONTENT)
    assert answer["Content-Type"] == "video/mp4"
    assert answer["Content-Length"] == str(len(CONTENT))
    assert answer["ETag"] == f'"{ref.sha256}"'
    assert "immutable" in answer["Cache-Control"]
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("header", "first", "last"), [("bytes=0-1", 0, 1), ("bytes=999990-", 999_990, 999_999), ("bytes=-7", 999_993, 999_999)]
)
def test_one_range_comes_as_206_with_its_place(ref: store.BlobRef, header: str, first: int, last: int) -> None:
    answer = Client().get(f"/blobs/{ref.sha256}", headers={"Range": header, "Accept-Encoding": "gzip"})
    assert (answer.status_code, body(answer)) == (206, CONTENT[first : last + 1])
    assert answer["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert answer["Content-Length"] == str(last - first + 1)


def test_a_range_behind_the_end_is_416_and_says_the_size(ref: store.BlobRef) -> None:
    answer = Client().get(f"/blobs/{ref.sha256}", headers={"Range": "bytes=1000000-"})
    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{len(CONTENT)}"


def test_a_range_for_another_version_gives_the_whole(ref: store.BlobRef) -> None:
    stale = Client().get(f"/blobs/{ref.sha256}", headers={"Range": "bytes=5-9", "If-Range": '"other"'})
    fresh = Client().get(f"/blobs/{ref.sha256}", headers={"Range": "bytes=5-9", "If-Range": f'"{ref.sha256}"'})
    assert (stale.status_code, len(body(stale))) == (200, len(CONTENT))
    assert (fresh.status_code, body(fresh)) == (206, b"56789")


def test_who_has_it_already_gets_no_bytes(ref: store.BlobRef) -> None:
    answer = Client().get(f"/blobs/{ref.sha256}", headers={"If-None-Match": f'"{ref.sha256}"'})
    assert (answer.status_code, answer.content) == (304, b"")


def test_head_tells_the_size_and_sends_nothing(ref: store.BlobRef) -> None:
    answer = Client().head(f"/blobs/{ref.sha256}", headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Content-Length"] == str(len(CONTENT))


@pytest.mark.parametrize(
    ("suffix", "media_type"), [(".mp4", "video/mp4"), (".m4a", "audio/mp4"), (".jpg", "image/jpeg"), (".vtt", "text/vtt")]
)
def test_a_suffix_chooses_the_type_for_old_boxes(ref: store.BlobRef, suffix: str, media_type: str) -> None:
    assert Client().head(f"/blobs/{ref.sha256}{suffix}")["Content-Type"] == media_type


def test_an_uploaded_page_is_never_served_as_a_page() -> None:
    evil = store.put(b"<script>alert(1)</script>", media_type="text/html")
    answer = Client().get(f"/blobs/{evil.sha256}")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == "attachment"
    assert Client().get(f"/blobs/{evil.sha256}.html").status_code == 404


@pytest.mark.parametrize("name", ["0" * 64, "x", "..%2f..%2fsecret_key", "0" * 64 + "/etc"])
def test_a_name_nobody_has_is_404(name: str) -> None:
    assert Client().get(f"/blobs/{name}").status_code == 404


def test_an_empty_blob_is_served_and_has_no_ranges() -> None:
    nothing = store.put(b"", media_type="text/vtt")
    assert body(Client().get(f"/blobs/{nothing.sha256}")) == b""
    assert Client().get(f"/blobs/{nothing.sha256}", headers={"Range": "bytes=0-"}).status_code == 416


def test_writing_to_the_door_is_refused(ref: store.BlobRef) -> None:
    assert Client().post(f"/blobs/{ref.sha256}").status_code == 405
