"""Arithmetic of plans: what remains, when the present pace arrives, how a cost is split."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

PACE_DAYS = 180
"""The pace of a forecast is that of so many days before it."""


class Measure(StrEnum):
    """What a target of a build plan counts: sites of one kind, or sites with one capability."""

    KIND = "kind"
    CAPABILITY = "capability"


@dataclass(frozen=True)
class Progress:
    """One target beside what stands: built counts accepted ones too, accepted counts those in service too."""

    target: int
    built: int
    accepted: int

    @property
    def remaining(self) -> int:
        return max(self.target - self.accepted, 0)

    @property
    def share(self) -> float | None:
        return self.accepted / self.target if self.target else None


@dataclass(frozen=True)
class Forecast:
    """When a coverage target is reached if the pace of the last days holds. `reached_on` None: never at this pace."""

    gained: int
    days: int
    reached_on: date | None
    due_on: date

    @property
    def in_time(self) -> bool:
        return self.reached_on is not None and self.reached_on <= self.due_on


def forecast(*, covered: int, gained: int, days: int, wanted: int, on: date, due_on: date) -> Forecast:
    """Straight on from `covered` at `gained` places in the last `days` days; `on` is today. Reached already: today."""
    missing = wanted - covered
    if missing <= 0:
        return Forecast(gained, days, on, due_on)
    if gained <= 0 or days <= 0:
        return Forecast(gained, days, None, due_on)
    needed = -(-missing * days // gained)  # rounded up: a day begun is a day needed
    return Forecast(gained, days, on + timedelta(days=needed) if needed < 36_500 else None, due_on)


def is_demonstration(fulfilled: Collection[int], points: Collection[int]) -> bool:
    """Whether an outlet fulfils every point of the checklist; without a checklist there is nothing to show."""
    return bool(points) and set(points) <= set(fulfilled)


def split_cost(cents: int, shares: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Split an amount by weights (largest remainder): the parts add up to the whole, to the cent.

    Equal remainders go to the first named. ValueError without a positive weight.
    """
    total = sum(weight for _, weight in shares)
    if total <= 0 or any(weight < 0 for _, weight in shares):
        raise ValueError("weights must be positive")
    parts = {name: cents * weight // total for name, weight in shares}
    left = cents - sum(parts.values())
    by_remainder = sorted(range(len(shares)), key=lambda i: (-(cents * shares[i][1] % total), i))
    for index in by_remainder[:left]:
        parts[shares[index][0]] += 1
    return parts
