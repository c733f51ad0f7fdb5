"""The network that is set on fire: a centre, two edges behind a bad line, a site with the whole software behind the first edge."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.badline.faults import Faults
from tests.badline.link import ADDRESSES
from tests.journeys.fire.keeping import KeptNode, KeptProgramme, kill_one
from tests.journeys.fire.lines import DEAD, BadLine
from tests.journeys.living import PACE
from tests.journeys.test_database_killed import Beating
from yuanjiao.simulation.processes import NodeProcess

BASE = Faults(delay_s=0.05, jitter_s=0.02, loss=0.03, rate_bps=4_000_000.0)
SITE, EDGES = "S-990101100200", ("E-990101", "E-990102")
KILLS = 0.35
"""The share of faults that are kills; the rest befall the line."""
LINE_FAULTS = ("cut", "loss", "delay", "narrow", "freeze")


@dataclass
class StudyDays:
    """A person at one site's television records a study day after the other, and presses OK again when nothing came back."""

    address: str
    site: str
    key: str
    recorded: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(base_url=self.address, timeout=10, trust_env=False) as client:
            while not self._stop.wait(0.7):
                form = {"site": self.site, "key": self.key, "plan": "", "uid": str(uuid4()), "heads": "17"}
                if self._record(client, form):
                    self.recorded.append(form["uid"])

    def _record(self, client: httpx.Client, form: dict[str, str]) -> bool:
        for _ in range(40):
            try:
                answer = client.post("/learning/tv/", data=form)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 302:
                return True
            if self._stop.wait(0.5):
                break
        return False

    def stop(self) -> None:
        self._stop.set()


