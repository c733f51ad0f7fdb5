"""Live programmes: what may be a signal, what ffmpeg is told, what players are told (DLV11). RFC 8216.

1. Each start of the encoder is a run; its segments are numbered from 0 and their names are never used again.
2. A segment keeps its number in the playlist for the whole programme: the count of segments before it, over all runs.
3. A run that follows another begins behind a discontinuity; its number is the count of runs before it that brought anything.
4. Sound and pictures of a run lie on one line of time that goes on where the last run ended, so that the recording has no hole.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit

from yuanjiao.courseware.rules.profiles import BY_NAME

SEGMENT_S = 2
WINDOW = 12
"""Segments in a playlist: who joins waits for none, who was cut for ten seconds goes on where he was."""
TARGET_S = 5
"""Cuts fall on key pictures every two seconds; a source that skips makes one longer. May not change while a programme is on."""
LONGEST = timedelta(hours=12)
PAUSES_S = (1, 2, 4, 8, 15, 30)
PICTURE, SOUND = "picture", "sound"
RENDITIONS = (PICTURE, SOUND)
SHARP = BY_NAME["hls-480"]
SOUND_RATE, LOW_SOUND_RATE = 96_000, 48_000
INF = re.compile(r"#EXTINF:([0-9.]+)")
SHORTEST_SECRET = 3
"""Bytes; less is no secret and stands in every other word."""
NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*", re.I)
NAME = re.compile(r"(picture|sound)-([0-9]{6,})\.ts")

PROTOCOLS = {
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,rtmp,tls,tcp",
    "rtsp": "rtsp,rtp,srtp,udp,tcp",
    "srt": "srt",
    "http": "http,https,tcp,tls",
    "https": "http,https,tcp,tls",
    "udp": "udp",
    "rtp": "rtp,udp",
}
"""Schemes a signal may have, and what ffmpeg may open for each: never a file of this machine, whatever the signal says."""
FORMATS = "hls,mpegts,flv,live_flv,rtsp,rtp,sdp,mov,mp4,aac,mp3,webvtt"
"""What a signal may be. Formats that name other files by themselves (concat, dash, image sequences) are not opened at all."""


class Phase(StrEnum):
    """Where a live programme stands in time."""

    COMING = "coming"
    ON_AIR = "on_air"
    OVER = "over"
    CANCELLED = "cancelled"


def phase(*, starts_at: datetime, ends_at: datetime, ended_at: datetime | None, cancelled_at: datetime | None, at: datetime) -> Phase:
    """The phase at a moment; a machine that is cut off knows the end by its own clock."""
    if cancelled_at is not None:
        return Phase.CANCELLED
    if at < starts_at and ended_at is None:
        return Phase.COMING
    return Phase.ON_AIR if at < ends_at and ended_at is None else Phase.OVER


def against_signal(address: str) -> str:
    """Why an address cannot be a signal; empty when it can.

    A receiver on this very machine is usual (an encoder pushes to it, we pull); the link-local services of machines are nobody's signal.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _port = parts.port
    except ValueError:
        return "信号地址读不出来"
    if parts.scheme not in PROTOCOLS:
        return "信号地址以 rtmp://、rtsp://、srt://、http(s)://、udp:// 或 rtp:// 开头"
    if len(address) > 500 or any(letter.isspace() or not letter.isprintable() for letter in address):
        return "信号地址不能有空格，最多 500 个字符"
    if not host:
        return "请填完整的信号地址，例如 rtmp://直播服务器/应用/流名"
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        # a number that is no address in the usual form is one in an unusual form
        return "请用通常的写法填主机地址" if NUMERIC.fullmatch(host.rpartition(".")[2]) else ""
    return "不能是本机内部服务的地址" if number.is_link_local or getattr(number, "ipv4_mapped", None) else ""


def secrets(address: str) -> list[str]:
    """Every piece of an address behind or before its host, the longest first: any may be the key, and an encoder names them singly."""
    parts = urlsplit(address)
    asked = [one for pair in parse_qsl(parts.query, keep_blank_values=True) for one in pair]
    pieces = [parts.path.strip("/"), parts.query, parts.fragment, parts.username or "", parts.password or "", *asked]
    pieces += [*parts.path.split("/"), *re.split("[&=]", parts.query)]
    return sorted({form for one in pieces for form in (one, unquote(one)) if len(form.encode()) >= SHORTEST_SECRET}, key=len, reverse=True)


def pause_s(failures: int) -> int:
    """Seconds to wait after so many runs in a row that brought nothing; after one that brought something, the least."""
    return PAUSES_S[min(max(failures, 0), len(PAUSES_S) - 1)]


# -- the encoder ------------------------------------------------------------------------------------------------------------

SMALLER = "min(1\\,480/min(iw*sar\\,ih))"


