"""One run of ffmpeg for a batch of profiles: one decode, every height split off it; how far it is comes back as it runs."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from yuanjiao.courseware.rules.profiles import BOX_HEIGHT, BOX_WIDTH, KEYFRAME_S, LOUDNESS_LUFS, SEGMENT_S, Profile

THREADS = 2
FASTEST = 30.0
BOX_BLOCKS_A_SECOND = 40_500  # H.264 level 3.0: macroblocks per second an old box can decode
LOUDNESS = f"loudnorm=I={LOUDNESS_LUFS}:TP=-1.5:LRA=11,aresample=48000:async=1:first_pts=0"


class EncodingFailed(Exception):
    """ffmpeg did not finish; the message is its own last words."""


@dataclass(frozen=True)
class Original:
    """What encoding must know of the file: upright size with square pixels, pictures a second, seconds (of sound: 0 for none)."""

    path: Path
    width: int
    height: int
    frame_rate: float
    duration_s: float
    audio_duration_s: float

    def sounds(self, profile: Profile) -> bool:
        """Whether the profile's rendition of this original carries sound."""
        return bool(profile.audio_rate) and self.audio_duration_s > 0


def even(value: float) -> int:
    """The nearest even whole number, at least 2: H.264 with halved colour needs even sides."""
    return max(2, round(value / 2) * 2)


def picture_size(original: Original, profile: Profile) -> tuple[int, int]:
    """Width and height of the profile's picture: the original's shape, never larger than the original."""
    width, height = original.width, original.height
    if profile.name == "box-sd":
        scale = min(1.0, BOX_WIDTH / width, BOX_HEIGHT / height)
    else:
        scale = min(1.0, profile.short_side / min(width, height))
    return even(width * scale), even(height * scale)


