"""Small answers for small changes: a document sent as its difference to one the asker holds (RFC 9842, `dcz`), else as zstd.

Only the way bytes travel: what comes out is verified against signed digests like anything else. Pure.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator

import zstandard

from yuanjiao.lib.errors import Tampered

MAGIC = bytes.fromhex("5e2a4d1820000000")
LEVEL = 12
LARGEST = 64 * 1024 * 1024
"""An answer that unpacks to more is not ours, unless less was named. Larger documents come in parts."""
ROOM = 1024
"""What cannot be packed becomes a little larger."""


def dictionary_header(base: bytes) -> str:
    """The Available-Dictionary header of one who holds `base`."""
    return f":{base64.b64encode(hashlib.sha256(base).digest()).decode()}:"


def wanted_digest(header: str) -> str:
    """The hex digest an Available-Dictionary header names, or nothing."""
    try:
        digest = base64.b64decode(header.strip().strip(":"), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return digest.hex() if len(digest) == 32 else ""


def pack(content: bytes, base: bytes | None) -> tuple[str, bytes]:
    """Content-Encoding and body."""
    if not base:
        return "zstd", zstandard.ZstdCompressor(level=LEVEL).compress(content)
    compressor = zstandard.ZstdCompressor(dict_data=_dictionary(base), compression_params=_parameters(content, base))
    return "dcz", MAGIC + hashlib.sha256(base).digest() + compressor.compress(content)


def unpack(encoding: str, body: Iterator[bytes], base: bytes | None, *, most: int = LARGEST) -> Iterator[bytes]:
    """The content piece by piece. Tampered for what cannot be unpacked or would be more than `most` bytes."""
    if encoding in {"", "identity"}:
        return _bounded(body, most)
    packed = b"".join(_bounded(body, most + ROOM))
    if encoding == "dcz" and base is not None and packed.startswith(MAGIC + hashlib.sha256(base).digest()):
        return _unpacked(zstandard.ZstdDecompressor(dict_data=_dictionary(base), max_window_size=2**27), packed[40:], most)
    if encoding == "zstd":
        return _unpacked(zstandard.ZstdDecompressor(max_window_size=2**27), packed, most)
    raise Tampered(f"目录应答的压缩方式无法识别：{encoding[:20]}")


def _unpacked(decompressor: zstandard.ZstdDecompressor, packed: bytes, most: int) -> Iterator[bytes]:
    try:
        yield from _bounded(decompressor.read_to_iter(packed), most)
    except zstandard.ZstdError:
        raise Tampered("目录应答无法解压") from None


def _bounded(pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    left = most
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise Tampered("目录应答过大")
        yield piece


def _dictionary(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _parameters(content: bytes, base: bytes) -> zstandard.ZstdCompressionParameters:
    """A window that reaches back over the whole base."""
    window = min(max((len(content) + len(base)).bit_length(), 17), 27)
    return zstandard.ZstdCompressionParameters.from_level(LEVEL, window_log=window)
