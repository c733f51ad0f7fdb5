"""Pages of a nation: 700,000 sites in 554,000 villages, 31 cities of 98 counties each, a month of outages, the present state of all.

What a reader waits for, over the whole request in one process whose counters are kept. The rows are written straight into their tables.
Floor of a page: the same bytes through the same middleware.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import uuid4

import numpy as np
from django.db import connection, models, transaction

from bench.pages import bare_urls, keep_counters_warm
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib import clock
from yuanjiao.network.commands.versions import register_changed
from yuanjiao.network.models import Edge, Line, ListeningMark, Liveness, ManagedObject, Outage, Placement, PlayTest, Site, StateChange
from yuanjiao.places.models import Division

SINCE = date(2025, 1, 1)
ROOT, CITIES, COUNTIES, TOWNS, VILLAGES = "990000000000", 31, 3_044, 13, 14
SITES, OUTAGES, OPEN = 700_000, 100_000, 5_000
MIDDLE = "990105000000"
"""A county in the middle of the tree."""
TOWN, VILLAGE = "990105107000", "990105107207"
PAGES = (
    ("start page of the administrator", "/desk/"),
    ("big screen of the nation", "/screen/"),
    ("big screen of a county", f"/screen/?division={MIDDLE}"),
    ("rates of the nation, now", "/network/rates/"),
    ("rates of a county, now", f"/network/rates/?division={MIDDLE}"),
    ("ranking of all counties of a city", "/screen/ranking/?division=990100000000"),
    ("list of sites, first page", "/network/sites/"),
    ("list of sites, deep page", "/network/sites/?page=900"),
    ("list of sites of a county", f"/network/sites/?division={MIDDLE}"),
    ("list of sites of a town", f"/network/sites/?division={TOWN}"),
    ("list of sites, by code", "/network/sites/?q=S-0350000"),
    ("list of sites, by name", "/network/sites/?q=五三五村"),
    ("list of sites, by initials", "/network/sites/?q=wswc"),
    ("list of sites, nothing found", "/network/sites/?q=nothing-is-called-so"),
    ("list of dark sites", "/network/sites/?state=down"),
    ("list of outages", "/network/outages/"),
    ("list of divisions, first page", "/register/divisions/"),
    ("list of divisions, last page", "/register/divisions/?page=99999"),
    ("one site", "/network/sites/S-0350000/"),
    ("early signs", "/desk/signs/"),
    ("villages covered, a county", f"/network/coverage/?division={MIDDLE}"),
    ("villages covered, the nation", "/network/coverage/"),
)


def run() -> list[dict[str, Any]]:
    """Milliseconds per page, the first time and the median of the next, beside the floor."""
    build()
    return [*measure(), *measure_edits(), *measure_orders(), *measure_import()]


def build() -> None:
    """The nation, written in bulk."""
    from yuanjiao.wiring.founding import found_city

    found_city(
        code=ROOT,
        name="测国",
        province_name="",
        admin_name="陈启明",
        username="shiguan",
        at=clock.now(),
        password="Qinghe-2026!",
        since=SINCE,
    )
    now = clock.now()
    with transaction.atomic():
        places = _divisions()
        _objects(places)
        _states(now)
        _outages(now)
        register_changed()
    keep_counters_warm()


def write(model: type[models.Model], fields: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows straight into a table; `fields` are its columns."""
    names = [str(model._meta.get_field(name).column) for name in fields.split()]  # type: ignore[union-attr]
    statement = f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"
    source: Iterator[tuple[Any, ...]] = iter(rows)
    with connection.cursor() as cursor:
        while part := list(islice(source, 10_000)):
            cursor.executemany(statement, part)


def _uid() -> Any:
    return uuid4().hex if connection.vendor == "sqlite" else uuid4()


def _moment(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at.astimezone(UTC))


