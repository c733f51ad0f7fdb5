"""What ffmpeg is told: sizes, rates and filters of each profile for one original. Pure: nothing here touches a disk.

One decode serves every height: the pictures are brought to one rate and one largest size, split, and made smaller step by step.
Sound is encoded apart from pictures and put beside them by copying, so that each stream is encoded once however many forms use it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yuanjiao.courseware.rules.profiles import (
    BY_NAME,
    KEYFRAME_S,
    LOUDNESS_LUFS,
    PEAK_DBTP,
    RANGE_LU,
    SEGMENT_S,
    STILL_WIDTH,
    Profile,
)
from yuanjiao.courseware.rules.stills import still_count

THREADS = max(1, min(4, (os.cpu_count() or 2) // 2 + 1))
"""Threads of each encoder; the rungs of the ladder run beside each other as well."""
USUAL_RATES = (5.0, 8.0, 10.0, 12.0, 12.5, 15.0, 20.0, 24000 / 1001, 24.0, 25.0, 30000 / 1001, 30.0)
FRACTIONS = {24000 / 1001: "24000/1001", 30000 / 1001: "30000/1001"}
BARE = ["-map_metadata", "-1", "-map_chapters", "-1"]  # a phone writes where and when it filmed: not for the public
PLAIN_PICTURE_RATE = 10.0
TO_STANDARD_RANGE = (
    "zscale=transfer=linear:npl=203,format=gbrpf32le,zscale=primaries=bt709,tonemap=tonemap=hable:desat=0,"
    "zscale=transfer=bt709:matrix=bt709:range=tv,format=yuv420p"
)
"""Brightness beyond what old screens know is bent down; 203 cd/m² is where HDR puts a sheet of white paper (BT.2408)."""


@dataclass(frozen=True)
class Loudness:
    """What was measured of an original's sound (EBU R128): LUFS, LU, dBTP, LUFS."""

    integrated: float
    range: float
    peak: float
    threshold: float


@dataclass(frozen=True)
class Original:
    """What encoding must know of the file: upright size with square pixels (0 for sound alone), pictures a second, seconds
    (of sound: 0 for none), which streams are meant, and what has to be set right."""

    path: Path
    width: int
    height: int
    frame_rate: float
    duration_s: float
    audio_duration_s: float
    picture_stream: int = 0
    sound_stream: int = 0
    interlaced: bool = False
    wide_range: bool = False
    loudness: Loudness | None = None

    def sounds(self, profile: Profile) -> bool:
        """Whether the profile's rendition of this original carries sound."""
        return bool(profile.audio_rate) and self.audio_duration_s > 0


# -- sizes and rates --------------------------------------------------------------------------------------------------------


def even(value: float) -> int:
    """The nearest even whole number, at least 2: H.264 with halved colour needs even sides."""
    return max(2, round(value / 2) * 2)


def picture_size(original: Original, profile: Profile) -> tuple[int, int]:
    """Width and height of the file's pictures: a box's raster, else the original's shape, never larger than the original."""
    if profile.canvas != (0, 0):
        return profile.canvas
    width, height = original.width, original.height
    if profile.kind == "still":
        across = min(STILL_WIDTH, width)
        return even(across), even(height * across / width) * len(still_times(original.duration_s))
    scale = min(1.0, profile.short_side / min(width, height))
    return even(width * scale), even(height * scale)


def fitted_size(original: Original, profile: Profile) -> tuple[int, int]:
    """Width and height, in the file's own pixels, of the picture inside the raster of a box."""
    (width, height), (across, down) = profile.canvas, profile.pixel
    scale = min(width * across / down / original.width, height / original.height)
    return min(width, even(original.width * scale * down / across)), min(height, even(original.height * scale))


def usual_rate(rate: float) -> float:
    """The pictures a second that screens know, nearest above: of 50 and 60 the half, of a phone's 27.3 then 29.97."""
    while rate > 30.3:
        rate /= 2
    return next((usual for usual in USUAL_RATES if rate <= usual * 1.0004), 30.0)


