"""What the encoder said it wrote, against what the file holds. The digest is taken by ffmpeg on the way from the encoder to the file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yuanjiao.courseware.packaging import codecs
from yuanjiao.courseware.packaging.flaw import NotProved

if TYPE_CHECKING:  # PyAV is loaded with the first film, not at every start
    from av.packet import Packet
    from av.stream import Stream

SLICES = frozenset({1, 5})


class Digest:
    """SHA-256 over the packets of one stream, in the form the encoder gave them, whatever box they lie in."""

    def __init__(self, stream: Stream) -> None:
        extradata = stream.codec_context.extradata if stream.codec_context else None
        self._sliced = stream.type == "video" and stream.codec_context.name == "h264"
        self._counted = bool(extradata and extradata[0] == 1)
        self._digest = hashlib.sha256()

    def take(self, packet: Packet[Any]) -> None:
        """Add a packet. NotProved when its parts do not fill it, or the container's own marks do not fit."""
        if packet.is_corrupt:
            raise NotProved("文件的分段标记不连续，写盘时可能损坏")
        data = bytes(packet)
        if not self._sliced:
            self._digest.update(data[codecs.adts_length(data) :])
            return
        mark = b"\x00\x00\x00\x01"
        for unit in codecs.counted_units(data) if self._counted else codecs.units(data):
            if unit[0] & 31 in SLICES:
                self._digest.update(mark + unit)
                mark = b"\x00\x00\x01"

    def value(self) -> str:
        return self._digest.hexdigest()

    def require(self, told: Path) -> None:
        """NotProved when the encoder told another digest (the last word of the only line of its file)."""
        words = told.read_text().split("=") if told.is_file() else []
        if not words or words[-1].strip() != self.value():
            raise NotProved("文件内容与编码器写出的不一致，写盘时可能损坏")
