"""A centre, an edge and a site in memory, through random histories: lines that fail in every way, machines that die between any two
steps, clocks that are set two days wrong, disks that are full. Facts go up, a catalogue with files comes down, all the while.

What must hold whenever anybody looks: what is acknowledged is at the parent, once; what is shown and served is the newest catalogue
that was accepted, whole; and at the end everything has arrived everywhere, and replaying gives the same rows.

HISTORIES=10000 for the long run, of other histories each time; without it the same few are lived through.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tuf.api.metadata import Metadata, Snapshot, Targets, Timestamp

from tests.conftest import AT
from tests.flow import happenings
from tests.flow.notices import NOTICES
from tests.simulator import Death, Fate, Machine, World, files_are_steps
from yuanjiao.flow.blobs import fetch, store
from yuanjiao.flow.catalogue import shelf as shelves_table
from yuanjiao.flow.catalogue.publish import public_folder, publish
from yuanjiao.flow.journal import applying
from yuanjiao.flow.journal.event import EventTable
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.journal.replay import replay
from yuanjiao.flow.journal.verify import verify_journal
from yuanjiao.flow.models import CurrentCatalogue
from yuanjiao.learning import events as learning
from yuanjiao.learning.rules import SessionForm
from yuanjiao.lib.errors import DiskFull, Tampered, Unavailable
from yuanjiao.lib.uid import new_uid

HISTORIES = int(os.environ.get("HISTORIES", "80"))
STEPS = 20
PHASES = (Phase.explicit, Phase.generate)
DAYS_S = 2 * 86_400.0
FULL = 1 << 60
BELOW, ALL = ("edge", "site"), ("centre", "edge", "site")
EVENTS: EventTable = {
    **happenings.EVENTS,
    learning.SessionHeld.KIND: (learning.SessionHeld, learning.apply_session_held),
    learning.SessionCorrected.KIND: (learning.SessionCorrected, learning.apply_session_corrected),
}
low, every, fates = st.sampled_from(BELOW), st.sampled_from(ALL), st.lists(st.sampled_from(list(Fate)), max_size=6)
deaths = st.one_of(st.just(0), st.integers(1, 60))
"""After how many steps a machine dies; 0 is not at all."""
pytestmark = [pytest.mark.own_files, pytest.mark.long]


class Network(RuleBasedStateMachine):
    """Random histories of three machines."""

    blank: ClassVar[Path]
    folder: ClassVar[Path]
    runs: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        """The machines as they were when they had just enrolled: made once, copied for every history."""
        Network.runs += 1
        NOTICES.texts, NOTICES.blobs = (), ()
        made = self.folder / "made"
        if not made.exists():
            enrolled(made, self.blank)
        here = self.folder / str(Network.runs)
        shutil.copytree(made, here)
        self.world = World(here, self.blank, AT)
        self.machines = {name: self.world.machine(name, name) for name in ALL}
        for lower, higher in (("edge", "centre"), ("site", "edge")):
            self.machines[lower].hang_on(self.machines[higher])
        self.said: dict[str, list[str]] = {name: [] for name in BELOW}
        self.sessions: dict[str, list[learning.SessionHeld]] = {name: [] for name in BELOW}
        self.editions: dict[int, tuple[str, ...]] = {}
        self.newest = dict.fromkeys(BELOW, 0)
        self.note_edition()

    # -- what happens ---------------------------------------------------------------------------------------------------------

    @rule(name=low, dies_in=deaths)
    def tell(self, name: str, dies_in: int) -> None:
        """One thing happens at a machine, which may die over it: then it was told whole, or not at all."""
        machine, text = self.machines[name], str(len(self.said[name]))
        machine.dies_in = dies_in
        machine.does(lambda: record(happenings.Happened(text=text), at=machine.now))
        if text in said_by(machine, machine):
            self.said[name].append(text)

    @rule(name=low)
    def hold_session(self, name: str) -> None:
        machine = self.machines[name]
        event = learning.SessionHeld(
            uid=new_uid(), site=f"S-{name}", path="/990000000000/", plan=None, held_at=machine.now, minutes=60, items=[], heads_onsite=9,
            form=SessionForm.GROUP_VIEWING, heads_online=0, recorder=None, via="tv",
        )  # fmt: skip
        self.sessions[name].append(event)
        machine.does(lambda: record(event, at=machine.now))

    @rule(name=low, cancelled=st.booleans())
    def correct_session(self, name: str, cancelled: bool) -> None:
        machine, held = self.machines[name], self.sessions[name]
        if held:
            event = learning.SessionCorrected(
                uid=new_uid(), session=held[-1].uid, reason="点错了", corrector=None, minutes=45, form=SessionForm.DISCUSSION,
                heads_onsite=8, heads_online=1, cancelled=cancelled,
            )  # fmt: skip
            machine.does(lambda: record(event, at=machine.now))

    @rule(name=low, fates=fates, dies_in=deaths, parent_dies_in=deaths)
    def ship(self, name: str, fates: list[Fate], dies_in: int, parent_dies_in: int) -> None:
        machine = self.spoil(name, fates, dies_in, parent_dies_in)
        try:
            machine.ship()
        except Death:
            machine.restart()
        self.calm()

    @rule(name=low, fates=fates, dies_in=deaths, parent_dies_in=deaths)
    def come_down(self, name: str, fates: list[Fate], dies_in: int, parent_dies_in: int) -> None:
        machine = self.spoil(name, fates, dies_in, parent_dies_in)
        try:
            told = machine.come_down()
            assert [error for error in told if not isinstance(error, Unavailable | DiskFull | Tampered)] == []
            assert self.world_is_skewed() or not [error for error in told if isinstance(error, Tampered)]
        except Death:
            machine.restart()
        self.calm()

    @rule(count=st.integers(0, 2), dies_in=deaths)
    def publish(self, count: int, dies_in: int) -> None:
        """Another edition with so many files; the centre may die over it."""
        centre = self.machines["centre"]
        if centre.free_bytes:
            return  # who makes an edition sees that there is no room
        NOTICES.texts = (*NOTICES.texts, f"第{len(NOTICES.texts) + 1}条")[-3:]
        with centre.here():
            NOTICES.blobs = tuple(store.put(os.urandom(3000), media_type="image/jpeg") for _ in range(count))
        centre.dies_in = dies_in
        centre.does(lambda: publish(centre.now))
        self.note_edition()

    @rule(seconds=st.sampled_from([1.0, 30.0, 4_000.0]))
    def wait(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(name=every)
    def kill(self, name: str) -> None:
        self.machines[name].restart()

    @rule(name=every, skew_s=st.sampled_from([0.0, -DAYS_S, DAYS_S, 90.0]))
    def set_clock(self, name: str, skew_s: float) -> None:
        self.machines[name].skew_s = skew_s

    @rule(name=every, full=st.booleans())
    def fill_disk(self, name: str, full: bool) -> None:
        self.machines[name].free_bytes = FULL if full else 0

    # -- what must hold -------------------------------------------------------------------------------------------------------

    @invariant()
    def what_is_acknowledged_is_at_the_parent(self) -> None:
        for lower, higher in (("site", "edge"), ("edge", "centre")):
            held = heads(self.machines[higher], "seq")
            for uid, acknowledged in heads(self.machines[lower], "acknowledged_seq").items():
                assert acknowledged <= held.get(uid, 0)

    @invariant()
    def nothing_is_told_twice_or_out_of_order(self) -> None:
        for name in BELOW:
            for above in ("edge", "centre"):
                found = said_by(self.machines[above], self.machines[name])
                assert found == self.said[name][: len(found)]

    @invariant()
    def what_is_shown_and_served_is_the_newest_catalogue_that_was_accepted(self) -> None:
        for name in BELOW:
            with self.machines[name].here():
                row = CurrentCatalogue.objects.filter(one=True).first()
                version = row.version if row else 0
                assert tuple(NOTICES.shown()) == (self.editions[version] if version else ()), (name, version)
                assert served_version() <= version, "nobody below is told of what is not accepted here"
            assert version >= self.newest[name], "a catalogue never goes back"
            self.newest[name] = version

    @invariant()
    def a_file_that_is_here_is_whole(self) -> None:
        for name in BELOW:
            for path in (self.machines[name].home / "blobs").glob("[0-9a-f][0-9a-f]/*"):
                assert hashlib.sha256(path.read_bytes()).hexdigest() == path.parent.name + path.name

    def teardown(self) -> None:
        """When lines, clocks and disks are well again, everything arrives everywhere."""
        if not hasattr(self, "world"):
            return
        try:
            self.heal()
            for name in BELOW:
                assert said_by(self.machines["centre"], self.machines[name]) == self.said[name]
                with self.machines[name].here():
                    assert tuple(NOTICES.shown()) == NOTICES.texts
                    assert all(store.has(blob.sha256) for blob in NOTICES.blobs)
            for machine in self.machines.values():
                with machine.here():
                    assert verify_journal().faults == []
                    assert replay(at=machine.now, keep=False).changed == ()
        finally:
            self.world.close()
            shutil.rmtree(self.world.folder)

    def heal(self) -> None:
        for machine in self.machines.values():
            machine.skew_s, machine.free_bytes = 0.0, 0
        self.calm()
        self.world.pass_time(2 * DAYS_S)  # who waits by a clock that was wrong waits no longer
        self.publish(1, 0)
        for name in ("site", "edge", "edge", "site", "edge"):
            self.world.pass_time(4_000.0)
            self.machines[name].ship()
            self.machines[name].come_down()

    # -- what the rules share -------------------------------------------------------------------------------------------------

    def spoil(self, name: str, fates: list[Fate], dies_in: int, parent_dies_in: int) -> Machine:
        machine = self.machines[name]
        assert machine.line is not None
        machine.line.fates.extend(fates)
        machine.dies_in, machine.line.far_end.dies_in = dies_in, parent_dies_in
        return machine

    def calm(self) -> None:
        for machine in self.machines.values():
            machine.dies_in = 0
            if machine.line is not None:
                machine.line.fates.clear()

    def world_is_skewed(self) -> bool:
        return any(machine.skew_s for machine in self.machines.values())

    def note_edition(self) -> None:
        with self.machines["centre"].here():
            self.editions.setdefault(served_version(), NOTICES.texts)


def enrolled(folder: Path, blank: Path) -> None:
    """A centre with its first catalogue, an edge and a site that have enrolled, shut down."""
    world = World(folder, blank, AT)
    centre, edge, site = (world.machine(name, name) for name in ALL)
    with centre.here():
        publish(centre.now)
    edge.join(centre)
    site.join(edge)
    world.close()


def served_version() -> int:
    """The version of the timestamp this machine serves; all that it leads to must be there, and be what was signed."""
    folder = public_folder()
    if not (folder / "metadata" / "timestamp.json").is_file():
        return 0
    timestamp = Metadata[Timestamp].from_bytes((folder / "metadata" / "timestamp.json").read_bytes()).signed
    snapshot = folder / "metadata" / f"{timestamp.snapshot_meta.version}.snapshot.json"
    listed = Metadata[Snapshot].from_bytes(snapshot.read_bytes()).signed.meta["targets.json"].version
    targets = Metadata[Targets].from_bytes((folder / "metadata" / f"{listed}.targets.json").read_bytes()).signed
    for path, target in targets.targets.items():
        base, _, name = path.rpartition("/")
        target.verify_length_and_hashes((folder / "targets" / base / f"{target.hashes['sha256']}.{name}").read_bytes())
    return timestamp.version


def said_by(place: Machine, who: Machine) -> list[str]:
    """What rows at `place` say that `who` told, in the order of building."""
    ((own,),) = who.asked("SELECT uid FROM flow_node WHERE is_self")
    found = place.asked("SELECT subject FROM people_auditrow WHERE actor_name = %s ORDER BY id", str(UUID(own)))
    return [subject for (subject,) in found]


def heads(place: Machine, column: str) -> dict[str, int]:
    found = place.asked(f"SELECT uid, head.{column} FROM flow_head head JOIN flow_node node ON node.id = head.origin_id")
    return dict(found)


@pytest.fixture
def wired(settings: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The notices' shelves, made-up events beside real ones; a broken transfer is tried again at once."""
    settings.YUANJIAO_SHELVES = "tests.flow.notices.SHELVES"  # type: ignore[attr-defined]
    settings.YUANJIAO_EVENTS = "tests.flow.test_whole_network.EVENTS"  # type: ignore[attr-defined]
    monkeypatch.setattr(fetch, "PAUSE_S", 0.0)
    tables = (shelves_table.shelves, applying.event_table)
    for table in tables:
        table.cache_clear()
    with files_are_steps():
        yield
    for table in tables:
        table.cache_clear()


@pytest.mark.usefixtures("db", "wired")
def test_nothing_is_lost_doubled_or_shown_by_halves_in_random_histories(blank_database: Path, tmp_path: Path) -> None:
    Network.blank, Network.folder = blank_database, tmp_path
    run_state_machine_as_test(
        Network,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=PHASES,
            derandomize="HISTORIES" not in os.environ,
        ),
    )
