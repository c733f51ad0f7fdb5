"""Pages of one thing of each kind (item, order, campaign, survey, fund …) have no serious finding of axe, wide and on a phone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.architecture.objects import build_orders
from tests.desks.test_axe import DESK, PHONE, findings
from yuanjiao.people.rules import Role
from yuanjiao.simulation.cast import Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ROUTES = (
    "items:item", "faults:order", "faults:agreement", "faults:urging", "duties:place", "duties:duty_new", "duties:handover",
    "duties:handover_new", "surveys:survey", "surveys:visit", "burden:unit", "burden:approval",
    "assets:asset", "assets:asset_move", "funds:fund", "funds:payment_new", "funds:entry", "funds:proposal",
    "funds:rate", "funds:subsidy", "funds:commitment",
    "supervision:campaign", "supervision:problem", "supervision:draw", "supervision:visit_add",
)  # fmt: skip


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_no_page_of_one_thing_has_a_serious_finding(
    chromium: Any, cast: Cast, at: datetime, live_server: Any, screen: dict[str, int]
) -> None:
    county = build_orders(cast, at, Path())
    client = county.client("in", Role.COUNTY_OFFICER)
    context = chromium.new_context(viewport=screen, locale="zh-CN")
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    assert {route: findings(page, live_server.url + county.address(route)) for route in ROUTES} == {route: [] for route in ROUTES}
