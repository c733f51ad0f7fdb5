"""What the offices of a judged city decide while it lives: sites move and are suspended, work is announced, clocks of boxes differ. Pure.

A decision is taken at a moment (seconds since the beginning, which is midnight) and holds from the midnight before it, as every dated
change of the register does; announced work holds from its own first second to its last.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from yuanjiao.simulation.city import City, SimSite

HOUR, DAY = 3600.0, 86400.0
MOVE, SUSPEND, RESUME = "move", "suspend", "resume"
MOVED_SHARE, SUSPENDED_SHARE, WORK_DAYS = 0.01, 0.01, 3.0
RHYTHMS = ((60, 30, 0.85), (300, 120, 0.08), (120, 60, 0.04), (30, 15, 0.03))
"""Period, grace, and the share of sites that beat so."""
Span = tuple[int, int]


@dataclass(frozen=True, order=True)
class Act:
    """One decision on one object, taken at `at`; `place` is the code of the division it moves to."""

    at: float
    what: str
    code: str
    place: str = ""

    @property
    def holds_from(self) -> int:
        return int(self.at // DAY * DAY)


@dataclass(frozen=True, order=True)
class Work:
    """Announced work on an object and all that hangs on it, over [start, end); the object is really off for part of it."""

    announced: float
    start: int
    end: int
    code: str
    off: tuple[float, float]


def rhythm_of(seed: int, site: SimSite) -> tuple[float, float]:
    """Period and grace of one site's beats."""
    draw = random.Random(f"judge/{seed}/{site.code}/rhythm").random()
    for period, grace, share in RHYTHMS:
        draw -= share
        if draw < 0:
            return float(period), float(grace)
    return float(RHYTHMS[0][0]), float(RHYTHMS[0][1])


def acts_of(city: City, seed: int, length: float) -> list[Act]:
    """Every decision of the time, in order. What is suspended is resumed some days later, if there are so many."""
    return sorted(act for site in city.sites() for act in _acts_on(city, site, seed, int(length // DAY)))


def _acts_on(city: City, site: SimSite, seed: int, days: int) -> Iterator[Act]:
    draw = random.Random(f"judge/{seed}/{site.code}/office")
    chance, moment = draw.random(), 9 * HOUR + draw.uniform(0, 8 * HOUR)
    if days < 2:
        return
    day = draw.randrange(1, days)
    if chance < MOVED_SHARE:
        county = next(county for county in city.counties if county.edge == site.edge)
        places = [other.village_code for town in county.towns for other in town.sites if other.village_code != site.village_code]
        if places:
            yield Act(day * DAY + moment, MOVE, site.code, draw.choice(places))
    elif chance < MOVED_SHARE + SUSPENDED_SHARE:
        yield Act(day * DAY + moment, SUSPEND, site.code)
        back = day + draw.randint(1, 6)
        if back < days:
            yield Act(back * DAY + moment, RESUME, site.code)


def works_of(city: City, seed: int, length: float, quiet_end: float) -> list[Work]:
    """Announced work: each edge, uplink and line now and then, and a few sites."""
    codes = [code for county in city.counties for code in (county.edge, county.uplink)]
    codes += [town.line for town in city.towns()] + [site.code for site in city.sites()]
    rare = 40
    rows = []
    for code in sorted(set(codes)):
        draw = random.Random(f"judge/{seed}/{code}/work")
        chance = WORK_DAYS / 100 * length / (30 * DAY) * {"E": 8, "U": 8, "L": 3}.get(code[0], 3 / rare)
        start = int(draw.uniform(4 * HOUR, max(length - quiet_end - 6 * HOUR, 4 * HOUR + 1)))
        lasts = int(draw.uniform(HOUR, 5 * HOUR))
        if draw.random() < chance and start + lasts < length - quiet_end:
            begin = start + draw.uniform(120, lasts / 3)
            rows.append(
                Work(start - draw.uniform(HOUR, 3 * HOUR), start, start + lasts, code, (begin, begin + draw.uniform(0.3, 0.5) * lasts))
            )
    return sorted(rows)


def pieces_of(site: SimSite, acts: Sequence[Act], works: Sequence[Work], length: int) -> list[tuple[str, int, int]]:
    """Where the site's seconds belong: (code of its division, from, to); what is set apart (suspended, announced work) is in none."""
    place, since, serves, spans = site.village_code, 0, True, []
    for act in sorted(act for act in acts if act.code == site.code):
        if serves:
            spans.append((place, since, act.holds_from))
        since, serves = act.holds_from, act.what != SUSPEND
        place = act.place or place
    if serves:
        spans.append((place, since, length))
    windows = [(work.start, work.end) for work in works]
    return [(code, *part) for code, first, last in spans for part in _without((first, min(last, length)), windows) if part[1] > part[0]]


def _without(span: Span, windows: Sequence[Span]) -> Iterator[Span]:
    """What of a span lies in none of the windows."""
    first, last = span
    for start, end in sorted(windows):
        if end > first and start < last:
            if start > first:
                yield first, min(start, last)
            first = max(first, end)
    if first < last:
        yield first, last
