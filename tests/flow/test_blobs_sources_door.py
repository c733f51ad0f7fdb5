"""The door POST /blobs/sources: who learns where siblings are, who is invited, and who of a county goes for a blob."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client

from tests.flow.publishing import COUNTY, OTHER
from yuanjiao.flow.blobs import inviting, ticket
from yuanjiao.flow.blobs.inviting import AT_IT_S, LONGEST_S, Ask, Goers, Sources, county_of, invite, is_address
from yuanjiao.flow.blobs.sources_door import LONGEST_ASK, PATH
from yuanjiao.flow.models import Holder, Node
from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.wire.auth import micros, signed_headers
from yuanjiao.flow.wire.signing import Claim, request_bytes, to_headers
from yuanjiao.lib import clock
from yuanjiao.programmes.models import CatalogueStep

pytestmark = pytest.mark.django_db
FILM, SECOND = "ab" * 32, "cd" * 32


@pytest.fixture(autouse=True)
def _parent(db: None, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_self(at=at)
    monkeypatch.setattr(clock, "now", lambda: at)
    monkeypatch.setattr(inviting, "GOERS", Goers())


class Child:
    """An edge of the register with a key of its own, and perhaps an address."""

    def __init__(self, number: int, at: datetime, *, scope: str = COUNTY, kind: str = "edge", shares: bool = True) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.address = f"http://10.8.0.{number}:8000" if shares else ""
        self.node = Node.objects.create(
            kind=kind, name=f"边缘{number}", public_key=self.key.public_key().public_bytes_raw(), scope=scope, enrolled_at=at
        )
        self.at = at

    def asks(self, *blobs: str, fetching: str = "", now_s: float = 0.0, goers: Goers, at: datetime | None = None) -> Sources:
        ask = Ask(blobs=list(blobs), fetching=fetching, address=self.address)
        return invite(self.node, ask, at=at or self.at, now_s=now_s, goers=goers)

    def knocks(self, body: bytes) -> Any:
        time_us = micros(self.at)
        message = request_bytes(method="POST", target=PATH, node=self.node.uid, time_us=time_us, clock_us=time_us, body=body)
        headers = to_headers(Claim(self.node.uid, time_us, time_us, self.key.sign(message)))
        self.at += timedelta(microseconds=1)
        return Client(enforce_csrf_checks=True).generic("POST", PATH, body, content_type="application/json", headers=headers)


@pytest.fixture
def county(at: datetime) -> list[Child]:
    """Five edges of one county; all have said where they are."""
    found = [Child(number, at) for number in range(5)]
    for child in found:
        child.asks(goers=Goers())
    return found


def addresses(found: Sources, blob: str = FILM) -> list[str]:
    return [one.address for one in found.sources[blob]]


def test_a_child_learns_over_the_wire_who_shares_and_gets_tickets_that_are_good_there(county: list[Child], at: datetime) -> None:
    answer = county[0].knocks(msgspec.json.encode(Ask(blobs=[FILM, SECOND], fetching=FILM, address=county[0].address)))
    assert answer.status_code == 200
    found = msgspec.json.decode(answer.content, type=Sources)
    assert (found.wait, found.alone, set(found.sources)) == (False, False, {FILM, SECOND})
    assert len(found.sources[FILM]) == 3
    of = {child.address: child.node.uid for child in county[1:]}
    for one in found.sources[FILM]:
        said = ticket.believed(
            one.ticket,
            blob=FILM,
            holder=of[one.address],
            now_us=micros(at),
            verifies=lambda signature, body: keys.verifies(keys.own_public_key(), signature, body),
        )
        assert said.asker == county[0].node.uid


def test_strangers_revoked_nodes_and_wrong_questions_are_refused(county: list[Child], at: datetime) -> None:
    body = msgspec.json.encode(Ask(blobs=[FILM]))
    assert Client().generic("POST", PATH, body).status_code == 401
    other = signed_headers(method="POST", target=PATH, body=b"another", node=Node.objects.get(is_self=True), at=at)
    assert Client().generic("POST", PATH, body, headers=other).status_code == 401
    asker = county[0]
    for wrong in (
        b"[]",
        b'{"blobs":["x"]}',
        b'{"blobs":[],"fetching":"../../x"}',
        msgspec.json.encode(Ask(blobs=[FILM] * 101)),
        b"[" * 9000,
    ):
        assert asker.knocks(wrong).status_code == 400
    assert asker.knocks(b" " * (LONGEST_ASK + 1)).status_code == 413
    assert asker.knocks(body).status_code == 200
    Node.objects.filter(pk=asker.node.pk).update(revoked_at=at)
    assert asker.knocks(body).status_code == 401
    assert asker.address not in addresses(county[1].asks(FILM, goers=Goers()))


def test_only_edges_of_the_same_county_are_named_and_only_to_them(county: list[Child], at: datetime) -> None:
    town, far, city = Child(11, at, scope=f"{COUNTY}990101100000/"), Child(12, at, scope=OTHER), Child(13, at, scope=COUNTY[:27])
    box = Child(14, at, kind="site")
    goers = Goers()
    assert len(addresses(town.asks(FILM, goers=goers))) == 3
    assert far.asks(FILM, goers=goers) == Sources(sources={}, wait=False), "it shares, so it asks again; there is nobody yet"
    assert city.asks(FILM, goers=goers) == box.asks(FILM, goers=goers) == Sources(alone=True)
    others = {one for child in county for one in addresses(child.asks(FILM, goers=goers))}
    assert others <= {*(child.address for child in county), town.address}


def test_who_lives_where_nobody_shares_is_told_not_to_ask_again(at: datetime) -> None:
    assert Child(1, at, shares=False).asks(FILM, fetching=FILM, goers=Goers()) == Sources(alone=True)


def test_an_address_is_forgotten_when_it_is_taken_back_or_not_told_for_a_week(county: list[Child], at: datetime) -> None:
    assert Holder.objects.count() == 5
    county[1].address = ""
    county[1].asks(FILM, goers=Goers())
    assert Holder.objects.count() == 4
    late = at + timedelta(days=7, seconds=1)
    county[0].asks(goers=Goers(), at=late)
    assert county[2].asks(FILM, goers=Goers(), at=late).sources == {FILM: county[2].asks(FILM, goers=Goers(), at=late).sources[FILM]}
    assert set(addresses(county[3].asks(FILM, goers=Goers(), at=late))) <= {county[0].address, county[2].address}


def test_an_address_stays_with_who_told_it_first_while_it_tells_it(county: list[Child], at: datetime) -> None:
    victim, thief = county[1], county[2]
    thief.address = victim.address
    thief.asks(goers=Goers())
    assert Holder.objects.get(address=victim.address).node == victim.node
    assert not Holder.objects.filter(node=thief.node).exists(), "nor is it where it was before"
    far = Child(30, at, scope=OTHER)
    far.address = victim.address
    far.asks(goers=Goers())
    assert Holder.objects.filter(node=far.node).exists(), "private addresses are the same in many counties"
    later = at + inviting.LATELY + timedelta(seconds=1)
    thief.asks(goers=Goers(), at=later)
    assert Holder.objects.get(address=victim.address, node__scope=COUNTY).node == thief.node, "as a machine under its new name"
    victim.asks(goers=Goers(), at=later)
    assert not Holder.objects.filter(node=victim.node).exists()


def test_a_machine_under_a_new_name_has_its_address_at_once_when_the_old_one_is_revoked(county: list[Child], at: datetime) -> None:
    Node.objects.filter(pk=county[1].node.pk).update(revoked_at=at)
    new = Child(31, at)
    new.address = county[1].address
    new.asks(goers=Goers())
    assert Holder.objects.get(address=new.address).node == new.node


def test_those_with_the_newest_whole_catalogue_come_first(county: list[Child], at: datetime) -> None:
    for version, child in ((7, county[3]), (9, county[4]), (8, county[2])):
        CatalogueStep.objects.create(origin=child.node.uid, version=version, taken_at=at)
    expected = [county[4].address, county[2].address, county[3].address]
    assert addresses(county[0].asks(FILM, goers=Goers())) == expected


def test_of_a_county_one_goes_and_the_others_wait_while_it_says_that_it_is_at_it(county: list[Child]) -> None:
    first, second, goers = county[0], county[1], Goers()
    assert not first.asks(FILM, fetching=FILM, now_s=0, goers=goers).wait
    told = second.asks(FILM, fetching=FILM, now_s=1, goers=goers)
    assert told.wait
    assert addresses(told)[0] == first.address, "the likeliest to have it next"
    assert not second.asks(SECOND, fetching=SECOND, now_s=2, goers=goers).wait, "another film meanwhile"
    assert not first.asks(fetching=FILM, now_s=AT_IT_S - 1, goers=goers).wait
    assert second.asks(FILM, fetching=FILM, now_s=AT_IT_S + 1, goers=goers).wait
    assert not second.asks(FILM, fetching=FILM, now_s=2 * AT_IT_S, goers=goers).wait, "the first has died"
    assert county[2].asks(FILM, fetching=FILM, now_s=2 * AT_IT_S + 1, goers=goers).wait


def test_nobody_is_waited_for_longer_than_an_hour(county: list[Child]) -> None:
    goers, now_s = Goers(), 0.0
    while now_s < LONGEST_S:
        assert not county[0].asks(fetching=FILM, now_s=now_s, goers=goers).wait
        now_s += 60
    assert not county[1].asks(FILM, fetching=FILM, now_s=now_s, goers=goers).wait


def test_who_does_not_share_and_who_may_not_fetch_now_is_not_waited_for(county: list[Child], at: datetime) -> None:
    goers, quiet = Goers(), Child(20, at, shares=False)
    assert not quiet.asks(FILM, fetching=FILM, goers=goers).wait
    assert not county[0].asks(FILM, goers=goers).wait
    assert not county[1].asks(FILM, fetching=FILM, goers=goers).wait
    assert quiet.asks(FILM, fetching=FILM, now_s=1, goers=goers).wait


def test_what_is_remembered_is_bounded(county: list[Child], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "MOST_REMEMBERED", 3)
    goers = Goers()
    for number in range(9):
        county[0].asks(fetching=f"{number:064x}", goers=goers)
    assert len(goers._going) == 3


@pytest.mark.parametrize(
    ("scope", "county"),
    [(COUNTY, COUNTY), (f"{COUNTY}990101100000/", COUNTY), ("/990000000000/990100000000/", ""), ("", ""), ("all", ""), ("/x/", "")],
)
def test_the_county_of_a_scope_is_read_from_its_codes(scope: str, county: str) -> None:
    assert county_of(scope) == county


def test_only_plain_addresses_are_passed_on() -> None:
    assert all(is_address(one) for one in ("http://10.8.1.5:8000", "https://e1.example", "http://[fd00::5]:8000"))
    for wrong in (
        "",
        "http://10.8.1.500:8000",
        "http://10.8.1:8000",
        "http://10.8.1..5:8000",
        "http://[1.2.3.4]:8000",
        "http://[::1::2]",
        "http://10.8.1.5:99999",
        "http://10.8.1.5:0",
        "http://-a.example",
        f"http://{'a' * 64}.example",
        "ftp://x",
        "http://",
        "http://a/b",
        "http://a@b",
        "http://a b",
        "http://a?x",
        "//a",
        "http://a\n",
        "http://[::1]:8000/",
    ):
        assert not is_address(wrong)
