"""A list as long as a nation: counted and turned only so far, and it says so; the 台账 still has every row."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from python_calamine import CalamineWorkbook

from yuanjiao.places.models import Division
from yuanjiao.simulation.cast import Cast
from yuanjiao.ui import lists
from yuanjiao.ui.lists import Pages


def test_a_list_of_values_is_counted_whole() -> None:
    pages = Pages(list(range(120)))
    assert (pages.count, pages.more, pages.num_pages) == (120, False, 3)


def test_a_list_longer_than_is_counted_says_more_than_and_exports_all(
    cast: Cast, log_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = log_in("shiguan")
    assert "共 5 行" in client.get("/network/sites/").content.decode()
    monkeypatch.setattr(lists, "COUNTED", 3)
    page = client.get("/network/sites/").content.decode()
    assert "3 行以上" in page
    assert "共 5 行" not in page
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    last = client.get("/network/sites/?page=99").content.decode()
    assert last.count("/network/sites/S-") == 1, "the last row that is counted"
    export = client.get("/network/sites/?export=xlsx")
    assert export.status_code == 200
    rows = CalamineWorkbook.from_filelike(BytesIO(b"".join(export.streaming_content))).get_sheet_by_index(0).to_python()  # type: ignore[attr-defined]
    assert {cell for row in rows for cell in row} >= set(cast.sites)


def test_an_exact_count_says_all(cast: Cast, log_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "COUNTED", 5)
    assert "共 5 行" in log_in("shiguan").get("/network/sites/").content.decode()


def test_a_list_that_fits_on_its_first_page_is_read_once(cast: Cast, django_assert_num_queries: Callable[[int], Any]) -> None:
    rows = Division.objects.order_by("code")
    whole = rows.count()
    pages = Pages(rows)
    with django_assert_num_queries(1):
        page = pages.opened(None)
        assert (len(page), page.number, pages.count, pages.more, pages.num_pages) == (whole, 1, whole, False, 1)


def test_a_first_page_that_is_full_shows_as_many_rows_as_any(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    rows = Division.objects.order_by("code")
    first, second = Pages(rows).opened("1"), Pages(rows).opened("2")
    assert [*first, *second] == list(rows[:4])
    assert (first.paginator.count, first.has_next(), len(list(Pages(rows[:2]).opened("1")))) == (rows.count(), True, 2)
