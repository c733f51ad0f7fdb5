"""An edge that has gone to another parent is not dark here: nobody is sent to repair it, and what is behind it is not known any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from tests.network.test_roots import County, roots, say_up
from yuanjiao.flow.journal.event import Fact
from yuanjiao.flow.journal.membership import NodeMoved, apply_moved
from yuanjiao.lib.uid import new_uid
from yuanjiao.network import queries
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.mark.clause("GOV32")
def test_an_edge_that_went_to_another_parent_is_no_outage_and_its_sites_are_unknown(
    cast: Cast, at: datetime, log_in: Callable[[str], Client]
) -> None:
    night = County(cast, at)
    say_up(night)
    county = cast.divisions["990101000000"]
    assert queries.site_counts(county.path, at=night.now).up == 4
    apply_moved(NodeMoved(parent=new_uid(), parent_name="东市", moved_at=night.now), Fact(night.node.uid, 9, night.now))
    night.passes_with_edge(20, edge=False)
    counts = queries.site_counts(county.path, at=night.now)
    assert (counts.up, counts.down, counts.unknown) == (0, 0, 4)
    assert roots(cast) == []
    page = log_in("shiguan").get("/network/edges/").content.decode()
    assert "移交东市" in page
    assert "已移交" in page
