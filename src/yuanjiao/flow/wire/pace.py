"""The least pace of what the parent sends: an answer that trickles is given up like a line that is dead.

Time limits of single reads do not end an answer of one byte each 29 s (the slow retrieval of the TUF specification). So the time spent
waiting is measured where the bytes arrive, head and body, with or without TLS: two minutes of waiting for one answer must have brought
at least the least rate. What our own byte budget or disk takes is no waiting. A village line of 32 kbit/s that pauses for half a minute
again and again brings twice that and more.

An answer that can be gone on with at its byte need not be waited for as long as others: whoever asked says so (`be_patient_for`). After
lost retransmissions a connection may be silent for half a minute on a line over which a new one delivers at once.
"""

from __future__ import annotations

import math
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx

from yuanjiao.lib.errors import Refused

WINDOW_S = 120.0


class Pace:
    """Adds up waiting and bytes of one answer. `least_rate` in bytes per second; 0 is no limit. `window_s`: of so much waiting."""

    def __init__(self, least_rate: float, window_s: float = WINDOW_S) -> None:
        self._least_rate, self._window_s = least_rate, window_s
        self.begin()

    def begin(self) -> None:
        """A new question was sent: its answer counts for itself."""
        self._waited_s, self._size = 0.0, 0

    def is_too_slow(self, size: int, waited_s: float) -> bool:
        """Whether with these bytes, waited for so long, a whole window has passed at less than the least rate."""
        self._waited_s, self._size = self._waited_s + waited_s, self._size + size
        if self._waited_s < self._window_s:
            return False
        too_slow = self._size < self._least_rate * self._waited_s
        self.begin()
        return too_slow


class PacedStream(httpcore.NetworkStream):
    """One connection, its reading measured."""

    def __init__(self, inner: httpcore.NetworkStream, pace: Pace, clock: Callable[[], float]) -> None:
        self._inner, self._pace, self._clock = inner, pace, clock
        self._patience_s = math.inf

    def be_patient_for(self, seconds: float) -> None:
        """Wait no longer for each next byte of the present answer, whatever limit the reader has."""
        self._patience_s = seconds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        before = self._clock()
        found = self._inner.read(max_bytes, timeout if self._patience_s == math.inf else min(self._patience_s, timeout or math.inf))
        if found and self._pace.is_too_slow(len(found), self._clock() - before):
            raise httpcore.ReadTimeout("the answer trickles")
        return found

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout)
        self._pace.begin()
        self._patience_s = math.inf

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return PacedStream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._pace, self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class PacedNetwork(httpcore.NetworkBackend):
    """Connections as `inner` makes them, each measured."""

    def __init__(self, inner: httpcore.NetworkBackend, least_rate: float, window_s: float, clock: Callable[[], float]) -> None:
        self._inner, self._least_rate, self._window_s, self._clock = inner, least_rate, window_s, clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        made = self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return PacedStream(made, Pace(self._least_rate, self._window_s), self._clock)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


def trusted(authorities: str) -> ssl.SSLContext:
    """Certificates of public authorities, and of those in the PEM file `authorities` when there is one: a closed network has its own.

    Refused when the file is none.
    """
    context = httpx.create_ssl_context(trust_env=False)
    if authorities:
        try:
            context.load_verify_locations(cafile=authorities)
        except (OSError, ssl.SSLError) as error:
            raise Refused(f"读不了上级的根证书 {authorities}（{error}）：它应是 PEM 文件") from None
    return context


class PacedTransport(httpx.HTTPTransport):
    """httpx's own transport over such a network. `authorities` as in `trusted`; without `certified` no certificate is
    looked at; `network` and `clock` are for a simulated one."""

    def __init__(
        self,
        least_rate: float,
        *,
        window_s: float = WINDOW_S,
        authorities: str = "",
        certified: bool = True,
        network: httpcore.NetworkBackend | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(trust_env=False, verify=trusted(authorities) if certified else False)
        # httpx has no argument for it; tests/flow/test_tuf_attacks.py fails should the name ever change
        self._pool._network_backend = PacedNetwork(network or httpcore.SyncBackend(), least_rate, window_s, clock)
