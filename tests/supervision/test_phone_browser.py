"""Story 22: villages drawn at random, visited without a signal; findings become items, and what the machines told stands beside."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.desks.test_axe import PHONE, findings
from tests.supervision.conftest import CITY, DAY, Month, midnight
from yuanjiao.lib import clock
from yuanjiao.simulation.cast import Cast
from yuanjiao.supervision import commands
from yuanjiao.supervision.jobs import keep_campaigns
from yuanjiao.supervision.models import CampaignItem, Visit
from yuanjiao.supervision.rules import Method


@pytest.mark.browser
@pytest.mark.clause("SUP28")
@pytest.mark.django_db(transaction=True)
def test_an_inspector_draws_visits_and_fills_the_list_without_a_signal(cast: Cast, chromium: Any, live_server: Any) -> None:
    """The second visit is filed by nobody: the appointment of a moment ago still says who was there."""
    now = clock.now()
    month = Month(cast, midnight(clock.local_day(now) - 2 * DAY))
    for code in cast.sites:
        month.ran(code, "up", month.at, month.at + 2 * DAY)
    month.listened(month.at + 2 * DAY)
    month.open()
    month.start()
    inspector = month.inspector("lingdao")
    draw = commands.draw_visits(
        campaign=month.campaign,
        place=cast.divisions[CITY],
        inspector=inspector,
        count=100,
        method=Method.SPOT_CHECK,
        by=month.by(),
        at=month.at,
    )
    keep_campaigns(now)
    client = Client()
    client.force_login(cast.accounts["lingdao"], backend="django.contrib.auth.backends.ModelBackend")
    context = chromium.new_context(viewport=PHONE, locale="zh-CN")
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    assert findings(page, live_server.url + reverse("supervision:my_visits")) == []
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.wait_for_function("caches.open('yuanjiao-inspections-page').then(cache => cache.keys()).then(keys => keys.length === 1)")
    context.set_offline(True)
    page.reload()
    visits = list(Visit.objects.order_by("target__path", "target__code"))
    assert page.locator("[data-card]").count() == len(visits) == 5
    for visit in visits:
        card, bad = page.locator(f'[data-card="{visit.uid}"]'), visit == visits[0]
        card.locator("summary").click()
        card.get_by_label("现场能播放").select_option("no" if bad else "yes")
        if bad:
            card.get_by_label("结果").select_option("problem")
            card.get_by_label("问题类别").select_option("equipment")
            card.get_by_label("问题的情况").fill("机顶盒不能启动")
        card.get_by_role("button", name="填好了").click()
        card.locator(".kept-note").wait_for()
    page.reload()
    assert page.locator("#kept-acts li").count() == 5
    assert not Visit.objects.exclude(filed_at=None).exists()
    context.set_offline(False)
    page.get_by_text("没有安排给您的检查").wait_for()
    problem = CampaignItem.objects.get()
    assert (problem.visit, problem.owner_name, problem.item.state) == (visits[0], "王建军", "issued")
    assert Visit.objects.exclude(filed_at=None).count() == 5
    page.goto(live_server.url + reverse("supervision:draw", args=[draw.uid]))
    shown = page.locator("main").inner_text()
    for words in (draw.seed, "试了 5 个站点，4 个能播放", "80.00%", "95% 区间", "100.00%", "同一批站点行动期内系统所测畅通率"):
        assert words in shown, words
