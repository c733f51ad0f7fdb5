"""The rows behind the figures: the frozen population, problems, draws, visits. What is unannounced is hidden from the place until filed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from yuanjiao.faults.rules.ratios import Ratio
from yuanjiao.items.rules import ENDED
from yuanjiao.lib.errors import NotFound
from yuanjiao.network.rules.rates import Rate
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.supervision.models import Campaign, CampaignItem, CampaignObject, Draw, Recheck, Visit
from yuanjiao.supervision.queries.figures import SECONDS, measured, nobody, rate_of, whole_through, with_seconds
from yuanjiao.supervision.rules import AT_WORK, Method

MOST_VISITS = 300


def frozen_objects(campaign: Campaign, paths: Iterable[str]) -> QuerySet[CampaignObject]:
    """The population in the subtrees, in code order."""
    return CampaignObject.objects.filter(within("path", paths), campaign=campaign).order_by("path", "code")


def left_out(campaign: Campaign, rows: QuerySet[CampaignObject]) -> QuerySet[CampaignObject]:
    """The sites among them that are not compared, because they were not in service all through both periods."""
    return with_seconds(rows).exclude(whole_through(campaign)) if campaign.before_from else rows.none()


def problems_seen_by(actor: Actor, campaign: Campaign) -> QuerySet[CampaignItem]:
    """The items of a campaign in the reader's subtree, the newest first."""
    rows = CampaignItem.objects.filter(within("target__path", actor.paths(Permission.SEE_ITEMS)), campaign=campaign)
    return rows.select_related("item__lead_unit", "item__division", "target", "campaign", "visit")


def unowned() -> Q:
    """Problems that nobody answers for, and that are not ended."""
    return nobody() & ~Q(item__state__in=ENDED)


def problem_seen_by(actor: Actor, code: str) -> CampaignItem:
    """One by the code of its item; NotFound for any other."""
    rows = CampaignItem.objects.filter(within("target__path", actor.paths(Permission.SEE_ITEMS)), item__code=code)
    row = rows.select_related("item__lead_unit", "item__division", "target", "campaign__unit__division").first()
    if row is None:
        raise NotFound("没有这件问题，或不在您负责的范围内")
    return row


def hidden() -> Q:
    """Visits nobody of the place may know of."""
    return Q(method=Method.UNANNOUNCED, filed_at=None)


def visits_seen_by(actor: Actor, campaign: Campaign) -> QuerySet[Visit]:
    """Visits in the reader's subtree; unannounced ones that are still to come only for whoever sends inspectors."""
    rows = Visit.objects.filter(within("target__path", actor.paths(Permission.SEE_ITEMS)), campaign=campaign)
    sending = within("target__path", actor.paths(Permission.OPEN_CAMPAIGN))
    return rows.filter(~hidden() | sending).select_related("target", "inspector", "draw")


def draws_seen_by(actor: Actor, campaign: Campaign | None = None) -> QuerySet[Draw]:
    """Draws over places the reader sees something of. Frame and seed would tell who is drawn: an unannounced draw is hidden until all of it
    is filed."""
    seen = actor.paths(Permission.SEE_ITEMS)
    about = within("path", seen) | Q(pk__in=Visit.objects.filter(within("target__path", seen), draw__isnull=False).values("draw"))
    about |= Q(pk__in=Recheck.objects.filter(within("problem__target__path", seen)).values("draw"))
    open_ones = Visit.objects.filter(hidden(), draw__isnull=False).values("draw")
    rows = Draw.objects.filter(about).filter(~Q(pk__in=open_ones) | within("path", actor.paths(Permission.OPEN_CAMPAIGN)))
    rows = rows if campaign is None else rows.filter(campaign=campaign)
    return rows.select_related("campaign").defer("frame", "drawn").order_by("-pk")


def draw_seen_by(actor: Actor, uid: UUID) -> Draw:
    row = draws_seen_by(actor).defer(None).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这次抽取，或还不能公开")
    return row


def visits_of_draw(actor: Actor, draw: Draw) -> QuerySet[Visit]:
    return visits_seen_by(actor, draw.campaign).filter(draw=draw).order_by("target__path", "target__code")


def visits_to_make(actor: Actor, on: date) -> list[Visit]:
    """What this person has to inspect, by place; only while the appointment and the campaign last."""
    return list(_own(actor, on).filter(filed_at=None).order_by("target__path", "target__code")[:MOST_VISITS])


def visit_of(actor: Actor, uid: UUID, on: date) -> Visit:
    """One's own visit, filed or not; NotFound for anybody else's."""
    row = _own(actor, on).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这项检查，或不是安排给您的")
    return row


def visit_sent_by(actor: Actor, uid: UUID) -> Visit:
    """One's own visit whatever the day and however the campaign stands: a record that comes in late is judged by when it was made."""
    rows = Visit.objects.filter(inspector__person_uid=actor.person_uid, uid=uid) if actor.person_uid else Visit.objects.none()
    row = rows.select_related("campaign").first()
    if row is None:
        raise NotFound("没有这项检查，或不是安排给您的")
    return row


def _own(actor: Actor, on: date) -> QuerySet[Visit]:
    if actor.person_uid is None:
        return Visit.objects.none()
    rows = Visit.objects.filter(inspector__person_uid=actor.person_uid, inspector__valid_from__lte=on, inspector__valid_to__gt=on)
    return rows.filter(campaign__state__in=AT_WORK).select_related("target", "inspector", "campaign__unit__division", "draw")


def recheck_seen_by(actor: Actor, uid: UUID) -> Recheck:
    """NotFound outside the subtree."""
    rows = Recheck.objects.filter(within("problem__target__path", actor.paths(Permission.ISSUE_ITEM)), uid=uid)
    row = rows.select_related("problem__item__division", "problem__item__lead_unit", "problem__campaign", "draw").first()
    if row is None:
        raise NotFound("没有这项复查，或不在您负责的范围内")
    return row


@dataclass(frozen=True)
class Field:
    """What inspectors found at the drawn sites, beside what the machines told of the very same ones during the campaign."""

    playing: Ratio
    to_come: int
    telemetry: Rate | None

    @property
    def share(self) -> float | None:
        """Of those tried; printed with its interval."""
        return self.playing.value


def field_figures(campaign: Campaign, visits: QuerySet[Visit]) -> Field:
    """Of the visits of a draw: sites that played before the inspector's eyes ÷ sites tried; and what the machines told of those sites."""
    rows = visits.order_by().filter(target__kind="site")
    sums = {name: Sum(f"target__after_{name}", filter=Q(plays__isnull=False)) for name in SECONDS}
    told = rows.aggregate(
        tried=Count("pk", filter=Q(plays__isnull=False)),
        good=Count("pk", filter=Q(plays=True)),
        left=Count("pk", filter=Q(filed_at=None)),
        **sums,
    )
    seconds = tuple(told[name] or 0 for name in SECONDS)
    telemetry = rate_of(campaign, told["tried"], seconds, "after") if measured(campaign) else None
    return Field(Ratio(told["good"], told["tried"]), told["left"], telemetry)
