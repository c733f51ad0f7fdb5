"""A linear channel as an HLS live playlist (RFC 8216), computed from the day's airings and the clock: no process runs.

1. A segment keeps its number for the whole day: numbers are the count of segments aired before it that day, plus the day's base.
2. Each airing is one discontinuity; its number is its place in the day, plus the day's base. Sound and pictures agree on it.
3. The first segment listed has no discontinuity tag before it: the sequence says where the list begins.
4. A window never spans an airing whose segments are gone (withdrawn): numbers inside one list are consecutive.
5. A new day begins a new list; players then go on at its live edge.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

WINDOW_S = 72.0
EPOCH = date(2020, 1, 1)
"""Days are counted from here, so that numbers stay below 2**31 (some players count in 32 bits) until 2049."""
SEGMENTS_A_DAY = 200_000
AIRINGS_A_DAY = 10_000
LEAST_TARGET_S = 7
"""Packaging cuts at 6 s; a frame more is allowed. The target may not change while a list lives."""
INF = re.compile(r"#EXTINF:([0-9.]+)")


@dataclass(frozen=True)
class Segment:
    """One segment of a stored playlist: its seconds, the lines that say where it lies, the EXT-X-MAP line it needs."""

    duration_s: float
    lines: tuple[str, ...]
    map_line: str


@dataclass(frozen=True)
class Aired:
    """One airing with the media playlist of the rendition that is shown; `playlist` is empty when its segments are gone."""

    starts_at: datetime
    playlist: str
    segments: int


@lru_cache(maxsize=512)
def segments_of(playlist: str) -> tuple[Segment, ...]:
    """The segments of a media playlist as packaging writes it (one file, byte ranges, one map)."""
    found: list[Segment] = []
    duration, kept, map_line = 0.0, [], ""
    for line in playlist.splitlines():
        if line.startswith("#EXT-X-MAP:"):
            map_line = line
        elif inf := INF.match(line):
            duration, kept = float(inf[1]), [line]
        elif line.startswith("#EXT-X-BYTERANGE"):
            kept.append(line)
        elif line and not line.startswith("#"):
            found.append(Segment(duration, (*kept, line), map_line))
    return tuple(found)


def live_playlist(aired: Sequence[Aired], *, day: date, now: datetime) -> str:
    """The playlist at `now` of the day's airings, all in order from the first of the day; empty when nothing is on the air."""
    window = _window(aired, now)
    if not window:
        return ""
    first_airing, first_segment = window[0][0], window[0][1]
    before = sum(_count(one) for one in aired[:first_airing]) + first_segment
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{_target(aired)}",
        f"#EXT-X-MEDIA-SEQUENCE:{(day - EPOCH).days * SEGMENTS_A_DAY + before}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{(day - EPOCH).days * AIRINGS_A_DAY + first_airing}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    last_airing = first_airing - 1
    for airing, _number, starts_at, segment in window:
        if airing != last_airing:
            if airing != first_airing:
                lines.append("#EXT-X-DISCONTINUITY")
            lines += [segment.map_line, f"#EXT-X-PROGRAM-DATE-TIME:{_stamp(starts_at)}"]
        lines += segment.lines
        last_airing = airing
    return "\n".join(lines) + "\n"


Placed = tuple[int, int, datetime, Segment]


def _window(aired: Sequence[Aired], now: datetime) -> list[Placed]:
    """Segments whose turn has come and which were not over before the window: (airing, number in it, start, segment)."""
    begins = now - timedelta(seconds=WINDOW_S)
    found: list[Placed] = []
    for number, one in enumerate(aired):
        if one.starts_at > now:
            break
        if not one.playlist:
            found = []  # rule 4
            continue
        following = aired[number + 1].starts_at if number + 1 < len(aired) else None
        if following is None or following > begins:
            found += [placed for placed in _placed(number, one) if placed[2] <= now and _end(placed) > begins]
    return found


def _placed(number: int, one: Aired) -> list[Placed]:
    placed, starts_at = [], one.starts_at
    for position, segment in enumerate(segments_of(one.playlist)):
        placed.append((number, position, starts_at, segment))
        starts_at += timedelta(seconds=segment.duration_s)
    return placed


def _end(placed: Placed) -> datetime:
    return placed[2] + timedelta(seconds=placed[3].duration_s)


def _count(one: Aired) -> int:
    return len(segments_of(one.playlist)) if one.playlist else one.segments


def _target(aired: Sequence[Aired]) -> int:
    """The same for the whole day: over all its airings, not over the window."""
    longest = max((segment.duration_s for text in {one.playlist for one in aired} for segment in segments_of(text)), default=0.0)
    return max(LEAST_TARGET_S, math.ceil(longest))


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Rung:
    """One height of the channel's master playlist: the heaviest of what its airings need, in bits per second."""

    profile: str
    bitrate: int
    peak_bitrate: int
    codecs: str
    width: int
    height: int


def master(rungs: Sequence[Rung], sound: Rung) -> str:
    """The master playlist of a channel: its heights from light to heavy, the sound as a group of its own."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines.append(
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="原声",LANGUAGE="zh",DEFAULT=YES,AUTOSELECT=YES,URI="{sound.profile}.m3u8"'
    )
    for rung in sorted(rungs, key=lambda one: one.peak_bitrate):
        size = f",RESOLUTION={rung.width}x{rung.height}" if rung.width else ""
        lines.append(
            f"#EXT-X-STREAM-INF:BANDWIDTH={rung.peak_bitrate + sound.peak_bitrate},AVERAGE-BANDWIDTH={rung.bitrate + sound.bitrate}"
            f',CODECS="{rung.codecs},{sound.codecs}"{size},AUDIO="sound"'
        )
        lines.append(f"{rung.profile}.m3u8")
    return "\n".join(lines) + "\n"
