"""When kept pages are old: at once after what lists show, seldom after what they do not; and which pages say they may be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.desks.conftest import Stock
from yuanjiao.desks.keeping import KEEP
from yuanjiao.lib.changes import Changes
from yuanjiao.network.models import Site
from yuanjiao.wiring.shown import Shown

pytestmark = pytest.mark.django_db


class Writes(Changes):
    """Says that something was written, always."""

    def stamp(self) -> object:
        return object()


@pytest.fixture
def world(shown: Stock, monkeypatch: pytest.MonkeyPatch) -> Shown:
    monkeypatch.setattr("yuanjiao.wiring.shown.close_old_connections", lambda: None)  # the test's transaction lives on it
    asked = Shown()
    asked._changes = Writes()
    asked.stamp()
    return asked


@pytest.mark.parametrize(
    "change",
    [
        lambda stock: stock.publish("冬季大棚管理", "种养技术"),
        lambda stock: stock.withdraw("医疗保险怎么报销"),
        lambda stock: stock.column("农机维修"),
    ],
)
def test_what_lists_show_makes_kept_pages_old_at_once(world: Shown, shown: Stock, change: Callable[[Stock], Any]) -> None:
    before = world.stamp()
    assert world.stamp() is before
    change(shown)
    assert world.stamp() is not before


def test_what_no_list_shows_leaves_pages_as_they_are_until_it_is_time(world: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    before = world.stamp()
    Site.objects.update(name="改过名的站点")
    assert world.stamp() is before
    monkeypatch.setattr("yuanjiao.wiring.shown.LATEST_S", 0.0)
    assert world.stamp() is not before


def test_a_new_day_makes_pages_old(world: Shown) -> None:
    before = world.stamp()
    world._day = None
    assert world.stamp() is not before


def test_public_lists_may_be_kept_and_pages_with_forms_words_or_proofs_may_not(shown: Stock) -> None:
    uid, column = shown.items["医疗保险怎么报销"].uid, shown.columns["种养技术"].uid
    asked = Client()
    for path in ("/", "/search/", f"/items/{uid}/", f"/columns/{column}/", "/tv/", f"/tv/items/{uid}/", f"/tv/columns/{column}/"):
        assert asked.get(path)["Cache-Control"] == KEEP, path
        assert "Cookie" in asked.get(path)["Vary"], path
    for path in ("/search/?q=猪", "/reading/", "/tv/?site=S-1&key=geheim", "/items/018f0000-0000-7000-8000-000000000000/"):
        assert asked.get(path).headers.get("Cache-Control", "") != KEEP, path
