"""Fetching over a real line that breaks: on from the byte where it stopped, across restarts, and never a wrong byte kept."""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as rules
from hypothesis import strategies as st

from yuanjiao.flow.blobs import fetch as blobs_fetch
from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.fetch import PATIENCE_S, TRIES, Patience, Running, fetch, fetch_once, part_path
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import Conflict, DiskFull, Tampered, Unavailable

pytestmark = pytest.mark.django_db
FILM = random.Random(7).randbytes(3_000_000)
REF = BlobRef(hashlib.sha256(FILM).hexdigest(), len(FILM), "video/mp4")


class Parent(socketserver.ThreadingTCPServer):
    """A server on loopback that sends one file and dies in the middle of answers, as often as `cuts` says.

    `silent_after_cut`: the connection does not break there, but says nothing for a long time.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Answer)
        self.content = FILM
        self.cuts: list[int] = []
        self.silent_after_cut, self.silent_s = False, 20.0
        self.over = threading.Event()
        self.sent = 0
        self.asked: list[str] = []
        self.knows_ranges = True
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def kill(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()
        self.thread.join()


class Answer(BaseHTTPRequestHandler):
    """One range of the file; after the next cut's bytes the connection is simply gone."""

    server: Parent
    protocol_version: ClassVar[str] = "HTTP/1.1"  # type: ignore[misc]

    def do_GET(self) -> None:
        header = self.headers.get("Range", "")
        self.server.asked.append(header)
        found = re.fullmatch(r"bytes=(\d+)-", header) if self.server.knows_ranges else None
        first = int(found[1]) if found else 0
        body = self.server.content[first:]
        self.send_response(206 if found else 200)
        if found:
            size = len(self.server.content)
            self.send_header("Content-Range", f"bytes {first}-{size - 1}/{size}")
        if self.server.knows_ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else len(body)
        self.server.sent += min(cut, len(body))
        self.wfile.write(body[:cut])
        if self.server.silent_after_cut and cut < len(body):
            self.server.over.wait(self.server.silent_s)  # as after many lost packets: the connection lives, and some time the rest comes
            with contextlib.suppress(OSError):
                self.wfile.write(body[cut:])
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def parent() -> Iterator[Parent]:
    made = Parent()
    yield made
    made.kill()


@pytest.fixture
def line(parent: Parent) -> Iterator[Line]:
    made = Line(f"http://127.0.0.1:{parent.port}")
    yield made
    made.close()


def no_pause(_: float) -> None:
    return


def test_a_blob_comes_whole_and_is_known_with_its_type(parent: Parent, line: Line) -> None:
    fetch(REF, line)
    assert store.path(REF.sha256).read_bytes() == FILM
    assert store.ref(REF.sha256) == REF
    assert not part_path(REF).exists()
    fetch(REF, line)
    assert len(parent.asked) == 1, "what is here is not asked for again"


def test_a_transfer_that_is_cut_goes_on_from_its_byte(parent: Parent, line: Line) -> None:
    parent.cuts = [1_000_000, 500_000, 0, 1_200_000]
    fetch(REF, line, sleep=no_pause)
    assert store.path(REF.sha256).read_bytes() == FILM
    assert parent.asked[0] == ""
    assert all(header.startswith("bytes=") for header in parent.asked[1:])
    assert parent.sent == len(FILM), "no byte came twice"


def test_a_connection_that_falls_silent_is_left_for_a_new_one_without_a_pause(
    parent: Parent, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs_fetch, "PATIENCE_S", 0.1)
    parent.silent_after_cut, parent.cuts = True, [1_000_000, 900_000]
    pauses: list[float] = []
    fetch(REF, line, sleep=pauses.append)
    assert store.path(REF.sha256).read_bytes() == FILM
    assert (len(parent.asked), pauses) == (3, [])
    assert parent.sent == len(FILM), "no byte came twice"


def test_a_parent_without_ranges_is_waited_for(parent: Parent, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs_fetch, "PATIENCE_S", 0.1)
    parent.silent_after_cut, parent.knows_ranges, parent.silent_s, parent.cuts = True, False, 0.3, [1_000_000]
    fetch(REF, line, sleep=no_pause)
    assert parent.asked == [""], "another connection would have begun at nothing"


def test_patience_learns_whether_the_connection_was_silent_or_the_line() -> None:
    now = [0.0]
    patience = Patience(clock=lambda: now[0])
    asked = patience.seeing(lambda size: size < 9)
    assert (asked(1), asked(9), patience.seconds) == (True, False, PATIENCE_S)

    def silence_until_bytes_after(seconds: float) -> float:
        patience.broke()
        now[0] += seconds / 2
        patience.broke()  # a second try that failed belongs to the same silence
        now[0] += seconds / 2
        asked(1)
        return patience.seconds

    assert silence_until_bytes_after(2.0) == PATIENCE_S, "another connection brought bytes at once"
    assert [silence_until_bytes_after(40.0) for _ in range(4)] == [6.0, 12.0, 24.0, 30.0]
    assert [silence_until_bytes_after(2.0) for _ in range(4)] == [15.0, 7.5, 3.75, 3.0]


