"""How this machine stands: what it has, what it lacks, since when nobody above answers. No row of a person is looked at."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from yuanjiao.courseware.queries import items_using, released_count
from yuanjiao.flow.blobs import queue, quota
from yuanjiao.flow.blobs.allowance import Hold
from yuanjiao.flow.blobs.keeping import held
from yuanjiao.flow.blobs.scrub import Health, spoilt_now
from yuanjiao.flow.blobs.watching import Away, storage_away
from yuanjiao.flow.catalogue.models import CurrentCatalogue
from yuanjiao.flow.catalogue.queries import current_catalogue
from yuanjiao.flow.journal.queries import Untold, untold
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import own_node, parent_node
from yuanjiao.flow.software.queries import OwnSoftware, own_software
from yuanjiao.flow.wire import parents_time
from yuanjiao.lib import clock
from yuanjiao.lib.disk import is_read_only
from yuanjiao.network.models import EdgeCheck
from yuanjiao.network.queries import SiteCounts, edge_checks_now, site_counts

TOLD_S = 120.0
"""A jump of the clock larger than this is told: the battery is empty, or somebody had set it."""
SILENT = timedelta(minutes=5)
"""A parent that has not answered for so long is called silent: it is asked every few seconds."""


@dataclass(frozen=True)
class Above:
    """The line upwards. `heard_at` None: the parent never answered. `problem` is the last trouble in words."""

    name: str
    heard_at: datetime | None
    silent_for: timedelta
    problem: str

    @property
    def silent(self) -> bool:
        return self.heard_at is None or self.silent_for > SILENT


@dataclass(frozen=True)
class OwnClock:
    """How far this machine's clock is from its parent's, by signed answers, the last of them at `asked_at` by our clock.

    `ahead_s`: the parent's is so much later, give or take `within_s`. `last`: what was last done to the clock.
    """

    ahead_s: float
    within_s: float
    asked_at: datetime
    last: parents_time.LastSet | None

    @property
    def off(self) -> timedelta:
        return timedelta(seconds=abs(self.ahead_s))

    @property
    def right(self) -> bool:
        return abs(self.ahead_s) < parents_time.LEAST_S

    @property
    def set_at(self) -> datetime | None:
        """When the clock was last made to jump far enough for people to wonder, or refused to be."""
        if self.last is None or not (self.last.refused or abs(self.last.by_s) >= TOLD_S):
            return None
        return datetime.fromtimestamp(self.last.at, UTC)


@dataclass(frozen=True)
class MachineNow:
    """Everything the page says. `above` is None at the top; `held` is why files that are not for today do not come now; sizes are bytes.

    `spoilt_items`: titles of released items of which a file is spoilt. `room` is None without a quota.
    `storage`: the bucket that keeps the files does not answer.
    """

    node: Node
    above: Above | None
    catalogue: CurrentCatalogue | None
    items: int
    blobs: int
    size: int
    free: int
    short_of_room: bool
    read_only: bool
    storage: Away | None
    lacking: queue.Waiting
    held: Hold | None
    health: Health
    spoilt_items: Sequence[str]
    room: quota.Room | None
    untold: Untold
    sites: SiteCounts | None
    checks: Sequence[EdgeCheck]
    software: OwnSoftware | None
    clock: OwnClock | None

    @property
    def not_changed(self) -> bool:
        """A newer version was tried and is not well here."""
        return self.software is not None and self.software.failed is not None

    @property
    def well(self) -> bool:
        """Nothing on the page asks for a person."""
        trouble = (
            self.not_changed
            or self.read_only
            or self.short_of_room
            or self.storage is not None
            or bool(self.lacking.problem or self.health.spoilt)
            or any(not check.ok for check in self.checks)
        )
        return not trouble and (self.above is None or not (self.above.silent or self.above.problem))


def machine_now(at: datetime) -> MachineNow:
    """How the machine stands at `at`."""
    node, current = own_node(), current_catalogue()
    blobs, size = held()
    free = shutil.disk_usage(settings.HOME).free
    parent, health = parent_node(), spoilt_now(at)
    return MachineNow(
        node=node,
        above=_above(parent, current, at) if parent is not None else None,
        catalogue=current if current is not None and current.accepted_at else None,
        items=released_count(on=clock.local_day(clock.civil(at))),
        blobs=blobs,
        size=size,
        free=free,
        short_of_room=free < settings.MIN_FREE_BYTES,
        read_only=is_read_only(Path(settings.HOME)),
        storage=storage_away(),
        lacking=queue.waiting(),
        held=queue.held(at) if parent is not None else None,
        health=health,
        spoilt_items=[item.title for item in items_using([row.sha256 for row in health.spoilt]) if item.public],
        room=quota.room(),
        untold=untold() if parent is not None else Untold(0, None),
        sites=site_counts(node.scope, at=at) if node.scope and parent is not None else None,
        checks=list(edge_checks_now([node.scope]).filter(edge__code=node.subject_code)) if node.subject_code else [],
        software=own_software() if parent is not None else None,
        clock=_own_clock(at) if parent is not None else None,
    )


def _above(parent: Node, current: CurrentCatalogue | None, at: datetime) -> Above:
    heard = current.heard_at if current is not None else None
    return Above(parent.name, heard, at - heard if heard else timedelta(), current.problem if current is not None else "")


def _own_clock(at: datetime) -> OwnClock | None:
    """None while the parent has told no time under its signature: an older one cannot."""
    told = parents_time.kept()
    if told is None:
        return None
    ahead_s = told.ahead_now(clock_s=at.timestamp(), steady_s=clock.steady_s(), boot=clock.boot_id())
    return OwnClock(ahead_s, told.within_s, datetime.fromtimestamp(told.clock_s, UTC), parents_time.last_set())
