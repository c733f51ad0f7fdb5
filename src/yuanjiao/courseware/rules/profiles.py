"""The packaging profiles as data: which forms an item takes, for whom, and how large (DLV02, DLV09).

A change to a row that alters what ffmpeg writes must raise the row's `edition`: the edition is part of the key under which
an encoding is remembered, so old and new are never mistaken for each other.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass

SEGMENT_S = 6
KEYFRAME_S = 2
LOUDNESS_LUFS = -16
BOX_WIDTH, BOX_HEIGHT = 720, 576


@dataclass(frozen=True)
class Profile:
    """One form. `short_side` is the smaller side of the picture in pixels; rates are bits per second; 0 is no picture or no sound."""

    name: str
    title: str
    kind: str
    media_type: str
    suffix: str
    short_side: int = 0
    video_rate: int = 0
    audio_rate: int = 0
    h264_profile: str = ""
    h264_level: str = ""
    hls: bool = False
    edition: int = 1


PROFILES = (
    Profile("poster", "封面图", "poster", "image/jpeg", ".jpg", short_side=720),
    Profile("hls-audio", "只听声音（流式）", "audio", "audio/mp4", ".m4s", audio_rate=96_000, hls=True),
    Profile("audio", "只听声音（手机、大喇叭）", "audio", "audio/mp4", ".m4a", audio_rate=64_000),
    Profile("hls-240", "省流量", "video", "video/mp4", ".m4s", 240, 250_000, 0, "main", "2.1", hls=True),
    Profile("hls-480", "标清", "video", "video/mp4", ".m4s", 480, 800_000, 0, "high", "3.1", hls=True),
    Profile("hls-720", "高清", "video", "video/mp4", ".m4s", 720, 1_800_000, 0, "high", "4.0", hls=True),
    Profile("box-sd", "老机顶盒", "video", "video/mp4", ".mp4", 576, 1_100_000, 96_000, "baseline", "3.0"),
)
CAPTIONS = Profile("captions", "字幕", "captions", "text/vtt", ".vtt", hls=True)
BY_NAME = {profile.name: profile for profile in (*PROFILES, CAPTIONS)}


def applicable(*, width: int, height: int, has_audio: bool) -> tuple[Profile, ...]:
    """The profiles an original is packaged into, all of them needed for release.

    Sound profiles fall away without sound. Pictures are never made larger: rungs above the original's short side fall away,
    except that the lowest rung always stays (at the original's own size).
    """
    short = min(width, height)
    rungs = [p for p in PROFILES if p.hls and p.kind == "video"]
    kept = {p.name for p in rungs if p.short_side <= short} or {rungs[0].name}
    return tuple(
        profile for profile in PROFILES if (profile not in rungs or profile.name in kept) and (has_audio or profile.kind != "audio")
    )


def encoding_key(original_sha256: str, profile: Profile) -> str:
    """Name of an encoding: the same input in the same profile has the same key. The recipe of this hash may never change;
    a different one would need another column."""
    text = "\x1f".join(["yuanjiao-encoding-1", original_sha256, *map(str, astuple(profile))])
    return hashlib.sha256(text.encode()).hexdigest()
