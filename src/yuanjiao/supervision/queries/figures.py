"""The figures of a campaign, each from the rows it opens to: tallies by county, before and after, coverage, targets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet, Sum

from yuanjiao.items.queries import states_at
from yuanjiao.items.rules import ENDED, State
from yuanjiao.lib.clock import day_start
from yuanjiao.network.models import ObjectKind
from yuanjiao.network.queries import rule_versions
from yuanjiao.network.rules.rates import Rate, RateRule
from yuanjiao.people.queries import within
from yuanjiao.supervision.models import BurnDown, Campaign, CampaignItem, CampaignObject, CampaignTarget, Recheck, Visit
from yuanjiao.supervision.rules import Measure, Tally, is_reached, together

SECONDS = ("up", "down", "unknown", "apart")


@dataclass(frozen=True)
class CountyLine:
    """One county of a campaign; `path` is its own, for objects above counties that of the highest of them."""

    code: str
    name: str
    path: str
    tally: Tally


def tallies(campaign: Campaign, paths: Iterable[str], *, before: datetime | None = None) -> list[CountyLine]:
    """Each county in code order, now, or as it stood at a moment: what the nightly rows hold can be computed again (invariant 6)."""
    paths = list(paths)
    counts = _items(campaign, paths, before)
    for code, failed in _failed(campaign, paths, before):
        counts[code] = replace(counts.get(code, Tally()), failed=failed)
    come = Q() if before is None else Q(inspected_at__lt=before)
    told = Q() if before is None else Q(confirmed_at__lt=before)
    rows = _objects(campaign, paths).values_list("county_code", "county_name").order_by("county_code")
    found = rows.annotate(
        low=Min("path"),
        population=Count("pk"),
        inspected=Count("inspected_at", filter=come),
        sites=Count("pk", filter=Q(kind=ObjectKind.SITE)),
        confirmed=Count("confirmed_at", filter=told),
    )
    return [
        CountyLine(code, name, _cut(low, code), replace(counts.get(code, Tally()), population=a, inspected=b, sites=c, confirmed=d))
        for code, name, low, a, b, c, d in found
    ]


def _objects(campaign: Campaign, paths: Iterable[str]) -> QuerySet[CampaignObject]:
    return CampaignObject.objects.filter(within("path", paths), campaign=campaign)


def _cut(path: str, code: str) -> str:
    return path[: path.index(code) + len(code) + 1] if code else path


def _items(campaign: Campaign, paths: Iterable[str], before: datetime | None) -> dict[str, Tally]:
    rows = CampaignItem.objects.filter(within("target__path", paths), campaign=campaign).order_by()
    if before is None:
        ended, unowned = Q(item__state__in=ENDED), nobody()
        counted = rows.values_list("target__county_code").annotate(
            items=Count("pk"), open=Count("pk", filter=~ended), closed=Count("pk", filter=Q(item__state=State.CLOSED)),
            unowned=Count("pk", filter=~ended & unowned),
        )  # fmt: skip
        return {code: Tally(items=a, open=b, closed=c, unowned=d) for code, a, b, c, d in counted}
    known = list(rows.values_list("item_id", "target__county_code", "owned_at"))
    states, found = states_at([key for key, *_ in known], before), dict[str, Tally]()
    for key, code, owned_at in known:
        if key in states:
            still, bare = states[key] not in ENDED, states[key] == State.DECLINED or owned_at is None or owned_at >= before
            one = Tally(items=1, open=int(still), closed=int(states[key] == State.CLOSED), unowned=int(still and bare))
            found[code] = found.get(code, Tally()) + one
    return found


def nobody() -> Q:
    """Nobody was named; or who was has declined, or answers for another unit than it was given to since (told of now, in no story)."""
    return Q(owned_at=None) | Q(item__state=State.DECLINED) | ~Q(owner_unit=F("item__lead_unit"))


def _failed(campaign: Campaign, paths: Iterable[str], before: datetime | None) -> Iterable[tuple[str, int]]:
    rows = Recheck.objects.filter(within("problem__target__path", paths), problem__campaign=campaign, passed=False)
    rows = rows if before is None else rows.filter(made_at__lt=before)
    return list(rows.order_by().values_list("problem__target__county_code").annotate(n=Count("pk")))


def rule_of(campaign: Campaign) -> RateRule:
    """The version of the network's rule by which both periods are counted."""
    return next(one.rule for one in rule_versions() if one.rule.version == campaign.rule_version)


@dataclass(frozen=True)
class Compared:
    """The rate of the same `sites` sites before and during a campaign, by one rule; `left_out` were not in service all through both.

    `after` is None until the first night.
    """

    code: str
    name: str
    path: str
    before: Rate
    after: Rate | None
    sites: int
    left_out: int

    @property
    def change(self) -> float | None:
        """After minus before, in points of one."""
        first, second = self.before.value, self.after.value if self.after else None
        return None if first is None or second is None else second - first


