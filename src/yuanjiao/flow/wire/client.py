"""The line to the parent: httpx with time limits, a least pace, the byte budget and signed requests. Its failures are Unavailable.

A `Line` remembers how far the parent's clock is from ours (told by every answer), so that a box without a clock is believed at its
second try.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.flow.wire.auth import micros, signed_headers
from yuanjiao.flow.wire.budget import TokenBucket
from yuanjiao.flow.wire.offset import Offset
from yuanjiao.flow.wire.sealing import SEALED, sealed_bytes
from yuanjiao.flow.wire.signing import SERVER_TIME
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Unavailable

if TYPE_CHECKING:
    import httpx

TIMEOUT_S, CONNECT_S = 30.0, 10.0
WRONG_TIME = "wrong_time"
WHOLE = re.compile(r"-?[0-9]{1,19}")
"""A whole number as headers tell it; whoever answers may write anything there."""


class Line:
    """Requests to one address. `transport` is for a simulated line; `now` for a simulated clock."""

    def __init__(
        self,
        address: str,
        *,
        transport: httpx.BaseTransport | None = None,
        budget: TokenBucket | None = None,
        now: Callable[[], datetime] = clock.now,
        connect_s: float = CONNECT_S,
        read_s: float = TIMEOUT_S,
    ) -> None:
        import httpx  # where it is needed: a centre with nobody above asks nobody

        from yuanjiao.flow.wire.pace import PacedTransport

        transport = transport or PacedTransport(settings.LEAST_RATE, authorities=settings.PARENT_CA)
        timeout = httpx.Timeout(read_s, connect=connect_s)
        self._client = httpx.Client(base_url=address, timeout=timeout, transport=transport, trust_env=False, follow_redirects=False)
        for name in ("accept", "connection", "user-agent"):  # they tell the parent nothing, with every request
            del self._client.headers[name]
        self._budget = budget or TokenBucket(0)
        self._prefix = urlsplit(address).path.rstrip("/")
        self._now = now
        self._signed_at = datetime.min.replace(tzinfo=UTC)
        self._signing = threading.Lock()
        self._offset = Offset()

    @property
    def offset_s(self) -> float:
        """How far the parent's clock is ahead of ours, in seconds; exactly 0 before it has answered."""
        return self._offset.seconds

    def get(self, path: str, *, headers: Mapping[str, str] | None = None, signed: bool = False) -> httpx.Response:
        """GET the whole answer, whatever its status below 500."""
        return self.send("GET", path, headers=headers, signed=signed)

    def post(self, path: str, body: bytes, *, headers: Mapping[str, str] | None = None, signed: bool = True) -> httpx.Response:
        """POST bytes; signed again, once, when the parent says that our time is wrong."""
        return self.send("POST", path, body, headers=headers, signed=signed)

    def send(
        self, method: str, path: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None, signed: bool = True
    ) -> httpx.Response:
        """One request and its whole answer. Unavailable for a dead line, a time-out or a status of 500 and more."""
        for _ in range(2):
            response = self._once(method, path, body, dict(headers or {}), own_node() if signed else None)
            if response.status_code != 401 or WRONG_TIME not in response.text:
                break
        return response

    def post_sealed(self, path: str, content: bytes, *, form: int, packed: bool, key: bytes) -> httpx.Response:
        """POST what only the owner of the other half of `key` must believe (sealing.py); sealed again, once, when our time is wrong."""
        own = own_node()
        for _ in range(2):
            clock_us = micros(self._moment())
            time_us = clock_us + round(self.offset_s * 1_000_000)
            body = sealed_bytes(node=own.uid, time_us=time_us, clock_us=clock_us, form=form, packed=packed, content=content, key=key)
            response = self._once("POST", path, body, {"content-type": SEALED}, None)
            if response.status_code != 401 or WRONG_TIME not in response.text:
                break
        return response

    @contextmanager
    def stream(
        self,
        path: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        signed: bool = False,
        patience_s: float | None = None,
    ) -> Iterator[httpx.Response]:
        """GET a large answer, or POST with a body; read it with `pieces(response)`, which keeps to the budget.

        `patience_s`: how long each next piece is waited for, of a body that can be gone on with; the head has the whole limit.
        """
        with _dead_line_is_unavailable():
            response = self._open(path, body, dict(headers or {}), signed)
            if signed and response.status_code == 401 and SERVER_TIME in response.headers:
                response.close()  # our time was wrong: the answer told us the right one
                response = self._open(path, body, dict(headers or {}), signed)
            try:
                _refuse_broken(response)
                if patience_s is not None:
                    _be_patient_for(patience_s, response)
                yield response
            finally:
                response.close()

    @contextmanager
    def stream_from(self, address: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """GET a large answer from another address, one the parent named: nothing of ours goes there but `headers`. Any status."""
        with _dead_line_is_unavailable():
            response = self._client.send(self._client.build_request("GET", address, headers=headers), stream=True)
            try:
                yield response
            finally:
                response.close()

    def pieces(self, response: httpx.Response) -> Iterator[bytes]:
        """The bytes of a streamed answer as they come, not faster than the budget."""
        with _dead_line_is_unavailable():
            for piece in response.iter_raw():  # as they arrive: a piece waited for would be lost with the line
                self._budget.take(len(piece))
                yield piece

    def close(self) -> None:
        self._client.close()

    def _open(self, path: str, body: bytes, headers: dict[str, str], signed: bool) -> httpx.Response:
        method = "POST" if body else "GET"
        if signed:
            headers |= self._sign(method, path, body, own_node())
        sent_at = self._now()
        response = self._client.send(self._client.build_request(method, path, content=body or None, headers=headers), stream=True)
        self._learn_time(response, sent_at)
        return response

    def _learn_time(self, response: httpx.Response, sent_at: datetime) -> None:
        if WHOLE.fullmatch(told := response.headers.get(SERVER_TIME, "")):
            sent, received = micros(sent_at) / 1e6, micros(self._now()) / 1e6
            self._offset.learn(sent=sent, received=received, told=int(told) / 1e6, at=time.monotonic())

    def _once(self, method: str, path: str, body: bytes, headers: dict[str, str], node: Node | None) -> httpx.Response:
        if node is not None:
            headers |= self._sign(method, path, body, node)
        sent_at = self._now()
        with _dead_line_is_unavailable():
            response = self._client.request(method, path, content=body or None, headers=headers)
        self._budget.take(len(response.content))
        self._learn_time(response, sent_at)
        _refuse_broken(response)
        return response

    def _sign(self, method: str, path: str, body: bytes, node: Node) -> dict[str, str]:
        target = self._prefix + path
        return signed_headers(method=method, target=target, body=body, node=node, at=self._moment(), offset_s=self.offset_s)

    def _moment(self) -> datetime:
        """Now, and never twice the same: a proof is believed once, and the same question in the same microsecond is no repeat."""
        with self._signing:
            at = self._now()
            if timedelta(0) <= self._signed_at - at < timedelta(seconds=1):  # not when the clock was set back
                at = self._signed_at + timedelta(microseconds=1)
            self._signed_at = at
            return at


@contextmanager
def _dead_line_is_unavailable() -> Iterator[None]:
    import httpx

    try:
        yield
    except httpx.TimeoutException:
        raise Unavailable("上级节点没有及时应答，或应答太慢，稍后重试") from None
    except (httpx.TransportError, httpx.InvalidURL, UnicodeError) as error:  # the latter two: of an address that is none
        raise Unavailable(f"连不上上级节点（{type(error).__name__}），稍后重试") from None


def _be_patient_for(seconds: float, response: httpx.Response) -> None:
    """Only for what can be gone on with, and over a transport that measures (pace.py); a simulated line has limits of its own."""
    said = getattr(response.extensions.get("network_stream"), "be_patient_for", None)
    if said is not None and (response.status_code == 206 or response.headers.get("Accept-Ranges") == "bytes"):
        said(seconds)


def _refuse_broken(response: httpx.Response) -> None:
    if response.status_code >= 500:
        wait = response.headers.get("Retry-After", "")
        raise Unavailable(f"上级节点应答 {response.status_code}，稍后重试", retry_s=max(0.0, float(wait)) if WHOLE.fullmatch(wait) else 5.0)


_making = threading.Lock()


@cache
def _line(address: str, budget: int) -> Line:
    return Line(address, budget=TokenBucket(budget))


def parent_line() -> Line:
    """The one line of this process to settings.PARENT; Unavailable when no parent is set."""
    if not settings.PARENT:
        raise Unavailable("没有设置上级节点（YUANJIAO_PARENT）")
    with _making:
        return _line(settings.PARENT, settings.BYTE_BUDGET)
