"""What a site was counts day by day: rates by kind, access mode and programme against an oracle that asks of every five minutes.

The worlds are those of `test_dated_rates` (moves, suspensions, work, rules, a town that goes elsewhere); beside that sites become of
another kind, have another access mode or belong to other programmes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from tests.network.test_dated_rates import (
    DAY,
    DAYS,
    FIRST,
    SITES,
    World,
    build,
    class_at,
    day,
    in_tests,
    moment,
    oracle,
    steps,
    sums,
    worlds,
)
from tests.register.workbooks import bring_and_apply, site, write_book
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.network import commands, queries
from yuanjiao.network.commands.many import ObjectEntry, correct_objects, enter_objects, remove_objects
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.models import FormerLabels, ListeningMark, PlayTest, RegisterVersion, Site, State, StateChange
from yuanjiao.network.queries.behind import sites_behind
from yuanjiao.network.queries.rates import SPLITS, measure, splits_of
from yuanjiao.network.rules import RULE
from yuanjiao.network.rules.labels import LABELS, Said, relabelled
from yuanjiao.network.rules.register import programmes
from yuanjiao.people.models import AuditRow
from yuanjiao.people.rules import SYSTEM
from yuanjiao.places.models import Division
from yuanjiao.register.commands import undo_import
from yuanjiao.simulation.cast import SINCE, Cast

pytestmark = pytest.mark.django_db
Enter = Callable[[str], Client]
Turns = dict[str, list[tuple[int, Said]]]
FIELD = {"programme": "programmes"}
COUNTED = ("up", "down", "unknown", "excluded", "maintenance")
OLD: Said = ("village", "broadband_stb", "")
said = st.tuples(
    st.sampled_from(["village", "township"]),
    st.sampled_from(["broadband_stb", "satellite"]),
    st.sampled_from(["", "党员远教", "党员远教、农村中小学远教"]),
)


@st.composite
def turns(draw: st.DrawFn) -> Turns:
    """For each site the days on which it became something, in order; it was OLD before."""
    return {code: [(at, draw(said)) for at in sorted(draw(st.sets(st.integers(-1, DAYS + 1), max_size=4)))] for code in SITES}


def relabel(changes: Turns) -> None:
    """As imports do it, one after the other."""
    for at in sorted({at for told in changes.values() for at, _ in told}):
        fields = {code: dict(zip(LABELS, of, strict=True)) for code, told in changes.items() for on, of in told if on == at}
        correct_objects(changes=fields, on=day(at))


def said_at(changes: Turns, code: str, step: int) -> Said:
    return [OLD, *(of for at, of in changes[code] if at * DAY <= step)][-1]


def values(of: Said, by: str) -> list[str]:
    """Under which values of a split a site counts."""
    text = of[LABELS.index(FIELD.get(by, by))]
    return programmes(text) if by == "programme" else [text]


def split_oracle(world: World, changes: Turns, by: str, start: int, end: int) -> dict[str, dict[str, Counter[str]]]:
    """Value → site → steps by class, step by step."""
    found: dict[str, dict[str, Counter[str]]] = {}
    for code in SITES:
        for step in range(start, end):
            _, kind = class_at(world, code, step)
            for value in values(said_at(changes, code, step), by) if kind else ():
                found.setdefault(value, {}).setdefault(code, Counter())[kind] += 1
    return found


def served(steps_of: Counter[str]) -> bool:
    return any(steps_of[kind] for kind in ("up", "down", "unknown"))


@pytest.mark.clause("NET03", "OPS11")
@in_tests
@given(world=worlds(), changes=turns(), cut=st.tuples(steps, steps).map(sorted))
def test_every_second_belongs_to_what_its_site_was_that_day(cast: Cast, world: World, changes: Turns, cut: list[int]) -> None:
    """Splits, their populations and the sites behind each figure; the whole and the places do not feel the cuts."""
    start, end = cut[0], cut[1] + 1
    with transaction.atomic():
        build(world, cast)
        relabel(changes)
        table = queries.rate_table(cast.divisions["990100000000"], moment(start), moment(end))
        plain = queries.rate_over("/", moment(start), moment(end))
        parts = {by: queries.rates_split("/", by, moment(start), moment(end)) for by in ("site_kind", "access_mode", "programme")}
        behind = {(by, one.key): behind_figure(cast, by, one.key, start, end) for by, found in parts.items() for one in found}
        transaction.set_rollback(True)
    assert table.whole == plain
    assert sums(plain) == oracle(world, "all", start, end)
    assert sum((sums(child.rate) for child in table.children), Counter()) == sums(plain)
    for by, found in parts.items():
        wanted = split_oracle(world, changes, by, start, end)
        assert {one.key: sums(one.rate) for one in found} == {value: sum(of.values(), Counter()) for value, of in wanted.items()}
        assert table.splits[by] == found
        for one in found:
            sites_of = wanted[one.key]
            assert one.rate.population == sum(served(counts) for counts in sites_of.values())
            assert one.rate.suspended == sum(counts["excluded"] > 0 for counts in sites_of.values())
            assert behind[by, one.key] == sites_of


def behind_figure(cast: Cast, by: str, key: str, start: int, end: int) -> dict[str, Counter[str]]:
    rows = sites_behind(cast.divisions["990100000000"], moment(start), moment(end), split=by, key=key)
    codes = dict(Site.objects.values_list("pk", "code"))
    return {codes[row.site_id]: sums(row.rate) for row in rows}


@pytest.mark.clause("NET03", "OPS11")
@in_tests
@given(world=worlds(), changes=turns(), step=st.integers(0, DAYS * DAY // 2 - 1))
def test_at_a_past_moment_a_site_counts_as_what_it_then_was(cast: Cast, world: World, changes: Turns, step: int) -> None:
    with transaction.atomic():
        build(world, cast)
        relabel(changes)
        parts = {by: queries.rates_split("/", by, moment(step)) for by in ("site_kind", "access_mode", "programme")}
        transaction.set_rollback(True)
    for by, found in parts.items():
        wanted = {value: sum(of.values(), Counter()) for value, of in split_oracle(world, changes, by, step, step + 1).items()}
        assert {one.key: +Counter({name: getattr(one.rate, name) for name in COUNTED}) for one in found} == wanted


@given(changes=st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abc")), max_size=12))
def test_the_days_say_what_was_said_of_them_last(changes: Sequence[tuple[int, str]]) -> None:
    """In whatever order changes come: each holds for its day and all later ones until another is said of those."""
    start = date(2026, 1, 1)
    of_day, story, now = ["-"] * 10, [], "-"
    for on, label in changes:
        story = relabelled(story, before=(now,), now=(label,), on=start + timedelta(days=on))
        of_day[on:], now = [label] * (10 - on), label
    told = [next((of[0] for until, of in story if until > start + timedelta(days=n)), now) for n in range(10)]
    assert told == of_day
    assert all(one[0] < other[0] and one[1] != other[1] for one, other in pairwise([*story, (date.max, (now,))]))


@pytest.fixture
def month(cast: Cast) -> Cast:
    """Every site was up all February, and the play test is of the last day of January."""
    observer = "00000000-0000-7000-8000-000000000001"
    ListeningMark.objects.create(observer=observer, at=clock.day_start(date(2026, 3, 1)))
    for number, one in enumerate(cast.sites.values()):
        StateChange.objects.create(object=one, state=State.UP, at=clock.day_start(SINCE), observer=observer, seq=number)
        PlayTest.objects.create(site=one, at=clock.day_start(date(2026, 1, 31)), ok=True, observer=observer)
    return cast


LI = "S-990101100200"
FEB = (clock.day_start(date(2026, 2, 1)), clock.day_start(date(2026, 3, 1)))


def february(place: Division) -> dict[str, dict[str, tuple[int, int]]]:
    """Split → value → (days up, sites)."""
    parts = {by: queries.rates_split(place, by, *FEB) for by in SPLITS}
    return {by: {one.key: (one.rate.up // 86_400, one.rate.population) for one in found} for by, found in parts.items()}


def stories(code: str = LI) -> list[tuple[date, Said]]:
    rows = FormerLabels.objects.filter(site__code=code).order_by("until").values_list("until", *LABELS)
    return [(row[0], tuple(row[1:])) for row in rows]


@pytest.mark.clause("NET03", "NET04", "OPS11")
def test_a_rate_of_the_past_stands_when_a_site_is_changed_today(month: Cast, at: datetime) -> None:
    county, today = month.divisions["990101000000"], clock.local_day(at)
    before = february(county)
    number = RegisterVersion.objects.get().number
    correct_objects(changes={LI: {"access_mode": "satellite", "site_kind": "community", "programmes": "党员远教"}}, on=today)
    assert february(county) == before
    assert {one.key: one.rate.population for one in queries.rates_split(county, "access_mode", at)} == {"broadband_stb": 3, "satellite": 1}
    assert RegisterVersion.objects.get().number > number, "who keeps the register in memory reads it again"


@pytest.mark.clause("OPS11")
def test_a_change_may_be_told_later_and_what_was_told_wrong_be_put_right(month: Cast, at: datetime) -> None:
    county, row = month.divisions["990101000000"], Site.objects.get(code=LI)

    def say(mode: str, on: date) -> None:
        one = Site.objects.get(code=LI)
        commands.relabel_site(site=one, site_kind="village", access_mode=mode, programmes=" ", by=SYSTEM, on=on, at=at)

    say("satellite", date(2026, 2, 11))
    assert february(county)["access_mode"] == {"broadband_stb": (3 * 28 + 10, 4), "satellite": (18, 1)}
    say("pc", date(2026, 2, 21))
    assert february(county)["access_mode"]["pc"] == (8, 1)
    say("pc", row.in_service_on)
    assert february(county)["access_mode"] == {"broadband_stb": (3 * 28, 3), "pc": (28, 1)}
    with pytest.raises(Conflict):
        say("pc", date(2026, 2, 3))
    with pytest.raises(Refused, match="不能晚于今天"):
        say("cable", clock.local_day(at) + timedelta(days=1))
    with pytest.raises(Refused, match="没有这种"):
        say("smoke", date(2026, 2, 3))
    told = list(AuditRow.objects.filter(action="变更站点类型").order_by("pk").values_list("detail", flat=True))
    assert "由行政村、宽带+机顶盒+电视改为行政村、卫星" in told[0]
    assert ["随之更正" in one for one in told] == [False, False, True]
    with pytest.raises(Forbidden):
        commands.relabel_site(
            site=row, site_kind="village", access_mode="pc", programmes="", by=month.actor("zhanguan"), on=FEB[0].date(), at=at
        )


def test_an_import_keeps_what_sites_were_and_its_undoing_on_the_day_takes_that_back(month: Cast, at: datetime, tmp_path: Path) -> None:
    other, actor = "S-990101100201", month.actor("shiguan")
    rows = [site(LI, "李村站点", 接入方式="卫星"), site(other, "王村站点", "990101100201", 站点类型="社区", 所属项目="党员远教")]
    batch = bring_and_apply(write_book(tmp_path / "modes.xlsx", {"站点": rows}), by=actor, at=at)
    assert stories() == stories(other) == [(clock.local_day(at), OLD)]
    assert FormerLabels.objects.count() == 2
    undo_import(batch=batch, by=actor, at=at)
    assert not FormerLabels.objects.exists()


def test_an_import_undone_on_a_later_day_leaves_the_days_it_held(month: Cast, at: datetime, tmp_path: Path) -> None:
    path = write_book(tmp_path / "modes.xlsx", {"站点": [site(LI, "李村站点", 接入方式="卫星")]})
    batch = bring_and_apply(path, by=month.actor("shiguan"), at=at)
    undo_import(batch=batch, by=month.actor("shiguan"), at=at + timedelta(days=3))
    first, today = clock.local_day(at), clock.local_day(at + timedelta(days=3))
    assert stories() == [(first, OLD), (today, ("village", "satellite", ""))]
    assert Site.objects.get(code=LI).access_mode == "broadband_stb"


def test_two_changes_of_one_day_are_one_and_other_fields_are_none(month: Cast) -> None:
    for mode, name in (("satellite", "一改"), ("pc", "二改"), ("pc", "三改")):
        correct_objects(changes={LI: {"access_mode": mode, "name": name}}, on=FIRST)
    assert stories() == [(FIRST, OLD)]
    correct_objects(changes={LI: {"name": "四改", "road": "石柳公路"}}, on=FIRST + timedelta(days=1))
    assert stories() == [(FIRST, OLD)]


def test_a_site_that_is_taken_out_takes_what_it_was_with_it(month: Cast) -> None:
    entry = ObjectEntry(
        kind="site", code="S-NEW", name="新站点", division_id=month.divisions["990101100200"].pk, depends_on="L-990101100",
        lifecycle="in_service", suspension_document="", in_service_on=FIRST,
    )  # fmt: skip
    uids = enter_objects(entries=[entry], on=FIRST)
    correct_objects(changes={"S-NEW": {"access_mode": "pc"}}, on=FIRST + timedelta(days=1))
    assert FormerLabels.objects.exists()
    remove_objects(uids=uids.values())
    assert not FormerLabels.objects.exists()


@pytest.fixture
def counted() -> Iterator[None]:
    COUNTERS.forget()
    yield
    COUNTERS.forget()


@pytest.mark.usefixtures("counted")
def test_with_the_register_in_memory_pages_say_the_same_and_follow_a_change(month: Cast, at: datetime) -> None:
    county = month.divisions["990101000000"]
    correct_objects(changes={LI: {"access_mode": "satellite"}}, on=date(2026, 2, 11))
    correct_objects(changes={LI: {"programmes": "党员远教"}, "S-990101101200": {"access_mode": "pc"}}, on=date(2026, 2, 15))
    from_rows = february(county)
    COUNTERS.keep(at, lambda _: RULE)
    assert february(county) == from_rows
    correct_objects(changes={"S-990101100201": {"access_mode": "cable"}, LI: {"programmes": ""}}, on=date(2026, 2, 21))
    followed = february(county)
    COUNTERS.forget()
    assert followed == february(county) != from_rows


def test_a_change_is_told_on_the_page_of_the_site(month: Cast, log_in: Enter) -> None:
    admin, address = log_in("shiguan"), f"/network/objects/{LI}/"
    assert "最初" in admin.get(address).content.decode()
    told: dict[str, Any] = {"site_kind": "community", "access_mode": "satellite", "programmes": "党员远教", "on": "2026-02-11"}
    assert admin.post(f"{address}labels/", told | {"on": "2999-01-01"}).status_code == 400
    assert not FormerLabels.objects.exists()
    page = admin.post(f"{address}labels/", told, follow=True).content.decode()
    assert stories() == [(date(2026, 2, 11), OLD)]
    for words in ("2026-02-11", "社区", "卫星", "党员远教"):
        assert words in page
    again = admin.post(f"{address}labels/", told)
    assert (again.status_code, "已经是这样登记" in again.content.decode()) == (400, True)
    assert admin.post("/network/objects/E-990101/labels/", told).status_code == 404
    assert "labels/" not in admin.get("/network/objects/E-990101/").content.decode()
    assert log_in("xianguan").post(f"{address}labels/", told).status_code == 403
    rates = admin.get("/network/rates/sites/?division=990101000000&from=2026-02-01&to=2026-02-28&split=access_mode&key=satellite")
    assert LI in rates.content.decode()


def test_rows_are_cut_only_where_it_is_asked_what_sites_were(month: Cast) -> None:
    correct_objects(changes={LI: {"access_mode": "satellite"}}, on=date(2026, 2, 11))
    measured = measure(["/"], *FEB)
    labelled = measure(["/"], *FEB, labelled=True)
    assert len(np.unique(measured.population.ids)) == len(measured.population.ids) == len(labelled.population.ids) - 1
    with pytest.raises(AssertionError, match="labelled"):
        splits_of(measured, "access_mode")
