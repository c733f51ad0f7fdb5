"""Four machines one below another: village, county, city, province. What happens below reaches the top once; what is signed at the top
reaches the bottom; also when a machine in the middle was away for a month, and whether the city signs a catalogue of its own or not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flow import happenings
from tests.flow.notices import LOCAL, NOTICES
from tests.flow.publishing import COUNTY
from tests.simulator import Fate, Machine, World
from yuanjiao.flow.blobs import fetch, store
from yuanjiao.flow.catalogue import shelf as shelves_table
from yuanjiao.flow.catalogue.publish import publish
from yuanjiao.flow.journal.models import Entry
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.journal.replay import replay
from yuanjiao.flow.journal.verify import verify_journal
from yuanjiao.people.models import AuditRow

CITY = "/990000000000/990100000000/"


class Ladder:
    """The four, the lowest first; each hangs on the next."""

    def __init__(self, world: World, city: str) -> None:
        self.world = world
        self.province = world.machine("province", "centre")
        self.city, self.county = world.machine("city", city), world.machine("county", "edge")
        self.village = world.machine("village", "site")
        self.from_below = [self.village, self.county, self.city, self.province]
        for machine in (self.province, *([self.city] if city == "centre" else [])):
            with machine.here():
                publish(machine.now)
        self.city.join(self.province, kind=city, scope=CITY)
        self.county.join(self.city, scope=COUNTY)
        self.village.join(self.county, scope=COUNTY)

    def tell(self, *texts: str) -> None:
        """The same happens in the village and in the county."""
        for machine in (self.village, self.county):
            for text in texts:
                machine.does(lambda machine=machine, text=text: record(happenings.Happened(text=text), at=machine.now))

    def tick(self, *, cut: Machine | None = None, hours: float = 2.0) -> None:
        """Time goes on, and every machine does what is due; those that hang on or under `cut` find no line there."""
        self.world.pass_time(hours * 3600)
        for machine in self.from_below[:-1]:
            line = machine.line
            assert line is not None
            line.fates.clear()
            if cut in (machine, line.far_end):
                line.fates.extend([Fate.LOST] * 200)
            machine.ship()
        for machine in reversed(self.from_below[:-1]):
            machine.come_down()
        for machine in self.from_below[:-1]:
            assert machine.line is not None
            machine.line.fates.clear()

    def told_at(self, place: Machine, who: Machine) -> list[str]:
        uid = str(who.node().uid)
        with place.here():
            return list(AuditRow.objects.filter(actor_name=uid).order_by("pk").values_list("subject", flat=True))


@pytest.fixture
def shelved(settings: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.YUANJIAO_SHELVES = "tests.flow.notices.SHELVES"  # type: ignore[attr-defined]
    monkeypatch.setattr(fetch, "PAUSE_S", 0.0)
    NOTICES.texts, NOTICES.blobs, LOCAL.texts, LOCAL.blobs = ("开学了",), (), ("本县通知",), ()
    shelves_table.shelves.cache_clear()
    yield
    shelves_table.shelves.cache_clear()


@pytest.mark.clause("GOV32")
@pytest.mark.parametrize("away", ["city", "county"])
@pytest.mark.parametrize("city", ["edge", "centre"])
@pytest.mark.usefixtures("happenings_wired", "shelved")
def test_what_happens_in_the_village_reaches_the_province_once_though_the_middle_was_away_for_a_month(
    world: World, city: str, away: str
) -> None:
    four = Ladder(world, city)
    four.tell("第一天")
    four.tick()
    assert four.told_at(four.province, four.village) == ["第一天"]
    cut, said = getattr(four, away), ["第一天"]
    for day in range(30):
        four.tell(f"断线第{day}天")
        said.append(f"断线第{day}天")
        if day % 5 == 0:
            four.tick(cut=cut, hours=5 * 24)
    assert four.told_at(four.province, four.village) == ["第一天"], "the middle is away"
    for _ in range(4):
        four.tick()
    for place in (four.county, four.city, four.province):
        for who in (four.village, four.county):
            assert four.told_at(place, who) == said
        with place.here():
            assert verify_journal().faults == []
            assert replay(at=place.now, keep=False).changed == ()
            entries = Entry.objects.filter(kind=happenings.Happened.KIND)
            assert entries.count() == 2 * len(said)


@pytest.mark.clause("GOV32")
@pytest.mark.parametrize("away", ["city", "county"])
@pytest.mark.usefixtures("happenings_wired", "shelved")
def test_what_the_province_signs_reaches_the_village_with_its_files_though_the_middle_was_away_for_a_month(world: World, away: str) -> None:
    four = Ladder(world, "edge")
    four.tick()  # that the county is there comes to the province through the city's journal
    with four.province.here():
        publish(four.province.now)
    four.tick()
    with four.village.here():
        assert (NOTICES.shown(), LOCAL.shown()) == (["开学了"], ["本县通知"])
    NOTICES.texts, LOCAL.texts = ("新学期",), ("本县新通知",)
    with four.province.here():
        NOTICES.blobs = (store.put(b"\x00 film" * 1000, media_type="video/mp4"),)
    cut = getattr(four, away)
    for _ in range(6):
        with four.province.here():
            publish(four.province.now)
        four.tick(cut=cut, hours=5 * 24)
    with four.village.here():
        assert (NOTICES.shown(), LOCAL.shown()) == (["开学了"], ["本县通知"]), "what was accepted is shown on"
    for _ in range(4):
        four.tick()
    for place in (four.city, four.county, four.village):
        with place.here():
            assert NOTICES.shown() == ["新学期"]
            assert store.has(NOTICES.blobs[0].sha256)
    with four.village.here():
        assert LOCAL.shown() == ["本县新通知"]


@pytest.mark.usefixtures("happenings_wired", "shelved")
def test_a_city_that_signs_its_own_catalogue_gives_down_its_own_and_takes_no_catalogue_from_the_province(world: World) -> None:
    four = Ladder(world, "centre")
    NOTICES.texts = ("市里的",)
    with four.city.here():
        publish(four.city.now)
    NOTICES.texts = ("省里的",)
    with four.province.here():
        publish(four.province.now)
    for _ in range(2):
        four.tick()
    with four.village.here():
        assert NOTICES.shown() == ["市里的"]
