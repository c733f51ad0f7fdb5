"""What boxes and edges send to `/beat`, made into numbers of the live array. Receive time decides; device time only measures."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
import numpy as np
import zstandard

from yuanjiao.lib.errors import Forbidden, Refused
from yuanjiao.network.live import MINE, Listener, LiveArray, Word

MAX_BODY_BYTES = 1 << 20
MAX_PLAIN_BYTES = 8 << 20


class Play(msgspec.Struct, frozen=True):
    """The box's own try to play a real item, `ago` seconds before this message; `tested_at` (its clock) only tells tests apart."""

    ok: bool
    step: str = ""
    item: str = ""
    ago: float = 0.0
    tested_at: str = ""


class SiteBeat(msgspec.Struct, frozen=True):
    """One site's beat."""

    site: str
    key: str = ""
    sent_at: str | None = None
    boot_at: str | None = None
    play: Play | None = None


class EdgeBeat(msgspec.Struct, frozen=True):
    """One node's beat for itself and for those it heard: [code, seconds ago]."""

    node: UUID
    sent_at: str
    boot_at: str | None = None
    observed_through: str | None = None
    journal_seq: int = 0
    beats: list[tuple[str, float]] = []


class Heard(msgspec.Struct):
    """The answer: when by our clock, how many beats were taken, which codes the register does not have (or not below this node)."""

    server_at: str
    accepted: int
    unknown: list[str]


_site = msgspec.json.Decoder(SiteBeat)
_edge = msgspec.json.Decoder(EdgeBeat)


class TooLarge(Refused):
    """HTTP 413."""


def plain_body(body: bytes, encoding: str) -> bytes:
    """The body without its compression; TooLarge or Refused when it is not what it says."""
    if not encoding or encoding == "identity":
        return body
    if encoding != "zstd":
        raise Refused("只接受不压缩或 zstd 压缩的内容")
    try:
        size = zstandard.frame_content_size(body)
        if 0 <= size <= MAX_PLAIN_BYTES:
            return zstandard.ZstdDecompressor().decompress(body)
        with zstandard.ZstdDecompressor().stream_reader(body) as reader:  # the frame does not say how large it is, or is too large
            plain = reader.read(MAX_PLAIN_BYTES + 1)
    except zstandard.ZstdError:
        raise Refused("zstd 内容损坏") from None
    if len(plain) > MAX_PLAIN_BYTES:
        raise TooLarge("心跳内容过大")
    return plain


def read_site_beat(body: bytes, *, form: bool) -> SiteBeat:
    """One site's beat from JSON or from a form; Refused when it is neither. Many a tool calls JSON a form: its first letter decides."""
    form = form and not body.lstrip().startswith(b"{")
    try:
        return _from_form(body) if form else _site.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        raise Refused("心跳内容不是约定的格式：至少要有 site 与 key") from None


def _from_form(body: bytes) -> SiteBeat:
    fields = dict(parse_qsl(body.decode(), max_num_fields=20))
    play = None
    if "ok" in fields:
        play = Play(ok=fields["ok"] in {"1", "true", "yes"}, step=fields.get("step", ""), item=fields.get("item", ""))
    return SiteBeat(
        site=fields.get("site", ""), key=fields.get("key", ""), sent_at=fields.get("sent_at"), boot_at=fields.get("boot_at"), play=play
    )


def read_edge_beat(body: bytes) -> EdgeBeat:
    """One edge's batch from JSON; Refused otherwise."""
    try:
        return _edge.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused("边缘心跳不是约定的格式") from None


def parse_time(text: str | None) -> float:
    """Seconds since 1970 UTC of an ISO time (UTC when it names no offset); 0 for what is no time: that is no reason to refuse."""
    try:
        at = datetime.fromisoformat(text or "")
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def hear_site(listener: Listener, beat: SiteBeat, at: float) -> bool:
    """Take one site's beat at `at`; False for a code the register does not have. Forbidden for a wrong key."""
    place = place_of(listener, beat, at)
    if place is None:
        return False
    hear_place(listener, beat, place, at)
    return True


def place_of(listener: Listener, beat: SiteBeat, at: float) -> int | None:
    """The place of the site that proved itself by its key, None for a code the register does not have; Forbidden for a wrong key."""
    array = listener.array
    place = array.places.get(beat.site)
    if place is None or not array.keys[place]:
        listener.stranger_at = at
        return None
    if not hmac.compare_digest(array.keys[place], beat.key.encode()):
        raise Forbidden("心跳密钥不对")
    return place


def hear_place(listener: Listener, beat: SiteBeat, place: int, at: float) -> None:
    """Put down a site's own beat. Where an edge speaks for the site, it judges; here the beat only bears witness that the box lives."""
    seen = listener.array
    with listener.lock:
        array = listener.array
        if array is not seen:  # replaced since the place was looked up
            place = array.places.get(beat.site, -1)
            if place < 0:
                return
        if array.flags[place] & MINE:
            array.hear(place, at)
        else:
            array.witness[place] = at
        if beat.sent_at and (sent := parse_time(beat.sent_at)):
            array.offset[place] = at - sent


def hear_edge(listener: Listener, subject: str, beat: EdgeBeat, at: float, offset_s: float) -> Heard:
    """Take the beat of the node that is `subject` in the register, and of the sites below it that it heard.

    `offset_s` is our clock minus the node's. Codes that are not below the node are answered as unknown.
    """
    with listener.lock:
        array = listener.array
        own = array.places.get(subject)
        if own is None:
            listener.stranger_at = at
            return Heard(iso(at), 0, [subject])
        if beat.node not in listener.spoken:
            listener.spoken.add(beat.node)
            listener.stranger_at = at  # the register is read again soon, now that this edge runs a node
            array.leave_to(own)
        array.hear(own, at)
        array.offset[own] = offset_s
        accepted, unknown = _hear_batch(array, own, beat.beats, at)
        through = parse_time(beat.observed_through)
        if through:
            boot = parse_time(beat.boot_at)
            listener.words[beat.node] = Word(
                code=subject, through=min(through + offset_s, at), seq=beat.journal_seq, boot_at=boot and boot + offset_s, offset_s=offset_s
            )
        if unknown:
            listener.stranger_at = at
    return Heard(iso(at), accepted + 1, unknown)


def _hear_batch(array: LiveArray, own: int, beats: list[tuple[str, float]], at: float) -> tuple[int, list[str]]:
    if not beats:
        return 0, []
    codes, agos = zip(*beats, strict=True)
    found = list(map(array.below(own).get, codes))
    ago = np.maximum(np.array(agos, np.float64), 0.0)
    if None not in found:
        array.hear_many(np.array(found, np.int64), at - ago)
        return len(beats), []
    known = np.array([place is not None for place in found])
    if known.any():
        array.hear_many(np.array([place for place in found if place is not None], np.int64), (at - ago)[known])
    return int(known.sum()), [code for code, place in zip(codes, found, strict=True) if place is None]


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def headers_of(scope_headers: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Header names in lower case."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope_headers}
