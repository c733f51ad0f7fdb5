"""The bad line between the centre and what is below it: two network namespaces, or a proxy on loopback where those are not allowed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from tests.badline.faults import Faults
from tests.badline.link import ADDRESSES, BadLink, allowed
from tests.badline.proxy import Proxy

DEAD = Faults(loss=1.0, cut_every_s=1.0, cut_s=1.0)
"""Nothing passes: packets are lost, connections through the proxy are reset."""


class BadLine(Protocol):
    """`kind` names it; `host` is what the centre listens on, `parent(port)` where those below find it."""

    kind: str
    host: str

    def parent(self, port: int) -> str:
        """The centre's address for those below, once it listens on that port."""

    def above(self) -> AbstractContextManager[None]:
        """What this thread starts or asks meanwhile is on the centre's side."""

    def below(self) -> AbstractContextManager[None]:
        """The same for the other side."""

    def become(self, faults: Faults) -> None:
        """From now on the line is like this."""


class _Namespaces:
    kind, host = "two network namespaces", "0.0.0.0"

    def __init__(self, link: BadLink) -> None:
        self._link = link

    def parent(self, port: int) -> str:
        return f"http://{ADDRESSES[0]}:{port}"

    def above(self) -> AbstractContextManager[None]:
        return self._link.entered(0)

    def below(self) -> AbstractContextManager[None]:
        return self._link.entered(1)

    def become(self, faults: Faults) -> None:
        self._link.become(faults)


class _Loopback:
    kind, host = "a proxy on loopback", "127.0.0.1"

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    def parent(self, port: int) -> str:
        self._proxy.target_port = port
        return self._proxy.address

    def above(self) -> AbstractContextManager[None]:
        return nullcontext()

    below = above

    def become(self, faults: Faults) -> None:
        self._proxy.faults = faults


@contextmanager
def bad_line(seed: int) -> Iterator[BadLine]:
    """The worse of the two that this machine allows."""
    if allowed():
        with BadLink(seed=seed) as link:
            yield _Namespaces(link)
    else:
        with Proxy(0, seed=seed) as proxy:
            yield _Loopback(proxy)