def _divisions() -> dict[str, int]:
    """Code → key of every place below the root, parents first."""
    root = Division.objects.get(code=ROOT)
    keys, paths, rows = {ROOT: root.pk}, {ROOT: root.path}, []

    def add(code: str, name: str, above: str, level: int, kind: str = "") -> None:
        keys[code], paths[code] = len(keys) + root.pk, f"{paths[above]}{code}/"
        rows.append((keys[code], _uid(), code, name, level, keys[above], paths[code], kind, SINCE))

    for number in range(COUNTIES):
        city, county = f"99{number // 99 + 1:02}00000000", f"99{number // 99 + 1:02}{number % 99 + 1:02}000000"
        if city not in keys:
            add(city, f"{number // 99 + 1}号市", ROOT, 2)
        add(county, f"{number}号县", city, 3)
        for town in range(TOWNS):
            code = f"{county[:6]}{100 + town}000"
            add(code, f"{town}号镇", county, 4)
            for village in range(VILLAGES):
                add(f"{code[:9]}{200 + village}", f"{_words(village)}村", code, 5, "220")
    write(Division, "id uid code name level parent path urban_rural valid_from", rows)
    return keys


def _words(number: int) -> str:
    return "".join("〇一二三四五六七八九"[int(digit)] for digit in str(number))


