"""The real doors and jobs live through the truth, at simulated times and only where something happens.

Edges sweep where a beat ends or begins a silence, ship where they recorded something, and the centre takes its turn after that; what
lies between two such moments is told by arithmetic. The order inside five seconds is always the same: edges sweep, edges ship, edges
beat, the centre sweeps and diagnoses.
"""

from __future__ import annotations

import heapq
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from uuid import UUID, uuid5

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.flow.wire.auth import micros
from yuanjiao.flow.wire.signing import Claim, request_bytes, to_headers
from yuanjiao.lib.clock import local_day
from yuanjiao.network.commands import announce_maintenance, move_object, resume_object, suspend_object
from yuanjiao.network.events import Change, Deaf, PlayTested, StateChanged
from yuanjiao.network.live import Gap, Transitions, Undated, clock_was_set
from yuanjiao.network.models import Outage
from yuanjiao.network.queries import object_by_code
from yuanjiao.people.rules import Actor
from yuanjiao.places.queries import division_by_code
from yuanjiao.simulation.city import SimCounty, SimSite
from yuanjiao.simulation.edge import SimulatedEdge, fresh_memory, moment
from yuanjiao.simulation.foundation import ADMIN, actor
from yuanjiao.simulation.history import listening_turn, start_afresh
from yuanjiao.simulation.judge import beats
from yuanjiao.simulation.judge.beats import (
    GRACE_S,
    PERIOD_S,
    SHIP_PHASE_S,
    SWEEP_S,
    Run,
    Times,
    Watch,
    mark_before,
    phase_of,
    runs_of,
    sweep_after,
)
from yuanjiao.simulation.judge.office import MOVE, SUSPEND, Act, Work
from yuanjiao.simulation.judge.truth import CENTRE, Spans, Truth, Try
from yuanjiao.simulation.transport import InsideTransport

log = logging.getLogger(__name__)
GRID_S = 1800.0
NEWS_S, AGAIN_S = 15.0, 30.0
"""The centre looks this soon after news, and again while an outage waits for evidence (really every five seconds: states are dated by
what was heard, so that only the moment of telling is later)."""
LAG_S = 0.25
"""Sweeps come a little after the whole second, as any do: else every mark of a clock that lags by a hair would stand a second early."""
TESTS = UUID("0d8b6a0e-3d0f-4f2e-9c53-0b3f5c1f7a52")


