"""Logging in: Argon2, lock-out, and who sees what afterwards."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.conftest import PASSWORD
from yuanjiao.simulation.cast import Cast


@pytest.mark.real_passwords
def test_password_is_kept_as_argon2_and_opens_the_desk(cast: Cast) -> None:
    cast.accounts["xianguan"].refresh_from_db()
    assert cast.accounts["xianguan"].password.startswith("argon2$argon2id$")
    client = Client()
    answer = client.post("/account/login/", {"username": "xianguan", "password": PASSWORD})
    assert answer.status_code == 302
    assert client.get("/desk/").status_code == 200


def test_five_wrong_passwords_lock_the_account_and_say_for_how_long(cast: Cast) -> None:
    client = Client()
    for _ in range(5):
        client.post("/account/login/", {"username": "xianguan", "password": "wrong"})
    answer = client.post("/account/login/", {"username": "xianguan", "password": PASSWORD})
    assert answer.status_code == 429
    assert "30 分钟" in answer.content.decode()


def test_a_stranger_is_sent_to_the_log_in_page(cast: Cast) -> None:
    answer = Client().get("/desk/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/")
