"""The present of the made-up city, in real time against real servers: simulated edges over HTTP, the sites of real edges one by one.

What somebody breaks or mends by hand (`yuanjiao simulate cut …`) is a line in a file this reads; so it works from any terminal.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import msgspec

from yuanjiao.lib import clock
from yuanjiao.network.models import Site
from yuanjiao.network.queries import sites_in
from yuanjiao.simulation.behaviour import Condition
from yuanjiao.simulation.city import SimSite
from yuanjiao.simulation.world import World, remember, uplink_of

log = logging.getLogger(__name__)
TURN_S = 2.0
PLAY_EVERY_S = 6 * 3600
ORDERS = "by-hand.jsonl"


class Order(msgspec.Struct, frozen=True):
    """One thing done by hand: `cut` breaks an object (or an edge's uplink), `kill` ends an edge server, `mend` repairs either."""

    act: str
    code: str
    at: datetime
    until: datetime | None = None


def give_order(folder: Path, order: Order) -> None:
    """Append to the file the living city reads."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ORDERS).open("ab") as file:
        file.write(msgspec.json.encode(order) + b"\n")


def orders_so_far(folder: Path) -> list[Order]:
    path = folder / ORDERS
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=Order) for line in path.read_bytes().splitlines() if line.strip()]


def broken_by_hand(orders: Sequence[Order], now: datetime) -> set[str]:
    """What stands broken at `now`; cutting an edge cuts its uplink, killing it stops the server."""
    broken: set[str] = set()
    for order in orders:
        both = {order.code, uplink_of(order.code)} if order.code.startswith("E-") else {order.code}
        if order.act == "mend" or (order.until is not None and order.until <= now):
            broken -= both
        elif order.act == "cut":
            broken.add(uplink_of(order.code) if order.code.startswith("E-") else order.code)
        elif order.act == "kill":
            broken.add(order.code)
    return broken


@dataclass
class RealEdge:
    """A real edge process and what the world does to it: its sites beat at its address, its line and its power obey the truth."""

    code: str
    address: str
    sites: Sequence[SimSite]
    cut: Callable[[], None]
    mend: Callable[[], None]
    kill: Callable[[], None]
    revive: Callable[[], None]
    keys: dict[str, str] = field(default_factory=dict)
    _played: dict[str, float] = field(default_factory=dict)
    _beat: dict[str, float] = field(default_factory=dict)
    _is_cut: bool = False
    _is_dead: bool = False

    def obey(self, condition: Condition) -> None:
        """Bring line and process into the state the truth asks for."""
        dead, cut = self.code in condition.broken, uplink_of(self.code) in condition.broken
        if cut != self._is_cut:
            (self.cut if cut else self.mend)()
            self._is_cut = cut
        if dead != self._is_dead:
            (self.kill if dead else self.revive)()
            self._is_dead = dead

    def beat(self, client: httpx.Client, now: datetime, condition: Condition, period_s: float) -> int:
        """Every working site whose beat is due beats; returns how many were heard."""
        heard = 0
        for number, site in enumerate(self.sites):
            due = self._beat.setdefault(site.code, now.timestamp() - period_s * (1 + number / len(self.sites)) + period_s)
            if now.timestamp() < due or not condition.site_works(site.code, site.line) or self._is_dead:
                continue
            self._beat[site.code] = now.timestamp() + period_s
            heard += self._one(client, site, now)
        return heard

    def _one(self, client: httpx.Client, site: SimSite, now: datetime) -> bool:
        body: dict[str, object] = {"site": site.code, "key": self.keys.get(site.code, ""), "sent_at": now.isoformat()}
        test_due = now.timestamp() - self._played.get(site.code, 0.0) > PLAY_EVERY_S
        if test_due:
            body["play"] = {"ok": True, "step": "", "item": "试播片"}
        try:
            answer = client.post(f"{self.address}/beat", json=body)
        except httpx.TransportError:
            return False
        taken = answer.status_code == 200 and not answer.json()["unknown"]  # a fresh edge knows its sites once the catalogue is there
        if taken and test_due:
            self._played[site.code] = now.timestamp()
        return taken

    def forget_tests(self, broken: frozenset[str]) -> None:
        """A site that was broken plays a test as soon as it works again."""
        for site in self.sites:
            if {site.code, site.line, self.code} & broken:
                self._played.pop(site.code, None)


def site_keys() -> dict[str, str]:
    """The beat keys of all sites, as their installers typed them into the boxes."""
    rows: Sequence[Site] = list(sites_in(["/"]))
    return {row.code: row.beat_key for row in rows}


class Present:
    """Runs a world in real time in a thread until stopped."""

    def __init__(self, world: World, real: Sequence[RealEdge], folder: Path, *, period_s: float) -> None:
        self.world, self.real, self.folder, self.period_s = world, real, folder, period_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="present", daemon=True)
        self.client = httpx.Client(timeout=10, trust_env=False)

    def start(self) -> None:
        keys = site_keys()
        for edge in self.real:
            edge.keys = keys
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)
        remember(self.world.edges, self.folder / "edges")
        self.client.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            started = clock.now()
            try:
                self.turn(started)
            except Exception:  # the living city goes on whatever one turn met: this is a worker's border
                log.exception("the city stumbled")
            spent = (clock.now() - started) / timedelta(seconds=1)
            self._stop.wait(max(TURN_S - spent, 0.1))

    def turn(self, now: datetime) -> None:
        """One turn: hands, faults, edges, sites, people."""
        self.world.by_hand = broken_by_hand(orders_so_far(self.folder), now)
        condition = self.world.step(now)
        for edge in self.real:
            edge.obey(condition)
            edge.forget_tests(condition.broken)
            edge.beat(self.client, now, condition, self.period_s)
        self.world.people.act(now, self.world.faults, condition)