@dataclass
class JudgedEdge(SimulatedEdge):
    """One edge whose sites beat as the truth says. Its array counts by its own clock, and follows it when it is set; what it writes
    down is corrected by what the centre's answers last told it of the time, and by what it saw its clock leap since."""

    truth: Truth = field(kw_only=True)
    runs: list[list[Run]] = field(kw_only=True)
    heard_at_centre: Times = field(kw_only=True)
    delivered: int = field(default=-1, kw_only=True)
    listens_from: float = field(default=0.0, kw_only=True)
    booted: float = field(default=0.0, kw_only=True)
    swept_to: float = field(default=0.0, kw_only=True)
    undated: Undated | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.clock = self.truth.clock_of(self.code)
        rhythms = np.array([self.truth.rhythm(site.code) for site in self.sites])
        self.array.period[:], self.array.grace[:] = rhythms.T
        self.deaf_after = self.truth.deaf_after(self.code)
        self.zero = self.started_at.timestamp()
        self.array.listening_since = self.steady(0.0)
        self._next = np.zeros(len(self.sites), np.int64)
        self._first = np.full(len(self.sites), np.inf)
        self._last = np.full(len(self.sites), np.inf)
        self._base = np.full(len(self.sites), np.inf)
        self._heard = np.full(len(self.sites), -np.inf)

    def steady(self, at: float) -> float:
        """The edge's own clock at a true moment."""
        return self.zero + at + self.clock.ahead(at)

    def correction(self, at: float) -> float:
        """What must be added to its clock: as the last answered batch before the moment told, and what it saw it set by since."""
        told = self.answered(at)
        return -(self.clock.bias + self.clock.drift * told + self.clock.set_by(at) + self.clock.set_asleep(told))

    def answered(self, at: float) -> float:
        """When its last batch before a moment was answered."""
        index = int(np.searchsorted(self.heard_at_centre, at, side="right")) - 1
        return float(self.heard_at_centre[index]) if index >= 0 else 0.0

    def house(self, at: float) -> datetime:
        """The time the edge writes down at a true moment."""
        return self._written(self.steady(at), at)

    def _written(self, steady: float, at: float) -> datetime:
        return self.started_at + timedelta(seconds=steady + self.correction(at) - self.zero)

    def newest(self, at: float) -> Times:
        """The newest beat of every site heard up to a true moment; -inf where there is none since the listener began."""
        for place in np.flatnonzero(self._next < self._counts()):
            rows, index = self.runs[place], int(self._next[place])
            while index < len(rows) and rows[index].first <= at:
                self._first[place], self._last[place], self._base[place] = rows[index].first, rows[index].last, rows[index].base
                index += 1
            self._next[place] = index
        begun = self._first <= at
        first, base = np.where(begun, self._first, at), np.where(begun, self._base, at)
        nominal = np.maximum(base + np.floor((at - base) / self.array.period) * self.array.period, first)
        found = np.where(at >= self._last, self._last, nominal)
        return np.where(begun & (found >= self.listens_from), found, -np.inf)

    def _counts(self) -> NDArray[np.int64]:
        return np.array([len(rows) for rows in self.runs], np.int64)

    def sweep(self, at: float) -> int:
        """Hear what was heard up to `at`, find who is back and who fell silent; returns how many changes were written down."""
        self._follow_clock(at)
        if self.undated is not None and self.answered(at) >= self.booted:
            self._date(self.undated, at)
        newest = self.newest(at)
        fresh = np.flatnonzero(newest > self._heard)  # true moments: after a step an old beat may seem newer by a last bit
        if len(fresh):
            self._heard[fresh] = newest[fresh]
            moved = self.zero + self.clock.bias + self.clock.set_by(at) + self.clock.set_asleep(at)
            self.array.hear_many(fresh, moved + newest[fresh] * (1 + self.clock.drift))
        transitions = self.array.sweep(self.steady(at))
        if len(transitions):
            if self.undated is not None:
                self.undated.held.append(transitions)
            else:
                self._write(transitions, at)
            self.array.settle(transitions)
        return len(transitions)

    def _write(self, found: Transitions, at: float) -> None:
        shift = self.correction(at)
        self._record(StateChanged(changes=[_change(one, shift) for one in found]), self.house(at))

    def _follow_clock(self, at: float) -> None:
        """A clock that was set since the last sweep: as `jobs.sweep` does it, by the same function."""
        by = self.clock.set_by(at) - self.clock.set_by(self.swept_to)
        before, self.swept_to = at - SWEEP_S, at
        if by:
            own_up = by > self.deaf_after
            clock_was_set(self.array, by, swept_at=self.steady(before), now=self.steady(at), dated_above=True)
            if self.undated is not None:
                self.undated.move(by)
            if own_up:
                self._own_up(before, at)
                self.listens_from = at

    def _own_up(self, start: float, at: float) -> None:
        """Nobody listened from `start` until now."""
        if self.undated is not None:
            shift = self.clock.set_by(at) - self.clock.set_by(start)
            self.undated.held.append(Gap(self.steady(start + LAG_S) + shift, self.steady(at + LAG_S)))
        else:
            self._deaf(self.house(start + LAG_S), self.house(at + LAG_S), at)
        self.array.forget(self.steady(at + LAG_S))

    def _deaf(self, start: datetime, end: datetime, at: float) -> None:
        self._record(Deaf(start=moment(start.timestamp()), end=moment(end.timestamp())), self.house(at))

    def start_again(self, at: float, marked: float, *, anew: bool = False) -> None:
        """Its process runs again and owns up to the time nobody listened; `anew`: its machine was off, only the parent knows the time."""
        self.listens_from = self.booted = self.swept_to = at
        self.undated = None
        if anew:
            since = self.house(marked + LAG_S)
            self._deaf(since, since, at)
            self.undated = Undated(since.timestamp(), self.steady(at + LAG_S))
            self.array.forget(self.undated.begun)
            self.array.since[:] = np.minimum(self.array.since, self.undated.begun)
        elif at - marked > self.deaf_after:
            self._own_up(marked, at)
        self.array.last[:], self.array.back[:] = 0, 0
        self.array.listening_since = self.steady(at + LAG_S)

    def _date(self, undated: Undated, at: float) -> None:
        """The parent has told the time: what was held is written."""
        self.undated, shift = None, self.correction(at)
        self._deaf(self._at(undated.since), self._at(undated.begun + shift), at)
        for one in undated.held:
            if isinstance(one, Gap):
                self._deaf(self._at(one.start + shift), self._at(one.end + shift), at)
            else:
                self._write(one, at)

    def _at(self, seconds: float) -> datetime:
        return self.started_at + timedelta(seconds=seconds - self.zero)

    def test(self, site: str, test: Try) -> None:
        """A site tried to play."""
        uid, at = uuid5(TESTS, f"{site}/{test.at}"), self.house(test.at)
        self._record(PlayTested(uid=uid, site=site, at=moment(at.timestamp()), ok=test.ok, step=test.step, item="试播片"), at)

    def ship(self, at: float) -> None:
        """Send what was written down."""
        if not self._ship(self.true(at)):
            raise RuntimeError(f"{self.code}: the centre refused a segment")

    def true(self, at: float) -> datetime:
        return self.started_at + timedelta(seconds=at)

    def tell(self, until: float) -> None:
        """Deliver the newest batch that arrived by `until`, unless it was delivered already."""
        index = int(np.searchsorted(self.heard_at_centre, until, side="right")) - 1
        if index <= self.delivered:
            return
        self.delivered, at = index, float(self.heard_at_centre[index])
        newest = self.newest(at)
        young = np.flatnonzero(at - newest <= 2 * self.array.period).tolist()
        body = {
            "node": str(self.memory.uid),
            "sent_at": self.house(at),
            "boot_at": self.house(at) - timedelta(seconds=at - self.booted),
            "observed_through": None if self.undated is not None else self.house(max(at - at % SWEEP_S, self.listens_from)),
            "journal_seq": self.memory.seq,
            "beats": [[self.sites[place].code, round(max(at - float(newest[place]), 0.0), 1)] for place in young],
        }
        status, content = self._signed("/beat", msgspec.json.encode(body), self.true(at))
        if status != 200:
            raise RuntimeError(f"{self.code}: the centre refused a batch: {content[:200]!r}")

    def lose(self, until: float) -> None:
        """What arrived by `until` was heard by a process that is gone."""
        self.delivered = int(np.searchsorted(self.heard_at_centre, until, side="right")) - 1

    def _signed(self, path: str, body: bytes, now: datetime) -> tuple[int, bytes]:
        """Signed at the time of its own, corrected clock; again with the time of the answer where that is wrong."""
        told = micros(self.house((now - self.started_at).total_seconds()))
        status, content = self._signed_at(told, path, body, now)
        return self._signed_at(micros(now), path, body, now) if status == 401 else (status, content)

    def _signed_at(self, time_us: int, path: str, body: bytes, now: datetime) -> tuple[int, bytes]:
        message = request_bytes(method="POST", target=path, node=self.memory.uid, time_us=time_us, clock_us=time_us, body=body)
        headers = to_headers(Claim(self.memory.uid, time_us, time_us, self._key.sign(message)))
        return self.transport.post(path, body, {"Content-Type": "application/json", **headers}, now)


