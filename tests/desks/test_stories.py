"""What people come for, walked by themselves in a real browser (requirements d): officer, leader, engineer, operator's manager."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.desks.conftest import chromium
from tests.desks.test_screen import living
from tests.faults.conftest import LIN, World, world
from yuanjiao.faults.jobs import run_faults
from yuanjiao.faults.models import WorkOrder
from yuanjiao.faults.rules import Channel
from yuanjiao.items.rules import State
from yuanjiao.lib import clock
from yuanjiao.simulation.cast import PASSWORD, Cast

__all__ = ["chromium", "living", "world"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Sit = Callable[..., Any]
HOUR = timedelta(hours=1)


@pytest.fixture
def sit(chromium: Any, live_server: Any) -> Iterator[Sit]:
    """Somebody sits down at a machine of his own and logs in; gives the page."""
    made: list[Any] = []

    def down(username: str, width: int = 1440, height: int = 900) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
        made.append(context)
        page = context.new_page()
        page.goto(f"{live_server.url}/account/login/")
        page.fill("[name=username]", username)
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/desk/")
        return page

    yield down
    for context in made:
        context.close()


def look(page: Any, name: str) -> None:
    if folder := os.environ.get("TEST_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"story-{name}.png"), full_page=True)


def test_an_officer_sees_in_the_morning_what_is_dark_since_when_why_and_who_has_not_reported(living: Cast, sit: Sit) -> None:
    """Story 5: one screen; unknown apart from down; a report of one site speaks for the line that darkens both."""
    page = sit("xianguan")
    panel = page.locator(".panel", has=page.get_by_role("heading", name="不通的站点"))
    for name in ("李村站点", "王庄村站点"):
        line = panel.locator("li", has_text=name)
        assert "线路故障 · 已 3 小时" in line.inner_text()
        assert "未申报" in line.inner_text()
    box = panel.bounding_box()
    assert box["y"] + box["height"] <= 900, "without scrolling"
    assert page.locator("a.figure", has_text="情况不明").locator("strong").inner_text() == "0"
    look(page, "5")
    World(living, clock.now()).report(LIN, who="xianguan", channel=Channel.OFFICER)
    run_faults(clock.now())
    page.reload()
    assert [line.inner_text().count("已申报") for line in panel.locator("li").all()] == [1, 1]
    page.locator("a.figure", has_text="不通的站点").click()
    assert page.locator("tbody tr").count() == 2, "the figure opens its rows"


def test_a_leader_asks_why_a_county_is_red(living: Cast, sit: Sit) -> None:
    """Story 23: two clicks to the sites, the order, the persons responsible; how old the data are is said."""
    World(living, clock.now()).report(LIN, who="xianguan", channel=Channel.OFFICER)
    run_faults(clock.now())
    page = sit("lingdao")
    page.goto(page.url.replace("/desk/", "/screen/"))
    page.locator(".tiles .bad a").click()
    page.locator(".roots a").first.click()
    look(page, "23")
    said = page.locator("main").inner_text()
    for words in ("石桥镇接入线路", "李村站点", "王庄村站点", "未恢复", "赵敏芝", "柳溪县电信分公司", "本页时间"):
        assert words in said + page.locator("body").inner_text(), words
    page.locator(".panel", has=page.get_by_role("heading", name="工单")).locator("li a").click()
    assert "办理经过" in page.content()


def test_of_two_who_verify_at_once_the_second_sees_what_happened_and_overwrites_nothing(
    world: World, sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Story 9: no play, no closing; then two officers press at once."""
    order = world.order(State.SUBMITTED)
    monkeypatch.setattr(clock, "now", lambda: world.at + 4 * HOUR)
    first, second = sit("xianguan"), sit("shiguan")
    address = first.url.replace("/desk/", f"/faults/orders/{order.item.code}/")
    first.goto(address)
    answer(first, "更换机顶盒后能放")
    first.get_by_role("button", name="核实（三问三答）").click()
    assert "播放" in first.locator(".messages, .alert").first.inner_text()
    assert WorkOrder.objects.get().item.state == State.SUBMITTED
    world.plays(LIN, at=world.at + 3 * HOUR)
    for page in (first, second):
        page.goto(address)
    answer(first, "更换机顶盒后能放")
    answer(second, "电话问过站点")
    first.get_by_role("button", name="核实（三问三答）").click()
    second.get_by_role("button", name="核实（三问三答）").click()
    look(second, "9")
    assert "刚刚有人办理过" in second.content()
    assert "赵敏芝" in second.content()
    assert "电话问过站点" in second.content(), "what was written is not lost"
    assert WorkOrder.objects.get().item.state == State.VERIFIED


def answer(page: Any, words: str) -> None:
    """The three questions."""
    for name in ("done", "solved", "changed"):
        page.check(f"[name={name}_yes][value=yes]")
        page.fill(f"[name={name}]", words)
