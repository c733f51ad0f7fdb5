"""A centre that publishes and a line to it, for the tests of the catalogue: the real doors, reached without a socket.

The centre has its own HOME. What is on the line can be spoilt: `spoil[path]` turns an answer into another one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx
from django.test import Client, override_settings

from yuanjiao.flow.blobs import store
from yuanjiao.flow.catalogue import publish as publishing
from yuanjiao.flow.catalogue.repository import Repository
from yuanjiao.flow.catalogue.signing import signers
from yuanjiao.flow.wire.client import Line

COUNTY = "/990000000000/990100000000/990101000000/"
OTHER = "/990000000000/990100000000/990102000000/"
Spoiler = Callable[[httpx.Response], httpx.Response]


class Centre(httpx.BaseTransport):
    """A published catalogue behind its doors. Counts requests and the bytes of answers as HTTP/1.1 would send them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.requests: list[str] = []
        self.bytes_down = self.bytes_up = 0
        self.spoil: dict[str, Spoiler] = {}
        self.line = Line("http://parent.test", transport=self)

    def publish(self, at: datetime) -> int | None:
        with override_settings(HOME=self.home):
            return publishing.publish(at)

    def publish_exactly(self, contents: dict[str, bytes], at: datetime, **other_keys: str) -> int | None:
        """Publish these target files, a role signed by another role's key where `other_keys` says so (an attacker's doing)."""
        with override_settings(HOME=self.home):
            own = signers()
            return Repository(self.public, own | {role: own[key] for role, key in other_keys.items()}).publish(contents, at=at)

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """What is done inside is done on the centre's machine."""
        with override_settings(HOME=self.home):
            yield

    def contents(self) -> dict[str, bytes]:
        with override_settings(HOME=self.home):
            return publishing.contents()

    def put_blob(self, content: bytes, media_type: str = "video/mp4") -> store.BlobRef:
        with override_settings(HOME=self.home):
            return store.put(content, media_type=media_type)

    def blob_path(self, ref: store.BlobRef) -> Path:
        with override_settings(HOME=self.home):
            return store.path(ref.sha256)

    @property
    def public(self) -> Path:
        return self.home / "catalogue" / "public"

    @property
    def root(self) -> bytes:
        return (self.public / "metadata" / "root.json").read_bytes()

    def keep(self) -> Path:
        """A copy of all it serves, to come back to later."""
        kept = self.home / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.public, kept)
        return kept

    def bring_back(self, kept: Path) -> None:
        shutil.rmtree(self.public)
        shutil.copytree(kept, self.public)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.requests.append(path)
        self.bytes_up += len(path) + 20 + sum(len(name) + len(value) + 4 for name, value in request.headers.raw)
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        with override_settings(HOME=self.home):
            found = Client().generic(request.method, path, request.read(), headers=headers)
            content = b"".join(found.streaming_content) if found.streaming else found.content  # type: ignore[attr-defined]
        answer = plain(found.status_code, content, dict(found.headers))
        for part, spoiler in self.spoil.items():
            if part in path:
                answer = spoiler(answer)
        self.bytes_down += 17 + len(answer.extensions["content"]) + sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
        return answer


class Pieces(httpx.SyncByteStream):
    """A body in small pieces; a line that breaks raises after `breaks_after` bytes."""

    def __init__(self, content: bytes, breaks_after: int | None = None) -> None:
        self.content, self.breaks_after = content, breaks_after

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.content), 1000):
            if self.breaks_after is not None and start + 1000 > self.breaks_after:
                yield self.content[start : self.breaks_after]
                raise httpx.ReadError("the line is cut")
            yield self.content[start : start + 1000]


def plain(status: int, content: bytes, headers: dict[str, str], breaks_after: int | None = None) -> httpx.Response:
    return httpx.Response(status, headers=headers, stream=Pieces(content, breaks_after), extensions={"content": content})


def replaced(content: bytes) -> Spoiler:
    """The answer is this instead, as plain bytes."""
    return lambda _: plain(200, content, {})


def changed(change: Callable[[bytes], bytes]) -> Spoiler:
    """The answer's bytes go through `change`."""
    return lambda answer: plain(answer.status_code, change(answer.extensions["content"]), dict(answer.headers))


def lost(answer: httpx.Response) -> httpx.Response:
    """The line is cut half way through the answer."""
    content = answer.extensions["content"]
    return plain(answer.status_code, content, dict(answer.headers), breaks_after=len(content) // 2)


def missing(answer: httpx.Response) -> httpx.Response:
    return plain(404, b"", {})
