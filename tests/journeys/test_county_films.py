"""Two real edges of one county and a film: one fetches it over its line, the other from there (DLV20)."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.journeys.living import PACE, wait_for
from tests.journeys.test_packaging_killed import script
from yuanjiao.simulation.processes import NodeProcess
from yuanjiao.simulation.relay import Relay

pytestmark = pytest.mark.journey
SIZE = 6_000_000
RELEASED = """
import django; django.setup()
import sys
from pathlib import Path
from yuanjiao.courseware.models import Column, Courseware, ItemPart, Placement
from yuanjiao.flow.blobs import store
from yuanjiao.flow.catalogue.publish import publish
from yuanjiao.flow.nodes.commands import ensure_self, issue_code
from yuanjiao.lib import clock
from yuanjiao.simulation.cast import build_cast
at = clock.now()
ensure_self(at=at)
cast = build_cast(at=at)
ref = store.put(Path(sys.argv[1]), media_type="image/jpeg")
item = Courseware.objects.create(
    title="果树冬剪", unit=cast.units["ZZ-9901"], item_class="service", source="practitioner", state="released",
    created_at=at, released_at=at,
)
ItemPart.objects.create(courseware=item, kind="picture", number=1, blob=ref.sha256, size_bytes=ref.size, media_type=ref.media_type)
column = Column.objects.create(title="农时", owner=cast.units["ZZ-9901"], visible_from=at.date())
Placement.objects.create(column=column, courseware=item, placed_at=at)
publish(at)
scope = cast.divisions["990101000000"].path
print(ref.sha256, *(issue_code(kind="edge", name=f"柳溪县边缘{n}", scope=scope, at=at) for n in (1, 2)))
"""


class Films:
    """A centre with one film, two edges of a county, each behind a line of its own on which bytes are counted."""

    def __init__(self, folder: Path) -> None:
        film = folder / "film.jpg"
        film.write_bytes(random.Random(9).randbytes(SIZE))
        blank = NodeProcess(role="edge", home=folder / "blank", name="空")
        blank.command("migrate", "-v", "0")
        self.centre = NodeProcess(role="centre", home=folder / "centre", name="市中心", **PACE)
        shutil.copytree(blank.home, self.centre.home)
        self.film, *codes = script(self.centre, RELEASED, str(film)).split()
        self.centre.start()
        self.lines = [Relay(self.centre.port) for _ in codes]
        self.edges = [self._edge(folder / f"edge-{number}", blank.home, line) for number, line in enumerate(self.lines)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._join, self.edges, self.lines, codes))

    @staticmethod
    def _join(edge: NodeProcess, line: Relay, code: str) -> None:
        edge.command("enrol", "--parent", line.address, "--code", code)

    def _edge(self, home: Path, blank: Path, line: Relay) -> NodeProcess:
        shutil.copytree(blank, home)
        made = NodeProcess(role="edge", home=home, name=home.name, parent=line.address, **{**PACE, "FOLLOW_S": "0.5"})
        made.environment |= {"YUANJIAO_SHARE_URL": made.address, "YUANJIAO_BYTE_BUDGET": "1500000"}
        return made

    def has(self, edge: NodeProcess) -> bool:
        return (edge.home / "blobs" / self.film[:2] / self.film[2:]).is_file()

    def stop(self) -> None:
        for edge in self.edges:
            edge.stop()
        for line in self.lines:
            line.close()
        self.centre.stop()


@pytest.fixture
def films(tmp_path: Path) -> Iterator[Films]:
    made = Films(tmp_path)
    yield made
    made.stop()


@pytest.mark.clause("DLV20")
def test_two_edges_that_begin_at_once_cost_the_centre_one_film(films: Films) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(NodeProcess.start, films.edges))
    wait_for("both have it", lambda: all(map(films.has, films.edges)), within_s=180)
    sent = [line.down_bytes for line in films.lines]
    assert SIZE < sum(sent) < 1.5 * SIZE, "one film, two catalogues, and who to ask"
