"""Finished HTTP answers kept in memory, each in the encodings that were asked for. Knows no server and no framework.

An answer is made once, compressed once per encoding, and named by its content (ETag), so that an asker who has it gets 304 and
no bytes. What lasts is compressed again, as well as can be, in a thread of its own: the first asker does not wait for that, nor does
whoever else is being answered. The store holds at most so many bytes; what was asked for longest ago goes first.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import brotli
import zstandard

Headers = list[tuple[bytes, bytes]]

SMALLEST = 500
"""Bytes below which compression gains nothing worth a header."""
BEST_BYTES = 200_000
"""Up to this size the slowest, best brotli is worth its time."""
ENCODINGS = (b"br", b"zstd", b"gzip")
"""In the order we like them."""
BETTER = ThreadPoolExecutor(1, "compress")
"""Where the best forms of lasting answers are made. brotli and zstd let others run meanwhile."""
TEXTS = (b"text/", b"application/javascript", b"application/json", b"application/manifest+json", b"image/svg+xml")


def wanted_encoding(accepted: bytes) -> bytes:
    """The encoding we like best of those an Accept-Encoding header allows; empty for none (RFC 9110, 12.5.3)."""
    allowed = set()
    for part in accepted.lower().split(b","):
        name, _, weight = part.partition(b";")
        if weight.replace(b" ", b"").strip() not in {b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"}:
            allowed.add(name.strip())
    return next((one for one in ENCODINGS if one in allowed), b"")


def compressed(body: bytes, encoding: bytes, *, best: bool = False) -> bytes:
    """The body in one of ENCODINGS. `best` spends a second on a large file that is kept for long."""
    if encoding == b"br":
        return bytes(brotli.compress(body, quality=(11 if len(body) <= BEST_BYTES else 9) if best else 5))
    if encoding == b"zstd":
        return zstandard.ZstdCompressor(level=19 if best else 9).compress(body)
    return gzip.compress(body, 9 if best else 6, mtime=0)


@dataclass
class Answer:
    """One whole 200 answer as it was made, without the headers that depend on the asker."""

    headers: Headers
    body: bytes
    stamp: object = None
    """What the world looked like before it was made; another stamp may mean another answer."""
    lasting: bool = False
    """It cannot change while the process lives: a static file."""
    forms: dict[bytes, bytes] = field(default_factory=dict)
    etag: bytes = b""

    def __post_init__(self) -> None:
        self.etag = b'W/"' + hashlib.sha256(self.body).hexdigest()[:20].encode() + b'"'

    @property
    def is_text(self) -> bool:
        kind = next((value for name, value in self.headers if name.lower() == b"content-type"), b"")
        return kind.startswith(TEXTS) and len(self.body) >= SMALLEST

    def form(self, encoding: bytes) -> bytes:
        """The body in that encoding, made quickly when it is asked for the first time; of what lasts the best form comes after it."""
        if encoding not in self.forms:
            self.forms[encoding] = compressed(self.body, encoding)
            if self.lasting:
                BETTER.submit(self._improve, encoding)
        return self.forms[encoding]

    def _improve(self, encoding: bytes) -> None:
        self.forms[encoding] = compressed(self.body, encoding, best=True)

    def for_asker(self, accepted: bytes, known: bytes) -> tuple[int, Headers, bytes]:
        """Status, headers and body for one asker: what encodings they accept, which versions they say they have."""
        base = [*self.headers, (b"etag", self.etag)]
        if known and self.etag in known:
            return 304, base, b""
        encoding = wanted_encoding(accepted) if self.is_text else b""
        body = self.form(encoding) if encoding else self.body
        if encoding:
            base.append((b"content-encoding", encoding))
        return 200, [*base, (b"content-length", str(len(body)).encode())], body

    @property
    def size(self) -> int:
        return len(self.body) + sum(map(len, self.forms.values()))


class Kept:
    """Answers by their key, the one asked for longest ago leaving when there are more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable) -> Answer | None:
        found = self._answers.get(key)
        if found is not None:
            self._answers.move_to_end(key)
        return found

    def put(self, key: Hashable, answer: Answer) -> None:
        """Keep it; twice its size is reckoned, for the forms still to come."""
        self.drop(key)
        if 2 * len(answer.body) > self._limit:
            return
        self._answers[key] = answer
        self._bytes += 2 * len(answer.body)
        while self._bytes > self._limit:
            self.drop(next(iter(self._answers)))

    def drop(self, key: Hashable) -> None:
        gone = self._answers.pop(key, None)
        if gone is not None:
            self._bytes -= 2 * len(gone.body)

    def __len__(self) -> int:
        return len(self._answers)
