"""Films of every awkward kind, made small by ffmpeg when first asked for, and what packaging makes of them without a database."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.courseware.conftest import ffmpeg
from yuanjiao.courseware.packaging import encode
from yuanjiao.courseware.packaging.probe import Probe, probe
from yuanjiao.courseware.packaging.prove import Proof, prove
from yuanjiao.courseware.packaging.recipe import Original, batches
from yuanjiao.courseware.rules.profiles import Profile, applicable


def picture(size: str = "160x120", rate: str = "10", seconds: float = 2, more: str = "") -> list[str]:
    return ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}{more}"]


def tone(seconds: float = 2, volume_db: float = -20, layout: str = "stereo") -> list[str]:
    return ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds},volume={volume_db}dB,aformat=channel_layouts={layout}"]


H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
AAC = ["-c:a", "aac"]
FLASHES = "color=black:size=160x120:rate=25:duration=4,drawbox=color=white:t=fill:enable='between(t,2,2.2)'"
BEEPS = "sine=frequency=1000:duration=4,volume=0:enable='not(between(t,2,2.2))'"
HDR = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:log-level=none"
RECIPES: dict[str, list[str]] = {
    "plain.mp4": [*picture(), *tone(), *H264, *AAC],
    "long.mp4": [*picture(seconds=16), *tone(16), *H264, *AAC],
    "steps.mp4": [*picture("1280x720", "5", 14), *tone(14), *H264, *AAC],
    "silent.mp4": [*picture(), *H264],
    "portrait.mp4": [*picture("120x160"), *tone(), *H264, *AAC],
    "wide_pixels.mkv": [*picture("176x144"), *tone(), "-vf", "setsar=16/11", *H264, *AAC],
    "odd.avi": [*picture(rate="30000/1001", more=",format=yuv444p,scale=161:121"), *tone(), "-c:v", "mjpeg", "-c:a", "pcm_s16le"],
    "uneven.mp4": [
        *picture(rate="25", seconds=4), *tone(4), "-vf", "select='lt(t,2)+not(mod(n,4))'", "-fps_mode", "vfr", *H264, *AAC
    ],
    "fast.mp4": [*picture(rate="60"), *tone(), *H264, *AAC],
    "large.mp4": [*picture("3840x2160", "5", 1.2), *tone(1.2), *H264, *AAC],
    "fields.mpg": [
        *picture("176x144", "50"), *tone(), "-vf", "tinterlace=interleave_top", "-flags", "+ilme+ildct",
        "-c:v", "mpeg2video", "-b:v", "2M", "-c:a", "mp2",
    ],
    "wide_range.mp4": [
        *picture(more=",format=yuv420p10le"), *tone(), "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", HDR,
        "-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc", *AAC,
    ],
    "six_channels.mkv": [*picture(), *tone(layout="5.1"), *H264, "-c:a", "ac3"],
    "mono.mp4": [*picture(), *tone(layout="mono"), *H264, *AAC],
    "cover.mp4": [
        *picture("120x120", "1", 1), *picture(), *tone(), "-map", "0:v", "-map", "1:v", "-map", "2:a", "-c:v:0", "mjpeg",
        "-frames:v:0", "1", "-disposition:v:0", "attached_pic", "-c:v:1", "libx264", "-pix_fmt:v:1", "yuv420p", *AAC,
    ],
    "flash.mp4": ["-f", "lavfi", "-i", FLASHES, "-f", "lavfi", "-i", BEEPS, *H264, *AAC],
    "quiet.mp4": [*picture(seconds=6), *tone(6, -45), *H264, *AAC],
    "loud.mp4": [*picture(seconds=6), *tone(6, 15), *H264, *AAC],
    "hushed.mp4": [*picture(), "-f", "lavfi", "-i", "anullsrc=d=2", *H264, *AAC],
    "talk.mp3": [*tone(4), "-c:a", "libmp3lame"],
}  # fmt: skip


@dataclass
class Forms:
    """All forms of one film: encoded and proved, in `folder`."""

    probe: Probe
    original: Original
    folder: Path
    profiles: tuple[Profile, ...]
    proofs: dict[str, Proof] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        profile = next(one for one in self.profiles if one.name == name)
        return self.folder / f"{name}{profile.suffix}"

    def here(self) -> dict[str, Path]:
        return {profile.name: self.path(profile.name) for profile in self.profiles}

    def prove(self, name: str) -> Proof:
        profile = next(one for one in self.profiles if one.name == name)
        return prove(self.original, profile, self.folder, here=self.here(), beat=lambda: None)


@dataclass
class Films:
    """The films by name, each made once; `forms` packages one once."""

    folder: Path
    _forms: dict[str, Forms] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        where = self.folder / name
        if not where.exists():
            ffmpeg(*RECIPES[name], str(where))
        return where

    def forms(self, name: str, *, sound_only: bool = False) -> Forms:
        if name not in self._forms:
            self._forms[name] = self.make(name, sound_only=sound_only)
        return self._forms[name]

    def make(self, name: str, *, sound_only: bool = False) -> Forms:
        found = probe(self.path(name), sound_only=sound_only)
        original = found.original(self.path(name))
        profiles = applicable(width=found.width, height=found.height, has_audio=found.has_audio)
        number = sum(1 for _ in self.folder.glob("forms-*"))
        made = Forms(found, original, self.folder / f"forms-{number}-{name}", profiles)
        made.folder.mkdir()
        for batch in batches(profiles):
            if batch[0].kind == "audio":
                encode.make_sounds(original, batch, made.folder, progress=lambda _percent: None)
            else:
                encode.make_pictures(original, batch, made.folder, here=made.here(), progress=lambda _percent: None)
        for profile in profiles:
            made.proofs[profile.name] = made.prove(profile.name)
        return made
