"""A list whose keys are read first shows the same pages, counts and order as one whose rows are."""

from __future__ import annotations

import pytest

from yuanjiao.network.models import Site
from yuanjiao.simulation.cast import Cast
from yuanjiao.ui import lists
from yuanjiao.ui.lists import Pages

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("counted", [3, 100])
@pytest.mark.parametrize("wanted", [None, "", "1", "2", "3", "99", "last", "x"])
@pytest.mark.parametrize("found", ["S-", "S-9901021", "nothing"])
def test_pages_are_the_same_whichever_is_read_first(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, wanted: str | None, counted: int, found: str
) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    monkeypatch.setattr(lists, "COUNTED", counted)
    rows = Site.objects.filter(code__startswith=found).select_related("division").order_by("-name")
    plain, first = Pages(rows), Pages(rows, keys_first=True)
    one, other = plain.opened(wanted), first.opened(wanted)
    assert list(other.object_list) == list(one.object_list)
    assert (other.number, first.count, first.more, first.num_pages) == (one.number, plain.count, plain.more, plain.num_pages)
    assert bool(list(other.object_list)) == (found != "nothing")
