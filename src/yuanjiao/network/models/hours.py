"""The hour a moment lies in, as the database finds it: for an index that a storm only adds to at its end."""

from __future__ import annotations

from datetime import datetime

from django.db.models import DateTimeField, F, Func, Q, Value
from django.db.models.lookups import GreaterThanOrEqual


class HourOf(Func):
    """The hour (UTC) of a moment. Spans that begin in one hour stand together in the index, in the order they were written: by the second
    of their beginning they would be torn apart, and every page of the index be touched again with each part of a storm."""

    output_field = DateTimeField()

    def as_sqlite(self, compiler, connection, **extra):  # type: ignore[no-untyped-def]  # Django's own signature is untyped
        return super().as_sql(compiler, connection, template="SUBSTR(%(expressions)s, 1, 13)", **extra)

    def as_postgresql(self, compiler, connection, **extra):  # type: ignore[no-untyped-def]  # as above
        return super().as_sql(compiler, connection, template="DATE_TRUNC('hour', %(expressions)s AT TIME ZONE 'UTC')", **extra)


def begun_from(moment: datetime) -> Q:
    """Spans that began at a moment or later, in the words of the index `state_began`."""
    return Q(GreaterThanOrEqual(HourOf(F("at")), HourOf(Value(moment)))) & Q(at__gte=moment)
