"""The findings beside the truth: every site's seconds, every strike's root and class, and what nobody can justify.

A strike must be found when an honest observer must have noticed it: when its silence is longer than period, grace and one sweep, and
nothing above it explains that silence rightly. Where two strikes fall together so that nobody can tell them apart, nothing is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby

from yuanjiao.network.models import Outage
from yuanjiao.network.queries import rates_by_site
from yuanjiao.simulation.city import SimSite
from yuanjiao.simulation.judge import beats
from yuanjiao.simulation.judge.beats import GRACE_S, PERIOD_S, SWEEP_S, phase_of
from yuanjiao.simulation.judge.life import was_made
from yuanjiao.simulation.judge.oracle import Dark, Sums, Told, story, sums
from yuanjiao.simulation.judge.truth import (
    CENTRE,
    CLASS_OF,
    CLASS_OF_STEP,
    EDGE,
    LINE,
    PLAY,
    SITE,
    UPLINK,
    Strike,
    Truth,
    sites_of,
    uplink_of,
)

WAIT_S = PERIOD_S + GRACE_S
TOGETHER_S = 2 * WAIT_S + PERIOD_S
"""Silences that begin within this time of each other may rightly be held for one."""
ALL_NOTICE_S = 2 * PERIOD_S + GRACE_S + SWEEP_S + beats.LATE_S
"""A cut of this length is noticed at every site behind it."""
STAYED_S = 3 * WAIT_S + PERIOD_S
"""So long after what is above came back, what is still dark has a cause of its own."""
NEVER = 1e12


@dataclass(frozen=True)
class Found:
    """One outage as the system tells it; times in seconds since the beginning."""

    code: str
    kind: str
    start: float
    end: float
    root: str
    held: bool
    fault_class: str
    settled: bool
    sign: str = "silence"

    def overlaps(self, start: float, end: float) -> bool:
        return self.start <= end and self.end >= start


@dataclass(frozen=True)
class Difference:
    """One site whose seconds are not what they must be."""

    code: str
    expected: Sums
    told: Sums
    boundaries: int
    exact_clock: bool

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
        """Sites that differ by more than the error of their edge's clock: a second at each boundary where that clock is wrong."""
        return [one for one in self.differences if one.worst > (0 if one.exact_clock else one.boundaries)]


@dataclass
class Bench:
    """Truth, oracle and findings of one life, ready to be compared."""

    truth: Truth
    start: datetime
    until: float
    """The reckoning covers [0, until)."""

    @cached_property
    def stories(self) -> dict[str, tuple[list[Told], list[Dark]]]:
        """Site → what its edge must say."""
        answer = {}
        for county in self.truth.city.counties:
            spans = beats.listening(self.truth, county.edge)
            for site in sites_of(self.truth, county.edge):
                heard = beats.heard_of_site(self.truth, site).tolist()
                answer[site.code] = story(heard, spans, self.truth.length)
        return answer

    @cached_property
    def edge_dark(self) -> dict[str, list[Dark]]:
        """Edge → the silences the centre must notice."""
        spans, answer = beats.listening(self.truth, CENTRE), {}
        for number, county in enumerate(self.truth.city.counties):
            heard = beats.heard_of_edge(self.truth, county.edge, number).tolist()
            answer[county.edge] = story(heard, spans, self.truth.length, phase_of(CENTRE))[1]
        return answer

    @cached_property
    def found(self) -> list[Found]:
        """Every outage the system tells of, from its tables."""
        rows = Outage.objects.select_related("object", "root__object").prefetch_related("verdicts").order_by("started_at", "pk")
        return [self._found(row) for row in rows]

    def _found(self, row: Outage) -> Found:
        verdicts = list(row.verdicts.all())
        return Found(
            code=row.object.code,
            kind=kind_of(row.object.code),
            start=self._seconds(row.started_at),
            end=self._seconds(row.ended_at) if row.ended_at else NEVER,
            root=row.root.object.code if row.root else "",
            held=row.held,
            fault_class=row.fault_class,
            settled=bool(verdicts and verdicts[-1].settled),
            sign=row.sign,
        )

    def _seconds(self, at: datetime) -> float:
        return (at - self.start) / timedelta(seconds=1)


