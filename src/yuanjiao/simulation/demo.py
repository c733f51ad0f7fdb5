"""`make demo`: a centre, two real edge processes and the simulated rest of a city, made once and then lived in."""

from __future__ import annotations

import fcntl
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
from django.conf import settings
from django.db import connections

from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.network.queries import object_by_code
from yuanjiao.people.models import ROLE_NAMES, Account
from yuanjiao.people.rules import Role
from yuanjiao.simulation import foundation
from yuanjiao.simulation.behaviour import TrueFault, true_faults
from yuanjiao.simulation.city import City, Plan, SimCounty, make_city
from yuanjiao.simulation.comparison import read_truth
from yuanjiao.simulation.history import live_through, write_truth
from yuanjiao.simulation.people import People
from yuanjiao.simulation.present import Present, RealEdge
from yuanjiao.simulation.processes import NodeProcess
from yuanjiao.simulation.relay import Relay
from yuanjiao.simulation.transport import HttpTransport, InsideTransport
from yuanjiao.simulation.world import World, remember, simulated_edges

log = logging.getLogger(__name__)
Say = Callable[[str], None]
REAL_EDGES = 2
HASTE_PAST, HASTE_NOW = 4.0, 40.0
KEPT_ANYWAY = {"secret_key", "static"}
"""What this process has read or opened already."""


class Kept(msgspec.Struct):
    """What a demo remembers between two starts."""

    counties: int
    towns: int
    sites: int
    seed: int
    start: datetime
    password: str
    port: int


