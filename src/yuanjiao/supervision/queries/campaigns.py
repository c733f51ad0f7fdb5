"""Reads of campaigns: which there are, whom they cover, who hands in what."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from yuanjiao.lib.errors import NotFound
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.supervision.models import Campaign, Inspector, UnitPlan
from yuanjiao.supervision.rules import AT_WORK


def campaigns_seen_by(actor: Actor) -> QuerySet[Campaign]:
    """Campaigns of which some place lies in the reader's subtree, or the reader's in it; the newest first."""
    paths = actor.paths(Permission.SEE_ITEMS)
    mine = within("scopes__path", paths) | Q(scopes__path__in=_above(paths))
    keys = Campaign.objects.filter(mine).order_by().values("pk")
    return Campaign.objects.filter(pk__in=keys).select_related("unit__division").prefetch_related("scopes", "targets")


def _above(paths: Iterable[str]) -> set[str]:
    """Every path that leads to one of these."""
    found = set()
    for path in paths:
        codes = [code for code in path.split("/") if code]
        found |= {f"/{'/'.join(codes[:size])}/" for size in range(1, len(codes) + 1)}
    return found


def campaign_seen_by(actor: Actor, uid: UUID) -> Campaign:
    """One campaign the reader may read; NotFound for any other."""
    row = campaigns_seen_by(actor).filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这个专项行动，或不在您负责的范围内")
    return row


def campaigns_at_work() -> QuerySet[Campaign]:
    """Running, or in review."""
    return Campaign.objects.filter(state__in=AT_WORK).prefetch_related("scopes").order_by("pk")


def campaign_running(uid: UUID) -> Campaign:
    """One that is at work on this machine; NotFound otherwise."""
    row = campaigns_at_work().filter(uid=uid).first()
    if row is None:
        raise NotFound("没有这个专项行动，或已经结束")
    return row


def held_campaign(pk: int) -> Campaign:
    """The campaign as it now is; its row is held until the transaction ends, so that nothing is added while it is being closed."""
    return Campaign.objects.select_related("unit__division").select_for_update(of=("self",)).get(pk=pk)


def scope_paths(campaign: Campaign) -> list[str]:
    return [scope.path for scope in campaign.scopes.all()]


def plan_rows(campaign: Campaign, paths: Iterable[str]) -> QuerySet[UnitPlan]:
    """The plans that are expected of the units of these subtrees."""
    rows = UnitPlan.objects.filter(within("unit__division__path", paths), campaign=campaign)
    return rows.select_related("unit__division", "campaign").order_by("unit__code")


def planless(campaign: Campaign, paths: Iterable[str] = ("/",)) -> QuerySet[UnitPlan]:
    """Those that have not come (SUP07)."""
    return plan_rows(campaign, paths).filter(submitted_at=None)


def inspector_rows(campaign: Campaign, paths: Iterable[str] = ("/",)) -> QuerySet[Inspector]:
    return Inspector.objects.filter(within("path", paths), campaign=campaign)
