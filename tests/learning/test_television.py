"""Recording with the remote control: at most six presses, without script, log-in or cookie; no box records for another's site."""

from __future__ import annotations

import re
import shutil
from datetime import time
from typing import Any

import pytest
from django.test import Client

from tests.learning.stage import LI_SITE, make_plan
from yuanjiao.learning.events import ItemShown
from yuanjiao.learning.models import RecordedVia, Session
from yuanjiao.learning.rules import television_key
from yuanjiao.lib import clock
from yuanjiao.lib.uid import new_uid
from yuanjiao.simulation.cast import Cast


def address(cast: Cast, site: str = LI_SITE) -> str:
    return f"/learning/tv/?site={site}&key={television_key(cast.sites[site].beat_key, site)}"


def plan_today(cast: Cast) -> None:
    item = ItemShown(uid=new_uid(), title="养猪技术")
    make_plan(cast, clock.now(), title="养猪技术学习日", days_of_month=(), single_on=clock.today(), start_time=time(0, 0), items=[item])


@pytest.mark.clause("LRN01")
def test_a_television_without_cookies_records_todays_lesson(cast: Cast) -> None:
    plan_today(cast)
    page = Client().get(address(cast)).content.decode()
    lesson = re.search(r'id="k1" href="([^"]+)" autofocus', page)
    assert lesson
    heads_page = Client().get(lesson[1].replace("&amp;", "&")).content.decode()
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', heads_page))
    answer = Client(enforce_csrf_checks=True).post("/learning/tv/", sent | {"heads": "23"}, follow=True)
    assert "23 人" in answer.content.decode()
    session = Session.objects.get()
    assert (session.site_id, session.heads_onsite, session.recorder_uid) == (LI_SITE, 23, None)
    assert session.recorded_via == RecordedVia.TELEVISION
    assert [item.title for item in session.items.all()] == ["养猪技术"]
    again = Client().post("/learning/tv/", sent | {"heads": "24"}, follow=True)
    assert "23 人" in again.content.decode()
    assert Session.objects.count() == 1


@pytest.mark.parametrize("heads", ["", "0", "-3", "abc", "99999", "9999999999"])
def test_a_slip_of_the_finger_is_told_in_words_and_records_nothing(cast: Cast, heads: str) -> None:
    sent = {"site": LI_SITE, "key": television_key(cast.sites[LI_SITE].beat_key, LI_SITE), "plan": "", "uid": str(new_uid())}
    answer = Client().post("/learning/tv/", sent | {"heads": heads})
    assert answer.status_code == 400
    assert 'class="fault"' in answer.content.decode()
    assert not Session.objects.exists()


def test_a_box_opens_its_own_site_only(cast: Cast) -> None:
    key = television_key(cast.sites[LI_SITE].beat_key, LI_SITE)
    for query in ("", f"?site={LI_SITE}", f"?site={LI_SITE}&key=000000000000", f"?site=S-990101100201&key={key}", f"?site=没有&key={key}"):
        answer = Client().get(f"/learning/tv/{query}")
        assert answer.status_code == 403, query
        assert "还没有登记本站点" in answer.content.decode()
    assert Client().post("/learning/tv/", {"site": "S-990101100201", "key": key, "heads": "5"}).status_code == 403
    assert cast.sites[LI_SITE].beat_key not in address(cast)


def test_the_box_is_remembered_where_cookies_work(cast: Cast) -> None:
    client = Client()
    assert client.get(address(cast)).status_code == 200
    assert "李村站点" in client.get("/learning/tv/").content.decode()


PRESSES = ["Enter", "2", "3", "Enter"]


@pytest.mark.browser
@pytest.mark.clause("LRN01")
@pytest.mark.parametrize("script", [True, False])
@pytest.mark.django_db(transaction=True)
def test_todays_lesson_is_recorded_with_at_most_six_presses_of_the_remote(cast: Cast, live_server: Any, script: bool) -> None:
    from playwright.sync_api import sync_playwright

    plan_today(cast)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(viewport={"width": 640, "height": 530}, java_script_enabled=script).new_page()
        page.goto(live_server.url + address(cast))
        page.wait_for_selector("#k1:focus")
        for key in PRESSES:
            page.keyboard.press(key)
            page.wait_for_selector({"Enter": "#heads:focus, .big"}.get(key, "#heads"))
        page.wait_for_selector(".big")
        assert "23 人" in page.inner_text("body")
        browser.close()
    assert len(PRESSES) <= 6
    session = Session.objects.get()
    assert session.heads_onsite == 23
    assert session.plan_uid is not None
