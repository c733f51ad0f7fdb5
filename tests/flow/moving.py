"""A province with two cities and a county that moves between them: what the tests of moves share."""

from __future__ import annotations

from typing import ClassVar

from tests.flow import happenings
from tests.flow.notices import NOTICES
from tests.simulator import Fate, LossyLine, Machine, World
from yuanjiao.flow.catalogue.passing import change_parent
from yuanjiao.flow.catalogue.publish import publish
from yuanjiao.flow.journal import applying, handover
from yuanjiao.flow.journal.event import Event, EventTable, Fact
from yuanjiao.flow.journal.models import Unapplied
from yuanjiao.flow.journal.queries import former_seq
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.journal.replay import replay
from yuanjiao.flow.journal.verify import verify_journal
from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.queries import require_told_of
from yuanjiao.flow.wire.client import Line
from yuanjiao.people.models import AuditRow

WEST, EAST = "/990000000000/990100000000/", "/990000000000/990200000000/"
OLD, NEW = f"{WEST}990101000000/", f"{EAST}990101000000/"


WEST, EAST = "/990000000000/990100000000/", "/990000000000/990200000000/"
OLD, NEW = f"{WEST}990101000000/", f"{EAST}990101000000/"


class Seen(Event, frozen=True, kw_only=True):
    """Something was seen at a place."""

    KIND: ClassVar[str] = "tests.seen/1"

    text: str
    path: str


LIES_AT: dict[str, str] = {}
"""Where the register of a machine has a site now; what is told of it is judged by that."""


def apply_seen(event: Seen, fact: Fact) -> None:
    require_told_of([fact], [LIES_AT.get(event.path, event.path)])
    AuditRow.objects.create(at=fact.at, actor_name=str(fact.origin), action="seen", subject=event.text)


EVENTS: EventTable = {**happenings.EVENTS, Seen.KIND: (Seen, apply_seen)}


class Land:
    """A province with two cities, each signing a catalogue of its own; a county and a village of the western one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.province, self.west, self.east = (world.machine(name, "centre") for name in ("province", "west", "east"))
        self.county, self.village = world.machine("county", "edge"), world.machine("village", "site")
        for name, machine in (("省", self.province), ("西市", self.west), ("东市", self.east)):
            NOTICES.texts = (f"{name}的目录",)
            with machine.here():
                publish(machine.now)
        self.west.join(self.province, kind="centre", scope=WEST)
        self.east.join(self.province, kind="centre", scope=EAST)
        self.county.join(self.west, subject_code="E-990101", scope=OLD)
        self.village.join(self.county, subject_code="S-1", scope=OLD)

    def see(self, machine: Machine, text: str, path: str = OLD) -> None:
        with machine.here():
            record(Seen(text=text, path=path), at=machine.now)

    def ship(self, *machines: Machine, times: int = 2) -> None:
        for _ in range(times):
            self.world.pass_time(4000)
            for machine in machines or (self.village, self.county, self.west, self.east):
                machine.ship()
        with self.province.here():
            applying.retry_set_aside(self.province.now)  # as its job does

    def code(self, to: Machine, *, former: str, scope: str) -> str:
        with to.here():
            return issue_code(kind="edge", name="柳溪县", subject_code="E-990101", scope=scope, former_scope=former, at=to.now)

    def move(
        self, *, former: str = OLD, scope: str = NEW, reachable: bool = True, to: Machine | None = None, code: str = ""
    ) -> handover.Handover:
        """The operator's command at the county; its line leads to the other city, the eastern one if none is named, from then on."""
        to = to or self.east
        code = code or self.code(to, former=former, scope=scope)
        old, county = self.county.line, self.county
        assert old is not None
        old.fates.extend([] if reachable else [Fate.LOST] * 50)
        lines = [Line("http://parent.test", transport=line, now=lambda: county.now) for line in (old, LossyLine(to, county))]
        with county.here():
            done = handover.move(old=lines[0], new=lines[1], code=code, at=county.now)
            change_parent(done.root)
        old.fates.clear()
        self.former_line = old
        county.hang_on(to)
        county.restart()
        county.client = None
        return done


def seen(place: Machine, who: Machine) -> list[str]:
    uid = str(who.node().uid)
    with place.here():
        return list(AuditRow.objects.filter(action="seen", actor_name=uid).order_by("pk").values_list("subject", flat=True))


def all_is_well(*machines: Machine) -> None:
    for machine in machines:
        with machine.here():
            assert verify_journal().faults == []
            assert verify_journal(archive=True).faults == []
            assert [str(row) for row in Unapplied.objects.all()] == []
            assert replay(at=machine.now, keep=False).changed == ()


def node_at(place: Machine, who: Machine) -> Node:
    uid = who.node().uid
    with place.here():
        return Node.objects.select_related("enrolled_by").get(uid=uid)


def places_at(place: Machine, who: Machine) -> list[tuple[str, int, int | None]]:
    node = node_at(place, who)
    with place.here():
        return list(node.places.order_by("pk").values_list("scope", "first_seq", "last_seq"))


def enrol_again(child: Machine, parent: Machine, code: str) -> None:
    from yuanjiao.flow.catalogue.passing import pass_root_on
    from yuanjiao.flow.catalogue.trust import pin_root
    from yuanjiao.flow.wire.join import join

    line = Line("http://parent.test", transport=LossyLine(parent, child), now=lambda: child.now)
    with child.here():
        _, root = join(line=line, code=code, at=child.now, last_seq=former_seq())
        pin_root(root)
        pass_root_on(root)


def outside(land: Land) -> Machine:
    """A city that does not stand below the province, with a catalogue of its own."""
    made = land.world.machine("abroad", "centre")
    with made.here():
        publish(made.now)
    return made
