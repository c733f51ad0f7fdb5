"""The findings beside the truth: every site's seconds, every strike's root and class, and what nobody can justify."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from yuanjiao.lib.clock import local_day
from yuanjiao.network.queries import rate_over, rates_by_site
from yuanjiao.places.queries import division_by_code
from yuanjiao.simulation.city import SimSite
from yuanjiao.simulation.judge import beats
from yuanjiao.simulation.judge.asking import WAIT_S, edge_of, edges_of, is_noticeable, is_set_apart, line_of, must_be_found
from yuanjiao.simulation.judge.bench import Bench, Found
from yuanjiao.simulation.judge.life import was_made
from yuanjiao.simulation.judge.oracle import Sums, Told, sums
from yuanjiao.simulation.judge.truth import CENTRE, CLASS_OF, CLASS_OF_STEP, EDGE, LINE, PLAY, SITE, UPLINK, Strike, Truth, sites_of


@dataclass(frozen=True)
class Difference:
    """One site whose seconds are not what they must be."""

    code: str
    expected: Sums
    told: Sums
    boundaries: int
    allowed_s: int
    """By how many seconds each boundary may be off: what the edge's clock can have moved between two words with its parent."""

    @property
    def off_by(self) -> Sums:
        return self.told - self.expected

    @property
    def worst(self) -> int:
        off = self.off_by
        return max(abs(off.up), abs(off.down), abs(off.unknown))


@dataclass(frozen=True)
class Finding:
    """What became of one strike: the object named as its root ("" when nothing was), and the class that stands."""

    strike: Strike
    root_kind: str
    fault_class: str
    exact: bool
    true_class: str = ""

    @property
    def right_class(self) -> bool:
        return self.fault_class == (self.true_class or CLASS_OF[self.strike.kind])


@dataclass
class Judgement:
    """The whole comparison."""

    sites: int = 0
    expected: Sums = field(default_factory=Sums)
    told: Sums = field(default_factory=Sums)
    differences: list[Difference] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    invented: list[Found] = field(default_factory=list)
    symptoms: list[Found] = field(default_factory=list)
    """Told as roots of their own although what is above them was broken, or nothing of theirs was."""
    roots: int = 0
    strikes: Counter[str] = field(default_factory=Counter)
    too_short: int = 0
    """Strikes that made no silence longer than period, grace and one sweep, wherever one would look."""
    under_another: int = 0
    """Strikes that no observer could tell from another one that was there at the same time."""
    set_apart: int = 0
    """Strikes in announced work or on what was suspended: recorded, not told."""
    works: int = 0
    told_in_work: list[Found] = field(default_factory=list)
    """Told as roots although announced work covered them from beginning to end."""
    places: int = 0
    places_off: list[tuple[str, Sums, Sums]] = field(default_factory=list)
    """Divisions whose seconds are not those of the sites that stood there, day by day."""
    clocks: Counter[str] = field(default_factory=Counter)
    moved_s: float = 0.0
    """The most that any edge's clock drifted between two words with its parent."""

    @property
    def missed(self) -> list[Finding]:
        return [one for one in self.findings if not one.root_kind]

    @property
    def exact_share(self) -> float:
        return sum(one.exact for one in self.findings) / max(len(self.findings), 1)

    @property
    def class_share(self) -> float:
        found = [one for one in self.findings if one.root_kind]
        return sum(one.right_class for one in found) / max(len(found), 1)

    @property
    def unequal(self) -> list[Difference]:
        """Sites that differ by more than their edge's clock can have moved between two words with its parent, at each boundary."""
        return [one for one in self.differences if one.worst > one.allowed_s * one.boundaries]


def judge(bench: Bench) -> Judgement:
    """Compare everything."""
    answer = Judgement(strikes=Counter(strike.kind for strike in bench.truth.strikes))
    answer.works = len(bench.truth.works)
    answer.clocks = Counter(bench.truth.clock_of(county.edge).kind for county in bench.truth.city.counties)
    answer.moved_s = max(bench.moved.values())
    _judge_seconds(bench, answer)
    by_code: dict[str, list[Found]] = {}
    for row in bench.found:
        if row.sign == "silence":
            by_code.setdefault(row.code, []).append(row)
    for strike in bench.truth.strikes:
        if strike.kind == CENTRE:
            continue
        if is_set_apart(bench.truth, strike):
            answer.set_apart += 1
        elif must_be_found(bench, strike):
            answer.findings.append(_finding(bench.truth, strike, by_code))
        elif is_noticeable(bench, strike):
            answer.under_another += 1
        else:
            answer.too_short += 1
    answer.findings += _judge_plays(bench, answer)
    roots = [row for row in bench.found if not row.root and not row.held]
    answer.roots = len(roots)
    for row in roots:
        if row.sign == "silence" and _in_work(bench.truth, row):
            answer.told_in_work.append(row)
        if row.sign == "silence" and not _justified(bench.truth, row):
            (answer.symptoms if _something_near(bench.truth, row) else answer.invented).append(row)
    return answer


def _judge_seconds(bench: Bench, answer: Judgement) -> None:
    """Every site over the whole time, and every place by the sites that stood there, as long as they did."""
    end = bench.start + timedelta(seconds=bench.until)
    told = {row.code: row.rate for row in rates_by_site("/", bench.start, end)}
    places: dict[str, Sums] = {}
    for site in bench.truth.city.sites():
        spans = _clipped(bench.stories[site.code][0], int(bench.until))
        listening = beats.dating(bench.truth, site.edge)
        tests = [test for test in bench.truth.tests[site.code] if was_made(bench.truth, site, test) and listening.holds(test.at)]
        expected = Sums()
        for place, first, last in bench.truth.pieces(site, int(bench.until)):
            part = sums(spans, tests, first, last)
            expected, places[place] = _add(expected, part), _add(places.get(place, Sums()), part)
        rate = told.get(site.code)
        given = Sums(rate.up, rate.down, rate.unknown) if rate else Sums()
        answer.sites += 1
        answer.expected, answer.told = _add(answer.expected, expected), _add(answer.told, given)
        if given != expected:
            allowed = math.ceil(bench.moved[site.edge])
            answer.differences.append(Difference(site.code, expected, given, len(spans) + len(tests), allowed))
    _judge_places(bench, answer, places, end)


