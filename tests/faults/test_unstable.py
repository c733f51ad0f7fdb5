"""What comes and goes gets one order, however many drops it has."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.faults.conftest import LIN, World
from yuanjiao.faults.jobs import run_faults
from yuanjiao.faults.models import WorkOrder
from yuanjiao.network.models import Instability, Outage

MINUTE = timedelta(minutes=1)


@pytest.mark.clause("NET08")
def test_short_drops_that_are_one_matter_get_one_order(world: World) -> None:
    for number in range(4):
        row = world.goes_dark(LIN, at=world.at + 10 * number * MINUTE)
        Outage.objects.filter(pk=row.pk).update(ended_at=row.started_at + 2 * MINUTE)
    run_faults(world.at + 40 * MINUTE)
    assert WorkOrder.objects.count() == 0, "each of them is over before its patience"
    Instability.objects.create(object=row.object, started_at=row.started_at, drops=4)
    run_faults(world.at + 41 * MINUTE)
    (order,) = WorkOrder.objects.all()
    assert order.outage == row
    later = world.goes_dark(LIN, at=world.at + 50 * MINUTE)
    Outage.objects.filter(pk=later.pk).update(held=True, held_for="unstable")
    run_faults(world.at + 600 * MINUTE)
    assert WorkOrder.objects.count() == 1
