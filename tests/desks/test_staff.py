"""Start pages of staff: every role has one, every figure and line of it opens, an outsider sees nothing of the others."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from yuanjiao.simulation.cast import PEOPLE, Cast

USERS = [username for username, *_ in PEOPLE]
LINKS = re.compile(r'href="(/[^"#]*)"')


@pytest.mark.parametrize("username", USERS)
def test_every_role_has_a_start_page_without_dead_links(username: str, cast: Cast, log_in: Callable[[str], Client]) -> None:
    client = log_in(username)
    page = client.get("/desk/")
    assert page.status_code == 200
    addresses = {address.replace("&amp;", "&") for address in LINKS.findall(page.content.decode())}
    static = {address for address in addresses if address.startswith("/static/")}
    assert all(finders.find(address.removeprefix("/static/")) for address in static)
    wrong = {address: status for address in addresses - static if (status := client.get(address).status_code) not in {200, 302}}
    assert not wrong


def test_an_officer_sees_the_dark_sites_of_the_own_county_only(cast: Cast, log_in: Callable[[str], Client]) -> None:
    own, other = log_in("xianguan").get("/desk/").content.decode(), log_in("linxian").get("/desk/").content.decode()
    assert "4</strong><span>在用站点" in own
    assert "1</strong><span>在用站点" in other


def test_a_person_without_a_post_is_told_what_to_do(cast: Cast, log_in: Callable[[str], Client]) -> None:
    from yuanjiao.people.models import Membership

    Membership.objects.filter(person=cast.people["shenhe"]).delete()
    assert "请联系上级管理员" in log_in("shenhe").get("/desk/").content.decode()


def test_the_audit_trail_shows_the_own_subtree_and_nobody_can_change_it(cast: Cast, log_in: Callable[[str], Client]) -> None:
    from tests.conftest import AT
    from yuanjiao.people.commands import write_audit

    write_audit(by=cast.actor("linxian"), action="试写", subject="石岭县", at=AT)
    client = log_in("shenji")
    assert "试写" in client.get("/desk/audit/").content.decode()
    assert client.post("/desk/audit/").status_code in {200, 405}
    assert log_in("xianguan").get("/desk/audit/").status_code == 403


def test_the_page_of_nodes_names_who_tells_another_story_and_what_to_do(cast: Cast, log_in: Callable[[str], Client]) -> None:
    from tests.conftest import AT
    from yuanjiao.flow.journal.models import Fork, Head
    from yuanjiao.flow.nodes.models import Node

    node = Node.objects.create(kind="edge", name="柳溪县边缘服务器", public_key=bytes(32), enrolled_at=AT)
    Head.objects.create(origin=node, seq=4)
    client = log_in("shenji")
    assert "journal fork" not in client.get("/desk/nodes/").content.decode()
    fork = Fork.objects.create(origin=node, first_seq=3, last_seq=4, sha256="0" * 64, sealed=b"x", heard_at=AT)
    page = client.get("/desk/nodes/").content.decode()
    assert "柳溪县边缘服务器 对已收的序号另有说法" in page
    assert "journal fork" in page
    fork.retold_by = node
    fork.save()
    assert "journal fork" not in client.get("/desk/nodes/").content.decode()


def test_the_page_of_nodes_shows_the_readers_own_subtree(cast: Cast, log_in: Callable[[str], Client]) -> None:
    from tests.conftest import AT
    from yuanjiao.flow.journal.models import Head
    from yuanjiao.flow.nodes.models import Node
    from yuanjiao.people.commands import appoint
    from yuanjiao.people.rules import Role

    for code, name in (("990101000000", "柳溪县边缘服务器"), ("990102000000", "石岭县边缘服务器")):
        scope = cast.divisions[code].path
        node = Node.objects.create(kind="edge", name=name, public_key=f"{code:>32}".encode(), scope=scope, enrolled_at=AT)
        Head.objects.create(origin=node, seq=4)
    page = log_in("shenji").get("/desk/nodes/").content.decode()
    assert "柳溪县边缘服务器" in page
    assert "石岭县边缘服务器" in page
    appoint(person=cast.people["linxian"], unit=cast.units["ZZ-990102"], role=Role.AUDITOR, on=AT.date())
    page = log_in("linxian").get("/desk/nodes/").content.decode()
    assert "石岭县边缘服务器" in page
    assert "柳溪县边缘服务器" not in page
    assert "日志共 4 条" in page