def frame_rate(original: Original, profile: Profile) -> float:
    """Pictures a second of the profile: the original's, up to what the terminal can bear."""
    rate = usual_rate(original.frame_rate) if original.width else PLAIN_PICTURE_RATE
    return rate if rate <= profile.fastest else profile.fastest


def still_times(duration_s: float) -> tuple[float, ...]:
    """The moments of the key pictures, in seconds, each in the middle of its part."""
    count = still_count(duration_s)
    return tuple((number + 0.5) * duration_s / count for number in range(count))


def _rate(value: float) -> str:
    return FRACTIONS.get(value, f"{value:g}")


# -- what is copied ---------------------------------------------------------------------------------------------------------


def ingredients(original: Original, profile: Profile) -> tuple[str, ...]:
    """The profiles whose streams are copied together into this one, pictures first; its own name stands for pictures encoded
    for it alone. Empty for what comes out of the encoder as it is."""
    if profile.whole_of:
        return (profile.whole_of,)
    if profile.hls or profile.kind != "video":
        return ()
    shared = profile.pictures_of and same_pictures(original, profile, BY_NAME[profile.pictures_of])
    pictures = profile.pictures_of if shared else profile.name
    return (pictures, profile.sound_of) if original.sounds(profile) else (pictures,)


def same_pictures(original: Original, one: Profile, other: Profile) -> bool:
    """Whether the pictures of both profiles are the same for this original."""

    def look(profile: Profile) -> tuple[object, ...]:
        size, rate = picture_size(original, profile), frame_rate(original, profile)
        return size, rate, profile.video_rate, profile.h264_profile, profile.h264_level

    return look(one) == look(other) and (one.canvas == (0, 0) or fitted_size(original, one) == one.canvas)


# -- pictures ---------------------------------------------------------------------------------------------------------------


