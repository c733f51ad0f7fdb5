"""No rendition counts until it was decoded to its last picture and shown to be what its profile promises (DLV02, b2).

What the encoder wrote is decoded, strictly. What was put together by copying is compared with what it was copied from, picture by
picture and byte by byte: a copy of streams that were decoded needs no second decoding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from yuanjiao.courseware.packaging import codecs, copies, recipe
from yuanjiao.courseware.packaging.conform import prove_index_first, prove_playlist
from yuanjiao.courseware.packaging.decoding import Decoded, decode
from yuanjiao.courseware.packaging.flaw import NotProved
from yuanjiao.courseware.packaging.recipe import Original, picture_size
from yuanjiao.courseware.rules.profiles import Profile


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


def tolerance_s(promised_s: float) -> float:
    """How many seconds a rendition may differ from its original: one second, or two parts in a hundred of a long one."""
    return max(1.0, 0.02 * promised_s)


def prove(original: Original, profile: Profile, folder: Path, *, here: Mapping[str, Path], beat: Callable[[], None]) -> Proof:
    """Show that the file is whole and as promised. `here` are the proved files of other profiles; `beat` is called now and then.

    Raises NotProved with the reason in Chinese.
    """
    import av  # loaded with the first film, not at every start

    path = folder / f"{profile.name}{profile.suffix}"
    if not path.is_file() or path.stat().st_size == 0:
        raise NotProved("转码没有产生文件")
    try:
        parts = _measured(original, profile, path, folder, here, beat)
    except av.error.FFmpegError as error:
        raise NotProved(f"解码不到结尾：{error.strerror}") from None
    except ValueError:  # names in the file that are no text, numbers that are none
        raise NotProved("文件头已损坏") from None
    _compare(original, profile, parts)
    return _proof(profile, path, folder, parts)


def _measured(
    original: Original, profile: Profile, path: Path, folder: Path, here: Mapping[str, Path], beat: Callable[[], None]
) -> list[Decoded]:
    names = recipe.ingredients(original, profile)
    if not names or names[0] == profile.name:
        track = folder / recipe.track_name(profile)
        kind = "audio" if profile.kind == "audio" else "video"
        encoded = decode(track, kind, folder / recipe.digest_name(profile), beat)
        if not names:
            return [encoded]
        here = {**here, profile.name: track}
    return copies.compare(path, [here[name] for name in names], _promised_streams(profile, original), beat)


def _promised_streams(profile: Profile, original: Original) -> list[str]:
    return ["video", "audio"] if original.sounds(profile) else ["video"]


def _compare(original: Original, profile: Profile, parts: list[Decoded]) -> None:
    if profile.kind != "audio":
        wanted, got = picture_size(original, profile), (parts[0].width, parts[0].height)
        if wanted != got:
            raise NotProved(f"画面应为 {wanted[0]}×{wanted[1]}，实为 {got[0]}×{got[1]}")
    if profile.kind in {"poster", "still"}:
        return
    promised = original.duration_s if profile.video_rate else original.audio_duration_s
    missing = promised - parts[0].duration_s
    # containers often tell the length of sound too short; more of it than promised is no damage
    if missing > tolerance_s(promised) or (profile.video_rate and -missing > tolerance_s(promised)):
        raise NotProved(f"原文件标称 {promised:.1f} 秒，只能读出 {parts[0].duration_s:.1f} 秒，文件可能不完整或已损坏")
    if profile.video_rate and original.width:
        _compare_pictures(original, profile, parts[0])
    if profile.video_rate and original.sounds(profile) and abs(parts[1].start_s - parts[0].start_s) > 0.1:
        raise NotProved(f"声音与画面的起点相差 {abs(parts[1].start_s - parts[0].start_s):.2f} 秒")


def _compare_pictures(original: Original, profile: Profile, pictures: Decoded) -> None:
    rate = recipe.frame_rate(original, profile)
    if abs(pictures.frame_rate - rate) > 0.02 * rate:
        raise NotProved(f"每秒应有 {rate:.2f} 幅画面，实为 {pictures.frame_rate:.2f} 幅")
    if pictures.codec[:7] != codecs.PREFIXES[profile.h264_profile]:
        raise NotProved(f"须为 H.264 {profile.h264_profile}，实为 {pictures.codec}")
    if int(pictures.codec[-2:], 16) > round(float(profile.h264_level) * 10):
        raise NotProved(f"级别须不高于 {profile.h264_level}，实为 {pictures.codec}")


def _proof(profile: Profile, path: Path, folder: Path, parts: list[Decoded]) -> Proof:
    size, length = path.stat().st_size, parts[0].duration_s
    mean = 0 if profile.kind in {"poster", "still"} else round(size * 8 / max(length, 0.1))
    if profile.most and length > 10 and mean > profile.most:
        raise NotProved(f"码率须低于 {profile.most // 1000} kbit/s，实为 {mean // 1000} kbit/s")
    playlist, peak = "", mean
    if profile.hls or profile.suffix == ".ts":
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
