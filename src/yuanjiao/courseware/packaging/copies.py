"""Whether a file put together by copying holds exactly what it was copied from: every picture and every piece of sound, in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yuanjiao.courseware.packaging import codecs
from yuanjiao.courseware.packaging.decoding import Decoded
from yuanjiao.courseware.packaging.digests import Digest
from yuanjiao.courseware.packaging.flaw import NotProved

if TYPE_CHECKING:  # PyAV is loaded with the first film, not at every start
    from av.packet import Packet
    from av.stream import Stream

APART_S = 0.003
"""Containers count time in steps of their own: 1/90000 s in a transport stream, 1/1000 s where nothing better is known."""


@dataclass
class Essence:
    """What one stream holds, whatever box it lies in."""

    kind: str
    digest: Digest
    times: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    codec: str = ""
    last_s: float = 0.0


def compare(path: Path, parts: Sequence[Path], wanted: Sequence[str], beat: Callable[[], None]) -> list[Decoded]:
    """What the copy holds, after it was found equal to the parts. Raises NotProved, or FFmpegError when it cannot be read."""
    copied = {one.kind: one for one in essences(path, beat)}
    if sorted(copied) != sorted(wanted):
        raise NotProved(f"应有 {len(wanted)} 路流，实有 {len(copied)} 路")
    for source in (one for part in parts for one in essences(part, beat)):
        if source.kind in copied:
            _require_equal(copied[source.kind], source)
    return [_decoded(copied[kind]) for kind in wanted]


def _require_equal(copy: Essence, source: Essence) -> None:
    what = "画面" if copy.kind == "video" else "声音"
    if copy.digest.value() != source.digest.value() or len(copy.times) != len(source.times):
        raise NotProved(f"合成时{what}走样：与已检验的原流不一致")
    shift = copy.times[0] - source.times[0]
    for one, other in zip(copy.times, source.times, strict=True):
        if abs(one - other - shift) > APART_S:
            raise NotProved(f"合成后{what}的时间不对：{other:.3f} 秒处差 {abs(one - other - shift):.3f} 秒")


def _decoded(one: Essence) -> Decoded:
    length = one.times[-1] + one.last_s - one.times[0]
    return Decoded(length, one.width, one.height, one.frame_rate, one.codec, tuple(one.keys), one.times[0])


def essences(path: Path, beat: Callable[[], None]) -> list[Essence]:
    """The streams of a file, read packet by packet."""
    import av

    with av.open(str(path)) as container:
        found = [_begun(stream) for stream in container.streams]
        for number, packet in enumerate(container.demux(), 1):
            if packet.size:
                _take(found[packet.stream_index], packet)
            if number % 2000 == 0:
                beat()
    for one in found:
        if not one.times:
            raise NotProved("缺少画面" if one.kind == "video" else "缺少声音")
    return found


def _begun(stream: Stream) -> Essence:
    from av.video.stream import VideoStream

    if stream.type not in {"video", "audio"}:
        raise NotProved(f"多出一路流：{stream.type}")
    context = stream.codec_context
    if context is None:
        raise NotProved("编码不能识别")
    one = Essence(stream.type, Digest(stream))
    if isinstance(stream, VideoStream):
        one.width, one.height = stream.codec_context.width, stream.codec_context.height
        one.frame_rate = float(stream.average_rate or stream.guessed_rate or 25)
    if context.extradata:
        one.codec = codecs.avc1(context.extradata) if stream.type == "video" else codecs.mp4a(context.extradata)
    return one


def _take(one: Essence, packet: Packet[Any]) -> None:
    if packet.pts is None or packet.time_base is None:
        raise NotProved("合成后有数据没有时间")
    one.digest.take(packet)
    one.times.append(float(packet.pts * packet.time_base))
    one.last_s = float((packet.duration or 0) * packet.time_base)
    if not one.codec:
        one.codec = codecs.mp4a(None, bytes(packet)) if one.kind == "audio" else codecs.avc1(None, bytes(packet))
    if one.kind == "video" and packet.is_keyframe:
        one.keys.append(one.times[-1])
