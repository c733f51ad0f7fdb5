"""The main job from the first spreadsheet to the month's report, walked by people through real processes.

One story, in the order in which a city lives it: a register is imported, edges are enrolled, sites beat, one goes dark, a villager
calls, an engineer repairs, a film is uploaded and plays on a phone page and on a television with six keys from an edge, the edge is
cut and killed, a study day is recorded there meanwhile, everything arrives exactly once, the month's report is drafted.
"""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import imageio_ffmpeg
import pytest
from playwright.sync_api import sync_playwright

from tests.journeys.living import PASSWORD, Living, wait_for
from tests.journeys.person import Person
from tests.kills import KILLS

pytestmark = KILLS

PLAYS = """() => {
  const film = document.querySelector('video');
  return film && film.currentTime > 1.5 && film.getVideoPlaybackQuality().totalVideoFrames > 10;
}"""
REVIEWERS = ("shenhe", "shenhe2", "shenhe3")
STAFF = ("rexian", "zhizuo", *REVIEWERS, "xianguan", "gongcheng", "zhanguan201")


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    city = Living(tmp_path_factory.mktemp("city"))
    yield city
    city.stop()


@pytest.mark.clause("NET01", "NET08", "OPS04", "DLV07", "DLV08", "LRN01", "RPT01", "RPT16")
def test_the_main_job_from_spreadsheet_to_month_end(living: Living, tmp_path: Path) -> None:
    admin = the_register_comes_in(living)
    the_edges_are_let_in(living, admin)
    a_site_goes_dark_and_is_repaired(living)
    uid = a_film_reaches_every_screen(living, admin, tmp_path)
    a_study_day_is_held_while_the_edge_is_cut_off(living, admin, uid)
    the_month_is_reported(living)


def the_register_comes_in(living: Living) -> Person:
    first = living.found()
    admin = living.stranger()
    admin.open("/account/login/").submit("", username="shiguan", password=first)
    admin.open("/account/password/").submit("", old_password=first, new_password1=PASSWORD, new_password2=PASSWORD)
    admin = living.person("shiguan")
    admin.open("/register/imports/new/").submit("", "上传并检查", files={"file": living.workbook})
    page = str(admin.answer.url)  # type: ignore[union-attr]
    wait_for("the workbook is checked", lambda: "行全部正确" in admin.open(page).text)
    admin.submit("/apply/", "确认导入")
    wait_for("the workbook is applied", lambda: "已导入" in admin.open(page).text)
    admin.open("/network/sites/")
    assert all(site.name in admin.text for site in living.city.sites())
    again = admin.open("/register/imports/new/").submit("", "上传并检查", files={"file": living.workbook})
    page = str(again.answer.url)  # type: ignore[union-attr]
    wait_for("the same workbook changes nothing", lambda: "0 新增 0 变更" in admin.open(page).text)
    for username in STAFF:
        give_password(living, admin, username)
    return admin


def give_password(living: Living, admin: Person, username: str) -> None:
    """The administrator hands out a first password, its owner chooses another."""
    query = "SELECT p.uid FROM people_person p JOIN people_account a ON a.person_id = p.id WHERE a.username = ?"
    uid = living.ask(living.centre, query, username)[0][0]
    text = str(uid)
    admin.open(f"/register/people/{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}/").submit("/password/")
    first = admin.tree.xpath("//*[@class='once-password']")[0].text_content()
    owner = living.stranger()
    owner.open("/account/login/").submit("", username=username, password=first)
    owner.submit("", old_password=first, new_password1=PASSWORD, new_password2=PASSWORD)


