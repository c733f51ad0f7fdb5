"""Runs of ffmpeg: measuring loudness, encoding a batch of profiles, putting streams together; how far it is comes back as it runs."""

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import imageio_ffmpeg

from yuanjiao.courseware.packaging import recipe
from yuanjiao.courseware.packaging.recipe import Loudness, Original
from yuanjiao.courseware.rules.profiles import BY_NAME, PROFILES, Profile
from yuanjiao.lib.bound import bound

SILENT_LUFS = -70.0
STALLED_AFTER_S = 900.0
"""So long may ffmpeg say nothing: a damaged file can send a decoder round in circles."""
QUIET = ["-y", "-hide_banner", "-nostdin", "-loglevel", "error", "-progress", "pipe:1", "-nostats"]


class EncodingFailed(Exception):
    """ffmpeg did not finish; the message is its own last words."""


@dataclass(frozen=True)
class Ran:
    """How a run went: what ffmpeg said, line by line. `errors` counts what it could not decode and went on from."""

    said: tuple[str, ...]

    @property
    def errors(self) -> int:
        return sum(1 for line in self.said if DAMAGE.search(line))


DAMAGE = re.compile(
    r"error while decoding|corrupt|Invalid data found|concealing|non-existing|Error submitting packet|decode_slice|left block"
)


# -- runs -------------------------------------------------------------------------------------------------------------------


def run(
    arguments: Sequence[str], folder: Path, duration_s: float, progress: Callable[[int], None], *, share: tuple[int, int] = (0, 100)
) -> Ran:
    """Run ffmpeg to its end in `folder`, telling the progress within `share` (percent). Raises EncodingFailed."""
    with tempfile.TemporaryFile("w+", errors="replace") as complaints:
        with _started([imageio_ffmpeg.get_ffmpeg_exe(), *arguments], folder, complaints) as process:
            low, high = share
            _follow(process, duration_s, lambda percent: progress(low + percent * (high - low) // 100))
        complaints.seek(0)
        said = tuple(line.strip() for line in complaints.read()[-200_000:].splitlines() if line.strip())
    if process.returncode:
        raise EncodingFailed("；".join(said[-2:])[:200] or f"ffmpeg 退出码 {process.returncode}")
    return Ran(said)


@contextmanager
def _started(command: Sequence[str], folder: Path, complaints: object) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        bound([*command]), cwd=folder, stdout=subprocess.PIPE, stderr=complaints, stdin=subprocess.DEVNULL, text=True
    )  # type: ignore[call-overload]
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _follow(process: subprocess.Popen[str], duration_s: float, progress: Callable[[int], None]) -> None:
    assert process.stdout is not None
    stalled = threading.Timer(STALLED_AFTER_S, process.kill)
    stalled.start()
    try:
        for line in process.stdout:
            name, _, value = line.strip().partition("=")
            if name == "out_time_us" and value.lstrip("-").isdigit():
                progress(max(0, min(99, int(int(value) / 1e4 / max(duration_s, 0.1)))))
                stalled.cancel()
                stalled = threading.Timer(STALLED_AFTER_S, process.kill)
                stalled.start()
        process.wait()
    finally:
        stalled.cancel()


def _source(path: Path) -> list[str]:
    # `file` alone: a hostile container must not make us fetch addresses
    return ["-protocol_whitelist", "file,pipe", "-i", str(path)]


# -- loudness ---------------------------------------------------------------------------------------------------------------

MEASURED = re.compile(
    r"I:\s+(-?[\d.]+|-?inf|nan) LUFS\s+Threshold:\s+(-?[\d.]+|-?inf|nan) LUFS"
    r".*?LRA:\s+(-?[\d.]+|nan) LU.*?Peak:\s+(-?[\d.]+|-?inf|nan) dBFS",
    re.S,
)


def measure_loudness(path: Path, stream: int, progress: Callable[[int], None], *, duration_s: float = 0.0) -> Loudness | None:
    """The first of the two passes (EBU R128): what the whole sound measures. None when there is nothing to hear."""
    told = [*QUIET, "-loglevel", "info", *_source(path), "-map", f"0:{stream}", "-vn"]
    ran = run([*told, "-af", f"{recipe.HEARD},ebur128=peak=true:framelog=quiet", "-f", "null", "-"], path.parent, duration_s, progress)
    found = MEASURED.search("\n".join(ran.said).rpartition("Summary:")[2])
    if not found:
        raise EncodingFailed("量不出响度")
    integrated, threshold, spread, peak = (float(text) for text in found.groups())
    return Loudness(integrated, spread, peak, threshold) if integrated > SILENT_LUFS else None


# -- making -----------------------------------------------------------------------------------------------------------------


def make_sounds(original: Original, batch: Sequence[Profile], folder: Path, *, progress: Callable[[int], None]) -> Ran:
    """Write the sound profiles of a batch into `folder`, at the norm. Raises EncodingFailed."""
    measured = measure_loudness(original.path, original.sound_stream, lambda p: progress(p // 4), duration_s=original.duration_s)
    leveled = replace(original, loudness=measured)
    arguments = [*QUIET, *_source(original.path), *recipe.sound_arguments(leveled, batch)]
    return run(arguments, folder, original.duration_s, progress, share=(25, 99))


def make_pictures(
    original: Original, batch: Sequence[Profile], folder: Path, *, here: Mapping[str, Path], progress: Callable[[int], None]
) -> Ran:
    """Write every profile with pictures into `folder`: one decode for all, then the copies. Raises EncodingFailed.

    `here` are streams of other profiles that are there already (name → file), taken instead of being made again.
    """
    films = [p for p in batch if recipe.ingredients(original, p)[:1] in {(), (p.name,)}]
    source = original.path if original.width else here["hls-audio"]
    ran = Ran(())
    if films:
        arguments = [*QUIET, *_source(source), *recipe.picture_arguments(original, films)]
        ran = run(arguments, folder, original.duration_s, progress, share=(0, 90))
    at_hand = dict(here) | {profile.name: folder / recipe.track_name(profile) for profile in films}
    for profile in batch:  # in the order of the table: what is copied from stands before its copies
        if parts := [at_hand[part] for part in recipe.ingredients(original, profile)]:
            run([*QUIET, *recipe.mux_arguments(profile, parts)], folder, original.duration_s, progress, share=(90, 95))
            at_hand[profile.name] = folder / f"{profile.name}{profile.suffix}"
    return ran


def with_ingredients(original: Original, batch: Sequence[Profile], here: Container[str]) -> list[Profile]:
    """The batch with everything its copies are made of that is not here, in the order of the table."""
    wanted = {profile.name for profile in batch}
    waiting = list(wanted)
    while waiting:
        parts = set(recipe.ingredients(original, BY_NAME[waiting.pop()])) - wanted
        missing = {part for part in parts if part not in here}
        wanted |= missing
        waiting += missing
    if not original.width and any(BY_NAME[name].kind == "video" for name in wanted) and "hls-audio" not in here:
        wanted.add("hls-audio")
    return [profile for profile in PROFILES if profile.name in wanted]
