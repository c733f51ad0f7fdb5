"""A bucket that is away, another's, emptied, cut off in a put, or moved to and from: no blob is lost, none is believed unproved."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings as django_settings
from django.test import Client, override_settings

from tests.flow.notices import NOTICES
from tests.flow.publishing import Centre, plain
from tests.storage import KEY, SECRET, raw, take_mark, told
from yuanjiao.flow.blobs import copies, elsewhere, moving, pack, pack_door, store
from yuanjiao.flow.blobs.bucket import BucketAway, bucket
from yuanjiao.flow.blobs.elsewhere import FOLLOWS
from yuanjiao.flow.blobs.fetch import Running, Via, fetch, fetch_once, part_path
from yuanjiao.flow.blobs.models import Spoilt
from yuanjiao.flow.blobs.scrub import scrub_all
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.blobs.watching import storage_away, watch_storage
from yuanjiao.flow.models import Blob
from yuanjiao.lib.errors import Refused, Tampered, Unavailable
from yuanjiao.lib.inward import leads_inward
from yuanjiao.lib.s3address import S3Address, read_address

pytestmark = pytest.mark.django_db
FILM = os.urandom(3_000_000)
REF = BlobRef(hashlib.sha256(FILM).hexdigest(), len(FILM), "video/mp4")


def place(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:]}"


def quick(_: float) -> None:
    """A test does not wait."""


def on_disk(folder: str) -> list[str]:
    return sorted(path.name for path in (Path(django_settings.HOME) / "blobs" / folder).glob("*"))


# -- storage that is away, refuses us, or is not ours ---------------------------------------------------------------------------------


@pytest.fixture(params=["nobody listens", "a wrong key", "emptied"])
def away(request: pytest.FixtureRequest, s3: Any, settings: Any) -> BlobRef:
    """A blob was kept; then the storage is away in one of the ways there are."""
    ref = store.put(FILM, media_type="video/mp4")
    if request.param == "nobody listens":
        settings.BLOBS_S3 = S3Address("http://127.0.0.1:1", "films", "x")
    elif request.param == "a wrong key":
        settings.BLOBS_S3_SECRET = "another"
    else:
        for some in s3.list():
            s3.delete([found["path"] for found in some])
    return ref


def test_storage_that_is_away_is_never_a_lost_blob(away: BlobRef, at: datetime) -> None:
    for ask in (store.has, store.ref, store.read, store.forget, lambda name: store.local(name).__enter__()):
        with pytest.raises(BucketAway):
            ask(away.sha256)
    with pytest.raises(BucketAway):
        scrub_all(at, sleep=quick)
    assert not Spoilt.objects.exists()
    assert Blob.objects.get().sha256 == away.sha256
    answer = Client().get(f"/blobs/{away.sha256}")
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)


def test_that_storage_is_away_is_known_with_since_when_until_it_is_back(away: BlobRef, settings: Any, at: datetime) -> None:
    assert storage_away() is None, "nobody has asked"
    for later in (timedelta(0), timedelta(minutes=5)):
        watch_storage(at + later)
    found = storage_away()
    assert found is not None
    assert (found.since, bool(found.words)) == (at, True)
    settings.BLOBS_S3 = None
    assert storage_away() is None, "of no storage there is nothing to say"


def test_storage_that_answers_is_not_away(s3: Any, settings: Any, at: datetime) -> None:
    here, settings.BLOBS_S3 = settings.BLOBS_S3, S3Address("http://127.0.0.1:1", "films", "x")
    assert watch_storage(at) is not None
    settings.BLOBS_S3 = here
    assert watch_storage(at) is None
    assert storage_away() is None


def test_what_cannot_be_put_is_not_said_to_be_here(away: BlobRef) -> None:
    with pytest.raises(Unavailable):
        store.put(b"another")
    assert Blob.objects.get().sha256 == away.sha256
    assert on_disk("parts") == []


def test_a_bucket_is_used_only_when_it_was_prepared_and_by_one_node(s3: Any) -> None:
    bucket().prepare("this machine")
    with pytest.raises(Refused, match="另一个节点"):
        bucket().prepare("another machine")
    bucket().prepare("another machine", take_over=True)
    assert bytes(s3.get("yuanjiao-blobs").bytes()) == b"another machine"
    assert [found["path"] for some in s3.list() for found in some] == ["yuanjiao-blobs"], "nothing is left of the trial"


# -- putting ----------------------------------------------------------------------------------------------------------------------------


def test_what_is_there_whole_is_not_put_again_and_what_is_torn_is(s3: Any) -> None:
    same = os.urandom(REF.size)
    s3.put(place(REF.sha256), same)
    store.put(FILM)
    assert bytes(s3.get(place(REF.sha256)).bytes()) == same, "as many bytes: what they are is for the scrub"
    s3.put(place(REF.sha256), FILM[:-1])
    store.put(FILM)
    assert bytes(s3.get(place(REF.sha256)).bytes()) == FILM
    assert s3.get(place(REF.sha256)).attributes["Content-Disposition"] == "attachment", "put as plain bytes: never to be run"


DYING = """
import sys
from pathlib import Path
import django
django.setup()
from yuanjiao.flow.blobs.bucket import bucket
bucket().put(Path(sys.argv[1]), sys.argv[2], "video/mp4")
"""


def test_a_death_in_the_middle_of_a_put_leaves_nothing_and_the_next_one_is_whole(s3: Any, storage: Any, tmp_path: Path) -> None:
    content = os.urandom(24_000_000)
    sha256 = hashlib.sha256(content).hexdigest()
    (tmp_path / "film").write_bytes(content)
    address = django_settings.BLOBS_S3
    assert address is not None
    with choked(storage.port, after=12_000_000) as (port, stuck):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("YUANJIAO_")}
        environment |= {"DJANGO_SETTINGS_MODULE": "yuanjiao.wiring.settings", "YUANJIAO_HOME": str(tmp_path / "home")}
        take_mark(tmp_path / "home")
        environment |= {"YUANJIAO_BLOBS_S3": f"http://127.0.0.1:{port}/{address.bucket}/{address.prefix}"}
        environment |= {"YUANJIAO_BLOBS_S3_KEY": KEY, "YUANJIAO_BLOBS_S3_SECRET": SECRET}
        child = subprocess.Popen([sys.executable, "-c", DYING, str(tmp_path / "film"), sha256], env=environment)
        assert stuck.wait(60)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    assert not store.has(sha256)
    assert [found["path"] for some in s3.list() for found in some] == ["yuanjiao-blobs"]
    store.put(tmp_path / "film")
    assert bytes(s3.get(place(sha256)).bytes()) == content


@contextmanager
def choked(port: int, *, after: int) -> Iterator[tuple[int, threading.Event]]:
    """A port of ours that passes so many bytes on to `port` and then no more; the event says when."""
    stuck, left, lock = threading.Event(), [after], threading.Lock()
    open_ones: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def pass_on(source: socket.socket, target: socket.socket, counted: bool) -> None:
            try:
                while piece := source.recv(65536):
                    with lock:
                        left[0] -= len(piece) if counted else 0
                    if left[0] < 0:
                        stuck.set()
                        return
                    target.sendall(piece)
            except OSError:
                pass

        def accept() -> None:
            try:
                while True:
                    ours, _ = listener.accept()
                    theirs = socket.create_connection(("127.0.0.1", port))
                    open_ones.extend((ours, theirs))
                    threading.Thread(target=pass_on, args=(ours, theirs, True), daemon=True).start()
                    threading.Thread(target=pass_on, args=(theirs, ours, False), daemon=True).start()
            except OSError:
                pass

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1], stuck
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    for one in open_ones:
        one.close()


# -- copies at hand ---------------------------------------------------------------------------------------------------------------------


def test_wrong_bytes_of_a_bucket_never_become_a_file_at_hand(s3: Any) -> None:
    store.put(FILM)
    s3.put(place(REF.sha256), bytes(len(FILM)))
    with pytest.raises(Tampered, match="内容与摘要不符"), store.local(REF.sha256):
        pass
    assert on_disk("copies") == []


def test_copies_keep_to_their_bound_and_what_is_held_stays(s3: Any, settings: Any) -> None:
    settings.BLOBS_S3_COPIES = 2500
    first, *others = [store.put(os.urandom(1000)).sha256 for _ in range(4)]
    with store.local(first) as path:
        for name in others:
            with store.local(name):
                pass
            assert path.is_file()
        assert on_disk("copies") == sorted([first, others[-1]])
    with store.local(others[0]):
        assert on_disk("copies") == sorted([others[-1], others[0]]), "the oldest went"
    store.forget(others[0])
    assert on_disk("copies") == [others[-1]]


def test_many_threads_share_copies_under_a_tight_bound(tmp_path: Path) -> None:
    wrong: list[str] = []

    def use(number: int) -> None:
        for step in range(40):
            name = str((number * 7 + step) % 5)
            with copies.held(tmp_path, name, size=1000, most=2000, fill=lambda file, name=name: file.write(name.encode() * 1000)) as path:  # type: ignore[misc]
                if path.read_bytes() != name.encode() * 1000:
                    wrong.append(name)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert not list(tmp_path.glob("new-*"))


# -- who asks is sent on, or served through us --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "headers", "status"),
    [
        ("machines", {FOLLOWS: "1"}, 307),
        ("machines", {"User-Agent": "a browser"}, 200),
        ("machines", {}, 200),
        ("all", {FOLLOWS: "1"}, 307),
        ("all", {"User-Agent": "a browser"}, 307),
        ("all", {}, 200),
        ("nobody", {FOLLOWS: "1", "User-Agent": "a browser"}, 200),
    ],
)
def test_who_is_sent_to_the_storage(s3: Any, settings: Any, setting: str, headers: dict[str, str], status: int) -> None:
    settings.BLOBS_S3_REDIRECT = setting
    store.put(FILM, media_type="video/mp4")
    answer = Client().get(f"/blobs/{REF.sha256}.mp4", headers=headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.getvalue() == FILM
        return
    assert answer["Cache-Control"] == "no-store"
    there = httpx.get(answer["Location"], headers={"Range": "bytes=5-9"}, trust_env=False)
    assert (there.status_code, there.content, there.headers["content-type"]) == (206, FILM[5:10], "video/mp4")
    assert httpx.get(answer["Location"].replace("X-Amz-Signature=", "X-Amz-Signature=0"), trust_env=False).status_code == 403


def test_what_needs_no_bytes_is_answered_here(s3: Any) -> None:
    store.put(FILM, media_type="video/mp4")
    asked = {FOLLOWS: "1"}
    assert Client().head(f"/blobs/{REF.sha256}", headers=asked)["Content-Length"] == str(len(FILM))
    assert Client().get(f"/blobs/{REF.sha256}", headers={**asked, "If-None-Match": f'"{REF.sha256}"'}).status_code == 304
    assert Client().get(f"/blobs/{REF.sha256}", headers={**asked, "Range": "bytes=99999999-"}).status_code == 416
    assert Client().get(f"/blobs/{'0' * 64}", headers=asked).status_code == 404


def test_addresses_are_signed_for_where_others_reach_the_storage(s3: Any, settings: Any) -> None:
    store.put(FILM)
    settings.BLOBS_S3_PUBLIC = read_address("https://films.example/public/p")
    where = Client().get(f"/blobs/{REF.sha256}", headers={FOLLOWS: "1"})["Location"]
    assert where.startswith(f"https://films.example/public/p/{place(REF.sha256)}?X-Amz-")


def test_packs_are_made_of_what_is_in_the_bucket(s3: Any) -> None:
    small, large = store.put(b"small", media_type="image/jpeg"), store.put(bytes(pack.LARGEST + 1))
    refs = [small, large, BlobRef("0" * 64, 3)]
    found = list(pack.unpacked(pack_door.pieces([ref.sha256 for ref in refs]), refs))
    assert [one.content for one in found] == [b"small", None, None]


# -- a machine below whose parent keeps its blobs in a bucket ---------------------------------------------------------------------------


class Above(Centre):
    """A parent with a bucket; `there` are the requests that went to the storage itself. `broken` answers in its place."""

    def __init__(self, home: Path, address: str) -> None:
        super().__init__(home)
        self.settings = told(address)
        self.there: list[httpx.Headers] = []
        self.broken: httpx.Response | None = None
        self.through_us = 0
        with override_settings(**self.settings):
            bucket().prepare("the parent")
            take_mark(home)
            self.raw = raw(self.settings["BLOBS_S3"])

    def put(self, content: bytes) -> BlobRef:
        with override_settings(**self.settings):
            return self.put_blob(content)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "parent.test":
            self.there.append(request.headers)
            return self.broken or self._real(request)
        with override_settings(**self.settings):
            answer = super().handle_request(request)
        self.through_us += len(answer.extensions["content"])
        return answer

    def _real(self, request: httpx.Request) -> httpx.Response:
        with httpx.HTTPTransport() as transport:
            found = transport.handle_request(request)
            return plain(found.status_code, found.read(), dict(found.headers))


@pytest.fixture
def above(centre: Centre, storage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Above:
    monkeypatch.setattr(elsewhere, "_not_before", 0.0)
    monkeypatch.setattr(elsewhere, "leads_inward", lambda *_: False)  # the storage of the tests is on this machine
    NOTICES.blobs = ()
    return Above(tmp_path / "centre", storage.address())


def test_a_machine_below_takes_films_from_the_bucket_and_brings_nothing_of_its_own_there(above: Above) -> None:
    ref = above.put(FILM)
    assert fetch(ref, above.line)
    assert store.path(ref.sha256).read_bytes() == FILM
    assert above.through_us == 0
    (sent,) = above.there
    assert set(sent) == {"host", "accept-encoding"}


def test_it_goes_on_at_its_byte_there_and_proves_the_whole(above: Above) -> None:
    ref = above.put(FILM)
    part_path(ref).write_bytes(FILM[:2_000_000])
    assert fetch(ref, above.line)
    assert store.path(ref.sha256).read_bytes() == FILM
    assert above.there[0]["range"] == "bytes=2000000-"
    assert "if-range" not in above.there[0], "the storage has another name for the same content"


@pytest.mark.parametrize("answer", [403, 404, 503, "cut"])
def test_where_the_bucket_does_not_serve_the_parent_does(above: Above, answer: int | str) -> None:
    ref, other = above.put(FILM), above.put(FILM[:1_000_000])
    above.broken = plain(answer, b"no", {}) if isinstance(answer, int) else plain(200, FILM, {}, breaks_after=1_500_000)
    assert fetch(ref, above.line, sleep=quick)
    assert store.path(ref.sha256).read_bytes() == FILM
    assert above.through_us == len(FILM) - (1_500_000 if answer == "cut" else 0)
    assert fetch(other, above.line)
    assert len(above.there) == 1, "for a while the bucket is left alone"


def test_wrong_bytes_of_the_bucket_are_not_kept(above: Above) -> None:
    ref = above.put(FILM)
    above.raw.put(place(ref.sha256), bytes(len(FILM)))
    with pytest.raises(Tampered, match="与目录所列的摘要不符"):
        fetch(ref, above.line)
    assert not store.has(ref.sha256)


@pytest.mark.parametrize(
    "where", ["http://127.0.0.1:1/x", "http://[::1]/x", "http://169.254.169.254/x", "http://no-such-host.invalid/x", ""]
)
def test_nobody_is_led_to_himself_or_to_his_own_cable(above: Above, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setattr(elsewhere, "leads_inward", leads_inward)
    ref = above.put(FILM)
    above.spoil["/blobs/"] = lambda answer: plain(307, b"", {"Location": where}) if answer.status_code == 307 else answer
    assert fetch(ref, above.line, sleep=quick)
    assert store.path(ref.sha256).read_bytes() == FILM
    assert above.there == []


def test_nobody_follows_a_sibling(above: Above) -> None:
    """Even one that says 307: it is a stranger's word where to go."""
    ref = above.put(FILM)
    above.spoil["/blobs/"] = lambda _: plain(307, b"", {"Location": f"http://127.0.0.1:1/{ref.sha256}"})
    with pytest.raises(Unavailable):
        fetch_once(ref, above.line, running=Running(), via=Via("http://sibling.test"))
    assert above.there == []


