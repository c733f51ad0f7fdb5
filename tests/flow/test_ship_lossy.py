"""Over a line that loses, repeats, reorders and cuts, with processes killed in between: nothing told is lost or doubled."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.conftest import AT
from tests.flow.happenings import Counted, Happened, told
from tests.simulator import Fate, Machine, World
from yuanjiao.flow.journal.models import Entry, Head
from yuanjiao.flow.journal.record import record, record_many
from yuanjiao.flow.journal.verify import verify_journal
from yuanjiao.people.models import AuditRow

NAMES = st.sampled_from(["site", "edge"])


class Stories(RuleBasedStateMachine):
    """Random histories of a site under an edge under a centre."""

    blank: ClassVar[Path]
    folder: ClassVar[Path]
    runs: ClassVar[int] = 0

    @initialize()
    def build(self) -> None:
        Stories.runs += 1
        self.world = World(self.folder / str(Stories.runs), self.blank, AT)
        self.centre = self.world.machine("centre", "centre")
        self.machines = {
            "edge": self.world.machine("edge", "edge", skew_s=-86_400.0),
            "site": self.world.machine("site", "site", skew_s=4_000.0),
        }
        self.machines["edge"].join(self.centre)
        self.machines["site"].join(self.machines["edge"])
        self.said: dict[str, list[str]] = {"edge": [], "site": []}

    @rule(name=NAMES, count=st.integers(1, 4), bulk=st.booleans())
    def happen(self, name: str, count: int, bulk: bool) -> None:
        machine, said = self.machines[name], self.said[name]
        numbers = range(len(said), len(said) + count)
        with machine.here():
            if bulk:
                record_many([Counted(number=n) for n in numbers], at=machine.now)
            else:
                for n in numbers:
                    record(Happened(text=str(n)), at=machine.now)
        said += [str(n) for n in numbers]

    @rule(name=NAMES, fates=st.lists(st.sampled_from(list(Fate)), max_size=4))
    def ship(self, name: str, fates: list[Fate]) -> None:
        line = self.machines[name].line
        assert line is not None
        line.fates.extend(fates)
        self.machines[name].ship()

    @rule(seconds=st.sampled_from([1.0, 30.0, 4_000.0]))
    def wait(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(name=st.sampled_from(["site", "edge", "centre"]))
    def kill(self, name: str) -> None:
        self.world.machines[name].restart()

    @invariant()
    def the_parent_tells_a_beginning_of_the_same_story(self) -> None:
        for name, machine in self.machines.items():
            for above in ("edge", "centre"):
                assert said_by(self.world.machines[above], machine) == self.said[name][: len(said_by(self.world.machines[above], machine))]

    @invariant()
    def what_is_acknowledged_is_there(self) -> None:
        for low, high in (("site", "edge"), ("edge", "centre")):
            for uid, acknowledged in heads(self.machines[low], "acknowledged_seq").items():
                assert acknowledged <= heads(self.world.machines[high], "seq").get(uid, 0)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        for name in ("site", "edge"):
            line = self.machines[name].line
            assert line is not None
            line.fates.clear()
        for name in ("site", "edge", "edge"):
            self.world.pass_time(4_000.0)
            self.machines[name].ship()
        for name, machine in self.machines.items():
            assert said_by(self.centre, machine) == self.said[name]
        for machine in self.world.machines.values():
            with machine.here():
                assert verify_journal().faults == []
        self.world.close()
        shutil.rmtree(self.world.folder)


def said_by(place: Machine, who: Machine) -> list[str]:
    """What rows at `place` say that `who` told, in the order of building."""
    uid = str(who.node().uid)
    with place.here():
        return list(AuditRow.objects.filter(actor_name=uid).order_by("pk").values_list("subject", flat=True))


def heads(place: Machine, column: str) -> dict[str, int]:
    with place.here():
        return {str(uid): seq for uid, seq in Head.objects.values_list("origin__uid", column)}


@pytest.mark.usefixtures("db", "happenings_wired")
def test_nothing_acknowledged_is_lost_or_doubled_in_random_histories(blank_database: Path, tmp_path: Path) -> None:
    Stories.blank, Stories.folder = blank_database, tmp_path
    run_state_machine_as_test(
        Stories,
        settings=settings(max_examples=12, stateful_step_count=18, deadline=None, suppress_health_check=list(HealthCheck)),
    )


@pytest.mark.usefixtures("happenings_wired")
def test_a_month_cut_off_comes_up_in_few_segments(world: World) -> None:
    centre, edge = world.machine("centre", "centre"), world.machine("edge", "edge")
    line = edge.join(centre)
    line.fates.extend([Fate.LOST] * 30)
    for day in range(30):
        with edge.here():
            record_many([Counted(number=day * 100 + n) for n in range(100)], at=edge.now)
        edge.ship()
        world.pass_time(86_400)
    line.fates.clear()
    sent = line.requests
    assert edge.ship() > 0
    assert line.requests - sent < 8
    with centre.here():
        assert told("counted") == [str(n) for n in range(3_000)]
        assert Entry.objects.count() == 3_000
