"""Which machine serves which sites, and whether those machines can be reached."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from yuanjiao.network.models import AccessMode, Lifecycle, ManagedObject, ObjectKind, Site
from yuanjiao.network.queries.states import with_state
from yuanjiao.people.queries import within

ABOVE = ("depends_on", "depends_on__depends_on", "depends_on__depends_on__depends_on")
"""A site hangs on a line or an edge, that on an edge; a town's edge on a county's."""
TOGETHER = 500


@dataclass(frozen=True)
class SitesServed:
    """Sites in service of one access mode behind one machine.

    `machine` is the register code of the edge (or of the site itself) that has a machine, "" without one; `behind_edge` then says
    whether there is an edge at all: sites without any are served by this very machine.
    """

    mode: str
    machine: str
    behind_edge: bool
    sites: int


def sites_served(paths: Iterable[str], machines: Collection[str]) -> list[SitesServed]:
    """Sites in service under the paths by mode and by the nearest of the machines (register codes) that serves them."""
    rows = Site.objects.filter(within("division__path", paths), lifecycle=Lifecycle.IN_SERVICE)
    names = dict(AccessMode.choices)
    own = _own_machines(rows.values_list("code", "access_mode"), machines)
    above = [f"{step}__{field}" for step in ABOVE for field in ("kind", "code")]
    behind = rows.exclude(code__in=[code for code, _mode in own])
    found = [SitesServed(str(names[mode]), code, True, 1) for code, mode in own]
    for mode, *chain, number in behind.order_by().values_list("access_mode", *above).annotate(number=Count("pk")):
        steps = list(zip(chain[::2], chain[1::2], strict=True))
        machine = next((code for _kind, code in steps if code in machines), "")
        found.append(SitesServed(str(names[mode]), machine, any(kind == ObjectKind.EDGE for kind, _code in steps), number))
    return found


def _own_machines(rows: Iterable[tuple[str, str]], machines: Collection[str]) -> list[tuple[str, str]]:
    """Sites that are machines themselves: few, where there are any."""
    codes = sorted(machines)
    found: list[tuple[str, str]] = []
    for start in range(0, len(codes), TOGETHER):
        found += rows.filter(code__in=codes[start : start + TOGETHER])  # type: ignore[attr-defined]
    return found


def machine_states(codes: Iterable[str], *, at: datetime) -> dict[str, tuple[str, datetime | None]]:
    """State and since when of the objects with these register codes; what is not on the register is left out."""
    rows = with_state(ManagedObject.objects.filter(code__in=set(codes)), at=at)
    return {code: (state, since) for code, state, since in rows.values_list("code", "state", "state_since")}  # type: ignore[misc]
