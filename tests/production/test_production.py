"""A plan whose progress is counted, a contest from call to award, certificates that anybody can verify."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from tests.programmes.conftest import Publish
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Column, Taxonomy
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.production import commands, queries
from yuanjiao.production.commands import certificates
from yuanjiao.production.limits import AskingLimits
from yuanjiao.production.models import Certificate, Contest, Entry, SheetLine
from yuanjiao.production.rules.numbers import certificate_number
from yuanjiao.simulation.cast import SINCE, Cast

LogIn = Callable[[str], Client]
ON = date(2026, 3, 2)
JUDGES = ("gongcheng", "rexian", "zhanguan")


@pytest.fixture
def contest(cast: Cast, at: datetime) -> Contest:
    return commands.open_contest(
        title="优秀课件评选", unit=cast.units["ZZ-9901"], entries_until=ON + timedelta(days=10), criteria=[("内容", 60), ("制作", 40)],
        least_sheets=2, by=cast.actor("shiguan"), at=at,
    )  # fmt: skip


@pytest.fixture
def entries(contest: Contest, publish: Publish, cast: Cast, at: datetime) -> list[Entry]:
    """Two works of 青禾市委组织部, which 孙文博 made."""
    by = cast.actor("zhizuo")
    return [commands.enter_work(contest=contest, item=publish(title).uid, by=by, at=at) for title in ("养猪技术", "果树修剪")]


def ask(contest: Contest, cast: Cast, at: datetime, *names: str) -> None:
    for name in names:
        commands.ask_judge(contest=contest, person=cast.people[name], by=cast.actor("shiguan"), at=at)


def begin(contest: Contest, cast: Cast, at: datetime) -> None:
    units = {judge.pk: {judge.person.unit_id} for judge in contest.judges.select_related("person")}
    commands.begin_judging(contest=contest, units=units, by=cast.actor("shiguan"), at=at)


def score(entry: Entry, cast: Cast, at: datetime, name: str, content: int, making: int) -> None:
    first, second = entry.contest.criteria.all()
    commands.hand_in_sheet(entry=entry, points={first.pk: content, second.pk: making}, words="", by=cast.actor(name), at=at)


@pytest.mark.clause("CW03")
def test_progress_of_a_plan_is_counted_from_what_is_released(
    publish: Publish, cast: Cast, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    client = log_in("shiguan")
    form = {
        "title": "2026 年规划",
        "document": "青组〔2026〕9号",
        "unit": "ZZ-9901",
        "lines": "果树 2026 2 青禾市委组织部\n养猪，2026，1件，ZZ-9901",
    }
    assert client.post("/production/plans/new/", {**form, "lines": "果树 不知道"}).status_code == 400
    assert client.post("/production/plans/new/", form).status_code == 302
    (plan,) = queries.plans_seen(cast.actor("shiguan"))
    assert [one.made for one in queries.plan_progress(plan)] == [0, 0]
    made = publish("果树冬季修剪")
    peaches = publish("桃园管理")
    assert [(one.made, one.share) for one in queries.plan_progress(plan)] == [(1, 0.5), (0, 0.0)]
    courseware.ensure_usual_lists(by=cast.actor("shiguan"), at=at)
    label = courseware.add_topic(taxonomy=Taxonomy.objects.all()[0], name="果树", by=cast.actor("shiguan"), at=at)
    peaches.topics.add(label)
    assert [one.made for one in queries.plan_progress(plan)] == [2, 0], "an item labelled with the topic counts whatever it is called"
    peaches.topics.clear()
    assert "果树冬季修剪" in client.get("/production/plans/").content.decode()
    courseware.withdraw_courseware(courseware=made, reason="有误", by=cast.actor("shiguan"), at=at)
    assert [one.made for one in queries.plan_progress(plan)] == [0, 0]
    line = commands.Line("果树", 2026, 3, cast.units["ZZ-9901"])
    with pytest.raises(Conflict):
        commands.add_plan_lines(plan=plan, lines=[line], by=cast.actor("shiguan"), at=at)
    address = f"/production/plans/{plan.uid}/lines/"
    assert address in client.get("/production/plans/").content.decode()
    assert client.post(address, {"lines": "果树 2026 5 青禾市委组织部"}).status_code == 400, "it is there"
    assert client.post(address, {"lines": "养蜂 2027 4 柳溪县委组织部"}).status_code == 302
    plan = queries.plans_seen(cast.actor("shiguan")).get()
    assert [(one.line.topic, one.line.quantity) for one in queries.plan_progress(plan)][-1] == ("养蜂", 4)
    other = log_in("xianguan")
    assert address not in other.get("/production/plans/").content.decode()
    assert other.post(address, {"lines": "养蜂 2028 4 柳溪县委组织部"}).status_code == 404
    own, line = cast.units["ZZ-990101"], commands.Line("果树", 2026, 3, cast.units["ZZ-990102"])
    with pytest.raises(Refused, match="范围"):
        commands.add_resource_plan(title="县", unit=own, document="x", lines=[line], by=cast.actor("xianguan"), at=at)


@pytest.mark.clause("CW11")
def test_a_contest_goes_from_call_to_award_and_its_winners_stand_in_a_column(
    contest: Contest, entries: list[Entry], cast: Cast, at: datetime
) -> None:
    by = cast.actor("shiguan")
    with pytest.raises(Conflict):
        commands.enter_work(contest=contest, item=entries[0].item_uid, by=cast.actor("zhizuo"), at=at)
    with pytest.raises(Refused, match="0 位"):
        begin(contest, cast, at)
    ask(contest, cast, at, *JUDGES)
    begin(contest, cast, at)
    with pytest.raises(Refused, match="评审"):
        commands.enter_work(contest=contest, item=entries[0].item_uid, by=cast.actor("zhizuo"), at=at)
    for name in JUDGES:
        score(entries[0], cast, at, name, 50, 30)
    score(entries[1], cast, at, "gongcheng", 60, 40)
    with pytest.raises(Refused, match="2 号作品只有 1 张"):
        commands.close_judging(contest=contest, prizes=[("一等奖", 1)], by=by, at=at)
    score(entries[1], cast, at, "rexian", 55, 40)
    commands.close_judging(contest=contest, prizes=[("一等奖", 1), ("二等奖", 1)], by=by, at=at)
    assert [(one.entry.title, str(one.total), one.entry.award.prize) for one in queries.standings(contest)] == [
        ("果树修剪", "97.50", "一等奖"), ("养猪技术", "80.00", "二等奖"),
    ]  # fmt: skip
    shown = courseware.open_column(title="获奖课件", owner=cast.units["ZZ-9901"], visible_from=SINCE, by=by, at=at)
    with pytest.raises(Refused, match="公示"):
        commands.award_contest(contest=contest, column=shown, by=by, at=at + timedelta(days=4))
    objection = commands.raise_objection(contest=contest, words="重复报送", by=cast.actor("xianguan"), at=at)
    with pytest.raises(Refused, match="异议"):
        commands.award_contest(contest=contest, column=shown, by=by, at=at + timedelta(days=5))
    commands.answer_objection(objection=objection, answer="查无此事", by=by, at=at + timedelta(days=5))
    assert commands.award_contest(contest=contest, column=shown, by=by, at=at + timedelta(days=5)) == 2
    assert {one.courseware.title for one in shown.placements.all()} == {"养猪技术", "果树修剪"}
    assert [one.reason for one in Certificate.objects.order_by("running")] == [
        "《果树修剪》获“优秀课件评选”一等奖", "《养猪技术》获“优秀课件评选”二等奖",
    ]  # fmt: skip
    with pytest.raises(Refused):
        commands.award_contest(contest=contest, column=shown, by=by, at=at + timedelta(days=6))


@pytest.mark.clause("CW12")
def test_scores_are_hidden_from_everybody_until_judging_is_closed_and_then_recomputed_from_the_sheets(
    contest: Contest, entries: list[Entry], cast: Cast, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    ask(contest, cast, at, *JUDGES)
    begin(contest, cast, at)
    for entry in entries:
        for name in JUDGES:
            score(entry, cast, at, name, 47, 39)
    address = f"/production/contests/{contest.uid}/"
    for name in ("shiguan", "rexian", "zhizuo"):
        words = re.sub(r"<[^>]*>", " ", log_in(name).get(address).content.decode())
        assert ("养猪技术" in words) == (name != "zhizuo")
        assert not {"86", "47", "86.00"} & set(words.split())
    with pytest.raises(Refused, match="不公开"):
        queries.standings(contest)
    log_in("shiguan").post(f"{address}close/", {"prizes": "一等奖 1"})
    assert "86.00" in log_in("shiguan").get(address).content.decode()
    contest.refresh_from_db()
    SheetLine.objects.filter(sheet__entry=entries[0], given=47).update(given=57)
    assert [str(one.total) for one in queries.standings(contest)] == ["96.00", "86.00"]


@pytest.mark.clause("CW12")
def test_a_judge_receives_no_work_of_the_own_unit_or_its_kin_and_does_not_see_who_made_it(
    contest: Contest, entries: list[Entry], cast: Cast, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    ask(contest, cast, at, *JUDGES, "xianguan", "shenhe")
    begin(contest, cast, at)
    address = f"/production/contests/{contest.uid}/"
    for kin in ("xianguan", "shenhe"):  # a child unit, and the own unit
        assert "养猪技术" not in log_in(kin).get(address).content.decode()
        assert log_in(kin).get(f"/production/entries/{entries[0].uid}/sheet/").status_code == 404
        with pytest.raises(NotFound):
            score(entries[0], cast, at, kin, 60, 40)
    judge = log_in("rexian")
    page = judge.get(f"/production/entries/{entries[0].uid}/sheet/").content.decode()
    assert "养猪技术" in page
    assert "组织部" not in page
    assert "孙文博" not in page
    first, second = contest.criteria.all()
    assert judge.post(f"/production/entries/{entries[0].uid}/sheet/", {f"c{first.pk}": "61", f"c{second.pk}": "1"}).status_code == 302
    assert not entries[0].sheets.exists()
    judge.post(f"/production/entries/{entries[0].uid}/sheet/", {f"c{first.pk}": "60", f"c{second.pk}": "1"})
    assert entries[0].sheets.count() == 1
    judge.post(f"/production/entries/{entries[0].uid}/sheet/", {"step_back": "", "reason": "作者是亲属"})
    assert entries[0].sheets.count() == 0
    assert judge.get(f"/production/entries/{entries[0].uid}/sheet/").status_code == 404


def test_an_entry_must_be_eligible(contest: Contest, publish: Publish, column: Column, cast: Cast, at: datetime) -> None:
    item = publish("旧作")
    by = cast.actor("zhizuo")
    with pytest.raises(Refused, match="截止"):
        commands.enter_work(contest=contest, item=item.uid, by=by, at=at + timedelta(days=11))
    with pytest.raises(NotFound):
        commands.enter_work(contest=contest, item=item.uid, by=cast.actor("linxian"), at=at)
    Contest.objects.update(made_from=ON + timedelta(days=1))
    with pytest.raises(Refused, match="以后发布"):
        commands.enter_work(contest=contest, item=item.uid, by=by, at=at)
    Contest.objects.update(made_from=None)
    entry = commands.enter_work(contest=contest, item=item.uid, by=by, at=at)
    commands.refuse_entry(entry=entry, reason="不是原创", by=cast.actor("shiguan"), at=at)
    ask(contest, cast, at, *JUDGES)
    with pytest.raises(Refused, match="没有符合条件"):
        begin(contest, cast, at)
    with pytest.raises(NotFound):
        commands.refuse_entry(entry=entry, reason="x", by=cast.actor("xianguan"), at=at)


@pytest.fixture
def own_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "ASKED", AskingLimits())


@pytest.mark.clause("CW09")
@pytest.mark.usefixtures("own_limits")
def test_a_certificate_is_numbered_and_verified_by_anybody_by_number_or_qr(cast: Cast, at: datetime, log_in: LogIn) -> None:
    by = cast.actor("shiguan")
    said = {"unit": cast.units["ZZ-9901"], "by": by, "at": at}
    first, second = (commands.issue_certificate(holder=name, reason="主讲《果树修剪》", **said) for name in ("刘教授", "王教授"))  # type: ignore[arg-type]
    assert (first.running, second.running) == (1, 2)
    anybody = Client()
    typed = {"number": first.number.lower().replace("-", " "), "code": f"{first.code[:4]} {first.code[4:]}".lower()}
    answer = anybody.get("/certificates/", typed)
    assert answer.status_code == 302
    shown = anybody.get(answer["Location"])
    for words in ("有效", "刘教授", "青禾市委组织部", "<svg"):
        assert words in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert shown["Referrer-Policy"] == "no-referrer"
    assert anybody.get("/certificates/").status_code == 200
    assert log_in("xianguan").post(f"/production/certificates/{first.number}/revoke/", {"reason": "x"}).status_code == 404
    log_in("shiguan").post(f"/production/certificates/{first.number}/revoke/", {"reason": "抄袭"})
    page = anybody.get(f"/certificates/{first.number}/{first.code}/").content.decode()
    assert "已撤销" in page
    assert "抄袭" in page
    third = commands.issue_certificate(holder="李教授", reason="主讲", **said)  # type: ignore[arg-type]
    assert third.running == 3


@pytest.mark.usefixtures("own_limits")
def test_who_has_only_numbers_learns_no_name_and_cannot_try_for_long(cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
    said = {"unit": cast.units["ZZ-9901"], "by": cast.actor("shiguan"), "at": at, "reason": "主讲"}
    rows = [commands.issue_certificate(holder=name, **said) for name in ("刘教授", "王教授")]  # type: ignore[arg-type]
    assert rows[0].code != rows[1].code
    known, unknown = rows[0].number, certificate_number(2026, 999)
    pages = {}
    for number in (known, unknown):
        asked = Client().get(f"/certificates/{number}/")
        wrong = Client().get("/certificates/", {"number": number, "code": rows[1].code})
        assert (asked.status_code, wrong.status_code) == (200, 404)
        pages[number] = (asked.content.decode().replace(number, ""), wrong.content.decode().replace(number, ""))
        assert "教授" not in "".join(pages[number])
    assert pages[known] == pages[unknown], "whether a number exists is not told either"
    tries = [Client().get(f"/certificates/{known}/AAAA{n:04}/").status_code for n in range(40)]
    assert set(tries) == {404, 429}
    waiting = Client().get(f"/certificates/{known}/{rows[0].code}/")
    assert waiting.status_code == 429
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(seconds=int(waiting["Retry-After"])))
    assert "刘教授" in Client().get(f"/certificates/{known}/{rows[0].code}/").content.decode()
    others = [Client(REMOTE_ADDR=f"10.1.0.{n}").get(f"/certificates/{known}/AAAAAAAA/").status_code for n in range(40)]
    assert 429 in others, "many addresses together try one number no faster"
