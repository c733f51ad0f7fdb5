"""Reads of active probes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from yuanjiao.lib.errors import NotFound
from yuanjiao.network.models import Probe, ProbeOutcome
from yuanjiao.network.rules.checks import SILENT_PERIODS
from yuanjiao.people.queries import within


def any_probe() -> bool:
    """Whether there is anything to ask."""
    return Probe.objects.filter(active=True).exists()


def probes_in(paths: Iterable[str]) -> QuerySet[Probe]:
    """Probes of objects under the division paths, each with its open span in `now_spans`."""
    spans = Prefetch("outcomes", ProbeOutcome.objects.filter(until=None), to_attr="now_spans")
    rows = Probe.objects.filter(within("object__division__path", paths)).select_related("object__division")
    return rows.prefetch_related(spans).order_by("-active", "object__code", "method", "pk")


def probe_by_uid(uid: UUID) -> Probe:
    row = Probe.objects.select_related("object__division").filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这项探测")
    return row


def probe_spans(probe: Probe, *, limit: int) -> list[ProbeOutcome]:
    """The newest spans, newest first."""
    return list(ProbeOutcome.objects.filter(probe=probe.pk).select_related("probe").order_by("-at", "-pk")[:limit])


def is_fresh(probe: Probe, span: ProbeOutcome | None, at: datetime) -> bool:
    """Whether somebody still asks, so that the span speaks of now."""
    return probe.active and span is not None and at - span.asked_at <= SILENT_PERIODS * timedelta(seconds=probe.period_s)
