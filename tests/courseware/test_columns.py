"""Columns that keep what they promise: sub-categories with counts, freshness, alarms, counties' columns and their adoption."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client

from tests.courseware.conftest import publish
from yuanjiao.courseware import commands, queries, shelf
from yuanjiao.courseware.counting import freshness_of
from yuanjiao.courseware.models import Column, ColumnAlarm, ColumnCategory, Courseware, Placement
from yuanjiao.courseware.rules.freshness import Finding, Flag, Placed, Promise, findings, weeks
from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.simulation.cast import SINCE, Cast

ON = date(2026, 3, 2)
LogIn = Callable[[str], Client]
THIRTEEN = "中央精神、市委部署、领导讲话、重要论述、理论点评、典型经验、党史党课、政策解读、农技推广、卫生健康、法律服务、能手、文化"


def days_ago(*ages: int) -> list[Placed]:
    return [Placed(ON - timedelta(days=age)) for age in ages]


@pytest.mark.clause("DLV04")
@pytest.mark.parametrize(
    ("promise", "placed", "flags"),
    [
        (Promise(ON - timedelta(days=6), min_weekly=3), [], []),  # shown for less than a week
        (Promise(ON - timedelta(days=7)), [], [Flag.EMPTY]),
        (Promise(SINCE, min_weekly=2), days_ago(0, 6), []),
        (Promise(SINCE, min_weekly=2), days_ago(0, 7), [Flag.STALE]),
        (Promise(SINCE), days_ago(90), []),
        (Promise(SINCE), days_ago(91), [Flag.STALE]),
        (Promise(SINCE, max_delay_days=3), [Placed(ON, ON - timedelta(days=3))], []),
        (Promise(SINCE, max_delay_days=3), [Placed(ON, ON - timedelta(days=4))], [Flag.LATE]),
        (Promise(SINCE, max_delay_days=0), [Placed(ON - timedelta(days=28), SINCE), *days_ago(1)], []),  # judged over four weeks
        (Promise(SINCE, max_delay_days=0), [Placed(ON, ON + timedelta(days=2))], []),  # announced ahead is no delay
    ],
)
def test_what_is_wrong_with_a_column(promise: Promise, placed: list[Placed], flags: list[Flag]) -> None:
    assert [one.flag for one in findings(promise, placed, ON)] == flags


def test_a_finding_cites_its_numbers() -> None:
    found = findings(Promise(SINCE, min_weekly=2, max_delay_days=1), [Placed(ON, ON - timedelta(days=5))], ON)
    assert found == [
        Finding(Flag.STALE, "最近七天更新 1 件，承诺每周至少 2 件；最近一次 2026-03-02"),
        Finding(Flag.LATE, "最近四周有 1 件超过时限 1 天，最长 5 天"),
    ]


def test_weeks_begin_on_monday_and_the_running_one_is_last() -> None:
    assert weeks(days_ago(0, 1, 7, 8), ON, 3) == [(date(2026, 2, 16), 1), (date(2026, 2, 23), 2), (ON, 1)]


@pytest.mark.clause("DLV04")
def test_the_owner_is_alarmed_once_and_the_alarm_ends_when_the_column_is_fresh_again(
    column: Column, films: dict[str, Path], cast: Cast, at: datetime, log_in: LogIn
) -> None:
    Column.objects.update(min_weekly=1)
    assert commands.watch_columns(at=at) == (1, 0)
    assert commands.watch_columns(at=at + timedelta(days=1)) == (0, 0)
    assert "没有课件" in log_in("shiguan").get("/courseware/columns/freshness/").content.decode()
    publish(cast, column, films["short.mp4"], at)
    assert commands.watch_columns(at=at + timedelta(days=6)) == (0, 1)
    assert commands.watch_columns(at=at + timedelta(days=7)) == (1, 0)
    assert [(row.flag, row.opened_on, row.closed_on) for row in ColumnAlarm.objects.order_by("opened_on")] == [
        ("empty", ON, ON + timedelta(days=6)),
        ("stale", ON + timedelta(days=7), None),
    ]


def test_a_countys_officer_hears_of_the_own_columns_only(column: Column, cast: Cast, at: datetime) -> None:
    path = cast.divisions["990101000000"].path
    own = commands.open_column(
        title="柳溪先锋", owner=cast.units["ZZ-990101"], visible_from=SINCE, audience=path, by=cast.actor("xianguan"), at=at
    )
    commands.watch_columns(at=at)
    assert [row.column for row in queries.alarms_managed_by(cast.actor("xianguan"))] == [own]
    assert not queries.alarms_managed_by(cast.actor("linxian")).exists()
    assert queries.alarms_managed_by(cast.actor("shiguan")).count() == 2


@pytest.mark.clause("CW15")
def test_sub_categories_are_counted_and_empty_ones_are_flagged(
    column: Column, films: dict[str, Path], cast: Cast, at: datetime, log_in: LogIn
) -> None:
    client = log_in("shiguan")
    client.post(f"/courseware/columns/{column.uid}/categories/", {"add": "", "title": THIRTEEN})
    assert column.categories.count() == 13
    film = publish(cast, column, films["short.mp4"], at)
    publish(cast, column, films["short.mp4"], at, title="另一件")
    place, category = column.placements.get(courseware=film), column.categories.get(title="农技推广")
    said = {"category": category.uid, "source_on": "2026-03-01"}
    client.post(f"/courseware/placements/{place.uid}/describe/", said)
    found = freshness_of([column], ON)[0]
    counts = {one.title: (one.items, [flag.flag for flag in one.findings]) for one in found.categories}
    assert counts["农技推广"] == (1, [])
    assert counts["中央精神"] == (0, [Flag.EMPTY])
    assert counts["未分类"] == (1, [])
    assert found.categories_wanting == 12
    assert found.worst_delay_days == 1
    assert [one.items for one in queries.categories_now(column.uid, on=at.date())] == [0] * 8 + [1] + [0] * 4
    assert [card.title for card in queries.released_items(on=ON, column=column.uid, category=category.uid)] == [film.title]
    shown = client.get(f"/courseware/columns/{column.uid}/").content.decode()
    assert "2026-03-01" in shown


def test_a_sub_category_is_renamed_moved_and_taken_away_and_its_items_stay(
    column: Column, released: Courseware, cast: Cast, at: datetime
) -> None:
    by = cast.actor("shiguan")
    first, second = (commands.add_category(column=column, title=title, by=by, at=at) for title in ("甲", "乙"))
    with pytest.raises(Conflict):
        commands.add_category(column=column, title=" 甲 ", by=by, at=at)
    with pytest.raises(Refused):
        commands.change_category(category=second, title="甲", steps=0, by=by, at=at)
    commands.change_category(category=second, title="丙", steps=-1, by=by, at=at)
    assert [row.title for row in column.categories.all()] == ["丙", "甲"]
    place = column.placements.get()
    commands.describe_placement(placement=place, category=first, source_on=None, by=by, at=at)
    commands.drop_category(category=first, by=by, at=at)
    place.refresh_from_db()
    assert place.category is None
    with pytest.raises(Refused, match="晚于"):
        commands.describe_placement(placement=place, category=None, source_on=ON + timedelta(days=1), by=by, at=at)
    with pytest.raises(NotFound):
        commands.add_category(column=column, title="丁", by=cast.actor("xianguan"), at=at)


def test_sub_categories_and_promises_go_down_and_names_may_change_places(
    column: Column, released: Courseware, cast: Cast, at: datetime
) -> None:
    by = cast.actor("shiguan")
    one, two = (commands.add_category(column=column, title=title, by=by, at=at) for title in ("甲", "乙"))
    commands.describe_placement(placement=column.placements.get(), category=two, source_on=SINCE, by=by, at=at)
    below = shelf.offer(ALL)
    ColumnCategory.objects.filter(pk=one.pk).update(title="乙乙")
    ColumnCategory.objects.filter(pk=two.pk).update(title="甲")
    ColumnCategory.objects.filter(pk=one.pk).update(title="乙")
    Placement.objects.update(category=None, source_on=None)
    shelf.accept(below.document)
    assert [(row.uid, row.title) for row in column.categories.all()] == [(one.uid, "甲"), (two.uid, "乙")]
    assert (column.placements.get().category, column.placements.get().source_on) == (two, SINCE)
    assert shelf.offer(ALL) == below


@pytest.mark.clause("DLV05")
def test_a_county_runs_its_own_column_and_the_city_adopts_an_item_with_one_action(
    column: Column, released: Courseware, cast: Cast, at: datetime, log_in: LogIn
) -> None:
    path = cast.divisions["990101000000"].path
    county = log_in("xianguan")
    form = {
        "title": "柳溪党员讲堂", "owner": "ZZ-990101", "audience": path, "order": 10, "official": "on", "min_weekly": 0,
        "visible_from": "2026-01-01",
    }  # fmt: skip
    assert "所有人" not in county.get("/courseware/columns/new/").content.decode()
    assert county.post("/courseware/columns/new/", form).status_code == 302
    own = Column.objects.get(title="柳溪党员讲堂")
    commands.release_courseware(courseware=released, columns=[own], by=cast.actor("xianguan"), at=at)
    assert commands.remove_placement(placement=column.placements.get(), by=cast.actor("shiguan"), at=at) is None
    city = log_in("shiguan")
    assert released.title in city.get("/courseware/columns/adoption/").content.decode()
    place = own.placements.get()
    assert city.post(f"/courseware/placements/{place.uid}/adopt/", {"column": column.uid}).status_code == 302
    taken = column.placements.get()
    assert (taken.courseware, taken.adopted_from) == (released, own.uid)
    assert released.title not in city.get("/courseware/columns/adoption/").content.decode()
    assert "柳溪党员讲堂" in city.get(f"/courseware/columns/{column.uid}/").content.decode()
    assert {one.title for one in queries.columns_now(on=ON, path=path)} == {"农技课堂", "柳溪党员讲堂"}


def test_a_county_speaks_to_itself_and_leaves_the_citys_columns(column: Column, released: Courseware, cast: Cast, at: datetime) -> None:
    by = cast.actor("xianguan")
    with pytest.raises(Refused, match="只面向本地"):
        commands.open_column(title="全市", owner=cast.units["ZZ-990101"], visible_from=SINCE, by=by, at=at)
    with pytest.raises(NotFound):
        commands.remove_placement(placement=column.placements.get(), by=by, at=at)
    with pytest.raises(Refused, match="下级"):
        commands.adopt_courseware(placement=column.placements.get(), column=column, by=cast.actor("shiguan"), at=at)
