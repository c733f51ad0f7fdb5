"""Real senders of live signals for tests: another ffmpeg behind a door on loopback, as an encoder in a hall."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from yuanjiao.programmes import commands
from yuanjiao.programmes.packaging.onair import Keeper

PATIENCE_S = 120.0
SHOWN = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10")
HEARD = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")
CODED = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10", "-c:a", "aac", "-f", "mpegts")


@contextmanager
def sender(port: int = 0, inputs: Sequence[str] = (*SHOWN, *HEARD)) -> Iterator[str]:
    """A signal at the address that is given, from its beginning for each who asks; gone at the end of the block."""
    encoders: list[subprocess.Popen[bytes]] = []

    class Hall(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "quiet", "-re", *inputs, *CODED, "pipe:1"]
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as encoder:
                encoders.append(encoder)
                assert encoder.stdout is not None
                self.send_response(200)
                self.send_header("Content-Type", "video/mp2t")
                self.end_headers()
                with suppress(OSError):
                    while piece := encoder.stdout.read1(65536):
                        self.wfile.write(piece)
                encoder.kill()

        def log_message(self, *_: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Hall)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hall.ts"
    finally:
        server.shutdown()
        for encoder in encoders:
            encoder.kill()
        server.server_close()
        thread.join(5)


class Turns:
    """The job of live programmes, turn by turn: its clock begins at the tests' moment and goes as fast as the real one."""

    def __init__(self, at: datetime) -> None:
        self.keeper = Keeper()
        self._at, self._begun = at, time.monotonic()
        self.ahead = timedelta()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=time.monotonic() - self._begun) + self.ahead

    def until(self, reached: Callable[[], bool]) -> None:
        """Turns until something is reached; an AssertionError where it never is."""
        end = time.monotonic() + PATIENCE_S
        while not reached():
            assert time.monotonic() < end, "never came"
            commands.keep_live(at=self.now(), keeper=self.keeper)
            time.sleep(0.1)

    def close(self) -> None:
        for uid in list(self.keeper.airs):
            self.keeper.drop(uid)


def decodes(path: Path) -> str:
    """What ffmpeg complains of when it decodes every frame and stops at the first fault; empty when nothing."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
    ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return ran.stderr or ("" if ran.returncode == 0 else f"exit {ran.returncode}")
