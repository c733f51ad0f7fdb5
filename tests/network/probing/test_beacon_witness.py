"""The small box tells a second machine of each beat as well: one that still hears it when its edge does not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

import yuanjiao_beacon as beacon

Heard = list[dict[str, Any]]


@contextmanager
def machine(status: int = 200) -> Iterator[tuple[str, Heard]]:
    """A machine above on the loopback, and what it was told."""
    heard: Heard = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"accepted": 1}')

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()
        thread.join()


def once(to: str, witness: str = "") -> int:
    return beacon.main(["--to", to, "--site", "S", "--key", "K", "--no-play", "--once", *(["--witness", witness] if witness else [])])


def test_each_beat_goes_to_the_witness_as_well_without_the_play_test() -> None:
    with machine() as (edge, at_edge), machine() as (centre, at_centre):
        assert once(edge, centre) == 0
        assert once(edge) == 0
    assert [beat["site"] for beat in at_edge] == ["S", "S"]
    assert [(beat["site"], beat["key"]) for beat in at_centre] == [("S", "K")]
    assert at_centre[0]["sent_at"] == at_edge[0]["sent_at"]


def test_a_key_that_begins_with_a_hyphen_is_a_key() -> None:
    with machine() as (edge, at_edge):
        assert beacon.main(["--key", "-x--Y", "--to", edge, "--site", "S", "--no-play", "--once"]) == 0
        assert beacon.main(["--to", edge, "--site", "S", "--no-play", "--once", "--key=-z"]) == 0
    assert [beat["key"] for beat in at_edge] == ["-x--Y", "-z"]


def test_a_play_test_is_told_to_the_edge_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beacon, "tested", lambda options: {"ok": True})
    with machine() as (edge, at_edge), machine() as (centre, at_centre):
        assert beacon.main(["--to", edge, "--site", "S", "--key", "K", "--once", "--witness", centre]) == 0
    assert "play" in at_edge[0]
    assert "play" not in at_centre[0]


def test_a_silent_edge_does_not_keep_the_beat_from_the_witness_and_a_silent_witness_changes_nothing() -> None:
    with machine() as (centre, at_centre), machine(status=503) as (broken, _):
        assert once(broken, centre) == 1
        assert once("http://127.0.0.1:9", centre) == 1
        assert len(at_centre) == 2
        assert once(centre, broken) == 0
        assert once(centre, "http://127.0.0.1:9") == 0
