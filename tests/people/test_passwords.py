"""First passwords and chosen ones: who is sent where, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from yuanjiao.lib.errors import Refused
from yuanjiao.people.commands import choose_password, issue_password
from yuanjiao.simulation.cast import Cast


def test_a_first_password_leads_nowhere_but_to_choosing_ones_own(cast: Cast, log_in: Callable[[str], Client], at: datetime) -> None:
    first = issue_password(person=cast.people["xianguan"], by=cast.actor("shiguan"), at=at)
    client = Client()
    client.post("/account/login/", {"username": "xianguan", "password": first})
    assert client.get("/desk/")["Location"] == "/account/password/"
    form = {"old_password": first, "new_password1": "Liuxi-2026-xian", "new_password2": "Liuxi-2026-xian"}
    assert client.post("/account/password/", form).status_code == 302
    again = Client()
    again.post("/account/login/", {"username": "xianguan", "password": "Liuxi-2026-xian"})
    assert again.get("/desk/").status_code == 200


def test_a_weak_password_is_refused_in_chinese_and_the_old_one_stays(cast: Cast, at: datetime) -> None:
    account = cast.accounts["xianguan"]
    before = account.password
    with pytest.raises(Refused, match="密码"):
        choose_password(account=account, password="12345", by=cast.actor("xianguan"), at=at)
    account.refresh_from_db()
    assert account.password == before


def test_an_edge_sends_people_to_the_centre_to_change_a_password(cast: Cast, at: datetime) -> None:
    from yuanjiao.flow.nodes.models import Node

    Node.objects.create(kind="centre", name="市中心", public_key=bytes(range(32)), is_parent=True, enrolled_at=at)
    with pytest.raises(Refused, match="上级中心"):
        choose_password(account=cast.accounts["xianguan"], password="Liuxi-2026-xian", by=cast.actor("xianguan"), at=at)
