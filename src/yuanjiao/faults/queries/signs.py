"""Early signs in faults and orders: places with more faults than usual, objects that break again and again, orders that stand still."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import numpy as np
from django.core.cache import cache
from django.db.models import F, Q

from yuanjiao.faults.queries.orders import orders_in_scope
from yuanjiao.faults.rules import BEFORE_DAYS, RECENT_DAYS, REPEATED_FROM, EarlySign, Rise, Sign
from yuanjiao.faults.rules.signs import RISE_LEAST
from yuanjiao.items.models import Item
from yuanjiao.items.rules import WITH_OWNER, State
from yuanjiao.lib.clock import local_day
from yuanjiao.network.queries import Trouble, recording_since, repeated_roots, root_tally, unstable_now
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions, every_row
from yuanjiao.places.rules import Level
from yuanjiao.ui.templatetags.zh import duration

LEVELS = (Level.COUNTY, Level.TOWN)
SHOWN = 500
MANY, KEPT_S = 500, 600
"""With more counties than this in the land what is said of outages is kept so long, in seconds."""


def fault_signs(paths: Iterable[str], at: datetime) -> list[EarlySign]:
    """Every sign in faults and orders under the paths, kind by kind, the worst of each first."""
    wanted = list(paths)
    found = [*_of_outages(wanted, at), *_unstable(wanted), *_waiting(wanted, at)]
    return sorted(found, key=lambda row: (list(Sign).index(row.sign), -row.weight, row.key))


def _of_outages(paths: Sequence[str], at: datetime) -> list[EarlySign]:
    """What months of outages say. For a nation they are gone through every ten minutes only."""
    key = f"signs-of-outages-{at.timestamp() // KEPT_S:.0f}-{sha256('|'.join(paths).encode()).hexdigest()}"
    kept: list[EarlySign] | None = cache.get(key)
    if kept is not None:
        return kept
    found = [*_rising(paths, at), *_repeated(paths, at)]
    if divisions(on=local_day(at), level=Level.COUNTY)[MANY : MANY + 1].exists():
        cache.set(key, found, KEPT_S)
    return found


def _rising(paths: Sequence[str], at: datetime) -> list[EarlySign]:
    """Counties and towns; a town whose county already says the same for the most part is named all the same: it is where to look."""
    turn, today = at - timedelta(days=RECENT_DAYS), local_day(at)
    days = _days_observed(turn)
    if days < RECENT_DAYS:
        return []
    rows = [row for level in LEVELS for path in paths for row in divisions(on=today, level=level, under=path).values_list("pk", "path")]
    tally = root_tally(paths, [path for _, path in rows], turn - timedelta(days=BEFORE_DAYS), turn, at)
    many = (tally.recent >= RISE_LEAST) & (tally.recent * days > tally.before * RECENT_DAYS)  # the rest of the question is dear
    rises = {rows[n][0]: Rise(int(tally.recent[n]), int(tally.before[n]), days) for n in np.flatnonzero(many).tolist()}
    told = {pk: rise for pk, rise in rises.items() if rise.told}
    return [_rise(place, told[place.pk]) for place in _by_key(sorted(told))]


def _by_key(keys: Sequence[int]) -> Iterator[Division]:
    for start in range(0, len(keys), 500):
        yield from every_row().filter(pk__in=keys[start : start + 500])


def _days_observed(turn: datetime) -> int:
    """Whole days before `turn` of which there is any record, at most BEFORE_DAYS."""
    since = recording_since()
    return 0 if since is None else max(min((turn - since).days, BEFORE_DAYS), 0)


def _rise(place: Division, rise: Rise) -> EarlySign:
    return EarlySign(Sign.RISING, place.name, place.code, "division", place.path, rise.reason, 1 - rise.chance)


def _repeated(paths: Sequence[str], at: datetime) -> list[EarlySign]:
    rows = repeated_roots(paths, at - timedelta(days=RECENT_DAYS), at, least=REPEATED_FROM, limit=SHOWN)
    return [_object(Sign.REPEATED, row, f"近 {RECENT_DAYS} 天中断 {row.times} 次") for row in rows]


def _object(sign: Sign, row: Trouble, reason: str) -> EarlySign:
    return EarlySign(sign, row.name, row.code, row.kind, row.path, reason, float(row.times), row.last)


def _unstable(paths: Sequence[str]) -> list[EarlySign]:
    return [_object(Sign.UNSTABLE, row, f"已断 {row.times} 次，仍不稳定") for row in unstable_now(paths, limit=SHOWN)]


def _waiting(paths: Sequence[str], at: datetime) -> list[EarlySign]:
    """Orders past the time to answer with nobody's hand on them, and orders past their due date."""
    rows = orders_in_scope(paths).filter(item__state__in=WITH_OWNER)
    stalled = rows.filter(Q(item__due_at=None) | Q(item__due_at__gt=at), item__state=State.ISSUED, item__respond_due_at__lte=at)
    late = rows.filter(item__due_at__lte=at).order_by(F("item__due_at"))[:SHOWN]
    signs = [_order(Sign.STALLED, row.item, at, row.item.respond_due_at, "派单后无人签收，已超过响应时限") for row in stalled[:SHOWN]]
    return signs + [_order(Sign.OVERDUE, row.item, at, row.item.due_at, "已超过办结时限") for row in late]


def _order(sign: Sign, item: Item, at: datetime, limit: datetime | None, words: str) -> EarlySign:
    past = at - (limit or at)
    return EarlySign(sign, item.title, item.code, "order", item.division.path, f"{words} {duration(past)}", past.total_seconds(), limit)
