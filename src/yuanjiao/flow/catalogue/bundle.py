"""A bundle: a changed shard and all its changed parts in one answer, as differences to what the asker holds.

4 bytes, big-endian: n. Then n bytes: the new target file as its difference (dcz) to the old one. Then the parts that only the new one
names, in their order, as the difference to the parts that only the old one names, in theirs; when it has none such, as zstd. A whole
old document (form 1) is its own only part. Like every way of packing, a bundle proves nothing: digests decide. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from yuanjiao.flow.catalogue.encoding import pack, unpack
from yuanjiao.flow.catalogue.parts import FORM, Part, changes, form_of, is_part
from yuanjiao.lib.errors import Tampered

TYPE = "application/vnd.yuanjiao.parts"
MOST = 32 * 1024 * 1024
"""Changes of more bytes, on either side, are brought part by part: what came then is not lost with the line."""
LENGTH = struct.Struct(">I")


def bundled(old: bytes, new: bytes, read: Callable[[Part], bytes | None]) -> bytes | None:
    """The answer for one who holds all of the old document; None when there is nothing to bundle, or too much, or a part is lacking."""
    gone, come = changes(old, new)
    if not come or max(_size(gone), _size(come)) > MOST:
        return None
    base, content = _base(old, gone, read), _read_all(come, read)
    if base is None or content is None or len(base) > MOST:
        return None
    _, first = pack(new, old)
    _, second = pack(content, base or None)
    return LENGTH.pack(len(first)) + first + second


def shard_in(body: bytes, old: bytes) -> Iterator[bytes]:
    """The new target file, piece by piece. Tampered for what is no bundle."""
    return unpack("dcz", iter([body[4 : 4 + _length(body)]]), old)


def parts_in(body: bytes, old: bytes, new: bytes, read: Callable[[Part], bytes | None]) -> list[tuple[Part, bytes]]:
    """The parts that only the new target file names. Tampered when others came; nothing when an old part is not here any more."""
    gone, come = changes(old, new)
    base = _base(old, gone, read) if max(_size(gone), _size(come)) <= MOST else None
    if base is None:
        return []
    packed = iter([body[4 + _length(body) :]])
    content = b"".join(unpack("dcz", packed, base) if base else unpack("zstd", packed, None))
    found, at = [], 0
    for part in come:
        piece = content[at : at + part.size]
        if not is_part(piece, part):
            raise Tampered("目录文档的分块与签名的摘要不符")
        found.append((part, piece))
        at += part.size
    return found


def _length(body: bytes) -> int:
    if len(body) < LENGTH.size:
        raise Tampered("目录应答无法解压")
    length: int = LENGTH.unpack_from(body)[0]
    return length


def _base(old: bytes, gone: list[Part], read: Callable[[Part], bytes | None]) -> bytes | None:
    return _read_all(gone, read) if form_of(old) == FORM else old


def _read_all(parts: list[Part], read: Callable[[Part], bytes | None]) -> bytes | None:
    found = []
    for part in parts:
        content = read(part)
        if content is None:
            return None
        found.append(content)
    return b"".join(found)


def _size(parts: list[Part]) -> int:
    return sum(part.size for part in parts)
