"""HLS and MP4 as players need them: ranges, segments, key pictures, the ladder in step, the index where it must be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from yuanjiao.courseware.packaging.flaw import NotProved
from yuanjiao.courseware.rules.playlists import BLOB
from yuanjiao.courseware.rules.profiles import SEGMENT_S

AAC_FRAME_S = 0.25  # a sound segment may end a few AAC frames after its picture's
IN_STEP_S = 0.001
RANGE = re.compile(r"(\d+)@(\d+)")


def prove_playlist(text: str, name: str, size: int, duration_s: float, key_times: tuple[float, ...] | None) -> tuple[str, int]:
    """Check a single-file playlist against its file; return it with `{blob}` for the name, and the peak segment's bits per second.

    The ranges tile the file from its first byte to its last; no segment is longer than the target; the segments add up to the
    decoded length; every segment of pictures begins on a key picture.
    """
    segments, at = ranges(text), 0
    for _, length, start in segments:
        if start != at:
            raise NotProved(f"播放清单的字节范围不相接：应从 {at} 开始，实为 {start}")
        at += length
    if at != size:
        raise NotProved(f"播放清单只覆盖 {at} 字节，文件有 {size} 字节")
    shown = [(seconds, length) for seconds, length, _ in segments if seconds > 0]
    times = [seconds for seconds, _ in shown]
    target = int(re.search(r"#EXT-X-TARGETDURATION:(\d+)", text)[1])  # type: ignore[index]
    if not times or round(max(times)) > target or target > 2 * SEGMENT_S:
        raise NotProved(f"片段长于目标时长 {target} 秒")
    if abs(sum(times) - duration_s) > max(AAC_FRAME_S, 0.01 * duration_s):
        raise NotProved(f"片段合计 {sum(times):.2f} 秒，实际 {duration_s:.2f} 秒")
    if not text.startswith("#EXTM3U") or "#EXT-X-ENDLIST" not in text:
        raise NotProved("播放清单没有结尾")
    if key_times is not None:
        _prove_starts(times, key_times)
    peak = max(length * 8 / seconds for seconds, length in shown if seconds > 0.5 or len(shown) == 1)
    return text.replace(f'"{name}"', f'"{BLOB}"').replace(f"\n{name}\n", f"\n{BLOB}\n"), round(peak)


def ranges(text: str) -> list[tuple[float, int, int]]:
    """(seconds, bytes, start) of the map, if there is one (0 s), and of each segment, in order."""
    found: list[tuple[float, int, int]] = []
    seconds = 0.0
    for line in text.splitlines():
        if line.startswith("#EXTINF:"):
            seconds = float(line[8:].split(",")[0])
        elif line.startswith(("#EXT-X-MAP:", "#EXT-X-BYTERANGE:")) and (match := RANGE.search(line)):
            found.append((0.0 if line.startswith("#EXT-X-MAP:") else seconds, int(match[1]), int(match[2])))
    if not any(seconds for seconds, _, _ in found):
        raise NotProved("播放清单没有片段")
    return found


def _prove_starts(times: list[float], key_times: tuple[float, ...]) -> None:
    start = key_times[0] if key_times else 0.0
    for seconds in times:
        if not any(abs(key - start) < 0.02 for key in key_times):
            raise NotProved(f"{start:.2f} 秒处的片段不是从关键画面开始")
        start += seconds


def prove_ladder(playlists: Mapping[str, str]) -> None:
    """All rungs change segments at the same moments, so that a player may change rungs at any of them. Profile name → playlist."""
    cuts = {name: [seconds for seconds, _, _ in ranges(text) if seconds] for name, text in playlists.items()}
    for name, times in list(cuts.items())[1:]:
        first = next(iter(cuts))
        if len(times) != len(cuts[first]):
            raise NotProved(f"{name} 有 {len(times)} 个片段，{first} 有 {len(cuts[first])} 个：不能换档")
        for number, (one, other) in enumerate(zip(times[:-1], cuts[first][:-1], strict=True), 1):
            if abs(one - other) > IN_STEP_S:
                raise NotProved(f"{name} 的第 {number} 个片段与 {first} 不在同一时刻切换")


def prove_index_first(path: Path) -> None:
    """The index (moov) stands before the pictures (mdat): an old box begins to play while the rest is still coming."""
    seen: list[bytes] = []
    with open(path, "rb") as stream:
        while head := stream.read(8):
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            header = 8
            if size == 1:
                size, header = int.from_bytes(stream.read(8), "big"), 16
            seen.append(kind)
            if size < header:
                break
            stream.seek(size - header, 1)
    if b"moov" not in seen or b"mdat" not in seen or seen.index(b"moov") > seen.index(b"mdat"):
        raise NotProved("索引不在文件开头，老机顶盒要等全部下载才能播放")