def whole_through(campaign: Campaign) -> Q:
    """Sites that were in service all through both periods, as far as they have come: the population that is compared (OPS17)."""
    assert campaign.before_from is not None
    wanted = Q(before_s=int((day_start(campaign.starts_on) - day_start(campaign.before_from)).total_seconds()))
    if measured(campaign):
        wanted &= Q(after_s=int((day_start(campaign.after_to) - day_start(campaign.starts_on)).total_seconds()))  # type: ignore[arg-type]
    return wanted


def measured(campaign: Campaign) -> bool:
    """Whether a day of the campaign has been counted."""
    return campaign.after_to is not None and campaign.after_to > campaign.starts_on


def with_seconds(rows: QuerySet[CampaignObject]) -> QuerySet[CampaignObject]:
    """The sites among them, with `before_s` and `after_s`: seconds of service, maintenance included."""
    sums = {f"{side}_s": sum((F(f"{side}_{name}") for name in SECONDS[1:]), F(f"{side}_up")) for side in ("before", "after")}
    return rows.filter(kind=ObjectKind.SITE).annotate(**sums)


def compared(campaign: Campaign, paths: Iterable[str]) -> list[Compared]:
    """Each county in code order; nothing before the campaign has begun."""
    if campaign.before_from is None:
        return []
    rows = with_seconds(_objects(campaign, paths))
    every = {code: (name, low, n) for code, name, low, n in _by_county(rows).annotate(low=Min("path"), n=Count("pk"))}
    sums = {f"{side}_{name}_sum": Sum(f"{side}_{name}") for side in ("before", "after") for name in SECONDS}
    counted = {row[0]: row[2:] for row in _by_county(rows.filter(whole_through(campaign))).annotate(n=Count("pk"), **sums)}
    return [_line(campaign, code, *one, counted.get(code, (0,) * 9)) for code, one in every.items()]


def _by_county(rows: QuerySet[CampaignObject]) -> Any:
    return rows.order_by("county_code").values_list("county_code", "county_name")


def _line(campaign: Campaign, code: str, name: str, low: str, every: int, counted: tuple[int, ...]) -> Compared:
    sites, seconds = counted[0], counted[1:]
    before = rate_of(campaign, sites, seconds[:4], "before")
    after = rate_of(campaign, sites, seconds[4:], "after") if measured(campaign) else None
    return Compared(code, name, _cut(low, code), before, after, sites, every - sites)


def rate_of(campaign: Campaign, sites: int, seconds: tuple[int, ...], side: str) -> Rate:
    """The rate of these sites in one of the two periods ("before", "after"), by the rule of both."""
    up, down, unknown, apart = seconds
    first, last = (campaign.before_from, campaign.starts_on) if side == "before" else (campaign.starts_on, campaign.after_to)
    assert first is not None
    assert last is not None
    return Rate(
        up=up, down=down, unknown=unknown, excluded=0, population=sites, suspended=0, rule=rule_of(campaign),
        start=day_start(first), end=day_start(last), maintenance=apart,
    )  # fmt: skip


def together_compared(lines: list[Compared], campaign: Campaign) -> Compared | None:
    """The sum of the counties."""
    if not lines:
        return None
    names = ("up", "down", "unknown", "maintenance")
    sites, missing = sum(one.sites for one in lines), sum(one.left_out for one in lines)
    before = rate_of(campaign, sites, tuple(sum(getattr(one.before, name) for one in lines) for name in names), "before")
    after = None
    if all(one.after is not None for one in lines):
        after = rate_of(campaign, sites, tuple(sum(getattr(one.after, name) for one in lines) for name in names), "after")
    return Compared("", "", "/", before, after, sites, missing)


def whole_rate(campaign: Campaign) -> Compared | None:
    """The whole campaign."""
    return together_compared(compared(campaign, ["/"]), campaign)


def coverage(campaign: Campaign, paths: Iterable[str]) -> dict[tuple[str, str], int]:
    """(county code, supervision line) → how many objects of the county that line has inspected (SUP29, SUP12)."""
    rows = Visit.objects.filter(within("target__path", paths), campaign=campaign).exclude(filed_at=None)
    counted = rows.order_by().values_list("target__county_code", "line").annotate(n=Count("target", distinct=True))
    return {(code, line): n for code, line, n in counted}


def targets_now(campaign: Campaign) -> list[CampaignTarget]:
    """The targets with what has come of them: as frozen once closed, else as of now."""
    rows = list(campaign.targets.all())
    if campaign.closed_at is None and campaign.started_at is not None:
        tally, rate = together(line.tally for line in tallies(campaign, ["/"])), whole_rate(campaign)
        now = {
            Measure.RATE: rate.after.value if rate and rate.after else None,
            Measure.OPEN: float(tally.open),
            Measure.INSPECTED: tally.inspected_share,
            Measure.CONFIRMED: tally.confirmed_share,
        }
        for row in rows:
            row.result = now[Measure(row.measure)]
            row.reached = is_reached(row.measure, row.value, row.result)
    return rows


def days_of(campaign: Campaign, paths: Iterable[str]) -> QuerySet[BurnDown]:
    """The nightly rows of the counties of these subtrees, the oldest first."""
    return BurnDown.objects.filter(within("path", paths), campaign=campaign)


def moment_after(day: Any) -> datetime:
    """The midnight at which a day ends."""
    return day_start(day + timedelta(days=1))
