"""A small tree whose states are told by hand, entry by entry, and diagnosed at moments of one's choice: no beats, no sweeps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import numpy as np

from yuanjiao.flow.journal.event import Fact
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.uid import new_uid
from yuanjiao.network import queries
from yuanjiao.network.commands import add_edge, add_line, add_site
from yuanjiao.network.diagnosis import Heard, Memory, diagnose
from yuanjiao.network.events import Change, PlayTested, StateChanged, apply_play_tested, apply_state_changed
from yuanjiao.network.models import Liveness, ManagedObject, Watermark
from yuanjiao.places.commands import add_division

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SINCE = date(2025, 1, 1)
LINES = {"L1": 4, "L2": 3, "L3": 3}
SITES = {line: tuple(f"{line}-{number}" for number in range(count)) for line, count in LINES.items()}
ALL = tuple(code for codes in SITES.values() for code in codes)


class Telling:
    """U1 → E1 → L1 (4 sites), L2 (3 sites); U2 → E2 → L3 (3 sites). Everything is up from AT on."""

    def __init__(self, *, nodes: bool = False) -> None:
        ensure_self(at=AT)
        self.division = add_division(code="990100000000", name="测区", parent=None, on=SINCE)
        self.objects: dict[str, ManagedObject] = {}
        for number in (1, 2):
            uplink = add_line(code=f"U{number}", name=f"上联{number}", division=self.division, on=SINCE, is_uplink=True)
            edge = add_edge(code=f"E{number}", name=f"边缘{number}", division=self.division, on=SINCE)
            ManagedObject.objects.filter(pk=edge.pk).update(depends_on=uplink.pk)
            self.objects |= {uplink.code: uplink, edge.code: edge}
        for line, edge_code in (("L1", "E1"), ("L2", "E1"), ("L3", "E2")):
            row = add_line(code=line, name=f"线路{line}", division=self.division, depends_on=self.objects[edge_code], on=SINCE)
            self.objects[line] = row
            for code in SITES[line]:
                self.objects[code] = add_site(code=code, name=f"站点{code}", division=self.division, depends_on=row, on=SINCE)
        self.nodes = {code: new_uid() for code in ("E1", "E2")} if nodes else {}
        self.memory, self.seq, self.silent_since = Memory(), 0, 0.0
        self.boot = dict.fromkeys(self.nodes, AT - timedelta(days=2))
        self.tell("up", *self.nodes, *ALL, at=AT)

    def observer(self, code: str) -> UUID:
        """Who hears it: its edge where that runs a node, else this machine."""
        if code in self.nodes or not self.nodes:
            return own_node().uid
        return self.nodes["E2" if code.startswith("L3") else "E1"]

    def tell(self, state: str, *codes: str, at: datetime, last: datetime | None = None) -> None:
        """One entry an observer: these are so from `at` on."""
        for observer in {self.observer(code) for code in codes}:
            self.seq += 1
            changes = [Change(code=code, state=state, at=at, last=last or at) for code in codes if self.observer(code) == observer]
            apply_state_changed(StateChanged(changes=changes), Fact(observer, self.seq, at))

    def plays(self, code: str, *, at: datetime, step: str = "", item: str = "") -> None:
        test = PlayTested(uid=new_uid(), site=code, at=at, ok=not step, step=step, item=item)
        apply_play_tested(test, Fact(own_node().uid, self.seq, at))

    def edges_speak(self, at: datetime, *codes: str) -> None:
        """These edges' records are complete up to `at`."""
        for code in codes:
            words = {"held_through": at, "held_at": at, "said_at": at, "said_through": at, "boot_at": self.boot[code]}
            Watermark.objects.update_or_create(observer=self.nodes[code], defaults={"edge_id": self.objects[code].pk, **words})

    def turn(self, at: datetime, *, deaf: bool = False, witness: Iterable[str] = ()) -> None:
        """What is up has been heard this very second; `deaf`: nothing has."""
        up = set(Liveness.objects.filter(state="up").values_list("object_id", flat=True))
        ids = np.array(sorted(row.pk for row in self.objects.values()), np.int64)
        last = np.array([at.timestamp() if pk in up and not deaf else 0.0 for pk in ids.tolist()])
        direct = {self.objects[code].pk for code in witness}
        heard = Heard(ids, last, np.array([at.timestamp() if pk in direct else 0.0 for pk in ids.tolist()]))
        diagnose(at=at, heard=heard, memory=self.memory)

    def roots(self) -> dict[str, str]:
        """Open roots that are told: code → class."""
        return {found.code: found.fault_class for found in queries.open_outages(["/"])}


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)