def _change(transition: object, shift: float) -> Change:
    """A transition as the event carries it, in corrected time; times of 0 are "not known"."""
    code, state, at, heard, latest, reason = (getattr(transition, name) for name in ("code", "state", "at", "heard", "latest", "reason"))
    return Change(
        code=code,
        state=state,
        at=moment(at + shift),
        last=moment(heard + shift) if heard else None,
        latest=moment(latest + shift) if latest else None,
        reason=reason,
    )


def runs_of_site(truth: Truth, site: SimSite) -> list[Run]:
    """The site's beats without a hole, as its edge heard them."""
    heard, listening = beats.heard_of_site(truth, site), beats.listening(truth, site.edge)
    return list(runs_of(heard, listening, hole_s=truth.wait(site.code), period_s=truth.rhythm(site.code)[0]))


def judged_edges(truth: Truth, at: datetime) -> list[JudgedEdge]:
    """The city's edges, enrolled by one-time codes as any machine is."""
    transport = InsideTransport()
    return [_edge(truth, county, number, transport, at) for number, county in enumerate(truth.city.counties)]


def _edge(truth: Truth, county: SimCounty, number: int, transport: InsideTransport, at: datetime) -> JudgedEdge:
    sites = [site for town in county.towns for site in town.sites]
    edge = JudgedEdge(
        county.edge, sites, transport, fresh_memory(), at, PERIOD_S, GRACE_S, truth=truth,
        runs=[runs_of_site(truth, site) for site in sites],
        heard_at_centre=beats.heard_of_edge(truth, county.edge, number),
    )  # fmt: skip
    scope = object_by_code(county.edge).division.path
    edge.enrol(issue_code(kind="edge", name=f"{county.name}边缘服务器", subject_code=county.edge, scope=scope, at=at), at)
    return edge


