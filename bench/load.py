"""A lean load client in a process of its own: keep-alive connections over raw sockets and epoll, one request under way on each.

It parses only what it must of an answer: the status and the content length. Requests come ready-made from a file: a length of
four bytes, then the bytes of the request. Prints one JSON line: requests answered, seconds, how often each status came, and what
50, 95 and 99 % of the answers took at most, in milliseconds.

usage: python -m bench.load PORT CONNECTIONS SECONDS RATE FILE [once]
RATE is requests per second in all, 0 as fast as answers come. Without `once` the requests are sent round and round until the time is up.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path


def requests_of(path: Path) -> list[bytes]:
    raw, start, found = path.read_bytes(), 0, []
    while start < len(raw):
        size = int.from_bytes(raw[start : start + 4], "big")
        found.append(raw[start + 4 : start + 4 + size])
        start += 4 + size
    return found


def write_requests(path: Path, requests: list[bytes]) -> None:
    path.write_bytes(b"".join(len(one).to_bytes(4, "big") + one for one in requests))


def http_request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """The bytes of one POST."""
    lines = [
        f"POST {path} HTTP/1.1",
        "host: bench",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Load:
    """Every connection sends its next request when the last is answered and, with a rate, when its turn has come."""

    def __init__(self, port: int, connections: int, requests: Iterator[bytes]) -> None:
        self.requests, self.statuses = requests, Counter[str]()
        self.poll = select.epoll()
        self.sockets = {one.fileno(): one for one in (self._connect(port) for _ in range(connections))}
        self.idle = list(self.sockets)
        self.parts: dict[int, bytes] = {}
        self.begun: dict[int, float] = {}
        self.waits: list[float] = []

    def _connect(self, port: int) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", port))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.poll.register(line.fileno(), select.EPOLLIN)
        return line

    def run(self, seconds: float, rate: float) -> float:
        begun, sent = time.perf_counter(), 0
        while (now := time.perf_counter() - begun) < seconds:
            due = len(self.idle) if not rate else min(len(self.idle), int(now * rate) - sent)
            for request in islice(self.requests, max(due, 0)):
                line = self.idle.pop()
                self.begun[line] = time.perf_counter()
                self.sockets[line].sendall(request)
                sent += 1
            if len(self.idle) == len(self.sockets) and sent and not rate:
                break  # nothing left to send, everything answered
            self._listen(0.002 if rate else 1.0)
        return time.perf_counter() - begun

    def _listen(self, wait_s: float) -> None:
        for line, _ in self.poll.poll(wait_s):
            answer = self.parts.pop(line, b"") + self.sockets[line].recv(65536)
            if complete(answer):
                self.statuses[answer[9:12].decode()] += 1
                self.waits.append(time.perf_counter() - self.begun[line])
                self.idle.append(line)
            else:
                self.parts[line] = answer


def shares(waits: list[float]) -> dict[str, float]:
    """Milliseconds within which 50, 95 and 99 % were answered."""
    ordered = sorted(waits) or [0.0]
    return {f"p{share}": ordered[min(int(len(ordered) * share / 100), len(ordered) - 1)] * 1000 for share in (50, 95, 99)}


def complete(answer: bytes) -> bool:
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    if answer[9:12] in {b"304", b"204"}:
        return True  # they have no body, whatever they say of its length
    at = answer.lower().find(b"content-length: ", 0, head)
    return len(answer) - head - 4 >= int(answer[at + 16 : answer.find(b"\r\n", at)])


def main(arguments: list[str]) -> int:
    port, connections, seconds, rate, path = int(arguments[0]), int(arguments[1]), float(arguments[2]), float(arguments[3]), arguments[4]
    requests = requests_of(Path(path))
    load = Load(port, connections, iter(requests) if arguments[5:] == ["once"] else cycle(requests))
    took = load.run(seconds, rate)
    print(json.dumps({"answered": load.statuses.total(), "seconds": took, "statuses": load.statuses, **shares(load.waits)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
