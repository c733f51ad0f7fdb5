"""What an uploaded file is, before any work is spent on it. PyAV reads containers; nothing here decodes more than one picture."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from yuanjiao.courseware.packaging.disguise import disguised
from yuanjiao.courseware.packaging.recipe import Original
from yuanjiao.lib.errors import Refused

if TYPE_CHECKING:  # PyAV is loaded with the first film, not at every start
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

SHORTEST_S = 1.0
LONGEST_S = 12 * 3600.0
LONGEST_GAP_S = 600.0
LEAST_BYTES_A_SECOND = 125
LARGEST_SIDE = 8192
MICROSECONDS = 1_000_000
"""What containers count their length in."""
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,rm,dv,h264,hevc,vob,wtv,gif,wav,mp3,aac,flac"
WIDE_RANGES = {16, 18}  # transfer functions of BT.2100: PQ and HLG
IN_FIELDS = {2, 3, 4, 5}  # of AVFieldOrder: top or bottom first, in any order of coding


class NotUsable(Refused):
    """The file is not a usable recording; the message says why in Chinese."""


@dataclass(frozen=True)
class Probe:
    """What was found. Sizes are those of the upright picture with square pixels, 0 for sound alone; times are seconds."""

    duration_s: float
    audio_duration_s: float
    width: int
    height: int
    frame_rate: float
    has_audio: bool
    codecs: str
    notes: tuple[str, ...]
    picture_stream: int = 0
    sound_stream: int = 0
    interlaced: bool = False
    wide_range: bool = False

    def original(self, path: Path) -> Original:
        """What the encoder must know of it."""
        return Original(
            path, self.width, self.height, self.frame_rate, self.duration_s, self.audio_duration_s, self.picture_stream,
            self.sound_stream, self.interlaced, self.wide_range,
        )  # fmt: skip


def probe(path: Path, *, sound_only: bool = False) -> Probe:
    """Look at the file. NotUsable when it is no recording, is cut off, tells lies of its length, or has hardly any.

    With `sound_only` the sound alone is taken, whatever pictures the file has; otherwise a film must have moving pictures.
    """
    import av

    size = path.stat().st_size
    if size == 0:
        raise NotUsable("文件是空的（0 字节），请重新选择文件")
    if why := disguised(path):
        raise NotUsable(why)
    try:
        # a playlist may name files of this machine or of others: the formats that do are not opened at all
        with av.open(str(path), options={"protocol_whitelist": "file", "format_whitelist": FORMATS}) as container:
            return _sound_alone(container, size) if sound_only else _look(container, size)
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


# -- films and sound --------------------------------------------------------------------------------------------------------


def _look(container: InputContainer, size_bytes: int) -> Probe:
    stream = _pictures(container)
    if stream is None:
        raise NotUsable("文件里没有活动画面（可能是录音），请上传视频")
    sound = _sound(container)
    _refuse_cut_off(stream, size_bytes)
    rotation, width, height = _upright(container, stream)
    duration = _believable(container, stream, _length(container, stream))
    interlaced = _in_fields(stream)
    wide_range = stream.codec_context.color_trc in WIDE_RANGES
    return Probe(
        duration_s=duration,
        audio_duration_s=_sound_length(sound, duration),
        width=width,
        height=height,
        frame_rate=float(stream.average_rate or stream.guessed_rate or 25),
        has_audio=sound is not None,
        codecs="+".join([stream.codec_context.name, *([sound.codec_context.name] if sound else [])])[:60],
        notes=_notes(stream, sound, rotation, (width, height)),
        picture_stream=stream.index,
        sound_stream=sound.index if sound else 0,
        interlaced=interlaced,
        wide_range=wide_range,
    )


def _sound_alone(container: InputContainer, size_bytes: int) -> Probe:
    sound = _sound(container)
    if sound is None:
        raise NotUsable("文件里没有声音，请上传录音（MP3、M4A、WAV 等）")
    _refuse_cut_off(sound, size_bytes)
    duration = _believable(container, sound, _length(container, sound))
    notes = ("文件里的画面不采用，只取声音",) if _pictures(container) else ()
    return Probe(
        duration_s=duration, audio_duration_s=duration, width=0, height=0, frame_rate=0.0, has_audio=True,
        codecs=sound.codec_context.name[:60], notes=notes, sound_stream=sound.index,
    )  # fmt: skip


def _pictures(container: InputContainer) -> VideoStream | None:
    """The stream of moving pictures; the cover of a record is none."""
    return next((s for s in container.streams.video if not s.disposition & s.disposition.attached_pic and s.codec_context), None)


def _sound(container: InputContainer) -> AudioStream | None:
    """The sound people mean: the one marked as default, else the first that can be decoded."""
    known = [s for s in container.streams.audio if s.codec_context is not None]
    return next((s for s in known if s.disposition & s.disposition.default), known[0] if known else None)


def _sound_length(sound: AudioStream | None, otherwise: float) -> float:
    if sound is None:
        return 0.0
    return float(sound.duration * sound.time_base) if sound.duration and sound.time_base else otherwise


def _in_fields(stream: VideoStream) -> bool:
    return int(stream.codec_context.field_order) in IN_FIELDS


def _upright(container: InputContainer, stream: VideoStream) -> tuple[int, int, int]:
    """Rotation in degrees and the size a viewer sees: turned upright, pixels made square by widening or heightening."""
    import av

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


# -- length -----------------------------------------------------------------------------------------------------------------


def _refuse_cut_off(stream: VideoStream | AudioStream, size_bytes: int) -> None:
    """An index that points behind the end of the file tells that its end is missing."""
    end = max((entry.pos + entry.size for entry in stream.index_entries), default=0)
    if end > size_bytes:
        share = 100 * size_bytes // end
        raise NotUsable(f"视频文件不完整：只收到约 {share}%，请检查原文件能否播放到最后，再重新上传")


def _length(container: InputContainer, stream: VideoStream | AudioStream) -> float:
    """Seconds as the container says; read to the end when it does not say (recordings of browsers)."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration:
        return container.duration / MICROSECONDS
    container.seek(0)
    last = max((packet.pts + (packet.duration or 0) for packet in container.demux(stream) if packet.pts is not None), default=0)
    return float(last * stream.time_base) if stream.time_base else 0.0


