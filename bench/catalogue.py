"""The catalogue over real HTTP: what one change among thousands costs an edge, what nothing new costs, what thousands of edges cost.

Items are real in kind: every form a film takes, each with a digest of its own, playlists as long as the film (ten minutes in the mean, one
in ten three quarters of an hour). Where documents are measured the files themselves are empty at the edge. Bytes are counted
on the line between the two (tests/badline/proxy.py), heads included. A catalogue that the edge refuses has no figure but its reason.

Playlists are read where an item is taken up, so their files are there as they are.

BENCH_ITEMS, BENCH_MANY: items of the two catalogues (5,000 and 50,000 unless said). BENCH_EDGES: edges that poll (3,000).
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.badline.proxy import Proxy

from bench.below import Below
from bench.load import write_requests
from bench.portal import _served
from bench.search import AT, _columns, _title
from yuanjiao.courseware.models import Column, Courseware, Placement, Rendition
from yuanjiao.courseware.rules import playlists
from yuanjiao.courseware.rules.life import State
from yuanjiao.courseware.rules.playlists import BLOB
from yuanjiao.courseware.rules.profiles import PROFILES, SEGMENT_S, Profile
from yuanjiao.flow.blobs import store
from yuanjiao.flow.catalogue import encoding
from yuanjiao.flow.catalogue.publish import public_folder, publish
from yuanjiao.flow.catalogue.repository import Repository
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.lib import clock
from yuanjiao.places.models import OrgUnit

ITEMS, MANY = int(os.environ.get("BENCH_ITEMS", "5000")), int(os.environ.get("BENCH_MANY", "50000"))
EDGES, POLL_S, POLLED_S = int(os.environ.get("BENCH_EDGES", "3000")), 10.0, 20.0
CHANGED, CHANGED_BYTES = 50, 1 << 20
WAIT_S = 1800.0
LIMIT = getattr(encoding, "LARGEST", 0)
"""Bytes of the largest document that is believed; 0 when there is no such limit."""
Row = dict[str, Any]


def run() -> list[Row]:
    """Bytes of one change among many, of none, of fifty among more; the parent's share of a core while all edges ask."""
    ensure_self(at=AT)
    folder = Path(tempfile.mkdtemp(prefix="yuanjiao-below-"))
    try:
        stock = Stock()
        stock.grow(ITEMS)
        with _served(YUANJIAO_FOLLOW_S="86400") as server, Proxy(server.port) as line:
            first = Edge(folder / "edge", line, stock)
            rows = [*_one_change(first, stock), *_nothing_new(first), *_polling(server.port, server.pid)]
            return [*rows, *_many(first, stock)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _row(name: str, value: float | None, unit: str, floor: float | None = None) -> Row:
    return {"name": f"catalogue: {name}", "value": value, "unit": unit, "floor": floor, "ratio": value / floor if floor and value else None}


# -- what is in it ------------------------------------------------------------------------------------------------------------


class Stock:
    """Released items in columns, made from a fixed seed."""

    def __init__(self) -> None:
        self.draw = random.Random(5)
        self.columns: list[Column]
        self.unit: OrgUnit
        self.columns, self.unit = _columns()
        self.count = 0

    def grow(self, count: int) -> list[str]:
        """So many more items; the digests of their forms."""
        names = [name for start in range(0, count, 200) for name in self._grow(min(200, count - start))]
        self.count += count
        return names

    def _grow(self, count: int) -> Iterator[str]:
        items = [self._item() for _ in range(count)]
        forms = {item.uid: [self._form(item, profile) for profile in PROFILES] for item in items}
        for item in items:
            _keep_playlists(item, {form.profile: form.playlist for form in forms[item.uid] if form.playlist})
            yield from (item.playlists, *(form.blob for form in forms[item.uid]))
        Courseware.objects.bulk_create(items)
        places = [Placement(column=self.draw.choice(self.columns), courseware=item, placed_at=AT) for item in items]
        Placement.objects.bulk_create(places)
        Rendition.objects.bulk_create([form for item in items for form in forms[item.uid]], batch_size=500)

    def keep(self, count: int) -> None:
        """The first so many items stay."""
        last = Courseware.objects.order_by("pk").values_list("pk", flat=True)[count]
        Courseware.objects.filter(pk__gte=last).delete()
        self.count = count

    def _item(self) -> Courseware:
        title = _title(self.draw)
        length = 2700.0 if self.draw.random() < 0.1 else self.draw.uniform(240, 960)
        return Courseware(
            title=title, summary=f"讲{title}，由{self.draw.choice('王李张刘陈')}老师主讲", unit=self.unit, item_class="service",
            source="practitioner", state=State.RELEASED, created_at=AT, released_at=AT, duration_s=round(length, 2), width=1280, height=720,
            frame_rate=25.0, has_audio=True,
        )  # fmt: skip

    def _form(self, item: Courseware, profile: Profile) -> Rendition:
        rate = (profile.video_rate or 0) + (profile.audio_rate or 0)
        sizes = list(self._segments(item.duration_s, rate))
        blob = hashlib.sha256(self.draw.randbytes(16)).hexdigest()
        return Rendition(
            courseware=item, profile=profile.name, kind=profile.kind, key=hashlib.sha256(blob.encode()).hexdigest(), blob=blob,
            size_bytes=sum(sizes) or 40_000, media_type=profile.media_type, codecs="avc1.4d401f,mp4a.40.2" if profile.video_rate else "",
            width=1280, height=720, frame_rate=25.0, bitrate=rate, peak_bitrate=int(rate * 1.3), duration_s=item.duration_s,
            playlist=_playlist(sizes, item.duration_s) if profile.hls else "",
        )  # fmt: skip

    def _segments(self, length_s: float, rate: int) -> Iterator[int]:
        """Bytes of each segment: films do not keep to their rate."""
        for start in range(0, int(length_s), SEGMENT_S):
            yield int(min(SEGMENT_S, length_s - start) * rate / 8 * self.draw.uniform(0.7, 1.3))


def _playlist(sizes: Sequence[int], length_s: float) -> str:
    """As ffmpeg writes it for one file in ranges, and as it is kept (courseware/packaging/conform.py)."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{SEGMENT_S}", "#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-PLAYLIST-TYPE:VOD"]
    lines.append(f'#EXT-X-MAP:URI="{BLOB}",BYTERANGE="1246@0"')
    at, left = 1246, length_s
    for size in sizes:
        lines += [f"#EXTINF:{min(SEGMENT_S, left):.6f},", f"#EXT-X-BYTERANGE:{size}@{at}", BLOB]
        at, left = at + size, left - SEGMENT_S
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


def _keep_playlists(item: Courseware, texts: dict[str, str]) -> None:
    """As at a release (courseware/steps.py), but not synced to the disk."""
    content = playlists.together(texts)
    item.playlists, item.playlists_bytes = hashlib.sha256(content).hexdigest(), len(content)
    path = store.path(item.playlists)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _named() -> list[str]:
    return [*Rendition.objects.values_list("blob", flat=True), *Courseware.objects.values_list("playlists", flat=True)]


# -- one edge -----------------------------------------------------------------------------------------------------------------


class Edge:
    """One edge that has taken up everything so far, as far as the catalogue lets it."""

    def __init__(self, folder: Path, line: Proxy, stock: Stock) -> None:
        self.line, self.count, self.problem, self.published_s = line, 0, "", 0.0
        self.below = Below(folder, line.address)
        self.take_as_much_as_it_can(stock)

    def take_as_much_as_it_can(self, stock: Stock) -> None:
        """All of it, or, where a document is larger than what is believed, as many items as fit."""
        publish(clock.now())
        if LIMIT and (size := _largest()) > LIMIT:
            self.problem = f"one document of {size / 1e6:,.0f} MB, {LIMIT / 1e6:,.0f} MB are believed"
            stock.keep(int(stock.count * LIMIT / size * 0.9))
        self.below.lay_empty(_named())
        if (told := self.take())["problem"]:
            raise SystemExit(f"the catalogue was not taken up: {told}")
        self.count = stock.count

    def take(self, *wanted: str) -> dict[str, Any]:
        """Publish what there is and have it taken up."""
        begun = time.perf_counter()
        publish(clock.now())
        self.published_s = time.perf_counter() - begun
        version, _ = Repository(public_folder(), {}).documents_named("courseware.json")
        return self.below.follow(version, WAIT_S, wanted)

    def documents(self) -> int:
        """Bytes that came back for documents since the last count began."""
        return sum(count for path, count in self.line.down_by_path.items() if path.startswith("/catalogue/targets/"))

    def costs(self, *wanted: str) -> tuple[int, int]:
        """Bytes both ways and requests of the next change."""
        self.line.forget()
        told = self.take(*wanted)
        if told["problem"] or told["here"] < len(wanted):
            raise SystemExit(f"the change was not taken up: {told}")
        return self.line.up_bytes + self.line.down_bytes, self.line.requests.total()


def _largest() -> int:
    return max(path.stat().st_size for path in (public_folder() / "targets").rglob("*.json"))


def _one_change(edge: Edge, stock: Stock) -> Iterator[Row]:
    """A title corrected; one item new, with all its forms."""
    if edge.problem:
        yield _row(f"{ITEMS:,} items cannot be followed ({edge.problem}); so many can", edge.count, "items", float(ITEMS))
    yield _row(f"largest document, {edge.count:,} items (floor: what is believed)", _largest() / 1e6, "MB", LIMIT / 1e6 or None)
    item = Courseware.objects.order_by("pk")[edge.count // 2]
    Courseware.objects.filter(pk=item.pk).update(title="一处更正")
    moved, asked = edge.costs()
    yield _row(f"1 of {edge.count:,} items corrected (asked: 5 kB)", moved / 1000, "kB", 5.0)
    yield _row("the same, of it documents", edge.documents() / 1000, "kB")
    yield _row("the same, requests", asked, "")
    yield _row("the same, until the centre has laid it out and signed it", edge.published_s, "s")
    edge.below.lay_empty(stock.grow(1))
    moved, _ = edge.costs()
    yield _row(f"1 item new beside {edge.count:,}, all its forms (asked: 5 kB)", moved / 1000, "kB", 5.0)
    yield _row("the same, of it documents", edge.documents() / 1000, "kB")


def _nothing_new(edge: Edge) -> Iterator[Row]:
    """One turn of an edge that has everything."""
    edge.line.forget()
    edge.below.follow(0, 30.0)
    asked = max(edge.line.requests.total(), 1)
    yield _row(
        "nothing new: bytes both ways of a turn (asked: 1 kB)", (edge.line.up_bytes + edge.line.down_bytes) / asked / 1000, "kB", 1.0
    )
    yield _row("nothing new: requests of a turn", len(edge.line.requests), "", 1.0)


# -- all edges ----------------------------------------------------------------------------------------------------------------


def _polling(port: int, server: int) -> Iterator[Row]:
    """Every edge asks for the timestamp once in ten seconds, with the tag of what it has, over kept connections."""
    from bench.doors import Server, _busy

    tag = hashlib.sha256((public_folder() / "metadata" / "timestamp.json").read_bytes()).hexdigest()
    asked = f"GET /catalogue/metadata/timestamp.json HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: */*\r\naccept-encoding: identity\r\n"
    asked += f'connection: keep-alive\r\nuser-agent: python-httpx\r\nif-none-match: "{tag}"\r\n\r\n'
    told: list[dict[str, Any]] = []
    with tempfile.NamedTemporaryFile() as file:
        write_requests(Path(file.name), [asked.encode()])
        parent = Server(port, server)
        idle = _busy(parent, lambda: time.sleep(POLLED_S / 2))
        busy = _busy(parent, lambda: told.append(_load(port, Path(file.name))))
    if set(told[0]["statuses"]) != {"304"}:
        raise SystemExit(f"not every edge heard that there is nothing new: {told}")
    yield _row(
        f"{EDGES:,} edges, once in {POLL_S:.0f} s each, share of a core (asked: 20; floor: idle)", 100 * busy, "%", 100 * idle or None
    )
    each = (busy - idle) * told[0]["seconds"] / told[0]["answered"]
    yield _row("the same, processor of the parent for one that asks (asked: 100 ms)", 1000 * each, "ms", 100.0)
    yield _row("the same, requests answered", told[0]["answered"] / told[0]["seconds"], "/s", EDGES / POLL_S)
    yield _row("the same, p95", told[0]["p95"], "ms")


def _load(port: int, path: Path) -> dict[str, Any]:
    import json
    import subprocess
    import sys

    line = [sys.executable, "-m", "bench.load", str(port), "32", str(POLLED_S), str(EDGES / POLL_S), str(path)]
    told: dict[str, Any] = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
    return told


# -- fifty of fifty thousand --------------------------------------------------------------------------------------------------


def _many(edge: Edge, stock: Stock) -> Iterator[Row]:
    """Fifty items get a new form of 1 MiB each: all bytes to bring the edge up to date, beside those of the blobs."""
    name = f"{CHANGED} of {MANY:,} items changed: all bytes / (1.02 × their blobs + 64 KiB)"
    size = _largest() / edge.count * MANY
    if LIMIT and size > LIMIT:
        yield _row(f"{name}: cannot be followed, one document of {size / 1e6:,.0f} MB", None, "")
        return
    edge.below.lay_empty(stock.grow(MANY - stock.count))
    told = edge.take()
    if told["problem"]:
        yield _row(f"{name}: refused ({told['problem'][:60]})", None, "")
        return
    fresh = list(_change(CHANGED))
    moved, asked = edge.costs(*fresh)
    yield _row(name, moved / (1.02 * CHANGED * CHANGED_BYTES + 65_536), "", 1.0)
    yield _row("the same, requests", asked, "")


def _change(count: int) -> Iterator[str]:
    """So many items get other bytes for one form."""
    step = max(Courseware.objects.count() // count, 1)
    for pk in list(Courseware.objects.order_by("pk").values_list("pk", flat=True)[::step])[:count]:
        ref = store.put(os.urandom(CHANGED_BYTES), media_type="video/mp4")
        Rendition.objects.filter(courseware_id=pk, profile="phone-low").update(blob=ref.sha256, size_bytes=ref.size, key=ref.sha256)
        yield ref.sha256
