"""A month of 700,000 sites and 44 million state changes: availability from the changes, from day sums, and at an instant.

The changes are made once; the same rows go into our column files, through the writer that production uses, and into DuckDB. Every site
changes twice a day. Floors: DuckDB with `lead()` over the changes, DuckDB over spans whose end is stored, and bare numpy sums.
All answers are compared to the second before anything is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.lib import clock
from yuanjiao.network import queries
from yuanjiao.network.commands.versions import register_changed
from yuanjiao.network.counting.columns import Store, write_day
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.counting.reading import number_of
from yuanjiao.network.counting.rollups import bounds, folder, summed_day
from yuanjiao.network.models import DayRollup, ListeningMark, ManagedObject, Placement, PlayTest, StateChange
from yuanjiao.network.rules import RULE
from yuanjiao.network.rules.days import seconds_of_day
from yuanjiao.network.rules.rates import DOWN, FOREVER, UP
from yuanjiao.places.commands import DivisionEntry, add_division, enter_divisions
from yuanjiao.places.models import Division

SITES, COUNTIES, DAYS, A_DAY = 700_000, 3_044, 31, 2
FIRST = date(2026, 3, 1)
START, END = bounds(FIRST)[0], bounds(FIRST + timedelta(days=DAYS - 1))[1]
NOW = END + 36_000
LAPSE = RULE.heartbeat_min * 60
Ints = NDArray[np.int64]


def run() -> list[dict[str, Any]]:
    """Seconds for the month of all counties by each way, and milliseconds for an instant."""
    observer = ensure_self(at=clock.day_start(FIRST)).uid
    with transaction.atomic():
        nation = register()
    ListeningMark.objects.create(observer=observer, at=datetime.fromtimestamp(NOW, clock.CHINA))
    month = Month(number_of(observer))
    upkeep = [month.day(place) for place in range(DAYS)]
    with transaction.atomic():
        month.tell_today(observer)
    rows = [_row(f"availability: one day of {SITES:,} sites summed and written", float(np.median(upkeep)), None, "s")]
    rows += from_changes(month)
    return rows + live(nation, month)


def register() -> Division:
    """A nation of counties without anything between: what is measured is the counting."""
    whole = add_division(code="990000000000", name="全国", parent=None, on=date(2025, 1, 1))
    entries = [DivisionEntry(_county(number), f"县{number}", "990000000000", "", date(2025, 1, 1)) for number in range(COUNTIES)]
    keys = {code: division.pk for code, division in enter_divisions(entries=entries).items()}
    places = np.array([keys[_county(number)] for number in range(COUNTIES)])[county_of(np.arange(SITES))].tolist()
    objects = (
        ManagedObject(pk=pk, kind="site", code=f"S-{pk:06}", name="", division_id=place, lifecycle_on=FIRST, in_service_on=FIRST)
        for pk, place in enumerate(places, start=1)
    )
    ManagedObject.objects.bulk_create(objects, batch_size=2000)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO network_site (managedobject_ptr_id, site_kind, access_mode, programmes, capabilities, road, pinyin, "
            "phone_sealed, phone_digest, beat_key) "
            "SELECT id, 'village', 'broadband_stb', '', '', '', '', x'', '', '' FROM network_managedobject"
        )
    homes = (
        Placement(object_id=pk, division_id=place, lifecycle="in_service", valid_from=FIRST) for pk, place in enumerate(places, start=1)
    )
    Placement.objects.bulk_create(homes, batch_size=2000)
    register_changed()
    return whole


def _county(number: int) -> str:
    return f"99{number // 99 + 1:02}{number % 99 + 1:02}000000"


def county_of(site: Ints) -> Ints:
    """Sites of one county stand together."""
    return site * COUNTIES // SITES


class Month:
    """The changes, day by day, as they go into the column files and into DuckDB. Sites are numbered from 1."""

    def __init__(self, observer: int) -> None:
        self.observer, self.random = observer, np.random.default_rng(7)
        self.site = np.arange(1, SITES + 1)
        self.ok = (self.random.random(SITES) < 0.98).astype(np.int64)
        self.tests = np.stack([self.site, np.full(SITES, START - 5), self.ok, self.site], axis=1)
        self.state, self.at, self.heard = self.random.integers(0, 3, SITES), np.full(SITES, START), np.full(SITES, START - 20)
        self.peer = duckdb.connect(str(folder().parent / "peer.duckdb"), config={"threads": 2})
        self.peer.execute("CREATE TABLE change (site INTEGER, since INTEGER, until INTEGER, state TINYINT, heard INTEGER)")
        self.peer.execute("CREATE TABLE site (site INTEGER, county SMALLINT, ok TINYINT)")
        sites = {"site": self.site.astype(np.int32), "county": county_of(self.site - 1).astype(np.int16), "ok": self.ok.astype(np.int8)}
        self._give("site", sites)

    def day(self, place: int) -> float:
        """Make one day's changes and give them to both; returns the seconds our side took."""
        day = FIRST + timedelta(days=place)
        start, end = bounds(day)
        moments = np.sort(self.random.integers(start + 1, end - A_DAY, (A_DAY, SITES)), axis=0)
        moments += np.arange(A_DAY)[:, None]  # no two in one second: `lead()` knows no order of arrival
        states = (self.state + np.cumsum(self.random.integers(1, 3, (A_DAY, SITES)), axis=0)) % 3
        at, state = np.vstack([self.at, moments]), np.vstack([self.state, states])
        heard = np.vstack([self.heard, moments - np.where(states == DOWN, self.random.integers(0, 60, (A_DAY, SITES)), 0)])
        until = np.vstack([moments, np.full(SITES, FOREVER)])
        columns = (np.tile(self.site, A_DAY + 1), state.ravel(), at.ravel(), until.ravel(), heard.ravel())
        spans = np.stack([*columns, np.full(columns[0].size, self.observer)], axis=1)
        begun = time.perf_counter()
        self._write(day, spans, start, end)
        took = time.perf_counter() - begun
        self._tell_peer(at[:-1], until[:-1], state[:-1], heard[:-1])
        self.state, self.at, self.heard = states[-1], moments[-1], heard[-1]
        return took

    def _write(self, day: date, spans: Ints, start: int, end: int) -> None:
        summed = summed_day(spans, self.tests, {self.observer: NOW}, start, end, RULE)
        digest = write_day(folder(), f"{day}", RULE.version, summed)
        DayRollup.objects.create(
            day=day, rule_version=RULE.version, digest=digest, rows=len(spans), made_at=clock.now(), seen_change=10**9, seen_test=10**9
        )

    def _tell_peer(self, at: Ints, until: Ints, state: Ints, heard: Ints) -> None:
        """The changes whose end is now known."""
        changes = {
            "site": np.tile(self.site.astype(np.int32), len(at)), "since": at.ravel().astype(np.int32),
            "until": until.ravel().astype(np.int32), "state": state.ravel().astype(np.int8), "heard": heard.ravel().astype(np.int32),
        }  # fmt: skip
        self._give("change", changes)

    def _give(self, table: str, columns: dict[str, Any]) -> None:
        self.peer.register("told", columns)
        self.peer.execute(f"INSERT INTO {table} SELECT * FROM told")
        self.peer.unregister("told")

    def tell_today(self, observer: Any) -> None:
        """The last change of each site is open: it goes into DuckDB up to the end of the month, and into our table as today's rows."""
        self._tell_peer(self.at[None], np.full((1, SITES), END), self.state[None], self.heard[None])
        names = {0: "unknown", UP: "up", DOWN: "down"}
        changes = (
            StateChange(
                object_id=pk, state=names[state], at=_moment(at), last_heard_at=_moment(heard), observer=observer, seq=1
            )
            for pk, state, at, heard in zip(self.site.tolist(), self.state.tolist(), self.at.tolist(), self.heard.tolist(), strict=True)
        )  # fmt: skip
        StateChange.objects.bulk_create(changes, batch_size=2000)
        tests = (
            PlayTest(site_id=pk, at=_moment(START - 5), ok=bool(ok), observer=observer)
            for pk, ok in zip(self.site.tolist(), self.ok.tolist(), strict=True)
        )
        PlayTest.objects.bulk_create(tests, batch_size=2000)


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, clock.CHINA)