def the_edges_are_let_in(living: Living, admin: Person) -> None:
    for number, county in enumerate(living.city.counties):
        admin.open(f"/network/edges/{county.edge}/").submit("/code/")
        code = admin.tree.xpath("//*[@class='once-password']")[0].text_content().strip()
        living.add_edge(number, code)
    living.boxes.keys = dict(
        living.ask(
            living.centre, "SELECT o.code, s.beat_key FROM network_site s JOIN network_managedobject o ON o.id = s.managedobject_ptr_id"
        )
    )
    for edge in living.edges:
        wait_for(
            "the edge has its sites from the catalogue", lambda edge=edge: living.ask(edge, "SELECT count(*) FROM network_site")[0][0] == 3
        )
    others = living.ask(living.edges[0], "SELECT count(*) FROM people_account WHERE username LIKE 'xianguan2'")
    assert others == [(0,)], "an edge never holds the accounts of another county"
    living.boxes.start()
    for site in living.city.sites():
        wait_for(f"{site.code} is up at the centre", lambda code=site.code: living.state_of(code) == "up")
        assert living.boxes.play(site.code) == 200


def a_site_goes_dark_and_is_repaired(living: Living) -> None:
    site = next(iter(living.city.sites()))
    living.boxes.broken.add(site.code)
    wait_for(f"{site.code} is dark", lambda: living.state_of(site.code) == "down")
    clerk = living.person("rexian")
    clerk.open("/desk/").submit("/faults/hotline/", q=site.phone)  # screen 1 and 2: found by telephone, its card
    assert site.name in clerk.text
    assert "不通" in clerk.text
    assert "第一责任人" in clerk.text
    clerk.submit("", "登记", symptom="no_play", words="打不开节目")  # screen 3: the receipt
    receipt = re.sub(r"\W", "", clerk.tree.xpath("//*[@class='spoken']")[0].text_content())
    order = wait_for(
        "the order is there", lambda: living.ask(living.centre, "SELECT i.code FROM items_item i WHERE i.kind = 'work_order'")
    )[0][0]
    engineer = living.person("gongcheng")
    work = f"/faults/orders/{order}/"
    engineer.open(work)
    assert "终端站点设备" in engineer.text, "the cause is proposed with its evidence"
    press(engineer, "accept")
    press(engineer, "start")
    living.boxes.broken.discard(site.code)
    wait_for(f"{site.code} is back", lambda: living.state_of(site.code) == "up")
    engineer.open(work)
    submit_result(engineer)
    officer = living.person("xianguan")
    officer.open(work)
    assert "等待" in officer.text, "without a play test nothing is verified"
    assert living.boxes.play(site.code) == 200
    seen = "SELECT count(*) FROM network_playtest t JOIN network_managedobject o ON o.id = t.site_id WHERE o.code = ?"
    wait_for("the play test came up", lambda: living.ask(living.centre, seen, site.code)[0][0] >= 2)
    officer.open(work)
    answers = {f"{name}_yes": "yes" for name in ("done", "solved", "changed")} | {
        "done": "已换盒",
        "solved": "试播正常",
        "changed": "村里能看了",
    }
    officer.submit("", "核实", **answers)
    press(officer, "close")
    assert living.ask(living.centre, "SELECT state FROM items_item WHERE code = ?", order) == [("closed",)]
    follow = living.stranger().open(f"/faults/follow/?code={receipt}")
    assert site.manager not in follow.text


def press(person: Person, act: str) -> None:
    """Press the bare button of one act on the order's page."""
    form = next(form for form in person.tree.xpath("//form") if any(e.get("value") == act for e in form.xpath(".//input[@name='act']")))
    person.submit("", form.xpath(".//button")[0].text_content().strip(), act=act)


def submit_result(engineer: Person) -> None:
    form = next(form for form in engineer.tree.xpath("//form") if form.xpath(".//select[@name='cause']"))
    button = form.xpath(".//button")[0].text_content().strip()
    engineer.submit("", button, fault_class="equipment", cause="equipment_broken", note="换了机顶盒", act="submit")


