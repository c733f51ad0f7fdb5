"""The counters of this process: what it knows of new rows, which sums they made old, and the seconds of any site in any span.

Seconds come from three sources that agree to the second: sums of finished days, the running counters of today, and the rows
themselves for whatever the other two do not cover. `COUNTERS` works only in a process whose job keeps it (`keep`); elsewhere it is idle.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from uuid import UUID

import numpy as np
from django.db import connection
from django.db.models import Min
from numpy.typing import NDArray

from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Tampered
from yuanjiao.network.counting.columns import Contents, Store
from yuanjiao.network.counting.late import Late
from yuanjiao.network.counting.reading import Scope, moment, read, record_ends, scopes_of, span_rows, table, test_rows
from yuanjiao.network.counting.rollups import Seen, bounds, folder, kept_folders, moved_observers, sum_day
from yuanjiao.network.counting.sources import Both, Patched, Rows, Running, Source, SummedDays, gathered
from yuanjiao.network.counting.today import Today
from yuanjiao.network.counting.trail import Trail, begin
from yuanjiao.network.models import DayRollup, PlayTest, StateChange
from yuanjiao.network.rules.rates import DOWN, FOREVER, UP, Ints, RateRule

LOG = logging.getLogger(__name__)
RIPE_S = 600
"""A day is summed so long after its end: what was heard before midnight has arrived by then."""
MANY = 20_000
"""With more late sites than this a day is counted from its rows."""
BIG = 200_000
"""A day of more spans than this is summed again at most once in `REST_S`."""
REST_S = 3600
RuleOn = Callable[[date], RateRule]


class Counters:
    """See the module. One per process; every method takes the lock it needs."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.forget()

    def forget(self) -> None:
        """Know nothing: of another database, or of one that was set back."""
        self.owner: tuple[UUID, str] | None = None
        self.store = Store(folder())
        self.changes, self.tests = Trail(), Trail()
        self.late = Late()
        self.today: Today | None = None
        self.ends: Mapping[int, int] = {}
        self.back = FOREVER
        """The earliest second a record was set back to (a clock below was) since the sums were last looked through: what was summed as told
        for good beyond it may be so no longer, and no row has come that would say so."""

    @property
    def active(self) -> bool:
        """Whether a job of this process keeps these counters, for the database that is open now."""
        return self.owner is not None and self.owner == _me()

    def keep(self, at: datetime, rule_on: RuleOn) -> None:
        """The job: follow the rows, load what is not loaded, sum at most one finished day."""
        self.look()
        self._sum_one(at, rule_on)
        self._load(at, rule_on)
        self._note()

    def look(self) -> None:
        """Use the sums that are there, in a process without the job."""
        with self.lock:
            self._begin()
            self._follow()

    def _begin(self) -> None:
        me = _me()
        if self.owner == me:
            return
        self.forget()
        oldest = DayRollup.objects.filter(stale=False).aggregate(change=Min("seen_change"), test=Min("seen_test"))
        now = time.monotonic()
        self.changes = begin(StateChange.objects.all(), now) if oldest["change"] is None else Trail(oldest["change"])
        self.tests = begin(PlayTest.objects.all(), now) if oldest["test"] is None else Trail(oldest["test"])
        self.late = Late(since=self._seen())
        self.owner = me

    def _seen(self) -> Seen:
        return Seen(self.changes.through, self.tests.through)

    def _follow(self) -> None:
        """Take in what has been written since."""
        before, self.ends = self.ends, record_ends(0)
        self.back = min([self.back, *(end for number, end in self.ends.items() if end < before.get(number, 0))])
        if self.today is not None and self.today.shrinks(self.ends):
            self.today = None
        if self.today is not None:
            self.today.settle(self.ends)
        spans = table(span_rows(StateChange.objects.filter(self.changes.unseen()).order_by("id")), 7)
        tests = table(test_rows(PlayTest.objects.filter(self.tests.unseen())), 4)
        self.changes.took(spans[:, 6], time.monotonic())
        self.tests.took(tests[:, 3], time.monotonic())
        self.late.take(spans, tests)
        if self.today is not None and (len(spans) or len(tests)):
            self._reload(self.today, self.today.advance(spans, tests, self.ends))

    def _reload(self, today: Today, sites: Ints) -> None:
        """Late sites are counted anew from their rows; when they are very many, all are, by the job."""
        if len(sites) > MANY:
            self.today = None
        elif len(sites):
            spans, tests = read(scopes_of(sites), today.start, FOREVER_READ, today.rule)
            today.load(sites, spans[:, :6], tests[:, :3], self.ends)

    def _load(self, at: datetime, rule_on: RuleOn) -> None:
        """Load the counters when there are none, or when they begin too early or by another rule."""
        start, rule = self._start(at), rule_on(clock.local_day(at))
        with self.lock:
            today = self.today
            if today is not None and (today.start, today.rule) == (start, rule):
                return
            now = time.monotonic()
            changes, tests = begin(StateChange.objects.all(), now), begin(PlayTest.objects.all(), now)
            ends = record_ends(0)
        fresh = Today(start, rule)
        fresh.ends = ends
        spans, tried = read([Scope()], start, FOREVER_READ, rule)
        fresh.load(None, spans[:, :6], tried[:, :3], ends)
        with self.lock:
            self._catch_up(fresh, changes, tests)

    def _catch_up(self, fresh: Today, changes: Trail, tests: Trail) -> None:
        """What was written while the counters were being loaded, then put them in place. Rows met twice change nothing."""
        spans = table(span_rows(StateChange.objects.filter(changes.unseen(), pk__lte=self.changes.last).order_by("id")), 7)
        tried = table(test_rows(PlayTest.objects.filter(tests.unseen(), pk__lte=self.tests.last)), 4)
        self.today = fresh
        self._reload(fresh, fresh.advance(spans, tried, self.ends))

    def _start(self, at: datetime) -> int:
        """Today's midnight; yesterday's while counters that began then still stand in for yesterday's sum."""
        day = clock.local_day(at)
        today, yesterday = bounds(day)[0], bounds(day - timedelta(days=1))[0]
        if self.today is None or self.today.start != yesterday:
            return today
        return today if DayRollup.objects.filter(day=day - timedelta(days=1), stale=False).exists() else yesterday

    def _sum_one(self, at: datetime, rule_on: RuleOn) -> None:
        """Sum the newest finished day that has no sum, or else the oldest whose sum is old."""
        day = self._unsummed(at, rule_on)
        if day is None:
            row = DayRollup.objects.filter(stale=True).order_by("made_at").first()
            tired = row is not None and row.rows > BIG and (at - row.made_at).total_seconds() < REST_S
            day = None if row is None or tired or row.rule_version != rule_on(row.day).version else row.day
        if day is not None:
            sum_day(day, rule_on(day), seen=self._seen(), at=at)
            self.store.clear(kept_folders())

    def _unsummed(self, at: datetime, rule_on: RuleOn) -> date | None:
        oldest = StateChange.objects.order_by("pk").values_list("at", flat=True).first()  # no index tells the very oldest moment
        day = clock.local_day(at - timedelta(seconds=RIPE_S)) - timedelta(days=1)
        summed = set(DayRollup.objects.values_list("day", "rule_version"))
        while oldest is not None and day >= clock.local_day(oldest):
            if (day, rule_on(day).version) not in summed:
                return day
            day -= timedelta(days=1)
        return None

    def _note(self) -> None:
        """Write down which sums have become old, and that the others hold up to what has been seen.

        Nothing is written under the lock: who writes may be waiting for it.
        """
        self._drop_what_went_back()
        rows = list(DayRollup.objects.filter(stale=False))
        with self.lock:
            seen, old = self._seen(), {row.pk for row in rows if self._is_old(row)}
        DayRollup.objects.filter(pk__in=old).update(stale=True)
        behind = [row for row in rows if row.pk not in old and (row.seen_change, row.seen_test) != (seen.change, seen.test)]
        for row in behind:  # unless it has been summed again in between
            DayRollup.objects.filter(pk=row.pk, digest=row.digest).update(seen_change=seen.change, seen_test=seen.test)
        stale = DayRollup.objects.filter(stale=True, seen_change__gte=self.late.since.change, seen_test__gte=self.late.since.test)
        kept = stale.aggregate(change=Min("seen_change"), test=Min("seen_test"))
        with self.lock:
            self.late.prune(Seen(min(seen.change, kept["change"] or seen.change), min(seen.test, kept["test"] or seen.test)), seen)

    def _drop_what_went_back(self) -> None:
        """Sums that believed more of a record than it says now are made anew."""
        with self.lock:
            back = self.back
        if back < FOREVER:
            DayRollup.objects.filter(day__gte=clock.local_day(moment(back))).delete()
            with self.lock:
                self.back = FOREVER if self.back == back else self.back

    def _is_old(self, row: DayRollup) -> bool:
        late = self.late.sites(*bounds(row.day), Seen(row.seen_change, row.seen_test))
        return late is None or bool(len(late)) or self._moved(row)

    def _moved(self, row: DayRollup) -> bool:
        contents = self._contents(row)
        return contents is None or bool(moved_observers(contents.observers, self.ends, *bounds(row.day)))

    def _contents(self, row: DayRollup) -> Contents | None:
        """What the roll-up's folder holds; None, with a warning, when it is not what was written."""
        try:
            return self.store.contents(f"{row.day}", row.rule_version, row.digest)
        except Tampered as error:
            LOG.warning("%s", error.message)
            return None

    def _is_current(self) -> bool:
        """Follow the rows before an answer. Inside a transaction nothing new is taken in: it might be undone."""
        if not connection.in_atomic_block:
            self._follow()
            return True
        new = (StateChange.objects.filter(self.changes.unseen()), PlayTest.objects.filter(self.tests.unseen()))
        return self.ends == record_ends(0) and not any(rows.exists() for rows in new)

    def seconds(self, site: Ints, first: Ints, last: Ints, rule: RateRule, scope: Scope) -> Both | None:
        """(up, down) of each piece: seconds of `site[i]` in [first[i], last[i]) under the rule; None when it is not to be told now.

        `scope` narrows rows that must be read.
        """
        low, high = int(first.min(initial=FOREVER)), int(last.max(initial=0))
        with self.lock:
            if not self._is_current():
                return None
            return gathered(self._sources(low, high, rule, scope) if low < high else [], site, first, last)

    def _sources(self, start: int, end: int, rule: RateRule, scope: Scope) -> list[Source]:
        """What covers [start, end), in order of time; the rows where there is nothing better."""
        found: list[Source] = list(self._summed(start, end, rule, scope))
        if self.today is not None and self.today.rule == rule and self.today.start < end:
            found = [source for source in found if source.end <= self.today.start]
            found.append(Running(rule, self.ends, scope, self.today, end))
        sources: list[Source] = []
        reached = start
        for source in [*found, None]:
            gap = end if source is None else min(source.start, end)
            if reached < gap:
                sources.append(Rows(reached, gap, rule, self.ends, [scope]))
            if source is not None:
                sources.append(source)
                reached = source.end
        return sources

    def _summed(self, start: int, end: int, rule: RateRule, scope: Scope) -> list[SummedDays]:
        days = clock.local_day(moment(start)), clock.local_day(moment(end - 1))
        rows = DayRollup.objects.filter(day__range=days, rule_version=rule.version).order_by("day")
        found = [self._usable(row, rule, scope) for row in rows]
        return [one for one in found if one is not None]

    def _usable(self, row: DayRollup, rule: RateRule, scope: Scope) -> SummedDays | None:
        late, contents = self.late.sites(*bounds(row.day), Seen(row.seen_change, row.seen_test)), self._contents(row)
        if late is None or contents is None or self.back < bounds(row.day)[1]:
            return None
        moved = moved_observers(contents.observers, self.ends, *bounds(row.day))
        if moved:
            cut = self.store.column(contents, row.digest, "cut")
            late = np.union1d(late, cut[np.isin(cut[:, 1], moved), 0])
        return None if len(late) > MANY else SummedDays(rule, self.ends, scope, self.store, contents, row.digest, late)

    def present(self) -> Present | None:
        """The newest word on every object; None when the counters are not loaded."""
        with self.lock:
            today = self.today if self._is_current() else None
            if today is None:
                return None
            return Present(**{field.name: today.open[field.name].copy() for field in fields(Present)})

    def kinds(self, at: int, rule: RateRule, grace_s: int) -> NDArray[np.int8] | None:
        """UP, DOWN or 0 (unknown) in the second `at`, by key; None when that is not today or the counters are not loaded.

        The last word of an observer stands `grace_s` longer.
        """
        with self.lock:
            today = self.today if self._is_current() else None
            if today is None or today.rule != rule or at < today.start:
                return None
            ends = {number: end + grace_s for number, end in self.ends.items()}
            kinds, ahead = today.kinds(at, ends)
            if len(ahead):
                up, down = Patched(rule, ends, Scope()).rows(ahead, at, at + 1).dense(at, at + 1, len(kinds))
                kinds[ahead] = np.where(up[ahead] == 1, UP, np.where(down[ahead] == 1, DOWN, 0))
            return kinds


@dataclass(frozen=True, eq=False)
class Present:
    """The newest word on every object, by key, in seconds since 1970: its state (UP, DOWN, 0 unknown) since when (0: none), the last beat
    before it as recorded, who told it; and the newest play test (0: none)."""

    state: NDArray[np.int8]
    since: Ints
    heard: Ints
    observer: NDArray[np.int32]
    test_at: Ints
    test_ok: NDArray[np.int8]


def _me() -> tuple[UUID, str]:
    return own_node().uid, str(folder())


FOREVER_READ = 1 << 32
"""Up to when rows are read for counters that have no end: the year 2106."""
COUNTERS = Counters()
"""The counters of this process."""
