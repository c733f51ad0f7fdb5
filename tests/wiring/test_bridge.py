"""What an ASGI application sees through the bridge on the real server, and what comes back."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from yuanjiao.simulation.processes import free_port


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a server of our own, which is ended afterwards."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.wiring.bridged", str(port)], stdout=subprocess.DEVNULL)
    try:
        _wait(lambda: socket.create_connection(("127.0.0.1", port), timeout=1).close())
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(attempt: Any) -> None:
    for _ in range(300):
        try:
            attempt()
            return
        except (OSError, AssertionError):
            time.sleep(0.1)
    attempt()


def ask(port: int, method: str, path: str, **more: Any) -> httpx.Response:
    return httpx.request(method, f"http://127.0.0.1:{port}{path}", timeout=30, trust_env=False, **more)


def hung_up(port: int) -> list[str]:
    found: list[str] = ask(port, "GET", "/hung-up").json()["hung_up"]
    return found


def test_what_is_asked_and_answered_comes_through(port: int) -> None:
    answer = ask(port, "GET", "/%E6%9D%91/x?q=%E6%B0%B4&a=1")
    told = answer.json()
    assert answer.status_code == 203
    assert (told["method"], told["path"], told["query"], told["scheme"]) == ("GET", "/村/x", "q=%E6%B0%B4&a=1", "http")
    assert told["host"] == f"127.0.0.1:{port}"
    assert told["client"][0] == "127.0.0.1"
    assert told["server"] == ["127.0.0.1", port]
    assert answer.headers.get_list("x-two") == ["1", "2"]
    assert answer.headers["x-name"] == "t?cke", "the server takes visible ASCII only"
    assert ask(port, "HEAD", "/").status_code == 203


@pytest.mark.parametrize("size", [0, 1, 1 << 18, (1 << 18) + 1, 5_000_000])
@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_body_arrives_whole_whatever_its_size_and_whether_its_length_is_told_before(port: int, size: int, in_pieces: bool) -> None:
    body = os.urandom(size)
    pieces = (body[start : start + 100_000] for start in range(0, size, 100_000))
    told = ask(port, "POST", "/read", content=pieces if in_pieces else body).json()
    assert (told["bytes"], told["sha256"]) == (size, hashlib.sha256(body).hexdigest())


@pytest.mark.parametrize("size", [1000, 1_000_000])
def test_a_body_that_ends_before_its_length_is_a_hang_up_and_no_form(port: int, size: int) -> None:
    before = hung_up(port).count("/read")
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size + bytes(size // 2))
        time.sleep(0.2)

    def heard() -> None:
        assert hung_up(port).count("/read") == before + 1

    _wait(heard)


def test_a_stream_goes_on_until_the_asker_hangs_up_and_the_application_is_told(port: int) -> None:
    with httpx.stream("GET", f"http://127.0.0.1:{port}/pour", timeout=30, trust_env=False) as answer:
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(5)] == ["drop"] * 5

    def heard() -> None:
        assert "http.disconnect" in hung_up(port)

    _wait(heard)
