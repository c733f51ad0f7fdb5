"""Where a released item has arrived: which machines below hold it since when, which do not, and how many sites that makes (DLV02)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Min, QuerySet

from yuanjiao.courseware.queries import audiences_of
from yuanjiao.flow.catalogue.publish import scopes
from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.errors import NotFound
from yuanjiao.network.queries import SitesServed, machine_states, sites_served
from yuanjiao.programmes.models import Arrival, CatalogueStep, CatalogueTaken
from yuanjiao.programmes.queries.reach import concerning, machines_below

MOST = 0.95
"""The share of sites that should have an item; how long that took is measured (DLV02)."""
DOWN = "down"


@dataclass(frozen=True)
class HeldAt:
    """One machine below and one released item. `arrived_at` None: not yet. `dark_since` is set while the machine is known to be dark.

    `version` and `heard_at` are the newest catalogue the machine said it has, 0 and None when it never said so.
    """

    name: str
    subject: str
    kind: str
    arrived_at: datetime | None
    version: int
    heard_at: datetime | None
    dark: bool
    dark_since: datetime | None


@dataclass(frozen=True)
class ModeReach:
    """The sites of one access mode: how many of them can have the item played, and how long 95 % of them took from its release."""

    mode: str
    sites: int
    reached: int
    took: timedelta | None

    @property
    def share(self) -> float:
        return self.reached / self.sites if self.sites else 1.0


@dataclass(frozen=True)
class Picture:
    """How far one release has come: the machines, those without it first, and the sites by access mode."""

    machines: list[HeldAt]
    modes: list[ModeReach]

    @property
    def held(self) -> int:
        return sum(one.arrived_at is not None for one in self.machines)

    @property
    def reachable(self) -> int:
        """Machines that hold it, or could: those known to be dark are not counted. What is not known counts as reachable."""
        return sum(one.arrived_at is not None or not one.dark for one in self.machines)

    @property
    def share(self) -> float:
        return self.held / self.reachable if self.reachable else 1.0

    @property
    def all_sites(self) -> ModeReach:
        """Every mode together; `took` is the slowest mode's, None while one is not there."""
        times = [one.took for one in self.modes if one.sites]
        took = None if None in times or not times else max(one for one in times if one is not None)
        return ModeReach("", sum(one.sites for one in self.modes), sum(one.reached for one in self.modes), took)


def arrivals_seen(paths: Iterable[str]) -> QuerySet[Arrival]:
    """The releases that concern these subtrees, the newest first: made in them or above them."""
    return Arrival.objects.filter(concerning(paths)).order_by("-released_at", "-pk").prefetch_related("versions")


def arrival_of(item: UUID, paths: Iterable[str]) -> Arrival:
    """The newest release of an item."""
    row = arrivals_seen(paths).filter(item_uid=item).first()
    if row is None:
        raise NotFound("还没有这件课件的下发记录；发布后一分钟内开始记")
    return row


def scopes_due(audiences: Iterable[str]) -> set[str]:
    """The scopes whose documents name an item with these audiences (courseware/shelf.py)."""
    wanted = set(audiences)
    below = {scope for scope in scopes() if scope != ALL and any(touches(one, scope) for one in wanted - {"/"})}
    return below | ({ALL} if "/" in wanted else set())


def touches(audience: str, scope: str) -> bool:
    """Whether one of the two subtrees lies in the other."""
    return bool(scope) and (audience.startswith(scope) or scope.startswith(audience))


def picture_of(arrival: Arrival, paths: Iterable[str], *, at: datetime) -> Picture:
    """Where it stands now, for who looks after these subtrees."""
    audiences = audiences_of([arrival.item_uid]).get(arrival.item_uid, frozenset())
    versions = {one.scope: one.version for one in arrival.versions.all()}
    everyone = [node for node in machines_below(["/", ""]) if _is_due(node, audiences)]
    arrived = _arrived(everyone, versions)
    seen = tuple(paths)
    served = sites_served(_places(audiences, seen), {node.subject_code for node in everyone if node.subject_code})
    moments = {node.subject_code: arrived.get(node.uid) for node in everyone}
    return Picture(_held([node for node in everyone if node.scope.startswith(seen)], arrived, at), _by_mode(served, moments, arrival))


def _is_due(node: Node, audiences: Iterable[str]) -> bool:
    return any(one == "/" or touches(one, node.scope) for one in audiences)


def _places(audiences: Iterable[str], paths: Sequence[str]) -> list[str]:
    """The subtrees that are both spoken to and seen."""
    pairs = [(one, path) for one in audiences for path in paths]
    return sorted({max(pair, key=len) for pair in pairs if pair[0].startswith(pair[1]) or pair[1].startswith(pair[0])})


def _arrived(nodes: Iterable[Node], versions: dict[str, int]) -> dict[UUID, datetime]:
    """When each machine took up its first catalogue with the item."""
    firsts: dict[int, list[UUID]] = defaultdict(list)
    for node in nodes:
        known = [versions[scope] for scope in (ALL, node.scope) if scope in versions]
        if known:
            firsts[min(known)].append(node.uid)
    found: dict[UUID, datetime] = {}
    for version, origins in firsts.items():
        steps = CatalogueStep.objects.filter(origin__in=origins, version__gte=version)
        found |= dict(steps.order_by().values_list("origin").annotate(first=Min("taken_at")))
    return found


def _held(nodes: Sequence[Node], arrived: dict[UUID, datetime], at: datetime) -> list[HeldAt]:
    heard = {row.origin: row for row in CatalogueTaken.objects.all()}
    states = machine_states((node.subject_code for node in nodes), at=at)
    found = []
    for node in nodes:
        state, since = states.get(node.subject_code, ("", None))
        taken = heard.get(node.uid)
        found.append(
            HeldAt(
                name=node.name,
                subject=node.subject_code,
                kind=node.get_kind_display(),
                arrived_at=arrived.get(node.uid),
                version=taken.version if taken else 0,
                heard_at=taken.taken_at if taken else None,
                dark=state == DOWN,
                dark_since=since if state == DOWN else None,
            )
        )
    return sorted(found, key=lambda one: (one.arrived_at is not None, one.dark, one.kind, one.name))


def _by_mode(served: Iterable[SitesServed], moments: dict[str, datetime | None], arrival: Arrival) -> list[ModeReach]:
    """Sites without an edge are served by this machine: they have it from its release. Behind an edge without a machine: never."""
    total: dict[str, int] = defaultdict(int)
    times: dict[str, list[tuple[timedelta, int]]] = defaultdict(list)
    for group in served:
        total[group.mode] += group.sites
        at = moments.get(group.machine) if group.machine else None if group.behind_edge else arrival.released_at
        if at is not None:
            times[group.mode].append((max(at - arrival.released_at, timedelta()), group.sites))
    return [
        ModeReach(mode, sites, sum(number for _took, number in times[mode]), _until_most(sorted(times[mode]), sites))
        for mode, sites in sorted(total.items())
    ]


def _until_most(times: Iterable[tuple[timedelta, int]], sites: int) -> timedelta | None:
    """How long it took until 95 % of the sites had it; None while they have not. The clocks of the machines count."""
    there = 0
    for took, number in times:
        there += number
        if there >= math.ceil(sites * MOST):
            return took
    return None
