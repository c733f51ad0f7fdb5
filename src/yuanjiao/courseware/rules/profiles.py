"""The packaging profiles as data: which forms an item takes, for whom, and how large (DLV02, DLV09, DLV24).

A change to a row, or to the code that turns it into arguments of ffmpeg, must raise the row's `edition` when other bytes come of
it: the edition is part of the key under which an encoding is remembered, so old and new are never mistaken for each other.

Loudness: -16 LUFS with peaks under -1.5 dBTP, for every terminal alike. The -23 LUFS of broadcasting leaves talk 7 dB lower; a
phone on a field path and a horn on a village pole have no such reserve, and who walks from one to the other would turn knobs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

SEGMENT_S = 6
KEYFRAME_S = 2
LOUDNESS_LUFS, PEAK_DBTP, RANGE_LU = -16.0, -1.5, 11.0
STILL_WIDTH = 640
SLOW_LINE = 256_000
"""Bits a second of the line on which the low forms must play, with room left for the page and the protocol."""


@dataclass(frozen=True)
class Profile:
    """One form. `short_side` is the smaller side of the picture in pixels; rates are bits per second; 0 is no picture or no sound.

    `canvas` is a fixed raster the picture is fitted into with black borders, `pixel` the shape of its pixels (width, height).
    A form put together by copying names the profiles its streams come from: `pictures_of` where those pictures are the same as its
    own would be, `sound_of`, or `whole_of`. `most` is what the whole file may take in bits a second.
    """

    name: str
    family: str
    title: str
    kind: str
    media_type: str
    suffix: str
    short_side: int = 0
    canvas: tuple[int, int] = (0, 0)
    pixel: tuple[int, int] = (1, 1)
    video_rate: int = 0
    fastest: float = 30.0
    audio_rate: int = 0
    channels: int = 2
    h264_profile: str = ""
    h264_level: str = ""
    hls: bool = False
    pictures_of: str = ""
    sound_of: str = ""
    whole_of: str = ""
    most: int = 0
    edition: int = 1


HD, SD = (1280, 720), (720, 576)
PROFILES = (
    Profile("poster", "still", "封面图", "poster", "image/jpeg", ".jpg", short_side=720, edition=2),
    Profile("still", "still", "图片摘要", "still", "image/jpeg", ".jpg", short_side=STILL_WIDTH),
    Profile("hls-audio-low", "hls-modern", "只听声音（省流量）", "audio", "audio/mp4", ".m4s", audio_rate=48_000, channels=1, hls=True),
    Profile("hls-audio", "hls-modern", "只听声音（流式）", "audio", "audio/mp4", ".m4s", audio_rate=96_000, hls=True, edition=2),
    Profile("audio", "audio", "只听声音（手机）", "audio", "audio/mp4", ".m4a", audio_rate=64_000, edition=2),
    Profile("loudspeaker", "audio", "村村响大喇叭", "audio", "audio/mpeg", ".mp3", audio_rate=64_000, channels=1),
    Profile("hls-240", "hls-modern", "省流量", "video", "video/mp4", ".m4s", 240, video_rate=140_000, h264_profile="main",
            h264_level="2.1", hls=True, edition=2),
    Profile("hls-480", "hls-modern", "标清", "video", "video/mp4", ".m4s", 480, video_rate=800_000, h264_profile="main",
            h264_level="3.1", hls=True, edition=2),
    Profile("hls-720", "hls-modern", "高清", "video", "video/mp4", ".m4s", 720, video_rate=1_800_000, h264_profile="main",
            h264_level="3.1", hls=True, edition=2),
    Profile("box-sd", "box-sd", "老机顶盒", "video", "video/mp4", ".mp4", canvas=SD, pixel=(16, 15), video_rate=1_100_000, fastest=25.0,
            audio_rate=96_000, h264_profile="baseline", h264_level="3.0", sound_of="hls-audio", edition=2),
    Profile("box-hd", "box-hd", "高清机顶盒", "video", "video/mp4", ".mp4", canvas=HD, video_rate=1_800_000,
            audio_rate=96_000, h264_profile="main", h264_level="3.1", pictures_of="hls-720", sound_of="hls-audio"),
    Profile("phone-low", "phone-low", "省流量（手机）", "video", "video/mp4", ".mp4", 240, video_rate=140_000, audio_rate=48_000,
            channels=1, h264_profile="main", h264_level="2.1", pictures_of="hls-240", sound_of="hls-audio-low", most=220_000),
    Profile("box-sd-ts", "box-sd", "老机顶盒（TS）", "video", "video/mp2t", ".ts", canvas=SD, pixel=(16, 15), video_rate=1_100_000,
            fastest=25.0, audio_rate=96_000, h264_profile="baseline", h264_level="3.0", whole_of="box-sd"),
    Profile("box-hd-ts", "box-hd", "高清机顶盒（TS）", "video", "video/mp2t", ".ts", canvas=HD, video_rate=1_800_000,
            audio_rate=96_000, h264_profile="main", h264_level="3.1", whole_of="box-hd"),
)  # fmt: skip
CAPTIONS = Profile("captions", "hls-modern", "字幕", "captions", "text/vtt", ".vtt", hls=True)
BY_NAME = {profile.name: profile for profile in (*PROFILES, CAPTIONS)}
LADDER = tuple(profile for profile in PROFILES if profile.hls and profile.kind == "video")
STREAMED = frozenset(profile.name for profile in BY_NAME.values() if profile.hls)
"""The forms that stand in the master playlist."""


def applicable(*, width: int, height: int, has_audio: bool) -> tuple[Profile, ...]:
    """The profiles an original is packaged into, all of them needed for release. Sides 0 say that there is sound alone.

    Sound profiles fall away without sound. Pictures are never made larger for phones: rungs above the original's short side fall
    away, except that the lowest always stays (at the original's own size). A box has one raster, and scales to it what is small;
    its HD form needs an original that fills one side of it. Sound alone becomes a film with a plain picture for boxes.
    """
    return tuple(profile for profile in PROFILES if _fits(profile, width, height, has_audio))


def _fits(profile: Profile, width: int, height: int, has_audio: bool) -> bool:
    if not width:
        return has_audio and (profile.kind == "audio" or profile.family == "box-sd")
    if profile.kind == "audio":
        return has_audio
    if profile.family == "box-hd":
        return width >= HD[0] or height >= HD[1]
    return profile not in LADDER[1:] or profile.short_side <= min(width, height)


def encoding_key(original_sha256: str, profile: Profile) -> str:
    """Name of an encoding: the same input in the same profile and edition has the same key. The recipe of this hash may never
    change: another would be `yuanjiao-encoding-3`."""
    text = "\x1f".join(["yuanjiao-encoding-2", original_sha256, profile.name, str(profile.edition)])
    return hashlib.sha256(text.encode()).hexdigest()
