"""One root, its class and its evidence, instead of an alarm for each site."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from tests.network.listening import ALL, LIU, SHI, Night
from yuanjiao.flow.journal.event import Fact
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.uid import new_uid
from yuanjiao.network import queries
from yuanjiao.network.events import Change, StateChanged, apply_state_changed
from yuanjiao.network.inputs import EdgeBeat, hear_edge
from yuanjiao.network.models import Outage, OutageVerdict
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db


def roots(cast: Cast) -> list[queries.OutageView]:
    return queries.open_outages(["/"])


def test_a_lone_silent_site_is_its_own_root_of_class_equipment(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(3)
    night.passes(3, beating=set(ALL) - {LIU[0]})
    (found,) = roots(cast)
    assert (found.code, found.fault_class, found.affected_count) == (LIU[0], "equipment", 1)
    assert "石桥镇接入线路上的其余 1 个站点中 1 个正常" in found.evidence


@pytest.mark.clause("NET08")
def test_sites_of_one_line_that_fall_silent_together_are_one_root_of_class_line(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(3)
    night.passes(4, beating=set(ALL) - set(LIU[:2]))
    (found,) = roots(cast)
    assert (found.code, found.fault_class, found.affected_count, found.rule) == ("L-990101100", "line", 2, "sites_share_line")
    assert {site.code for site in queries.affected_sites(found.uid)} == set(LIU[:2])
    assert found.started_lo <= found.started_at <= found.started_hi
    explained = queries.open_outage_of(cast.sites[LIU[0]])
    assert explained is not None
    assert explained.uid == found.uid


@pytest.mark.clause("NET08")
def test_all_sites_of_an_edge_without_a_node_are_one_root_at_the_edge(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(3)
    announced: set[str] = set()
    for _ in range(20):
        night.passes(0.25, beating=SHI)
        announced |= {found.code for found in roots(cast)}
    assert announced == {"E-990101"}
    (found,) = roots(cast)
    assert (found.fault_class, found.affected_count) == ("server", 4)


def test_when_the_line_is_back_the_outage_ends_and_the_one_left_behind_is_told_apart(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(3)
    night.passes(5, beating=set(ALL) - set(LIU[:2]))
    night.passes(6, beating=set(ALL) - {LIU[1]})
    line = Outage.objects.filter(object__code="L-990101100")
    if line.filter(ended_at=None).exists():  # one of two back is not yet more than half
        (found,) = roots(cast)
        assert found.code == "L-990101100"
    night.passes(2)
    assert roots(cast) == []
    assert not Outage.objects.filter(ended_at=None).exists()


def enrol(cast: Cast, code: str, at: datetime) -> Node:
    return Node.objects.create(kind="edge", name=cast.edges[code].name, public_key=bytes(32), subject_code=code, enrolled_at=at)


class County(Night):
    """柳溪县's edge runs a node of its own: it hears its sites, tells their changes by journal and beats for itself."""

    def __init__(self, cast: Cast, at: datetime) -> None:
        self.node = enrol(cast, "E-990101", at)
        self.seq, self.boot_at = 0, at - timedelta(days=3)
        super().__init__(cast, at)

    def edge_beats(self, *, seq: int | None = None) -> None:
        beat = EdgeBeat(
            node=self.node.uid,
            sent_at=self.now.isoformat(),
            boot_at=self.boot_at.isoformat(),
            observed_through=self.now.isoformat(),
            journal_seq=self.seq if seq is None else seq,
            beats=[(code, 10.0) for code in LIU],
        )
        assert hear_edge(self.listener, "E-990101", beat, self.now.timestamp(), 0.0).unknown == []

    def journal_says(self, state: str, *codes: str, when: datetime) -> None:
        self.seq += 1
        changes = [Change(code=code, state=state, at=when, last=when) for code in codes]
        apply_state_changed(StateChanged(changes=changes), Fact(self.node.uid, self.seq, self.now))

    def passes_with_edge(self, minutes: float, *, edge: bool = True) -> None:
        for _ in range(round(minutes * 2)):
            if edge:
                self.edge_beats(seq=0)
            self.passes(0.5, beating=SHI)


def say_up(night: County) -> None:
    night.journal_says("up", *LIU, when=night.now)
    night.passes_with_edge(3)


def test_behind_a_silent_edge_sites_are_unknown_and_the_edge_is_the_one_root(cast: Cast, at: datetime) -> None:
    night = County(cast, at)
    say_up(night)
    county = cast.divisions["990101000000"]
    assert queries.site_counts(county.path, at=night.now).up == 4
    night.passes_with_edge(5, edge=False)
    counts = queries.site_counts(county.path, at=night.now)
    assert (counts.up, counts.down, counts.unknown) == (0, 0, 4)
    (found,) = roots(cast)
    assert (found.code, found.affected_count, found.rule) == ("E-990101", 4, "edge_silent")
    assert {site.code for site in queries.affected_sites(found.uid)} == set(LIU)


