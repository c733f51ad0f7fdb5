"""Sibling edges on loopback, for the tests of several sources: real sockets, and as honest as the test wants."""

from __future__ import annotations

import re
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

from yuanjiao.flow.blobs.store import BlobRef


class Sibling(socketserver.ThreadingTCPServer):
    """Serves what `blobs` holds by digest. `dies_after`: bytes of the next answer; `trickles`: seconds between pieces of 1 kB.
    `labels`: headers of every answer."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.blobs: dict[str, bytes] = {}
        self.dies_after: int | None = None
        self.trickles = 0.0
        self.status = 0
        self.labels: dict[str, str] = {}
        self.knows_ranges = True
        self.asked: list[str] = []
        self.tickets: list[str] = []
        self.sent = 0
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def holds(self, ref: BlobRef, content: bytes) -> None:
        self.blobs[ref.sha256] = content

    def kill(self) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join()


class Answer(BaseHTTPRequestHandler):
    server: Sibling
    protocol_version: ClassVar[str] = "HTTP/1.1"  # type: ignore[misc]

    def do_GET(self) -> None:
        name, wanted = self.path.rpartition("/")[2], self.headers.get("Range", "")
        self.server.asked.append(wanted)
        self.server.tickets.append(self.headers.get("Yuanjiao-Ticket", ""))
        self.close_connection = True
        whole = self.server.blobs.get(name)
        if self.server.status or whole is None:
            self.send_response(self.server.status or 404)
            self._send_labels()
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        found = re.fullmatch(r"bytes=(\d+)-", wanted) if self.server.knows_ranges else None
        self._send(whole, int(found[1]) if found else None)

    def _send_labels(self) -> None:
        for name, value in self.server.labels.items():
            self.send_header(name, value)

    def _send(self, whole: bytes, first: int | None) -> None:
        body = whole[first or 0 :]
        self.send_response(200 if first is None else 206)
        self._send_labels()
        if first is not None:
            self.send_header("Content-Range", f"bytes {first}-{len(whole) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut, self.server.dies_after = self.server.dies_after, None
        body = body[:cut]
        step = 1000 if self.server.trickles else len(body) or 1
        for start in range(0, len(body), step):
            try:
                self.wfile.write(body[start : start + step])
            except OSError:
                return  # the asker has given us up
            self.server.sent += len(body[start : start + step])
            time.sleep(self.server.trickles)

    def log_message(self, *args: object) -> None:
        return
