"""The rate's arithmetic against an oracle that counts every second of every site one by one."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuanjiao.network.rules import RULE, Rate, RateRule, SecondsBySite, SiteSpans, seconds_by_site
from yuanjiao.network.rules.rates import DOWN, FOREVER, UP

SMALL = RateRule(version=0, heartbeat_min=1, play_days=1, min_coverage=0.9)
HORIZON = 3 * 86_400
times = st.integers(min_value=1, max_value=40).map(lambda step: step * 7_001 % HORIZON + 1)


@st.composite
def cities(draw: st.DrawFn) -> SiteSpans:
    """A few sites with disjoint spans, gaps between them, tests, late service and suspensions."""
    spans: list[tuple[int, int, int, int, int]] = []
    tests: list[tuple[int, int, int]] = []
    service: list[tuple[int, int, int]] = []
    for site in range(draw(st.integers(1, 3))):
        edges = sorted(draw(st.sets(times, min_size=0, max_size=6)))
        for start, end in zip(edges, edges[1:] or [], strict=False):
            state = draw(st.sampled_from([0, UP, DOWN, None]))
            if state is not None:
                heard = draw(st.sampled_from([0, max(1, start - 30), start]))
                spans.append((site, state, start, draw(st.sampled_from([end, end])), heard))
        tests += [(site, moment, draw(st.integers(0, 1))) for moment in draw(st.sets(times, max_size=4))]
        first = draw(st.sampled_from([0, 50_000]))
        last = draw(st.sampled_from([FOREVER, 120_000, 200_000]))
        service.append((first, last, draw(st.integers(0, 1))))
    table = np.array(spans, np.int64).reshape(-1, 5)
    seen = np.array(tests, np.int64).reshape(-1, 3)
    life = np.array(service, np.int64).reshape(-1, 3)
    return SiteSpans(*table.T, *seen.T, *life.T)


def oracle(rows: SiteSpans, moments: list[int], rule: RateRule) -> list[tuple[int, int, int, int]]:
    """The definition, second by second."""
    return [_oracle_site(rows, site, moments, rule) for site in range(len(rows.served_from))]


def _oracle_site(rows: SiteSpans, site: int, moments: list[int], rule: RateRule) -> tuple[int, int, int, int]:
    counts = {"up": 0, "down": 0, "unknown": 0, "excluded": 0, "out": 0}
    for now in moments:
        counts[_class_at(rows, site, now, rule)] += 1
    return counts["up"], counts["down"], counts["unknown"], counts["excluded"]


def _class_at(rows: SiteSpans, site: int, now: int, rule: RateRule) -> str:
    if now >= max(rows.served_to[site], rows.served_from[site]):
        return "excluded" if rows.suspended[site] else "out"
    if now < rows.served_from[site]:
        return "out"
    heartbeat = None
    for of, state, at, until, heard in zip(rows.site, rows.state, rows.at, rows.until, rows.heard, strict=True):
        if of == site and at <= now < until and state in (UP, DOWN):
            heartbeat = bool(state == UP or (heard and now < heard + rule.heartbeat_min * 60))
    if heartbeat is None:
        return "unknown"
    if not heartbeat:
        return "down"
    tests = [(at, ok) for of, at, ok in zip(rows.test_site, rows.test_at, rows.test_ok, strict=True) if of == site and at <= now]
    if not tests or now - max(tests)[0] >= rule.play_days * 86_400:
        return "unknown"
    return "up" if max(tests)[1] else "down"


def flat(found: SecondsBySite) -> list[tuple[int, int, int, int]]:
    return [tuple(int(n) for n in row) for row in zip(found.up, found.down, found.unknown, found.excluded, strict=True)]  # type: ignore[misc]


@pytest.mark.clause("NET05", "NET06")
@settings(max_examples=150, deadline=None)
@given(rows=cities(), start=st.integers(0, HORIZON), length=st.integers(1, 400))
def test_every_second_is_counted_as_the_rule_says(rows: SiteSpans, start: int, length: int) -> None:
    found = seconds_by_site(rows, start=start, end=start + length, rule=SMALL)
    assert flat(found) == oracle(rows, list(range(start, start + length)), SMALL)


@settings(max_examples=150, deadline=None)
@given(rows=cities(), cuts=st.lists(st.integers(0, HORIZON), min_size=3, max_size=5))
def test_seconds_of_neighbouring_periods_add_up_to_the_whole(rows: SiteSpans, cuts: list[int]) -> None:
    cuts = sorted(cuts)
    whole = np.array(flat(seconds_by_site(rows, start=cuts[0], end=cuts[-1], rule=SMALL)))
    parts = sum(np.array(flat(seconds_by_site(rows, start=a, end=b, rule=SMALL))) for a, b in itertools.pairwise(cuts))
    assert (whole == parts).all()


@settings(max_examples=100, deadline=None)
@given(rows=cities(), start=st.integers(0, HORIZON), length=st.integers(0, HORIZON), seed=st.randoms())
def test_the_order_in_which_rows_arrive_changes_nothing(rows: SiteSpans, start: int, length: int, seed: object) -> None:
    order = np.random.default_rng(abs(hash(str(seed))) % 2**32).permutation(len(rows.site))
    mixed = SiteSpans(
        *(getattr(rows, name)[order] for name in ("site", "state", "at", "until", "heard")),
        *(getattr(rows, name)[::-1] for name in ("test_site", "test_at", "test_ok")),
        rows.served_from, rows.served_to, rows.suspended,
    )  # fmt: skip
    end = start + length
    assert flat(seconds_by_site(rows, start=start, end=end, rule=SMALL)) == flat(seconds_by_site(mixed, start=start, end=end, rule=SMALL))


def rate(**parts: int) -> Rate:
    known = {"up": 0, "down": 0, "unknown": 0, "excluded": 0, "population": 1, "suspended": 0} | parts
    return Rate(**known, rule=RULE, start=datetime(2026, 3, 1, tzinfo=UTC))  # type: ignore[arg-type]


@pytest.mark.clause("NET06")
def test_a_rate_says_its_rule_and_gives_no_number_when_too_little_is_known() -> None:
    assert "5 分钟内有心跳" in RULE.sentence
    assert "30 天内" in RULE.sentence
    assert rate(up=8, down=2).value == 0.8
    few = rate(up=8, unknown=2)
    assert (few.value, few.coverage, few.bounds) == (None, 0.8, (0.8, 1.0))
    assert "80.0%" in few.why_none
    assert (rate().value, rate().why_none) == (None, "没有在用站点")
