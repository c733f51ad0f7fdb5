"""What truly happens in a judged city: every strike on an object, every stop of a monitor, every clock and every play test. Pure.

Times are seconds since the beginning of the judged time, by a true clock that nobody in the city has. Each object draws from a
generator of its own, so that a longer time or a larger city does not change what happened elsewhere or before (but for the hours in
which a site flaps, and announced work: they are placed somewhere in the whole time).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from yuanjiao.simulation.city import City, SimSite
from yuanjiao.simulation.judge.clocks import WrongClock, deaf_after, draw_clock
from yuanjiao.simulation.judge.office import Act, Work, acts_of, pieces_of, rhythm_of, works_of

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SITE, LINE, UPLINK, EDGE, CENTRE, PLAY = "site", "line", "uplink", "edge", "centre", "play"
WORK = "announced work"
CLASS_OF = {SITE: "equipment", LINE: "line", UPLINK: "line", EDGE: "server"}
CLASS_OF_STEP = {"link": "line", "edge": "server", "catalogue": "server", "video": "equipment"}
"""What is at fault when a site beats but a step of its play test fails."""
QUIET_END = 2 * HOUR
"""Nothing is broken in the last two hours, so that every record arrives before the reckoning."""
QUIET_START = 10 * MINUTE


@dataclass(frozen=True, order=True)
class Strike:
    """One object does not work in [start, end). `note` says what kind of trouble it is: fault, flapping, restart, announced work."""

    start: float
    end: float
    kind: str
    code: str
    note: str = "fault"

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Habit:
    """How often one kind of object is struck, and between which lengths (their logarithm is drawn evenly), in seconds."""

    days_between: float
    shortest: float
    longest: float


HABITS = {
    SITE: Habit(90, 2 * MINUTE, 40 * HOUR),
    LINE: Habit(25, 3 * MINUTE, 20 * HOUR),
    UPLINK: Habit(5, 3 * MINUTE, 12 * HOUR),
    EDGE: Habit(7, 3 * MINUTE, 8 * HOUR),
    CENTRE: Habit(5, 1 * MINUTE, 4 * HOUR),
}
RESTARTS = {EDGE: Habit(10, 8, 50), CENTRE: Habit(6, 8, 50), SITE: Habit(15, 5, 25)}
"""A process or box that was only restarted: too short for anybody to be told."""
FLAPPING_SHARE = 0.01
TEST_EVERY = 5 * DAY


@dataclass(frozen=True)
class Try:
    """One try of a site to play: it is made only if the site then works and is heard."""

    at: float
    ok: bool
    step: str = ""


@dataclass(frozen=True)
class Spans:
    """Disjoint spans of time in order."""

    rows: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, rows: Iterable[tuple[float, float]]) -> Spans:
        """Overlapping and touching spans become one."""
        joined: list[tuple[float, float]] = []
        for start, end in sorted(rows):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], end))
            else:
                joined.append((start, end))
        return cls(tuple(joined))

    def outside(self, until: float) -> Spans:
        """What of [0, until) is not in them."""
        edges = [0.0, *(edge for row in self.rows for edge in row), until]
        return Spans(tuple((start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end > start))

    def holds(self, moment: float) -> bool:
        return any(start <= moment < end for start, end in self.rows)

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return iter(self.rows)


@dataclass
class Truth:
    """Everything that truly happens in [0, length)."""

    city: City
    length: float
    strikes: list[Strike]
    clocks: dict[str, WrongClock] = field(default_factory=dict)
    tests: dict[str, list[Try]] = field(default_factory=dict)
    acts: list[Act] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    rhythms: dict[str, tuple[float, float]] = field(default_factory=dict)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Edge → its number."""
        return {county.edge: number for number, county in enumerate(self.city.counties)}

    @cached_property
    def broken(self) -> dict[str, Spans]:
        """Code → when it does not work."""
        rows: dict[str, list[tuple[float, float]]] = {}
        for strike in self.strikes:
            rows.setdefault(strike.code, []).append((strike.start, strike.end))
        return {code: Spans.of(spans) for code, spans in rows.items()}

    @cached_property
    def _by_code(self) -> dict[str, list[Strike]]:
        rows: dict[str, list[Strike]] = {}
        for strike in self.strikes:
            rows.setdefault(strike.code, []).append(strike)
        return rows

    def strikes_on(self, code: str) -> list[Strike]:
        """Every strike on one object, in order."""
        return self._by_code.get(code, [])

    def broken_of(self, code: str) -> Spans:
        return self.broken.get(code, Spans(()))

    def working(self, code: str) -> Spans:
        """When the object works, from 0 to the end."""
        return self.broken_of(code).outside(self.length)

    def clock_of(self, edge: str) -> WrongClock:
        return self.clocks.get(edge, WrongClock())

    @cached_property
    def uplinks(self) -> dict[str, str]:
        """Edge → its uplink, which it may share with others."""
        return {county.edge: county.uplink for county in self.city.counties}

    def edges_on(self, code: str) -> list[str]:
        """The edges that an edge's or an uplink's own silence silences."""
        return [edge for edge, uplink in self.uplinks.items() if code in {edge, uplink}]

    @cached_property
    def sites(self) -> dict[str, SimSite]:
        return {site.code: site for site in self.city.sites()}

    @cached_property
    def behind(self) -> dict[str, list[SimSite]]:
        """Edge → its sites, in the city's order."""
        found: dict[str, list[SimSite]] = {}
        for site in self.city.sites():
            found.setdefault(site.edge, []).append(site)
        return found

    def rhythm(self, site: str) -> tuple[float, float]:
        """Period and grace of a site."""
        return self.rhythms.get(site, (60.0, 30.0))

    def wait(self, site: str) -> float:
        return sum(self.rhythm(site))

    @cached_property
    def longest_wait(self) -> float:
        return max(map(sum, self.rhythms.values()), default=90.0)

    def wait_under(self, edge: str) -> float:
        """The shortest period and grace of what an edge listens to."""
        return min((self.wait(site.code) for site in sites_of(self, edge)), default=90.0)

    def deaf_after(self, edge: str) -> float:
        """How long a pause of its own an edge passes over."""
        return deaf_after(self.wait_under(edge))

    def leaps_of(self, listener: str) -> frozenset[float]:
        """The sweeps at which a listener owns up to a leap of its clock."""
        clock = self.clocks.get(listener)
        return clock.leaps(self.deaf_after(listener)) if clock else frozenset()

    def works_over(self, site: SimSite) -> list[Work]:
        """Announced work that covers a site: on itself or on what it hangs on."""
        above = {site.code, site.line, site.edge, self.uplinks[site.edge]}
        return [work for work in self.works if work.code in above]

    def pieces(self, site: SimSite, until: int) -> list[tuple[str, int, int]]:
        """Where each served second of a site counts."""
        return pieces_of(site, [act for act in self.acts if act.code == site.code], self.works_over(site), until)


