"""The lean door of media answers as the view does, byte for byte; and a proxy in front is told which file to send."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.test import Client

from tests.asking import ask
from yuanjiao.flow.blobs import door, store
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.lib.rsgi import Asked

pytestmark = pytest.mark.django_db
FILM = os.urandom(2_500_000)
QUESTIONS: list[dict[str, str]] = [
    {},
    {"Range": "bytes=0-0"},
    {"Range": "bytes=1000000-2400000"},
    {"Range": "bytes=-5"},
    {"Range": "bytes=2500000-"},
    {"Range": "bytes=5-9", "If-Range": '"other"'},
    {"Range": "lines=1-2"},
    {"If-None-Match": "SELF"},
]


@pytest.fixture
def film() -> BlobRef:
    return store.put(FILM, media_type="video/mp4")


def lean(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    told = ask(door.door, Asked(method, path, headers={name.lower(): value for name, value in headers.items()}))
    return told.status, told.headers, told.body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_lean_door_and_the_view_say_the_same(film: BlobRef, question: dict[str, str], method: str) -> None:
    asked = {name: value.replace("SELF", f'"{film.sha256}"') for name, value in question.items()}
    path = f"/blobs/{film.sha256}.mp4"
    view = Client().generic(method, path, headers=asked)
    status, labels, body = lean(path, method, **asked)
    content = view.getvalue() if view.streaming else view.content
    assert (status, body) == (view.status_code, b"" if method == "HEAD" else content)
    names = ("content-type", "content-range", "etag", "cache-control", "accept-ranges", "content-encoding", "x-content-type-options")
    assert {name: labels.get(name) for name in names} == {name: view.headers.get(name) for name in names}
    if status in {200, 206}:
        assert labels["content-length"] == view["Content-Length"]


def test_what_is_not_here_is_404_and_what_is_no_media_name_goes_to_the_view(film: BlobRef) -> None:
    assert lean(f"/blobs/{'0' * 64}.mp4")[0] == 404
    taken = {
        f"/blobs/{film.sha256}.mp4": True,
        f"/blobs/{film.sha256}": False,
        f"/blobs/{film.sha256}.html": False,
        "/blobs/../../secret_key.mp4": False,
        f"/blobs/{film.sha256.upper()}.mp4": False,
        f"/blobs/{film.sha256}.mp4/": False,
    }
    assert {path: door.takes(path, "GET") for path in taken} == taken
    assert not door.takes(f"/blobs/{film.sha256}.mp4", "POST")


def test_a_proxy_in_front_is_told_the_file_and_sends_the_bytes_itself(film: BlobRef, settings: Any) -> None:
    settings.ACCEL_PREFIX = "/kept-blobs/"
    status, labels, body = lean(f"/blobs/{film.sha256}.mp4", Range="bytes=0-9")
    view = Client().get(f"/blobs/{film.sha256}.mp4", headers={"Range": "bytes=0-9"})
    assert (status, body, view.status_code, view.content) == (200, b"", 200, b"")
    assert labels["x-accel-redirect"] == view["X-Accel-Redirect"] == f"/kept-blobs/{film.sha256[:2]}/{film.sha256[2:]}"
    assert "content-length" not in labels, "the proxy says how much it sends"
    assert labels["content-type"] == "video/mp4"
