"""Entries that could not be built: whose they are, why, what helps, and the button that tries them again, for the reader's subtree only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

from yuanjiao.desks.staff import waiting
from yuanjiao.flow.journal.models import Entry, Head, Unapplied
from yuanjiao.flow.journal.segment import Reason
from yuanjiao.flow.nodes.commands import issue_code
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.errors import Forbidden, NotFound
from yuanjiao.lib.uid import new_uid
from yuanjiao.network import commands as network
from yuanjiao.network.events import Change, PlayTested, StateChanged
from yuanjiao.network.models import PlayTest
from yuanjiao.people import commands as people
from yuanjiao.people.models import AuditRow
from yuanjiao.people.rules import Role
from yuanjiao.places import commands as places
from yuanjiao.simulation.cast import SINCE, Cast
from yuanjiao.simulation.edge import SimulatedEdge, fresh_memory
from yuanjiao.simulation.transport import InsideTransport

PAGE = "/desk/waiting/"
OTHER, NEXT = "S-990102100200", "S-990102100201"
Browser = Callable[[str], Client]


@pytest.fixture
def edge(cast: Cast, at: datetime) -> SimulatedEdge:
    """The edge of 柳溪县, enrolled for its county."""
    made = SimulatedEdge("E-990101", [], InsideTransport(), fresh_memory(), at)
    made.enrol(issue_code(kind="edge", name="柳溪县边缘", subject_code="E-990101", scope=cast.divisions["990101000000"].path, at=at), at)
    return made


def say(edge: SimulatedEdge, event: object, at: datetime) -> None:
    edge._record(event, at)  # type: ignore[arg-type]
    assert edge._ship(at)


@pytest.fixture
def aside(edge: SimulatedEdge, at: datetime) -> Unapplied:
    """A state of another county's site, which an edge may not tell."""
    say(edge, StateChanged(changes=[Change(code=OTHER, state="down", at=at)]), at)
    return Unapplied.objects.get()


@pytest.fixture
def early(edge: SimulatedEdge, at: datetime) -> Unapplied:
    """A play test of a site for which the edge was not enrolled, though it hears it: the scope was written down wrong."""
    say(edge, PlayTested(uid=new_uid(), site=OTHER, at=at, ok=True), at)
    return Unapplied.objects.get(entry__kind=PlayTested.KIND)


def auditor_of(cast: Cast, unit: str) -> str:
    """One more auditor, of the subtree of this unit."""
    person = people.add_person(name="县审计", unit=cast.units[unit], phone="13800000077")
    cast.accounts["xianshen"] = people.open_account(person=person, username="xianshen", password="Qinghe-2026!")
    people.appoint(person=person, unit=cast.units[unit], role=Role.AUDITOR, on=SINCE)
    return "xianshen"


def test_the_page_says_whose_it_is_why_and_who_answers(aside: Unapplied, log_in: Browser) -> None:
    page = log_in("shenji").get(PAGE).content.decode()
    for words in (
        "柳溪县边缘",
        "柳溪县",
        "通断变化第 1 条",
        "范围以外的记录",
        "赵敏芝（柳溪县委组织部）",
        "王建军（柳溪县电信分公司）",
        "核对这台机器登记时的范围",
    ):
        assert words in page
    assert "Refused:" not in page
    assert "重新入库</button>" not in page  # an auditor looks


def test_one_entry_has_a_page_with_its_owner_and_the_button(aside: Unapplied, log_in: Browser) -> None:
    address = f"{PAGE}{aside.entry.origin.uid}/{aside.entry.seq}/"
    page = log_in("shiguan").get(address).content.decode()
    assert "138****0002" in page
    assert "重新入库</button>" in page
    assert log_in("shiguan").get(f"{PAGE}{aside.entry.origin.uid}/99/").status_code == 404


