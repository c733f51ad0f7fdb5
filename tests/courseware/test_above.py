"""On a machine below, pages that make courseware lead to the top while the line is there, and refuse in words when it is not (0071)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from yuanjiao.courseware.models import Courseware, Upload
from yuanjiao.courseware.urls import HERE, urlpatterns
from yuanjiao.flow.nodes.models import Node
from yuanjiao.simulation.cast import Cast
from yuanjiao.simulation.processes import free_port

LogIn = Callable[[str], Client]
PLACES = {"uid": str(uuid4()), "profile": "audio", "number": 1}


class Alive(BaseHTTPRequestHandler):
    """A parent that answers."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Tests print nothing."""


@pytest.fixture
def parent(settings: Any, at: datetime, cast: Cast) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Alive)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    del cast  # an edge has accounts, too
    Node.objects.filter(is_self=True).update(kind="edge")
    Node.objects.create(kind="centre", name="上级", public_key=b"p" * 32, is_parent=True, enrolled_at=at)
    settings.PARENT = f"http://127.0.0.1:{server.server_port}"
    yield settings.PARENT
    server.shutdown()
    server.server_close()
    thread.join(5)


def address_of(pattern: Any) -> str:
    return reverse(f"courseware:{pattern.name}", kwargs={name: PLACES[name] for name in pattern.pattern.converters})


def test_every_page_that_makes_something_leads_up_and_none_keeps_anything_here(parent: str, log_in: LogIn) -> None:
    client = log_in("zhizuo")
    makers = [pattern for pattern in urlpatterns if pattern.name not in HERE]
    assert {"item_new", "story_new", "bulk_new", "upload_create", "item_approve", "column_new"} <= {pattern.name for pattern in makers}
    for pattern in makers:
        address = address_of(pattern)
        answer = client.get(address + "?a=1")
        assert (answer.status_code, answer.headers.get("Location")) == (302, f"{parent}{address}?a=1"), pattern.name
        assert client.post(address, {"title": "在边缘做的"}).status_code == 409, pattern.name
    assert not Courseware.objects.exists()
    assert not Upload.objects.exists()


def test_while_the_line_is_down_it_is_said_and_nothing_is_begun(parent: str, log_in: LogIn, settings: Any) -> None:
    del parent
    settings.PARENT = f"http://127.0.0.1:{free_port()}"
    answer = log_in("zhizuo").post("/courseware/new/", {"title": "在边缘做的", "item_class": "service", "source": "own"})
    assert answer.status_code == 503
    assert "线路不通" in answer.content.decode()
    assert not Courseware.objects.exists()


def test_what_the_machine_itself_holds_is_read_here(parent: str, log_in: LogIn) -> None:
    del parent
    client = log_in("shiguan")
    for name in ("library", "miss_list", "policy_list", "packaging_list"):
        assert client.get(reverse(f"courseware:{name}")).status_code == 200


def test_at_the_top_and_in_a_city_below_a_province_pages_are_its_own(log_in: LogIn, settings: Any) -> None:
    assert log_in("zhizuo").get("/courseware/new/").status_code == 200
    settings.PARENT = "http://127.0.0.1:9"
    assert log_in("zhizuo").get("/courseware/new/").status_code == 200
