"""The census: a manager confirms a site where they work; the centre takes it up into the campaign."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from yuanjiao.flow.journal.record import record
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.models import Site
from yuanjiao.people.rules import Actor
from yuanjiao.supervision.commands.problems import at_work, raise_problem
from yuanjiao.supervision.events import CensusConfirmed, ProblemTold
from yuanjiao.supervision.models import Campaign, CampaignObject, CensusDelay, CensusReturn, CensusTaking
from yuanjiao.supervision.queries import campaigns_at_work, scope_paths
from yuanjiao.supervision.queries.census import managed_paths
from yuanjiao.supervision.rules import AT_WORK, ProblemKind

MOST_PROBLEMS = 5
TAKEN_UP_BY = Actor(name="专项行动", person_uid=None, grants=())
"""Who writes down the problems that managers told of."""


def confirm_site(
    *, campaign: Campaign, site: Site, remark: str, problems: Sequence[tuple[ProblemKind, str]], by: Actor, at: datetime
) -> None:
    """Confirm what is known of one's own site, with corrections as a remark and its problems by kind (OPS20).

    NotFound unless the person manages the site; the campaign must be at work as far as this machine knows.
    """
    if not any(site.division.path.startswith(path) for path in managed_paths(by)):
        raise NotFound("没有这个站点，或不是由您管理的")
    if campaign.state not in AT_WORK or not site.division.path.startswith(tuple(scope_paths(campaign))):
        raise NotFound("这个专项行动已经结束，或不包括这个站点")
    if len(problems) > MOST_PROBLEMS:
        raise Refused(f"一次最多写 {MOST_PROBLEMS} 个问题")
    told = [ProblemTold(kind=kind, words=words.strip()[:200]) for kind, words in problems]
    record(
        CensusConfirmed(
            uid=new_uid(), campaign=campaign.uid, site=site.code, path=site.division.path, remark=remark.strip()[:300], problems=told,
            confirmer=by.person_uid,
        ),
        at=at,
    )  # fmt: skip


@transaction.atomic
def take_up_return(*, row: CensusReturn, at: datetime) -> CensusTaking:
    """Count the site as confirmed and make its problems items. What comes after the end, or of a site that is none of the population, is
    kept and said to be left out."""
    campaign = campaigns_at_work().filter(uid=row.campaign_uid).first()
    target = CampaignObject.objects.filter(campaign=campaign, code=row.site_code, kind="site").first() if campaign else None
    if CensusTaking.objects.filter(census=row).exists():
        raise Conflict("已经入库")
    if campaign is None or target is None:
        return CensusTaking.objects.create(census=row, taken_at=at, left_out="行动已经结束" if campaign is None else "不在行动对象之内")
    campaign = at_work(campaign)
    CampaignObject.objects.filter(pk=target.pk, confirmed_at=None).update(confirmed_at=at)
    kinds = set(ProblemKind)
    for problem in row.problems.all():
        kind = ProblemKind(problem.kind) if problem.kind in kinds else ProblemKind.MANAGEMENT  # a newer machine below may know more kinds
        raise_problem(campaign=campaign, target=target, kind=kind, words=problem.words, census_uid=row.uid, by=TAKEN_UP_BY, at=at)
    return CensusTaking.objects.create(census=row, taken_at=at)


def delay_return(*, row: CensusReturn, why: str, at: datetime) -> None:
    """Say that a confirmation could not be taken up, so that it comes again after the others (`jobs.take_up_left_census`)."""
    CensusDelay.objects.update_or_create(census=row, defaults={"tried_at": at, "why": why[:200]})