def test_a_machine_below_may_keep_its_own_in_a_bucket_and_loses_no_byte_while_it_is_away(s3: Any, settings: Any, centre: Centre) -> None:
    here = settings.BLOBS_S3
    with override_settings(BLOBS_S3=None):
        ref = centre.put_blob(FILM)
    settings.BLOBS_S3 = S3Address("http://127.0.0.1:1", "films", "x")
    part_path(ref).write_bytes(FILM)
    with pytest.raises(BucketAway):
        fetch_once(ref, centre.line)
    assert part_path(ref).stat().st_size == len(FILM)
    assert not Blob.objects.filter(listed=True).exists()
    settings.BLOBS_S3 = here
    with pytest.raises(BucketAway, match="标记"):
        fetch_once(ref, centre.line)
    bucket().prepare("this machine")
    assert fetch_once(ref, centre.line)
    assert bytes(s3.get(place(ref.sha256)).bytes()) == FILM
    assert not part_path(ref).exists()
    assert not any(ref.sha256 in path for path in centre.requests), "what was here is not fetched again"


# -- moving -----------------------------------------------------------------------------------------------------------------------------


class Cut(Exception):
    """In place of a death."""


def test_moving_there_and_back_goes_on_after_a_cut_and_every_blob_is_had_all_the_time(s3: Any) -> None:
    contents = {hashlib.sha256(content).hexdigest(): content for content in (os.urandom(50_000) for _ in range(4))}
    with override_settings(BLOBS_S3=None):
        for content in contents.values():
            store.put(content, media_type="video/mp4")
    assert all(store.read(name) == content for name, content in contents.items()), "from the disk, before anything was moved"

    def cut(_: str) -> None:
        raise Cut

    with pytest.raises(Cut):
        moving.to_bucket(say=cut)
    assert sum(store.on_disk(name) for name in contents) == 3
    assert all(store.read(name) == content for name, content in contents.items())
    moved = moving.to_bucket(say=lambda _: None)
    assert (moved.blobs, moved.size, moved.wrong) == (3, 150_000, [])
    assert not any(store.on_disk(name) for name in contents)
    assert all(bytes(s3.get(place(name)).bytes()) == content for name, content in contents.items())

    with pytest.raises(Cut):
        moving.to_disk(say=cut)
    assert moving.to_disk(say=lambda _: None).blobs == 3
    assert {name for name, _ in bucket().names()} == set(contents), "nothing is deleted there unless it is asked for"
    assert moving.to_disk(delete=True, say=lambda _: None).blobs == 0
    assert list(bucket().names()) == []
    with override_settings(BLOBS_S3=None):
        assert all(store.read(name) == content for name, content in contents.items())


