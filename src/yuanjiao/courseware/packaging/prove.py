"""No rendition counts until it was decoded to its last picture and shown to be what its profile promises (DLV02, b2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from yuanjiao.courseware.packaging.encode import Original, picture_size
from yuanjiao.courseware.rules.playlists import BLOB
from yuanjiao.courseware.rules.profiles import SEGMENT_S, Profile

AAC_FRAME_S = 0.25  # a sound segment may end a few AAC frames after its picture's


class NotProved(Exception):
    """The rendition is not what it must be; the message says in Chinese what is wrong."""


@dataclass(frozen=True)
class Proof:
    """What was measured: seconds, pixels, pictures a second, bits a second, the RFC 6381 codecs string, the playlist with `{blob}`."""

    duration_s: float
    width: int
    height: int
    frame_rate: float
    bitrate: int
    peak_bitrate: int
    codecs: str
    playlist: str


@dataclass(frozen=True)
class _Decoded:
    duration_s: float
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    codec: str = ""
    key_times: tuple[float, ...] = ()


def tolerance_s(promised_s: float) -> float:
    """How many seconds a rendition may differ from its original: one second, or two parts in a hundred of a long one."""
    return max(1.0, 0.02 * promised_s)


def prove(original: Original, profile: Profile, folder: Path, *, beat: Callable[[], None]) -> Proof:
    """Decode the file to its end and compare it with the promise. `beat` is called now and then. Raises NotProved."""
    path = folder / f"{profile.name}{profile.suffix}"
    if not path.is_file() or path.stat().st_size == 0:
        raise NotProved("转码没有产生文件")
    try:
        with av.open(str(path)) as container:
            parts = [_decode(container, kind, beat) for kind in _promised_streams(profile, original)]
            _refuse_extra_streams(container, len(parts))
    except av.error.FFmpegError as error:
        raise NotProved(f"解码不到结尾：{error.strerror}") from None
    _compare(original, profile, parts)
    size, length = path.stat().st_size, parts[0].duration_s
    mean = 0 if profile.kind == "poster" else round(size * 8 / max(length, 0.1))
    playlist, peak = "", mean
    if profile.hls:
        text = (folder / f"{profile.name}.m3u8").read_text()
        playlist, peak = prove_playlist(text, path.name, size, length, parts[0].key_times if profile.video_rate else None)
    elif profile.suffix in {".mp4", ".m4a"}:
        prove_index_first(path)
    return Proof(
        duration_s=length,
        width=parts[0].width,
        height=parts[0].height,
        frame_rate=parts[0].frame_rate,
        bitrate=mean,
        peak_bitrate=max(peak, mean),
        codecs=",".join(part.codec for part in parts if part.codec),
        playlist=playlist,
    )


def _promised_streams(profile: Profile, original: Original) -> list[str]:
    kinds = ["video"] if profile.short_side else []
    return [*kinds, "audio"] if original.sounds(profile) else kinds


def _refuse_extra_streams(container: InputContainer, promised: int) -> None:
    if len(container.streams) != promised:
        raise NotProved(f"应有 {promised} 路流，实有 {len(container.streams)} 路")


def _decode(container: InputContainer, kind: str, beat: Callable[[], None]) -> _Decoded:
    if kind == "video" and container.streams.video:
        return _decode_pictures(container, container.streams.video[0], beat)
    if kind == "audio" and container.streams.audio:
        return _decode_sound(container, container.streams.audio[0], beat)
    raise NotProved("缺少画面" if kind == "video" else "缺少声音")


def _decode_pictures(container: InputContainer, stream: VideoStream, beat: Callable[[], None]) -> _Decoded:
    stream.thread_type = "AUTO"
    rate = float(stream.average_rate or 25)
    times, keys = [], []
    for number, frame in enumerate(container.decode(stream), 1):
        times.append(float(frame.time or 0.0))
        if frame.key_frame:
            keys.append(times[-1])
        if number % 250 == 0:
            beat()
    if not times:
        raise NotProved("一幅画面也解不出来")
    context = stream.codec_context
    codec = _avc1(context.extradata) if context.name == "h264" else ""
    return _Decoded(max(times) - times[0] + 1 / rate, context.width, context.height, rate, codec, tuple(keys))


def _decode_sound(container: InputContainer, stream: AudioStream, beat: Callable[[], None]) -> _Decoded:
    if len(container.streams) > 1:
        container.seek(0)  # the pictures were read before
    seconds = 0.0
    for number, frame in enumerate(container.decode(stream), 1):
        seconds += frame.samples / frame.sample_rate
        if number % 2000 == 0:
            beat()
    if not seconds:
        raise NotProved("一段声音也解不出来")
    return _Decoded(seconds, codec=_mp4a(stream.codec_context.extradata))


def _avc1(extradata: bytes | None) -> str:
    if not extradata or extradata[0] != 1:
        raise NotProved("画面缺少 H.264 参数")
    return f"avc1.{extradata[1:4].hex()}"


def _mp4a(extradata: bytes | None) -> str:
    if not extradata:
        raise NotProved("声音缺少 AAC 参数")
    return f"mp4a.40.{extradata[0] >> 3}"


def _compare(original: Original, profile: Profile, parts: list[_Decoded]) -> None:
    if profile.short_side:
        wanted, got = picture_size(original, profile), (parts[0].width, parts[0].height)
        if wanted != got:
            raise NotProved(f"画面应为 {wanted[0]}×{wanted[1]}，实为 {got[0]}×{got[1]}")
    if profile.kind == "poster":
        return
    promised = original.duration_s if profile.video_rate else original.audio_duration_s
    missing = promised - parts[0].duration_s
    # containers often tell the length of sound too short; more of it than promised is no damage
    if missing > tolerance_s(promised) or (profile.video_rate and -missing > tolerance_s(promised)):
        raise NotProved(f"原文件标称 {promised:.1f} 秒，只能读出 {parts[0].duration_s:.1f} 秒，文件可能不完整或已损坏")
    if profile.h264_profile == "baseline" and not parts[0].codec.startswith("avc1.42"):
        raise NotProved(f"老机顶盒须用 Baseline，实为 {parts[0].codec}")


# -- HLS --------------------------------------------------------------------------------------------------------------------

RANGE = re.compile(r"(\d+)@(\d+)")


def prove_playlist(text: str, name: str, size: int, duration_s: float, key_times: tuple[float, ...] | None) -> tuple[str, int]:
    """Check a single-file playlist against its file; return it with `{blob}` for the name, and the peak segment's bits per second.

    The ranges tile the file from its first byte to its last; no segment is longer than the target; the segments add up to the
    decoded length; every segment of pictures begins on a key picture.
    """
    segments, at = _ranges(text), 0
    for _, length, start in segments:
        if start != at:
            raise NotProved(f"播放清单的字节范围不相接：应从 {at} 开始，实为 {start}")
        at += length
    if at != size:
        raise NotProved(f"播放清单只覆盖 {at} 字节，文件有 {size} 字节")
    times = [seconds for seconds, _, _ in segments[1:]]
    target = int(re.search(r"#EXT-X-TARGETDURATION:(\d+)", text)[1])  # type: ignore[index]
    if not times or round(max(times)) > target or target > 2 * SEGMENT_S:
        raise NotProved(f"片段长于目标时长 {target} 秒")
    if abs(sum(times) - duration_s) > max(AAC_FRAME_S, 0.01 * duration_s):
        raise NotProved(f"片段合计 {sum(times):.2f} 秒，实际 {duration_s:.2f} 秒")
    if key_times is not None:
        _prove_starts(times, key_times)
    peak = max(length * 8 / seconds for seconds, length, _ in segments[1:] if seconds > 0.5 or len(segments) == 2)
    return text.replace(f'"{name}"', f'"{BLOB}"').replace(f"\n{name}\n", f"\n{BLOB}\n"), round(peak)


def _ranges(text: str) -> list[tuple[float, int, int]]:
    """(seconds, bytes, start) of the map (0 s) and of each segment, in order."""
    found: list[tuple[float, int, int]] = []
    seconds = 0.0
    for line in text.splitlines():
        if line.startswith("#EXTINF:"):
            seconds = float(line[8:].split(",")[0])
        elif line.startswith(("#EXT-X-MAP:", "#EXT-X-BYTERANGE:")) and (match := RANGE.search(line)):
            found.append((seconds, int(match[1]), int(match[2])))
    if len(found) < 2:
        raise NotProved("播放清单没有片段")
    return found


def _prove_starts(times: list[float], key_times: tuple[float, ...]) -> None:
    start = key_times[0] if key_times else 0.0
    for seconds in times:
        if not any(abs(key - start) < 0.02 for key in key_times):
            raise NotProved(f"{start:.2f} 秒处的片段不是从关键画面开始")
        start += seconds


# -- MP4 --------------------------------------------------------------------------------------------------------------------


def prove_index_first(path: Path) -> None:
    """The index (moov) stands before the pictures (mdat): an old box begins to play while the rest is still coming."""
    seen: list[bytes] = []
    with open(path, "rb") as stream:
        while head := stream.read(8):
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            header = 8
            if size == 1:
                size, header = int.from_bytes(stream.read(8), "big"), 16
            seen.append(kind)
            if size < header:
                break
            stream.seek(size - header, 1)
    if b"moov" not in seen or b"mdat" not in seen or seen.index(b"moov") > seen.index(b"mdat"):
        raise NotProved("索引不在文件开头，老机顶盒要等全部下载才能播放")
