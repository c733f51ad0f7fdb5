"""A bad line on loopback: a TCP proxy in a thread of its own with delay, jitter, rate, freezes and cuts, that counts what passes.

TCP hides lost packets, so `Faults.loss` says nothing here; a cut resets every connection and refuses new ones until it is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import threading
import time
from collections import Counter

from tests.badline.faults import Faults, Way

PIECE = 1400
"""Bytes of a piece on a slow line; on one without a rate as much as there is."""
IN_FLIGHT = 64
ASKED = re.compile(rb"^(?:GET|HEAD|POST|PUT) (\S+) HTTP/1\.1\r\n")


class Proxy:
    """Listens on a free port of loopback and passes bytes to `target_port`; `with Proxy(port) as line:`.

    Counts `up_bytes` and `down_bytes` (whole streams, heads included), `connections`, and `requests` by their path; `down_by_path`
    holds what came back while that path was the last one asked for on its connection.
    """

    def __init__(self, target_port: int, faults: Faults | None = None, *, seed: int = 1) -> None:
        self.target_port, self.faults = target_port, faults or Faults()
        self.up_bytes = self.down_bytes = self.connections = self.port = 0
        self.requests, self.down_by_path = Counter[str](), Counter[str]()
        self.cut_after = 0
        self._chance = random.Random(seed)
        self._began = time.monotonic()
        self._ways = [Way(lambda: self.faults, self._chance) for _ in range(2)]
        self._writers: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"bad-line-{target_port}", daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def forget(self) -> None:
        """Count from nothing."""
        self.up_bytes = self.down_bytes = self.connections = 0
        self.requests.clear()
        self.down_by_path.clear()

    def cut_once_after(self, down_bytes: int) -> None:
        """Close every connection once so many more bytes have come back; what follows passes."""
        self.cut_after = self.down_bytes + down_bytes

    def now(self) -> float:
        return time.monotonic() - self._began

    # -- in the thread --------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        cutting = self._loop.create_task(self._cut_on_time())
        self._ready.set()
        self._loop.run_forever()
        cutting.cancel()
        self._loop.run_until_complete(self._finish(server))
        self._loop.close()

    async def _finish(self, server: asyncio.Server) -> None:
        server.close()
        self._reset()
        tasks = [task for task in asyncio.all_tasks(self._loop) if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)

    async def _cut_on_time(self) -> None:
        while True:
            if self.faults.cut_at(self.now()):
                self._reset()
            await asyncio.sleep(0.05)

    def _reset(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.faults.cut_at(self.now()):
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        self.connections += 1
        both, talk = {writer, far_writer}, _Talk(self)
        self._writers |= both
        await asyncio.gather(self._pass(reader, far_writer, talk, way=0), self._pass(far_reader, writer, talk, way=1))
        self._writers -= both

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, talk: _Talk, *, way: int) -> None:
        """Pieces go into a queue with the moment they are due; what waits there is what is on the line."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)
        delivering = asyncio.create_task(self._deliver(queue, writer, talk, way))
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while data := await reader.read(PIECE if self.faults.rate_bps else 65536):
                await queue.put((self._ways[way].passes_at(len(data), self.now()), data))
                if (ahead := self._ways[way].waits_s(self.now())) > 0.25:
                    await asyncio.sleep(ahead - 0.25)
        with contextlib.suppress(asyncio.CancelledError):
            await queue.put((0.0, b""))
            await delivering

    async def _deliver(self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, talk: _Talk, way: int) -> None:
        with contextlib.suppress(ConnectionError):
            while (piece := await queue.get())[1]:
                due, data = piece
                if (wait := due - self.now()) > 0:
                    await asyncio.sleep(wait)
                talk.count(data, way)
                writer.write(data)
                await writer.drain()
                if self.cut_after and self.down_bytes >= self.cut_after:
                    self.cut_after = 0
                    self._reset()
        with contextlib.suppress(ConnectionError, RuntimeError):
            writer.close()


class _Talk:
    """One connection: what was asked last on it."""

    def __init__(self, line: Proxy) -> None:
        self._line, self._path = line, ""

    def count(self, data: bytes, way: int) -> None:
        if way == 0:
            self._line.up_bytes += len(data)
            if asked := ASKED.match(data):
                self._path = asked[1].decode()
                self._line.requests[self._path] += 1
            return
        self._line.down_bytes += len(data)
        self._line.down_by_path[self._path] += len(data)
