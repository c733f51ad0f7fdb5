"""Facts of campaigns: a site manager confirmed what is known of a site. Kind and field names may never change (flow/journal/event.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

import msgspec

from yuanjiao.flow.journal.event import Event, Fact, InBulk
from yuanjiao.flow.nodes.queries import require_each_told_of
from yuanjiao.supervision.models import CensusProblem, CensusReturn


class ProblemTold(msgspec.Struct, frozen=True, kw_only=True):
    """One problem of the site, by kind (`rules.ProblemKind`)."""

    kind: str
    words: str


class CensusConfirmed(Event, frozen=True, kw_only=True):
    """The manager of `site` (register code, on `path` that day) confirmed what is known of it, with corrections and problems."""

    KIND: ClassVar[str] = "supervision.census_confirmed/1"

    uid: UUID
    campaign: UUID
    site: str
    path: str
    remark: str
    problems: list[ProblemTold]
    confirmer: UUID | None


def apply_confirmations(pairs: Sequence[tuple[CensusConfirmed, Fact]]) -> None:
    """One row per confirmation, however often the event arrives; taken up into its campaign later, by a job of the centre."""
    require_each_told_of((fact, event.path) for event, fact in pairs)
    for event, fact in pairs:
        _keep(event, fact)


apply_census_confirmed = InBulk(apply_confirmations, commutes=True)


def _keep(event: CensusConfirmed, fact: Fact) -> None:
    row, fresh = CensusReturn.objects.get_or_create(
        uid=event.uid,
        defaults={
            "campaign_uid": event.campaign,
            "site_code": event.site,
            "path": event.path,
            "remark": event.remark,
            "confirmer_uid": event.confirmer,
            "confirmed_at": fact.at,
        },
    )
    if fresh:
        CensusProblem.objects.bulk_create(
            CensusProblem(census=row, number=number, kind=one.kind, words=one.words) for number, one in enumerate(event.problems, 1)
        )
