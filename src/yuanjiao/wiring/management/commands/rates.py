"""`yuanjiao rates verify | rebuild`: recompute a published rate from the journal, or the day sums from the rows."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from yuanjiao.lib import clock
from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.jobs import keep_counters
from yuanjiao.network.models import DayRollup
from yuanjiao.network.queries import rate_over, rates_by_site
from yuanjiao.network.queries.proof import Proof, Proved
from yuanjiao.places.models import Division
from yuanjiao.places.queries import division_by_code, division_held
from yuanjiao.reports.models import Document
from yuanjiao.reports.rules import DocumentKind

SHOWN = 20
MONTHS = (DocumentKind.COUNTY_MONTH, DocumentKind.CITY_MONTH)
NAMES = ("畅通", "不通", "不明", "停用", "检修")
Amounts = tuple[int, ...]


@dataclass(frozen=True)
class Published:
    """What was published of a period: seconds by site code, under a title."""

    title: str
    sites: Mapping[str, Amounts]


class Command(BaseCommand):
    help = "畅通率：按日志重新计算并核对，重建日汇总"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        check = acts.add_parser("verify", help="按日志逐条重算已公布的畅通率；不一致时列出站点并以 1 结束")
        check.add_argument("--division", default="", help="区划代码，默认为最上级")
        check.add_argument("--from", dest="since", type=date.fromisoformat, help="起始日期（含），默认本月 1 日")
        check.add_argument("--to", dest="until", type=date.fromisoformat, help="截止日期（不含），默认到现在")
        check.add_argument("--report", default="", help="已报出的月报，如 990101000000/2026-03：核对其中冻结的数")
        acts.add_parser("rebuild", help="作废全部日汇总并按记录重新汇总")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == "rebuild":
            self._rebuild(clock.now())
        elif options["report"]:
            self._verify_report(options["report"])
        else:
            self._verify_period(options, clock.now())

    def _verify_period(self, options: dict[str, Any], now: datetime) -> None:
        """The seconds that pages print, from the rows and, where days have been summed, from their sums, against the journal."""
        start = clock.day_start(options["since"] or clock.local_day(now).replace(day=1))
        end = clock.day_start(options["until"]) if options["until"] else now.replace(microsecond=0)
        division = _division(options["division"], clock.local_day(start), clock.local_day(max(end - timedelta(seconds=1), start)))
        self.stdout.write(f"{division.name} {start:%Y-%m-%d %H:%M} 至 {end.astimezone(clock.CHINA):%Y-%m-%d %H:%M}")
        proof = Proof(division, start, end)
        journal = {code: _amounts(proof.of(code)) for code in proof.codes}
        wrong = self._compare(Published("按记录", _published(division, start, end)), journal)
        COUNTERS.look()
        wrong += self._compare(Published("按日汇总", _published(division, start, end)), journal)
        rate = rate_over(division, start, end)
        self.stdout.write(f"畅通率 {'未出数' if rate.value is None else f'{rate.value:.4%}'}；{rate.sentence}")
        self._end(wrong)

    def _verify_report(self, name: str) -> None:
        """The frozen rows of a report against the journal as it stood when they were frozen."""
        document = _document(name)
        start, end = clock.day_start(document.first_day), min(document.as_of, clock.day_start(_next_month(document.first_day)))
        self.stdout.write(f"{document} 数据截至 {document.as_of.astimezone(clock.CHINA):%Y-%m-%d %H:%M:%S}")
        rows = {row.code: (row.first, row.second, row.third) for row in document.rows.filter(table="sites")}
        division = division_by_code(document.place_code, on=clock.local_day(end - timedelta(seconds=1)))
        proof = Proof(division, start, end, received_by=document.as_of)
        journal, short = _as_it_stood(proof, rows)
        if short:
            self.stdout.write(f"当时有 {len(short)} 个站点的记录还没有到截至时刻，最早的到 {_told(min(short.values()))}，其后按情况不明计")
        self._end(self._compare(Published("报表", rows), journal))

    def _compare(self, published: Published, journal: Mapping[str, Amounts]) -> int:
        """Print what differs; returns at how many sites."""
        wrong = [code for code in sorted({*journal, *published.sites}) if not _same(published.sites.get(code), journal.get(code))]
        sums = _sums(published.sites.values())
        told = "，".join(f"{name} {seconds}" for name, seconds in zip(NAMES, sums, strict=False))
        verdict = "与日志一致" if not wrong else f"有 {len(wrong)} 个站点与日志不一致"
        self.stdout.write(f"{published.title}：{len(published.sites)} 个站点，{told}（秒）：{verdict}")
        for code in wrong[:SHOWN]:
            self.stdout.write(f"  {code}：{published.title} {published.sites.get(code)}，日志 {journal.get(code)}")
        return len(wrong)

    def _end(self, wrong: int) -> None:
        if wrong:
            raise CommandError("与日志不一致")
        self.stdout.write("逐站核对，全部一致")

    def _rebuild(self, at: datetime) -> None:
        days = DayRollup.objects.count()
        DayRollup.objects.all().delete()
        COUNTERS.forget()
        made, before = self._summed(at), 0
        while made > before:
            made, before = self._summed(at), made
        self.stdout.write(f"原有 {days} 天，重新汇总 {made} 天")

    def _summed(self, at: datetime) -> int:
        keep_counters(at)
        return DayRollup.objects.count()


def _division(code: str, first: date, last: date) -> Division:
    if code:
        return division_held(code, first=first, last=last)
    top = Division.objects.filter(parent=None, valid_to=None).order_by("code").first()
    if top is None:
        raise CommandError("还没有区划")
    return top


def _document(name: str) -> Document:
    code, _, month = name.partition("/")
    found = (
        Document.objects.filter(kind__in=MONTHS, place_code=code, first_day=date.fromisoformat(f"{month}-01")).first() if month else None
    )
    if found is None:
        raise CommandError(f"没有月报 {name}（写作 区划代码/年-月）")
    return found


def _as_it_stood(proof: Proof, rows: Mapping[str, Amounts]) -> tuple[dict[str, Amounts], dict[str, int]]:
    """The journal's amounts, and the sites whose record did not yet reach the cut-off, with how far it reached.

    How far a record reached is not kept: it follows from how much was unknown, and the other amounts must then fit it.
    """
    journal = {code: _amounts(proof.of(code)) for code in proof.codes}
    short: dict[str, int] = {}
    for code in rows.keys() & journal.keys():
        if rows[code][2] > journal[code][2]:
            short[code] = proof.reach_for(code, rows[code][2])
            journal[code] = _amounts(proof.of(code, reach=short[code]))
    return journal, short


def _told(second: int) -> str:
    return f"{datetime.fromtimestamp(second, clock.CHINA):%Y-%m-%d %H:%M:%S}"


def _published(division: Division, start: datetime, end: datetime) -> dict[str, Amounts]:
    rates = {one.code: one.rate for one in rates_by_site(division, start, end)}
    return {code: (rate.up, rate.down, rate.unknown, rate.excluded, rate.maintenance) for code, rate in rates.items()}


def _amounts(one: Proved) -> Amounts:
    return (*one.seconds, one.excluded, one.maintenance)


def _same(published: Amounts | None, journal: Amounts | None) -> bool:
    """A report freezes the first three amounts; who had none of them is not in it."""
    if published is None or journal is None:
        return not any((published or journal or ())[:3])
    return published == journal[: len(published)]


def _sums(rows: Iterable[Amounts]) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)]


def _next_month(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)
