"""Distributions (DLV23, CW24): copies by unit, needed, delivered, missing; no reader is known."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from tests.learning.stage import CITY, COUNTY, LI
from yuanjiao.flow.nodes.models import Node, NodeKind
from yuanjiao.learning import queries
from yuanjiao.learning.commands import begin_distribution, note_copies
from yuanjiao.learning.models import CopyForm, Distribution, DistributionLine
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.people.models import AuditRow
from yuanjiao.places.rules import Level
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
DAY = timedelta(days=1)


def begin(cast: Cast, at: datetime, **changes: Any) -> Distribution:
    """A reader in print for every county of the city, twenty each."""
    wanted: dict[str, Any] = {
        "title": "乡村振兴读本",
        "edition": "2026 年第 1 版",
        "form": CopyForm.PRINTED,
        "item": None,
        "document": "青组发〔2026〕9号",
        "unit": cast.units["ZZ-9901"],
        "place": cast.divisions["990100000000"],
        "level": Level.COUNTY,
        "each": 20,
        "by": cast.actor("shiguan"),
        "at": at,
    }
    return begin_distribution(**(wanted | changes))


def line_of(row: Distribution, unit: str) -> DistributionLine:
    return row.lines.get(unit__code=unit)


def give(cast: Cast, line: DistributionLine, delivered: int, at: datetime, *, by: str = "shiguan", **changes: Any) -> None:
    told: dict[str, Any] = {"needed": line.needed, "on": clock.local_day(at)}
    note_copies(line=line, delivered=delivered, by=cast.actor(by), at=at, **(told | changes))


@pytest.mark.clause("DLV23", "CW24")
def test_each_unit_has_its_need_what_came_and_what_is_missing(cast: Cast, at: datetime) -> None:
    row = begin(cast, at)
    assert {line.unit.code for line in row.lines.all()} == {"ZZ-990101", "ZZ-990102"}, "organisations of that level, and no operators"
    give(cast, line_of(row, "ZZ-990101"), 12, at)
    give(cast, line_of(row, "ZZ-990102"), 20, at, by="linxian")
    sums = queries.copies_of(queries.distribution_lines(row, [CITY]))
    assert (sums.units, sums.complete, sums.needed, sums.delivered, sums.missing) == (2, 1, 40, 32, 8)
    own = queries.copies_of(queries.distribution_lines(row, [COUNTY]))
    assert (own.units, own.needed, own.missing) == (1, 20, 8), "a county sees its own"
    give(cast, line_of(row, "ZZ-990101"), 12, at, needed=30)
    line = line_of(row, "ZZ-990101")
    assert (line.needed, line.delivered, line.delivered_on) == (30, 12, clock.local_day(at))
    assert AuditRow.objects.filter(action="登记发放").count() == 3
    electronic = begin(cast, at, form=CopyForm.DIGITAL, item=new_uid(), level=Level.VILLAGE, each=1)
    assert [line.unit.code for line in electronic.lines.all()] == ["ZZ-990101100200"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"title": " "}, "书名"), ({"each": 0}, "份数"), ({"each": 100_001}, "份数"), ({"level": Level.PROVINCE}, "没有这一级")],
)
def test_a_wrong_distribution_is_refused_with_its_reason(cast: Cast, at: datetime, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        begin(cast, at, **changes)
    assert not Distribution.objects.exists()


def test_what_cannot_be_is_refused_and_held_by_the_database(cast: Cast, at: datetime) -> None:
    line = line_of(begin(cast, at), "ZZ-990101")
    for delivered, changes in ((21, {}), (-1, {}), (5, {"on": clock.local_day(at) + DAY}), (5, {"on": clock.local_day(at) - DAY})):
        with pytest.raises(Refused):
            give(cast, line, delivered, at, **changes)
    with pytest.raises(Conflict):
        give(cast, line, 0, at)
    with pytest.raises(IntegrityError), transaction.atomic():
        DistributionLine.objects.filter(pk=line.pk).update(delivered=21)


def test_who_receives_tells_of_the_own_copies_and_changes_no_need(cast: Cast, at: datetime) -> None:
    row = begin(cast, at)
    line = line_of(row, "ZZ-990101")
    give(cast, line, 4, at, by="xianguan")
    with pytest.raises(NotFound):
        give(cast, line, 5, at, by="xianguan", needed=50)
    with pytest.raises((NotFound, Forbidden)):
        give(cast, line, 6, at, by="linxian")
    with pytest.raises((NotFound, Forbidden)):
        begin(cast, at, by=cast.actor("xianguan"))
    with pytest.raises(NotFound):
        queries.distribution_line(line.pk, [LI])


@pytest.mark.clause("DLV23")
def test_the_pages_begin_tell_and_go_out_as_a_register(cast: Cast, log_in: LogIn) -> None:
    city, county = log_in("shiguan"), log_in("xianguan")
    sent = {
        "title": "应知应会读本",
        "edition": "第 2 版",
        "form": "printed",
        "item": "",
        "document": "",
        "scope": "990100000000",
        "each": "10",
    }
    page = city.post("/learning/distributions/new/", sent | {"level": "3", "unit": "ZZ-9901"}, follow=True).content.decode()
    assert "2 个单位需要 20 份，已发 0 份（0.00%），还缺 20 份" in page
    row = Distribution.objects.get()
    mine = county.get(f"/learning/distributions/{row.uid}/").content.decode()
    assert "1 个单位需要 10 份" in mine
    assert "石岭县委组织部" not in mine
    (address,) = set(re.findall(r'href="(/learning/distributions/lines/\d+/)"', mine))
    assert "disabled" in county.get(address).content.decode()
    answer = county.post(address, {"needed": "99", "delivered": "10", "on": f"{clock.today()}"}, follow=True).content.decode()
    assert "1 个单位已发齐" in answer
    assert line_of(row, "ZZ-990101").needed == 10, "a disabled field says nothing"
    assert county.post(address, {"delivered": "11", "on": f"{clock.today()}"}).status_code == 400
    other = line_of(row, "ZZ-990102")
    assert county.get(f"/learning/distributions/lines/{other.pk}/").status_code == 404
    missing = city.get(f"/learning/distributions/{row.uid}/?state=missing").content.decode().partition('id="table"')[2]
    assert "石岭县委组织部" in missing
    assert "柳溪县委组织部" not in missing
    book = openpyxl.load_workbook(BytesIO(b"".join(city.get(f"/learning/distributions/{row.uid}/?export=xlsx").streaming_content)))  # type: ignore[attr-defined]
    cells = list(book.active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert next(line for line in cells if "ZZ-990101" in line)[4:7] == (10, 10, 0)
    assert "应知应会读本" in county.get("/learning/distributions/").content.decode()
    assert log_in("lingdao").get(f"/learning/distributions/{row.uid}/").status_code == 200
    Node.objects.filter(is_self=True).update(kind=NodeKind.EDGE)
    assert city.get("/learning/distributions/new/").status_code == 400
