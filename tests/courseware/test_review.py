"""Review, release and withdrawal: who may do what to whose item, and that every step is kept with who and why."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from tests.courseware.conftest import publish
from yuanjiao.courseware import commands, queries
from yuanjiao.courseware.models import Column, Courseware, CoursewareClass, CoursewareSource, RenditionJob
from yuanjiao.courseware.packaging import work
from yuanjiao.courseware.rules.life import FOLLOWS, State, may_follow
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused, YuanjiaoError
from yuanjiao.people import commands as people
from yuanjiao.people.models import AuditRow
from yuanjiao.people.rules import Role
from yuanjiao.simulation.cast import SINCE, Cast

ON = date(2026, 3, 2)


@pytest.fixture
def in_review(draft: Courseware, films: dict[str, Path], cast: Cast, at: datetime, tmp_path: Path) -> Courseware:
    copy = tmp_path / "film"
    copy.write_bytes(films["short.mp4"].read_bytes())
    commands.take_original(courseware=draft, path=copy, filename="果树.mp4", by=cast.actor("zhizuo"), at=at)
    work.package_item(draft.uid, now=lambda: at)
    draft.refresh_from_db()
    return draft


@pytest.mark.clause("CW17")
def test_the_life_of_an_item_is_kept_with_who_and_why(in_review: Courseware, column: Column, cast: Cast, at: datetime) -> None:
    reviewer, author, manager = cast.actor("shenhe"), cast.actor("zhizuo"), cast.actor("shiguan")
    commands.return_courseware(courseware=in_review, reason="标题太长", by=reviewer, at=at)
    commands.submit_courseware(courseware=in_review, by=author, at=at)
    commands.approve_courseware(courseware=in_review, by=reviewer, at=at, reason="内容准确")
    commands.release_courseware(courseware=in_review, columns=[column], by=manager, at=at)
    commands.withdraw_courseware(courseware=in_review, reason="农药已禁用", by=manager, at=at)
    story = [(step.to_state, step.actor_name) for step in in_review.steps.order_by("at", "pk")]
    assert story == [
        (State.DRAFT, "孙文博"),
        (State.PACKAGING, "孙文博"),
        (State.IN_REVIEW, "系统"),
        (State.RETURNED, "何静"),
        (State.IN_REVIEW, "孙文博"),
        (State.APPROVED, "何静"),
        (State.RELEASED, "陈启明"),
        (State.WITHDRAWN, "陈启明"),
    ]
    assert in_review.steps.get(to_state=State.WITHDRAWN).reason == "农药已禁用"
    assert AuditRow.objects.filter(action="课件已撤下", actor_name="陈启明").exists()


@pytest.mark.clause("GOV22")
def test_nobody_passes_their_own_item(in_review: Courseware, cast: Cast, at: datetime) -> None:
    people.appoint(person=cast.people["zhizuo"], unit=cast.units["ZZ-9901"], role=Role.REVIEWER, on=SINCE)
    with pytest.raises(Refused, match="制作人本人"):
        commands.approve_courseware(courseware=in_review, by=cast.actor("zhizuo"), at=at)
    in_review.refresh_from_db()
    assert in_review.state == State.IN_REVIEW


@pytest.mark.clause("GOV22")
def test_on_an_official_column_author_reviewer_and_releaser_are_three_persons(
    in_review: Courseware, column: Column, cast: Cast, at: datetime
) -> None:
    for name in ("zhizuo", "shenhe"):
        people.appoint(person=cast.people[name], unit=cast.units["ZZ-9901"], role=Role.CITY_ADMIN, on=SINCE)
    commands.approve_courseware(courseware=in_review, by=cast.actor("shenhe"), at=at)
    with pytest.raises(Refused, match="制作人本人"):
        commands.release_courseware(courseware=in_review, columns=[column], by=cast.actor("zhizuo"), at=at)
    with pytest.raises(Refused, match="审核人以外"):
        commands.release_courseware(courseware=in_review, columns=[column], by=cast.actor("shenhe"), at=at)
    Column.objects.filter(pk=column.pk).update(official=False)
    column.refresh_from_db()
    commands.release_courseware(courseware=in_review, columns=[column], by=cast.actor("shenhe"), at=at)
    assert in_review.state == State.RELEASED


def test_a_county_reviewer_does_not_reach_the_citys_items_and_strangers_see_none(in_review: Courseware, cast: Cast, at: datetime) -> None:
    people.appoint(person=cast.people["linxian"], unit=cast.units["ZZ-990102"], role=Role.REVIEWER, on=SINCE)
    with pytest.raises(NotFound):
        commands.approve_courseware(courseware=in_review, by=cast.actor("linxian"), at=at)
    with pytest.raises(NotFound):
        queries.item_for(cast.actor("linxian"), in_review.uid)
    with pytest.raises(Forbidden):
        commands.approve_courseware(courseware=in_review, by=cast.actor("zhanguan"), at=at)


def test_an_item_without_all_its_renditions_is_neither_passed_nor_released(
    in_review: Courseware, column: Column, cast: Cast, at: datetime
) -> None:
    lost = in_review.renditions.get(profile="box-sd")
    lost.delete()
    with pytest.raises(Refused, match="老机顶盒"):
        commands.approve_courseware(courseware=in_review, by=cast.actor("shenhe"), at=at)
    Courseware.objects.filter(pk=in_review.pk).update(state=State.APPROVED)
    in_review.refresh_from_db()
    with pytest.raises(Refused, match="老机顶盒"):
        commands.release_courseware(courseware=in_review, columns=[column], by=cast.actor("shiguan"), at=at)


def test_an_item_is_not_released_before_it_passed_review(in_review: Courseware, column: Column, cast: Cast, at: datetime) -> None:
    with pytest.raises(Refused, match="待审核"):
        commands.release_courseware(courseware=in_review, columns=[column], by=cast.actor("shiguan"), at=at)


def test_a_return_and_a_withdrawal_need_a_reason(in_review: Courseware, cast: Cast, at: datetime) -> None:
    with pytest.raises(Refused, match="原因"):
        commands.return_courseware(courseware=in_review, reason="  ", by=cast.actor("shenhe"), at=at)
    with pytest.raises(Refused, match="原因"):
        commands.withdraw_courseware(courseware=in_review, reason="", by=cast.actor("shenhe"), at=at)


def test_of_two_reviewers_at_once_only_one_decides(in_review: Courseware, cast: Cast, at: datetime) -> None:
    same = Courseware.objects.get(pk=in_review.pk)
    commands.approve_courseware(courseware=in_review, by=cast.actor("shenhe"), at=at)
    with pytest.raises(Conflict):
        commands.return_courseware(courseware=same, reason="不好", by=cast.actor("shenhe"), at=at)


def test_words_are_changed_only_by_the_author_and_only_while_editing(in_review: Courseware, cast: Cast, at: datetime) -> None:
    words = {"title": "新标题", "item_class": CoursewareClass.SERVICE, "source": CoursewareSource.OWN, "at": at}
    with pytest.raises(Refused, match="待审核"):
        commands.describe_courseware(courseware=in_review, by=cast.actor("zhizuo"), **words)
    commands.return_courseware(courseware=in_review, reason="改标题", by=cast.actor("shenhe"), at=at)
    people.appoint(person=cast.people["shenhe"], unit=cast.units["ZZ-9901"], role=Role.PRODUCER, on=SINCE)
    with pytest.raises(Forbidden):
        commands.describe_courseware(courseware=in_review, by=cast.actor("shenhe"), **words)
    commands.describe_courseware(courseware=in_review, by=cast.actor("zhizuo"), **words)
    assert Courseware.objects.get(pk=in_review.pk).title == "新标题"


@pytest.mark.clause("CW04", "CW07")
def test_every_item_has_a_class_and_a_source_and_a_column_may_take_one_class_only(
    released: Courseware, films: dict[str, Path], cast: Cast, at: datetime
) -> None:
    service = commands.open_column(
        title="便民服务", owner=cast.units["ZZ-9901"], visible_from=SINCE, accepts_class=CoursewareClass.SERVICE,
        by=cast.actor("shiguan"), at=at,
    )  # fmt: skip
    assert released.item_class == CoursewareClass.EDUCATION
    with pytest.raises(Refused, match="只收服务类"):
        commands.release_courseware(courseware=released, columns=[service], by=cast.actor("shiguan"), at=at)
    card = queries.released_items(on=ON, item_class="education")[0]
    assert card.class_name == "教育类"
    assert queries.item_detail(released.uid, on=ON).source_name == "自制"
    assert queries.released_items(on=ON, item_class="service") == []


def test_withdrawal_takes_an_item_out_of_every_list_and_door(released: Courseware, column: Column, cast: Cast, at: datetime) -> None:
    assert [card.uid for card in queries.released_items(on=ON)] == [released.uid]
    commands.withdraw_courseware(courseware=released, reason="有误", by=cast.actor("shiguan"), at=at)
    assert queries.released_items(on=ON) == []
    assert queries.columns_now(on=ON)[0].items == 0
    for ask in (queries.item_detail, queries.hls_master):
        with pytest.raises(NotFound):
            ask(released.uid, on=ON)


@pytest.mark.clause("DLV03")
def test_a_column_has_owner_dates_audience_and_order(
    released: Courseware, column: Column, films: dict[str, Path], cast: Cast, at: datetime
) -> None:
    manager = cast.actor("shiguan")
    county = cast.divisions["990101000000"]
    ended = commands.open_column(
        title="去年专题", owner=cast.units["ZZ-9901"], visible_from=SINCE, visible_to=ON, order=1, by=manager, at=at - timedelta(days=30)
    )  # fmt: skip
    liuxi = commands.open_column(
        title="柳溪专栏", owner=cast.units["ZZ-990101"], visible_from=SINCE, audience=county.path, order=5, by=manager, at=at
    )  # fmt: skip
    second = publish(cast, column, films["short.mp4"], at + timedelta(minutes=1), title="桃树夏剪")
    assert [c.title for c in queries.columns_now(on=ON)] == ["柳溪专栏", "农技课堂"]
    assert [c.title for c in queries.columns_now(on=ON, path=cast.divisions["990102100200"].path)] == ["农技课堂"]
    assert [c.title for c in queries.columns_now(on=ON, path=cast.divisions["990101100200"].path)] == ["柳溪专栏", "农技课堂"]
    with pytest.raises(Refused, match="结束"):
        commands.release_courseware(courseware=released, columns=[ended], by=manager, at=at)
    commands.release_courseware(courseware=released, columns=[liuxi], by=manager, at=at)
    titles = [card.title for card in queries.released_items(on=ON, column=column.uid)]
    assert titles == ["桃树夏剪", "果树冬季修剪技术"]
    commands.move_placement(placement=column.placements.get(courseware=second), steps=1, by=manager, at=at)
    assert [card.title for card in queries.released_items(on=ON, column=column.uid)] == titles[::-1]
    assert queries.released_items(on=ON, column=liuxi.uid)[0].columns == ("柳溪专栏", "农技课堂")
    commands.remove_placement(placement=liuxi.placements.get(), by=manager, at=at)
    with pytest.raises(Refused, match="撤下"):
        commands.remove_placement(placement=column.placements.get(courseware=second), by=manager, at=at)


BAD_COLUMNS = [
    ({"title": " "}, "名称"),
    ({"title": "甲", "visible_to": SINCE}, "晚于"),
    ({"title": "甲", "audience": "/110000000000/"}, "范围"),
    ({"title": "农技课堂"}, "已有"),
]


@pytest.mark.parametrize(("details", "why"), BAD_COLUMNS)
def test_a_wrong_column_is_refused(details: dict[str, object], why: str, column: Column, cast: Cast, at: datetime) -> None:
    with pytest.raises(YuanjiaoError, match=why):
        commands.open_column(owner=cast.units["ZZ-9901"], visible_from=SINCE, by=cast.actor("shiguan"), at=at, **details)


def test_only_failed_jobs_are_tried_again(draft: Courseware, cast: Cast, at: datetime) -> None:
    Courseware.objects.filter(pk=draft.pk).update(state=State.PACKAGING)
    draft.refresh_from_db()
    RenditionJob.objects.create(courseware=draft, profile="audio", state="done", queued_at=at)
    with pytest.raises(Conflict):
        commands.retry_packaging(courseware=draft, by=cast.actor("zhizuo"), at=at)
    RenditionJob.objects.create(courseware=draft, profile="box-sd", state="failed", reason="坏了", queued_at=at)
    commands.retry_packaging(courseware=draft, by=cast.actor("zhizuo"), at=at)
    assert dict(draft.jobs.values_list("profile", "state")) == {"audio": "done", "box-sd": "waiting"}


def test_a_withdrawn_item_comes_back_only_through_a_new_review() -> None:
    assert FOLLOWS[State.WITHDRAWN] == {State.IN_REVIEW}
    assert not may_follow(State.IN_REVIEW, State.RELEASED)
    assert set(FOLLOWS) == set(State)


GOOD = b"WEBVTT\n\n00:00.000 --> 00:02.000\n\xe5\x85\x88\xe7\x9c\x8b\xe6\xa0\x91\xe5\xbd\xa2\n"
SRT = "\ufeff1\r\n00:00:00,500 --> 00:00:02,000\r\n先看树形\r\n".encode()


@pytest.mark.parametrize("content", [GOOD, SRT])
def test_captions_are_taken_as_webvtt_or_srt_and_stand_in_the_master(
    content: bytes, in_review: Courseware, cast: Cast, at: datetime
) -> None:
    row = commands.attach_captions(courseware=in_review, content=content, by=cast.actor("zhizuo"), at=at)
    assert 'TYPE=SUBTITLES,GROUP-ID="captions"' in queries.master_of(in_review)
    assert row.media_type == "text/vtt"


BAD_CAPTIONS = [
    ("字幕".encode("gbk"), "UTF-8"),
    (b"hello", "不是 WebVTT"),
    (b"WEBVTT\n\n", "没有一条"),
    (b"WEBVTT" + b" " * 3_000_000, "超过"),
]


@pytest.mark.parametrize(("content", "why"), BAD_CAPTIONS)
def test_wrong_captions_are_refused_by_name(content: bytes, why: str, in_review: Courseware, cast: Cast, at: datetime) -> None:
    with pytest.raises(Refused, match=why):
        commands.attach_captions(courseware=in_review, content=content, by=cast.actor("zhizuo"), at=at)
