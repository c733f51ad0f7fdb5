"""The text of HLS playlists (RFC 8216): masters built from what renditions say of themselves, media playlists with addresses put in.

Between machines the media playlists of an item travel together in one small file (`together`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import zstandard

BLOB = "{blob}"
AUDIO_GROUP, CAPTIONS_GROUP = "sound", "captions"
LARGEST_TOGETHER = 16_000_000
"""Bytes of an item's playlists: those of a film of a whole day are a quarter of it."""


@dataclass(frozen=True)
class Stream:
    """What a master playlist says of one rendition; rates in bits per second."""

    profile: str
    kind: str
    codecs: str
    width: int
    height: int
    frame_rate: float
    bitrate: int
    peak_bitrate: int


def master(streams: Sequence[Stream]) -> str:
    """A master playlist: pictures from light to heavy, each with the sound that suits its rate, then sound alone, captions as subtitles.

    The lightest pictures go with the lightest sound, so that both fit a slow line; all others go with the best.
    """
    sounds = sorted((s for s in streams if s.kind == "audio"), key=lambda s: s.peak_bitrate)
    pictures = sorted((s for s in streams if s.kind == "video"), key=lambda s: s.peak_bitrate)
    captions = next((s for s in streams if s.kind == "captions"), None)
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS", *map(_sound_group, sounds)]
    if captions:
        lines.append(
            f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="{CAPTIONS_GROUP}",NAME="字幕",LANGUAGE="zh",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,'
            f'URI="{captions.profile}.m3u8"'
        )
    for number, stream in enumerate(pictures):
        lines += _variant(stream, (sounds[-1] if number else sounds[0]) if sounds else None, captions)
    for sound in sounds:
        group = f',SUBTITLES="{CAPTIONS_GROUP}"' if captions else ""
        lines.append(
            f'#EXT-X-STREAM-INF:BANDWIDTH={sound.peak_bitrate},AVERAGE-BANDWIDTH={sound.bitrate},CODECS="{sound.codecs}"'
            f',AUDIO="{_group(sound)}"{group}'
        )
        lines.append(f"{sound.profile}.m3u8")
    return "\n".join(lines) + "\n"


def _group(sound: Stream) -> str:
    return f"{AUDIO_GROUP}-{sound.profile}"


def _sound_group(sound: Stream) -> str:
    # the name within is the same in every group: a player that changes rungs stays with the sound it has
    return (
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{_group(sound)}",NAME="原声",LANGUAGE="zh",DEFAULT=YES,AUTOSELECT=YES,'
        f'URI="{sound.profile}.m3u8"'
    )


def _variant(stream: Stream, sound: Stream | None, captions: Stream | None) -> list[str]:
    peak, mean, codecs = stream.peak_bitrate, stream.bitrate, stream.codecs
    if sound:
        peak, mean, codecs = peak + sound.peak_bitrate, mean + sound.bitrate, f"{codecs},{sound.codecs}"
    parts = [
        f"BANDWIDTH={peak}",
        f"AVERAGE-BANDWIDTH={mean}",
        f'CODECS="{codecs}"',
        f"RESOLUTION={stream.width}x{stream.height}",
        f"FRAME-RATE={stream.frame_rate:.3f}",
    ]
    if sound:
        parts.append(f'AUDIO="{_group(sound)}"')
    if captions:
        parts.append(f'SUBTITLES="{CAPTIONS_GROUP}"')
    return ["#EXT-X-STREAM-INF:" + ",".join(parts), f"{stream.profile}.m3u8"]


def media(playlist: str, blob_address: str) -> str:
    """A stored media playlist with the blob's address where `{blob}` stands."""
    return playlist.replace(BLOB, blob_address)


def captions_playlist(duration_s: float) -> str:
    """A media playlist of one WebVTT segment as long as the item."""
    return (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        f"#EXT-X-TARGETDURATION:{max(1, math.ceil(duration_s))}\n#EXT-X-MEDIA-SEQUENCE:0\n"
        f"#EXTINF:{duration_s:.3f},\n{BLOB}\n#EXT-X-ENDLIST\n"
    )


def together(texts: Mapping[str, str]) -> bytes:
    """The stored media playlists of an item, by profile, as the file they travel in: one zstd frame of a JSON object."""
    return zstandard.ZstdCompressor(level=12).compress(msgspec.json.encode(dict(sorted(texts.items()))))


def apart(content: bytes) -> dict[str, str]:
    """The playlists again, by profile. ValueError for a file that holds none."""
    try:
        plain = zstandard.ZstdDecompressor().decompress(content, max_output_size=LARGEST_TOGETHER, read_across_frames=False)
        return msgspec.json.decode(plain, type=dict[str, str])
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise ValueError(f"no playlists: {error}") from None