def _row(name: str, value: float, floor: float | None, unit: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "floor": floor, "ratio": value / floor if floor else None}


def _best(call: Callable[[], Any], turns: int = 3) -> tuple[float, Any]:
    """Seconds of the quickest of some calls, and its answer."""
    times, answer = [], None
    for _ in range(turns):
        begun = time.perf_counter()
        answer = call()
        times.append(time.perf_counter() - begun)
    return min(times), answer


def from_changes(month: Month) -> list[dict[str, Any]]:
    """The month of every site and county from its changes: ours from the column files, the peer's from its own table."""
    ours, answer = _best(_from_columns)
    floor, bare = _best(_bare_sums)
    lead, told = _best(lambda: _peer(month, LEAD))
    stored, same = _best(lambda: _peer(month, STORED))
    assert (answer == told).all(), "DuckDB and we disagree"
    assert (told == same).all()
    assert bare > 0
    rows = int(month.peer.execute("SELECT count(*) FROM change").fetchall()[0][0])
    what = f"availability: month of {SITES:,} sites from {rows / 1e6:.1f} million changes"
    return [
        _row(f"{what}, floor DuckDB lead()", ours, lead, "s"),
        _row(f"{what}, floor DuckDB, ends stored", ours, stored, "s"),
        _row(f"{what}, floor numpy sums", ours, floor, "s"),
    ]