@pytest.mark.parametrize(("rebooted", "wanted"), [(False, "line"), (True, "server")])
def test_the_class_is_settled_from_the_other_end_when_the_edge_is_back(cast: Cast, at: datetime, rebooted: bool, wanted: str) -> None:
    night = County(cast, at)
    say_up(night)
    night.passes_with_edge(5, edge=False)
    uid = roots(cast)[0].uid
    if rebooted:
        night.boot_at = night.now
    night.passes_with_edge(1)
    found = queries.outage(uid)
    assert found.ended_at is not None
    assert (found.fault_class, found.settled) == (wanted, True)
    verdicts = list(OutageVerdict.objects.filter(outage__uid=uid).values_list("fault_class", "settled"))
    assert verdicts == [("server", False), (wanted, True)], "the first verdict stays; a later one follows it"


def test_after_a_cut_the_record_of_the_edge_makes_the_past_exact(cast: Cast, at: datetime) -> None:
    night = County(cast, at)
    say_up(night)
    county = cast.divisions["990101000000"]
    cut = night.now
    night.passes_with_edge(10, edge=False)
    assert queries.rate_over(county, cut, night.now).unknown == 4 * 600
    night.seq = 1
    night.journal_says("down", LIU[0], when=cut + timedelta(minutes=2))
    night.journal_says("up", LIU[0], when=cut + timedelta(minutes=9))
    night.edge_beats(seq=0)
    night.turn()
    story = queries.availability(cast.sites[LIU[0]], cut, night.now)
    assert (story.down, story.unknown) == (2 * 60, 480), "five of seven dark minutes still had a heartbeat within 5 minutes"
    assert Outage.objects.filter(object=cast.sites[LIU[0]], ended_at__isnull=False).count() == 1


def test_a_batch_that_is_ahead_of_the_journal_moves_no_watermark(cast: Cast, at: datetime) -> None:
    night = County(cast, at)
    night.journal_says("up", *LIU, when=night.now)
    for _ in range(6):
        night.edge_beats(seq=7)
        night.passes(0.5, beating=SHI)
    assert queries.site_counts(cast.divisions["990101000000"].path, at=night.now).unknown == 4


def test_codes_that_do_not_hang_on_the_edge_are_answered_as_unknown(cast: Cast, at: datetime) -> None:
    night = County(cast, at)
    beat = EdgeBeat(node=UUID(int=1), sent_at="?", beats=[(SHI[0], 1.0), ("S-无", 1.0), (LIU[0], -5.0)])
    answer = hear_edge(night.listener, "E-990101", beat, at.timestamp(), 0.0)
    assert (answer.accepted, answer.unknown) == (2, [SHI[0], "S-无"])


def test_the_same_entry_applied_twice_makes_no_second_row(cast: Cast, at: datetime) -> None:
    origin = new_uid()
    event = StateChanged(changes=[Change(code=LIU[0], state="up", at=at)])
    for _ in range(2):
        apply_state_changed(event, Fact(origin, 5, at))
    assert cast.sites[LIU[0]].state_changes.count() == 1


def test_a_change_that_arrives_late_is_put_where_it_belongs(cast: Cast, at: datetime) -> None:
    hours = [at + timedelta(hours=h) for h in range(4)]
    for seq, (hour, state) in enumerate([(0, "up"), (3, "up"), (1, "down"), (2, "unknown")], 1):
        apply_state_changed(StateChanged(changes=[Change(code=LIU[0], state=state, at=hours[hour])]), Fact(new_uid(), seq, at))
    spans = cast.sites[LIU[0]].state_changes.order_by("at").values_list("state", "at", "until")
    assert list(spans) == [
        ("up", hours[0], hours[1]),
        ("down", hours[1], hours[2]),
        ("unknown", hours[2], hours[3]),
        ("up", hours[3], None),
    ]


def test_when_nobody_at_all_is_heard_roots_are_held_longer_and_doubt_is_written(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(3)
    night.passes(3, beating=())
    assert roots(cast) == []
    night.passes(4, beating=())
    assert {found.code for found in roots(cast)} == {"E-990101", "S-990102100200"}
    edge = next(found for found in roots(cast) if found.code == "E-990101")
    assert "不排除是本机收不到" in edge.evidence
    assert edge.confidence < 0.5


def test_a_line_cut_long_before_its_edge_stays_a_root_of_its_own(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    night.passes(3)
    night.passes(9, beating=set(ALL) - set(LIU[:2]))
    night.passes(6, beating=SHI)
    assert {found.code for found in roots(cast)} == {"L-990101100", "L-990101101"}


def test_a_line_cut_before_its_edge_died_keeps_its_class_and_stays_a_root(cast: Cast, at: datetime) -> None:
    night = County(cast, at)
    say_up(night)
    night.journal_says("down", *LIU[:2], when=night.now)
    night.passes_with_edge(8)
    night.passes_with_edge(6, edge=False)
    assert {(found.code, found.fault_class) for found in roots(cast)} == {("L-990101100", "line"), ("E-990101", "server")}


def test_the_centre_leaves_sites_to_an_edge_from_its_first_word(cast: Cast, at: datetime) -> None:
    night = Night(cast, at)
    node = enrol(cast, "E-990101", at)  # after the register was read
    beat = EdgeBeat(node=node.uid, sent_at=at.isoformat(), beats=[(code, 1.0) for code in LIU])
    assert hear_edge(night.listener, "E-990101", beat, at.timestamp(), 0.0).accepted == 5
    night.turn()
    assert not cast.sites[LIU[0]].state_changes.exists()
    assert cast.edges["E-990101"].state_changes.count() == 1
