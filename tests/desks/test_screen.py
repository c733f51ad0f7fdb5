"""The big screen: figures that open, roots instead of symptoms, rates with what stands beside them; a screen left open stays honest."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from itertools import count
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from openpyxl import load_workbook

from yuanjiao.lib import clock
from yuanjiao.network.models import ListeningMark, Liveness, Outage, OutageVerdict, PlayTest, RateTarget, State, StateChange
from yuanjiao.network.queries.states import own_observer
from yuanjiao.plans.models import PracticeNote
from yuanjiao.simulation.cast import Cast

LIU, SHI = "990101000000", "990102000000"
DARK = ("S-990101100200", "S-990101100201")
LINKS = re.compile(r'href="(/[^"#]*)"')
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
numbers = count(1)


@pytest.fixture
def living(cast: Cast) -> Cast:
    """Every site has played and beaten for two days; two of 柳溪县 have been dark for three hours, by one cut line."""
    at, observer = clock.now().replace(microsecond=0), own_observer()
    ListeningMark.objects.update_or_create(observer=observer, defaults={"at": at})
    for code, site in cast.sites.items():
        PlayTest.objects.create(site=site, at=at - 2 * DAY, ok=True, observer=observer)
        dark = code in DARK
        _state(site.pk, State.UP, at - 2 * DAY, at - 3 * HOUR if dark else None)
        if dark:
            _state(site.pk, State.DOWN, at - 3 * HOUR, None)
        since = at - (3 * HOUR if dark else 2 * DAY)
        state = State.DOWN if dark else State.UP
        Liveness.objects.create(object=site, state=state, since=since, last_heard_at=since, observer=observer, seq=next(numbers))
    root = _outage(cast.lines["L-990101100"].pk, at - 3 * HOUR, affected=2)
    OutageVerdict.objects.create(outage=root, at=at, fault_class="line", rule="测试", evidence="下挂全部无心跳", confidence=0.9)
    for code in DARK:
        _outage(cast.sites[code].pk, at - 3 * HOUR, root=root)
    return cast


def _state(site: int, state: State, at: Any, until: Any) -> None:
    StateChange.objects.create(object_id=site, state=state, at=at, until=until, observer=own_observer(), seq=next(numbers))


def _outage(subject: int, at: Any, *, root: Outage | None = None, affected: int = 1) -> Outage:
    return Outage.objects.create(
        object_id=subject,
        started_at=at,
        started_lo=at,
        started_hi=at,
        detected_at=at,
        root=root,
        fault_class="line",
        affected_count=affected,
    )


@pytest.mark.clause("NET05")
def test_a_leader_drills_from_the_city_to_a_county_to_its_sites(cast: Cast, log_in: Callable[[str], Client]) -> None:
    client = log_in("lingdao")
    city = client.get("/screen/").content.decode()
    assert "青禾市远程教育运行情况" in city
    assert f"?division={LIU}" in city
    county = client.get(f"/screen/?division={LIU}").content.decode()
    assert "石桥镇" in county
    town = client.get("/screen/?division=990101100000").content.decode()
    assert "/network/sites/S-990101100200/" in town


def test_what_is_not_known_is_not_shown_as_a_rate(cast: Cast, log_in: Callable[[str], Client]) -> None:
    page = log_in("lingdao").get("/screen/").content.decode()
    assert "已知部分只有 0.0%" in page
    assert "100%</strong>" not in page
    assert "另有 2 个单位已知太少，不排名" in page


def test_an_officer_cannot_look_at_another_county(cast: Cast, log_in: Callable[[str], Client]) -> None:
    assert log_in("linxian").get(f"/screen/?division={LIU}").status_code == 404
    assert log_in("linxian").get("/screen/?division=990101").status_code == 404
    assert log_in("linxian").get(f"/screen/ranking/?division={LIU}").status_code == 404


def test_htmx_gets_the_body_only(cast: Cast, log_in: Callable[[str], Client]) -> None:
    body = log_in("lingdao").get("/screen/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in body
    assert "关键数字" in body


@pytest.mark.clause("NET05")
def test_the_rate_stands_beside_its_target_its_known_share_and_its_bounds(living: Cast, log_in: Callable[[str], Client]) -> None:
    RateTarget.objects.create(
        division=living.divisions["990100000000"], value=0.98, valid_from=date(2025, 1, 1), document="青组〔2026〕1号"
    )
    page = log_in("lingdao").get("/screen/").content.decode()
    assert "<strong>60%</strong><span>当前畅通率" in page
    assert "目标 98%" in page
    assert "已知 100%，实际在 60%–60%" in page
    assert "最久 3 小时" in page


def test_one_root_is_shown_and_not_its_symptoms(living: Cast, log_in: Callable[[str], Client]) -> None:
    page = log_in("lingdao").get("/screen/").content.decode()
    roots = page[page.index('<ol class="roots">') : page.index("</ol>", page.index('<ol class="roots">'))]
    assert roots.count("<li>") == 1
    assert "线路故障 · 初判 90%" in roots
    assert "影响 2 站" in roots


@pytest.mark.clause("RPT16")
def test_every_number_of_the_screen_opens_its_rows(living: Cast, log_in: Callable[[str], Client]) -> None:
    client = log_in("lingdao")
    for address in ("/screen/", f"/screen/?division={LIU}", "/screen/ranking/", "/screen/ranking/?over=0"):
        page = client.get(address).content.decode()
        content = page[page.find('id="content"') + 1 :]
        links = {link.replace("&amp;", "&") for link in LINKS.findall(content) if not link.startswith("/static/")}
        assert links
        wrong = {link: status for link in links if (status := client.get(link).status_code) != 200}
        assert not wrong


@pytest.mark.clause("OPS12")
def test_the_ranking_lists_units_above_the_threshold_with_the_highest_share(living: Cast, log_in: Callable[[str], Client]) -> None:
    client = log_in("lingdao")
    page = client.get("/screen/ranking/?over=5").content.decode()
    worst = page[: page.index("保持得最好的单位")]
    assert "最高 50.00%" in worst
    assert "柳溪县" in worst
    assert "石岭县" not in worst
    assert "没有单位达到这个界限" in client.get("/screen/ranking/?over=60").content.decode()
    assert client.get("/screen/ranking/?over=很多").status_code == 400
    assert client.get("/screen/ranking/?month=3月").status_code == 400
    month = client.get(f"/screen/ranking/?month={clock.today():%Y-%m}").content.decode()
    assert "按时间加权" in month


def register_of(client: Client, address: str) -> tuple[list[Any], dict[Any, dict[Any, Any]]]:
    """Every cell of the ranking's 台账, and its rows by unit."""
    link = re.search(r'href="(\?[^"]*export=xlsx)"', client.get(address).content.decode())
    assert link is not None
    answer = client.get("/screen/ranking/" + link[1].replace("&amp;", "&"))
    sheet = load_workbook(BytesIO(b"".join(answer.streaming_content))).active  # type: ignore[attr-defined]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    head = next(number for number, row in enumerate(cells) if "名单" in row)
    rows = {row[cells[head].index("单位")]: dict(zip(cells[head], row, strict=True)) for row in cells[head + 1 :]}
    return [cell for row in cells for cell in row if cell], rows


