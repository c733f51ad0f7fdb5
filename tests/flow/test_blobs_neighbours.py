"""Films from sibling edges over real sockets: whatever a sibling does, the film is right, and the parent is the last that is asked."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.flow.publishing import COUNTY, Centre, plain
from tests.flow.siblings import Sibling
from yuanjiao.flow.blobs import fetch, folders, inviting, neighbours, queue, store
from yuanjiao.flow.blobs.allowance import Hold
from yuanjiao.flow.blobs.fetch import part_path
from yuanjiao.flow.blobs.inviting import Goers
from yuanjiao.flow.blobs.models import Rank
from yuanjiao.flow.blobs.sources_door import PATH
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.models import Blob, Holder, Node, SpentBytes, Wanted
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib import clock
from yuanjiao.lib.dayspans import read_spans
from yuanjiao.lib.errors import Unavailable

pytestmark = pytest.mark.django_db
SIZE = 600_000
CONTENT = random.Random(5).randbytes(SIZE)
MINUTE = timedelta(minutes=1)


class Hands:
    """A clock that is never set, moved by hand."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class County:
    """This machine, an edge; a centre above; siblings that share."""

    def __init__(self, centre: Centre, at: datetime, hands: Hands) -> None:
        self.centre, self.at, self.hands = centre, at, hands
        self.siblings: list[Sibling] = []

    def sibling(self, version: int = 0) -> Sibling:
        """One more; that of the newest `version` is tried first."""
        made, number = Sibling(), len(self.siblings) + 10
        node = Node.objects.create(kind="edge", name=f"邻县{number}", public_key=bytes([number]) * 32, scope=COUNTY, enrolled_at=self.at)
        Holder.objects.create(node=node, address=made.address, told_at=clock.now())
        self.versions[node.uid] = version
        self.siblings.append(made)
        return made

    versions: dict[Any, int]

    def film(self, content: bytes = CONTENT, rank: Rank = Rank.REST) -> BlobRef:
        ref = self.centre.put_blob(content)
        Blob.objects.all().delete()  # the centre's rows: it shares this machine's database
        Wanted.objects.create(sha256=ref.sha256, size=ref.size, media_type=ref.media_type, rank=rank, asked_at=self.at, asked_version=9)
        return ref

    def turn(self, after: timedelta = timedelta()) -> int:
        """One turn of the job; of its questions only those for this turn are kept."""
        self.centre.requests.clear()
        self.hands.seconds += after.total_seconds()
        return queue.fetch_wanted(self.at + after, line=self.centre.line, now=lambda: self.at + after)

    def from_parent(self, ref: BlobRef) -> int:
        """How often the parent was asked for the film itself."""
        return self.centre.requests.count(f"/blobs/{ref.sha256}")


