"""A simulated city whose truth is known: what the system found beside what truly happened (design, section 7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from yuanjiao.faults.models import FaultReport, WorkOrder
from yuanjiao.flow.journal.replay import replay
from yuanjiao.items.rules import State
from yuanjiao.network import queries as network
from yuanjiao.network.jobs import diagnose_outages
from yuanjiao.network.live import LISTENER, LiveArray
from yuanjiao.network.models import Outage
from yuanjiao.simulation import foundation
from yuanjiao.simulation.behaviour import TrueFault, true_faults
from yuanjiao.simulation.city import City, Plan, make_city
from yuanjiao.simulation.comparison import compare, read_truth
from yuanjiao.simulation.history import live_through, write_truth
from yuanjiao.simulation.people import People
from yuanjiao.simulation.transport import InsideTransport
from yuanjiao.simulation.world import World, simulated_edges
from yuanjiao.wiring.founding import found_city

START = datetime(2026, 3, 5, 16, 0, tzinfo=UTC)  # midnight in China before a study day
END = START + timedelta(hours=20)
HASTE = 20.0


@pytest.fixture
def fresh_listener() -> Iterator[None]:
    """The one listener of the process, as after a start; the tests after this one find it so again."""
    forget()
    yield
    forget()


def forget() -> None:
    LISTENER.array, LISTENER.loaded_at, LISTENER.swept_at, LISTENER.started_at, LISTENER.marked_at = LiveArray(), 0.0, 0.0, 0.0, 0.0
    LISTENER.words.clear()


def found(folder: Path, seed: int) -> City:
    found_city(code="990100000000", name="青禾市", province_name="清源省", admin_name="陈启明", username="shiguan", at=START)
    city = make_city(Plan(counties=2, towns=5, sites=40, seed=seed))
    setting = foundation.Setting(folder, START, foundation.new_password())
    foundation.import_city(city, setting, lambda _: None)
    foundation.plan_study_days(setting)
    return city


def live(city: City, folder: Path) -> list[TrueFault]:
    faults = true_faults(city, start=START, end=END, haste=HASTE)
    edges = simulated_edges(city, transport=InsideTransport(), folder=folder / "edges", at=START, period_s=60, grace_s=30)
    live_through(World(city, faults, edges, People(city, HASTE)), start=START, end=END, step=timedelta(minutes=10))
    return faults


@pytest.mark.django_db
@pytest.mark.clause("NET08")
@pytest.mark.parametrize("seed", [5, 6])
def test_what_truly_broke_is_found_with_its_root_and_class_and_nothing_is_invented(seed: int, tmp_path: Path, fresh_listener: None) -> None:
    city = found(tmp_path, seed)
    faults = live(city, tmp_path)
    comparison = compare(faults)
    assert comparison.findable >= 8
    assert comparison.missed == ()
    assert comparison.invented == ()
    assert comparison.right_class == comparison.found
    reported = sum(1 for fault in faults if fault.reported_at and fault.reported_at < END)
    assert FaultReport.objects.count() <= reported
    assert WorkOrder.objects.filter(item__state=State.CLOSED).exists(), "engineers repaired and somebody else verified"


@pytest.mark.django_db
def test_replay_equals_live(tmp_path: Path, fresh_listener: None) -> None:
    """Law 2 over a day of a whole city: the tables emptied and the journal applied again give the same rows."""
    live(found(tmp_path, 5), tmp_path)
    outages, open_orders = Outage.objects.count(), WorkOrder.objects.count()
    outcome = replay(at=END, keep=True)
    assert outcome.entries > 100
    assert outcome.set_aside == 0
    assert outcome.changed == ()
    diagnose_outages(END)
    assert (Outage.objects.count(), WorkOrder.objects.count()) == (outages, open_orders), "nothing is judged a second time"


@pytest.mark.django_db
def test_the_rate_of_the_day_agrees_with_the_truth_to_the_minute(tmp_path: Path, fresh_listener: None) -> None:
    """Site-seconds truly dark behind a living line, beside the seconds the system holds to be down."""
    city = found(tmp_path, 5)
    faults = [fault for fault in live(city, tmp_path) if fault.object_kind == "site"]
    rate = network.rate_over("/", START, END)
    assert rate.coverage is not None
    assert rate.coverage > 0.9
    truly = sum((min(fault.end, END) - fault.start).total_seconds() for fault in faults)
    assert rate.down >= truly * 0.9
    assert rate.up + rate.down + rate.unknown == 40 * (END - START).total_seconds()


def test_the_truth_is_written_and_read_again(tmp_path: Path) -> None:
    faults = true_faults(make_city(Plan(1, 2, 8, seed=1)), start=START, end=END + timedelta(days=30), haste=1)
    write_truth(faults, tmp_path / "truth.jsonl")
    assert read_truth(tmp_path / "truth.jsonl") == faults
