"""Facts of faults: somebody reported one. The kind and its field names may never change (flow/journal/event.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from yuanjiao.faults.models import FaultReport
from yuanjiao.flow.journal.event import Event, Fact, InBulk
from yuanjiao.flow.nodes.queries import require_each_told_of


class FaultReported(Event, frozen=True, kw_only=True):
    """A fault was reported; `site` is the register code, `path` the site's division path that day, `filer` a person's uid."""

    KIND: ClassVar[str] = "faults.reported/1"

    uid: UUID
    receipt_code: str
    site: str
    site_name: str
    path: str
    channel: str
    symptom: str
    error_code: str
    words: str
    filer: UUID | None


def apply_reports(pairs: Sequence[tuple[FaultReported, Fact]]) -> None:
    """One row per report, however often the event arrives; filed when its recorder's clock said so."""
    require_each_told_of((fact, event.path) for event, fact in pairs)
    for event, fact in pairs:
        _keep(event, fact)


apply_reported = InBulk(apply_reports, commutes=True)


def _keep(event: FaultReported, fact: Fact) -> None:
    FaultReport.objects.get_or_create(
        uid=event.uid,
        defaults={
            "receipt_code": event.receipt_code,
            "site_code": event.site,
            "site_name": event.site_name,
            "path": event.path,
            "channel": event.channel,
            "symptom": event.symptom,
            "error_code": event.error_code,
            "words": event.words,
            "filer_uid": event.filer,
            "filed_at": fact.at,
            "origin": fact.origin,
        },
    )
