"""The bad line on loopback: what passes is whole and counted, what is cut is cut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from tests.badline.faults import Faults
from tests.badline.proxy import Proxy

CONTENT = bytes(range(256)) * 800


class Speaks(BaseHTTPRequestHandler):
    """Answers every question with the same bytes, and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Speaks)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_what_passes_is_whole_and_counted_by_its_path(port: int) -> None:
    with Proxy(port, Faults(rate_bps=50_000_000.0, delay_s=0.01, jitter_s=0.005)) as line, httpx.Client(base_url=line.address) as client:
        assert [client.get(path).content == CONTENT for path in ("/a", "/a", "/b")] == [True] * 3
        assert line.requests == {"/a": 2, "/b": 1}
        assert len(CONTENT) * 2 < line.down_by_path["/a"] < len(CONTENT) * 2 + 1000
        assert line.down_bytes == sum(line.down_by_path.values())
        assert line.up_bytes > 100


def test_a_connection_is_cut_once_in_the_middle_and_the_next_one_passes(port: int) -> None:
    with Proxy(port) as line:
        line.cut_once_after(len(CONTENT) // 2)
        with pytest.raises(httpx.TransportError):
            httpx.get(line.address, timeout=20)
        assert httpx.get(line.address, timeout=20).content == CONTENT
        assert line.connections == 2


def test_a_dead_line_lets_nobody_in(port: int) -> None:
    with Proxy(port, Faults(cut_every_s=1000.0, cut_s=1000.0)) as line:
        with pytest.raises(httpx.TransportError):
            httpx.get(line.address, timeout=20)
        assert line.connections == 0
        line.faults = Faults()
        assert httpx.get(line.address, timeout=20).content == CONTENT


def test_the_proxy_ends_with_its_block(port: int) -> None:
    with Proxy(port) as line:
        httpx.get(line.address, timeout=20)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", line.port), timeout=5)