def draw_truth(city: City, *, days: float, seed: int, haste: float = 1.0, wrong_clocks: bool = True) -> Truth:
    """The truth of `days` days from a seed. `haste` 10: everything happens ten times as often and lasts a third as long."""
    length = days * DAY
    objects = dict(_objects(city))
    strikes = [strike for code, kind in objects.items() for strike in _strikes_of(seed, code, kind, length, haste)]
    works = works_of(city, seed, length, QUIET_END)
    strikes += [Strike(*work.off, objects[work.code], work.code, WORK) for work in works]
    truth = Truth(city, length, sorted(strikes), acts=acts_of(city, seed, length), works=works)
    truth.rhythms = {site.code: rhythm_of(seed, site) for site in city.sites()}
    if wrong_clocks:
        truth.clocks = dict(_clocks(truth, seed))
    truth.tests = {site.code: _tests_of(truth, site, seed) for site in city.sites()}
    return truth


def _objects(city: City) -> Iterator[tuple[str, str]]:
    yield CENTRE, CENTRE
    for county in city.counties:
        yield county.edge, EDGE
        yield county.uplink, UPLINK
        for town in county.towns:
            yield town.line, LINE
            for site in town.sites:
                yield site.code, SITE


def _strikes_of(seed: int, code: str, kind: str, length: float, haste: float) -> Iterator[Strike]:
    def draw(what: str) -> random.Random:
        return random.Random(f"judge/{seed}/{code}/{what}")

    yield from _by_habit(draw("fault"), HABITS[kind], Strike(0, 0, kind, code), length, haste)
    if restarts := RESTARTS.get(kind):
        yield from _by_habit(draw("restart"), restarts, Strike(0, 0, kind, code, "restart"), length, haste)
    if kind == SITE and draw("flaps").random() < FLAPPING_SHARE:
        yield from _flapping(draw("flapping"), code, length)


