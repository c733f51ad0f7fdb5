"""Every beat that follows from the truth, and who truly hears it. Pure; one site at a time, so that a month of a city fits."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from yuanjiao.simulation.city import SimSite
from yuanjiao.simulation.judge.clocks import REBOOT_S
from yuanjiao.simulation.judge.truth import CENTRE, Spans, Truth

Times = NDArray[np.float64]
PERIOD_S, GRACE_S = 60.0, 30.0
SWEEP_S, BATCH_S = 5.0, 30.0
SHIP_PHASE_S, CENTRE_PHASE_S = 1.0, 4.0
LATE_SHARE, LATE_S = 0.01, 25.0
MARK_S = 10.0


def heard_of_site(truth: Truth, site: SimSite) -> Times:
    """When the site's edge received its beats, in order: the site worked, its line carried them, and the edge listened."""
    draw = random.Random(f"judge/{truth.city.plan.seed}/{site.code}/beats")
    period, grace = truth.rhythm(site.code)
    sent = [np.arange(start + draw.uniform(1, period / 3), end, period) for start, end in truth.working(site.code)]
    times = np.concatenate([*sent, np.zeros(0)])
    received = np.sort(times + _lateness(draw, len(times)) * min(1.0, grace / GRACE_S))
    received = received[received < truth.length]
    return received[inside(truth.working(site.line), received) & inside(listening(truth, site.edge), received)]


def _lateness(draw: random.Random, count: int) -> Times:
    """One beat in a hundred is on its way for up to 25 seconds (less where the grace is shorter)."""
    noise = np.random.default_rng(draw.getrandbits(64))
    return np.where(noise.random(count) < LATE_SHARE, noise.uniform(0, LATE_S, count), 0.0)


def inside(spans: Spans, moments: Times) -> NDArray[np.bool_]:
    """Which moments lie in one of the spans."""
    edges = np.array([edge for row in spans for edge in row])
    odd: NDArray[np.bool_] = np.searchsorted(edges, moments, side="right") % 2 == 1
    return odd


def listening(truth: Truth, code: str) -> Spans:
    """When a listener (an edge's or the centre's) runs: from its first sweep after a start to its end.

    A clock that leaps forward ends one span and begins another: the machine cannot know that it did not sleep.
    """
    rows = [(sweep_after(start, phase_of(code)) if start else 0.0, end) for start, end in truth.working(code)]
    leaps = sorted(truth.leaps_of(code))
    cut = [(first, last) for row in rows for first, last in _cut(row, leaps)]
    return Spans(tuple(row for row in cut if row[1] > row[0]))


def _cut(row: tuple[float, float], moments: list[float]) -> Iterator[tuple[float, float]]:
    bounds = [row[0], *(moment for moment in moments if row[0] < moment < row[1]), row[1]]
    yield from pairwise(bounds)


def phase_of(code: str) -> float:
    """Edges sweep at whole five seconds and ship a second later; the centre sweeps after that."""
    return CENTRE_PHASE_S if code == CENTRE else 0.0


def sweep_after(moment: float, phase: float = 0.0) -> float:
    """The first sweep later than a moment."""
    return (math.floor((moment - phase) / SWEEP_S) + 1) * SWEEP_S + phase


def reach(truth: Truth, edge: str) -> Spans:
    """When the edge's word arrives at the centre: both listen, and the uplink works."""
    deaf = [span for code in (edge, CENTRE) for span in listening(truth, code).outside(truth.length)]
    return Spans.of([*deaf, *truth.broken_of(truth.uplinks[edge])]).outside(truth.length)


def heard_of_edge(truth: Truth, edge: str, number: int) -> Times:
    """When the centre received the edge's batches: twice a minute, while both listened and the uplink worked."""
    phase = 2.0 + SWEEP_S * (number % 6) + (number % 10) / 10
    sent = np.arange(phase, truth.length, BATCH_S)
    return sent[inside(reach(truth, edge), sent)]


@dataclass(frozen=True)
class Watch:
    """One span of listening of an edge. `begins`: a process started then; `anew`: after the machine was off, so that nothing is dated
    until the parent has told the time, at the sweep `dated` (infinite: never, and all of it is lost). `marked`: the last mark before."""

    start: float
    end: float
    begins: bool
    anew: bool
    dated: float
    marked: float

    @property
    def kept(self) -> bool:
        return self.dated < self.end


def watches(truth: Truth, edge: str) -> list[Watch]:
    """An edge's spans of listening, in order."""
    words, leaps = heard_of_edge(truth, edge, truth.numbers[edge]), truth.leaps_of(edge)
    found: list[Watch] = []
    marked, anew, ended = 0.0, False, 0.0
    for start, end in listening(truth, edge):
        begins = bool(start) and start not in leaps
        anew = anew or (begins and start - ended > REBOOT_S)
        dated = start
        if anew:
            word = int(np.searchsorted(words, start))
            dated = sweep_after(float(words[word])) if word < len(words) else math.inf
        found.append(Watch(start, end, begins, anew, dated if dated < end else math.inf, marked))
        if found[-1].kept:
            marked, anew = mark_before(dated, end), False
        ended = end
    return found


def mark_before(start: float, end: float) -> float:
    """The last mark of a listener that ran during [start, end): one every ten seconds, at a sweep."""
    return start + max(math.ceil((end - start) / MARK_S) - 1, 0) * MARK_S


def recorded(truth: Truth, edge: str) -> Spans:
    """The spans of listening of which anything is told: the edge learnt the time in them."""
    return Spans(tuple((one.start, one.end) for one in watches(truth, edge) if one.kept))


def dating(truth: Truth, edge: str) -> Spans:
    """When an edge takes what can only be taken with a date: play tests."""
    return Spans(tuple((one.dated, one.end) for one in watches(truth, edge) if one.kept))


@dataclass(frozen=True)
class Run:
    """Beats without a hole: the first and the last of them, as received. In between they come a period apart, counted from `base`."""

    first: float
    last: float
    base: float


def runs_of(heard: Times, listening: Spans, *, hole_s: float = PERIOD_S + GRACE_S, period_s: float = PERIOD_S) -> Iterator[Run]:
    """The beats as runs between holes that may be longer than `hole_s`; a new listener begins a new run, and so does a box that was
    restarted and beats at other moments from then on."""
    for start, end in listening:
        mine = heard[(heard >= start) & (heard < end)]
        apart = np.diff(mine)
        breaks = np.flatnonzero((apart >= hole_s) | (abs(apart - period_s) > LATE_S + 1))
        if len(mine):
            for first, last in zip([0, *(breaks + 1)], [*breaks, len(mine) - 1], strict=True):
                part = mine[first : last + 1] - mine[first]
                early = float((part - np.rint(part / period_s) * period_s).min())
                yield Run(float(mine[first]), float(mine[last]), float(mine[first]) + early)