@dataclass
class Demo:
    """One demo in one folder. `found` once, then `run`."""

    folder: Path
    plan: Plan
    port: int
    history_days: float
    say: Say

    @property
    def kept_path(self) -> Path:
        return self.folder / "demo.json"

    @property
    def unfinished_path(self) -> Path:
        """There while the city is being made; only what this mark stands beside may ever be thrown away."""
        return self.folder / "unfinished"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Refused when a demo runs in this folder already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refused(f"{self.folder} 里的演示正在运行") from None
            yield

    def clear_unfinished(self) -> None:
        """Throw away a city whose making was interrupted: it is made anew."""
        if not self.unfinished_path.exists():
            return
        self.say("上次没有建完，重新建")
        connections.close_all()
        shutil.rmtree(self.folder / "simulation", ignore_errors=True)
        for path in (self.folder / "centre").iterdir():
            if path.name in KEPT_ANYWAY:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.unfinished_path.unlink()

    def kept(self) -> Kept | None:
        return msgspec.json.decode(self.kept_path.read_bytes(), type=Kept) if self.kept_path.exists() else None

    def found(self, found_city: Callable[[datetime, str], object]) -> Kept:
        """Make everything that is made once; takes a minute or two."""
        self.unfinished_path.touch()
        now = clock.now().replace(microsecond=0)
        start = now - timedelta(days=self.history_days)
        setting = foundation.Setting(self.folder, start, foundation.new_password())
        city = make_city(self.plan)
        found_city(datetime(foundation.SINCE.year, 1, 1, tzinfo=clock.CHINA), foundation.new_password())
        for batch in foundation.import_city(city, setting, self.say):
            self.say(f"导入完成：{'、'.join(f'{sheet.name} {sheet.created_count}' for sheet in batch.sheets.all())}")
        foundation.give_passwords(setting)
        foundation.plan_study_days(setting)
        foundation.publish_films(setting, self.say)
        self._past(city, start, clock.now())
        kept = Kept(self.plan.counties, self.plan.towns, self.plan.sites, self.plan.seed, start, setting.password, self.port)
        self.kept_path.write_bytes(msgspec.json.encode(kept))
        self.unfinished_path.unlink()
        return kept

    def _past(self, city: City, start: datetime, now: datetime) -> None:
        if self.history_days <= 0:
            return
        faults = true_faults(city, start=start, end=now, haste=HASTE_PAST)
        transport, folder = InsideTransport(), self.folder / "simulation" / "edges"
        real = [county.edge for county in real_counties(city)]
        edges = simulated_edges(
            city,
            transport=transport,
            folder=folder,
            at=start,
            leave_out=real,
            period_s=settings.BEAT_PERIOD_S,
            grace_s=settings.BEAT_GRACE_S,
        )
        world = World(city, faults, edges, People(city, HASTE_PAST))

        def report(share: float) -> None:
            self.say(f"补过去 {self.history_days:g} 天的运行记录 {share:.0%}")

        live_through(world, start=start, end=now, step=timedelta(minutes=15), report=report)
        remember(edges, folder)
        write_truth(faults, self.folder / "simulation" / "truth-past.jsonl")

    def run(self, kept: Kept) -> Running:
        """Start the processes and let the city live."""
        plan = Plan(kept.counties, kept.towns, kept.sites, kept.seed)
        city = make_city(plan)
        centre = NodeProcess(role="centre", home=self.folder / "centre", name="青禾市中心", port=kept.port, **timing())
        self.say("启动中心 …")
        centre.start()
        real, edges = [], []
        for number, county in enumerate(real_counties(city), 1):
            self.say(f"启动边缘服务器 {county.name} …")
            edge, relay = self._start_edge(county, number, centre, kept.port + number)
            edges.append((edge, relay))
            real.append(as_real_edge(county, edge, relay))
        now = clock.now()
        faults = true_faults(city, start=now, end=now + timedelta(days=2), haste=HASTE_NOW)
        before = self._truth_so_far()
        write_truth(faults, self.folder / "simulation" / f"truth-{now:%Y%m%d-%H%M%S}.jsonl")
        present = Present(
            self._world(city, before + faults, centre, now), real, self.folder / "simulation", period_s=settings.BEAT_PERIOD_S
        )
        present.start()
        return Running(centre, edges, present)

    def _truth_so_far(self) -> list[TrueFault]:
        """What broke in the recorded past and is still broken goes on; engineers remember what they repaired."""
        path = self.folder / "simulation" / "truth-past.jsonl"
        return read_truth(path) if path.exists() else []

    def _world(self, city: City, faults: list[TrueFault], centre: NodeProcess, now: datetime) -> World:
        edges = simulated_edges(
            city,
            transport=HttpTransport(centre.address),
            folder=self.folder / "simulation" / "edges",
            at=now,
            leave_out=[county.edge for county in real_counties(city)],
            period_s=settings.BEAT_PERIOD_S,
            grace_s=settings.BEAT_GRACE_S,
        )
        return World(city, faults, edges, People(city, HASTE_NOW))

    def _start_edge(self, county: SimCounty, number: int, centre: NodeProcess, port: int) -> tuple[NodeProcess, Relay]:
        relay = Relay(centre.port)
        home = self.folder / f"edge-{number}"
        edge = NodeProcess(role="edge", home=home, name=f"{county.name}边缘服务器", port=port, parent=relay.address, **timing())
        if not (home / "enrolled").exists():
            edge.command("migrate", "-v", "0")
            scope = object_by_code(county.edge).division.path
            code = issue_code(kind="edge", name=f"{county.name}边缘服务器", subject_code=county.edge, scope=scope, at=clock.now())
            edge.command("enrol", "--parent", centre.address, "--code", code)
            (home / "enrolled").touch()
        edge.start()
        return edge, relay

    def accounts(self) -> list[tuple[str, str, str]]:
        """(user name, person, role and unit) of the accounts worth trying, one of each role."""
        names, shown, rows = dict(ROLE_NAMES), set[str](), []
        for account in Account.objects.select_related("person").order_by("pk"):
            membership = account.person.memberships.select_related("unit").first()
            if membership is not None and membership.role not in shown:
                shown.add(membership.role)
                rows.append((account.username, account.person.name, f"{names[Role(membership.role)]}（{membership.unit.name}）"))
        return rows


def timing() -> dict[str, str]:
    """All nodes of the demo keep the time of this process."""
    names = ("BEAT_PERIOD_S", "BEAT_GRACE_S", "SWEEP_S", "SHIP_S", "FOLLOW_S")
    return {name: f"{getattr(settings, name):g}" for name in names}


def real_counties(city: City) -> list[SimCounty]:
    """The counties whose edges are real processes: the last ones, so that the first county has a recorded past."""
    return city.counties[max(len(city.counties) - REAL_EDGES, 1) :]


def as_real_edge(county: SimCounty, edge: NodeProcess, relay: Relay) -> RealEdge:
    sites = [site for town in county.towns for site in town.sites]
    revive = partial(edge.start, wait_s=60)
    return RealEdge(county.edge, edge.address, sites, cut=relay.cut, mend=relay.mend, kill=edge.kill, revive=revive)


@dataclass
class Running:
    """What is running; `stop` ends all of it."""

    centre: NodeProcess
    edges: list[tuple[NodeProcess, Relay]]
    present: Present

    def stop(self) -> None:
        self.present.stop()
        for edge, relay in self.edges:
            edge.stop()
            relay.close()
        self.centre.stop()
