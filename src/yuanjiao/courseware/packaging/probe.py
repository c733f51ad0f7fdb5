"""What an uploaded file is, before any work is spent on it. PyAV reads containers; nothing here decodes more than one picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from yuanjiao.lib.errors import Refused

SHORTEST_S = 1.0
LARGEST_SIDE = 8192
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,rm,dv,h264,hevc,vob,wtv,gif,wav,mp3,aac,flac"


class NotUsable(Refused):
    """The file is not a usable video; the message says why in Chinese."""


@dataclass(frozen=True)
class Probe:
    """What was found. Sizes are those of the upright picture with square pixels; times are seconds."""

    duration_s: float
    audio_duration_s: float
    width: int
    height: int
    frame_rate: float
    has_audio: bool
    codecs: str
    notes: tuple[str, ...]


def probe(path: Path) -> Probe:
    """Look at the file. NotUsable when it is no video, is cut off, has no pictures, or hardly any length."""
    if path.stat().st_size == 0:
        raise NotUsable("文件是空的（0 字节），请重新选择文件")
    try:
        # a playlist may name files of this machine or of others: the formats that do are not opened at all
        with av.open(str(path), options={"protocol_whitelist": "file", "format_whitelist": FORMATS}) as container:
            return _look(container, path.stat().st_size)
    except av.error.FFmpegError:
        raise NotUsable(_why_unreadable(path)) from None


def _why_unreadable(path: Path) -> str:
    with open(path, "rb") as stream:
        head = stream.read(12)
    if head[4:8] == b"ftyp":
        return "视频文件不完整：缺少索引，可能录制中断或没有传完，请重新导出后上传"
    if head.startswith(b"#EXTM3U"):
        return "这是播放清单，不是视频文件本身，请上传视频"
    return "这不是能识别的视频文件，请上传 MP4、MOV、MKV、AVI、TS 等视频"


def _look(container: InputContainer, size_bytes: int) -> Probe:
    pictures = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if not pictures:
        raise NotUsable("文件里没有活动画面（可能是录音），请上传视频")
    stream, sounds = pictures[0], [s for s in container.streams.audio if s.codec_context is not None]
    _refuse_cut_off(stream, size_bytes)
    rotation, width, height = _upright(container, stream)
    duration = _length(container, stream)
    if duration < SHORTEST_S:
        raise NotUsable(f"视频只有 {duration:.1f} 秒，至少要有 {SHORTEST_S:.0f} 秒")
    sound = sounds[0] if sounds else None
    audio_s = float(sound.duration * sound.time_base) if sound and sound.duration and sound.time_base else duration if sound else 0.0
    return Probe(
        duration_s=duration,
        audio_duration_s=audio_s,
        width=width,
        height=height,
        frame_rate=float(stream.average_rate or stream.guessed_rate or 25),
        has_audio=sound is not None,
        codecs="+".join([stream.codec_context.name, *([sound.codec_context.name] if sound else [])])[:60],
        notes=_notes(stream, sound is not None, rotation, (width, height)),
    )


def _refuse_cut_off(stream: VideoStream, size_bytes: int) -> None:
    """An index that points behind the end of the file tells that its end is missing."""
    end = max((entry.pos + entry.size for entry in stream.index_entries), default=0)
    if end > size_bytes:
        share = 100 * size_bytes // end
        raise NotUsable(f"视频文件不完整：只收到约 {share}%，请检查原文件能否播放到最后，再重新上传")


def _upright(container: InputContainer, stream: VideoStream) -> tuple[int, int, int]:
    """Rotation in degrees and the size a viewer sees: turned upright, pixels made square by widening or heightening."""
    try:
        frame = next(container.decode(stream))
    except (StopIteration, av.error.FFmpegError):
        raise NotUsable("视频里一幅画面也读不出来，文件可能已损坏") from None
    width, height = frame.width, frame.height
    ratio = stream.sample_aspect_ratio
    if ratio and ratio != 1:
        width, height = (round(width * ratio), height) if ratio > 1 else (width, round(height / ratio))
    if abs(frame.rotation) % 180 == 90:
        width, height = height, width
    if min(width, height) < 2 or max(width, height) > LARGEST_SIDE:
        raise NotUsable(f"画面尺寸 {width}×{height} 不能处理")
    return frame.rotation, width, height


def _length(container: InputContainer, stream: VideoStream) -> float:
    """Seconds of pictures as the container says; read to the end when it does not say (recordings of browsers)."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration:
        return container.duration / av.time_base
    container.seek(0)
    last = max((packet.pts + (packet.duration or 0) for packet in container.demux(stream) if packet.pts is not None), default=0)
    return float(last * stream.time_base) if stream.time_base else 0.0


def _notes(stream: VideoStream, has_audio: bool, rotation: int, size: tuple[int, int]) -> tuple[str, ...]:
    notes = []
    if not has_audio:
        notes.append("没有声音：不制作只听声音的版本")
    if rotation:
        notes.append("手机竖拍或倒拍：已按拍摄方向转正")
    if stream.sample_aspect_ratio not in (None, 0, 1):
        notes.append(f"非方形像素：已按 {size[0]}×{size[1]} 还原比例")
    if size[0] % 2 or size[1] % 2:
        notes.append("画面宽高为奇数：转码时取整到偶数")
    return tuple(notes)