def encoder_arguments(address: str, *, offset_s: float, pictures: bool = True, sound: bool = True) -> list[str]:
    """All arguments of one run in its folder: pictures with sound and the sound alone, each as segments with their list.

    `offset_s` is where its line of time begins. Without `pictures` or `sound` the signal is known to have none.
    """
    scheme = urlsplit(address).scheme
    told = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"]
    told += ["-protocol_whitelist", PROTOCOLS[scheme], "-format_whitelist", FORMATS]
    if scheme == "rtsp":
        told += ["-rtsp_transport", "tcp"]
    if scheme in {"http", "https"}:
        told += ["-readrate", "1.05"]  # a film that is no signal would otherwise be taken in as fast as it comes
    told += ["-i", address]
    if pictures:
        told += ["-map", "0:v:0", *_pictures(), *(_sound("0:a:0", SOUND_RATE, 2) if sound else []), *_list(PICTURE, offset_s)]
    if sound:
        told += [*_sound("0:a:0", LOW_SOUND_RATE, 1), *_list(SOUND, offset_s)]
    return told


def _pictures() -> list[str]:
    shape = f"scale=w=trunc(iw*sar*{SMALLER}/2)*2:h=trunc(ih*{SMALLER}/2)*2,setsar=1,format=yuv420p"
    return [
        # what television sends comes in fields
        "-vf", f"bwdif=mode=send_frame:deint=interlaced,{shape}", "-fpsmax", "30",
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-maxrate", str(SHARP.video_rate), "-bufsize", str(2 * SHARP.video_rate),
        "-profile:v", SHARP.h264_profile, "-level:v", SHARP.h264_level, "-bf", "0", "-sc_threshold", "0", "-g", "120",
        "-force_key_frames", f"expr:gte(t,n_forced*{SEGMENT_S})",
    ]  # fmt: skip


def _sound(stream: str, rate: int, channels: int) -> list[str]:
    return ["-map", stream, "-af", "aresample=48000:async=1", "-c:a", "aac", "-b:a", str(rate), "-ac", str(channels)]


SOUND_PID = 257
"""Where the sound beside pictures lies too: so segments of a run without pictures join those of one with them, byte by byte."""


def _list(rendition: str, offset_s: float) -> list[str]:
    return [
        *(["-hls_segment_options", f"mpegts_start_pid={SOUND_PID}"] if rendition == SOUND else []),
        "-map_metadata", "-1", "-output_ts_offset", f"{offset_s:.3f}", "-muxdelay", "0", "-muxpreload", "0",
        "-f", "hls", "-hls_time", str(SEGMENT_S), "-hls_list_size", "0", "-hls_segment_type", "mpegts",
        "-hls_flags", "temp_file+independent_segments", "-hls_segment_filename", f"{rendition}-%06d.ts", f"{rendition}.m3u8",
    ]  # fmt: skip


MISSING = re.compile(r"matches no streams.*?'0:([va]):0'", re.S)


def lacking(words: str) -> str:
    """Which streams a run found missing, from what the encoder said: 'v', 'a' or ''."""
    found = MISSING.search(words)
    return found[1] if found else ""


# -- players ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One finished segment: its number in its run and its seconds."""

    number: int
    duration_s: float


@dataclass(frozen=True)
class Run:
    """What a playlist needs of one run: the segments that stand in it, and how many segments and runs came before."""

    number: int
    parts: tuple[Part, ...]
    segments_before: int
    runs_before: int


def parts_of(text: str) -> list[Part]:
    """The finished segments named in a list the encoder wrote, or in a piece of it."""
    found: list[Part] = []
    duration = 0.0
    for line in text.splitlines():
        if inf := INF.match(line):
            duration = float(inf[1])
        elif duration and (name := NAME.fullmatch(line.strip())):
            found.append(Part(int(name[2]), duration))
            duration = 0.0
    return found


def playlist(runs: Sequence[Run], rendition: str, *, over: bool) -> str:
    """The media playlist: the newest segments of the runs, oldest run first. Empty while there is none. `over` ends it."""
    window = [(run, part) for run in runs for part in run.parts][-WINDOW:]
    if not window:
        return ""
    first, part = window[0]
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        f"#EXT-X-TARGETDURATION:{max(TARGET_S, *(round(one.duration_s) for _, one in window))}",
        f"#EXT-X-MEDIA-SEQUENCE:{first.segments_before + part.number}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{first.runs_before}",
    ]
    last = first
    for run, one in window:
        if run is not last:
            lines.append("#EXT-X-DISCONTINUITY")
            last = run
        lines += [f"#EXTINF:{one.duration_s:.3f},", f"{run.number}/{rendition}-{one.number:06d}.ts"]
    if over:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def master(*, pictures: bool, sound: bool) -> str:
    """The master playlist; empty while there is nothing. Sound alone stands last: it is for lines that carry no more."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:3"]
    if pictures:
        words = "avc1.4d401f,mp4a.40.2" if sound else "avc1.4d401f"
        lines += [f'#EXT-X-STREAM-INF:BANDWIDTH={SHARP.video_rate + 2 * SOUND_RATE},CODECS="{words}"', f"{PICTURE}.m3u8"]
    if sound:
        lines += [f'#EXT-X-STREAM-INF:BANDWIDTH={2 * LOW_SOUND_RATE},CODECS="mp4a.40.2"', f"{SOUND}.m3u8"]
    return "\n".join(lines) + "\n" if pictures or sound else ""