def _judge_places(bench: Bench, answer: Judgement, expected: Mapping[str, Sums], end: datetime) -> None:
    """Villages between which sites moved: to the second, unless a site differs itself."""
    off = {one.code for one in answer.differences}
    moved = {act.code for act in bench.truth.acts if act.place}
    villages = {place for code in moved for place, _, _ in bench.truth.pieces(bench.truth.sites[code], int(bench.until))}
    own = {site.village_code: site.code for site in bench.truth.city.sites()}
    for village in sorted(villages):
        rate = rate_over(division_by_code(village, on=local_day(end)), bench.start, end)
        given, wanted = Sums(rate.up, rate.down, rate.unknown), expected.get(village, Sums())
        answer.places += 1
        if given != wanted and not off & {own.get(village, ""), *(act.code for act in bench.truth.acts if act.place == village)}:
            answer.places_off.append((village, wanted, given))


def _judge_plays(bench: Bench, answer: Judgement) -> list[Finding]:
    """A site that is heard and cannot play is a fault of its own, of the class of the step that failed."""
    told: dict[str, list[Found]] = {}
    for row in bench.found:
        if row.sign != "silence":
            told.setdefault(row.code, []).append(row)
    findings = []
    for site in bench.truth.city.sites():
        rows, streaks = told.get(site.code, []), list(_streaks(bench, site))
        for row in rows:
            if not any(start - 2 <= row.start <= end + 2 for start, end, _ in streaks):
                answer.invented.append(row)
        for start, end, step in streaks:
            if any(dark.start - 3 * WAIT_S < end and start - 3 * WAIT_S < dark.end for dark in bench.stories[site.code][1]):
                continue
            strike = Strike(start, end, PLAY, site.code)
            answer.strikes[PLAY] += 1
            if is_set_apart(bench.truth, strike):
                answer.set_apart += 1
                continue
            hit = next((row for row in rows if start - 2 <= row.start <= end + 2), None)
            findings.append(Finding(strike, PLAY if hit else "", hit.fault_class if hit else "", bool(hit), CLASS_OF_STEP[step]))
    return findings


def _streaks(bench: Bench, site: SimSite) -> Iterator[tuple[float, float, str]]:
    """Failed tests in a row that were made and heard: the first, the last, the step."""
    listening = beats.dating(bench.truth, site.edge)
    made = [test for test in bench.truth.tests[site.code] if was_made(bench.truth, site, test) and listening.holds(test.at)]
    for ok, tests in groupby(made, key=lambda test: test.ok):
        if not ok:
            rows = list(tests)
            yield rows[0].at, rows[-1].at, rows[0].step


def _in_work(truth: Truth, row: Found) -> bool:
    """Whether the very object was announced to be worked on, from before its silence to after it."""
    return any(work.code == row.code and work.start <= row.start and row.end <= work.end for work in truth.works)


def _add(one: Sums, other: Sums) -> Sums:
    return Sums(one.up + other.up, one.down + other.down, one.unknown + other.unknown)


def _clipped(spans: Iterable[Told], until: int) -> list[Told]:
    return [Told(s.state, s.start, min(s.end, until), s.heard) for s in spans if s.start < until]


def _finding(truth: Truth, strike: Strike, by_code: Mapping[str, Sequence[Found]]) -> Finding:
    """The root that stands for the strike: on the struck object itself, else on what is above or below it."""
    early = truth.longest_wait if strike.kind in {SITE, LINE} else WAIT_S
    for codes in ([strike.code], _neighbours(truth, strike)):
        for code in codes:
            rows = [row for row in by_code.get(code, ()) if row.overlaps(strike.start - early, strike.end) and not row.root]
            told = [row for row in rows if not row.held or strike.note == "flapping"]
            if told:
                row = max(told, key=lambda one: min(one.end, strike.end) - max(one.start, strike.start))
                return Finding(strike, row.kind, row.fault_class, row.code == strike.code)
    return Finding(strike, "", "", exact=False)


def _neighbours(truth: Truth, strike: Strike) -> list[str]:
    if strike.kind in {EDGE, UPLINK}:
        edges = truth.edges_on(strike.code)
        return [*edges, *(truth.uplinks[edge] for edge in edges)]
    edge = edge_of(strike.code)
    sites = [site for site in sites_of(truth, edge) if site.line == line_of(strike.code)]
    return [line_of(strike.code), edge, truth.uplinks[edge], *(site.code for site in sites if strike.kind == LINE)]


def _justified(truth: Truth, row: Found) -> bool:
    """Something truly was broken at the very object."""
    wait = truth.longest_wait
    return any(row.overlaps(strike.start - wait, strike.end + wait) for strike in truth.strikes_on(row.code))


def _something_near(truth: Truth, row: Found) -> bool:
    """Something truly was broken above, below or beside it."""
    edges, wait = edges_of(truth, row.code), truth.longest_wait
    codes = {*edges, *(truth.uplinks[edge] for edge in edges), line_of(row.code)}
    if row.kind == LINE:
        codes |= {site.code for site in sites_of(truth, edges[0]) if site.line == row.code}
    return any(row.overlaps(strike.start - wait, strike.end + wait) for code in codes for strike in truth.strikes_on(code))
