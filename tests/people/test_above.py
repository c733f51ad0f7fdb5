"""What has its home at the top is not made on a machine below: hand-overs, tenures, items, orders, agreements, the calendar, duty, the
city's tables, trainings, urging sheets (0071, 0100)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from yuanjiao.duties.models import Handover
from yuanjiao.faults.models import Agreement, CalendarDay, DutyTurn, FaultCause, Training
from yuanjiao.flow.nodes.models import Node
from yuanjiao.items.models import Item
from yuanjiao.lib import clock
from yuanjiao.people import access
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
VILLAGE = "990101100200"


@pytest.fixture
def addresses(cast: Cast, settings: Any) -> list[str]:
    """An edge below a parent, and its pages that write what goes nowhere from there."""
    Node.objects.filter(is_self=True).update(kind="edge")
    settings.PARENT = "http://above.test"
    tenure = cast.people["zhanguan"].responsibilities.get()
    return [
        reverse("duties:duty_new", args=[VILLAGE]),
        reverse("duties:handover_new", args=[tenure.uid]),
        reverse("duties:handover", args=[tenure.uid]),
        reverse("items:item", args=["23456789"]),
        reverse("faults:order", args=["23456789"]),
        reverse("faults:hotline_site", args=["S-990101100200"]),
        reverse("faults:agreement", args=[tenure.uid]),
        reverse("faults:term", args=[1]),
        reverse("faults:urging", args=[1]),
        reverse("faults:training_withdraw", args=[1]),
        *(reverse(name) for name in ("items:item_new", "faults:agreement_new", "faults:calendar", "faults:duty")),
        *(
            reverse(name)
            for name in ("faults:hotline", "faults:fault_settings", "faults:training_list", "faults:channels", "faults:message_list")
        ),
    ]


def test_pages_that_write_lead_up_and_keep_nothing_here(
    addresses: list[str], cast: Cast, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "answers", lambda address: True)
    client, people = log_in("shiguan"), cast.people["zhanguan"].responsibilities
    said = {"unit": "ZZ-990101100200", "name": "马小军", "kind": "direct", "on": clock.today().isoformat(), "act": "sign"}
    said |= {"division": "990101000000", "topic": "机顶盒", "code": "rain", "fault_class": "", "symptom": "no_play"}
    for address in addresses:
        answer = client.get(address + "?a=1")
        assert (answer.status_code, answer.headers.get("Location")) == (302, f"http://above.test{address}?a=1")
        assert client.post(address, said).status_code == 409
    assert people.get().valid_to is None
    assert not any(model.objects.exists() for model in (Handover, Item, Agreement, CalendarDay, DutyTurn, Training))  # type: ignore[attr-defined]
    assert not FaultCause.objects.filter(code="rain").exists()
    for name in (
        "duties:place_list",
        "duties:vacancy_list",
        "duties:handover_list",
        "items:item_list",
        "faults:agreement_list",
        "faults:urging_list",
    ):
        assert client.get(reverse(name)).status_code == 200


def test_while_the_line_is_down_it_is_said(addresses: list[str], log_in: LogIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "answers", lambda address: False)
    answer = log_in("shiguan").post(addresses[0], {"name": "马小军"})
    assert answer.status_code == 503
    assert "线路不通" in answer.content.decode()
