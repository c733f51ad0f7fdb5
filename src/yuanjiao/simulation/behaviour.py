"""What truly happens in the made-up city: what breaks, when, why, whether somebody reports it, when it is repaired. Pure.

A fault strikes one object; what it does to the objects hung on it follows from the tree, not from more faults. Each object draws
from a generator of its own (seed and code), so that a larger city or a longer time does not change what happened elsewhere or before.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from yuanjiao.simulation.city import City

SERVER, LINE, EQUIPMENT = "server", "line", "equipment"
DAY = 86400.0


@dataclass(frozen=True)
class Habit:
    """How often one kind of object breaks, how long a repair takes, and why it breaks."""

    fault_class: str
    days_between: float
    repair_hours: float
    causes: tuple[str, ...]
    reported: float


HABITS = {
    "site": Habit(EQUIPMENT, 70, 30, ("equipment_age", "equipment_broken", "power", "operator_error", "configuration"), 0.35),
    "line": Habit(LINE, 120, 9, ("line_cut", "line_age", "power"), 0.6),
    "uplink": Habit(LINE, 160, 4, ("line_cut",), 0.2),
    "edge": Habit(SERVER, 200, 6, ("edge_hardware", "edge_software", "power"), 0.2),
}
CHANNELS = (("phone", 0.6), ("site_button", 0.15), ("web", 0.15), ("officer", 0.1))


@dataclass(frozen=True)
class TrueFault:
    """One thing that truly happened, [start, end)."""

    object_code: str
    object_kind: str
    fault_class: str
    cause: str
    start: datetime
    end: datetime
    reported_at: datetime | None
    channel: str

    def as_row(self) -> dict[str, str | None]:
        """For the truth file: ISO 8601 times."""
        row = asdict(self)
        return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()}


def objects_of(city: City) -> Iterator[tuple[str, str]]:
    """(code, kind) of everything that can break."""
    for county in city.counties:
        yield county.edge, "edge"
        yield county.uplink, "uplink"
        for town in county.towns:
            yield town.line, "line"
            for site in town.sites:
                yield site.code, "site"


def true_faults(city: City, *, start: datetime, end: datetime, haste: float = 1.0) -> list[TrueFault]:
    """Everything that breaks in [start, end), in order of time. `haste` 10: faults ten times as frequent, repairs ten times as quick."""
    found = [fault for code, kind in objects_of(city) for fault in _faults_of(city.plan.seed, code, kind, start, end, haste)]
    return sorted(found, key=lambda fault: (fault.start, fault.object_code))


def _faults_of(seed: int, code: str, kind: str, start: datetime, end: datetime, haste: float) -> Iterator[TrueFault]:
    habit = HABITS[kind]
    draw = random.Random(f"{seed}/{code}")
    moment = start + timedelta(seconds=draw.expovariate(haste / (habit.days_between * DAY)))
    while moment < end:
        repair = timedelta(seconds=max(draw.lognormvariate(0, 0.7) * habit.repair_hours * 3600 / haste, 120))
        reported = draw.random() < habit.reported
        told_at = moment + repair * draw.uniform(0.05, 0.5) if reported else None
        channel = draw.choices([name for name, _ in CHANNELS], [weight for _, weight in CHANNELS])[0]
        cause, whole = draw.choice(habit.causes), moment.replace(microsecond=0)
        finish = (moment + repair).replace(microsecond=0)
        yield TrueFault(code, kind, habit.fault_class, cause, whole, finish, told_at, channel)
        moment += repair + timedelta(seconds=draw.expovariate(haste / (habit.days_between * DAY)))


@dataclass(frozen=True)
class Condition:
    """What is broken at one moment, and what follows for every site."""

    broken: frozenset[str]

    def site_works(self, site: str, line: str) -> bool:
        """Whether the site's edge would hear it, were the edge itself alive."""
        return site not in self.broken and line not in self.broken

    def edge_lives(self, edge: str) -> bool:
        return edge not in self.broken

    def edge_reaches_centre(self, edge: str, uplink: str) -> bool:
        return edge not in self.broken and uplink not in self.broken


def condition_at(faults: Iterable[TrueFault], moment: datetime) -> Condition:
    return Condition(frozenset(fault.object_code for fault in faults if fault.start <= moment < fault.end))
