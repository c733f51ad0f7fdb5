"""Reads of what a rate is measured against: the versions of its rule (NET06) and the targets of divisions (NET05), each from a day on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet

from yuanjiao.lib import clock
from yuanjiao.network.models import RateRuleVersion, RateTarget
from yuanjiao.network.rules.rates import RULE, RateRule, Target
from yuanjiao.places.models import Division


@dataclass(frozen=True)
class DatedRule:
    """One version of the rule, from which day (None: from the beginning), by which document."""

    rule: RateRule
    valid_from: date | None
    document: str


def rule_versions() -> list[DatedRule]:
    """Every version, oldest first; version 1 comes with the software."""
    rows = RateRuleVersion.objects.order_by("valid_from")
    later = [
        DatedRule(RateRule(row.version, row.heartbeat_min, row.play_days, row.min_coverage), row.valid_from, row.document) for row in rows
    ]
    return [DatedRule(RULE, None, ""), *later]


def rule_on(day: date) -> RateRule:
    """The version in force on a day."""
    return rule_among(rule_versions(), day)


def rule_among(versions: Iterable[DatedRule], day: date) -> RateRule:
    """The version in force on a day, of versions that have been read."""
    return [one.rule for one in versions if one.valid_from is None or one.valid_from <= day][-1]


@dataclass(frozen=True)
class RulePart:
    """A part [start, end) of a period, in seconds since 1970, and the rule that counts in it."""

    rule: RateRule
    start: int
    end: int


def rule_parts(start: int, end: int) -> list[RulePart]:
    """The period cut where a new version came into force, at local midnight."""
    versions = rule_versions()
    begins = [0 if one.valid_from is None else int(clock.day_start(one.valid_from).timestamp()) for one in versions]
    ends = [*begins[1:], end]
    parts = [RulePart(one.rule, max(begin, start), min(until, end)) for one, begin, until in zip(versions, begins, ends, strict=True)]
    return [part for part in parts if part.start < part.end] or [RulePart(versions[-1].rule, start, end)]


def rules_over(start: datetime, end: datetime) -> tuple[RateRule, ...]:
    """The versions that were in force in [start, end), the first first."""
    return tuple(part.rule for part in rule_parts(int(start.timestamp()), int(end.timestamp())))


def target_rows() -> QuerySet[RateTarget]:
    """Every target, the latest of each division first."""
    return RateTarget.objects.select_related("division").order_by("division__path", "-valid_from")


class Targets:
    """The targets in force on a day. A target belongs to the code of its division: a renamed or moved place keeps it."""

    def __init__(self, by_code: Mapping[str, Target]) -> None:
        self._by_code = by_code

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._by_code)

    def of(self, path: str) -> Target | None:
        """A division's own target, or that of the nearest division above; None without one."""
        codes = [code for code in path.split("/") if code]
        return next((self._by_code[code] for code in reversed(codes) if code in self._by_code), None)


def targets_at(at: datetime) -> Targets:
    """Every target in force at a moment, read once for all divisions of a table."""
    rows = RateTarget.objects.filter(valid_from__lte=clock.local_day(at)).select_related("division").order_by("valid_from")
    return Targets({row.division.code: Target(row.value, row.document, row.division.name) for row in rows})


def target_of(division: Division, at: datetime) -> Target | None:
    """The target in force for one division."""
    return targets_at(at).of(division.path)