def a_film_reaches_every_screen(living: Living, admin: Person, folder: Path) -> str:
    film = folder / "talk.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25", "-f", "lavfi", "-i", "sine=frequency=330"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *source, "-t", "8", "-pix_fmt", "yuv420p", "-c:a", "aac", str(film)]
    subprocess.run(command, check=True)
    producer = living.person("zhizuo")
    producer.open("/courseware/new/").submit("", "", title="春季养猪防疫", summary="消毒、保温、免疫", item_class="service", source="own")
    uid = re.search(r"/courseware/([0-9a-f-]{36})/", str(producer.answer.url))[1]  # type: ignore[union-attr,index]
    upload_in_two_halves(producer, uid, film)
    wait_for(
        "the film is packaged",
        lambda: "审核" in producer.open(f"/courseware/{uid}/").text and state_of_item(living, uid) == "in_review",
        within_s=300,
    )
    for username in REVIEWERS:
        assert state_of_item(living, uid) == "in_review", "three reviews by three persons"
        living.person(username).open(f"/courseware/{uid}/").submit("/approve/", "通过")
    admin.open("/courseware/columns/new/").submit("", "开设", title="农业技术", official="on")
    admin.open(f"/courseware/{uid}/")
    admin.submit("/release/", "发布", column=admin.tree.xpath("//input[@name='column']")[0].get("value"))
    for visitor in map(living.stranger, living.edges):
        wait_for("the film is at the edge", lambda visitor=visitor: visitor.status(f"/items/{uid}/") == 200, within_s=180)
    assert "春季养猪防疫" in admin.open("/courseware/library/").text, "the resource library"
    for node in (living.centre, *living.edges):  # two tiers, two faces of each, one upload
        visitor = living.stranger(node)
        assert "春季养猪防疫" in visitor.open("/").text
        assert "春季养猪防疫" in visitor.open("/tv/all/").text
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu", "--mute-audio"])
        plays_on_a_phone(browser, living.edges[1].address, uid)
        plays_on_a_television(browser, living.edges[1].address)
        browser.close()
    return uid


def state_of_item(living: Living, uid: str) -> str:
    return str(living.ask(living.centre, "SELECT state FROM courseware_courseware WHERE uid = ?", uid.replace("-", ""))[0][0])


def upload_in_two_halves(producer: Person, uid: str, film: Path) -> None:
    """The tus protocol with the line breaking in the middle: half is sent, the offset is asked for, the rest follows."""
    data = film.read_bytes()
    producer.open(f"/courseware/{uid}/")
    token = producer.client.cookies.get("csrftoken", "")
    common = {"Tus-Resumable": "1.0.0", "X-CSRFToken": token, "Referer": str(producer.answer.url)}  # type: ignore[union-attr]
    described = ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in (("filename", film.name), ("courseware", uid))
    )
    created = producer.client.post(
        "/courseware/uploads/", headers={**common, "Upload-Length": str(len(data)), "Upload-Metadata": described}
    )
    assert created.status_code == 201, created.text
    place, half = created.headers["Location"], len(data) // 2
    part = {**common, "Content-Type": "application/offset+octet-stream"}
    assert producer.client.patch(place, content=data[:half], headers={**part, "Upload-Offset": "0"}).status_code == 204
    assert int(producer.client.head(place, headers=common).headers["Upload-Offset"]) == half
    assert producer.client.patch(place, content=data[:half], headers={**part, "Upload-Offset": "0"}).status_code == 409
    assert producer.client.patch(place, content=data[half:], headers={**part, "Upload-Offset": str(half)}).status_code == 204


def plays_on_a_phone(browser: Any, address: str, uid: str) -> None:
    page = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN").new_page()
    page.goto(f"{address}/")
    page.click("text=春季养猪防疫")
    page.wait_for_selector("video")
    page.evaluate("document.querySelector('video').play().catch(() => 0)")  # the player is fetched first, then it plays
    page.wait_for_function(PLAYS, timeout=60_000)
    assert page.url.startswith(f"{address}/items/{uid}")


def plays_on_a_television(browser: Any, address: str) -> None:
    """Arrows, OK and back; nothing else is touched."""
    page = browser.new_context(viewport={"width": 640, "height": 530}, locale="zh-CN").new_page()
    page.goto(f"{address}/tv/")
    for _ in range(6):
        if "/tv/play/" in page.url:
            break
        choose(page)
    assert "/tv/play/" in page.url
    page.wait_for_function(PLAYS, timeout=60_000)
    page.keyboard.press("Backspace")
    page.wait_for_url(lambda url: "/tv/play/" not in url)