def _by_habit(draw: random.Random, habit: Habit, like: Strike, length: float, haste: float) -> Iterator[Strike]:
    """Strikes of one habit; haste shortens the long ones only, so that every strike still outlasts the grace."""
    longest = max(habit.longest / math.sqrt(haste), habit.shortest * 2) if habit.longest > HOUR else habit.longest
    moment = QUIET_START + draw.expovariate(haste / (habit.days_between * DAY))
    while True:
        lasts = math.exp(draw.uniform(math.log(habit.shortest), math.log(longest)))
        if moment + lasts >= length - QUIET_END:
            return
        yield Strike(moment, moment + lasts, like.kind, like.code, like.note)
        moment += lasts + 5 * MINUTE + draw.expovariate(haste / (habit.days_between * DAY))


def _flapping(draw: random.Random, code: str, length: float) -> Iterator[Strike]:
    """An hour or two in which a site comes and goes."""
    moment = draw.uniform(HOUR, max(length - QUIET_END - 4 * HOUR, HOUR + 1))
    for _ in range(draw.randint(6, 14)):
        lasts = draw.uniform(100, 300)
        if moment + lasts >= length - QUIET_END:
            return
        yield Strike(moment, moment + lasts, SITE, code, "flapping")
        moment += lasts + draw.uniform(90, 400)


def _clocks(truth: Truth, seed: int) -> Iterator[tuple[str, WrongClock]]:
    for number, county in enumerate(truth.city.counties):
        cuts = [(one.start, one.end) for one in truth.strikes_on(county.uplink) if one.seconds > HOUR]
        yield county.edge, draw_clock(seed, number, county.edge, cuts, truth.working(county.edge).rows)


def _tests_of(truth: Truth, site: SimSite, seed: int) -> list[Try]:
    """A test every few days at times of the site's own; one site in fifty is never tested, one in sixty fails for some time."""
    draw = random.Random(f"judge/{seed}/{site.code}/tests")
    if draw.random() < 0.02:
        return []
    moment, rows = draw.uniform(QUIET_START, DAY / 2), []
    ill, step = _ill_time(draw, truth.length), draw.choice(sorted(CLASS_OF_STEP))
    while moment < truth.length - QUIET_END:
        ok = not ill[0] <= moment < ill[1]
        rows.append(Try(moment, ok, "" if ok else step))
        moment += draw.uniform(0.6, 1.4) * TEST_EVERY * (1 if ok else 0.1)
    return rows


def _ill_time(draw: random.Random, length: float) -> tuple[float, float]:
    if draw.random() > 1 / 60:
        return (length, length)
    start = draw.uniform(0, length)
    return (start, start + draw.uniform(DAY, 4 * DAY))


def sites_of(truth: Truth, edge: str) -> Sequence[SimSite]:
    """The sites behind one edge, in the city's order."""
    return truth.behind.get(edge, [])
