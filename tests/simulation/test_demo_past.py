"""The recorded past of a demo may be longer than an enrolment code lives, and its edges are let in once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib import clock
from yuanjiao.simulation import foundation
from yuanjiao.simulation.city import Plan, make_city
from yuanjiao.simulation.demo import Demo, real_counties
from yuanjiao.simulation.history import start_afresh
from yuanjiao.simulation.transport import InsideTransport
from yuanjiao.simulation.world import simulated_edges
from yuanjiao.wiring.founding import found_city

DAYS = 4.0
PLAN = Plan(counties=3, towns=3, sites=6, seed=7)


@pytest.fixture
def fresh_listener() -> Iterator[None]:
    start_afresh()
    yield
    start_afresh()


@pytest.mark.django_db
def test_a_past_of_four_days_is_lived_by_edges_that_are_enrolled_once(tmp_path: Path, fresh_listener: None) -> None:
    now, city = clock.now().replace(microsecond=0), make_city(PLAN)
    start = now - timedelta(days=DAYS)
    found_city(
        code="990100000000",
        name="青禾市",
        province_name="清源省",
        admin_name="陈启明",
        username="shiguan",
        at=datetime(2025, 1, 1, tzinfo=UTC),
    )
    foundation.import_city(city, foundation.Setting(tmp_path, start, "x"), lambda _: None)
    Demo(tmp_path, PLAN, 8000, DAYS, lambda _: None)._past(city, start, clock.now())
    assert Node.objects.filter(kind="edge").count() == 1
    left_out = [county.edge for county in real_counties(city)]
    folder = tmp_path / "simulation" / "edges"
    (edge,) = simulated_edges(city, transport=InsideTransport(), folder=folder, at=clock.now(), leave_out=left_out, period_s=60, grace_s=30)
    assert edge.memory.enrolled
    assert Node.objects.filter(kind="edge").count() == 1
