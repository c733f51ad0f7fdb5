"""Key pictures of a film in one upright strip (图片摘要): which part of the strip stands for which span, and what is said in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

AT_MOST, EVERY_S = 12, 30.0
CUE = re.compile(r"(?m)^(?:(\d+):)?(\d{2}):(\d{2})\.(\d{3}) --> [^\n]*\n((?:[^\n]+\n?)+)")
MARKUP = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class KeyPicture:
    """One picture of the strip: the span of the film it stands for (seconds), where it lies (pixels), what is said in the span."""

    start_s: float
    end_s: float
    x: int
    y: int
    width: int
    height: int
    text: str


def still_count(duration_s: float) -> int:
    """How many key pictures a film has: one for every half minute, at most a dozen."""
    return max(1, min(AT_MOST, round(duration_s / EVERY_S)))


def key_pictures(*, duration_s: float, width: int, height: int, captions: str = "") -> tuple[KeyPicture, ...]:
    """The pictures of a strip of that size; `captions` is WebVTT, or empty."""
    count = still_count(duration_s)
    span, down = duration_s / count, height // count
    said = [(_seconds(cue), MARKUP.sub("", " ".join(cue[5].split()))) for cue in CUE.finditer(captions)]
    return tuple(
        KeyPicture(
            n * span, (n + 1) * span, 0, n * down, width, down, " ".join(text for at, text in said if n * span <= at < (n + 1) * span)
        )
        for n in range(count)
    )


def _seconds(cue: re.Match[str]) -> float:
    return int(cue[1] or 0) * 3600 + int(cue[2]) * 60 + int(cue[3]) + int(cue[4]) / 1000
