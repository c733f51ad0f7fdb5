"""Books and documents are counted in copies per unit: needed, delivered, missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest
from django.test import Client

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.production import commands, queries
from yuanjiao.production.models import CopyForm, Handout, HandoutDelivery, HandoutKind, HandoutNeed
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
ON = date(2026, 3, 2)


@pytest.fixture
def book(cast: Cast, at: datetime) -> Handout:
    return commands.issue_handout(
        kind=HandoutKind.BOOK, title="乡土课本", edition="2026 年第 2 版", unit=cast.units["ZZ-9901"], issued_on=ON,
        by=cast.actor("shiguan"), at=at,
    )  # fmt: skip


@pytest.mark.clause("CW24", "DLV23")
def test_a_book_is_needed_delivered_and_missing_by_unit_and_form(
    book: Handout, cast: Cast, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    city, page = log_in("shiguan"), f"/production/handouts/{book.uid}/"
    needs = {"form": "paper", "counts": "柳溪县委组织部 120\nZZ-990102：80份"}
    assert city.post(page + "needs/", {**needs, "counts": "没有的单位 3"}).status_code == 400
    assert city.post(page + "needs/", needs).status_code == 302
    assert city.post(page + "needs/", {"form": "pdf", "counts": "ZZ-990101 5"}).status_code == 302
    came = {"form": "paper", "counts": "柳溪县委组织部 100\n石岭县委组织部 90", "on": ON.isoformat()}
    assert city.post(page + "deliveries/", came).status_code == 302
    by = cast.actor("shiguan")
    found = {(one.unit_name, one.form): (one.needed, one.delivered, one.missing) for one in queries.delivered(book, by)}
    assert found == {
        ("柳溪县委组织部", "纸质"): (120, 100, 20), ("柳溪县委组织部", "PDF"): (5, 0, 5), ("石岭县委组织部", "纸质"): (80, 90, 0),
    }  # fmt: skip
    row = queries.handouts_seen(by).get()
    assert (row.needed, row.missing) == (205, 25), "what one unit has too many of is not another's"
    assert "2026 年第 2 版" in city.get("/production/handouts/").content.decode()
    assert "25" in city.get(page).content.decode()


def test_a_county_sees_and_signs_for_its_own_units_only(book: Handout, cast: Cast, at: datetime, log_in: LogIn) -> None:
    by = cast.actor("shiguan")
    both = [(cast.units["ZZ-990101"], 10), (cast.units["ZZ-990102"], 7)]
    commands.set_needs(handout=book, form=CopyForm.PAPER, counts=both, by=by, at=at)
    county = cast.actor("xianguan")
    assert [one.unit_name for one in queries.delivered(book, county)] == ["柳溪县委组织部"]
    assert queries.handouts_seen(county).get().needed == 10
    with pytest.raises(NotFound):
        commands.note_deliveries(handout=book, form=CopyForm.PAPER, counts=both, on=ON, by=county, at=at)
    assert not HandoutDelivery.objects.exists(), "all or none"
    with pytest.raises(NotFound):
        commands.set_needs(handout=book, form=CopyForm.PAPER, counts=both[:1], by=county, at=at)
    commands.note_deliveries(handout=book, form=CopyForm.PAPER, counts=both[:1], on=ON, by=county, at=at)
    assert queries.handouts_seen(county).get().missing == 0
    assert log_in("zhizuo").get("/production/handouts/").status_code == 403


def test_wrong_counts_are_refused_and_set_right_by_another_row(book: Handout, cast: Cast, at: datetime) -> None:
    said = {"handout": book, "form": CopyForm.PAPER, "by": cast.actor("shiguan"), "at": at}
    unit = cast.units["ZZ-990101"]
    with pytest.raises(Refused, match="没有登记需要数"):
        commands.note_deliveries(counts=[(unit, 3)], on=ON, **said)
    commands.set_needs(counts=[(unit, 10)], **said)
    commands.note_deliveries(counts=[(unit, 30)], on=ON, **said)
    commands.note_deliveries(counts=[(unit, -21)], on=ON, **said)
    with pytest.raises(Refused, match="已送达 9 份"):
        commands.note_deliveries(counts=[(unit, -10)], on=ON, **said)
    with pytest.raises(Refused, match="还没有到"):
        commands.note_deliveries(counts=[(unit, 1)], on=date(2026, 3, 9), **said)
    with pytest.raises(Refused, match="送达记录"):
        commands.set_needs(counts=[(unit, 0)], **said)
    (line,) = queries.delivered(book, cast.actor("shiguan"))
    assert (line.delivered, line.missing) == (9, 1)
    with pytest.raises(Conflict):
        commands.issue_handout(
            kind=HandoutKind.BOOK, title="乡土课本", edition="2026 年第 2 版", unit=book.unit, issued_on=ON, by=said["by"], at=at
        )  # fmt: skip


def test_nothing_of_persons_is_kept() -> None:
    for model in (Handout, HandoutNeed, HandoutDelivery):
        assert not {field.name for field in model._meta.fields} & {"person", "reader", "name", "phone"}
        assert not any(field.related_model and field.related_model._meta.model_name == "person" for field in model._meta.fields)
