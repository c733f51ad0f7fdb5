"""Several people act on one contest at the same moment, each over a connection of their own (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from tests.programmes.conftest import Publish
from yuanjiao.production import commands
from yuanjiao.production.models import Award, Contest, Entry, Sheet
from yuanjiao.production.queries.contests import standings
from yuanjiao.simulation.cast import Cast

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one write at a time"),
]
JUDGES = ("gongcheng", "rexian", "zhanguan")


@pytest.fixture
def entries(cast: Cast, publish: Publish, at: datetime) -> list[Entry]:
    """Two works that are being judged by three."""
    head, maker = cast.actor("shiguan"), cast.actor("zhizuo")
    contest = commands.open_contest(
        title="优秀课件评选", unit=cast.units["ZZ-9901"], entries_until=date(2026, 3, 2) + timedelta(days=10),
        criteria=[("内容", 60), ("制作", 40)], least_sheets=2, by=head, at=at,
    )  # fmt: skip
    rows = [commands.enter_work(contest=contest, item=publish(title).uid, by=maker, at=at) for title in ("养猪技术", "果树修剪")]
    for name in JUDGES:
        commands.ask_judge(contest=contest, person=cast.people[name], by=head, at=at)
    units = {judge.pk: {judge.person.unit_id} for judge in contest.judges.select_related("person")}
    commands.begin_judging(contest=contest, units=units, by=head, at=at)
    return rows


def hand_in(entry: Entry, cast: Cast, at: datetime, name: str, content: int, making: int) -> None:
    first, second = Contest.objects.get(pk=entry.contest_id).criteria.all()
    fresh = Entry.objects.get(pk=entry.pk)
    commands.hand_in_sheet(entry=fresh, points={first.pk: content, second.pk: making}, words="", by=cast.actor(name), at=at)


def meanwhile(pool: ThreadPoolExecutor, act: Callable[[], Any]) -> Future[Any]:
    """Do it in a thread; the connection it opened is closed again."""

    def acted() -> Any:
        try:
            return act()
        finally:
            connection.close()

    begun = pool.submit(acted)
    wait([begun], timeout=1.0)  # it waits for us, or it would be over by now
    return begun


@pytest.mark.clause("CW12")
def test_who_closes_judging_waits_for_a_sheet_that_is_being_handed_in(entries: list[Entry], cast: Cast, at: datetime) -> None:
    better, other = entries
    for name in JUDGES[:2]:
        hand_in(better, cast, at, name, 40, 30)
        hand_in(other, cast, at, name, 39, 30)
    contest = Contest.objects.get(pk=better.contest_id)
    close = {"contest": Contest.objects.get(pk=contest.pk), "prizes": [("一等奖", 1)], "by": cast.actor("shiguan"), "at": at}
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            hand_in(other, cast, at, JUDGES[2], 60, 40)
            closing = meanwhile(pool, lambda: commands.close_judging(**close))
        closing.result(30)
    contest.refresh_from_db()
    best = standings(contest)[0].entry
    assert best == other, "the third sheet counts"
    assert [award.entry for award in Award.objects.all()] == [best], "what the totals say is what was awarded"


def test_one_judge_s_sheet_sent_twice_at_once_is_one_whole_sheet(entries: list[Entry], cast: Cast, at: datetime) -> None:
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            hand_in(entries[0], cast, at, JUDGES[0], 10, 10)
            again = meanwhile(pool, lambda: hand_in(entries[0], cast, at, JUDGES[0], 50, 35))
        again.result(30)
    sheet = Sheet.objects.get()
    assert sorted(sheet.lines.values_list("given", flat=True)) == [35, 50]
