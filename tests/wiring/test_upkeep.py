"""The embedded database learns how selective its indexes are."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from yuanjiao.network.models import ManagedObject
from yuanjiao.simulation.cast import Cast
from yuanjiao.wiring.upkeep import GUESS, weigh_indexes


def test_indexes_are_weighed_by_what_they_hold(cast: Cast, at: datetime) -> None:
    """A database server keeps its own statistics: there the turn does nothing and does not fail."""
    weigh_indexes(at)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = 'network_managedobject' AND idx = 'object_population'")
            kinds = cursor.fetchone()[0].split()
        assert int(kinds[0]) == ManagedObject.objects.count()
        assert int(kinds[1]) < int(kinds[0]), "rows per kind of object"


def test_a_table_that_is_empty_is_told_to_be_small(cast: Cast, at: datetime) -> None:
    weigh_indexes(at)
    weigh_indexes(at)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = 'network_instability'")
            assert cursor.fetchall() == [(str(GUESS),)]
