"""The site's own check against a real edge process with a really packaged film; each failure is made for real (NET07)."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

import yuanjiao_beacon as beacon
from tests.kills import KILLS
from yuanjiao.flow.nodes.models import Node
from yuanjiao.network.models import PlayTest
from yuanjiao.network.probing.site import try_newest_film
from yuanjiao.simulation.cast import Cast
from yuanjiao.simulation.processes import NodeProcess

pytestmark = KILLS
SITE = "S-990101100200"
ROOT = Path(__file__).resolve().parents[3]


class StockedEdge:
    """A running edge that holds one packaged film."""

    def __init__(self, folder: Path) -> None:
        self.node = NodeProcess(
            role="edge", home=folder / "edge", name="柳溪县边缘服务器", parent="http://127.0.0.1:9", SWEEP_S="0.5", BEAT_PERIOD_S="5"
        )
        film = folder / "film.mp4"
        pictures = ["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=2", "-f", "lavfi", "-i", "sine=frequency=440:duration=2"]
        coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", str(film)]
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *pictures, *coding], check=True)
        line = [sys.executable, "-m", "tests.network.probing.stock", str(film)]
        environment = {**self.node.environment, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        done = subprocess.run(line, env=environment, cwd=ROOT, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        self.told = json.loads(done.stdout.splitlines()[-1])
        self.node.start()

    def blob(self, profile: str) -> Path:
        sha256 = self.told["blobs"][profile]
        return next(path for path in (self.node.home / "blobs").rglob("*") if path.is_file() and sha256.endswith(path.name))

    def tests(self) -> list[tuple[Any, ...]]:
        """What the edge has written of the site's play tests, oldest first."""
        with sqlite3.connect(f"file:{self.node.home / 'yuanjiao.sqlite3'}?mode=ro", uri=True, timeout=30) as database:
            return database.execute("SELECT ok, step, item FROM network_playtest ORDER BY id").fetchall()

    def line_of_beacon(self, *more: str) -> list[str]:
        script = str(ROOT / "src/yuanjiao_beacon.py")
        return [sys.executable, script, "--to", self.node.address, "--site", SITE, "--key", self.told["key"], *more]

    def told_once(self, *more: str) -> None:
        """One test and one beat, told again as long as the edge has had enough of this site for the moment."""
        wait_for(lambda: subprocess.run(self.line_of_beacon("--once", *more), capture_output=True, check=False).returncode == 0)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The kernel goes on taking connections, the software does not answer."""
        assert self.node.process is not None
        os.killpg(self.node.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.node.process.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StockedEdge]:
    found = StockedEdge(tmp_path_factory.mktemp("site-check"))
    yield found
    found.node.kill()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beacon, "TIMEOUT_S", 2)


def wait_for(condition: Callable[[], Any], within_s: float = 60) -> Any:
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)  # another process: there is nothing here to wait on
    return found


@pytest.mark.clause("NET07")
def test_the_beacon_finds_the_newest_film_by_itself_and_its_edge_keeps_that_it_plays(edge: StockedEdge) -> None:
    assert beacon.check(edge.node.address) == ("", "", "春季养猪防疫")
    edge.told_once()
    assert edge.tests()[-1] == (1, "", "春季养猪防疫")


@contextmanager
def swallowing_line() -> Iterator[str]:
    """An address whose packets are lost on the way: a listener whose queue is full answers no further SYN."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        time.sleep(0.2)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for filler in fillers:
            filler.close()


@pytest.mark.clause("NET07")
def test_a_line_that_swallows_everything_is_the_link() -> None:
    with swallowing_line() as address:
        step, why, _item = beacon.check(address) or ("none", "", "")
    assert step == "link", why
    step, why, _item = beacon.check("http://no-such-host.invalid") or ("none", "", "")
    assert step == "link", why


