"""The RFC 6381 words of what a stream really holds, read from its own parameter sets and checked against what the container says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yuanjiao.courseware.packaging.flaw import NotProved

PREFIXES = {"baseline": "avc1.42", "main": "avc1.4d", "high": "avc1.64"}
START_CODE = re.compile(b"\x00\x00\x01")
SPS = 7


def avc1(extradata: bytes | None, packet: bytes = b"") -> str:
    """`avc1.PPCCLL` of a stream, from an avcC box or from start codes (`packet` is the first of a stream that has no box).

    An avcC box repeats three bytes of the parameter set; players read the one, decoders the other, so both must agree.
    """
    if extradata and extradata[0] == 1 and len(extradata) > 8:
        told, length = extradata[1:4], int.from_bytes(extradata[6:8], "big")
        held = extradata[8 : 8 + length]
        if len(held) < 4 or held[0] & 31 != SPS or held[1:4] != told:
            raise NotProved("H.264 参数与文件头所说不符")
        return f"avc1.{told.hex()}"
    for unit in units(extradata or packet) if extradata or packet else ():
        if unit[0] & 31 == SPS and len(unit) >= 4:
            return f"avc1.{unit[1:4].hex()}"
    raise NotProved("画面缺少 H.264 参数")


def mp4a(extradata: bytes | None, packet: bytes = b"") -> str:
    """`mp4a.40.N` of a stream, from its AudioSpecificConfig, or from an ADTS header."""
    if extradata:
        kind = extradata[0] >> 3
    elif is_adts(packet):
        kind = (packet[2] >> 6) + 1
    else:
        raise NotProved("声音缺少 AAC 参数")
    if kind != 2:
        raise NotProved(f"声音须为 AAC-LC，实为 mp4a.40.{kind}")
    return f"mp4a.40.{kind}"


def is_adts(packet: bytes) -> bool:
    return len(packet) > 7 and packet[0] == 0xFF and packet[1] & 0xF6 == 0xF0


def adts_length(packet: bytes) -> int:
    """Bytes of the header a transport stream puts before AAC: 7, or 9 with a checksum; 0 where there is none."""
    return 0 if not is_adts(packet) else 7 if packet[1] & 1 else 9


def units(data: bytes) -> Iterator[bytes]:
    """The NAL units between start codes, without the zeros that may stand behind each."""
    marks = [match.end() for match in START_CODE.finditer(data)]
    for begin, end in zip(marks, [mark - 3 for mark in marks[1:]] + [len(data)], strict=True):
        if unit := data[begin:end].rstrip(b"\x00"):
            yield unit


def counted_units(data: bytes, width: int = 4) -> Iterator[bytes]:
    """The NAL units of an MP4 sample, each behind its length."""
    at = 0
    while at + width <= len(data):
        length = int.from_bytes(data[at : at + width], "big")
        unit = data[at + width : at + width + length]
        if len(unit) != length or not length:
            raise NotProved("画面数据的长度不符")
        yield unit.rstrip(b"\x00")
        at += width + length
