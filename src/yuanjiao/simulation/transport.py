"""How a simulated edge reaches its parent: over HTTP, or straight into the same doors inside one process at a simulated time."""

from __future__ import annotations

from datetime import datetime

import httpx

from yuanjiao.flow.catalogue.publish import public_folder, publish
from yuanjiao.flow.journal.door import take_in
from yuanjiao.flow.wire.join import answer_question
from yuanjiao.lib.errors import NotFound, Unavailable
from yuanjiao.lib.rsgi import Asked
from yuanjiao.network.intake import take_batch


class HttpTransport:
    """A real line to a real server."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(base_url=address, timeout=20, trust_env=False)

    def post(self, path: str, body: bytes, headers: dict[str, str], at: datetime) -> tuple[int, bytes]:
        """Unavailable when nothing answers."""
        try:
            answer = self._client.post(path, content=body, headers=headers)
        except httpx.TransportError as error:
            raise Unavailable(f"连不上 {self._client.base_url}（{type(error).__name__}）") from None
        return answer.status_code, answer.content


class InsideTransport:
    """The doors of this very process, asked at the moment `at`: for a history lived through faster than the clock."""

    def post(self, path: str, body: bytes, headers: dict[str, str], at: datetime) -> tuple[int, bytes]:
        lower = {name.lower(): value for name, value in headers.items()}
        if path == "/enrol":
            return 200, answer_question(body, root=self._root(at), at=at)
        if path == "/journal":
            return take_in(path, lower, body, at)
        if path == "/beat":
            return take_batch(Asked("POST", path, headers=lower), body, at)
        raise NotFound(path)

    def _root(self, at: datetime) -> bytes:
        """The catalogue root a child would pin; a fresh centre makes it with its first catalogue."""
        path = public_folder() / "metadata" / "root.json"
        if not path.exists():
            publish(at)
        return path.read_bytes()
