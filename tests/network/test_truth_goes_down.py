"""The dated truth at an edge: stories, windows, targets and rules arrive equal, follow every change, and give the same rates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.lib import clock
from yuanjiao.network import commands, queries
from yuanjiao.network import shelf as register_shelf
from yuanjiao.network.commands.many import correct_objects
from yuanjiao.network.models import (
    FormerLabels,
    ListeningMark,
    MaintenanceWindow,
    Placement,
    RateRuleVersion,
    RateTarget,
    RegisterVersion,
    State,
    StateChange,
)
from yuanjiao.network.shelf import rulings
from yuanjiao.people.rules import SYSTEM
from yuanjiao.simulation.cast import Cast

COUNTY = "/990000000000/990100000000/990101000000/"
LI, WANG = "S-990101100200", "S-990101100201"
OBSERVER = "00000000-0000-7000-8000-000000000001"
HOUR = timedelta(hours=1)


def told() -> dict[str, list[Any]]:
    """The tables as machines tell them to each other."""
    stories = Placement.objects.filter(object__division__path__startswith=COUNTY).order_by("object__code", "valid_from")
    windows = MaintenanceWindow.objects.filter(object__division__path__startswith=COUNTY).order_by("uid")
    labels = FormerLabels.objects.filter(site__division__path__startswith=COUNTY).order_by("site__code", "until")
    return {
        "labels": list(labels.values_list("uid", "site__code", "until", "site_kind", "access_mode", "programmes")),
        "stories": list(stories.values_list("uid", "object__code", "division__uid", "lifecycle", "document", "valid_from", "valid_to")),
        "windows": list(windows.values_list("uid", "object__code", "start_at", "end_at", "document", "announced_at", "cancelled_at")),
        "targets": list(RateTarget.objects.order_by("uid").values_list("uid", "division__uid", "value", "valid_from", "document")),
        "rules": list(RateRuleVersion.objects.order_by("version").values_list("uid", "version", "heartbeat_min", "valid_from")),
    }


def documents() -> list[tuple[Any, bytes]]:
    return [(register_shelf, register_shelf.offer(COUNTY).document), (rulings, rulings.offer(ALL).document)]


@contextmanager
def edge(*held: list[tuple[Any, bytes]]) -> Iterator[None]:
    """A machine below without these tables that takes up the documents; places and objects are its own already."""
    with transaction.atomic():
        for model in (Placement, FormerLabels, MaintenanceWindow, RateTarget, RateRuleVersion):
            model.objects.all().delete()
        for taken in held:
            for shelf, document in taken:
                shelf.accept(document)
        yield
        transaction.set_rollback(True)


def decide(cast: Cast, at: datetime) -> None:
    """A suspension, another access mode, a window, a target and a rule."""
    correct_objects(changes={LI: {"access_mode": "satellite", "programmes": "党员远教"}}, on=date(2026, 2, 3))
    cast.sites[LI].refresh_from_db()
    line = queries.object_by_code("L-990101100")
    commands.suspend_object(subject=cast.sites[LI], document="停字1号", by=SYSTEM, on=date(2026, 2, 1), at=at)
    commands.announce_maintenance(subject=line, start=at + HOUR, end=at + 2 * HOUR, document="检字1号", by=SYSTEM, at=at)
    city = cast.divisions["990100000000"]
    commands.set_target(division=city, value=0.98, on=date(2026, 1, 1), document="青组发1号", by=SYSTEM, at=at)
    commands.issue_rule(heartbeat_min=10, play_days=7, min_coverage=0.8, on=date(2026, 4, 1), document="青组发2号", by=SYSTEM, at=at)


def test_everything_decided_above_arrives_equal_and_counts_alike(cast: Cast, at: datetime) -> None:
    decide(cast, at)
    ListeningMark.objects.create(observer=OBSERVER, at=at + 3 * HOUR)
    StateChange.objects.create(object=cast.sites[WANG], state=State.DOWN, at=at - HOUR, observer=OBSERVER, seq=1)
    wanted = told()
    rate = queries.rate_over(COUNTY, at - HOUR, at + 3 * HOUR)
    assert (rate.maintenance, rate.excluded, rate.down) == (3600, 4 * 3600, 3 * 3600)
    taken = documents()
    with edge(taken):
        assert told() == wanted
        assert queries.rate_over(COUNTY, at - HOUR, at + 3 * HOUR) == rate
        assert queries.target_of(cast.divisions["990101000000"], at) is not None


def test_the_copy_follows_what_changes_above_and_is_noticed(cast: Cast, at: datetime) -> None:
    old = documents()
    decide(cast, at)
    middle = documents()
    commands.resume_object(subject=cast.sites[LI], by=SYSTEM, on=clock.local_day(at), at=at)
    commands.cancel_maintenance(window=MaintenanceWindow.objects.get(), by=SYSTEM, at=at)
    commands.move_object(subject=cast.sites[WANG], division=cast.divisions["990101101200"], by=SYSTEM, on=date(2026, 1, 15), at=at)
    correct_objects(changes={LI: {"access_mode": "broadband_stb", "programmes": ""}}, on=date(2026, 2, 3))
    correct_objects(changes={LI: {"access_mode": "pc"}, WANG: {"site_kind": "township"}}, on=date(2026, 2, 5))
    new, wanted, number = documents(), told(), RegisterVersion.objects.get().number
    with edge(old, middle, new):
        assert told() == wanted
        assert RegisterVersion.objects.get().number == number + 3


def test_what_an_edge_told_itself_before_gives_way_to_what_comes_down(cast: Cast, at: datetime) -> None:
    """After an upgrade the edge has stories of its own making (the migration's); the centre's take their place without doubles."""
    decide(cast, at)
    wanted, taken = told(), documents()
    with transaction.atomic():
        for row in Placement.objects.all():
            Placement.objects.filter(pk=row.pk).update(uid=clock_free_uid(row.pk))
        FormerLabels.objects.update(uid=clock_free_uid(0), programmes="另一项目")
        for shelf, document in taken:
            shelf.accept(document)
        assert told() == wanted
        transaction.set_rollback(True)


def clock_free_uid(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012d}"


@pytest.mark.parametrize("scope", [ALL, COUNTY])
def test_each_row_goes_out_in_one_scope_only(cast: Cast, at: datetime, scope: str) -> None:
    decide(cast, at)
    assert bool(register_shelf.offer(scope).document) == (scope == COUNTY)
    assert bool(rulings.offer(scope).document) == (scope == ALL)