@pytest.mark.clause("OPS12", "OPS13")
def test_the_ranking_goes_out_as_a_register_with_what_stands_beside_each_share(living: Cast, log_in: Callable[[str], Client]) -> None:
    PracticeNote.objects.create(division=living.divisions[SHI], title="每周一巡", words="村村有台账", written_at=clock.now())
    cells, rows = register_of(log_in("lingdao"), "/screen/ranking/?over=5")
    liu, shi = rows["柳溪县"], rows["石岭县"]
    assert [liu[name] for name in ("名单", "名次", "故障率", "不通（个）")] == ["故障率 5% 以上", 1, "50.00%", 2]
    assert [shi[name] for name in ("名单", "故障率", "经验做法、说明")] == ["保持得最好", "0.00%", "每周一巡"]
    assert any("故障率＝不通" in str(cell) for cell in cells)
    assert "故障率 60% 以上" not in register_of(log_in("lingdao"), "/screen/ranking/?over=60")[0]


def test_the_register_of_a_month_is_of_that_month_and_counted_in_seconds(living: Cast, log_in: Callable[[str], Client]) -> None:
    cells, rows = register_of(log_in("lingdao"), f"/screen/ranking/?month={clock.today():%Y-%m}")
    assert rows["柳溪县"]["不通（秒）"] >= 3 * 3600 - 60
    assert any("按时间加权" in str(cell) for cell in cells)
    assert any(f"{clock.today():%Y-%m}" in str(cell) for cell in cells[:2])


