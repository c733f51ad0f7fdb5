"""Items: made, described, sent to review; what each kind must have before anybody looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack
from urllib.parse import urlsplit

from django.db import transaction

from yuanjiao.courseware import steps
from yuanjiao.courseware.models import Courseware, CoursewareClass, CoursewareSource, JobState, PartKind, Topic
from yuanjiao.courseware.rules.articles import plain, under_headings
from yuanjiao.courseware.rules.kinds import FROM_ONE_FILE, Kind, missing_case_parts
from yuanjiao.courseware.rules.life import ASLEEP, EDITABLE, State
from yuanjiao.courseware.rules.profiles import applicable
from yuanjiao.lib.errors import Forbidden, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import person_by_uid
from yuanjiao.people.rules import Actor, Permission

LENGTHS = {"title": ("标题", 100), "summary": ("简介", 500), "speaker": ("主讲人", 50), "origin": ("来源单位", 100)}


class Details(TypedDict, total=False):
    """What may be said of an item beside title, class and source; what is left out stays as it is."""

    summary: str
    speaker: str
    origin: str
    age_band: str
    material: str
    is_story: bool
    is_case: bool
    address: str
    topics: Sequence[Topic]


@transaction.atomic
def create_courseware(
    *,
    title: str,
    item_class: CoursewareClass,
    source: CoursewareSource,
    by: Actor,
    at: datetime,
    kind: Kind = Kind.VIDEO,
    **details: Unpack[Details],
) -> Courseware:
    """A draft in the author's unit. Refused without a title, or for somebody who does not produce courseware."""
    if by.person_uid is None:
        raise Forbidden("课件须由具体的制作人建立")
    author = person_by_uid(by.person_uid)
    by.require(Permission.PRODUCE_COURSEWARE, author.unit.division.path)
    fields, topics = _checked(kind, {"title": title, **details})
    row = Courseware.objects.create(
        **fields, kind=kind, item_class=item_class, source=source, author=author, unit=author.unit, created_at=at, state=State.DRAFT
    )
    row.topics.set(topics or [])
    steps.record_step(row, State.DRAFT, old=None, by=by, at=at, reason="")
    return row


@transaction.atomic
def describe_courseware(
    *,
    courseware: Courseware,
    title: str,
    item_class: CoursewareClass,
    source: CoursewareSource,
    by: Actor,
    at: datetime,
    **details: Unpack[Details],
) -> None:
    """Change what is said of an item that is not in review or released. Its kind stays what it is."""
    require_own(courseware, by)
    fields, topics = _checked(Kind(courseware.kind), {"title": title, "address": courseware.address, **details})
    fields |= {"item_class": item_class, "source": source}
    for name, value in fields.items():
        setattr(courseware, name, value)
    courseware.save(update_fields=list(fields))
    if topics is not None:
        courseware.topics.set(topics)
    write_audit(by=by, action="修改课件说明", subject=f"课件 {courseware.title}", at=at)


def _checked(kind: Kind, values: dict[str, Any]) -> tuple[dict[str, Any], Sequence[Topic] | None]:
    """The fields of the row, cleaned, and the topics if any were named."""
    topics = values.pop("topics", None)
    fields = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    if not fields["title"]:
        raise Refused("标题不能为空")
    for name, (words, longest) in LENGTHS.items():
        if len(fields.get(name, "")) > longest:
            raise Refused(f"{words}最多 {longest} 字")
    if kind == Kind.LINK:
        _check_address(fields.get("address", ""))
    elif fields.get("address"):
        raise Refused("只有“外部链接”才填网址")
    if fields.get("is_case") and kind != Kind.ARTICLE:
        raise Refused("教学案例按模板写成图文")
    return fields, topics


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        usable = False
    if not usable or len(address) > 500 or any(letter.isspace() for letter in address):
        raise Refused("请填完整的网址，以 http:// 或 https:// 开头")


def require_own(courseware: Courseware, by: Actor, states: frozenset[State] = EDITABLE) -> None:
    """Refused unless the person made the item and it stands in one of the states."""
    path = courseware.unit.division.path
    if not (courseware.is_story and by.covers(Permission.SEND_STORY, path)):  # CW25: stories come from people who make nothing else
        by.require(Permission.PRODUCE_COURSEWARE, path)
    if courseware.author is None or courseware.author.uid != by.person_uid:
        raise Forbidden("只有制作人本人可以修改这件课件")
    if courseware.state not in states:
        raise Refused(f"“{steps.NAMES[courseware.state]}”的课件不能修改；需要修改请先由审核人退回")


# -- review -----------------------------------------------------------------------------------------------------------------


@transaction.atomic
def submit_courseware(*, courseware: Courseware, by: Actor, at: datetime, reason: str = "") -> None:
    """Send an item to review: again after a return, a withdrawal or an expiry, or for the first time when nothing is packaged of it.

    Refused while something is missing.
    """
    first = courseware.state == State.DRAFT and courseware.kind not in FROM_ONE_FILE
    require_own(courseware, by, ASLEEP | {State.DRAFT} if first else ASLEEP)
    require_complete(courseware)
    steps.submit(courseware, by=by, at=at, reason=reason or ("送审" if first else "修改后再次送审"))


def require_complete(courseware: Courseware) -> None:
    """Refused unless the item has all that its kind needs; the message names what is missing."""
    missing = missing_of(courseware)
    if missing:
        raise Refused("还缺少：" + "、".join(missing) + "，不能送审或发布")


def missing_of(courseware: Courseware) -> list[str]:
    """What the item still lacks, in words for its author; empty when it is whole."""
    kind = Kind(courseware.kind)
    if kind == Kind.ARTICLE:
        return _missing_of_article(courseware)
    if kind == Kind.PICTURES:
        return [] if courseware.parts.filter(kind=PartKind.PICTURE).exists() else ["图片"]
    if kind == Kind.LINK:
        return [] if courseware.address else ["网址"]
    if kind == Kind.DOCUMENT:
        made = courseware.parts.filter(kind=PartKind.PAGE).exists()
        return [] if made and not courseware.jobs.exclude(state=JobState.DONE).exists() else ["文档的页面"]
    needed = applicable(width=courseware.width, height=courseware.height, has_audio=courseware.has_audio)
    have = set(courseware.renditions.values_list("profile", flat=True))
    if courseware.duration_s <= 0:
        return [courseware.get_kind_display()]
    return [f"{profile.title}规格" for profile in needed if profile.name not in have]


def _missing_of_article(courseware: Courseware) -> list[str]:
    if not plain(courseware.body):
        return ["正文"]
    if courseware.is_case:
        return [f"“{part}”一节" for part in missing_case_parts(under_headings(courseware.body))]
    return []
