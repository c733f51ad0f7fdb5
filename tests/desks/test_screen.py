"""The big screen: figures that open, drilling down inside the own subtree, nothing said where nothing is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from yuanjiao.simulation.cast import Cast


@pytest.mark.clause("NET05")
def test_a_leader_drills_from_the_city_to_a_county_to_its_sites(cast: Cast, log_in: Callable[[str], Client]) -> None:
    client = log_in("lingdao")
    city = client.get("/screen/").content.decode()
    assert "青禾市远程教育运行情况" in city
    assert "?division=990101000000" in city
    county = client.get("/screen/?division=990101000000").content.decode()
    assert "石桥镇" in county
    town = client.get("/screen/?division=990101100000").content.decode()
    assert "/network/sites/S-990101100200/" in town


def test_what_is_not_known_is_not_shown_as_a_rate(cast: Cast, log_in: Callable[[str], Client]) -> None:
    page = log_in("lingdao").get("/screen/").content.decode()
    assert "已知部分只有 0.0%" in page
    assert "100.0%" not in page


def test_an_officer_cannot_look_at_another_county(cast: Cast, log_in: Callable[[str], Client]) -> None:
    assert log_in("linxian").get("/screen/?division=990101000000").status_code == 404
    assert log_in("linxian").get("/screen/?division=990101").status_code == 404


def test_htmx_gets_the_body_only(cast: Cast, log_in: Callable[[str], Client]) -> None:
    body = log_in("lingdao").get("/screen/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in body
    assert "关键数字" in body
