"""What keeps the register in memory reads only what an edit changed, and then says what a whole reading says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.network.listening import ALL, LIU, Night
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.clock import local_day
from yuanjiao.network import commands
from yuanjiao.network.commands import many
from yuanjiao.network.commands.rhythms import set_rhythm
from yuanjiao.network.commands.versions import register_changed
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.diagnosis.picture import read_picture, stamp
from yuanjiao.network.jobs import keep_counters
from yuanjiao.network.live import UP, LiveArray, load, loading
from yuanjiao.network.models import ManagedObject, Site, edits_between, version_number
from yuanjiao.network.models.register import KEPT_VERSIONS
from yuanjiao.network.queries.roll import Roll
from yuanjiao.network.rules.labels import Former
from yuanjiao.people.rules import SYSTEM
from yuanjiao.places.commands import rename_division
from yuanjiao.simulation.cast import Cast

Edit = Callable[[Cast, datetime], object]


def subject(code: str) -> Any:
    return ManagedObject.objects.select_related("division").get(code=code)


def adds(cast: Cast, at: datetime) -> object:
    return commands.add_site(
        code="S-NEW", name="新站点", division=cast.divisions["990101100200"], depends_on=subject("L-990101100"), on=local_day(at)
    )


def hangs_elsewhere(cast: Cast, at: datetime) -> object:
    return many.correct_objects(changes={LIU[0]: {"depends_on": "L-990101101", "name": "改名站点"}}, on=local_day(at))


def suspends(cast: Cast, at: datetime) -> None:
    commands.suspend_object(subject=subject(LIU[1]), document="停字1号", by=SYSTEM, on=local_day(at), at=at)


def retires(cast: Cast, at: datetime) -> None:
    commands.retire_object(subject=subject("E-990102"), document="退字1号", by=SYSTEM, on=local_day(at), at=at)


def moves(cast: Cast, at: datetime) -> None:
    commands.move_object(subject=subject(LIU[2]), division=cast.divisions["990102100200"], by=SYSTEM, on=local_day(at), at=at)


EDITS: dict[str, Edit] = {
    "nothing": lambda cast, at: register_changed([]),
    "a suspension": suspends,
    "a retirement": retires,
    "a move": moves,
    "a rhythm": lambda cast, at: set_rhythm(subject=subject(LIU[3]), period_s=300, grace_s=None, by=SYSTEM, at=at),
    "a new site": adds,
    "another line": hangs_elsewhere,
    "another kind": lambda cast, at: many.correct_objects(changes={LIU[0]: {"site_kind": "township"}}, on=local_day(at)),
}  # fmt: skip
everything = pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)


@pytest.fixture
def counted() -> Iterator[None]:
    COUNTERS.forget()
    yield
    COUNTERS.forget()


def same(one: LiveArray, other: LiveArray) -> bool:
    names = [
        field.name
        for field in fields(LiveArray)
        if field.name not in {"version", "read_at", "flaps", "_below", "heard_at", "listening_since"}
    ]
    return all(np.array_equal(np.asarray(getattr(one, name)), np.asarray(getattr(other, name))) for name in names if name != "places") and (
        one.places == other.places and np.array_equal(one.tree.order, other.tree.order)
    )


@everything
@pytest.mark.django_db
def test_the_live_array_follows_an_edit(cast: Cast, at: datetime, edit: Edit) -> None:
    register_changed()
    before = load(own_node(), top=True)
    edit(cast, at)
    followed, whole = load(own_node(), top=True, previous=before), load(own_node(), top=True)
    assert followed.read_at == before.read_at, "nothing else was read"
    assert same(followed, whole)


@pytest.mark.django_db
def test_a_site_that_an_edit_brings_is_heard_and_nobody_is_forgotten(cast: Cast, at: datetime) -> None:
    register_changed()
    night = Night(cast, at)
    night.passes(3)
    heard = dict(zip(night.listener.array.codes, night.listener.array.last.tolist(), strict=True))
    night.cast.sites["S-NEW"] = adds(cast, at)  # type: ignore[assignment]
    night.turn()
    now = night.listener.array
    assert {code: float(now.last[now.places[code]]) for code in heard} == heard
    assert night.beat("S-NEW")
    night.passes(2, beating=ALL)
    assert set(night.listener.array.state[[night.listener.array.places[code] for code in ALL]].tolist()) == {UP}


def told(former: Former) -> list[list[str]]:
    return [[former.names[code] for code in row] for row in former.codes.tolist()]


@everything
@pytest.mark.usefixtures("counted")
@pytest.mark.django_db
def test_the_roll_follows_an_edit(cast: Cast, at: datetime, edit: Edit) -> None:
    for number, code in enumerate(LIU):  # what is edited was something else before
        many.correct_objects(changes={code: {"access_mode": "pc"}}, on=local_day(at) - timedelta(days=number + 1))
    register_changed()
    keep_counters(at)
    kept = Roll()
    assert kept.read() is not None
    kept.labels("site_kind")
    kept.former()
    table = kept._table
    edit(cast, at)
    with CaptureQueriesContext(connection) as asked:
        found = kept.read()
    whole = Roll().read()
    assert found is not None
    assert whole is not None
    assert np.array_equal(found[0], whole[0])
    labels, fresh = kept.labels("site_kind"), Roll().labels("site_kind")
    assert labels is not None
    assert fresh is not None
    assert {pk: labels.names[labels.code[pk]] for pk in Site.objects.values_list("pk", flat=True)} == {
        pk: fresh.names[fresh.code[pk]] for pk in Site.objects.values_list("pk", flat=True)
    }
    were, anew = kept.former(), Roll().former()
    assert were is not None
    assert anew is not None
    assert (were.site.tolist(), were.until.tolist(), told(were)) == (anew.site.tolist(), anew.until.tolist(), told(anew))
    assert not any("places_division" in one["sql"] and "path" in one["sql"] for one in asked), "divisions were not read"
    assert edit is not EDITS["nothing"] or found[0] is table


@pytest.mark.usefixtures("counted")
@pytest.mark.django_db
def test_a_renamed_place_is_read_with_its_land(cast: Cast, at: datetime) -> None:
    register_changed()
    keep_counters(at)
    kept = Roll()
    kept.read()
    rename_division(division=cast.divisions["990101100200"], name="新李村", on=local_day(at))
    found, whole = kept.read(), Roll().read()
    assert found is not None
    assert whole is not None
    assert np.array_equal(found[0], whole[0])
    assert np.array_equal(found[1].keys, whole[1].keys)


@pytest.mark.django_db
def test_the_picture_of_the_diagnosis_stands_while_the_tree_stands(cast: Cast, at: datetime) -> None:
    register_changed()
    now = at.timestamp()
    for name in ("nothing", "a move", "another kind"):
        picture = read_picture(now)
        EDITS[name](cast, at)
        assert picture.holds(stamp(), now), name
        assert picture.stamp == stamp()
    for name in ("a suspension", "a retirement", "a rhythm", "another line", "a new site"):
        picture = read_picture(now)
        EDITS[name](cast, at)
        assert not picture.holds(stamp(), now), name


@pytest.mark.django_db
def test_an_edit_that_comes_during_a_turn_is_read_by_the_next(cast: Cast, at: datetime) -> None:
    register_changed()
    picture = read_picture(at.timestamp())
    adds(cast, at)
    picture.left()
    assert not picture.holds(stamp(), at.timestamp())


@pytest.mark.django_db
def test_what_is_not_on_record_is_read_as_a_whole(cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    register_changed()
    known = version_number()
    register_changed([3, 5])
    register_changed([])
    register_changed([2, 5])
    assert edits_between(known, known + 3) == [2, 3, 5]
    assert edits_between(known, known + 1) == [3, 5]
    register_changed()
    assert edits_between(known, known + 4) is None
    assert edits_between(known - 1, known + 3) is None
    assert edits_between(0, known) is None
    before = load(own_node(), top=True)
    monkeypatch.setattr("yuanjiao.network.commands.versions.MANY", 1)
    register_changed([1, 2])
    assert load(own_node(), top=True, previous=before).read_at != before.read_at


@pytest.mark.django_db
def test_edits_are_kept_for_some_versions_only(cast: Cast) -> None:
    register_changed()
    known = version_number()
    for _ in range(KEPT_VERSIONS):
        register_changed([7])
    assert edits_between(known, version_number()) == [7]
    register_changed([7])
    assert edits_between(known, version_number()) is None


@pytest.mark.django_db
def test_what_was_taken_out_is_out(cast: Cast, at: datetime) -> None:
    register_changed()
    site = adds(cast, at)
    before = load(own_node(), top=True)
    many.remove_objects(uids=[site.uid])  # type: ignore[attr-defined]
    assert "S-NEW" not in load(own_node(), top=True, previous=before).places


@pytest.mark.django_db
def test_once_an_hour_everything_is_read(cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    register_changed()
    before = load(own_node(), top=True)
    register_changed([])
    monkeypatch.setattr(loading, "WHOLE_S", -1.0)
    assert load(own_node(), top=True, previous=before).read_at > before.read_at
