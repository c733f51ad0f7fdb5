"""A county of ten edges and one film: the parent gives it once, whoever begins, and also when who began dies over it (DLV20)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from django.test import override_settings

from tests.flow.publishing import COUNTY
from tests.simulator import LossyLine, Machine, World
from yuanjiao.flow.blobs import fetch, inviting, neighbours, queue, store
from yuanjiao.flow.blobs.inviting import Goers
from yuanjiao.flow.blobs.sources_door import PATH
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.models import Blob, Node, Wanted
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import Unavailable

FILM = random.Random(8).randbytes(700_000)
EDGES = 10


class Counted(LossyLine):
    """A line that counts the answers' bytes and lets others take turns while it is busy."""

    def __init__(self, far_end: Machine, near_end: Machine) -> None:
        super().__init__(far_end, near_end)
        self.film_bytes = self.film_asked = self.asked = self.other_bytes = 0
        self.meanwhile: Callable[[], None] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        path, size = request.url.path, int(answer.headers.get("content-length", "0"))
        if path == PATH:
            self.asked += 1
            self.other_bytes += size + len(request.read())
        elif path.startswith("/blobs/"):
            self.film_asked += 1
            self.film_bytes += size
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile is not None:
                meanwhile()
        return answer


class County:
    """Ten edges that share, below one centre."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.centre = world.machine("centre", "centre")
        self.edges = [world.machine(f"edge-{number}", "edge") for number in range(EDGES)]
        self.lines: dict[str, Counted] = {}
        for edge in self.edges:
            edge.join(self.centre)
            edge.line = self.lines[edge.name] = Counted(self.centre, edge)
            edge.client = None
        with self.centre.here():
            Node.objects.filter(kind="edge").update(scope=COUNTY)

    def release(self, content: bytes) -> BlobRef:
        with self.centre.here():
            ref = store.put(content, media_type="video/mp4")
        for edge in self.edges:
            with edge.here():
                Wanted.objects.create(sha256=ref.sha256, size=ref.size, media_type="video/mp4", asked_at=edge.now, asked_version=1)
        return ref

    @contextmanager
    def at(self, edge: Machine) -> Iterator[None]:
        with edge.here(), override_settings(SHARE_URL=f"http://{edge.name}.test"):
            yield

    def turn(self, edge: Machine) -> int:
        """One turn of its job, told with the address at which the others reach it."""
        with self.at(edge):
            try:
                return queue.fetch_wanted(edge.now, line=edge._client(), now=lambda: edge.now)
            except Unavailable:
                return 0

    def holders(self, ref: BlobRef) -> int:
        found = 0
        for edge in self.edges:
            with edge.here():
                found += store.has(ref.sha256) and Blob.objects.filter(sha256=ref.sha256).exists()
        return found

    def sums(self, name: str) -> int:
        return sum(getattr(line, name) for line in self.lines.values())


@pytest.fixture
def county(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch) -> County:
    settings.SERVE_BYTES = 0
    monkeypatch.setattr(inviting, "GOERS", Goers())
    made = County(world)

    def line_to(address: str) -> Line:
        far_end = world.machines[address.removeprefix("http://").removesuffix(".test")]
        return Line(address, transport=LossyLine(far_end))

    monkeypatch.setattr(neighbours, "line_to", line_to)
    monkeypatch.setattr(fetch, "PAUSE_S", 0.0)
    return made


def all_turns(county: County, ref: BlobRef, turns: int = 12) -> None:
    for _ in range(turns):
        if county.holders(ref) == EDGES:
            return
        county.world.pass_time(60)
        for edge in county.edges:
            county.turn(edge)


@pytest.mark.clause("DLV20")
def test_the_parent_gives_a_film_once_to_a_county_of_ten(county: County) -> None:
    ref = county.release(FILM)
    first, *others = county.edges
    for edge in county.edges:  # all are known to share
        with county.at(edge):
            known = neighbours.neighbours(edge._client())
            assert known is not None
            known.introduce()

    def everybody_else() -> None:
        for edge in others:
            assert county.turn(edge) == 0

    county.lines[first.name].meanwhile = everybody_else
    assert county.turn(first) == 1
    assert county.holders(ref) == 1
    all_turns(county, ref)
    assert county.holders(ref) == EDGES
    assert county.sums("film_asked") == 1
    assert county.sums("film_bytes") == len(FILM)
    assert county.sums("other_bytes") < 3000 * EDGES, "what it costs to ask"


def test_several_films_are_fetched_by_several_edges_and_each_once(county: County) -> None:
    films = [county.release(FILM[number:]) for number in range(4)]

    def busy(number: int) -> Callable[[], None]:
        """While one fetches, the next begins."""

        def meanwhile() -> None:
            if number < len(films):
                county.lines[county.edges[number].name].meanwhile = busy(number + 1)
                county.turn(county.edges[number])

        return meanwhile

    county.lines[county.edges[0].name].meanwhile = busy(1)
    county.turn(county.edges[0])
    for film in films:
        all_turns(county, film)
        assert county.holders(film) == EDGES
    assert county.sums("film_asked") == 4
    assert sum(county.lines[edge.name].film_asked > 0 for edge in county.edges) == 4, "each edge fetched one of them"


def test_who_went_for_a_film_and_died_is_not_waited_for_long(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = county.release(FILM)
    dead, *others = county.edges
    with county.at(dead):
        known = neighbours.neighbours(dead._client())
        assert known is not None
        known._ask([ref.sha256], fetching=ref.sha256)  # its last words
    county.edges = others
    for edge in others:
        assert county.turn(edge) == 0
    monkeypatch.setattr(inviting, "AT_IT_S", 0.0)  # three minutes later
    county.world.pass_time(180)
    assert county.turn(others[0]) == 1
    monkeypatch.undo()
    assert county.lines[others[0].name].film_asked == 1