Deed = Callable[[float], None]


@dataclass
class Life:
    """Everything that happens, in order of time. `steps` counts the centre's turns."""

    truth: Truth
    edges: Sequence[JudgedEdge]
    start: datetime
    steps: int = 0
    _queue: list[tuple[float, int, Deed]] = field(default_factory=list)
    _asked: set[tuple[str, float]] = field(default_factory=set)
    _number: int = 0

    @cached_property
    def officer(self) -> Actor:
        """Who enters what the offices decide."""
        return actor(ADMIN)

    @cached_property
    def listening(self) -> Spans:
        """When the centre listens."""
        return beats.listening(self.truth, CENTRE)

    def at(self, when: float, name: str, deed: Deed) -> None:
        """Do it at that moment, once."""
        if when < self.truth.length and (name, when) not in self._asked:
            self._asked.add((name, when))
            self._number += 1
            heapq.heappush(self._queue, (when, self._number, deed))

    def live(self, report: Callable[[float], None] | None = None) -> None:
        """From the first second to the last."""
        self._plan_centre()
        for act in self.truth.acts:
            self.at(act.at, f"{act.what} {act.code}", partial(self._decide, act))
        for work in self.truth.works:
            self.at(work.announced, f"announce {work.code} {work.start}", partial(self._announce, work))
            self.at(sweep_after(float(work.end), phase_of(CENTRE)), CENTRE, self._turn)
        for edge in self.edges:
            self._plan_edge(edge)
        told = 0.0
        while self._queue:
            now, _, deed = heapq.heappop(self._queue)
            deed(now)
            if report and now - told >= self.truth.length / 100:
                told = now
                report(now / self.truth.length)

    def _decide(self, act: Act, now: float) -> None:
        """An officer enters a decision; the moment is that of the pen, whether or not the centre listens to beats."""
        at, subject = self.start + timedelta(seconds=now), object_by_code(act.code)
        by, on = self.officer, local_day(at)
        if act.what == MOVE:
            move_object(subject=subject, division=division_by_code(act.place, on=on), by=by, on=on, at=at)
        elif act.what == SUSPEND:
            suspend_object(subject=subject, document="青组〔2026〕1号", by=by, on=on, at=at)
        else:
            resume_object(subject=subject, by=by, on=on, at=at)

    def _announce(self, work: Work, now: float) -> None:
        begin, end = (self.start + timedelta(seconds=moment) for moment in (work.start, work.end))
        subject, at = object_by_code(work.code), self.start + timedelta(seconds=now)
        announce_maintenance(subject=subject, start=begin, end=end, document="青信〔2026〕2号", by=self.officer, at=at)

    def _plan_centre(self) -> None:
        for start, end in self.listening:
            self.at(start, "start", self._start_centre if start else self._turn)
            for grid in np.arange(sweep_after(start, phase_of(CENTRE)), end, GRID_S).tolist():
                self.at(grid, CENTRE, self._turn)
            self.at(mark_before(start, end), CENTRE, self._turn)

    def _plan_edge(self, edge: JudgedEdge) -> None:
        for run, then in _with_next(list(runs_of(edge.heard_at_centre, self.listening))):
            self._turn_after(run.first)
            noticed = sweep_after(run.last + PERIOD_S + GRACE_S, phase_of(CENTRE))
            if noticed < then:
                self.at(noticed, CENTRE, self._turn)
        for start, end in beats.reach(self.truth, edge.code):
            first = sweep_after(start, SHIP_PHASE_S)
            if first < end:
                self.at(first, f"ship {edge.code}", partial(self._ship, edge))
        for sweep in edge.clock.sweeps():
            self.at(sweep, edge.code, partial(self._sweep, edge))
        for one in beats.watches(self.truth, edge.code):
            if one.begins:
                self.at(one.start, f"start {edge.code}", partial(self._start_edge, edge, one))
            if one.anew and one.kept:
                self.at(one.dated, edge.code, partial(self._sweep, edge))
            self._plan_listening(edge, one.start, one.end)
            self.at(one.end, f"end {edge.code}", edge.tell)

    def _plan_listening(self, edge: JudgedEdge, start: float, end: float) -> None:
        """Sweeps where a site is heard again or is overdue, and the tests of this time."""
        waits = (edge.array.period + edge.array.grace).tolist()
        moments = {sweep_after(start + wait) for wait in waits}
        for rows, wait in zip(edge.runs, waits, strict=True):
            for run in rows:
                moments |= {sweep_after(run.first), sweep_after(run.last + wait)}
        for sweep in moments:
            if start < sweep < end:
                self.at(sweep, edge.code, partial(self._sweep, edge))
        for site in edge.sites:
            for test in self.truth.tests.get(site.code, []):
                if start <= test.at < end and was_made(self.truth, site, test):
                    self.at(test.at, site.code, partial(self._test, edge, site.code, test))

    def _test(self, edge: JudgedEdge, site: str, test: Try, now: float) -> None:
        """A passed test changes nothing of what is told: it goes with the next segment. What cannot be dated is not taken."""
        if edge.undated is not None:
            return
        edge.test(site, test)
        if not test.ok:
            self._ship_after(edge, now)

    def _sweep(self, edge: JudgedEdge, now: float) -> None:
        edge.sweep(now)
        if edge.memory.unsent:
            self._ship_after(edge, now)

    def _start_edge(self, edge: JudgedEdge, watch: Watch, now: float) -> None:
        edge.start_again(now, watch.marked, anew=watch.anew)
        self._ship_after(edge, now)

    def _ship_after(self, edge: JudgedEdge, now: float) -> None:
        turn = sweep_after(now, SHIP_PHASE_S)
        if beats.reach(self.truth, edge.code).holds(turn):
            self.at(turn, f"ship {edge.code}", partial(self._ship, edge))

    def _ship(self, edge: JudgedEdge, now: float) -> None:
        if edge.memory.unsent:
            edge.ship(now)
            self._turn_after(now)

    def _turn_after(self, now: float) -> None:
        turn = math.ceil((now - phase_of(CENTRE)) / NEWS_S) * NEWS_S + phase_of(CENTRE)
        if self.listening.holds(turn):
            self.at(turn, CENTRE, self._turn)

    def _start_centre(self, now: float) -> None:
        """What was said to the old process and not yet written down is lost with it."""
        start_afresh()
        for edge in self.edges:
            edge.lose(now)
        self._turn(now)

    def _turn(self, now: float) -> None:
        if not self.listening.holds(now):
            return
        for edge in self.edges:
            if edge.memory.unsent and beats.reach(self.truth, edge.code).holds(now):
                edge.ship(now)
            edge.tell(now)
        listening_turn(self.start + timedelta(seconds=now), swept_s_ago=SWEEP_S)
        self.steps += 1
        if (
            Outage.objects.filter(ended_at=None, held=True).exists()
            or Outage.objects.filter(ended_at=None, root__ended_at__isnull=False).exists()
        ):
            self._turn_after(now + AGAIN_S)


def was_made(truth: Truth, site: SimSite, test: Try) -> bool:
    """A test is made when the site works and its line carries it."""
    return truth.working(site.code).holds(test.at) and truth.working(site.line).holds(test.at)


def _with_next(runs: Sequence[Run]) -> Iterator[tuple[Run, float]]:
    yield from zip(runs, [*(run.first for run in runs), np.inf][1:], strict=True)
