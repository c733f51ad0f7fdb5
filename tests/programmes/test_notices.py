"""Urgent notices: before everything on every terminal, acknowledged by objects, gone by themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.flow.journal.models import Entry
from yuanjiao.flow.journal.record import apply_entry
from yuanjiao.flow.nodes.models import Node
from yuanjiao.learning.rules import television_key
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.network.models import Site
from yuanjiao.programmes import commands, queries, shelf
from yuanjiao.programmes.models import Acknowledgement, Notice
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
LI = "S-990101100200"


@pytest.fixture
def notice(cast: Cast, at: datetime) -> Notice:
    """A flood warning for 柳溪县."""
    return commands.issue_notice(
        title="暴雨红色预警", body="今晚有特大暴雨，\n低洼地带请立即转移。", unit=cast.units["ZZ-9901"], document="青防汛〔2026〕3号",
        scope=cast.divisions["990101000000"].path, ends_at=at + timedelta(days=1), by=cast.actor("shiguan"), at=at,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def clock_stands(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(hours=1))


def become_edge(cast: Cast) -> None:
    Node.objects.filter(is_self=True).update(subject_code="E-990101", scope=cast.divisions["990101000000"].path)


@pytest.mark.clause("DLV13")
def test_a_notice_stands_before_every_page_of_portal_and_television_until_it_ends(
    notice: Notice, client: Client, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ("/", "/search/"):
        assert "暴雨红色预警" in client.get(address).content.decode()
        assert client.get(address)["Cache-Control"] == "private, no-cache"
    for address in ("/tv/", "/tv/all/"):
        shown = client.get(address).content.decode()
        assert "暴雨红色预警" in shown
        assert "青防汛〔2026〕3号" in shown
        assert "全部课件" not in shown
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=1))
    assert "暴雨" not in client.get("/").content.decode()
    assert "全部课件" in client.get("/tv/").content.decode()


@pytest.mark.clause("DLV13")
def test_ok_on_a_sites_television_is_the_sites_confirmation_and_leads_on(notice: Notice, cast: Cast, log_in: LogIn) -> None:
    site = cast.sites[LI]
    Site.objects.filter(pk=site.pk).update(beat_key="k" * 40)
    box, key = Client(), television_key("k" * 40, site.code)
    box.get(f"/tv/?site={site.code}&key={key}")
    answer = box.post(f"/tv/notices/{notice.uid}/ok/", {"next": f"/tv/?site={site.code}&key={key}", "site": site.code, "key": key})
    assert answer.status_code == 302
    assert "全部课件" in box.get(answer["Location"]).content.decode()
    assert "全部课件" in box.get("/tv/").content.decode(), "the box remembers"
    row = Acknowledgement.objects.get()
    assert (row.subject, row.confirmed_via) == (site.code, "tv")
    box.post(f"/tv/notices/{notice.uid}/ok/", {"site": site.code, "key": key})
    assert Entry.objects.filter(kind="programmes.notice_confirmed/1").count() == 1
    page = log_in("shiguan").get(f"/programmes/notices/{notice.uid}/?stage=confirmed").content.decode()
    assert "李村站点" in page
    assert "王庄村站点" not in page


def test_a_television_at_home_or_with_a_wrong_key_confirms_nothing(notice: Notice, cast: Cast) -> None:
    Site.objects.filter(code=LI).update(beat_key="k" * 40)
    for said in ({}, {"site": LI, "key": "000000000000"}, {"site": "S-no", "key": ""}):
        box = Client()
        assert box.post(f"/tv/notices/{notice.uid}/ok/", {**said, "next": "//elsewhere.example/"})["Location"].startswith("/tv/")
        assert "全部课件" in box.get("/tv/").content.decode()
    assert not Acknowledgement.objects.exists()


@pytest.mark.clause("DLV13")
def test_the_page_says_which_sites_have_not_acknowledged_and_since_when(notice: Notice, cast: Cast, at: datetime, log_in: LogIn) -> None:
    by = cast.actor("shiguan")
    assert {(one.code, one.stage, one.waiting_since) for one in queries.site_reach(notice, by)} == {
        (code, "waiting", at) for code in cast.sites if code.startswith("S-990101")
    }
    become_edge(cast)
    assert commands.tell_arrivals(at=at + timedelta(minutes=1)) == 1
    assert commands.tell_arrivals(at=at + timedelta(minutes=2)) == 0
    assert {(one.stage, one.waiting_since) for one in queries.site_reach(notice, by)} == {("taken", at + timedelta(minutes=1))}
    assert [(one.code, one.taken_at) for one in queries.edge_reach(notice, by)] == [("E-990101", at + timedelta(minutes=1))]
    manager = log_in("zhanguan")
    assert "李村站点：已知悉" in manager.get(f"/programmes/notices/{notice.uid}/").content.decode()
    manager.post(f"/programmes/notices/{notice.uid}/confirm/", {"site": LI})
    first, *_others, last = queries.site_reach(notice, by)
    assert (first.stage, last.code, last.stage, last.via) == ("taken", LI, "confirmed", "page")
    assert manager.post(f"/programmes/notices/{notice.uid}/confirm/", {"site": "S-990101100201"}).status_code == 404
    assert not queries.notices_seen_by(cast.actor("linxian")).exists()
    assert log_in("linxian").get(f"/programmes/notices/{notice.uid}/").status_code == 404


def test_acknowledgements_are_the_same_in_any_order_and_twice(notice: Notice, cast: Cast, at: datetime) -> None:
    become_edge(cast)
    commands.tell_arrivals(at=at)
    commands.confirm_notice(notice=notice, site=cast.sites[LI], by=cast.actor("zhanguan"), at=at + timedelta(hours=1))
    names = ("notice_uid", "subject", "taken_at", "confirmed_at", "confirmed_via")
    rows = list(Acknowledgement.objects.order_by("subject").values_list(*names))
    entries = list(Entry.objects.filter(kind__startswith="programmes.").order_by("seq"))
    Acknowledgement.objects.all().delete()
    for entry in [*reversed(entries), *entries]:
        apply_entry(entry)
    assert list(Acknowledgement.objects.order_by("subject").values_list(*names)) == rows


def test_only_official_notices_with_an_end_and_inside_the_own_subtree(notice: Notice, cast: Cast, at: datetime) -> None:
    said = {"title": "通知", "body": "正文", "unit": cast.units["ZZ-990101"], "document": "柳发〔2026〕1号", "at": at}
    county, other = cast.divisions["990101000000"].path, cast.divisions["990102000000"].path
    by, ahead = cast.actor("xianguan"), at + timedelta(hours=1)
    for wrong, error in (
        ({"document": " "}, Refused), ({"ends_at": at}, Refused), ({"ends_at": at + timedelta(days=31)}, Refused), ({"body": ""}, Refused),
        ({"scope": other}, NotFound),
    ):  # fmt: skip
        with pytest.raises(error):
            commands.issue_notice(**{**said, "scope": county, "ends_at": ahead, "by": by, **wrong})  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        commands.recall_notice(notice=notice, by=cast.actor("shiguan"), at=at + timedelta(days=2))
    commands.recall_notice(notice=notice, by=by, at=ahead)
    assert queries.notices_now(at=ahead) == []


def test_a_notice_goes_down_to_its_scope_only_and_comes_back_recalled(notice: Notice, cast: Cast, at: datetime) -> None:
    liuxi, shiling = cast.divisions["990101000000"].path, cast.divisions["990102000000"].path
    assert "暴雨" not in shelf.offer(ALL).document.decode()
    assert "暴雨" not in shelf.offer(shiling).document.decode()
    assert "暴雨" in shelf.offer(cast.divisions["990101100000"].path).document.decode()
    first = shelf.offer(liuxi)
    commands.recall_notice(notice=notice, by=cast.actor("shiguan"), at=at)
    second = shelf.offer(liuxi)
    Notice.objects.all().delete()
    shelf.accept(first.document)
    assert [row.title for row in queries.notices_now(at=at, path=liuxi)] == ["暴雨红色预警"]
    shelf.accept(shelf.offer(ALL).document)
    assert Notice.objects.count() == 1, "the document of all leaves a subtree's rows alone"
    shelf.accept(second.document)
    assert queries.notices_now(at=at, path=liuxi) == []


def test_the_form_issues_and_recalls(cast: Cast, at: datetime, log_in: LogIn) -> None:
    client = log_in("shiguan")
    form = {
        "title": "停水通知", "body": "明天停水", "unit": "ZZ-9901", "document": "青水〔2026〕1号",
        "scope": cast.divisions["990100000000"].path, "ends_at": "2026-03-03T08:00",
    }  # fmt: skip
    assert client.post("/programmes/notices/new/", {**form, "document": ""}).status_code == 400
    answer = client.post("/programmes/notices/new/", form)
    assert answer.status_code == 302
    assert Notice.objects.get().ends_at.isoformat() == "2026-03-03T00:00:00+00:00"
    assert "5" in client.get(answer["Location"]).content.decode()
    client.post(f"{answer['Location']}recall/")
    assert Notice.objects.get().recalled_at is not None
    assert "已收回" in client.get("/programmes/notices/").content.decode()
