"""Running counters: every object's up and down seconds since `start`, up to its last transition, and the span that is open now.

New rows advance them; a row that tells of an earlier time makes its site late, and a late site is counted anew from its rows.
A span is added once its observer's record has reached its end; until then it is pending. All times are whole seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yuanjiao.network.counting.reading import OBSERVERS, ends_of
from yuanjiao.network.rules.rates import DOWN, FOREVER, UP, Ints, RateRule

_STEP = 1 << 33
OWN = {"state": np.int8, "mark": np.int64, "heard": np.int64, "observer": np.int32, "test_at": np.int64, "test_ok": np.int8}
SINCE = {"since": np.int64}
"""When the open state began, as it was told; 0 for what was never heard of."""


@dataclass(frozen=True)
class Piece:
    """Spans in one state under one play test (`test_at` 0: none), as columns."""

    site: Ints
    state: Ints
    begin: Ints
    finish: Ints
    heard: Ints
    observer: Ints
    test_at: Ints
    test_ok: Ints

    def where(self, chosen: NDArray[np.bool_] | Ints) -> Piece:
        return Piece(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def and_also(self, other: Piece) -> Piece:
        return Piece(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in self.__dataclass_fields__))


def no_pieces() -> Piece:
    return Piece(*(np.zeros(0, np.int64) for _ in range(8)))


def evaluate(piece: Piece, finish: Ints, rule: RateRule) -> tuple[Ints, Ints]:
    """(up, down) seconds of each piece cut at `finish`."""
    begin, finish = piece.begin, np.maximum(finish, piece.begin)
    lapse = np.where(piece.heard > 0, piece.heard + rule.heartbeat_min * 60, 0)
    silent = np.where(piece.state == UP, finish, _between(lapse, begin, finish))
    speaks = _between(piece.test_at + rule.play_days * 86_400, begin, silent) - _between(piece.test_at, begin, silent)
    known = piece.state != 0
    tested = np.where(known & (piece.test_at > 0), speaks, 0)
    up = np.where(piece.test_ok == 1, tested, 0)
    return up, np.where(known, tested - up + finish - silent, 0)


def _between(moment: Ints, low: Ints, high: Ints) -> Ints:
    """As `np.clip`, which takes six times as long with arrays for bounds."""
    return np.minimum(np.maximum(moment, low), high)


class Today:
    """The counters of one process. Arrays are indexed by object key."""

    def __init__(self, start: int, rule: RateRule) -> None:
        self.start, self.rule = start, rule
        self.up, self.down = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.open = {name: np.zeros(0, kind) for name, kind in (OWN | SINCE).items()}
        self.pending = no_pieces()
        self.ends: Mapping[int, int] = {}
        self.observers: set[int] = set()

    @property
    def size(self) -> int:
        return len(self.up)

    def grow(self, size: int) -> None:
        """Room for keys below `size`."""
        more = max(size - self.size, 0)
        self.up, self.down = (np.append(column, np.zeros(more, np.int64)) for column in (self.up, self.down))
        self.open = {name: np.append(column, np.zeros(more, column.dtype)) for name, column in self.open.items()}

    def shrinks(self, ends: Mapping[int, int]) -> bool:
        """Whether some record now ends earlier than when its spans were added: then everything is to be loaded anew."""
        return any(end < self.ends.get(number, FOREVER) and number in self.observers for number, end in ends.items())

    def load(self, sites: Ints | None, spans: Ints, tests: Ints, ends: Mapping[int, int]) -> None:
        """Count these sites (None: all) anew. `spans`: (site, state, at, until, heard, observer), `tests`: (site, at, ok), as they came."""
        self._make_room(spans, tests)
        self.grow(0 if sites is None else int(sites.max(initial=-1)) + 1)
        self._clear(sites)
        spans, tests = _in_order(spans, 0, 2), _in_order(tests, 0, 1)
        last = np.flatnonzero(np.append(tests[1:, 0] != tests[:-1, 0], [True] * (len(tests) > 0)))
        self._tests(tests[last])
        self._since(spans)
        pieces = _split(spans, tests, self.start)
        is_open = pieces.finish >= FOREVER
        self._open(pieces.where(is_open))
        self._add(pieces.where(~is_open), ends)

    def advance(self, spans: Ints, tests: Ints, ends: Mapping[int, int]) -> Ints:
        """Take in new rows; returns the sites that are late and must be loaded anew. The counters of those are not to be used before."""
        self._make_room(spans, tests)
        spans, tests = _in_order(spans, 0, 2), _in_order(tests, 0, 1)
        late = np.unique(np.concatenate([self._late_spans(spans), self._late_tests(tests), np.intersect1d(spans[:, 0], tests[:, 0])]))
        self._follow_spans(spans[~np.isin(spans[:, 0], late)], ends)
        self._follow_tests(tests[~np.isin(tests[:, 0], late)], ends)
        return late

    def _make_room(self, spans: Ints, tests: Ints) -> None:
        self.grow(int(max(spans[:, 0].max(initial=-1), tests[:, 0].max(initial=-1))) + 1)
        self.observers.update(np.unique(spans[:, 5]).tolist())

    def _late_spans(self, spans: Ints) -> Ints:
        """Sites of which a new row does not simply go on where the record stood."""
        site, at, until = spans[:, 0], spans[:, 2], spans[:, 3]
        follows = np.append(site[1:] == site[:-1], [False] * (len(site) > 0))
        wanted = np.where(follows, np.append(at[1:], [0] * (len(at) > 0)), FOREVER)
        stood = np.maximum(np.maximum(self.open["mark"][site], self.open["test_at"][site]), self.start)
        late: Ints = site[(at < stood) | (until != wanted)]
        return late

    def _late_tests(self, tests: Ints) -> Ints:
        site, at = tests[:, 0], tests[:, 1]
        late: Ints = site[(at < self.open["mark"][site]) | (at < self.open["test_at"][site]) | (at < self.start)]
        return late

    def _follow_spans(self, spans: Ints, ends: Mapping[int, int]) -> None:
        site, at = spans[:, 0], spans[:, 2]
        first = np.flatnonzero(np.append([True] * (len(site) > 0), site[1:] != site[:-1]).astype(bool))
        closing = self._standing(site[first], at[first])
        self._since(spans)
        test_at, test_ok = (self.open[name][site].astype(np.int64) for name in ("test_at", "test_ok"))
        new = Piece(site, spans[:, 1], at, spans[:, 3], spans[:, 4], spans[:, 5], test_at, test_ok)
        is_open = new.finish >= FOREVER
        self._open(new.where(is_open))
        self._add(closing.and_also(new.where(~is_open)), ends)

    def _follow_tests(self, tests: Ints, ends: Mapping[int, int]) -> None:
        """Each test ends what was open and begins it again under what the test says."""
        for turn in _turns(tests[:, 0]):
            some = tests[turn]
            self._add(self._standing(some[:, 0], some[:, 1]), ends)
            self.open["mark"][some[:, 0]] = np.maximum(some[:, 1], self.start)
            self._tests(some)

    def _standing(self, site: Ints, finish: Ints) -> Piece:
        """What is open at these sites, ending at `finish`."""
        own = {name: self.open[name][site].astype(np.int64) for name in OWN}
        return Piece(site, own["state"], own["mark"], finish, own["heard"], own["observer"], own["test_at"], own["test_ok"])

    def _since(self, spans: Ints) -> None:
        lasting = spans[spans[:, 3] >= FOREVER]
        self.open["since"][lasting[:, 0]] = lasting[:, 2]

    def _open(self, piece: Piece) -> None:
        for name, column in (("state", piece.state), ("mark", piece.begin), ("heard", piece.heard), ("observer", piece.observer)):
            self.open[name][piece.site] = column

    def _tests(self, tests: Ints) -> None:
        self.open["test_at"][tests[:, 0]], self.open["test_ok"][tests[:, 0]] = tests[:, 1], tests[:, 2]

    def _clear(self, sites: Ints | None) -> None:
        chosen: Ints | slice = slice(None) if sites is None else sites
        for column in (self.up, self.down, *self.open.values()):
            column[chosen] = 0
        self.pending = no_pieces() if sites is None else self.pending.where(~np.isin(self.pending.site, sites))

    def _add(self, pieces: Piece, ends: Mapping[int, int]) -> None:
        """Add what is believed whole, keep the rest."""
        pieces = pieces.where((pieces.state != 0) & (pieces.finish > pieces.begin))
        if len(pieces.site):
            believed = pieces.finish <= _ends(pieces.observer, ends)
            self._sum(pieces.where(believed))
            self.pending = self.pending.and_also(pieces.where(~believed))

    def _sum(self, pieces: Piece) -> None:
        up, down = evaluate(pieces, pieces.finish, self.rule)
        np.add.at(self.up, pieces.site, up)
        np.add.at(self.down, pieces.site, down)

    def settle(self, ends: Mapping[int, int]) -> None:
        """Add what has become believed since."""
        pieces, self.pending, self.ends = self.pending, no_pieces(), ends
        self._add(pieces, ends)

    def seconds(self, until: int, ends: Mapping[int, int]) -> tuple[Ints, Ints, Ints]:
        """(up, down) of every key over [start, until), and the keys whose counters are already beyond `until`."""
        standing = self._all_standing()
        up, down = evaluate(standing, np.minimum(_ends(standing.observer, ends), until), self.rule)
        more_up, more_down = evaluate(
            self.pending, np.minimum(np.minimum(_ends(self.pending.observer, ends), self.pending.finish), until), self.rule
        )
        np.add.at(up, self.pending.site, more_up)
        np.add.at(down, self.pending.site, more_down)
        return self.up + up, self.down + down, np.flatnonzero(self.open["mark"] > until)

    def _all_standing(self) -> Piece:
        own = self.open
        return Piece(
            np.arange(self.size), own["state"], own["mark"], own["mark"], own["heard"], own["observer"], own["test_at"], own["test_ok"]
        )

    def kinds(self, at: int, ends: Mapping[int, int]) -> tuple[NDArray[np.int8], Ints]:
        """UP, DOWN or 0 (unknown) of every key in the second `at`, and the keys whose counters are already beyond it."""
        own = self.open
        believed = (own["state"] != 0) & (own["mark"] <= at) & (_ends(own["observer"], ends) > at)
        beats = (own["state"] == UP) | ((own["heard"] > 0) & (own["heard"] + self.rule.heartbeat_min * 60 > at))
        speaks = (own["test_at"] > 0) & (own["test_at"] <= at) & (own["test_at"] + self.rule.play_days * 86_400 > at)
        said = np.where(beats, np.where(speaks, np.where(own["test_ok"] == 1, UP, DOWN), 0), DOWN)
        return np.where(believed, said, 0).astype(np.int8), np.flatnonzero(own["mark"] > at)


def _ends(observer: Any, ends: Mapping[int, int]) -> Ints:
    if not OBSERVERS:
        return np.full(len(observer), FOREVER, dtype=np.int64)
    return ends_of(observer, ends)


def _in_order(rows: Ints, site: int, at: int) -> Ints:
    return rows[np.argsort(rows[:, site] * _STEP + rows[:, at], kind="stable")]


def _turns(site: Ints) -> list[Ints]:
    """Places in `site` (sorted) such that each turn names a site once, and turns keep the order within a site."""
    first = np.searchsorted(site, site, side="left")
    nth = np.arange(len(site)) - first
    return [np.flatnonzero(nth == turn) for turn in range(int(nth.max(initial=-1)) + 1)]


def _split(spans: Ints, tests: Ints, start: int) -> Piece:
    """Spans from `start` on, cut where a test comes in, each part under the newest test at its beginning. Both sorted by site and time."""
    spans = spans[spans[:, 3] > start]
    begin = np.maximum(spans[:, 2], start)
    key, tested = spans[:, 0] * _STEP, tests[:, 0] * _STEP + tests[:, 1]
    inside = np.searchsorted(tested, key + begin, side="right")
    count = np.searchsorted(tested, key + np.minimum(spans[:, 3], FOREVER - 1), side="left") - inside
    count = np.maximum(count, 0) + 1
    row = np.repeat(np.arange(len(spans)), count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    test = np.repeat(inside, count) + nth - 1  # the test in force: before the first inside, then each inside
    site = spans[row, 0]
    has = (test >= 0) & (tests[test, 0] == site) if len(tests) else np.zeros(len(row), bool)
    at, ok = (np.where(has, tests[test, column], 0) if len(tests) else np.zeros(len(row), np.int64) for column in (1, 2))
    begins = np.where(nth == 0, begin[row], at)
    finish = np.where(nth == count[row] - 1, spans[row, 3], np.append(begins[1:], [0] * (len(begins) > 0)))
    return Piece(site, spans[row, 1], begins, finish, spans[row, 4], spans[row, 5], at, ok)
