"""What a place's board shows, for the big screen and the desks alike: figures that open, roots, the units below, the trend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.core.cache import cache
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.desks.screen.trend import Curve, Step, curve
from yuanjiao.lib import clock
from yuanjiao.network import queries as network
from yuanjiao.network.queries import ChildRate, OpenRoots, Ranking, Standing
from yuanjiao.network.rules import Rate
from yuanjiao.places.models import Division
from yuanjiao.plans.models import PracticeNote
from yuanjiao.plans.queries import newest_notes
from yuanjiao.ui.templatetags.zh import duration

TREND_HOURS = 24
TREND_KEPT_S = 1800
SITES_SHOWN = 400
BANDS = ((0.98, "good"), (0.95, "fair"), (0.9, "weak"), (0.0, "bad"))
"""Lower bound of the rate → colour of a tile. The word beside the colour is the rate itself."""


@dataclass(frozen=True)
class BoardFigure:
    """One number with the words under it and the rows behind it."""

    label: str
    value: str | int
    link: str
    notes: Sequence[str] = ()
    bad: bool = False


@dataclass(frozen=True)
class Tile:
    """One unit below, or one site of a town."""

    name: str
    value: str
    band: str
    link: str
    note: str = ""


@dataclass(frozen=True)
class Ranked:
    """One line of the worst or best units."""

    standing: Standing
    faulty: str
    rate: str
    link: str
    note_title: str = ""
    note_link: str = ""


def address(name: str, division: Division, **query: str) -> str:
    """A page about a division."""
    return f"{reverse(name)}?{urlencode({'division': division.code, **query})}"


def figures(division: Division, rate: Rate, roots: OpenRoots, at: datetime) -> list[BoardFigure]:
    """The cards at the top: what is dark now and since when, how well it goes, how many roots explain it."""
    counts = network.site_counts(division.path, at=at)

    def sites(state: str) -> str:
        return address("network:site_list", division, state=state)

    apart = [_("停用 %d") % counts.suspended] if counts.suspended else []
    return [
        BoardFigure(_("终端站点"), counts.total, sites("serving"), apart),
        BoardFigure(_("正常"), counts.up, sites("up")),
        BoardFigure(_("不通"), counts.down, sites("down"), _longest(division, at) if counts.down else [], counts.down > 0),
        BoardFigure(_("情况不明"), counts.unknown, sites("unknown"), [_("从未上报 %d") % counts.never] if counts.never else []),
        BoardFigure(_("当前畅通率"), per_cent(rate), address("network:rates", division), rate_notes(rate), misses(rate)),
        BoardFigure(_("未恢复的根源"), roots.count, address("network:outage_list", division, open="1"), _affected(roots), roots.count > 0),
    ]


def _longest(division: Division, at: datetime) -> list[str]:
    since = network.dark_since(division.path, at=at)
    return [_("最久 %s") % duration(at - since)] if since else []


def _affected(roots: OpenRoots) -> list[str]:
    return [_("影响 %d 站") % roots.affected] if roots.count else []


def rate_notes(rate: Rate) -> list[str]:
    """What stands beside every rate: why there is none, the target, the known share and what the unknown could make of it."""
    if rate.coverage is None or rate.bounds is None:
        return [rate.why_none]
    target = [] if rate.target is None else [_("目标 %s") % _share(rate.target.value)]
    reach = _("已知 {known}，实际在 {low}–{high}").format(
        known=_share(rate.coverage), low=_share(rate.bounds[0]), high=_share(rate.bounds[1])
    )
    return [*target, rate.why_none or reach]


def _share(value: float) -> str:
    """Per cent without a zero behind the point; what is not all is never rounded up to all."""
    text = f"{value * 100:.1f}"
    return "99.9%" if text == "100.0" and value < 1 else f"{text.removesuffix('.0')}%"


def per_cent(rate: Rate) -> str:
    return "—" if rate.value is None else _share(rate.value)


def misses(rate: Rate) -> bool:
    """Whether a target is missed for certain enough to be told."""
    return rate.target is not None and rate.value is not None and rate.value < rate.target.value


def band(rate: Rate) -> str:
    return "none" if rate.value is None else next(name for bound, name in BANDS if rate.value >= bound)


def unit_tiles(below: Iterable[ChildRate]) -> list[Tile]:
    """One tile per division below, each opening its own screen."""
    return [
        Tile(
            name=child.division.name,
            value=per_cent(child.rate),
            band=band(child.rate),
            link=address("desks:screen", child.division),
            note=_("{population} 站 · 不通 {down} · 未能认定 {unknown}").format(
                population=child.rate.population, down=child.rate.down, unknown=child.rate.unknown
            ),
        )
        for child in below
    ]


def site_tiles(division: Division, at: datetime) -> list[Tile]:
    """A town's tiles are its villages' sites, the dark ones first; what does not fit is in the list."""
    names = {"up": _("正常"), "down": _("不通"), "unknown": _("不明")}
    bands = {"up": "good", "down": "bad", "unknown": "none"}
    rows = network.with_state(network.sites_in([division.path]), at=at)[: SITES_SHOWN + 1]
    tiles = [
        Tile(row.name, names[row.state], bands[row.state], reverse("network:site", args=[row.code]))  # type: ignore[attr-defined]
        for row in rows
    ]
    return sorted(tiles, key=lambda tile: ("bad", "none", "good").index(tile.band))[:SITES_SHOWN]


def ranked(ranking: Ranking, count: int) -> tuple[list[Ranked], list[Ranked]]:
    """The first of the worst and of the best units; the best with what others may learn from them (OPS13)."""
    worst = [_ranked(row, address("network:site_list", row.division, state="down")) for row in ranking.worst[:count]]
    best = ranking.best[:count]
    notes = newest_notes([row.division.code for row in best])
    return worst, [_with_note(row, notes.get(row.division.code)) for row in best]


def _ranked(row: Standing, link: str, title: str = "", note: str = "") -> Ranked:
    return Ranked(row, "—" if row.fault_share is None else _share(row.fault_share), per_cent(row.rate), link, title, note)


def _with_note(row: Standing, note: PracticeNote | None) -> Ranked:
    link = address("network:rates", row.division)
    return _ranked(row, link, note.title, reverse("plans:note", args=[note.uid])) if note else _ranked(row, link)


def trend(division: Division, at: datetime, target: float | None) -> Curve:
    """Hourly rates of the last day; gaps where too little is known. Kept for half an hour: late records may still change it."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    key = f"screen-trend-{division.code}-{hour:%Y%m%d%H}"
    steps: list[Step] | None = cache.get(key)
    if steps is None:
        rates = network.rate_series(division, hour - timedelta(hours=TREND_HOURS), timedelta(hours=1), TREND_HOURS)
        steps = [Step(f"{rate.start.astimezone(clock.CHINA):%H:00}", rate.value, rate.bounds) for rate in rates]
        cache.set(key, steps, TREND_KEPT_S)
    return curve(steps, target)
