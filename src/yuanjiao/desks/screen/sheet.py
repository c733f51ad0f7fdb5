"""The ranking of units as a 台账: what the page lists, in its order, each share with what stands beside it (OPS12, OPS13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from yuanjiao.desks.screen.board import Ranked
from yuanjiao.network.queries import ChildRate
from yuanjiao.network.rules.rates import Rate
from yuanjiao.places.models import Division
from yuanjiao.ui.lists import Column, ListPage
from yuanjiao.ui.templatetags.zh import share


@dataclass(frozen=True)
class Line:
    """One unit: in which of the page's lists it stands, its place there (from 1), the note written of it."""

    among: str
    division: Division
    rate: Rate
    place: int | None = None
    fault_share: float | None = None
    note: str = ""


def lines(worst: Sequence[Ranked], best: Sequence[Ranked], unranked: Sequence[ChildRate], over: str) -> list[Line]:
    """The page's three lists one after the other."""
    return [
        *(_ranked(row, _("故障率 %s%% 以上") % over) for row in worst),
        *(_ranked(row, _("保持得最好")) for row in best),
        *(Line(_("已知太少，不排名"), row.division, row.rate, note=row.rate.why_none) for row in unranked),
    ]


def _ranked(row: Ranked, among: str) -> Line:
    one = row.standing
    return Line(among, one.division, one.rate, one.place, one.fault_share, row.note_title)


def ranking_page(title: str, rows: Sequence[Line], *, unit: str, notes: Sequence[str]) -> ListPage[Line]:
    """`unit` is what up and down are counted in."""
    columns: list[Column[Line]] = [
        Column(_("名单"), lambda row: row.among, width=20),
        Column(_("名次"), lambda row: row.place, width=8),
        Column(_("单位"), lambda row: row.division.name, width=22),
        Column(_("代码"), lambda row: row.division.code, width=18),
        Column(_("故障率"), lambda row: share(row.fault_share), width=10),
        Column(_("不通（%s）") % unit, lambda row: row.rate.down, width=14),
        Column(_("已知（%s）") % unit, lambda row: row.rate.known, width=14),
        Column(_("畅通率"), lambda row: share(row.rate.value), width=10),
        Column(_("目标"), lambda row: share(row.rate.target.value if row.rate.target else None), width=10),
        Column(_("已知比例"), lambda row: share(row.rate.coverage), width=10),
        Column(_("不明全算不通"), lambda row: share((row.rate.bounds or (None, None))[0]), width=14),
        Column(_("不明全算畅通"), lambda row: share((row.rate.bounds or (None, None))[1]), width=14),
        Column(_("经验做法、说明"), lambda row: row.note, width=30),
    ]
    return ListPage(title=title, rows=rows, columns=columns, empty="", notes=notes)