def choose(page: Any) -> None:
    """Go down to the first entry if nothing is chosen yet, then OK."""
    if not page.evaluate("document.activeElement !== document.body"):
        page.keyboard.press("ArrowDown")
    with page.expect_navigation():
        page.keyboard.press("Enter")


def a_study_day_is_held_while_the_edge_is_cut_off(living: Living, admin: Person, uid: str) -> None:
    edge, relay, county = living.edges[1], living.relays[1], living.city.counties[1]
    admin.open("/learning/plans/new/").submit(
        "", "安排", title="党员学习日", single_on=china_today(), starts_on=china_today(), days="", items=[uid]
    )
    wait_for("the plan is at the edge", lambda: living.ask(edge, "SELECT count(*) FROM learning_studydayplan")[0][0] == 1)
    relay.cut()
    wait_for("the centre sees the edge dark", lambda: living.state_of(county.edge) == "down")
    wait_for("one root, not three alarms", lambda: open_roots(living, f"%{county.edge[1:]}") == 1)
    assert open_roots(living, f"S-{county.code[:6]}%") == 0
    manager = living.person("zhanguan201", at=edge)
    manager.open("/learning/record/").submit("", "登记", heads_onsite="23")
    assert living.ask(edge, "SELECT heads_onsite FROM learning_session") == [(23,)]
    edge.kill()
    edge.start()
    assert living.ask(edge, "SELECT heads_onsite FROM learning_session") == [(23,)], "what was recorded survives a kill"
    assert living.ask(living.centre, "SELECT count(*) FROM learning_session") == [(0,)]
    assert living.stranger(edge).status(f"/items/{uid}/") == 200, "cut off and just restarted, the edge still serves"
    relay.mend()
    wait_for("the session came up", lambda: living.ask(living.centre, "SELECT heads_onsite FROM learning_session") == [(23,)])
    wait_for("the edge is up again", lambda: living.state_of(county.edge) == "up")
    own = living.ask(edge, "SELECT max(seq) FROM flow_entry e JOIN flow_node n ON n.id = e.origin_id WHERE n.is_self")[0][0]
    held = "SELECT count(*), max(seq) FROM flow_entry e JOIN flow_node n ON n.id = e.origin_id WHERE n.subject_code = ?"
    wait_for("every entry of the edge, once", lambda: min(living.ask(living.centre, held, county.edge)[0]) >= own)
    count, newest = living.ask(living.centre, held, county.edge)[0]
    assert count == newest
    assert living.ask(living.centre, "SELECT count(*) FROM learning_session") == [(1,)], "exactly once"


def open_roots(living: Living, code: str) -> int:
    """How many open root outages the centre has of objects whose code is like this."""
    joined = "network_outage u JOIN network_managedobject o ON o.id = u.object_id"
    rows = living.ask(
        living.centre, f"SELECT count(*) FROM {joined} WHERE u.ended_at IS NULL AND u.root_id IS NULL AND o.code LIKE ?", code
    )
    return int(rows[0][0])


def china_today() -> str:
    from yuanjiao.lib.clock import today

    return today().isoformat()


def the_month_is_reported(living: Living) -> None:
    officer = living.person("xianguan")
    month = china_today()[:7]
    officer.open(f"/reports/draft/?place=990101000000&month={month}").submit("", "起草")
    officer.submit("", "保存", **dict.fromkeys(paragraph_names(officer), "本月运行平稳，下月继续抓好维护。"))
    page = str(officer.answer.url)  # type: ignore[union-attr]
    document = docx.Document(BytesIO(officer.client.get(f"{page}files/docx/").content))
    text = "".join(paragraph.text for paragraph in document.paragraphs)
    assert "柳溪县" in text
    assert "本月运行平稳" in text
    officer.open(page)
    links = officer.tree.xpath("//ul[@class='figures']//a/@href")
    assert len(links) > 5
    for link in links:
        assert officer.client.get(link).status_code == 200


def paragraph_names(officer: Person) -> list[str]:
    return [str(area.get("name")) for area in officer.tree.xpath("//textarea")]
