"""A real gateway of short messages, and robots of work groups, on this machine's loopback: what they were asked, and what they answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, bytes] | None
ACCEPTED = (200, b'{"accepted": true}')
ROBOT_TOOK = (200, b'{"errcode": 0}')


class Gateway:
    """Answers by path: /sms as the gateway, /robot as a work group. `answers` holds other answers by mobile number; None hangs up."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: dict[str, Answer] = {}
        self.always: Answer = ACCEPTED
        self.held: threading.Event | None = None
        self.hold_at = 0
        self.port = 0

    @property
    def mobiles(self) -> list[str]:
        return [one["mobile"] for one in self.asked if "mobile" in one]

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        said = json.loads(body)
        self.asked.append(said)
        self.headers.append(headers)
        if self.held is not None and len(self.asked) == self.hold_at:
            self.held.wait(120)
        if path.startswith("/robot"):
            return self.answers.get("robot", ROBOT_TOOK)
        return self.answers.get(said["mobile"], self.always)


@contextmanager
def listening() -> Iterator[Gateway]:
    gateway = Gateway()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = gateway.answer(self.path, body, dict(self.headers))
            if answer is None:
                self.close_connection = True
                return
            try:
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])
            except OSError:
                self.close_connection = True  # whoever asked was killed

        def log_message(self, *_: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    gateway.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        if gateway.held is not None:
            gateway.held.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