def _objects(places: dict[str, int]) -> None:
    """An edge a county, a line a town, the sites in turn over the villages."""
    counties = [code for code in places if code.endswith("000000") and not code.endswith("00000000")]
    towns = [code for code in places if code.endswith("000") and not code.endswith("000000")]
    villages = [code for code in places if not code.endswith("000")]
    edge = {code: pk for pk, code in enumerate(counties, start=SITES + 1)}
    line = {code: pk for pk, code in enumerate(towns, start=SITES + len(counties) + 1)}
    homes = [villages[number * len(villages) // SITES] for number in range(SITES)]
    objects = [
        *((pk, _uid(), "edge", f"E-{code}", f"{code[:6]} 边缘", places[code], None) for code, pk in edge.items()),
        *((pk, _uid(), "line", f"L-{code}", f"{code[:9]} 线路", places[code], edge[f"{code[:6]}000000"]) for code, pk in line.items()),
        *(
            (pk, _uid(), "site", f"S-{pk:07}", f"{_words(pk % 1000)}村站点", places[code], line[f"{code[:9]}000"])
            for pk, code in enumerate(homes, start=1)
        ),
    ]
    more = ("in_service", SINCE, "", SINCE)
    fields = "id uid kind code name division depends_on lifecycle lifecycle_on suspension_document in_service_on"
    write(ManagedObject, fields, (row + more for row in objects))
    write(Line, "managedobject_ptr is_uplink medium circuit_number", ((pk, False, "光纤", "") for pk in line.values()))
    write(Edge, "managedobject_ptr address", ((pk, "") for pk in edge.values()))
    names = "managedobject_ptr site_kind access_mode programmes capabilities road pinyin phone_sealed phone_digest beat_key"
    letters = str.maketrans("0123456789", "lyesswlqbj")

    def site(pk: int) -> tuple[Any, ...]:
        initials = f"{str(pk % 1000).translate(letters)}czd"
        return pk, "village", "broadband_stb", "", "", "", initials, b"", "", f"{pk:032}"

    write(Site, names, (site(pk) for pk in range(1, SITES + 1)))
    homes_of = ((_uid(), row[0], row[5], "in_service", "", SINCE) for row in objects)
    write(Placement, "uid object division lifecycle document valid_from", homes_of)


def _states(now: datetime) -> None:
    """All heard since ten days; one in fifty dark since some hours, one in twenty dark and back within the day."""
    random, own = np.random.default_rng(5), own_node().uid
    observer = own.hex if connection.vendor == "sqlite" else own
    fate, hours = random.random(SITES), random.integers(1, 23, SITES)
    spans: list[tuple[Any, ...]] = []
    present: list[tuple[Any, ...]] = []
    begin = _moment(now - timedelta(days=10))
    moments = [_moment(now - timedelta(hours=hour)) for hour in range(25)]
    for pk, (luck, hour) in enumerate(zip(fate.tolist(), hours.tolist(), strict=True), start=1):
        if luck < 0.02:
            told = [("up", begin, moments[hour]), ("down", moments[hour], None)]
        elif luck < 0.07:
            told = [("up", begin, moments[hour + 1]), ("down", moments[hour + 1], moments[hour]), ("up", moments[hour], None)]
        else:
            told = [("up", begin, None)]
        if pk == 1:  # the record is older than the time against which outages are compared
            told[0] = ("up", _moment(now - timedelta(days=220)), told[0][2])
        spans += [(pk, state, at, until, at, "", observer, turn, True) for turn, (state, at, until) in enumerate(told)]
        present.append((pk, told[-1][0], told[-1][1], told[-1][1], observer, 1))
    write(StateChange, "object state at until last_heard_at reason observer seq judged", spans)
    write(Liveness, "object state since last_heard_at observer seq", present)
    tested = _moment(now - timedelta(days=9))
    tests = ((_uid(), pk, tested, pk % 50 != 7, "", "", observer) for pk in range(1, SITES + 1))
    write(PlayTest, "uid site at ok step item observer", tests)
    ListeningMark.objects.update_or_create(observer=own, defaults={"at": now + timedelta(days=2)})


def _outages(now: datetime) -> None:
    """Roots of the last 35 days, some of them open."""
    random = np.random.default_rng(6)
    sites = random.permutation(SITES)[:OUTAGES] + 1
    ago = random.integers(3600, 35 * 86_400, OUTAGES).tolist()
    rows = []
    for number, (pk, seconds) in enumerate(zip(sites.tolist(), ago, strict=True)):
        at, ended = _moment(now - timedelta(seconds=seconds)), None if number < OPEN else _moment(now - timedelta(seconds=seconds // 2))
        rows.append((_uid(), pk, at, at, at, at, ended, False, "", "silence", "equipment", 1))
    write(Outage, "uid object started_at started_lo started_hi detected_at ended_at held held_for sign fault_class affected_count", rows)


def measure(pages: Iterable[tuple[str, str]] = PAGES) -> list[dict[str, Any]]:
    """Two rows a page."""
    from django.conf import settings
    from django.test import Client
    from django.test.utils import override_settings

    from yuanjiao.people.models import Account

    settings.ALLOWED_HOSTS.append("testserver")
    staff, stranger, rows = Client(), Client(), []
    staff.force_login(Account.objects.get(username="shiguan"), backend="django.contrib.auth.backends.ModelBackend")
    for title, address in pages:
        first, answer = _timed(lambda address=address: staff.get(address))  # type: ignore[misc]
        assert answer.status_code == 200, (address, answer.status_code)
        again = statistics.median(_timed(lambda address=address: staff.get(address))[0] for _ in range(5))  # type: ignore[misc]
        with override_settings(ROOT_URLCONF=bare_urls(answer.content)):
            floor = statistics.median(_timed(lambda: stranger.get("/bare/"))[0] for _ in range(5))
        name = f"nation: {title}, {len(answer.content) / 1000:.0f} kB"
        rows += [_row(f"{name}, first time", first, floor), _row(name, again, floor)]
    return rows


def measure_edits() -> list[dict[str, Any]]:
    """CPU after one site was edited, of each that keeps the register in memory; floor: reading all of it."""
    from yuanjiao.network.diagnosis.picture import read_picture, stamp
    from yuanjiao.network.live import Listener
    from yuanjiao.network.queries.names import Names
    from yuanjiao.network.queries.roll import Roll

    roll, names, listener, own = Roll(), Names(), Listener(), own_node()

    def reload() -> None:
        listener.reload(own, top=True, now=time.time())

    works: list[tuple[str, Callable[[], Any]]] = [("roll", roll.read), ("names", lambda: names.find("五三五村")), ("live array", reload)]
    whole = {name: _cpu_ms(work) for name, work in works}
    whole["picture of the diagnosis"] = _cpu_ms(lambda: read_picture(time.time()))
    picture = read_picture(time.time())
    works.append(("picture of the diagnosis", lambda: picture.holds(stamp(), time.time())))
    rows = []
    for size, keys in (("one site", [350_000]), ("5,000 sites", list(range(100_000, 105_000)))):
        for name, work in works:
            spent = []
            for _ in range(3):
                register_changed(keys)
                spent.append(_cpu_ms(work))
            rows.append(_row(f"nation: edit of {size}, {name} follows", min(spent), whole[name]))
    return rows


def measure_orders() -> list[dict[str, Any]]:
    """CPU of a turn of the job that opens orders, with 500 open roots: while they wait, as they get their order, when all have one."""
    from yuanjiao.faults.commands import ensure_dictionaries
    from yuanjiao.faults.jobs import run_faults

    ensure_dictionaries()
    now, size = clock.now(), 500
    some = Outage.objects.filter(ended_at=None).values_list("pk", flat=True)[size:]
    Outage.objects.filter(pk__in=list(some)).update(ended_at=now)
    Outage.objects.filter(ended_at=None).update(started_at=now)
    waiting = min(_cpu_ms(lambda: run_faults(now)) for _ in range(5))
    later = now + timedelta(hours=1)
    opening = _cpu_ms(lambda: run_faults(later)) / size
    standing = min(_cpu_ms(lambda: run_faults(later)) for _ in range(5))
    told = (("in their patience", waiting), ("opened, per order", opening), ("with orders", standing))
    return [_row(f"nation: turn of orders, {size} roots {name}", value, None) for name, value in told]


def measure_import() -> list[dict[str, Any]]:
    """CPU of a workbook with 5,000 new sites: check, apply, check of the same file once more, undo."""
    import tempfile
    from pathlib import Path

    from yuanjiao.register import commands
    from yuanjiao.register.documents.template import write_workbook
    from yuanjiao.register.models import Import
    from yuanjiao.simulation.foundation import actor

    villages = [f"{TOWN[:4]}{5 + number // 182:02}{100 + number // 14 % 13}{200 + number % 14}" for number in range(5_000)]
    sites = [
        [f"N-{number:05}", f"新{_words(number)}站点", code, f"L-{code[:9]}000", "行政村", "宽带+机顶盒+电视", "", "", "", f"139{number:08}"]
        for number, code in enumerate(villages)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nation.xlsx"
        with path.open("wb") as target:
            write_workbook(target, {"站点": sites})
        data = path.read_bytes()
    by, at = actor("shiguan"), clock.now()

    def received() -> Import:
        return commands.receive_file(name="nation.xlsx", chunks=[data], size_bytes=len(data), by=by, at=at)

    first, second = received(), received()
    spent = {"check": _cpu_ms(lambda: commands.check_import(batch=first, by=by, at=at))}
    ready = Import.objects.get(pk=first.pk)
    assert ready.state == "ready", [str(problem) for problem in ready.problems.all()[:3]]
    commands.request_apply(batch=ready, good_rows_only=False, by=by)
    applying = Import.objects.get(pk=first.pk)
    spent["apply"] = _cpu_ms(lambda: commands.apply_import(batch=applying, by=by, at=at))
    spent["check once more"] = _cpu_ms(lambda: commands.check_import(batch=second, by=by, at=at))
    spent["undo"] = _cpu_ms(lambda: commands.undo_import(batch=applying, by=by, at=at))
    return [_row(f"nation: import of 5,000 sites, {name}", value, None) for name, value in spent.items()]


def _cpu_ms(work: Callable[[], Any]) -> float:
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1000


def _row(name: str, value: float, floor: float | None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": "ms", "floor": floor, "ratio": value / floor if floor else None}


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    answer = work()
    return (time.perf_counter() - begun) * 1000, answer
