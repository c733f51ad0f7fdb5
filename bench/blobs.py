"""Blobs over real HTTP, between a real server and an edge's own jobs in a process of its own, bytes counted on the line between them.

A process that is killed (SIGKILL) in the middle of 60 MB and started again; a connection that is closed in the middle; thousands of small
files. Counted are whole streams, heads included, of what was asked for under /blobs/; the floor is the payload.

BENCH_FILES: how many small files (5,000 unless said).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.badline.faults import Faults
from tests.badline.proxy import Proxy

from bench.below import Below
from bench.portal import _served
from bench.search import AT, _columns
from yuanjiao.courseware.models import Column, Courseware, ItemPart, Placement
from yuanjiao.courseware.rules.life import State
from yuanjiao.flow.blobs import store
from yuanjiao.flow.catalogue.publish import publish
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.lib import clock

FILES, FILE_BYTES = int(os.environ.get("BENCH_FILES", "5000")), 2000
FILM_BYTES = 60_000_000
SLOW_BPS = 80_000_000.0
"""Rate of the line while something is to be killed or cut in the middle: 60 MB take six seconds."""
WAIT_S = 900.0
Row = dict[str, Any]


def run() -> list[Row]:
    """Bytes in all ÷ payload, requests, seconds."""
    ensure_self(at=AT)
    columns, unit = _columns()
    folder = Path(tempfile.mkdtemp(prefix="yuanjiao-below-"))
    stock = Stock(columns[0], unit)
    try:
        with _served(YUANJIAO_FOLLOW_S="86400") as server, Proxy(server.port) as line:
            return [*_killed(folder, line, stock), *_closed(folder, line, stock), *_small(folder, line, stock)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _row(name: str, value: float, unit: str, floor: float | None = None) -> Row:
    return {"name": f"blobs: {name}", "value": value, "unit": unit, "floor": floor, "ratio": value / floor if floor else None}


class Stock:
    """Released items made of files: each file is one part, as the pages of a document are."""

    def __init__(self, column: Column, unit: Any) -> None:
        self.column, self.unit, self.count = column, unit, 0

    def offer(self, files: int, size: int) -> tuple[int, list[str]]:
        """One more item of so many files; the catalogue's version and the files' digests."""
        self.count += 1
        item = Courseware.objects.create(
            title=f"材料之{self.count}", unit=self.unit, item_class="service", source="practitioner", state=State.RELEASED, created_at=AT,
            released_at=AT,
        )  # fmt: skip
        refs = [store.put(os.urandom(size), media_type="image/jpeg") for _ in range(files)]
        ItemPart.objects.bulk_create(
            ItemPart(courseware=item, kind="picture", number=number, blob=ref.sha256, size_bytes=ref.size, media_type=ref.media_type)
            for number, ref in enumerate(refs, 1)
        )
        Placement.objects.create(column=self.column, courseware=item, placed_at=AT)
        return publish(clock.now()) or 0, [ref.sha256 for ref in refs]

    def nothing_more(self) -> None:
        """What was measured is no part of what follows."""
        Courseware.objects.all().delete()


def _moved(line: Proxy) -> int:
    """Bytes of the blobs' streams: all that came back under /blobs/, and all that was asked (mostly for them)."""
    return line.up_bytes + sum(count for path, count in line.down_by_path.items() if path.startswith("/blobs"))


def _asked(line: Proxy) -> int:
    return sum(count for path, count in line.requests.items() if path.startswith("/blobs"))


def _until(what: str, condition: Callable[[], bool], within_s: float = 120.0) -> None:
    until = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > until:
            raise SystemExit(f"{what}: not within {within_s:.0f} s")
        time.sleep(0.01)


def _killed(folder: Path, line: Proxy, stock: Stock) -> Iterator[Row]:
    """The fetching process is killed at half of the film, and run again."""
    below = Below(folder / "killed", line.address)
    version, names = stock.offer(1, FILM_BYTES)
    line.forget()
    line.faults = Faults(rate_bps=SLOW_BPS)
    process = below.start(version, WAIT_S, names)
    _until("half of the film", lambda: line.down_bytes > FILM_BYTES / 2)
    process.kill()
    process.communicate()
    told = below.follow(version, WAIT_S, names)
    line.faults = Faults()
    if told["here"] != 1:
        raise SystemExit(f"the film did not arrive: {told}")
    yield _row("process killed in the middle of 60 MB, run again: bytes in all (asked: 1.01)", _moved(line) / 1e6, "MB", FILM_BYTES / 1e6)
    stock.nothing_more()


def _closed(folder: Path, line: Proxy, stock: Stock) -> Iterator[Row]:
    """Two hundred files of 300 kB; the line closes every connection once, in the middle."""
    files, size = 200, 300_000
    below = Below(folder / "closed", line.address)
    version, names = stock.offer(files, size)
    line.forget()
    line.cut_once_after(files * size // 2)
    told = below.follow(version, WAIT_S, names)
    yield _row("one connection closed in the middle: files that arrive unattended", told["here"], "", float(files))
    yield _row("the same, bytes in all", _moved(line) / 1e6, "MB", files * size / 1e6)
    stock.nothing_more()


def _small(folder: Path, line: Proxy, stock: Stock) -> Iterator[Row]:
    """Thousands of small files at once."""
    below = Below(folder / "small", line.address)
    version, names = stock.offer(FILES, FILE_BYTES)
    line.forget()
    told = below.follow(version, WAIT_S, names)
    if told["here"] != FILES:
        raise SystemExit(f"not every file arrived: {told}")
    yield _row(f"{FILES:,} files of 2 kB: bytes in all (asked: 1.10)", _moved(line) / 1e6, "MB", FILES * FILE_BYTES / 1e6)
    yield _row("the same, requests for blobs (asked: not one a file)", _asked(line), "", float(FILES))
    yield _row("the same, the catalogue that names them", (line.down_bytes + line.up_bytes - _moved(line)) / 1e6, "MB")
    yield _row("the same, seconds by the clock / floor: processor of the edge", told["took_s"], "s", told["cpu_s"])
    stock.nothing_more()
