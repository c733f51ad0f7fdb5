"""A word is found in memory exactly where the database would find it, also after the register was edited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.db.models import Q

from tests.network.test_register_edits import EDITS, Edit
from yuanjiao.lib.clock import local_day
from yuanjiao.network.commands import many
from yuanjiao.network.commands.versions import register_changed
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.jobs import keep_counters
from yuanjiao.network.models import Site
from yuanjiao.network.queries import names
from yuanjiao.network.queries.names import Names
from yuanjiao.network.views.parts import scope_of
from yuanjiao.places.commands import rename_division
from yuanjiao.places.queries import in_subtrees
from yuanjiao.simulation.cast import Cast

WORDS = ("村", "李村", "s-990101", "S-990101100200", "lc", "站点", "新", "改名", "nobody", "0%", "_", "\\", "200\tx")


@pytest.fixture
def kept(db: None) -> Iterator[Names]:
    COUNTERS.forget()
    yield Names()
    COUNTERS.forget()


def asked(word: str) -> list[int]:
    """What the database says."""
    fields = ("name", "code", "pinyin", "division__name")
    wanted = Q()
    for field in fields:
        wanted |= Q(**{f"{field}__icontains": word})
    return sorted(Site.objects.filter(wanted).values_list("pk", flat=True))


def same(kept: Names) -> bool:
    found = {word: sorted(kept.find(word) or []) for word in WORDS}
    return found == {word: asked(word) for word in WORDS}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_words_are_found_before_and_after_an_edit(cast: Cast, at: datetime, kept: Names, edit: Edit) -> None:
    register_changed()
    keep_counters(at)
    assert same(kept)
    assert kept.find("李村"), "there is something to find"
    edit(cast, at)
    assert same(kept)
    edit_again = many.correct_objects
    edit_again(changes={"S-990101100200": {"name": "再改名"}}, on=local_day(at))
    assert same(kept)
    assert kept.find("再改名") == [cast.sites["S-990101100200"].pk]


def test_a_village_is_found_by_its_new_name(cast: Cast, at: datetime, kept: Names) -> None:
    register_changed()
    keep_counters(at)
    assert kept.find("新李村") == []
    rename_division(division=cast.divisions["990101100200"], name="新李村", on=local_day(at))
    register_changed()
    assert same(kept)


def test_very_many_and_other_processes_are_the_databases_matter(
    cast: Cast, at: datetime, kept: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept.find("李村") is None, "nobody keeps counters here"
    keep_counters(at)
    monkeypatch.setattr(names, "MOST", 1)
    assert kept.find("站点") is None
    assert kept.find("S-990101100200") is not None


@pytest.mark.django_db
def test_whoever_sees_the_whole_tree_sees_every_row_and_nobody_else_does(cast: Cast) -> None:
    whole, county = scope_of(cast.actor("shiguan")), scope_of(cast.actor("xianguan"))
    assert Site.objects.filter(in_subtrees("division__path", whole)).count() == Site.objects.count()
    assert "/" not in county
    assert 0 < Site.objects.filter(in_subtrees("division__path", county)).count() < Site.objects.count()
