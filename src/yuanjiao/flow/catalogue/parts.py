"""Parts: a large document is cut into files of their own, so that a changed row costs its part and not the whole.

Where a part ends depends on what stands there and not on how much stands before it: rows may come and go elsewhere. The blobs that a
part's rows name stand in the part too. The shard, which is signed, names the parts in their order; they lie beside it under the same
door. What a part is may never change (docs/flow.md): another cut gives other parts, which is allowed, another form gets a new FORM.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from yuanjiao.flow.blobs.store import BlobRef, is_name
from yuanjiao.flow.catalogue.shelf import Offer, from_document, to_document
from yuanjiao.lib.errors import Tampered

FORM = 2
WHOLE = 256 * 1024
"""A document of so many bytes is not cut: its shard is one file, of form 1."""
LEAST, MOST, ONE_IN = 32 * 1024, 512 * 1024, 256
"""A part ends after a row whose CRC-32 is divisible by ONE_IN once it has LEAST bytes, and before it would have more than MOST."""
LARGEST = 4 * 1024 * 1024
"""A part of more bytes, its blobs among them, is not ours."""
ROWS, TEXTS = b"},{", b'","'
DIGEST = re.compile(rb"[0-9a-f]{64}")
BLOBS = msgspec.json.Decoder(tuple[BlobRef, ...])


class Part(msgspec.Struct, frozen=True, array_like=True):
    """What names a part: 64 hex digits of its SHA-256 and its bytes."""

    sha256: str
    size: int


class Parted(msgspec.Struct, frozen=True, kw_only=True):
    """The target file of a document that was cut. `blobs` are those whose names stand in no part.

    `document` is empty; it lets software that knows no parts say that it must be upgraded.
    """

    form: int = FORM
    shelf: str
    scope: str
    blobs: tuple[BlobRef, ...]
    document: None = None
    parts: tuple[Part, ...]


class _Form(msgspec.Struct):
    form: int = 1


def form_of(content: bytes) -> int:
    """The form of a target file. Tampered when it is none."""
    return from_document(content, _Form).form


def named(content: bytes) -> tuple[Part, ...]:
    """The parts a target file names; none when it is one whole document."""
    return from_document(content, Parted).parts if form_of(content) == FORM else ()


def divide(shelf: str, scope: str, offer: Offer) -> tuple[bytes, dict[str, bytes]]:
    """The target file of a document that is cut, and its parts by their digests."""
    known: dict[bytes, list[BlobRef]] = defaultdict(list)
    for blob in sorted(set(offer.blobs)):
        known[blob.sha256.encode()].append(blob)
    left, listed, contents = set(known), [], {}
    for piece in cut(offer.document):
        names = known.keys() & set(DIGEST.findall(piece))
        left -= names
        content = to_document([blob for name in sorted(names) for blob in known[name]]) + b"\n" + piece
        sha256 = hashlib.sha256(content).hexdigest()
        listed.append(Part(sha256, len(content)))
        contents[sha256] = content
    blobs = tuple(blob for name in sorted(left) for blob in known[name])
    return to_document(Parted(shelf=shelf, scope=scope, blobs=blobs, parts=tuple(listed))), contents


def join(parted: Parted, read: Callable[[Part], bytes]) -> tuple[tuple[BlobRef, ...], bytes]:
    """All blobs and the whole document again. Tampered when a part is none; `read` answers for its digest."""
    blobs, pieces = set(parted.blobs), []
    for part in parted.parts:
        if not is_name(part.sha256) or not 0 < part.size <= LARGEST:
            raise Tampered("目录文档的分块表无法读取")
        listed, mark, piece = read(part).partition(b"\n")
        try:
            blobs.update(BLOBS.decode(listed))
        except msgspec.DecodeError:
            raise Tampered("目录文档的分块无法读取") from None
        if not mark:
            raise Tampered("目录文档的分块无法读取")
        pieces.append(piece)
    return tuple(sorted(blobs)), b"".join(pieces)


def is_part(content: bytes, part: Part) -> bool:
    """Whether these bytes are that part."""
    return len(content) == part.size and hashlib.sha256(content).hexdigest() == part.sha256


def changes(old: bytes, new: bytes) -> tuple[list[Part], list[Part]]:
    """The parts of the old target file that the new one does not name, and the other way round, each in its order."""
    before, after = named(old), named(new)
    kept = {part.sha256 for part in before} & {part.sha256 for part in after}
    return _others(before, kept), _others(after, kept)


def _others(parts: Iterable[Part], kept: set[str]) -> list[Part]:
    found = {part.sha256: part for part in parts if part.sha256 not in kept}
    return list(found.values())


def stood_before(old: Sequence[Part], new: Sequence[Part]) -> Mapping[str, Part]:
    """For each new part, by its digest, the old one at whose place it stands: the best base of a difference."""
    places, kept = {part.sha256: place for place, part in enumerate(old)}, {part.sha256 for part in new}
    found, next_place = {}, 0
    for part in new:
        if part.sha256 in places:
            next_place = places[part.sha256] + 1
        elif next_place < len(old) and old[next_place].sha256 not in kept:
            found[part.sha256] = old[next_place]
            next_place += 1
    return found


# -- the cut ------------------------------------------------------------------------------------------------------------------


def cut(document: bytes) -> Iterator[bytes]:
    """The document in pieces of at most MOST bytes; put together they are the document."""
    view, begin, at = memoryview(document), 0, 0
    for end in _edges(document):
        if end - begin > MOST:
            yield document[begin:at]
            begin = at
        if end - begin >= LEAST and zlib.crc32(view[at:end]) % ONE_IN == 0:
            yield document[begin:end]
            begin = end
        at = end
    if at > begin:
        yield document[begin:at]


def _edges(document: bytes) -> Iterator[int]:
    """Where the document may be cut, its end last: between rows; inside what is long without any, between texts; else anywhere."""
    at = 0
    for row in _behind(ROWS, document, 0, len(document)):
        for end in (row,) if row - at <= LEAST else _behind(TEXTS, document, at, row):
            while end - at > LEAST:
                at += LEAST
                yield at
            yield end
            at = end


def _behind(mark: bytes, document: bytes, begin: int, end: int) -> Iterator[int]:
    """Behind every comma between two of a kind, and at the end."""
    at = document.find(mark, begin, end)
    while at >= 0:
        yield at + 2
        at = document.find(mark, at + 2, end)
    yield end