@pytest.fixture
def county(centre: Centre, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    Node.objects.filter(is_self=True).update(kind="edge")
    Wanted.objects.all().delete()
    hands = Hands()
    made = County(centre, at, hands)
    made.versions = {}
    monkeypatch.setattr(inviting, "_whole_versions", lambda origins: made.versions)
    monkeypatch.setattr(inviting, "GOERS", Goers())
    known = neighbours.Neighbours(centre.line, clock=hands)
    monkeypatch.setattr(queue, "neighbours", lambda line: known)
    monkeypatch.setattr(queue.random, "uniform", lambda _, most: most)
    monkeypatch.setattr(fetch, "LONGEST_PAUSE_S", 0.0)
    yield made
    known.close()
    for sibling in made.siblings:
        sibling.kill()


def test_a_film_a_sibling_has_costs_the_line_two_small_messages(county: County) -> None:
    sibling, ref = county.sibling(), county.film()
    sibling.holds(ref, CONTENT)
    assert county.turn() == 1
    assert store.path(ref.sha256).read_bytes() == CONTENT
    assert county.centre.requests == [PATH]
    assert sibling.tickets[0]
    assert not Wanted.objects.exists()
    assert Blob.objects.get().listed
    assert SpentBytes.objects.first() is None, "what costs no line is not counted"


def lies(sibling: Sibling, ref: BlobRef) -> None:
    sibling.holds(ref, CONTENT[:-1] + b"x")


def adds(sibling: Sibling, ref: BlobRef) -> None:
    sibling.holds(ref, CONTENT + b"x")


def lacks(sibling: Sibling, ref: BlobRef) -> None:
    del ref


def refuses(sibling: Sibling, ref: BlobRef) -> None:
    sibling.status = 403


def is_gone(sibling: Sibling, ref: BlobRef) -> None:
    sibling.socket.close()


def trickles(sibling: Sibling, ref: BlobRef) -> None:
    sibling.holds(ref, CONTENT)
    sibling.trickles = 0.2


def hurry(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """These alone are given up as too slow after half a second: a busy machine must not make a good one slow."""
    made = neighbours.line_to

    def line_to(address: str) -> Line:
        with monkeypatch.context() as here:
            if address in addresses:
                here.setattr(neighbours, "LEAST_RATE_WINDOW_S", 0.5)
            return made(address)

    monkeypatch.setattr(neighbours, "line_to", line_to)


DAY, SHORT = timedelta(days=1), timedelta(minutes=10)
FAULTS: dict[str, tuple[Callable[[Sibling, BlobRef], None], timedelta]] = {
    "lies": (lies, DAY),
    "adds bytes": (adds, DAY),
    "has let it go": (lacks, timedelta()),
    "refuses the ticket": (refuses, timedelta()),
    "is gone": (is_gone, SHORT),
    "trickles": (trickles, SHORT),
}


@pytest.mark.parametrize("name", FAULTS)
def test_whatever_a_sibling_does_the_film_comes_and_nothing_is_held_against_it(
    county: County, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault, lasts = FAULTS[name]
    bad, good, ref = county.sibling(version=2), county.sibling(version=1), county.film()
    fault(bad, ref)
    hurry(monkeypatch, bad.address)
    good.holds(ref, CONTENT)
    assert county.turn() == 1
    assert store.path(ref.sha256).read_bytes() == CONTENT
    assert county.from_parent(ref) == 0
    assert not Wanted.objects.exists()
    asked = len(bad.asked)
    other = CONTENT[::-1]
    for after, is_asked in ((lasts - MINUTE, False), (lasts + MINUTE, True)):
        if after < timedelta():
            continue
        again = county.film(other)
        good.holds(again, other)
        assert county.turn(after) == 1
        if name != "is gone":
            assert (len(bad.asked) > asked) == is_asked
        other = other[1:]


NO_ADDRESSES = ["http://10.8.1.500:8000", "http://[1.2.3.4]:8000", "http://10.8.1..5:8000", f"http://{'a' * 64}", "http://xn--zz.example"]


@pytest.mark.parametrize("proved", [True, False])
@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_an_address_that_is_none_stops_nothing(county: County, monkeypatch: pytest.MonkeyPatch, address: str, proved: bool) -> None:
    """Also one that a parent passes on which does not prove them, and that looks well to us."""
    bad, good, ref = county.sibling(version=2), county.sibling(version=1), county.film()
    Holder.objects.filter(address=bad.address).update(address=address)
    if not proved:
        monkeypatch.setattr(neighbours, "is_address", lambda _: True)
    good.holds(ref, CONTENT)
    assert county.turn() == 1
    assert county.from_parent(ref) == 0
    assert store.path(ref.sha256).read_bytes() == CONTENT


NO_NUMBERS = ["9" * 400, "9" * 5000, "-", "--1", "\u00b2"]


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_what_a_sibling_writes_where_numbers_belong_stops_nothing(county: County, number: str) -> None:
    liar, broken, ref = county.sibling(version=2), county.sibling(version=1), county.film()
    liar.labels = {"Yuanjiao-Server-Time": number}
    broken.labels, broken.status = {"Retry-After": number}, 503
    assert county.turn() == 1
    assert store.path(ref.sha256).read_bytes() == CONTENT
    assert len(liar.asked) == len(broken.asked) == 1
    assert county.from_parent(ref) == 1


@pytest.mark.parametrize(("rank", "stays"), [(Rank.LESSON, False), (Rank.REST, True)])
def test_a_lesson_stays_at_no_sibling_that_is_slower_than_the_parent(
    county: County, monkeypatch: pytest.MonkeyPatch, rank: Rank, stays: bool
) -> None:
    rate, asked = 10_000, queue._Turn.__call__

    def passing(turn: Any, size: int) -> bool:
        county.hands.seconds += size / rate
        return asked(turn, size)

    monkeypatch.setattr(queue._Turn, "__call__", passing)
    county.film(CONTENT[::-1])
    assert county.turn() == 1, "nobody shares yet: the parent brings it, and is measured"
    sibling, ref, rate = county.sibling(), county.film(rank=rank), 5_000
    sibling.holds(ref, CONTENT)
    assert county.turn(11 * MINUTE) == 1
    assert store.path(ref.sha256).read_bytes() == CONTENT
    assert len(sibling.asked) == 1
    assert (county.from_parent(ref) == 0) == stays


def test_a_film_begun_at_a_sibling_that_dies_goes_on_at_the_next(county: County) -> None:
    dying, whole, ref = county.sibling(version=2), county.sibling(version=1), county.film()
    dying.holds(ref, CONTENT)
    dying.dies_after = 350_000
    whole.holds(ref, CONTENT)
    assert county.turn() == 1
    assert whole.asked == ["bytes=350000-"]
    assert (dying.sent, whole.sent) == (350_000, SIZE - 350_000), "no byte came twice"
    assert county.from_parent(ref) == 0


def test_a_film_begun_at_a_sibling_goes_on_at_the_parent(county: County) -> None:
    dying, ref = county.sibling(), county.film()
    dying.holds(ref, CONTENT)
    dying.dies_after = 500_000
    assert county.turn() == 1
    assert store.path(ref.sha256).read_bytes() == CONTENT
    assert county.from_parent(ref) == 1
    assert county.centre.bytes_down < SIZE


def test_what_the_parent_gave_is_not_lost_to_a_sibling_that_lies(county: County) -> None:
    liar, ref = county.sibling(), county.film()
    part_path(ref).write_bytes(CONTENT[:450_000])
    lies(liar, ref)
    county.centre.bytes_down = 0
    assert county.turn() == 1
    assert store.path(ref.sha256).read_bytes() == CONTENT
    assert liar.asked == ["bytes=450000-"]
    assert county.centre.bytes_down < 250_000, "only what was still missing"


def test_a_sibling_that_lies_and_dies_costs_one_film_more_and_is_struck_out(county: County) -> None:
    liar, ref = county.sibling(), county.film()
    liar.holds(ref, bytes(SIZE))
    liar.dies_after = 300_000
    assert county.turn() == 1
    assert store.path(ref.sha256).read_bytes() == CONTENT
    assert county.from_parent(ref) == 2, "on from the part, and then anew"
    again = county.film(CONTENT[::-1])
    liar.holds(again, CONTENT[::-1])
    assert county.turn(19 * MINUTE) == 1, "it was slow and it was wrong: twenty minutes"
    assert len(liar.asked) == 1


def test_what_a_sibling_cannot_go_on_with_does_not_cost_the_part(county: County) -> None:
    older, ref = county.sibling(), county.film()
    older.holds(ref, CONTENT)
    older.knows_ranges = False
    part_path(ref).write_bytes(CONTENT[:450_000])
    county.centre.bytes_down = 0
    assert county.turn() == 1
    assert county.centre.bytes_down < 250_000


@pytest.mark.parametrize("status", [403, 404, 405])
def test_an_older_parent_is_asked_for_films_as_ever_and_for_a_while_for_no_siblings(county: County, status: int) -> None:
    sibling, ref = county.sibling(), county.film()
    sibling.holds(ref, CONTENT)
    county.centre.spoil[PATH] = lambda _: plain(status, b"", {})
    assert county.turn() == 1
    assert county.centre.requests == [PATH, f"/blobs/{ref.sha256}"]
    county.film(CONTENT[::-1])
    assert county.turn(9 * MINUTE) == 1
    assert PATH not in county.centre.requests
    county.centre.spoil.clear()
    third = county.film(CONTENT[1:])
    sibling.holds(third, CONTENT[1:])
    assert county.turn(11 * MINUTE) == 1
    assert county.centre.requests == [PATH], "it may have been upgraded"


NOISE = {"noise": b"\xff\x00", "another form": b'{"sources":[]}', "no address": b'{"sources":{"%s":[["file:///etc","x"]]}}'}


@pytest.mark.parametrize("name", NOISE)
def test_what_cannot_be_understood_is_no_source(county: County, name: str) -> None:
    ref = county.film()
    county.centre.spoil[PATH] = lambda _: plain(200, NOISE[name].replace(b"%s", ref.sha256.encode()), {})
    assert county.turn() == 1
    assert county.from_parent(ref) == 1


def test_small_films_are_not_asked_for_at_siblings(county: County) -> None:
    county.sibling()
    county.film(CONTENT[:100_000])
    assert county.turn() == 1
    assert PATH not in county.centre.requests


class Other:
    """Another edge of the county goes for the film first."""

    def __init__(self, county: County, ref: BlobRef) -> None:
        self.sibling = county.sibling()
        self.node, self.ref = Holder.objects.get(address=self.sibling.address).node, ref
        self.goers = inviting.GOERS

    def says_so(self) -> None:
        self.goers.may_go(COUNTY, self.ref.sha256, self.node.uid, sharing=[self.node.uid], now_s=time.monotonic())


def test_what_a_sibling_goes_for_is_waited_for_and_fetched_there(county: County) -> None:
    ref = county.film()
    other = Other(county, ref)
    other.says_so()
    assert county.turn() == 0
    assert county.from_parent(ref) == 0
    row = Wanted.objects.get()
    assert (row.retry_at, row.failures, row.problem) == (county.at + timedelta(seconds=2), 0, "")
    assert county.turn(timedelta(seconds=1)) == 0
    assert county.centre.requests == []
    assert county.turn(timedelta(seconds=2)) == 0
    assert Wanted.objects.get().retry_at == county.at + timedelta(seconds=6), "longer each time"
    other.sibling.holds(ref, CONTENT)
    assert county.turn(timedelta(seconds=6)) == 1
    assert county.from_parent(ref) == 0


def test_what_is_for_today_waits_for_nobody(county: County) -> None:
    ref = county.film(rank=Rank.LESSON)
    Other(county, ref).says_so()
    assert county.turn() == 1
    assert county.from_parent(ref) == 1


def test_siblings_that_are_too_busy_are_waited_for_and_not_struck_out(county: County) -> None:
    sibling, ref = county.sibling(), county.film()
    sibling.holds(ref, CONTENT)
    sibling.status = 429
    assert county.turn() == 0
    assert county.from_parent(ref) == 0
    sibling.status = 0
    assert county.turn(timedelta(seconds=2)) == 1
    assert county.from_parent(ref) == 0


def test_nobody_is_waited_for_without_end(county: County) -> None:
    sibling, ref = county.sibling(), county.film()
    sibling.status = 429
    after, turns = timedelta(), 0
    while not county.turn(after):
        turns, after = turns + 1, Wanted.objects.get().retry_at - county.at  # type: ignore[operator]
    assert turns == neighbours.MOST_WAITS
    assert county.from_parent(ref) == 1


def test_hours_and_bytes_hold_the_parent_and_not_the_siblings(county: County, settings: Any) -> None:
    settings.BLOB_WINDOW = read_spans("22:00-06:00")
    sibling, ref = county.sibling(), county.film()
    absent = county.film(CONTENT[::-1])
    sibling.holds(ref, CONTENT)
    assert county.turn() == 1
    assert store.has(ref.sha256)
    assert county.from_parent(ref) == county.from_parent(absent) == 0
    assert isinstance(queue.held(county.at), Hold)
    assert county.turn(MINUTE) == 0
    assert county.centre.requests == [], "not asked every few seconds"
    sibling.holds(absent, CONTENT[::-1])
    assert county.turn(6 * MINUTE) == 1
    assert not Wanted.objects.exists()


def test_a_dead_line_is_still_told_as_one(county: County) -> None:
    ref = county.film()
    county.centre.spoil["/blobs/"] = lambda _: plain(503, b"", {})
    with pytest.raises(Unavailable):
        county.turn()
    assert not store.has(ref.sha256)


def test_an_edge_that_shares_says_so_daily_even_when_it_wants_nothing(county: County, settings: Any) -> None:
    settings.SHARE_URL = "http://10.8.1.5:8000/"
    county.turn()
    assert Holder.objects.get().address == "http://10.8.1.5:8000"
    county.turn(MINUTE)
    assert county.centre.requests == []
    county.turn(timedelta(days=1, minutes=1))
    assert county.centre.requests == [PATH]


def test_a_long_fetch_tells_the_parent_that_it_is_at_it(county: County, settings: Any) -> None:
    settings.SHARE_URL = "http://10.8.1.5:8000"
    county.sibling()  # else there is nobody to tell
    ref = county.film()

    def a_minute_passes(answer: Any) -> Any:
        county.hands.seconds += 61
        return answer

    county.centre.spoil[f"/blobs/{ref.sha256}"] = a_minute_passes
    assert county.turn() == 1
    assert county.centre.requests == [PATH, PATH, f"/blobs/{ref.sha256}", PATH], "who we are, who has it, the film, still at it"


class TestFolders:
    """A stick that is plugged in is the first of all sources."""

    @pytest.fixture
    def stick(self, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
        found = tmp_path / "stick"
        settings.BLOB_FOLDERS = [str(tmp_path / "not mounted"), str(found)]
        monkeypatch.setattr(queue, "_looked_through", {})
        monkeypatch.setattr(folders, "_wrong", set())
        return found

    @staticmethod
    def lay(stick: Path, ref: BlobRef, content: bytes, where: str = "yuanjiao-catalogue/blobs/{0}/{0}{1}") -> None:
        file = stick / where.format(ref.sha256[:2], ref.sha256[2:])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    @pytest.mark.parametrize("where", ["yuanjiao-catalogue/blobs/{0}/{0}{1}", "blobs/{0}/{0}{1}", "{0}/{1}", "blobs/{0}/{1}"])
    def test_large_and_small_come_from_a_folder_before_any_line(self, county: County, stick: Path, where: str) -> None:
        small = os.urandom(2000)
        film, picture = county.film(), county.film(small)
        self.lay(stick, film, CONTENT, where)
        self.lay(stick, picture, small, where)
        assert county.turn() == 2
        assert county.centre.requests == []
        assert store.path(film.sha256).read_bytes() == CONTENT
        assert Blob.objects.filter(listed=True, media_type="video/mp4").count() == 2
        assert SpentBytes.objects.first() is None

    def test_hours_do_not_hold_it(self, county: County, stick: Path, settings: Any) -> None:
        settings.BLOB_WINDOW = read_spans("22:00-06:00")
        self.lay(stick, county.film(), CONTENT)
        assert county.turn() == 1

    def test_what_is_wrong_there_comes_over_the_line(self, county: County, stick: Path) -> None:
        ref = county.film()
        self.lay(stick, ref, bytes(SIZE))
        assert county.turn() == 1
        assert store.path(ref.sha256).read_bytes() == CONTENT
        assert county.from_parent(ref) == 1