def _believable(container: InputContainer, stream: VideoStream | AudioStream, told_s: float) -> float:
    """The length, when it is neither too short nor too long and the file's own end bears it out."""
    if told_s < SHORTEST_S:
        raise NotUsable(f"视频只有 {max(told_s, 0.0):.1f} 秒，至少要有 {SHORTEST_S:.0f} 秒")
    if told_s * LEAST_BYTES_A_SECOND > container.size:
        raise NotUsable(f"文件标称时长 {_spoken(told_s)}，但只有 {container.size // 1000} kB，装不下：文件不完整或被改动过")
    found_s = _last_moment(container, stream, told_s)
    if found_s is not None and told_s - found_s > max(5.0, 0.05 * told_s):
        raise NotUsable(f"文件标称时长 {_spoken(told_s)}，实际内容只到 {_spoken(found_s)}：文件不完整或被改动过")
    if told_s > LONGEST_S:
        raise NotUsable(f"时长 {_spoken(told_s)}，超过上限 {_spoken(LONGEST_S)}，请分段上传")
    return told_s


def _last_moment(container: InputContainer, stream: VideoStream | AudioStream, told_s: float) -> float | None:
    """Seconds from the start at which the last packet ends; None where finding it would mean reading most of the file."""
    if not stream.time_base or not stream.index_entries:
        return None
    # pictures that stand for hours are as good as none: the last moment is before such a hole
    times = sorted(entry.timestamp * stream.time_base for entry in stream.index_entries)
    start = stream.start_time or 0
    if times[-1] < told_s / 2:
        return None
    for earlier, later in pairwise(times):
        if later - earlier > LONGEST_GAP_S and stream.type == "video":
            return float(earlier - start * stream.time_base)
    container.seek(int(times[-1] / stream.time_base), stream=stream)
    last = 0
    for packet in container.demux(stream):
        if packet.pts is not None:
            # a single picture cannot last longer than the largest gap allowed
            length = min(packet.duration or 0, int(LONGEST_GAP_S / stream.time_base))
            last = max(last, packet.pts + length - start)
    return float(last * stream.time_base)


def _spoken(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} 小时"
    return f"{seconds / 60:.1f} 分钟" if seconds >= 120 else f"{seconds:.1f} 秒"


# -- what is worth saying ---------------------------------------------------------------------------------------------------


def _notes(stream: VideoStream, sound: AudioStream | None, rotation: int, size: tuple[int, int]) -> tuple[str, ...]:
    notes = []
    if sound is None:
        notes.append("没有声音：不制作只听声音的版本")
    elif sound.codec_context.layout.nb_channels > 2:
        notes.append(f"{sound.codec_context.layout.nb_channels} 声道：合成双声道")
    if rotation:
        notes.append("手机竖拍或倒拍：已按拍摄方向转正")
    if stream.sample_aspect_ratio not in (None, 0, 1):
        notes.append(f"非方形像素：已按 {size[0]}×{size[1]} 还原比例")
    if _in_fields(stream):
        notes.append("隔行扫描：已转为逐行")
    if stream.codec_context.color_trc in WIDE_RANGES:
        notes.append("高动态范围（HDR）：已转为普通亮度")
    if size[0] % 2 or size[1] % 2:
        notes.append("画面宽高为奇数：转码时取整到偶数")
    return tuple(notes)
