"""How python-tuf's client downloads: over our line, signed where asked, as differences to what we hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from yuanjiao.flow.catalogue import bundle
from yuanjiao.flow.catalogue.encoding import dictionary_header, unpack
from yuanjiao.flow.catalogue.shards import METADATA_URL, TARGETS_URL, shard_file
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import Unavailable

if TYPE_CHECKING:
    import httpx

VERSIONED = re.compile(r"\d+\.((?:snapshot|targets)\.json)")


class LineFetcher(FetcherInterface):
    """Addresses are paths on the line. `at_hand` answers come from memory: the timestamp we asked for already.

    What a new target file was a difference to stays in `earlier`, and what came with it in one answer in `bundles`, by their paths.
    """

    def __init__(self, line: Line, trusted: Path, shards: Path) -> None:
        self._line, self._trusted, self._shards = line, trusted, shards
        self.at_hand: dict[str, bytes] = {}
        self.earlier: dict[str, bytes] = {}
        self.bundles: dict[str, bytes] = {}

    def _fetch(self, url: str) -> Iterator[bytes]:
        if url in self.at_hand:
            return iter([self.at_hand[url]])
        return self._ask(url)

    def part(self, address: str, size: int, base: bytes | None) -> bytes:
        """A part of a document, not believed yet. Unavailable when the parent has none."""
        url = TARGETS_URL + address
        with self._line.stream(url, headers=_accepting(base), signed=True) as response:
            if response.status_code != 200:
                raise Unavailable("上级节点没有给出目录文档的分块，稍后重试")
            return b"".join(unpack(_encoding(response), self._line.pieces(response), base, most=size))

    def _ask(self, url: str) -> Iterator[bytes]:
        base, path = self._base(url), _target(url)
        headers = _accepting(base)
        if path and base is not None:
            self.earlier[path] = base
            headers["Accept"] = bundle.TYPE
        with self._line.stream(url, headers=headers, signed=bool(path)) as response:
            if response.status_code != 200:
                raise DownloadHTTPError(f"{url}: {response.status_code}", response.status_code)
            if path and base is not None and response.headers.get("Content-Type", "") == bundle.TYPE:
                self.bundles[path] = b"".join(unpack(_encoding(response), self._line.pieces(response), None))
                yield from bundle.shard_in(self.bundles[path], base)
            else:
                yield from unpack(_encoding(response), self._line.pieces(response), base)

    def _base(self, url: str) -> bytes | None:
        """What we hold of the same document, older."""
        path = self._earlier(url)
        return path.read_bytes() or None if path is not None and path.is_file() else None

    def _earlier(self, url: str) -> Path | None:
        if path := _target(url):
            return self._shards / shard_file(path)
        found = VERSIONED.fullmatch(url.removeprefix(METADATA_URL))
        return self._trusted / found[1] if found else None


def _target(url: str) -> str:
    """The target path that an address of a target file is of; nothing for metadata."""
    if not url.startswith(TARGETS_URL):
        return ""
    folder, _, name = url.removeprefix(TARGETS_URL).rpartition("/")
    return f"{folder}/{name.partition('.')[2]}"


def _encoding(response: httpx.Response) -> str:
    said: str = response.headers.get("Content-Encoding", "")
    return said


def _accepting(base: bytes | None) -> dict[str, str]:
    if base is None:
        return {"Accept-Encoding": "zstd"}
    return {"Accept-Encoding": "dcz, zstd", "Available-Dictionary": dictionary_header(base)}
