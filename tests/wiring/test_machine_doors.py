"""`/metrics` and `/events`: bounded in what they tell and in what they hold, with a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from django.test import Client, override_settings

from tests.journeys.living import PASSWORD, wait_for
from tests.journeys.person import Person
from yuanjiao.network import intake
from yuanjiao.simulation.cast import Cast
from yuanjiao.simulation.processes import NodeProcess
from yuanjiao.wiring import metrics
from yuanjiao.wiring.pulse import MOST_OF_ONE

NAME = re.compile(r"^([a-z_]+)(\{[^}]*\})? ", re.MULTILINE)


@pytest.fixture
def fresh_metrics() -> Iterator[None]:
    """What was asked in another test is not told in this one."""
    metrics.asked.cache_clear()
    yield
    metrics.asked.cache_clear()


@pytest.mark.django_db
@pytest.mark.usefixtures("fresh_metrics")
def test_metrics_name_states_and_reasons_but_never_a_site(cast: Cast) -> None:
    intake.COUNTS["key"] += 1
    text = Client().get("/metrics").content.decode()
    assert 'yuanjiao_objects{kind="site",state="up"}' in text
    assert 'yuanjiao_beats_refused_total{reason="key"}' in text
    assert 'yuanjiao_open_roots{class="line"}' in text
    assert "process_resident_memory_bytes" in text
    assert not any(site in text for site in cast.sites), "no label names a site"
    assert len(NAME.findall(text)) < 80, "the number of series does not grow with the register"


@pytest.mark.django_db
@pytest.mark.usefixtures("fresh_metrics")
def test_metrics_are_for_this_machine_or_for_who_brings_the_token() -> None:
    client = Client()
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 403
    assert client.get("/metrics", headers={"x-forwarded-for": "192.0.2.7"}).status_code == 403, (
        "a proxy on this machine speaks for strangers"
    )
    with override_settings(METRICS_TOKEN="geheim"):
        assert client.get("/metrics").status_code == 403
        assert client.get("/metrics", headers={"authorization": "Bearer falsch"}).status_code == 403
        assert client.get("/metrics", REMOTE_ADDR="192.0.2.7", headers={"authorization": "Bearer geheim"}).status_code == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("fresh_metrics")
def test_behind_a_proxy_that_says_nothing_of_the_asker_metrics_need_the_token() -> None:
    with override_settings(BEHIND_PROXY=True):
        assert Client().get("/metrics").status_code == 403
    with override_settings(BEHIND_PROXY=True, METRICS_TOKEN="t" * 20):
        assert Client().get("/metrics", headers={"authorization": "Bearer " + "t" * 20}).status_code == 200


def streams_open(node: NodeProcess) -> float:
    text = httpx.get(f"{node.address}/metrics", timeout=20, trust_env=False).text
    return float(re.search(r"^yuanjiao_event_streams (.+)$", text, re.MULTILINE).group(1))  # type: ignore[union-attr]


def password_form(person: Person, first: str) -> dict[str, str]:
    token = person.tree.xpath("//input[@name='csrfmiddlewaretoken']")[0].get("value")
    return {"csrfmiddlewaretoken": token, "old_password": first, "new_password1": PASSWORD, "new_password2": PASSWORD}


@pytest.mark.journey
def test_screens_that_come_and_go_leave_nothing_behind(tmp_path: Path) -> None:
    node = NodeProcess(role="centre", home=tmp_path / "centre", name="中心")
    told = node.command("found", "--code", "990100000000", "--name", "青禾市")
    node.start()
    try:
        first = told.split("密码 ")[1].split("（")[0]
        person = Person(node.address).open("/account/login/?next=/account/password/").submit("", username="shiguan", password=first)
        person.client.post("/account/password/", data=password_form(person, first))
        person.open("/account/login/?next=/account/password/").submit("", username="shiguan", password=PASSWORD)
        assert httpx.get(f"{node.address}/events", timeout=20, trust_env=False).status_code == 302, "strangers are sent to the log-in page"
        for _ in range(5):
            with ExitStack() as screens:
                kept = []  # a reader that is let go closes its stream
                for _ in range(MOST_OF_ONE):
                    answer = screens.enter_context(person.client.stream("GET", "/events", timeout=20))
                    assert answer.headers["content-type"] == "text/event-stream"
                    kept.append(lines := answer.iter_lines())
                    assert next(line for line in lines if line.startswith("event: ")) == "event: changed"
                    assert re.fullmatch(r"data: \d+", next(lines)), "a stream says that something changed, never what"
                assert streams_open(node) == MOST_OF_ONE
                assert person.client.get("/events").status_code == 503, "one account opens so many and no more"
            wait_for("all streams are let go", lambda: streams_open(node) == 0, within_s=30)
        person.client.close()
    finally:
        node.stop()
