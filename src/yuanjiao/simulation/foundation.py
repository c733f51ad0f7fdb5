"""What a demo begins with: the city founded and its register imported by the front door, accounts, films, study days, a recorded past."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from yuanjiao.courseware.commands import open_column, publish_file
from yuanjiao.courseware.models import CoursewareClass
from yuanjiao.learning.commands import plan_study_day
from yuanjiao.learning.rules import SessionForm
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.commands import choose_password
from yuanjiao.people.models import Account
from yuanjiao.people.queries import actor_of
from yuanjiao.people.rules import Actor
from yuanjiao.places.queries import unit_by_code
from yuanjiao.register.commands import apply_import, check_import, receive_file, request_apply
from yuanjiao.register.models import Import, ImportState
from yuanjiao.simulation.city import City
from yuanjiao.simulation.films import FILMS, make_film
from yuanjiao.simulation.workbook import portions, write_workbook

SINCE = date(2025, 1, 1)
ADMIN = "shiguan"
REVIEWERS = ("shenhe", "shenhe2", "shenhe3")
"""一审、二审、三审: a city is founded with three reviews."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Setting:
    """Where things lie, and when the demo's past begins."""

    folder: Path
    start: datetime
    password: str


def new_password() -> str:
    """One password for all accounts of one demo, made anew for each."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(3))


def actor(username: str) -> Actor:
    return actor_of(Account.objects.select_related("person").get(username=username), on=clock.today())


def import_city(city: City, setting: Setting, say: Say) -> list[Import]:
    """Write the city's workbooks and import them as its administrator would. Refused with the first reasons when a row is wrong."""
    return [_import_portion(portion, number, setting, say) for number, portion in enumerate(portions(city), 1)]


def _import_portion(city: City, number: int, setting: Setting, say: Say) -> Import:
    path = setting.folder / f"register-{number}.xlsx"
    rows = write_workbook(city, path, since=SINCE)
    say(f"台账 {rows} 行写入 {path.name}，开始检查导入")
    data, by = path.read_bytes(), actor(ADMIN)
    batch = receive_file(name=path.name, chunks=[data], size_bytes=len(data), by=by, at=setting.start)
    check_import(batch=batch, by=by, at=setting.start)
    batch.refresh_from_db()
    if batch.state != ImportState.READY:
        raise Refused("；".join(str(problem) for problem in batch.problems.all()[:5]) or batch.message)
    request_apply(batch=batch, good_rows_only=False, by=by)
    apply_import(batch=batch, by=by, at=setting.start)
    batch.refresh_from_db()
    return batch


def give_passwords(setting: Setting) -> list[Account]:
    """Everybody with an account gets the demo's password."""
    accounts = list(Account.objects.select_related("person__unit").order_by("pk"))
    for account in accounts:
        choose_password(account=account, password=setting.password, by=actor(ADMIN), at=setting.start)
    return accounts


def publish_films(setting: Setting, say: Say) -> None:
    """Three films: made, uploaded, packaged, reviewed by three other persons, released into two columns."""
    admin, unit = actor(ADMIN), unit_by_code("ZZ-9901")
    columns = {
        CoursewareClass.SERVICE: open_column(
            title="农业技术", owner=unit, visible_from=SINCE, summary="种植、养殖，按农时更新", order=10, by=admin, at=setting.start
        ),
        CoursewareClass.EDUCATION: open_column(
            title="党员学习", owner=unit, visible_from=SINCE, summary="学习日安排的课件", order=20, by=admin, at=setting.start
        ),
    }
    for number, film in enumerate(FILMS, 1):
        say(f"示例影片 {number}/{len(FILMS)}：{film.title}（制作、转码、校验）")
        path, captions = make_film(film, setting.folder / "films")
        kind = CoursewareClass(film.item_class)
        publish_file(
            path=path,
            title=film.title,
            author=actor("zhizuo"),
            reviewer=[actor(name) for name in REVIEWERS],
            releaser=admin,
            columns=[columns[kind]],
            now=clock.now,
            item_class=kind,
            summary=film.summary,
            captions=captions.read_bytes(),
        )


def plan_study_days(setting: Setting) -> None:
    """Every 6th, 16th and 26th at 14:30, for the whole city."""
    unit = unit_by_code("ZZ-9901")
    plan_study_day(
        title="党员集中学习日",
        unit=unit,
        scope=unit.division.path,
        form=SessionForm.GROUP_VIEWING,
        start_time=time(14, 30),
        minutes=60,
        starts_on=clock.local_day(setting.start - timedelta(days=1)),
        days_of_month=(6, 16, 26),
        by=actor(ADMIN),
        at=setting.start,
    )
