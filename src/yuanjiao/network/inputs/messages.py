"""What boxes and edges send to `/beat`, read strictly. Nothing here touches the live array."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
import zstandard

from yuanjiao.lib.errors import Refused
from yuanjiao.network.rules.batch import Compact, unpack

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
    """One node's beat for itself and for those it heard: [code, seconds ago].

    `roster` names all it observes, in the order in which its batches of the compact form (rules/batch.py) will tell their ages.
    """

    node: UUID
    sent_at: str
    boot_at: str | None = None
    observed_through: str | None = None
    journal_seq: int = 0
    beats: list[tuple[str, float]] = []
    roster: list[str] = []


_site = msgspec.json.Decoder(SiteBeat)
_edge = msgspec.json.Decoder(EdgeBeat)


class TooLarge(Refused):
    """HTTP 413."""


class _Own(threading.local):
    """One decompressor for each thread: to make one costs more than to use it, and threads cannot share one."""

    made: zstandard.ZstdDecompressor | None = None

    def decompressor(self) -> zstandard.ZstdDecompressor:
        self.made = self.made or zstandard.ZstdDecompressor()
        return self.made


_own = _Own()


def plain_body(body: bytes, encoding: str) -> bytes:
    """The body without its compression; TooLarge or Refused when it is not what it says."""
    if not encoding or encoding == "identity":
        return body
    if encoding != "zstd":
        raise Refused("只接受不压缩或 zstd 压缩的内容")
    try:
        size = zstandard.frame_content_size(body)
        if 0 <= size <= MAX_PLAIN_BYTES:
            return _own.decompressor().decompress(body)
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


def read_compact(body: bytes) -> Compact:
    """One node's batch of the compact form; Refused for anything else."""
    batch = unpack(body)
    if batch is None:
        raise Refused("边缘心跳不是约定的紧凑格式")
    return batch


def parse_time(text: str | None) -> float:
    """Seconds since 1970 UTC of an ISO time (UTC when it names no offset); 0 for what is no time: that is no reason to refuse."""
    try:
        at = datetime.fromisoformat(text or "")
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
