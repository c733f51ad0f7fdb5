"""A judge sees works of every kind, whole and without who made them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from PIL import Image

from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Column, Courseware, CoursewareClass, CoursewareSource
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.lib import clock
from yuanjiao.production import commands
from yuanjiao.production.models import Contest, Entry
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
ON = date(2026, 3, 2)
SPEAKER = "王建国"
ADDRESS = "https://kepu.example.cn/seed/"


def photo() -> bytes:
    target = BytesIO()
    Image.new("RGB", (640, 480), (90, 140, 60)).save(target, "JPEG")
    return target.getvalue()


@pytest.fixture
def enter(cast: Cast, column: Column, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Callable[[Kind], Entry]:
    """enter(kind) sends a released work of the kind into a contest that 何晓梅 judges."""
    monkeypatch.setattr(clock, "now", lambda: at)

    def make(kind: Kind) -> Entry:
        contest = commands.open_contest(
            title="优秀课件评选", unit=cast.units["ZZ-9901"], entries_until=ON + timedelta(days=10), criteria=[("内容", 100)],
            least_sheets=1, by=cast.actor("shiguan"), at=at,
        )  # fmt: skip
        entry = commands.enter_work(contest=contest, item=released(kind, cast, column, at).uid, by=cast.actor("zhizuo"), at=at)
        commands.ask_judge(contest=contest, person=cast.people["rexian"], by=cast.actor("shiguan"), at=at)
        units = {judge.pk: {judge.person.unit_id} for judge in contest.judges.select_related("person")}
        commands.begin_judging(contest=Contest.objects.get(pk=contest.pk), units=units, by=cast.actor("shiguan"), at=at)
        return entry

    return make


def released(kind: Kind, cast: Cast, column: Column, at: datetime) -> Courseware:
    by = cast.actor("zhizuo")
    details: dict[str, Any] = {"address": ADDRESS} if kind == Kind.LINK else {}
    item = courseware.create_courseware(
        title="选种", kind=kind, item_class=CoursewareClass.SERVICE, source=CoursewareSource.OWN, speaker=SPEAKER, by=by, at=at, **details
    )
    if kind in {Kind.ARTICLE, Kind.PICTURES}:
        courseware.add_picture(courseware=item, content=photo(), caption="盐水选种", by=by, at=at)
    if kind == Kind.ARTICLE:
        courseware.write_article(courseware=item, source="## 晒种\n\n晒种两天。\n\n[图1]", by=by, at=at)
    courseware.submit_courseware(courseware=item, by=by, at=at)
    return passed(item, [column], cast, at)


def passed(item: Courseware, columns: list[Column], cast: Cast, at: datetime) -> Courseware:
    item.refresh_from_db()
    courseware.approve_courseware(courseware=item, by=cast.actor("shenhe"), at=at)
    item.refresh_from_db()
    courseware.release_courseware(courseware=item, columns=columns, by=cast.actor("shiguan"), at=at)
    return item


def sheet(log_in: LogIn, entry: Entry) -> str:
    answer = log_in("rexian").get(f"/production/entries/{entry.uid}/sheet/")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.clause("CW11", "CW12")
@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (Kind.ARTICLE, ("晒种两天。", "<img")),
        (Kind.PICTURES, ("盐水选种", "/blobs/{blob}.jpg")),
        (Kind.LINK, (f'href="{ADDRESS}"',)),
    ],
)
def test_a_work_that_is_no_film_is_shown_to_its_judge_without_who_made_it(
    enter: Callable[[Kind], Entry], kind: Kind, shown: tuple[str, ...], log_in: LogIn
) -> None:
    entry = enter(kind)
    page = sheet(log_in, entry)
    picture = Courseware.objects.get().parts.first()
    for words in shown:
        assert words.format(blob=picture.blob if picture else "") in page
    assert "播放文件不在本机" not in page
    for secret in (SPEAKER, "组织部", "孙文博"):
        assert secret not in page


def test_a_work_with_a_new_version_is_judged_by_it_and_one_withdrawn_says_so(
    enter: Callable[[Kind], Entry], cast: Cast, at: datetime, log_in: LogIn
) -> None:
    entry = enter(Kind.ARTICLE)
    old, by = Courseware.objects.get(), cast.actor("zhizuo")
    new = courseware.revise_courseware(courseware=old, reason="错字", by=by, at=at)
    courseware.write_article(courseware=new, source="## 晒种\n\n晒种三天。", by=by, at=at)
    courseware.submit_courseware(courseware=new, by=by, at=at)
    passed(new, [], cast, at)
    assert "晒种三天。" in sheet(log_in, entry)
    new.refresh_from_db()
    courseware.withdraw_courseware(courseware=new, reason="内容有误", by=cast.actor("shiguan"), at=at)
    assert "已经撤下" in sheet(log_in, entry)
