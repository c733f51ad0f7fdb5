"""A county's month in small: events of every kind that nodes tell of, some told twice, some late, and some that cannot be true.

Drawn from a few uids, days and sites, so that they meet one another.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.conftest import AT
from yuanjiao.courseware.events import MissesCounted, WordsMissed
from yuanjiao.faults.events import FaultReported
from yuanjiao.flow.journal.event import Event
from yuanjiao.flow.journal.membership import NodeEnrolled, NodeMoved, NodeRevoked
from yuanjiao.flow.nodes.commands import know_node
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.flow.software.telling import SoftwareInstalled
from yuanjiao.learning.events import ItemShown, SessionCorrected, SessionHeld
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.events import Change, Deaf, EdgeChecked, Finding, PlayTested, StateChanged
from yuanjiao.programmes.events import (
    CatalogueAccepted,
    CatalogueFollowed,
    ItemSums,
    NoticeArrived,
    NoticeConfirmed,
    PlaysCounted,
)
from yuanjiao.simulation.cast import Cast
from yuanjiao.supervision.events import CensusConfirmed, ProblemTold

EDGE = "E-990101"
OWN = ("S-990101100200", "S-990101100201", "S-990101101200", "S-990101101201")
FOREIGN = "S-990102100200"
UIDS = tuple(UUID(int=number) for number in range(1, 7))
STRANGER = UUID(int=99)


class Mixture:
    """What the node of one edge may tell. Nothing but `draw` decides, so that the same seed tells the same."""

    def __init__(self, cast: Cast, draw: random.Random) -> None:
        self.draw, self.minute = draw, 0
        self.paths = {code: site.division.path for code, site in cast.sites.items()}
        self.county = cast.divisions["990101000000"].path
        self.makers: dict[str, Callable[[], Event]] = {
            StateChanged.KIND: self.states,
            Deaf.KIND: self.deaf,
            PlayTested.KIND: lambda: PlayTested(uid=self.uid(), site=self.site(), at=self.at(), ok=self.chance(), item=str(self.uid())),
            EdgeChecked.KIND: lambda: EdgeChecked(edge=EDGE, findings=[self.finding() for _ in range(draw.randint(0, 2))]),
            SessionHeld.KIND: self.held,
            SessionCorrected.KIND: self.corrected,
            NoticeArrived.KIND: lambda: NoticeArrived(**self.notice()),
            NoticeConfirmed.KIND: lambda: NoticeConfirmed(via=draw.choice(("tv", "page")), **self.notice()),
            CatalogueFollowed.KIND: lambda: CatalogueFollowed(**self.catalogue()),
            CatalogueAccepted.KIND: lambda: CatalogueAccepted(**self.catalogue()),
            PlaysCounted.KIND: lambda: PlaysCounted(day=self.day(), path=self.path(), items=[self.sums() for _ in range(2)]),
            MissesCounted.KIND: lambda: MissesCounted(day=self.day(), path=self.path(), words=[self.missed() for _ in range(2)]),
            FaultReported.KIND: self.reported,
            CensusConfirmed.KIND: self.confirmed,
            NodeEnrolled.KIND: self.enrolled,
            NodeRevoked.KIND: lambda: NodeRevoked(node=self.uid(), reason="丢失", last_seq=1, revoked_at=AT),
            SoftwareInstalled.KIND: lambda: SoftwareInstalled(uid=self.uid(), version=draw.choice(("1.1", "1.2")), ok=self.chance()),
            NodeMoved.KIND: lambda: NodeMoved(parent=self.uid(), parent_name="东市", moved_at=AT),
        }  # fmt: skip

    def event(self, kind: str) -> Event:
        self.minute += 1
        return self.makers[kind]()

    def states(self) -> StateChanged:
        codes = [self.site() for _ in range(self.draw.randint(1, 2))]  # of one site twice: refused
        return StateChanged(changes=[Change(code=code, state=self.draw.choice(("up", "down")), at=self.at()) for code in codes])

    def deaf(self) -> Deaf:
        at = self.at()
        return Deaf(start=at, end=at + timedelta(minutes=5))

    def finding(self) -> Finding:
        subject = self.draw.choice((EDGE, "L-990101100", "L-990102100", "E-没有"))
        return Finding(subject=subject, check=self.draw.choice(("disk", "line")), ok=self.chance(), at=self.at(), value=1.5, unit="℃")

    def held(self) -> SessionHeld:
        items = [ItemShown(uid=self.uid(), title="养猪技术") for _ in range(self.draw.randint(0, 2))]
        site, shown = self.site(), {"items": items, "via": "tv", "form": "discussion"}
        about = {"site": site, "path": self.paths.get(site, self.county), "plan": None, "recorder": None}
        return SessionHeld(uid=self.uid(), held_at=self.at(), **about, **shown, **self.heads())  # type: ignore[arg-type]

    def corrected(self) -> SessionCorrected:
        said = {"reason": "数错了", "corrector": None, "form": "discussion", "cancelled": self.chance()}
        return SessionCorrected(uid=new_uid(), session=self.uid(), **said, **self.heads())  # type: ignore[arg-type]

    def enrolled(self) -> NodeEnrolled:
        uid, said = self.uid(), {"kind": "site", "name": "站", "subject_code": ""}
        return NodeEnrolled(node=uid, public_key=2 * uid.bytes, scope=self.path(), enrolled_at=AT, **said)

    def missed(self) -> WordsMissed:
        return WordsMissed(words=self.draw.choice("稻鱼茶"), count=self.draw.randint(1, 9))

    def reported(self) -> FaultReported:
        site = self.site()
        said = dict.fromkeys(("receipt_code", "site_name", "channel", "symptom", "error_code", "words"), "甲")
        return FaultReported(uid=self.uid(), site=site, path=self.paths.get(site, self.county), filer=None, **said)

    def confirmed(self) -> CensusConfirmed:
        site, count = self.site(), self.draw.randint(0, 2)
        problems = [ProblemTold(kind=self.draw.choice(("line", "use")), words="看不了") for _ in range(count)]
        told = {"path": self.paths.get(site, self.county), "remark": "", "problems": problems, "confirmer": None}
        return CensusConfirmed(uid=self.uid(), campaign=self.uid(), site=site, **told)  # type: ignore[arg-type]

    def heads(self) -> dict[str, int]:
        """Fewer than none is refused by the database."""
        return {"minutes": self.draw.randint(30, 90), "heads_onsite": self.draw.randint(-1, 20), "heads_online": 0}

    def sums(self) -> ItemSums:
        return ItemSums(item=self.uid(), started=self.draw.randint(-1, 9), finished=0, ratings=(0, 0, 0, 0, 1))

    def notice(self) -> dict[str, Any]:
        return {"notice": self.draw.choice(UIDS[:2]), "subject": self.draw.choice(OWN[:2]), "path": self.path()}

    def catalogue(self) -> dict[str, Any]:
        return {"subject": EDGE, "path": self.path(), "version": self.draw.randint(1, 4)}

    def site(self) -> str:
        """Now and then one of another county, or one that nobody knows."""
        return self.draw.choice((*OWN, *OWN, *OWN, FOREIGN, "S-没有"))

    def path(self) -> str:
        return self.draw.choice((*(self.paths[code] for code in OWN), self.paths[FOREIGN]))

    def at(self) -> datetime:
        return AT + timedelta(minutes=self.minute - self.draw.choice((0, 0, 0, 30)))

    def uid(self) -> UUID:
        return self.draw.choice(UIDS)

    def day(self) -> date:
        return date(2026, 3, self.draw.randint(1, 2))

    def chance(self) -> bool:
        return self.draw.random() < 0.5


def edge_node(cast: Cast) -> Node:
    """The machine of the edge, enrolled for its county."""
    scope, uid = cast.divisions["990101000000"].path, UUID(int=1000)
    about = {"kind": "edge", "name": "柳溪县边缘", "public_key": bytes(32), "subject_code": EDGE, "scope": scope}
    know_node(uid=uid, at=AT, told_by=own_node().uid, **about)  # type: ignore[arg-type]
    return Node.objects.get(uid=uid)