class LogInPage(http.server.BaseHTTPRequestHandler):
    """What a hotel's or an operator's gateway shows to everybody."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>please log in</html>")

    def log_message(self, *_args: object) -> None:
        return


@pytest.mark.clause("NET07")
def test_software_that_hangs_or_is_not_ours_or_does_not_run_is_the_edge(edge: StockedEdge) -> None:
    with edge.frozen():
        assert (beacon.check(edge.node.address) or ("none",))[0] == "edge"
    gateway = http.server.ThreadingHTTPServer(("127.0.0.1", 0), LogInPage)
    threading.Thread(target=gateway.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{gateway.server_address[1]}"
    assert (beacon.check(address) or ("none",))[0] == "edge"
    gateway.shutdown()
    gateway.server_close()
    assert (beacon.check(address) or ("none",))[0] == "edge", "a refusal comes from a machine that is there"


@pytest.mark.clause("NET07")
def test_an_item_that_is_not_there_or_is_no_play_list_is_the_catalogue(edge: StockedEdge) -> None:
    gone = f"{edge.node.address}/play/00000000-0000-0000-0000-000000000000/master.m3u8"
    assert (beacon.check(edge.node.address, gone) or ("none",))[0] == "catalogue"
    assert (beacon.check(edge.node.address, f"{edge.node.address}/healthz") or ("none",))[0] == "catalogue"
    edge.told_once("--play", gone)
    assert edge.tests()[-1][:2] == (0, "catalogue")


@pytest.mark.clause("NET07")
def test_a_film_whose_bytes_are_lost_or_spoiled_on_the_edges_disk_is_the_video(edge: StockedEdge) -> None:
    profile = min(name for name in edge.told["blobs"] if name.startswith("hls-") and name != "hls-audio")
    path = edge.blob(profile)
    whole = path.read_bytes()
    path.chmod(0o600)
    try:
        path.write_bytes(bytes(len(whole)))
        assert beacon.check(edge.node.address) == ("video", "no media: " + repr(bytes(12)), "春季养猪防疫")
        path.unlink()
        done = subprocess.run(edge.line_of_beacon("--once"), capture_output=True, text=True, check=False)
        assert "failed at video" in done.stderr
        edge.told_once()
        assert edge.tests()[-1][:2] == (0, "video")
    finally:
        path.write_bytes(whole)
    assert beacon.check(edge.node.address) == ("", "", "春季养猪防疫")


@pytest.mark.clause("NET07")
def test_a_failure_that_could_not_be_told_is_told_when_the_edge_is_back(edge: StockedEdge) -> None:
    before = len(edge.tests())
    edge.node.kill()
    line = edge.line_of_beacon("--period", "1", "--play-every", "600")
    watching = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    try:
        assert watching.stderr is not None
        while "play test failed at edge" not in watching.stderr.readline():
            assert watching.poll() is None
        edge.node.start()
        wait_for(lambda: len(edge.tests()) > before)
    finally:
        watching.kill()
        watching.communicate()
    assert edge.tests()[before:] == [(0, "edge", "")], "once"


@pytest.mark.clause("NET07")
def test_the_agent_keeps_through_kills_what_its_edge_was_not_there_to_hear_and_tells_it_once_in_its_order(
    edge: StockedEdge, tmp_path: Path
) -> None:
    before = len(edge.tests())
    edge.node.kill()
    line = edge.line_of_beacon("--period", "1", "--play-every", "600", "--folder", str(tmp_path))
    line[1] = line[1].replace("beacon", "agent")
    kept = tmp_path / "untold.json"
    for _ in range(3):  # the box loses its power, again and again
        box = subprocess.Popen(line, stdout=subprocess.DEVNULL)
        made = kept.stat().st_mtime_ns if kept.exists() else 0
        wait_for(lambda made=made: kept.exists() and kept.stat().st_mtime_ns != made)
        box.kill()
        box.wait()
    waiting = [one["step"] for one in json.loads(kept.read_text())["tests"]]
    assert waiting == ["edge", "edge"], "the first failure and the newest of a row"
    edge.node.start()
    box = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: any(ok for ok, *_ in edge.tests()[before:]))
    finally:
        box.kill()
        box.wait()
    told = edge.tests()[before:]
    assert told[:3] == [(0, "edge", ""), (0, "edge", ""), (1, "", "春季养猪防疫")]
    assert subprocess.run([*line, "--check"], check=False, capture_output=True).returncode == 0
    strange = subprocess.run([*line, "--key", "wrong", "--check"], check=False, capture_output=True, text=True)
    assert strange.returncode == 1
    assert "上级不认本站的密钥" in strange.stdout


@pytest.mark.django_db
@pytest.mark.clause("NET07")
def test_a_site_that_runs_the_whole_software_tests_the_same_way_once_a_day_and_sooner_after_a_failure(
    edge: StockedEdge, cast: Cast, settings: Any, at: datetime
) -> None:
    assert try_newest_film(at) is None, "a machine that is no site tests nothing"
    Node.objects.filter(is_self=True).update(subject_code=SITE)
    settings.PARENT = edge.node.address
    assert try_newest_film(at) is True
    assert try_newest_film(at + timedelta(hours=23)) is None
    with edge.frozen():
        assert try_newest_film(at + timedelta(hours=25)) is False
    assert try_newest_film(at + timedelta(hours=25, minutes=5)) is None
    assert try_newest_film(at + timedelta(hours=25, minutes=11)) is True
    kept = PlayTest.objects.filter(site=cast.sites[SITE]).order_by("at").values_list("ok", "step", "item")
    assert list(kept) == [(True, "", "春季养猪防疫"), (False, "edge", ""), (True, "", "春季养猪防疫")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n", ("low.m3u8", None, None)),
        ("#EXTM3U\n#EXTINF:4,\n\na.ts\n#EXTINF:4,\nb.ts\n", (None, None, ("a.ts", None))),
        (
            '#EXTM3U\n#EXT-X-MAP:URI="f.m4s",BYTERANGE="700@0"\n#EXTINF:2,\n#EXT-X-BYTERANGE:900@700\nf.m4s\n',
            (None, ("f.m4s", (0, 700)), ("f.m4s", (700, 900))),
        ),
        ("#EXTM3U\n#EXT-X-ENDLIST\n", (None, None, None)),
    ],
)
def test_the_first_piece_of_a_play_list(text: str, told: tuple[Any, ...]) -> None:
    assert beacon.first_piece(text) == told


@pytest.mark.parametrize(
    ("first", "is_media"),
    [
        (b"\x00\x00\x00\x18ftypisom", True),
        (b"\x47" + bytes(187) + b"\x47", True),
        (b"\x47" + bytes(400), False),
        (b"<html>not found</html>", False),
        (bytes(64), False),
    ],
)
def test_what_counts_as_media(first: bytes, is_media: bool) -> None:
    assert beacon.looks_like_media(first) is is_media
