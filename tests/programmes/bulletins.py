"""What tests of bulletins stand on: a series, people of the city who are reached, a gateway that listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from django.conf import settings
from django.test import Client

from tests.courseware.test_kinds import new, on_air
from tests.programmes.gateways import Gateway, listening
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Column, Courseware
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.lib import clock
from yuanjiao.lib.seal import seal
from yuanjiao.programmes import commands, queries
from yuanjiao.programmes.models import (
    BulletinEdition,
    BulletinSeries,
    DeliveryState,
    EditionState,
    Outlet,
)
from yuanjiao.programmes.rules.outlets import Connector
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
D, E = DeliveryState, EditionState
SECRET = "0123456789abcdef"
CITY, COUNTY, VILLAGE = "990100000000", "990101000000", "990101100200"
MOBILES = ["13800000002", "13800000003", "13800000006", "13800000009"]
"""Of those who answer for a place of the city: two county officers, a site manager, the city's leader."""


@pytest.fixture(autouse=True)
def hands_of_the_clock(at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn's own time stands still, so that pauses end to the second."""
    monkeypatch.setattr(clock, "now", lambda: at)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with listening() as made:
        yield made


@pytest.fixture
def publish(cast: Cast, column: Column, at: datetime) -> Callable[..., Courseware]:
    def make(title: str, day: datetime = at) -> Courseware:
        made = new(cast, day, Kind.ARTICLE, title)
        courseware.write_article(courseware=made, source="到村里登记。", by=cast.actor("zhizuo"), at=day)
        return on_air(cast, made, column, day)

    return make


@pytest.fixture
def series(cast: Cast, at: datetime) -> BulletinSeries:
    return commands.open_bulletin(
        name="青禾快讯", unit=cast.units["ZZ-9901"], scope=cast.divisions[CITY], sender="青禾远教", address="https://edu.example.cn/",
        weekday=1, most=3, by=cast.actor("shiguan"), at=at,
    )  # fmt: skip


@pytest.fixture
def register(cast: Cast, at: datetime, gateway: Gateway) -> Callable[..., Outlet]:
    """An outlet as people register it, whose line then ends at the loopback: an address that the form itself refuses."""

    def make(connector: Connector, name: str = "", unit: str = "ZZ-9901", by: str = "shiguan") -> Outlet:
        made = commands.register_outlet(
            name=name or f"青禾{connector}", unit=cast.units[unit], registration="备 1 号", connector=connector, by=cast.actor(by), at=at,
            address="https://gateway.example.cn/", secret=SECRET,
        )  # fmt: skip
        path = "/sms" if connector == Connector.SMS else "/robot"
        made.address_sealed = seal(gateway.address(path), settings.SECRET_KEY)
        made.save()
        return made

    return make


Send = Callable[..., BulletinEdition]


@pytest.fixture
def send(cast: Cast, at: datetime, series: BulletinSeries, publish: Callable[..., Courseware], register: Callable[..., Outlet]) -> Send:
    """send() presses the button for an edition of one item on the gateway, or on these outlets."""

    def press(*outlets: Outlet) -> BulletinEdition:
        publish("春耕补贴怎么领")
        edition = commands.draft_edition(series=series, by=cast.actor("shiguan"), at=at)
        chosen = outlets or (register(Connector.SMS),)
        commands.send_edition(edition=edition, outlets=chosen, seen=edition.text, by=cast.actor("shiguan"), at=at)
        return edition

    return press


def counts(edition: BulletinEdition) -> dict[str, int]:
    """The figures of the first channel that are not nought; and they add up."""
    found = queries.figures_of(edition)[0]
    said = {state: number for state, number in found.by_state.items() if number}
    said |= {name: number for name in ("opted_out", "same_number") if (number := getattr(found.channel, name))}
    assert found.all == sum(said.values())
    return said