def frame_rate(original: Original, profile: Profile) -> float:
    """Pictures a second: the original's up to 30; for the old box what its decoder can bear, else 25."""
    rate = min(original.frame_rate, FASTEST)
    if profile.name == "box-sd":
        width, height = picture_size(original, profile)
        bearable = BOX_BLOCKS_A_SECOND / (-(-width // 16) * -(-height // 16))
        rate = rate if rate <= bearable else min(25.0, bearable)
    return rate


def encode(original: Original, batch: Sequence[Profile], folder: Path, *, progress: Callable[[int], None]) -> None:
    """Write `<profile><suffix>` (and `<profile>.m3u8`) for every profile into `folder`. `progress` gets 0–100. Raises EncodingFailed."""
    run([imageio_ffmpeg.get_ffmpeg_exe(), *_arguments(original, batch, folder)], original.duration_s, progress)


def run(command: Sequence[str], duration_s: float, progress: Callable[[int], None]) -> None:
    """Run ffmpeg to its end, telling the progress it prints; its complaints are kept for the error."""
    with tempfile.TemporaryFile("w+", errors="replace") as complaints:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, stdin=subprocess.DEVNULL, text=True) as process:
            try:
                _follow(process, duration_s, progress)
            finally:
                if process.poll() is None:
                    process.kill()
        if process.returncode:
            complaints.seek(0)
            words = [line.strip() for line in complaints.read()[-4000:].splitlines() if line.strip()]
            raise EncodingFailed("；".join(words[-2:])[:200] or f"ffmpeg 退出码 {process.returncode}")


def _follow(process: subprocess.Popen[str], duration_s: float, progress: Callable[[int], None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        name, _, value = line.strip().partition("=")
        if name == "out_time_us" and value.lstrip("-").isdigit():
            progress(max(0, min(99, int(int(value) / 1e4 / max(duration_s, 0.1)))))
    process.wait()


def _arguments(original: Original, batch: Sequence[Profile], folder: Path) -> list[str]:
    arguments = ["-y", "-hide_banner", "-nostdin", "-loglevel", "error", "-progress", "pipe:1", "-nostats"]
    if batch[0].kind == "poster":
        return [*arguments, *_poster(original, batch[0], folder)]
    graph = [*_picture_graph(original, [p for p in batch if p.kind == "video"]), *_sound_graph([p for p in batch if original.sounds(p)])]
    arguments += [*_source(original), "-filter_complex", ";".join(graph)]
    for profile in batch:
        arguments += _stream(original, profile, folder)
    return arguments


def _source(original: Original) -> list[str]:
    # `file` alone: a hostile container must not make us fetch addresses
    return ["-protocol_whitelist", "file,pipe", "-i", str(original.path)]


def _picture_graph(original: Original, pictures: Sequence[Profile]) -> list[str]:
    if not pictures:
        return []
    marks = "".join(f"[in{n}]" for n in range(len(pictures)))
    steps = [f"[0:v:0]split={len(pictures)}{marks}"]
    for number, profile in enumerate(pictures):
        width, height = picture_size(original, profile)
        rate = frame_rate(original, profile)
        steps.append(f"[in{number}]fps={rate:.5f},scale={width}:{height}:flags=bicubic,setsar=1,format=yuv420p[v-{profile.name}]")
    return steps


def _sound_graph(sounds: Sequence[Profile]) -> list[str]:
    if not sounds:
        return []
    marks = "".join(f"[a-{profile.name}]" for profile in sounds)
    return [f"[0:a:0]{LOUDNESS},asplit={len(sounds)}{marks}"]


def _stream(original: Original, profile: Profile, folder: Path) -> list[str]:
    arguments = ["-map_metadata", "-1", "-map_chapters", "-1"]  # a phone writes where and when it filmed: not for the public
    if profile.kind == "video":
        arguments += ["-map", f"[v-{profile.name}]", *_h264(original, profile)]
    if original.sounds(profile):
        arguments += ["-map", f"[a-{profile.name}]", "-c:a", "aac", "-b:a", str(profile.audio_rate), "-ac", "2"]
    return [*arguments, *(_hls(profile, folder) if profile.hls else _file(profile, folder))]


def _h264(original: Original, profile: Profile) -> list[str]:
    every = frame_rate(original, profile) * KEYFRAME_S
    return [
        "-c:v", "libx264", "-preset", "veryfast", "-threads", str(THREADS), "-crf", "23",
        "-maxrate", str(profile.video_rate), "-bufsize", str(2 * profile.video_rate),
        "-profile:v", profile.h264_profile, "-level:v", profile.h264_level,
        # no B pictures: they would shift the first picture against sound that lies in another file, and old boxes cannot read them
        "-bf", "0", "-sc_threshold", "0", "-g", str(round(every * 4)), "-force_key_frames", f"expr:gte(t,n_forced*{KEYFRAME_S})",
    ]  # fmt: skip


def _hls(profile: Profile, folder: Path) -> list[str]:
    blob, playlist = str(folder / f"{profile.name}{profile.suffix}"), str(folder / f"{profile.name}.m3u8")
    return [
        "-f", "hls", "-hls_time", str(SEGMENT_S), "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4",
        "-hls_flags", "single_file+independent_segments", "-hls_segment_filename", blob, playlist,
    ]  # fmt: skip


def _file(profile: Profile, folder: Path) -> list[str]:
    return ["-movflags", "+faststart", "-f", "mp4", str(folder / f"{profile.name}{profile.suffix}")]


def _poster(original: Original, profile: Profile, folder: Path) -> list[str]:
    width, height = picture_size(original, profile)
    return [
        "-ss", f"{original.duration_s / 10:.3f}", *_source(original),  # at the very beginning a picture is often black
        "-map", "0:v:0", "-vf", f"thumbnail=25,scale={width}:{height}:flags=bicubic,setsar=1,format=yuvj420p",
        "-frames:v", "1", "-q:v", "5", "-f", "image2", "-update", "1", str(folder / f"{profile.name}{profile.suffix}"),
    ]  # fmt: skip


def batches(wanted: Sequence[Profile]) -> list[list[Profile]]:
    """What is made in one run: the poster, the sounds, the pictures. Small things first: they survive a crash of the long run."""
    groups = [
        [p for p in wanted if p.kind == "poster"],
        [p for p in wanted if p.kind == "audio"],
        [p for p in wanted if p.kind == "video"],
    ]
    return [group for group in groups if group]