def kind_of(code: str) -> str:
    return {"S": SITE, "L": LINE, "U": UPLINK, "E": EDGE}[code[0]]


def judge(bench: Bench) -> Judgement:
    """Compare everything."""
    answer = Judgement(strikes=Counter(strike.kind for strike in bench.truth.strikes))
    _judge_seconds(bench, answer)
    by_code: dict[str, list[Found]] = {}
    for row in bench.found:
        if row.sign == "silence":
            by_code.setdefault(row.code, []).append(row)
    for strike in bench.truth.strikes:
        if strike.kind == CENTRE:
            continue
        if must_be_found(bench, strike):
            answer.findings.append(_finding(bench.truth, strike, by_code))
        elif _is_noticeable(bench, strike):
            answer.under_another += 1
        else:
            answer.too_short += 1
    answer.findings += _judge_plays(bench, answer)
    roots = [row for row in bench.found if not row.root and not row.held]
    answer.roots = len(roots)
    for row in roots:
        if row.sign == "silence" and not _justified(bench.truth, row):
            (answer.symptoms if _something_near(bench.truth, row) else answer.invented).append(row)
    return answer


def _judge_seconds(bench: Bench, answer: Judgement) -> None:
    until = bench.start + timedelta(seconds=bench.until)
    told = {row.code: row.rate for row in rates_by_site("/", bench.start, until)}
    for site in bench.truth.city.sites():
        spans = _clipped(bench.stories[site.code][0], int(bench.until))
        listening = beats.listening(bench.truth, site.edge)
        tests = [test for test in bench.truth.tests[site.code] if was_made(bench.truth, site, test) and listening.holds(test.at)]
        expected, rate = sums(spans, tests), told[site.code]
        given = Sums(rate.up, rate.down, rate.unknown)
        answer.sites += 1
        answer.expected, answer.told = _add(answer.expected, expected), _add(answer.told, given)
        if given != expected:
            exact = bench.truth.clock_of(site.edge).bias == 0
            answer.differences.append(Difference(site.code, expected, given, len(spans) + len(tests), exact))


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
            if any(dark.start - TOGETHER_S < end and start - TOGETHER_S < dark.end for dark in bench.stories[site.code][1]):
                continue
            answer.strikes[PLAY] += 1
            hit = next((row for row in rows if start - 2 <= row.start <= end + 2), None)
            strike = Strike(start, end, PLAY, site.code)
            findings.append(Finding(strike, PLAY if hit else "", hit.fault_class if hit else "", bool(hit), CLASS_OF_STEP[step]))
    return findings


def _streaks(bench: Bench, site: SimSite) -> Iterator[tuple[float, float, str]]:
    """Failed tests in a row that were made and heard: the first, the last, the step."""
    listening = beats.listening(bench.truth, site.edge)
    made = [test for test in bench.truth.tests[site.code] if was_made(bench.truth, site, test) and listening.holds(test.at)]
    for ok, tests in groupby(made, key=lambda test: test.ok):
        if not ok:
            rows = list(tests)
            yield rows[0].at, rows[-1].at, rows[0].step


def _add(one: Sums, other: Sums) -> Sums:
    return Sums(one.up + other.up, one.down + other.down, one.unknown + other.unknown)


def _clipped(spans: Iterable[Told], until: int) -> list[Told]:
    return [Told(s.state, s.start, min(s.end, until), s.heard) for s in spans if s.start < until]


def must_be_found(bench: Bench, strike: Strike) -> bool:
    """Whether an honest observer must name the struck object as a root."""
    if strike.kind == SITE:
        return _site_must(bench, strike)
    return _line_must(bench, strike) if strike.kind == LINE else _edge_must(bench, strike)


def _is_noticeable(bench: Bench, strike: Strike) -> bool:
    """Whether anything fell silent while it lasted."""
    edge = edge_of(strike.code)
    if strike.kind in {EDGE, UPLINK}:
        rows = bench.edge_dark[edge]
    else:
        sites = [site for site in sites_of(bench.truth, edge) if strike.code in {site.code, site.line}]
        rows = [dark for site in sites for dark in bench.stories[site.code][1]]
    return any(dark.start < strike.end and strike.start < dark.end for dark in rows)


