"""What a signal may not do: name files of this machine, whatever it is made of. Real ffmpeg, a server on loopback that lies."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import imageio_ffmpeg
import pytest

from yuanjiao.programmes.packaging import onair
from yuanjiao.programmes.packaging.onair import Keeper
from yuanjiao.programmes.rules import live

HEAD = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:0\n"
ENTRY = "#EXTINF:3,\n{}\n#EXT-X-ENDLIST\n"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film on this machine that nobody outside may see."""
    path = tmp_path_factory.mktemp("private") / "private.ts"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=3"]
    command += ["-f", "lavfi", "-i", "sine=duration=3", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run([*command, str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture
def liar(film: Path) -> Iterator[tuple[dict[str, bytes], str]]:
    """What the server answers, by path, and where it is. `/good.ts` is a film that may be seen."""
    told = {"/good.ts": film.read_bytes()}

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = told.get(self.path)
            if found and found.startswith(b"->"):
                self.send_response(302)
                self.send_header("Location", found[2:].decode())
                self.end_headers()
                return
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield told, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def taken_in(address: str, at: datetime) -> int:
    """How many segments a run brings of this signal."""
    air = Keeper().start(uuid4(), 1, address, at)
    air.process.wait(120)
    return onair.count(air.uid, 1)


def test_a_signal_that_is_a_list_of_films_of_its_own_server_is_taken_in(liar: tuple[dict[str, bytes], str], at: datetime) -> None:
    told, where = liar
    told["/signal.m3u8"] = (HEAD + ENTRY.format("good.ts")).encode()
    assert taken_in(f"{where}/signal.m3u8", at) > 0


@pytest.mark.parametrize("form", [
    "file://{film}", "{film}", "concat:{film}|{film}", "subfile,,start,0,end,0,,:{film}", "file:///etc/passwd",
    "data:video/mp2t;base64,AAAA",
    "crypto+file://{film}", "async:file://{film}", "cache:file://{film}",
])  # fmt: skip
def test_a_list_that_names_files_of_this_machine_yields_nothing(
    liar: tuple[dict[str, bytes], str], film: Path, at: datetime, form: str
) -> None:
    told, where = liar
    told["/signal.m3u8"] = (HEAD + ENTRY.format(form.format(film=film))).encode()
    assert taken_in(f"{where}/signal.m3u8", at) == 0


@pytest.mark.parametrize("body", [
    "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nfile://{film}\n", "ffconcat version 1.0\nfile '{film}'\n", "->file://{film}",
    HEAD + '#EXT-X-KEY:METHOD=AES-128,URI="file:///etc/hostname"\n' + ENTRY.format("file://{film}"),
])  # fmt: skip
def test_no_other_form_of_a_signal_reaches_a_file_either(liar: tuple[dict[str, bytes], str], film: Path, at: datetime, body: str) -> None:
    told, where = liar
    told["/signal"] = body.replace("{film}", str(film)).encode()
    assert taken_in(f"{where}/signal", at) == 0


@pytest.mark.parametrize("address", [
    "file:///etc/passwd", "/etc/passwd", "concat:a|b", "data:text/plain,x", "pipe:0", "tcp://1.2.3.4:5", "ftp://a/b", "http://", "rtmp:///live",
    "http://169.254.169.254/latest", "http://[fe80::1]/x", "http://2852039166/x", "http://0xa9fea9fe/x", "http://[::ffff:169.254.1.1]/x",
    "http://a b/c", "http://a/\nb", "http://a:port/x", "http://a/" + "x" * 500, "-i", "lavfi:testsrc", "http://a]/x",
])  # fmt: skip
def test_addresses_that_are_no_signal_are_refused_in_words(address: str) -> None:
    assert live.against_signal(address)


@pytest.mark.parametrize("address", [
    "rtmp://live.example.cn/app/key?token=1", "rtmps://live.example.cn/app/key", "rtsp://admin:secret@10.0.0.9:554/ch1", "srt://10.0.0.9:9000?mode=caller",
    "https://cdn.example.cn/x/index.m3u8", "udp://239.1.1.1:5000", "rtp://239.1.1.1:5004", "rtmp://127.0.0.1/live/hall", "http://[fd00::5]:8080/x.ts",
])  # fmt: skip
def test_addresses_of_encoders_and_servers_are_signals(address: str) -> None:
    assert live.against_signal(address) == ""


@pytest.mark.parametrize("scheme", ["rtmp", "rtmps", "rtsp", "srt", "http", "https"])
def test_for_every_scheme_the_encoder_comes_as_far_as_the_network(scheme: str, at: datetime) -> None:
    """Nobody is there; but what it may open is enough to find that out."""
    air = Keeper().start(uuid4(), 1, f"{scheme}://127.0.0.1:9/live/hall", at)
    air.process.wait(120)
    words = (onair.home(air.uid) / "1" / "words.txt").read_text()
    assert "Error opening input" in words
    assert "whitelist" not in words
    assert "not found" not in words.lower()


@pytest.mark.parametrize("scheme", sorted(live.PROTOCOLS))
def test_the_encoder_is_told_before_the_signal_what_it_may_open_and_what_a_signal_may_be(scheme: str) -> None:
    told = live.encoder_arguments(f"{scheme}://live.example.cn/hall", offset_s=0.0)
    for name, value in (("-protocol_whitelist", live.PROTOCOLS[scheme]), ("-format_whitelist", live.FORMATS)):
        assert told.count(name) == 1
        assert told[told.index(name) + 1] == value
        assert told.index(name) < told.index("-i")


def test_no_scheme_lets_ffmpeg_open_a_file_or_another_program() -> None:
    never = {"file", "pipe", "fd", "concat", "concatf", "subfile", "data", "crypto", "unix", "cache", "async", "ftp", "sftp"}
    assert not {one for every in live.PROTOCOLS.values() for one in every.split(",")} & never
