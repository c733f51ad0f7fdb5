"""Rows of an operator's list against the register: which site is meant, when its box was seen, whether it is online."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from yuanjiao.network.commands import Sighting
from yuanjiao.register import rules
from yuanjiao.register.documents.operator_list import OperatorList

AHEAD = timedelta(minutes=10)
"""Their clock may be a little fast; more than that is a mistake in the file."""


class Sites:
    """The sites a person may speak of, found by code or, when it is the only one of that name, by name."""

    def __init__(self, by_code: Mapping[str, tuple[int, str]]) -> None:
        self._by_code = {code: pk for code, (pk, _name) in by_code.items()}
        self._by_name: dict[str, list[int]] = {}
        for pk, name in by_code.values():
            self._by_name.setdefault(name, []).append(pk)

    def find(self, cells: Mapping[str, Any]) -> int:
        """The site's key; BadCell with the reason."""
        code, name = rules.narrow(rules.plain_text(cells.get("code", ""))), rules.name_text(cells.get("name", ""))
        if code:
            if code not in self._by_code:
                raise rules.BadCell(f"没有编号为 {code} 的站点，或不在您负责的范围内")
            return self._by_code[code]
        found = self._by_name.get(name, [])
        if not name:
            raise rules.BadCell("编号和名称都是空的")
        if len(found) != 1:
            raise rules.BadCell(f"有 {len(found)} 个站点叫“{name}”，请写编号" if found else f"没有名为“{name}”的站点，或不在您负责的范围内")
        return found[0]


def check_list(read: OperatorList, sites: Sites, *, at: datetime) -> tuple[list[Sighting], dict[int, str]]:
    """The good rows as sightings, and the reasons of the others by row number. A site listed twice counts as last seen."""
    good: dict[int, Sighting] = {}
    reasons: dict[int, str] = {}
    for number, cells in read.rows:
        try:
            seen = _sighting(cells, sites, at)
        except rules.BadCell as error:
            reasons[number] = str(error)
            continue
        before = good.get(seen.site_id)
        if before is None or before.seen_at <= seen.seen_at:
            good[seen.site_id] = seen
    return list(good.values()), reasons


def _sighting(cells: Mapping[str, Any], sites: Sites, at: datetime) -> Sighting:
    pk = sites.find(cells)
    seen_at = rules.moment(cells["seen"])
    if seen_at > at + AHEAD:
        raise rules.BadCell(f"时间 {seen_at:%Y-%m-%d %H:%M} 还没有到")
    return Sighting(site_id=pk, seen_at=seen_at, online=rules.is_online(cells["online"]))
