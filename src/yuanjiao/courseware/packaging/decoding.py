"""Decoding a file to its end, strictly: what most players would gloss over is an error here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yuanjiao.courseware.packaging import codecs
from yuanjiao.courseware.packaging.digests import Digest
from yuanjiao.courseware.packaging.flaw import NotProved

if TYPE_CHECKING:  # PyAV is loaded with the first film, not at every start
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

STRICT = {"err_detect": "crccheck+bitstream+buffer+careful+explode", "flags": "+output_corrupt"}
UNSMOOTHED = {"skip_loop_filter": "all"}
"""Smoothing comes after all bits were read: leaving it out finds every error for a quarter less work."""


@dataclass(frozen=True)
class Decoded:
    """What a stream was seen to hold; times in seconds. `start_s` is when its first picture or sound is due."""

    duration_s: float
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    codec: str = ""
    key_times: tuple[float, ...] = ()
    start_s: float = 0.0


def decode(path: Path, kind: str, told: Path, beat: Callable[[], None]) -> Decoded:
    """Decode the file's only stream, of that kind ("video" or "audio"), and compare it with the digest the encoder left at `told`.

    Raises NotProved or FFmpegError.
    """
    import av

    with av.open(str(path)) as container:
        found = [stream.type for stream in container.streams]
        if found != [kind]:
            raise NotProved(f"应只有一路{'画面' if kind == 'video' else '声音'}，实有 {len(found)} 路流")
        stream = container.streams[0]
        if stream.codec_context is None:
            raise NotProved("编码不能识别")
        digest = Digest(stream)
        packets = _digested(container, digest, beat)
        measured = _measured(stream, packets)
    digest.require(told)
    return measured


def _measured(stream: Stream, packets: Iterable[Packet[Any]]) -> Decoded:
    from av.audio.stream import AudioStream
    from av.video.stream import VideoStream

    if isinstance(stream, VideoStream):
        return _pictures(stream, packets)
    if isinstance(stream, AudioStream):
        return _sound(stream, packets)
    raise NotProved("编码不能识别")


def _digested(container: InputContainer, digest: Digest, beat: Callable[[], None]) -> Iterator[Packet[Any]]:
    for number, packet in enumerate(container.demux(), 1):
        digest.take(packet)
        yield packet
        if number % 500 == 0:
            beat()


def _pictures(stream: VideoStream, packets: Iterable[Packet[Any]]) -> Decoded:
    stream.thread_type = "AUTO"
    context = stream.codec_context
    context.options = STRICT | UNSMOOTHED
    rate = float(stream.average_rate or 25)
    times: list[float] = []
    keys: list[float] = []
    for packet in packets:
        for frame in packet.decode():
            if frame.is_corrupt:
                raise NotProved(f"{float(frame.time or 0):.2f} 秒处的画面已损坏")
            times.append(float(frame.time or 0.0))
            if frame.key_frame:
                keys.append(times[-1])
    if not times:
        raise NotProved("一幅画面也解不出来")
    codec = codecs.avc1(context.extradata) if context.name == "h264" else ""
    if codec:
        _refuse_holes(times, rate)
    return Decoded(times[-1] - times[0] + 1 / rate, context.width, context.height, rate, codec, tuple(keys), times[0])


def _refuse_holes(times: Sequence[float], rate: float) -> None:
    for earlier, later in pairwise(times):
        if not 0 < later - earlier < 1.6 / rate:
            raise NotProved(f"{earlier:.2f} 秒之后缺少画面")


def _sound(stream: AudioStream, packets: Iterable[Packet[Any]]) -> Decoded:
    from av.audio.frame import AudioFrame

    context = stream.codec_context
    context.options = dict(STRICT)
    seconds, start = 0.0, None
    for packet in packets:
        for frame in packet.decode():
            assert isinstance(frame, AudioFrame)
            start = float(frame.time or 0.0) if start is None else start
            if frame.is_corrupt:
                raise NotProved(f"{seconds:.2f} 秒处的声音已损坏")
            seconds += frame.samples / frame.sample_rate
    if not seconds:
        raise NotProved("一段声音也解不出来")
    return Decoded(seconds, codec="mp3" if context.name.startswith("mp3") else codecs.mp4a(context.extradata), start_s=start or 0.0)
