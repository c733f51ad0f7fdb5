"""How python-tuf's client downloads: over our line, signed where asked, as differences to what we hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from yuanjiao.flow.catalogue.encoding import dictionary_header, unpack
from yuanjiao.flow.wire.client import Line

METADATA_URL = "/catalogue/metadata/"
TARGETS_URL = "/catalogue/targets/"
VERSIONED = re.compile(r"\d+\.((?:snapshot|targets)\.json)")


class LineFetcher(FetcherInterface):
    """Addresses are paths on the line. `at_hand` answers come from memory: the timestamp we asked for already."""

    def __init__(self, line: Line, trusted: Path, shards: Path) -> None:
        self._line, self._trusted, self._shards = line, trusted, shards
        self.at_hand: dict[str, bytes] = {}

    def _fetch(self, url: str) -> Iterator[bytes]:
        if url in self.at_hand:
            return iter([self.at_hand[url]])
        return self._ask(url)

    def _ask(self, url: str) -> Iterator[bytes]:
        base = self._base(url)
        headers = {"Accept-Encoding": "zstd" if base is None else "dcz, zstd"}
        if base is not None:
            headers["Available-Dictionary"] = dictionary_header(base)
        with self._line.stream(url, headers=headers, signed=url.startswith(TARGETS_URL)) as response:
            if response.status_code != 200:
                raise DownloadHTTPError(f"{url}: {response.status_code}", response.status_code)
            yield from unpack(response.headers.get("Content-Encoding", ""), self._line.pieces(response), base)

    def _base(self, url: str) -> bytes | None:
        """What we hold of the same document, older."""
        path = self._earlier(url)
        return path.read_bytes() or None if path is not None and path.is_file() else None

    def _earlier(self, url: str) -> Path | None:
        if url.startswith(TARGETS_URL):
            folder, _, name = url.removeprefix(TARGETS_URL).rpartition("/")
            return self._shards / shard_file(f"{folder}/{name.partition('.')[2]}")
        found = VERSIONED.fullmatch(url.removeprefix(METADATA_URL))
        return self._trusted / found[1] if found else None


def shard_file(path: str) -> str:
    """The file a document of the catalogue is kept in below: its target path in one flat name."""
    return quote(path, safe="")