class World:
    """All of it, or in the small form only the centre and the first edge; `faults` counts what was done to it, by kind."""

    def __init__(self, folder: Path, line: BadLine, draw: random.Random, *, small: bool) -> None:
        self.folder, self.line, self.draw = folder, line, draw
        self.faults = Counter[str]()
        hosts = f"127.0.0.1,localhost,{ADDRESSES[0]}"
        self.centre = NodeProcess(role="centre", home=folder / "centre", name="青禾市中心", host=line.host, HOSTS=hosts, **PACE)
        parent = line.parent(self.centre.port)
        self.edges = [
            NodeProcess(role="edge", home=folder / code, name=code, parent=parent, **PACE) for code in EDGES[: 1 if small else None]
        ]
        self.site = NodeProcess(role="site", home=folder / "site", name=SITE, parent=self.edges[0].address, **PACE)
        self.kept = [KeptNode(self.centre, line.above), *(KeptNode(node, line.below) for node in self.edges)]
        self.offering = KeptProgramme("tests.journeys.fire.offering", self.centre, line.above)
        self.people: list[Beating | StudyDays] = []
        self._threads: list[threading.Thread] = []

    @property
    def nodes(self) -> list[NodeProcess]:
        """Those that were founded: the centre, the edges, the site if it is one of them."""
        return [one.node for one in self.kept]

    # -- before -----------------------------------------------------------------------------------------------------------------

    def found(self) -> None:
        """Everything enrolled and running, before the first fault."""
        self.centre.command("migrate", "-v", "0")
        for node in (*self.edges, self.site):
            node.home.mkdir(parents=True)
            for path in self.centre.home.glob("yuanjiao.sqlite3*"):  # an empty database is the same everywhere
                shutil.copy(path, node.home)
        told = script(self.centre, "tests.journeys.fire.sow")
        self._begin(self.kept[0])
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda kept: self._enrol(kept, told["codes"][kept.name]), self.kept[1:]))
        if len(self.edges) > 1:
            path = told["paths"][SITE]
            code = self.edges[0].command("nodes", "issue-code", "--kind", "site", "--name", SITE, "--subject", SITE, "--scope", path)
            self.kept.append(KeptNode(self.site, self.line.below))
            self._enrol(self.kept[-1], code.strip().splitlines()[-1])
        self.offering.keep()
        self._settle_in(told["keys"])

    def _enrol(self, kept: KeptNode, code: str) -> None:
        with self.line.below():
            kept.node.command("enrol", "--parent", kept.node.environment["YUANJIAO_PARENT"], "--code", code)
        self._begin(kept)

    def _begin(self, kept: KeptNode) -> None:
        kept.keep()
        with kept.place():
            while not kept.node.runs:
                time.sleep(0.1)
            kept.node.wait_ready(120)

    def _settle_in(self, keys: dict[str, list[str]]) -> None:
        """The boxes beat and the people record, at the machines that serve them."""
        own = {edge.address: {code: beat for code, (beat, _) in keys.items() if code[2:8] == edge.home.name[2:]} for edge in self.edges}
        self.people = [Beating(address, beats) for address, beats in own.items()]
        first = {address: next(iter(beats)) for address, beats in own.items()}
        self.people += [StudyDays(address, code, keys[code][1]) for address, code in first.items()]
        if self.site in self.nodes:
            self.people.append(StudyDays(self.site.address, SITE, keys[SITE][1]))
        for one in self.people:
            self._threads.append(threading.Thread(target=self._below, args=(one,), daemon=True))
            self._threads[-1].start()

    def _below(self, one: Beating | StudyDays) -> None:
        with self.line.below():
            one.run()

    # -- fire -------------------------------------------------------------------------------------------------------------------

    def burn(self, seconds: float, rate: float) -> None:
        """So many faults a second, at random moments, for so long."""
        until = time.monotonic() + seconds
        mend_at = 0.0
        while time.monotonic() < until:
            time.sleep(self.draw.expovariate(rate))
            if mend_at and time.monotonic() > mend_at:
                self.line.become(BASE)
                mend_at = 0.0
            if self.draw.random() < KILLS:
                hit = kill_one(self.draw.choice([*self.kept, self.offering]), self.draw)
                self.faults.update(f"killed: {one}" for one in hit)
            else:
                mend_at = time.monotonic() + self._spoil()
        self.line.become(BASE)

    def _spoil(self) -> float:
        """The line becomes bad in one way; for how many seconds."""
        kind, draw = self.draw.choice(LINE_FAULTS), self.draw
        faults = {
            "cut": DEAD,
            "loss": Faults(delay_s=0.05, loss=draw.uniform(0.1, 0.4), rate_bps=4e6, cut_every_s=2.0, cut_s=0.2),
            "delay": Faults(delay_s=draw.uniform(0.3, 1.0), jitter_s=0.2, loss=0.03, rate_bps=4e6),
            "narrow": Faults(delay_s=0.1, loss=0.02, rate_bps=draw.uniform(64e3, 512e3)),
            "freeze": Faults(delay_s=0.05, rate_bps=4e6, freeze_every_s=1.5, freeze_s=1.0),
        }[kind]
        self.line.become(faults)
        self.faults[f"line: {kind}"] += 1
        return draw.uniform(0.3, 3.0)

    # -- after ------------------------------------------------------------------------------------------------------------------

    def silence(self) -> None:
        """Nothing is recorded or published any more by people; who still waits for an answer gets it."""
        for one in self.people:
            one.stop()
        for thread in self._threads:
            thread.join(60)
        self.offering.end()
        self.line.become(Faults())

    def reckon(self) -> list[dict[str, Any]]:
        """Kill every node, the lowest first, and ask each what it holds."""
        for kept in reversed(self.kept):
            kept.leave()
            kept.node.kill()
        with_all = [subprocess.Popen(_line("tests.journeys.fire.reckoning"), env=node.environment, **PIPES) for node in self.nodes]
        return [_told(process) for process in with_all]

    def end(self) -> None:
        for one in self.people:
            one.stop()
        self.offering.end()
        for kept in reversed(self.kept):
            kept.leave()
            kept.node.kill()


PIPES: dict[str, Any] = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def _line(module: str) -> list[str]:
    return [sys.executable, "-m", module]


def _told(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors[-3000:]
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    return told


def script(node: NodeProcess, module: str) -> dict[str, Any]:
    """What a program of the tests, run in a node's environment, tells on its last line."""
    return _told(subprocess.Popen(_line(module), env=node.environment, **PIPES))
