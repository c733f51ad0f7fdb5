"""Through a real Caddy and a real nginx, told what `edge setup` writes, to a real server behind: what people and machines do all day."""

from __future__ import annotations

import base64
import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.journeys.living import PACE, wait_for
from tests.journeys.person import Person
from tests.wiring.served import NAME, Served
from tests.wiring.test_edge_setup import certificate
from yuanjiao.simulation.cast import PASSWORD
from yuanjiao.simulation.processes import NodeProcess
from yuanjiao.wiring.edge.fronts import Front, settings_of

pytestmark = [
    pytest.mark.journey,
    pytest.mark.own_files,
    pytest.mark.filterwarnings("ignore:.*unclosed.*socket:pytest.PytestUnraisableExceptionWarning"),
]
FILM = os.urandom(1 << 20) * 8
NAMED = hashlib.sha256(FILM).hexdigest()
NEW = """
import django; django.setup()
from yuanjiao.wiring import newborn
newborn.bring_up_to_date()
"""
CAST = f"""{NEW}
import sys
from pathlib import Path
from yuanjiao.courseware import commands
from yuanjiao.courseware.models import CoursewareClass, CoursewareSource
from yuanjiao.flow.blobs import store
from yuanjiao.lib import clock
from yuanjiao.simulation.cast import build_cast
at = clock.now()
by = build_cast(at=at).actor("zhizuo")
item = commands.create_courseware(title="长片", item_class=CoursewareClass.SERVICE, source=CoursewareSource.OWN, by=by, at=at)
store.put(Path(sys.argv[1]), media_type="video/mp4")
print(item.uid)
"""