@pytest.mark.clause("OPS13")
def test_the_best_units_are_listed_with_what_others_may_learn_from_them(living: Cast, log_in: Callable[[str], Client]) -> None:
    note = PracticeNote.objects.create(division=living.divisions[SHI], title="每周一巡", words="村村有台账", written_at=clock.now())
    for address in ("/screen/", "/screen/ranking/"):
        page = log_in("lingdao").get(address).content.decode()
        best = page[page.index("保持得最好的单位") :]
        assert "石岭县" in best
        assert f"/plans/notes/{note.uid}/" in best
        assert "每周一巡" in best


def test_without_script_the_page_reloads_itself(cast: Cast, log_in: Callable[[str], Client]) -> None:
    assert '<noscript><meta http-equiv="refresh" content="60"></noscript>' in log_in("lingdao").get("/screen/").content.decode()


def test_a_screen_that_keeps_asking_stays_logged_in_and_an_idle_one_does_not(
    cast: Cast, log_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = log_in("lingdao")
    client.get("/screen/")
    nearly = clock.now() + timedelta(seconds=30)
    Session.objects.update(expire_date=nearly)
    later = clock.now() + timedelta(minutes=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert client.get("/screen/", headers={"HX-Request": "true"}).status_code == 200
    assert Session.objects.get().expire_date > nearly + timedelta(minutes=20)
    Session.objects.update(expire_date=clock.now() - DAY)
    assert client.get("/screen/").status_code == 302


AN_HOUR = 2 * 60
"""Refreshes of a screen that is told nothing: one in half a minute."""
WARM = 60
"""Refreshes after which what the browser itself keeps (compiled scripts, styles) is there."""
HEAP_GROWS_BYTES = 500_000
"""At most; a row of the page kept at each refresh would be tens of megabytes."""
OWN_CLOCK = """(() => {
  const real = window.setTimeout, due = new Map();
  let now = Date.now(), number = 0;
  const wait = every => (work, ms, ...told) => {
    number += 1;
    due.set(number, {at: now + (ms || 0), every: every ? ms || 1 : 0, work, told});
    return number;
  };
  Date.now = () => now;
  window.setTimeout = wait(false);
  window.setInterval = wait(true);
  window.clearTimeout = window.clearInterval = one => { due.delete(one); };
  window.advance = ms => {
    for (const until = now + ms; ;) {
      const [id, first] = [...due].reduce((a, b) => b[1].at < a[1].at ? b : a, [0, {at: Infinity}]);
      if (first.at > until) { now = until; return; }
      now = Math.max(now, first.at);
      if (first.every) { first.at += first.every; } else { due.delete(id); }
      first.work(...first.told);
    }
  };
  window.breathe = () => new Promise(done => real(done, 0));
})()"""
REFRESHES = """async ([turns]) => {
  let settled = 0;
  const count = () => { settled += 1; };
  const canvas = document.getElementById('canvas');
  canvas.addEventListener('htmx:afterSettle', count);
  for (let turn = 1; turn <= turns; turn++) {
    const answered = new Promise(done => canvas.addEventListener('htmx:afterRequest', done, {once: true}));
    advance(35000);  // the page looks every five seconds whether half a minute is over
    await answered;
    while (settled < turn) { advance(25); await breathe(); }
  }
  canvas.removeEventListener('htmx:afterSettle', count);
  return settled;
}"""
CUT = """[...document.querySelectorAll('.tiles a, .figures a, .ranked a, .roots a')]
  .filter(one => one.scrollWidth > one.clientWidth + 1).length"""
COUNTING = """(() => {
  window.opened = 0;
  window.EventSource = function (address) {
    window.opened += 1; window.source = this; this.readyState = 1; this.heard = {}; this.address = address;
    this.addEventListener = (name, listener) => { this.heard[name] = listener; };
    this.close = () => { this.readyState = 2; };
  };
})()"""


@pytest.fixture
def wall(living: Cast, live_server: Any, chromium: Any, log_in: Callable[[str], Client]) -> Any:
    """A wall with the leader's screen, its stream replaced by one that the test speaks through."""
    context = chromium.new_context(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
    context.add_cookies([{"name": "sessionid", "value": log_in("lingdao").cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.add_init_script(COUNTING)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    context.close()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_word_of_the_server_brings_a_fresh_picture_and_a_silent_server_is_told(wall: Any, live_server: Any) -> None:
    wall.clock.install()
    wall.goto(live_server.url + "/screen/")
    assert wall.evaluate("source.address") == "/events"
    assert wall.evaluate("document.documentElement.scrollWidth <= innerWidth")
    Outage.objects.all().update(ended_at=clock.now())
    wall.evaluate("source.heard.changed({})")
    wall.clock.run_for(6_000)
    wall.wait_for_selector("text=没有未恢复的中断")
    assert wall.is_hidden("#stale")
    wall.route("**/screen/**", lambda route: route.abort())
    wall.clock.run_for(100_000)
    assert wall.is_visible("#stale")
    assert "画面停在" in wall.inner_text("#stale")
    wall.unroute("**/screen/**")
    wall.clock.run_for(40_000)
    wall.wait_for_selector("#stale", state="hidden")
    assert wall.errors == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("hours", [2, pytest.param(24, marks=pytest.mark.scale)])
def test_a_screen_left_open_does_not_grow(wall: Any, live_server: Any, hours: int) -> None:
    """Hours of refreshes by its own clock, each a whole answer; what stays alive is measured by the browser itself."""
    wall.add_init_script(OWN_CLOCK)
    wall.goto(live_server.url + "/screen/")
    body = wall.inner_html("#canvas")
    wall.add_style_tag(content="#canvas { display: none }")  # to draw each picture costs most, and leaves nothing in the page
    wall.route("**/screen/**", lambda route: route.fulfill(body=body, content_type="text/html; charset=utf-8"))
    assert wall.evaluate(REFRESHES, [WARM]) == WARM
    before = alive(wall)
    assert wall.evaluate(REFRESHES, [hours * AN_HOUR]) == hours * AN_HOUR
    after = alive(wall)
    for name in ("Documents", "Frames", "Nodes", "JSEventListeners"):
        assert after[name] <= before[name], name
    assert after["JSHeapUsedSize"] - before["JSHeapUsedSize"] < HEAP_GROWS_BYTES
    assert wall.evaluate("window.opened") == 1
    assert wall.errors == []


def alive(page: Any) -> dict[str, float]:
    """What the browser holds after a collection: bytes of the heap, counts of all else."""
    browser = page.context.new_cdp_session(page)
    browser.send("Performance.enable")
    for _twice in range(2):
        browser.send("HeapProfiler.collectGarbage")
    found = {one["name"]: one["value"] for one in browser.send("Performance.getMetrics")["metrics"]}
    browser.detach()
    return found


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "height"), [(390, 844), (640, 530), (1366, 768), (1920, 1080), (3840, 2160)])
def test_nothing_runs_out_of_the_picture_whatever_its_size(wall: Any, live_server: Any, living: Cast, width: int, height: int) -> None:
    living.divisions[LIU].name = "柳溪土家族苗族布依族仡佬族各族自治县"
    living.divisions[LIU].save()
    wall.set_viewport_size({"width": width, "height": height})
    wall.goto(live_server.url + "/screen/")
    assert wall.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert wall.evaluate(CUT) == 0
