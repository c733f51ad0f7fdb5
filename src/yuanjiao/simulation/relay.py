"""A line between two nodes on this machine that can be cut: a small TCP relay, run in a thread of its own.

While it is cut, open connections are reset and new ones are refused, as on a line that is down.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading


class Relay:
    """Listens on a free port of loopback and passes bytes to `target_port`. `down_bytes` counts what came back through it."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.down_bytes = 0
        self._loop = asyncio.new_event_loop()
        self._open = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"relay-{target_port}", daemon=True)
        self._thread.start()
        self._ready.wait(10)

    @property
    def address(self) -> str:
        """What the node below takes as its parent's address."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Cut the line: nothing passes until `mend`."""
        self._loop.call_soon_threadsafe(self._cut)

    def mend(self) -> None:
        self._loop.call_soon_threadsafe(self._set_open)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._finish(server))
        self._loop.close()

    async def _finish(self, server: asyncio.Server) -> None:
        """Close every socket and let the loop do it before it ends."""
        server.close()
        self._cut()
        tasks = [task for task in asyncio.all_tasks(self._loop) if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)

    def _cut(self) -> None:
        self._open = False
        for writer in list(self._writers):
            writer.transport.abort()

    def _set_open(self) -> None:
        self._open = True

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, up_writer}
        await asyncio.gather(self._pass(reader, up_writer, down=False), self._pass(up_reader, writer, down=True))
        self._writers -= {writer, up_writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, down: bool) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while data := await reader.read(65536):
                if down:
                    self.down_bytes += len(data)
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(ConnectionError, RuntimeError):
            writer.close()