def picture_arguments(original: Original, encoded: Sequence[Profile]) -> list[str]:
    """Arguments after the input's for every profile whose pictures are encoded: one graph, one output each, in the folder it runs in."""
    films, stills = [p for p in encoded if p.kind == "video"], [p for p in encoded if p.kind in {"poster", "still"}]
    steps = _graph(original, [*sorted(films, key=lambda p: -_pixels(original, p)), *stills])
    arguments = ["-filter_complex", ";".join(steps)]
    for profile in films:
        arguments += [*BARE, "-an", "-map", f"[{profile.name}]", *h264(original, profile), *_told(profile, _film_form(profile))]
    for profile in stills:
        arguments += [*BARE, "-map", f"[{profile.name}]", "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "4"]
        arguments += _told(profile, f"[f=image2:update=1]{profile.name}{profile.suffix}")
    return arguments


def _pixels(original: Original, profile: Profile) -> int:
    if profile.canvas != (0, 0) and original.width:
        return fitted_size(original, profile)[0] * fitted_size(original, profile)[1]
    return picture_size(original, profile)[0] * picture_size(original, profile)[1]


def _graph(original: Original, branches: Sequence[Profile]) -> list[str]:
    if not original.width:
        return [f"[0:a:0]{_drawn_sound(original, profile)}[{profile.name}]" for profile in branches]
    steps = [f"[0:{original.picture_stream}]{','.join(_first(original, branches))}[all0]"]
    for number, profile in enumerate(branches):
        last = number == len(branches) - 1
        here = f"[all{number}]"
        if not last:
            steps.append(f"{here}split=2[own{number}][all{number + 1}]")
            here = f"[own{number}]"
        steps.append(f"{here}{','.join(_own(original, profile))}[{profile.name}]")
    return steps


def _drawn_sound(original: Original, profile: Profile) -> str:
    """A picture for sound alone: its line as it goes by."""
    (width, height), (across, down) = profile.canvas, profile.pixel
    line = f"showwaves=s={width}x{height}:mode=cline:rate={PLAIN_PICTURE_RATE:g}:colors=0x9fd8b4"
    return f"{line},trim=duration={original.duration_s:.3f},format=yuv420p,setsar={across}/{down}"


def _first(original: Original, branches: Sequence[Profile]) -> list[str]:
    """What is done once for all: sharp fields, one rate, no more pixels than the largest branch takes, ordinary brightness."""
    steps = [f"fps={_rate(usual_rate(original.frame_rate))}"]
    if original.interlaced:
        steps.insert(0, "bwdif=mode=send_frame:deint=interlaced")
    largest = max(_shrunk(original, profile) for profile in branches)
    if largest < (original.width, original.height) or original.wide_range:
        steps.append(f"scale={even(largest[0])}:{even(largest[1])}:flags=bicubic,setsar=1")
    if original.wide_range:
        steps.append(TO_STANDARD_RANGE)
    return steps


def _shrunk(original: Original, profile: Profile) -> tuple[int, int]:
    """The least size, in square pixels of the original's shape, from which this profile can be made."""
    if profile.canvas != (0, 0):
        width, height = profile.canvas
        scale = min(1.0, max(width * profile.pixel[0] / profile.pixel[1] / original.width, height / original.height))
    elif profile.kind == "still":
        scale = min(1.0, STILL_WIDTH / original.width)
    else:
        scale = min(1.0, profile.short_side / min(original.width, original.height))
    return even(original.width * scale), even(original.height * scale)


def _own(original: Original, profile: Profile) -> list[str]:
    width, height = picture_size(original, profile)
    if profile.kind == "still":
        times = still_times(original.duration_s)
        part = original.duration_s / len(times)
        return [
            *_held(original),
            f"select='gte(t,(selected_n+0.5)*{part:.4f})'",
            _scale(width, height // len(times)),
            "format=yuvj420p",
            f"tile=1x{len(times)}",
        ]
    if profile.kind == "poster":
        # at the very beginning a picture is often black
        return [
            *_held(original),
            f"select='gte(t,{original.duration_s / 10:.3f})'",
            "thumbnail=25",
            _scale(width, height),
            "format=yuvj420p",
        ]
    rate = frame_rate(original, profile)
    steps = [] if rate == usual_rate(original.frame_rate) else [f"fps={_rate(rate)}"]
    if profile.canvas == (0, 0):
        return [*steps, _scale(width, height), "format=yuv420p"]
    across, down = fitted_size(original, profile)
    borders = f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2"
    return [*steps, _scale(across, down), "format=yuv420p", borders, f"setsar={profile.pixel[0]}/{profile.pixel[1]}"]


def _held(original: Original) -> list[str]:
    """The last picture stands to the promised end: of a film that is cut off there is a picture, and the proof tells what is missing."""
    return [f"tpad=stop=-1:stop_mode=clone,trim=end={original.duration_s:.3f}"]


def _scale(width: int, height: int) -> str:
    return f"scale={width}:{height}:flags=bicubic:out_range=tv,setsar=1"


def h264(original: Original, profile: Profile) -> list[str]:
    """How the pictures of a profile are encoded."""
    every = frame_rate(original, profile) * KEYFRAME_S
    return [
        "-c:v", "libx264", "-preset", "veryfast", "-threads", str(THREADS), "-crf", "23",
        "-maxrate", str(profile.video_rate), "-bufsize", str(2 * profile.video_rate),
        "-profile:v", profile.h264_profile, "-level:v", profile.h264_level,
        # no B pictures: they would shift the first picture against sound that lies in another file, and old boxes cannot read them
        "-bf", "0", "-sc_threshold", "0", "-g", str(round(every * 4)), "-force_key_frames", f"expr:gte(t,n_forced*{KEYFRAME_S})",
    ]  # fmt: skip


def _told(profile: Profile, form: str) -> list[str]:
    """The encoder's output goes two ways: into the file, and into a digest of it. What the file holds is compared with that
    digest (`digests.py`): a flipped byte often decodes without complaint."""
    # no parameter sets, no remarks: what containers keep elsewhere
    kept = ":bsfs/v=filter_units=pass_types=1-5" if profile.kind == "video" else ""
    return ["-flags", "+global_header", "-f", "tee", f"{form}|[f=streamhash:hash=sha256{kept}]{digest_name(profile)}"]


def digest_name(profile: Profile) -> str:
    return f"{profile.name}.digest"


def _film_form(profile: Profile) -> str:
    if profile.hls:
        return _hls_form(profile)
    return f"[f=mp4:movflags=+frag_keyframe+empty_moov+default_base_moof]{track_name(profile)}"


def _hls_form(profile: Profile) -> str:
    options = ":".join(f"{key}={value}" for key, value in _hls_options(profile).items())
    return f"[f=hls:{options}]{profile.name}.m3u8"


def _hls_options(profile: Profile) -> dict[str, str]:
    return {
        "hls_time": str(SEGMENT_S),
        "hls_playlist_type": "vod",
        "hls_segment_type": "mpegts" if profile.suffix == ".ts" else "fmp4",
        "hls_flags": "single_file+independent_segments",
        "hls_segment_filename": f"{profile.name}{profile.suffix}",
    }


def track_name(profile: Profile) -> str:
    """The file of a profile's pictures before they are put together with its sound."""
    return f"{profile.name}{profile.suffix}" if profile.hls or profile.kind != "video" else f"{profile.name}.pictures.mp4"


# -- sound ------------------------------------------------------------------------------------------------------------------


def sound_arguments(original: Original, encoded: Sequence[Profile]) -> list[str]:
    """Arguments after the input's for every profile whose sound is encoded: brought to the norm once, encoded for each."""
    marks = "".join(f"[{profile.name}]" for profile in encoded)
    arguments = ["-filter_complex", f"[0:{original.sound_stream}]{','.join(_level(original))},asplit={len(encoded)}{marks}"]
    for profile in encoded:
        coder = "libmp3lame" if profile.suffix == ".mp3" else "aac"
        arguments += [*BARE, "-map", f"[{profile.name}]", "-c:a", coder, "-b:a", str(profile.audio_rate), "-ac", str(profile.channels)]
        arguments += _told(profile, _hls_form(profile) if profile.hls else _sound_form(profile))
    return arguments


def _sound_form(profile: Profile) -> str:
    options = "f=mp3:id3v2_version=0" if profile.suffix == ".mp3" else "f=mp4:movflags=+faststart"
    return f"[{options}]{profile.name}{profile.suffix}"


HEARD = "aresample=48000:async=1:first_pts=0,aformat=channel_layouts=stereo"
"""The sound as it is measured and encoded: two channels at 48 kHz, from the first picture on, holes filled with silence."""


def _level(original: Original) -> list[str]:
    steps = [HEARD]
    measured = original.loudness
    if measured is not None:
        steps.append(
            f"loudnorm=I={LOUDNESS_LUFS:g}:TP={PEAK_DBTP:g}:LRA={RANGE_LU:g}:linear=true:measured_I={measured.integrated:.2f}"
            f":measured_LRA={measured.range:.2f}:measured_TP={measured.peak:.2f}:measured_thresh={measured.threshold:.2f}"
        )
        steps.append("aresample=48000")
    if original.width:
        steps.append(f"apad=whole_dur={original.duration_s:.3f}")  # sound that ends early would end the film in some players
    return steps


# -- putting together -------------------------------------------------------------------------------------------------------


def mux_arguments(profile: Profile, parts: Sequence[Path]) -> list[str]:
    """All arguments of the copying run that makes a form out of streams that are there: no decoding, no encoding."""
    arguments: list[str] = []
    for part in parts:
        arguments += ["-i", str(part)]
    if profile.suffix == ".ts":
        options = [word for key, value in _hls_options(profile).items() for word in (f"-{key}", value)]
        return [*arguments, "-map", "0", *BARE, "-c", "copy", "-f", "hls", *options, f"{profile.name}.m3u8"]
    for number in range(len(parts)):
        arguments += ["-map", str(number)]
    # a low form plays while it comes: an index of an hour before the first picture would take half a minute on a slow line
    flags = "+frag_keyframe+empty_moov+default_base_moof+global_sidx" if profile.most else "+faststart"
    return [*arguments, *BARE, "-c", "copy", "-movflags", flags, "-f", "mp4", f"{profile.name}{profile.suffix}"]


def batches(wanted: Sequence[Profile]) -> list[list[Profile]]:
    """What is made in one run: the sounds, then all pictures. Small things first: they survive a crash of the long run."""
    groups = [[p for p in wanted if p.kind == "audio"], [p for p in wanted if p.kind != "audio"]]
    return [group for group in groups if group]