def _days() -> list[tuple[DayRollup, Store]]:
    store = Store(folder())
    return [(row, store) for row in DayRollup.objects.order_by("day")]


def _from_columns() -> Ints:
    """(up, down) by county, from the spans and tests of each day; the stored sums are not looked at."""
    up, down = np.zeros(SITES + 1, np.int64), np.zeros(SITES + 1, np.int64)
    for row, store in _days():
        contents = store.contents(f"{row.day}", row.rule_version, row.digest)
        more_up, more_down = seconds_of_day(store.day(contents, row.digest), RULE, SITES + 1)
        up += more_up
        down += more_down
    return _by_county(up[1:], down[1:])


def _by_county(up: Ints, down: Ints) -> Ints:
    county = county_of(np.arange(SITES))
    return np.stack([np.bincount(county, weights=part, minlength=COUNTIES) for part in (up, down)]).astype(np.int64)


def _bare_sums() -> int:
    """Lengths of the same spans added up by site, and nothing else."""
    total = np.zeros(SITES + 1)
    for row, _ in _days():
        place = folder() / f"{row.day}.v{row.rule_version}.{row.digest[:16]}"
        site, begin, finish = (np.load(place / f"{name}.npy") for name in ("site", "begin", "finish"))
        total += np.bincount(site, weights=finish - begin, minlength=SITES + 1)
    return int(total.sum())


LEAD = f"SELECT site, since, lead(since, 1, {END}) OVER (PARTITION BY site ORDER BY since) AS until, state, heard FROM change"
STORED = "SELECT site, since, until, state, heard FROM change"
DEFINITION = """
    WITH span AS ({spans}), cut AS (
        SELECT site, since, until, state,
            CASE WHEN state = {up} THEN until ELSE least(greatest(heard + {lapse}, since), until) END AS silent
        FROM span WHERE state <> 0
    ), seconds AS (
        SELECT site, sum(greatest(least(silent, {tested}) - since, 0)) AS beating, sum(until - silent) AS silent FROM cut GROUP BY site
    )
    SELECT county, sum(CASE WHEN ok = 1 THEN beating ELSE 0 END), sum(silent + CASE WHEN ok = 0 THEN beating ELSE 0 END)
    FROM seconds JOIN site USING (site) GROUP BY county ORDER BY county
"""


def _peer(month: Month, spans: str) -> Ints:
    """The same definition in SQL; every site had one play test, five seconds before the month."""
    tested = START - 5 + RULE.play_days * 86_400
    rows = month.peer.execute(DEFINITION.format(spans=spans, up=UP, lapse=LAPSE, tested=tested)).fetchnumpy()
    _, up, down = rows.values()
    return np.stack([up, down]).astype(np.int64)


def live(nation: Division, month: Month) -> list[dict[str, Any]]:
    """What pages ask: the month so far and this moment, of the nation and all its counties, as `queries` answers."""
    now, since = _moment(NOW), _moment(START)
    begun = time.perf_counter()
    COUNTERS.keep(now, lambda _: RULE)
    loading = time.perf_counter() - begun
    queries.rate_and_children(nation, now)  # the roll is read once
    counted, (whole, below) = _best(lambda: queries.rate_and_children(nation, since, _moment(END)))
    assert [[one.rate.up for one in below], [one.rate.down for one in below]] == _from_columns().tolist()
    assert whole.population == SITES
    assert len(below) == COUNTIES
    so_far, _ = _best(lambda: queries.rate_and_children(nation, since, now))
    sums, _ = _best(_bare_counters)
    instant, (present, _) = _best(lambda: queries.rate_and_children(nation, now), 7)
    county, _ = _best(lambda: queries.rate_at(below[7].division, now), 7)
    assert present.population == SITES
    return [
        _row("availability: counters loaded after a start", loading, None, "s"),
        _row(f"availability: finished month, all {COUNTIES:,} counties, as pages ask", counted, sums, "s"),
        _row(f"availability: month so far, all {COUNTIES:,} counties, as pages ask", so_far, sums, "s"),
        _row(f"availability: this moment, all {COUNTIES:,} counties", instant * 1000, None, "ms"),
        _row("availability: this moment, one county", county * 1000, None, "ms"),
    ]


def _bare_counters() -> float:
    """The sums of 31 days added up and grouped by county, and nothing else."""
    total = np.zeros((2, SITES + 1), np.int64)
    for row, _ in _days():
        total += np.load(folder() / f"{row.day}.v{row.rule_version}.{row.digest[:16]}" / "seconds.npy")
    return float(_by_county(total[0, 1:], total[1, 1:]).sum())
