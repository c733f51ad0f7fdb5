"""No page of any room that opens without naming a row has a serious finding of axe; new pages come in by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.architecture.doors import ANYBODY, DOORS
from tests.architecture.house import views
from tests.desks.conftest import Stock
from tests.desks.test_axe import DESK, findings
from yuanjiao.people.rules import PERMISSIONS
from yuanjiao.simulation.cast import PEOPLE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NO_PAGES = {
    "events", "people:log_out", "register:template_file", "register:whole_file", "courseware:bulk_template", "courseware:upload_create",
    "network:rule_new", "network:target_new", "reports:draft", "desks:waiting_retry", "faults:send_kept", "surveys:send_kept",
    "supervision:send_visits",
    "burden:approval_new",
}  # fmt: skip
"""Streams, downloads, doors of programs, and forms that stand on another page."""


def pages() -> dict[str, list[str]]:
    """Who opens which page: username → names of the pages without arguments that this person is the first to be allowed to open."""
    bare = {name for name, pattern in views() if not pattern.pattern.converters}
    found: dict[str, list[str]] = {}
    for name in sorted(bare - NO_PAGES):
        door = DOORS[name]
        if door == ANYBODY or isinstance(door, frozenset):
            who = next((user for user, _n, role, _u, _p in PEOPLE if door == ANYBODY or door & PERMISSIONS[role]), None)
            if who:
                found.setdefault(who, []).append(name)
    return found


@pytest.mark.parametrize("username", sorted(pages()))
def test_no_page_of_a_room_has_a_serious_finding(chromium: Any, shown: Stock, live_server: Any, username: str) -> None:
    client = Client()
    client.force_login(shown.cast.accounts[username], backend="django.contrib.auth.backends.ModelBackend")
    context = chromium.new_context(viewport=DESK, locale="zh-CN")
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page, names = context.new_page(), pages()[username]
    assert {name: findings(page, live_server.url + reverse(name)) for name in names} == {name: [] for name in names}