def run(node: NodeProcess, script: str, *arguments: Path) -> str:
    environment = {**node.environment, "DJANGO_SETTINGS_MODULE": "yuanjiao.wiring.settings"}
    node.home.mkdir(parents=True, exist_ok=True)
    line = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(line, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A centre as it is set up behind a server in front, with people, one item, and a film of eight million bytes."""
    folder = tmp_path_factory.mktemp("behind")
    node = NodeProcess(role="centre", home=folder / "centre", name="青禾市中心", **PACE, **settings_of(Front("caddy", NAME, 1)))
    (folder / "film").write_bytes(FILM)
    node.item = run(node, CAST, folder / "film")  # type: ignore[attr-defined]
    node.start()
    yield node
    node.stop()


@pytest.fixture(scope="module", params=["caddy", "nginx"])
def front(request: pytest.FixtureRequest, behind: NodeProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp(request.param)
    own = dict(zip(("certificate", "key"), certificate(folder, NAME), strict=True)) if request.param == "nginx" else {}
    made = Served(request.param, folder, behind=behind.port, **own)
    made.start()
    yield made
    made.stop()


def test_pages_and_files_come_over_tls_and_to_old_boxes_without(front: Served) -> None:
    with front.client() as ours, front.client(tls=False) as old:
        assert "青禾市" in ours.get("/").raise_for_status().text
        assert "青禾市" in old.get("/").raise_for_status().text, "an old box is answered and not sent to where it cannot go"
        part = {"Range": "bytes=1000-1999"}
        for client in (ours, old):
            answer = client.get(f"/blobs/{NAMED}.mp4", headers=part)
            assert (answer.status_code, answer.headers["content-type"]) == (206, "video/mp4")
            assert answer.content == FILM[1000:2000]
        assert ours.get(f"/blobs/{NAMED}.mp4", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
        httpx.get(front.tls, trust_env=False, timeout=20)


def test_a_box_beats_with_and_without_tls(front: Served) -> None:
    for tls in (True, False):
        with front.client(tls=tls) as box:
            asked = [box.post("/beat", json={"site": "S-nobody", "key": "x"}), box.get("/beat?site=S-nobody&key=x")]
            assert [answer.json()["unknown"] for answer in asked] == [["S-nobody"]] * 2
            assert all("yuanjiao-server-time" in answer.headers for answer in asked)


def test_strangers_are_told_apart_by_the_address_the_front_saw_and_not_by_what_they_say(front: Served) -> None:
    """Else who sends another X-Forwarded-For with each knock would knock as often as it likes. It comes from an address of its own:
    whoever comes from another one is let in as ever."""
    stranger = httpx.HTTPTransport(local_address="127.0.0.2", trust_env=False)
    with front.client(tls=False, transport=stranger) as client, front.client(tls=False) as neighbour:
        for number in range(3000):
            claimed = f"203.0.{number >> 8}.{number & 255}"
            told = {"X-Forwarded-For": claimed, "X-Real-IP": claimed, "Forwarded": f"for={claimed}"}
            if client.post("/beat", content=b"{", headers=told).status_code == 429:
                assert neighbour.post("/beat", content=b"{").status_code != 429
                return
    raise AssertionError("a stranger was answered three thousand times")


def test_people_log_in_over_tls_and_their_cookies_go_no_other_way(front: Served) -> None:
    person = Person(front.tls)
    person.client.close()
    person.client = front.client(follow_redirects=True)
    person.log_in("zhizuo", PASSWORD)
    sent = [cookie for cookie in person.client.cookies.jar if cookie.name == "sessionid"]
    assert [cookie.secure for cookie in sent] == [True]
    with person.client.stream("GET", "/events", timeout=20) as screen:
        first = next(line for line in screen.iter_lines() if line.startswith("event: "))
        assert first == "event: changed", "it is told at once, not gathered"
    person.client.close()


class Uploading:
    """Somebody who sends a film by tus 1.0, over TLS."""

    def __init__(self, front: Served) -> None:
        self.front, self.person = front, Person(front.tls)
        self.person.client.close()
        self.person.client = front.client(follow_redirects=True)
        self.person.log_in("zhizuo", PASSWORD)

    def ask(self, method: str, where: str, headers: dict[str, str] | None = None, body: bytes | Iterator[bytes] = b"") -> httpx.Response:
        sent = {"Tus-Resumable": "1.0.0", "X-CSRFToken": self.person.client.cookies.get("csrftoken") or "", **(headers or {})}
        return self.person.client.request(method, where, headers={"Referer": f"{self.front.tls}/", **sent}, content=body)

    def stands_at(self, where: str) -> int:
        return int(self.ask("HEAD", where).headers["Upload-Offset"])


def test_an_upload_outlives_a_front_that_is_started_anew_in_the_middle_of_it(front: Served, behind: NodeProcess) -> None:
    sender = Uploading(front)
    told = {"filename": "film.mp4", "courseware": behind.item}  # type: ignore[attr-defined]
    about = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
    made = sender.ask("POST", "/courseware/uploads/", {"Upload-Length": str(len(FILM)), "Upload-Metadata": about})
    assert made.status_code == 201, made.text
    where, kind = made.headers["Location"], {"Content-Type": "application/offset+octet-stream"}
    half = len(FILM) // 2
    assert sender.ask("PATCH", where, {"Upload-Offset": "0", **kind}, FILM[:half]).status_code == 204

    def cut_off() -> Iterator[bytes]:
        yield FILM[half : half + 1000]
        front.stop()
        yield from (FILM[half + 1000 + at : half + 1000 + at + 65536] for at in range(0, half - 66536, 65536))

    with pytest.raises(httpx.HTTPError):
        sender.ask("PATCH", where, {"Upload-Offset": str(half), **kind}, cut_off())
    front.start()
    stands = wait_for("the server let go of the part that was cut off", lambda: sender.stands_at(where), within_s=30)
    assert stands >= half, "what was acknowledged is kept"
    answer = sender.ask("PATCH", where, {"Upload-Offset": str(stands), **kind}, FILM[stands:])
    assert answer.status_code in {204, 422}, answer.text  # noise is no film: it is taken whole, and said to be none
    sender.person.client.close()


def test_a_film_is_gone_on_with_where_it_broke_off(front: Served) -> None:
    with front.client() as client:
        got = bytearray()
        with pytest.raises(httpx.TransportError), client.stream("GET", f"/blobs/{NAMED}.mp4") as answer:  # noqa: PT012
            etag = answer.headers["etag"]
            for piece in answer.iter_raw():
                if not got:
                    front.stop()
                got += piece
            raise httpx.ReadError("all of it was under way already")
        front.start()
        rest = client.get(f"/blobs/{NAMED}.mp4", headers={"Range": f"bytes={len(got)}-", "If-Range": etag})
        assert rest.status_code in {206, 416}
        assert hashlib.sha256(bytes(got) + (rest.content if rest.status_code == 206 else b"")).hexdigest() == NAMED


def test_an_edge_is_let_in_and_works_through_the_front_by_the_certificate_it_was_given(
    front: Served, behind: NodeProcess, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Enrolment, signed journal, sealed beats and the catalogue. It takes seconds: behind one of the two, unless all is asked for."""
    chosen = str(request.config.getoption("-m"))
    if front.kind == "nginx" and ("scale" not in chosen or "not scale" in chosen):
        pytest.skip("behind nginx with -m 'scale or journey' only")
    code = behind.command("nodes", "issue-code", "--kind", "edge", "--name", f"边缘{front.kind}").strip()
    edge = NodeProcess(role="edge", home=tmp_path / "edge", name="边缘", parent=front.tls, **PACE)
    run(edge, NEW)
    with pytest.raises(RuntimeError, match="连不上上级"):
        edge.command("enrol", "--parent", front.tls, "--code", code)
    edge.environment["YUANJIAO_PARENT_CA"] = str(front.authority)
    edge.command("enrol", "--parent", front.tls, "--code", code)
    edge.start()
    try:

        def stands() -> bool:
            page = httpx.get(f"{edge.address}/status/", timeout=20, trust_env=False).text
            return "青禾市中心" in page and "连不上" not in page and _acknowledged(edge) > 0

        wait_for("the journal is acknowledged and the catalogue here", stands, within_s=60)
    finally:
        edge.stop()


def _acknowledged(edge: NodeProcess) -> int:
    with sqlite3.connect(f"file:{edge.home / 'yuanjiao.sqlite3'}?mode=ro", uri=True, timeout=30) as database:
        got = database.execute("SELECT max(acknowledged_seq) FROM flow_head").fetchone()[0]
        follows = database.execute("SELECT count(*) FROM flow_currentcatalogue WHERE accepted_at IS NOT NULL").fetchone()[0]
    return int(got or 0) if follows else 0
