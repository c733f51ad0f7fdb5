"""Random draws: whom inspectors visit, which closed items are looked at again (SUP17, SUP08). Frame and seed are kept with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import ceil

from django.db import transaction

from yuanjiao.items.commands import reopen_item
from yuanjiao.items.queries import stance_of
from yuanjiao.items.rules import Act, State, require_party
from yuanjiao.lib.draw import draw, new_seed
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.supervision.commands.problems import LATER, at_work
from yuanjiao.supervision.models import Campaign, CampaignItem, Draw, Inspector, Recheck, Visit
from yuanjiao.supervision.queries import frozen_objects
from yuanjiao.supervision.rules import Method

MOST_DRAWN = 1000


@transaction.atomic
def draw_visits(
    *, campaign: Campaign, place: Division, inspector: Inspector, count: int, method: Method, by: Actor, at: datetime, seed: str = ""
) -> Draw:
    """Draw places with a site by their codes and give all their sites to one inspector. The frame are the places of the frozen population.

    A seed may be named (drawn by lot in public); else a fresh one is taken.
    """
    campaign = at_work(campaign)
    by.require(Permission.OPEN_CAMPAIGN, place.path)
    if inspector.campaign_id != campaign.pk or not place.path.startswith(inspector.path):
        raise Refused(f"{inspector.person_name}不负责{place.name}")
    sites = frozen_objects(campaign, [place.path]).filter(kind="site")
    row = _draw(campaign, "visit", method, place, sorted(set(sites.order_by().values_list("place_code", flat=True))), count, seed, by, at)
    chosen = set(row.drawn.split("\n"))
    Visit.objects.bulk_create(
        Visit(campaign=campaign, target=site, inspector=inspector, draw=row, line=inspector.line, method=method, planned_at=at)
        for site in sites
        if site.place_code in chosen
    )
    return row


def _draw(
    campaign: Campaign, purpose: str, method: Method, place: Division, frame: Iterable[str], count: int, seed: str, by: Actor, at: datetime
) -> Draw:
    frame, seed = list(frame), seed.strip()[:40] or new_seed()
    if not frame:
        raise Refused("这里没有可抽的对象")
    if not 0 < count <= MOST_DRAWN:
        raise Refused(f"抽取数应在 1 到 {MOST_DRAWN} 之间")
    drawn = draw(frame, count, seed)
    row = Draw.objects.create(
        campaign=campaign, purpose=purpose, method=method, path=place.path, place_name=place.name, seed=seed, frame="\n".join(frame),
        frame_size=len(frame), count=len(drawn), drawn="\n".join(drawn), drawn_at=at, drawn_by=by.name[:50],
    )  # fmt: skip
    write_audit(
        by=by,
        action="随机抽取",
        subject=f"{campaign.title} {place.name}"[:120],
        at=at,
        detail=f"{len(frame)} 中抽 {len(drawn)}，种子 {seed}",
    )
    return row


@transaction.atomic
def draw_rechecks(*, campaign: Campaign, place: Division, percent: int, by: Actor, at: datetime, seed: str = "") -> Draw:
    """Draw a share of the closed problems of a place to be looked at again; at least one."""
    campaign = at_work(campaign)
    by.require(Permission.OPEN_CAMPAIGN, place.path)
    rows = CampaignItem.objects.filter(within("target__path", [place.path]), campaign=campaign, item__state=State.CLOSED)
    closed = dict(rows.order_by("item__code").values_list("item__code", "pk"))
    if not 0 < percent <= 100:
        raise Refused("复查比例在 1% 到 100% 之间")
    row = _draw(campaign, "recheck", Method.SPOT_CHECK, place, closed, ceil(len(closed) * percent / 100) or 1, seed, by, at)
    Recheck.objects.bulk_create(Recheck(draw=row, problem_id=closed[code]) for code in row.drawn.split("\n"))
    return row


@transaction.atomic
def record_recheck(*, recheck: Recheck, passed: bool, note: str, by: Actor, at: datetime) -> Recheck:
    """Say whether the trouble is gone; if not, the item is open again and it counts (SUP08). Not by the unit that put it right."""
    row = Recheck.objects.select_related("problem__item__division", "problem__item__lead_unit", "problem__campaign").get(pk=recheck.pk)
    at_work(row.problem.campaign)
    item = row.problem.item
    by.require(Permission.ISSUE_ITEM, item.division.path)
    require_party(Act.REOPEN, stance_of(item, by))
    if not note.strip():
        raise Refused("请写明复查时看到的情况")
    said = {"passed": passed, "note": note.strip()[:300], "made_at": at, "by_name": by.name[:50]}
    if not Recheck.objects.filter(pk=row.pk, passed=None).update(**said):
        raise Conflict("这件已经复查过了")
    if item.state != State.CLOSED:
        raise Conflict("这件问题已经重新打开，不用再复查")
    if not passed:
        reopen_item(item=item, reason=f"复查未过：{note.strip()}", due_at=at + LATER, by=by, at=at)
    row.refresh_from_db()
    return row