def test_a_put_that_was_killed_before_the_disk_let_go_is_proved_not_put_again(s3: Any) -> None:
    with override_settings(BLOBS_S3=None):
        store.put(FILM)
    s3.put(place(REF.sha256), FILM)
    assert moving.to_bucket(say=lambda _: None).blobs == 1
    assert not store.on_disk(REF.sha256)


@pytest.mark.parametrize("where", ["here", "there"])
def test_wrong_bytes_are_not_moved_and_nothing_of_them_is_deleted(s3: Any, where: str) -> None:
    with override_settings(BLOBS_S3=None):
        store.put(FILM)
    spoilt = bytes(len(FILM))
    if where == "here":
        store.path(REF.sha256).write_bytes(spoilt)
    else:
        s3.put(place(REF.sha256), spoilt)
    assert moving.to_bucket(say=lambda _: None).wrong == [REF.sha256]
    assert store.path(REF.sha256).read_bytes() == (spoilt if where == "here" else FILM)
    store.path(REF.sha256).unlink()
    if where == "there":
        assert moving.to_disk(delete=True, say=lambda _: None).wrong == [REF.sha256]
        assert not store.on_disk(REF.sha256)
        assert bytes(s3.get(place(REF.sha256)).bytes()) == spoilt


def test_without_a_bucket_nothing_is_moved(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="YUANJIAO_BLOBS_S3"):
        moving.to_bucket(say=lambda _: None)
    with pytest.raises(Refused, match="YUANJIAO_BLOBS_S3"):
        moving.to_disk(say=lambda _: None)
