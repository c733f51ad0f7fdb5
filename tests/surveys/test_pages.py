"""The pages of a survey: drawn and given out in the browser, filled on a phone without a signal, its figures open to their rows."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from tests.courseware.test_above import parent
from tests.desks.conftest import chromium
from tests.surveys.conftest import GAO, LIN, SAID, WANG, Field, LogIn, field
from yuanjiao.lib import clock
from yuanjiao.surveys import queries
from yuanjiao.surveys.models import Survey, Visit
from yuanjiao.surveys.rules import Strata, SurveyState

__all__ = ["chromium", "field", "parent"]
WRITTEN = {
    "title": "百村调查",
    "place": "990100000000",
    "frame_on": "2026-03-01",
    "strata": "county",
    "size": "4",
    "walkers": "counties",
    "due_on": "2026-03-28",
}


def page(client: Client, route: str, *args: object) -> str:
    return client.get(reverse(f"surveys:{route}", args=args)).content.decode()


def test_an_officer_draws_gives_out_and_closes_on_the_pages(field: Field, log_in: LogIn) -> None:
    city, county = log_in("shiguan"), log_in("xianguan")
    assert county.get(reverse("surveys:survey_new")).status_code == 403
    refused = city.post(reverse("surveys:survey_new"), {**WRITTEN, "size": "99"})
    assert refused.status_code == 400
    assert "抽样框有 5 个村" in refused.content.decode()
    city.post(reverse("surveys:survey_new"), WRITTEN)
    survey = Survey.objects.get()
    shown = page(city, "survey", survey.uid)
    assert survey.seed in shown
    assert "照框和种子再抽一遍，与样本相符" in shown
    assert "表单 1 → 4" in shown, "what it adds to the county's month stands there before it is given out"
    for act, answer in (("open", 302), ("open", 409), ("close", 400), ("draw", 400)):
        assert city.post(reverse("surveys:survey", args=[survey.uid]), {"act": act}).status_code == answer
    for row in queries.visits_of(survey):
        told = {"act": "tell", "seen": "0", "plays": "yes", "remark": ""}
        assert city.post(reverse("surveys:visit", args=[row.uid]), told).status_code == 302
        assert city.post(reverse("surveys:visit", args=[row.uid]), {**told, "plays": "nobody"}).status_code == 409
    assert "已填报" in page(city, "my_visits")
    assert city.post(reverse("surveys:survey", args=[survey.uid]), {"act": "close"}).status_code == 302
    assert Survey.objects.get().state == SurveyState.CLOSED
    assert county.get(reverse("surveys:survey", args=[survey.uid])).status_code == 404


@pytest.mark.clause("OPS10")
def test_each_figure_opens_to_its_rows_and_the_two_sides_stand_apart(field: Field, log_in: LogIn) -> None:
    field.states({LIN: "up", WANG: "up", GAO: "down"}, hours=-1)
    survey, city = field.given_out(5, Strata.COUNTY), log_in("shiguan")
    said = {LIN: "no", WANG: "yes", GAO: "no"}
    for row in queries.visits_of(survey):
        field.tell(row, SAID[said.get(row.member.code, "nobody")])
    field.close(survey)
    shown = page(city, "survey", survey.uid)
    assert "柳溪县李村" in shown.split("不一致的村")[1].split("<h2>")[0]
    said_same = shown.split("走访那一刻")[1].split("</tr>")[0]
    assert "20.0%" in said_same, "the one village of the small county that was down weighs as one of five, not as one of three"
    rows = reverse("surveys:visit_list", args=[survey.uid])
    for query, count in (("plays=no", 2), ("state=told", 5), ("plays=nobody", 2), ("differ=yes", 1), ("state=told&word=down", 1)):
        assert f"共 {count} 行" in city.get(f"{rows}?{query}").content.decode(), query
        assert f"{rows}?{query.replace('&', '&amp;')}" in shown
    book = load_workbook(BytesIO(b"".join(city.get(f"{rows}?export=xlsx").streaming_content)))  # type: ignore[attr-defined]
    assert book.active.max_row >= 8
    frame = page(city, "frame_list", survey.uid)
    assert frame.count("<tr>") == 6
    assert survey.seed in frame


def test_the_door_of_the_phone_answers_for_each_village_and_only_to_who_was_there(field: Field, log_in: LogIn) -> None:
    survey = field.given_out(5)
    rows = {row.member.code: str(row.uid) for row in queries.visits_of(survey)}
    one = {
        "uid": "a",
        "card": rows[LIN],
        "act": "tell",
        "shown": 0,
        "seen": 0,
        "done_ms": 1_000,
        "plays": "no",
        "fault_class": "line",
        "remark": "断线",
    }
    acts = [
        one, {**one, "uid": "b"}, {**one, "uid": "c", "plays": "yes"}, {**one, "uid": "d", "card": rows[GAO]},
        {**one, "uid": "e", "card": rows[WANG], "act": "drop"}, {"uid": "f"}, {**one, "uid": "g", "card": "x"},
    ]  # fmt: skip
    person = str(field.cast.people["xianguan"].uid)

    def post(who: str, person: str = person) -> Any:
        body = json.dumps({"sent_ms": 3_601_000, "person": person, "acts": acts})
        return log_in(who).post(reverse("surveys:send_kept"), body, content_type="application/json")

    answers = [answer["outcome"] for answer in post("xianguan").json()["answers"]]
    assert answers == ["done", "already", "conflict", "refused", "refused", "refused", "refused"], "GAO is of the other county"
    assert post("linxian").status_code == 403
    assert post("zhanguan").status_code == 403
    row = Visit.objects.get(uid=rows[LIN])
    assert (row.plays, row.fault_class) == ("no", "line")
    assert (clock.now() - row.visited_at).total_seconds() == 3600, "an hour ago by the phone's own clock"  # type: ignore[operator]


def test_the_pages_for_phones_are_forgotten_with_the_log_out(log_in: LogIn) -> None:
    path = finders.find("ui/forget.js")
    assert isinstance(path, str)
    forgotten = Path(path).read_text()
    for route in ("faults:my_orders_worker", "surveys:my_visits_worker"):
        shell = json.loads(Client().get(reverse(route)).content.decode().split("const SHELL = ")[1].split(";\n")[0])
        assert f"'{shell['name']}-page'" in forgotten


def test_a_village_that_was_seen_is_corrected_and_never_given_away_on_the_page(field: Field, log_in: LogIn) -> None:
    survey, county = field.given_out(5), log_in("xianguan")
    visit = next(row for row in queries.visits_of(survey) if row.member.code == LIN)
    address = reverse("surveys:visit", args=[visit.uid])
    assert "记为未能走访" in county.get(address).content.decode()
    field.tell(visit, SAID["no"], who="xianguan")
    shown = county.get(address).content.decode()
    assert "更正填报" in shown
    assert "记为未能走访" not in shown
    told = {"act": "tell", "plays": "yes", "seen": "9" * 5000}
    assert county.post(address, told).status_code == 409, "more digits than a number may have"
    assert Visit.objects.get(pk=visit.pk).plays == "no"


def test_dates_beyond_the_calendar_are_refused_and_not_a_breakdown(field: Field, log_in: LogIn) -> None:
    city = log_in("shiguan")
    for wrong in ({"due_on": "9999-12-31"}, {"frame_on": "0001-01-01"}):
        assert city.post(reverse("surveys:survey_new"), {**WRITTEN, **wrong}).status_code == 400
    assert not Survey.objects.exists()


def test_an_edge_leads_to_the_lists_above(parent: str, field: Field, log_in: LogIn) -> None:
    """What a machine below has of surveys and of what is asked would be a part; whole lists are at the top."""
    uid, city = field.draw(3).uid, log_in("shiguan")
    lists = [reverse("surveys:survey_list"), *(reverse(f"surveys:{one}", args=[uid]) for one in ("visit_list", "frame_list"))]
    for address in [*lists, reverse("burden:overview")]:
        assert city.get(address)["Location"] == f"{parent}{address}"


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_without_a_signal_the_villages_are_filled_in_and_arrive_once(field: Field, chromium: Any, live_server: Any) -> None:
    survey = field.given_out(5)
    rows = {row.member.code: str(row.uid) for row in queries.visits_of(survey)}
    client = Client()
    client.force_login(field.cast.accounts["xianguan"], backend="django.contrib.auth.backends.ModelBackend")
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    browser = context.new_page()
    browser.goto(live_server.url + reverse("surveys:my_visits"))
    browser.evaluate("navigator.serviceWorker.ready")
    browser.reload()
    browser.wait_for_function("navigator.serviceWorker.controller !== null")
    browser.wait_for_function("caches.open('yuanjiao-visits-page').then(cache => cache.keys()).then(keys => keys.length === 1)")
    context.set_offline(True)
    browser.reload()
    assert browser.locator("[data-card]").count() == 4
    for code in (LIN, WANG):
        card = browser.locator(f'[data-card="{rows[code]}"]')
        card.locator("summary").first.click()
        card.get_by_label("不能播放", exact=True).check()
        card.locator("select[name=fault_class]").select_option("equipment")
        card.get_by_role("button", name="填报").click()
        card.locator(".kept-note:visible").wait_for()
    browser.reload()
    assert browser.locator("#kept-acts li").count() == 2
    field.tell(Visit.objects.select_related("survey", "member").get(uid=rows[WANG]), SAID["yes"])
    context.set_offline(False)
    browser.locator("#kept-acts .stuck").wait_for()
    assert "陈启明已于" in browser.locator("#kept-acts").inner_text()
    assert Visit.objects.get(uid=rows[LIN]).plays == "no"
    browser.get_by_role("button", name="放弃我的这一步").click()
    browser.wait_for_function("document.getElementById('kept').hidden")
    assert Visit.objects.get(uid=rows[WANG]).plays == "yes"
