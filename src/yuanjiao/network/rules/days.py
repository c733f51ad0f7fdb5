"""One day's known spans of all sites as columns, and their seconds: the same definition as `seconds_by_site`, a day at a time.

Moments are whole seconds after the day's start (int32), sites are named by their key. What no span covers is unknown. A day holds
everything its seconds depend on: the spans that touch it and the play tests that still speak in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yuanjiao.network.rules.rates import DOWN, UP, Ints, RateRule, SiteSpans

Column = NDArray[np.int32]
Bytes = NDArray[np.int8]
NEVER = -(1 << 31)
"""In place of a beat or a test that is not known: before every moment."""
_STEP = 1 << 33
_NONE, _PASSED, _FAILED, _CHANGES = 0, 1, 2, 3


@dataclass(frozen=True)
class Day:
    """Spans in (site, begin) order, cut to [0, length); tests in (site, at) order, at most one of a site before 0."""

    start: int
    length: int
    site: Column
    begin: Column
    finish: Column
    state: Bytes
    heard: Column
    test_site: Column
    test_at: Column
    test_ok: Bytes


@dataclass(frozen=True)
class Segments:
    """What the rule makes of a day: disjoint [begin, finish) of up or down in (site, begin) order; the rest is unknown."""

    key: Ints
    begin: Ints
    finish: Ints
    up_before: Ints
    down_before: Ints
    kind: Bytes


def day_of(rows: SiteSpans, *, start: int, length: int) -> Day:
    """Cut rows whose `site` and `test_site` are keys to one day. Service dates in the rows are not looked at."""
    begin, finish = np.maximum(rows.at - start, 0), np.minimum(rows.until - start, length)
    kept = ((rows.state == UP) | (rows.state == DOWN)) & (finish > begin)
    order = np.flatnonzero(kept)[_sorted_by(rows.site[kept], begin[kept])]
    heard = np.where(rows.heard > 0, np.maximum(rows.heard - start, NEVER + 1), NEVER)
    test_site, test_at, test_ok = _speaking_tests(rows, start, length)
    return Day(
        start, length, _column(rows.site[order]), _column(begin[order]), _column(finish[order]), rows.state[order].astype(np.int8),
        _column(np.minimum(heard, length)[order]), test_site, test_at, test_ok,
    )  # fmt: skip


def _speaking_tests(rows: SiteSpans, start: int, length: int) -> tuple[Column, Column, Bytes]:
    """The tests of the day, and of each site the newest one before it."""
    at = np.maximum(rows.test_at - start, NEVER + 1)
    order = np.flatnonzero(at < length)
    order = order[_sorted_by(rows.test_site[order], at[order])]
    site, at = rows.test_site[order], at[order]
    old = at <= 0
    superseded = old[:-1] & old[1:] & (site[1:] == site[:-1])
    kept = np.ones(len(site), dtype=bool)
    kept[:-1] = ~superseded
    return _column(site[kept]), _column(at[kept]), rows.test_ok[order][kept].astype(np.int8)


def _sorted_by(site: Ints, at: Ints) -> Ints:
    return np.argsort(site * _STEP + at, kind="stable")


def _column(values: Ints) -> Column:
    return np.asarray(values, dtype=np.int32)


def seconds_of_day(day: Day, rule: RateRule, size: int) -> tuple[Column, Column]:
    """(up, down) seconds of every site, by key, in arrays of `size`."""
    silent = _silent_from(day, rule)
    verdict = _verdicts(day, rule, size)
    of_row = verdict[day.site]
    beating, down = silent - day.begin, day.finish - silent
    up = np.where(of_row == _PASSED, beating, 0)
    down += np.where(of_row == _FAILED, beating, 0)
    changing = np.flatnonzero(of_row == _CHANGES)
    if len(changing):
        row, begin, finish, ok = _pieces(day, silent, changing, rule)
        up[:] += _added(row, np.where(ok == 1, finish - begin, 0), len(up))
        down[:] += _added(row, np.where(ok == 0, finish - begin, 0), len(up))
    return _added(day.site, up, size), _added(day.site, down, size)


def _added(index: NDArray[np.int32] | Ints, seconds: Column | Ints, size: int) -> Column:
    return np.bincount(index, weights=seconds, minlength=size).astype(np.int32)


def _silent_from(day: Day, rule: RateRule) -> Column:
    """The moment of each span from which no beat is younger than N minutes."""
    lapse = np.where(day.heard > NEVER, day.heard + np.int32(rule.heartbeat_min * 60), np.int32(NEVER))
    return np.where(day.state == UP, day.finish, np.clip(lapse, day.begin, day.finish))


def _verdicts(day: Day, rule: RateRule, size: int) -> Bytes:
    """What the play tests say of each site all day long, or that it changes within the day."""
    verdict = np.zeros(size, dtype=np.int8)
    lasts = day.test_at.astype(np.int64) + rule.play_days * 86_400
    whole = (day.test_at <= 0) & (lasts >= day.length)
    verdict[day.test_site[whole]] = np.where(day.test_ok[whole] == 1, _PASSED, _FAILED)
    changes = (day.test_at > 0) | ((lasts > 0) & (lasts < day.length))
    verdict[day.test_site[changes]] = _CHANGES
    return verdict


def _pieces(day: Day, silent: Column, rows: Ints, rule: RateRule) -> tuple[Ints, Ints, Ints, Bytes]:
    """The beating part of the spans at `rows`, cut where a test begins or ceases to speak: (row, begin, finish, ok)."""
    tests = day.test_site.astype(np.int64) * _STEP + day.test_at
    of = day.test_site
    ends = np.append(np.where(of[1:] == of[:-1], day.test_at[1:], day.length), [day.length] * (len(of) > 0))
    ends = np.minimum(ends, day.test_at.astype(np.int64) + rule.play_days * 86_400)
    site = day.site[rows].astype(np.int64) * _STEP
    first = np.searchsorted(tests, site + NEVER, side="left")
    first = np.maximum(first, np.searchsorted(tests, site + day.begin[rows], side="right") - 1)
    count = np.maximum(np.searchsorted(tests, site + silent[rows], side="left") - first, 0)
    row = np.repeat(rows, count)
    test = np.repeat(first, count) + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    begin, finish = np.maximum(day.begin[row], day.test_at[test]), np.minimum(silent[row], ends[test])
    real = finish > begin
    return row[real], begin[real], finish[real], day.test_ok[test][real]


def segments_of_day(day: Day, rule: RateRule) -> Segments:
    """The day as the rule sees it, ready to be asked up to any moment."""
    silent = _silent_from(day, rule)
    row, begin, finish, ok = _pieces(day, silent, np.arange(len(day.site)), rule)
    dark = np.flatnonzero(day.finish > silent)
    site = np.concatenate([day.site[row], day.site[dark]]).astype(np.int64)
    starts = np.concatenate([begin, silent[dark]]).astype(np.int64)
    stops = np.concatenate([finish, day.finish[dark]]).astype(np.int64)
    kind = np.concatenate([np.where(ok == 1, UP, DOWN), np.full(len(dark), DOWN)]).astype(np.int8)
    order = _sorted_by(site, starts)
    site, starts, stops, kind = site[order], starts[order], stops[order], kind[order]
    length = stops - starts
    up = np.concatenate(([0], np.cumsum(np.where(kind == UP, length, 0))))
    down = np.concatenate(([0], np.cumsum(np.where(kind == DOWN, length, 0))))
    return Segments(site * _STEP + starts, starts, stops, up, down, kind)


def cut_day(day: Day, first: int, last: int) -> Day:
    """The same day without what lies outside [first, last)."""
    if first <= 0 and last >= day.length:
        return day
    begin, finish = np.maximum(day.begin, np.int32(first)), np.minimum(day.finish, np.int32(last))
    kept = finish > begin
    return replace(day, site=day.site[kept], begin=begin[kept], finish=finish[kept], state=day.state[kept], heard=day.heard[kept])


def rows_of(day: Day, sites: Ints) -> Day:
    """The same day with the rows of these sites only."""
    kept, tests = np.isin(day.site, sites), np.isin(day.test_site, sites)
    return replace(
        day, site=day.site[kept], begin=day.begin[kept], finish=day.finish[kept], state=day.state[kept], heard=day.heard[kept],
        test_site=day.test_site[tests], test_at=day.test_at[tests], test_ok=day.test_ok[tests],
    )  # fmt: skip


def seconds_between(segments: Segments, site: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """(up, down) seconds of `site[i]` in [first[i], last[i]), offsets within the day; O(log rows) for each."""
    up_to_last, down_to_last = _before(segments, site, last)
    up_to_first, down_to_first = _before(segments, site, first)
    return up_to_last - up_to_first, down_to_last - down_to_first


def _before(segments: Segments, site: Ints, moment: Ints) -> tuple[Ints, Ints]:
    """Seconds in all segments that stand before (site, moment): differences within one site are that site's seconds."""
    if not len(segments.key):
        return np.zeros(len(site), np.int64), np.zeros(len(site), np.int64)
    index = np.searchsorted(segments.key, site * _STEP + moment, side="right")
    here = np.maximum(index - 1, 0)
    same = (index > 0) & (segments.key[here] // _STEP == site)
    rest = np.where(same, segments.finish[here] - np.minimum(moment, segments.finish[here]), 0)
    kind = segments.kind[here]
    up = segments.up_before[index] - np.where(kind == UP, rest, 0)
    return up, segments.down_before[index] - np.where(kind == DOWN, rest, 0)