def test_what_was_mended_is_built_at_once_by_the_button_and_audited(early: Unapplied, cast: Cast, log_in: Browser) -> None:
    client, named = log_in("shiguan"), {"node": str(early.entry.origin.uid), "seq": early.entry.seq}
    still = client.post(f"{PAGE}retry/", named, follow=True).content.decode()
    assert "原因还在" in still
    Node.objects.filter(pk=early.entry.origin_id).update(scope=cast.divisions["990100000000"].path)
    told = client.post(f"{PAGE}retry/", named, follow=True).content.decode()
    assert "已入库 1 条" in told
    assert PlayTest.objects.count() == 1
    assert not Unapplied.objects.exists()
    rows = AuditRow.objects.filter(action="重新入库").order_by("pk")
    assert [(row.actor_name, row.detail) for row in rows] == [("陈启明", "重试 1 条，入库 0 条"), ("陈启明", "重试 1 条，入库 1 条")]
    assert client.post(f"{PAGE}retry/", named).status_code == 404
    assert client.post(f"{PAGE}retry/", {"seq": "x"}).status_code == 400


def test_all_of_one_reason_are_tried_together_and_no_others(
    edge: SimulatedEdge, aside: Unapplied, cast: Cast, log_in: Browser, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    village = places.add_division(code="990102100201", name="岭后村", parent=cast.divisions["990102100000"], urban_rural="220", on=SINCE)
    network.add_site(code=NEXT, name="岭后村站点", division=village, depends_on=cast.lines["L-990102100"], on=SINCE)
    for _ in range(3):
        say(edge, PlayTested(uid=new_uid(), site=NEXT, at=at, ok=True), at)
    reason = Unapplied.objects.filter(entry__kind=PlayTested.KIND).values_list("reason", flat=True)[0]
    monkeypatch.setattr(waiting, "AT_ONCE", 2)
    page = log_in("shiguan").post(f"{PAGE}retry/", {"reason": reason}, follow=True).content.decode()
    assert "重试了 2 条，原因还在，没有入库。同一原因还有 3 条" in page
    assert sorted(Unapplied.objects.values_list("tries", flat=True)) == [1, 1, 2, 2]
    log_in("shiguan").post(f"{PAGE}retry/", {"reason": reason})
    assert sorted(Unapplied.objects.values_list("tries", flat=True)) == [1, 2, 2, 3]  # the longest untried first
    assert Unapplied.objects.get(pk=aside.pk).tries == 1


def test_nobody_sees_or_tries_what_waits_in_another_county(aside: Unapplied, cast: Cast, log_in: Browser, at: datetime) -> None:
    outsider = log_in(auditor_of(cast, "ZZ-990102"))
    address = f"{PAGE}{aside.entry.origin.uid}/{aside.entry.seq}/"
    assert "柳溪县边缘" not in outsider.get(PAGE).content.decode()
    assert "还没有" not in outsider.get(PAGE).content.decode()
    assert outsider.get(address).status_code == 404
    assert log_in("xianguan").get(PAGE).status_code == 403
    with pytest.raises(Forbidden):
        waiting.retry_waiting(rows=Unapplied.objects.all(), what="全部", by=cast.actor("shenji"), at=at)
    people.appoint(person=cast.people["linxian"], unit=cast.units["ZZ-990102"], role=Role.CITY_ADMIN, on=SINCE)
    with pytest.raises(NotFound):
        waiting.retry_waiting(rows=Unapplied.objects.all(), what="全部", by=cast.actor("linxian"), at=at)
    assert log_in("linxian").post(f"{PAGE}retry/", {"reason": aside.reason}).status_code == 409  # there is nothing of it for them
    assert Unapplied.objects.get().tries == 1


def test_what_this_machine_itself_cannot_build_is_for_whoever_sees_every_city(cast: Cast, log_in: Browser, at: datetime) -> None:
    own = Node.objects.get(is_self=True)
    entry = Entry.objects.create(origin=own, seq=1, kind="faults.reported/1", at=at, received_at=at, payload=b"{}", entry_hash=bytes(32))
    Unapplied.objects.create(entry=entry, reason="ValidationError: Object missing required field `uid`", since=at, tried_at=at)
    page = log_in("shenji").get(PAGE).content.decode()
    assert "内容与格式不符（Object missing required field `uid`）" in page.replace("&#x27;", "'")
    assert "故障申报第 1 条" in page
    assert "故障申报第" not in log_in(auditor_of(cast, "ZZ-990101")).get(PAGE).content.decode()


def test_a_refusal_by_our_parent_stands_below_with_what_to_do(edge: SimulatedEdge, cast: Cast, log_in: Browser, at: datetime) -> None:
    node = Node.objects.get(name="柳溪县边缘")
    Head.objects.update_or_create(
        origin=node, defaults={"seq": 40, "acknowledged_seq": 12, "refusal": f"{Reason.FORKED}: 对已收的记录另有说法", "refused_at": at}
    )
    page = log_in("shenji").get(PAGE).content.decode()
    for words in ("上级拒收", "同一序号有两种说法", "对已收的记录另有说法", "journal fork --renew", "28 条，从第 13 条起"):
        assert words in page
    assert "没有等待入库的记录" in page
    assert "上级拒收" not in log_in(auditor_of(cast, "ZZ-990102")).get(PAGE).content.decode()
    assert "被上级拒收的节点" in log_in("shiguan").get("/desk/").content.decode()


@pytest.mark.parametrize("reason", list(Reason))
def test_every_refusal_has_a_name_and_an_advice(reason: Reason) -> None:
    name, advice, words = waiting.told_by_parent(f"{reason}: 原话")
    assert words == "原话"
    if reason not in {Reason.ACCEPTED, Reason.HELD}:
        assert name != reason
        assert advice.endswith("。")
    assert waiting.told_by_parent("上级不认本节点的签名：x")[0] == "上级不认本机的签名"


def test_every_wired_kind_has_a_chinese_name() -> None:
    kinds = {kind.partition("/")[0] for kind in import_string(settings.YUANJIAO_EVENTS)}
    assert kinds == set(waiting.KINDS)
    assert waiting.kind_name("learning.session_held/2") == "学习场次"


def test_the_start_page_of_who_keeps_the_machines_says_that_something_waits(aside: Unapplied, log_in: Browser) -> None:
    for username in ("shiguan", "shenji"):
        assert "1</strong><span>未能入库的记录" in log_in(username).get("/desk/").content.decode()
    assert "未能入库的记录" not in log_in("xianguan").get("/desk/").content.decode()


def test_with_nothing_amiss_the_page_says_so_and_the_start_page_is_silent(cast: Cast, log_in: Browser) -> None:
    page = log_in("shiguan").get(PAGE).content.decode()
    assert "没有等待入库的记录" in page
    assert "上级拒收" not in page
    assert "</strong><span>未能入库的记录" not in log_in("shiguan").get("/desk/").content.decode()


def test_twenty_thousand_entries_cost_no_more_queries_than_a_few(edge: SimulatedEdge, log_in: Browser, at: datetime) -> None:
    node, client = Node.objects.get(name="柳溪县边缘"), log_in("shenji")

    def wait(first: int, last: int) -> None:
        entries = Entry.objects.bulk_create(
            [
                Entry(
                    origin=node, seq=seq, kind=PlayTested.KIND, at=at, received_at=at, payload=b"{}", entry_hash=hashlib.sha256().digest()
                )
                for seq in range(first, last)
            ]
        )
        Unapplied.objects.bulk_create(
            [Unapplied(entry=one, reason=f"NotFound: 没有编号为 S-{one.seq % 20} 的站点", since=at, tried_at=at) for one in entries]
        )

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            page = client.get(PAGE).content.decode()
        assert "先在台账里登记" in page
        return len(seen)

    wait(1, 60)
    client.get(PAGE)
    few = queries()
    wait(60, 20_001)
    assert queries() <= few
    assert "共 20000 行" in client.get(PAGE).content.decode()


def test_the_ground_of_this_machine_is_the_smallest_place_that_holds_all_cities(cast: Cast) -> None:
    on = date(2026, 3, 2)
    assert waiting.own_ground(on) == cast.divisions["990100000000"].path
    places.add_division(code="990200000000", name="另一市", parent=cast.divisions["990000000000"], urban_rural="", on=SINCE)
    assert waiting.own_ground(on) == cast.divisions["990000000000"].path