def test_a_transfer_goes_on_after_both_sides_were_killed_and_started_again() -> None:
    first = Parent()
    first.cuts = [1_700_000]
    line = Line(f"http://127.0.0.1:{first.port}")
    with pytest.raises(Unavailable):
        fetch_once(REF, line)
    line.close()
    first.kill()
    had = part_path(REF).stat().st_size
    assert had > 1_000_000
    second = Parent()
    line = Line(f"http://127.0.0.1:{second.port}")
    fetch(REF, line)
    line.close()
    second.kill()
    assert second.asked == [f"bytes={had}-"]
    assert second.sent == len(FILM) - had
    assert store.path(REF.sha256).read_bytes() == FILM


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of what went through the digest of a part."""
    sizes: list[int] = []
    real = Running.add

    def add(self: Running, piece: bytes) -> None:
        sizes.append(len(piece))
        real(self, piece)

    monkeypatch.setattr(Running, "add", add)
    return sizes


def test_the_digest_runs_along_and_nothing_is_read_twice(parent: Parent, line: Line, hashed: list[int]) -> None:
    parent.cuts = [1_000_000, 500_000, 0, 1_200_000]
    fetch(REF, line, sleep=no_pause)
    assert store.has(REF.sha256)
    assert sum(hashed) == len(FILM)


def test_what_an_earlier_process_left_is_read_once(parent: Parent, line: Line, hashed: list[int]) -> None:
    part_path(REF).write_bytes(FILM[:1_000_000])
    parent.cuts = [500_000, 700_000]
    fetch(REF, line, sleep=no_pause)
    assert store.has(REF.sha256)
    assert sum(hashed) == len(FILM)


def test_a_part_that_another_process_changed_meanwhile_is_read_anew(parent: Parent, line: Line) -> None:
    parent.cuts = [1_000_000]
    fetch(REF, line, sleep=lambda _: part_path(REF).write_bytes(FILM[:1_500_000]) and None)
    assert store.path(REF.sha256).read_bytes() == FILM


def test_a_parent_that_is_gone_is_given_up_after_some_tries_and_what_came_stays(parent: Parent, line: Line) -> None:
    parent.cuts = [900_000] + [0] * 50
    pauses: list[float] = []
    with pytest.raises(Unavailable):
        fetch(REF, line, sleep=pauses.append)
    assert len(parent.asked) == TRIES
    assert len(pauses) == TRIES - 1
    assert 0 < part_path(REF).stat().st_size <= 900_000
    assert not store.has(REF.sha256)


def test_a_parent_without_ranges_sends_the_whole_again(parent: Parent, line: Line) -> None:
    parent.knows_ranges = False
    parent.cuts = [1_000_000]
    fetch(REF, line, sleep=no_pause)
    assert store.path(REF.sha256).read_bytes() == FILM


def test_a_half_spoilt_by_a_power_cut_is_fetched_anew_without_an_alarm(parent: Parent, line: Line) -> None:
    part_path(REF).write_bytes(bytes(1_000_000))
    fetch(REF, line, sleep=no_pause)
    assert store.path(REF.sha256).read_bytes() == FILM
    assert parent.asked == ["bytes=1000000-", ""]


@pytest.mark.parametrize("leftover", [len(FILM), len(FILM) + 5], ids=["as long", "longer"])
def test_a_wrong_part_of_full_length_is_thrown_away(parent: Parent, line: Line, leftover: int) -> None:
    part_path(REF).write_bytes(bytes(leftover))
    fetch(REF, line, sleep=no_pause)
    assert store.path(REF.sha256).read_bytes() == FILM


def test_a_whole_part_needs_no_line() -> None:
    part_path(REF).write_bytes(FILM)
    fetch(REF, Line("http://127.0.0.1:9"))
    assert store.has(REF.sha256)


@pytest.mark.parametrize("content", [FILM[:-1] + b"x", FILM + b"more", FILM[::-1]], ids=["one byte", "longer", "other"])
def test_other_bytes_than_named_are_an_alarm_and_are_not_kept(parent: Parent, line: Line, content: bytes) -> None:
    parent.content = content
    with pytest.raises(Tampered):
        fetch(REF, line, sleep=no_pause)
    assert not store.has(REF.sha256)
    assert part_path(REF).stat().st_size == 0


def test_a_full_disk_stops_before_a_byte_is_asked_for(parent: Parent, line: Line, settings: Any) -> None:
    settings.MIN_FREE_BYTES = 1 << 60
    with pytest.raises(DiskFull):
        fetch(REF, line)
    assert parent.asked == []


def test_two_processes_do_not_write_into_one_part(parent: Parent, line: Line) -> None:
    import fcntl

    with open(part_path(REF), "ab") as part:
        fcntl.flock(part, fcntl.LOCK_EX)
        with pytest.raises(Conflict):
            fetch(REF, line)


@rules(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 40_000), max_size=6), size=st.integers(0, 100_000))
def test_however_the_line_breaks_the_blob_is_whole_and_no_byte_came_twice(
    parent: Parent, line: Line, tmp_path: Path, cuts: list[int], size: int
) -> None:
    ref = BlobRef(hashlib.sha256(FILM[:size]).hexdigest(), size)
    store.forget(ref.sha256)
    parent.content, parent.cuts, parent.sent = FILM[:size], [max(cut, 1) for cut in cuts], 0
    fetch(ref, line, sleep=no_pause)
    assert store.path(ref.sha256).read_bytes() == FILM[:size]
    assert parent.sent == size