def _site_must(bench: Bench, strike: Strike) -> bool:
    line = line_of(strike.code)
    cuts = list(bench.truth.broken_of(line))
    for dark in bench.stories[strike.code][1]:
        if not (dark.start < strike.end and strike.start < dark.end) or _another(bench.truth, strike, dark):
            continue
        near = [cut for cut in cuts if cut[0] < dark.end + TOGETHER_S and cut[1] > dark.start - TOGETHER_S]
        if not near or (strike.start + TOGETHER_S < near[0][0] and dark.noticed < near[0][0]):
            return True
        if all(cut[1] + STAYED_S < min(strike.end, dark.end) and cut[0] > strike.start - TOGETHER_S for cut in near):
            return True
    return False


def _another(truth: Truth, strike: Strike, dark: Dark) -> bool:
    """Whether another strike on the same site began the silence, or none of this one's time made it."""
    rows = [row for row in truth.strikes_on(strike.code) if row.start < dark.end and dark.start < row.end]
    return max(rows, key=lambda row: row.seconds) != strike


def _line_must(bench: Bench, strike: Strike) -> bool:
    """A cut while its edge listens, long enough for every site behind it, and with at least two sites that fell silent by it."""
    truth, edge = bench.truth, edge_of(strike.code)
    for start, end in beats.listening(truth, edge):
        begin, finish = max(start, strike.start), min(end, strike.end)
        if finish - begin < ALL_NOTICE_S:
            continue
        fallen = 0
        for site in sites_of(truth, edge):
            if site.line == strike.code:
                fallen += any(begin - WAIT_S <= dark.start <= begin + WAIT_S for dark in bench.stories[site.code][1])
        if fallen >= 2:
            return True
    return False


def _edge_must(bench: Bench, strike: Strike) -> bool:
    edge = edge_of(strike.code)
    for dark in bench.edge_dark[edge]:
        inside = min(dark.end, strike.end) - max(dark.start, strike.start)
        others = [row for code in (edge, uplink_of(edge)) for row in bench.truth.strikes_on(code) if row != strike]
        alone = not any(row.start < dark.end + WAIT_S and row.end > dark.start - WAIT_S for row in others)
        if inside > 0 and alone:
            return True
    return False


def _finding(truth: Truth, strike: Strike, by_code: Mapping[str, Sequence[Found]]) -> Finding:
    """The root that stands for the strike: on the struck object itself, else on what is above or below it."""
    for codes in (_same(strike), _neighbours(truth, strike)):
        for code in codes:
            rows = [row for row in by_code.get(code, ()) if row.overlaps(strike.start - WAIT_S, strike.end) and not row.root]
            told = [row for row in rows if not row.held or strike.note == "flapping"]
            if told:
                row = max(told, key=lambda one: min(one.end, strike.end) - max(one.start, strike.start))
                return Finding(strike, row.kind, row.fault_class, row.code == strike.code)
    return Finding(strike, "", "", exact=False)


def _same(strike: Strike) -> list[str]:
    return [strike.code]


def _neighbours(truth: Truth, strike: Strike) -> list[str]:
    edge = edge_of(strike.code)
    if strike.kind in {EDGE, UPLINK}:
        return [edge, uplink_of(edge)]
    sites = [site for site in sites_of(truth, edge) if site.line == line_of(strike.code)]
    return [line_of(strike.code), edge, uplink_of(edge), *(site.code for site in sites if strike.kind == LINE)]


def _justified(truth: Truth, row: Found) -> bool:
    """Something truly was broken at the very object."""
    return any(row.overlaps(strike.start - WAIT_S, strike.end + WAIT_S) for strike in truth.strikes_on(row.code))


def _something_near(truth: Truth, row: Found) -> bool:
    """Something truly was broken above, below or beside it."""
    edge = edge_of(row.code)
    codes = {edge, uplink_of(edge), line_of(row.code)}
    if row.kind == LINE:
        codes |= {site.code for site in sites_of(truth, edge) if site.line == row.code}
    return any(row.overlaps(strike.start - WAIT_S, strike.end + WAIT_S) for code in codes for strike in truth.strikes_on(code))


def edge_of(code: str) -> str:
    return f"E-{code[2:8]}"


def line_of(code: str) -> str:
    return f"L-{code[2:11]}"
