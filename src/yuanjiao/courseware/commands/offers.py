"""Items offered upward: stories sent from a phone (CW25), a county's or school's own materials (CW21)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from yuanjiao.courseware import steps
from yuanjiao.courseware.commands.articles import add_picture, write_article
from yuanjiao.courseware.commands.items import require_complete
from yuanjiao.courseware.commands.review import is_author, release_courseware
from yuanjiao.courseware.models import Column, Courseware, CoursewareClass, CoursewareSource, Offer, OfferState
from yuanjiao.courseware.rules.articles import PICTURE_MARK
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.courseware.rules.life import EDITABLE, State
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import person_by_uid
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division

READY = EDITABLE | {State.APPROVED, State.RELEASED}


@transaction.atomic
def send_story(
    *, title: str, text: str, photos: Sequence[bytes], division: Division, by: Actor, at: datetime, story: Courseware | None = None
) -> Offer:
    """A story with its photographs, sent to the editors of a place above; with `story` a returned one is sent anew.

    NotUsable when a photograph is none: nothing is kept then, the sender still has it. Photographs stand below the text.
    """
    if by.person_uid is None:
        raise Forbidden("事迹须由具体的人报送")
    unit = person_by_uid(by.person_uid).unit
    by.require(Permission.SEND_STORY, unit.division.path)
    if not title.strip():
        raise Refused("标题不能为空")
    row = story or Courseware.objects.create(
        title=title.strip()[:100], kind=Kind.ARTICLE, item_class=CoursewareClass.EDUCATION, source=CoursewareSource.OWN, is_story=True,
        author=person_by_uid(by.person_uid), unit=unit, created_at=at, state=State.DRAFT,
    )  # fmt: skip
    if story is None:
        steps.record_step(row, State.DRAFT, old=None, by=by, at=at, reason="手机报送")
    elif story.title != title.strip():
        Courseware.objects.filter(pk=story.pk).update(title=title.strip()[:100])
    for photo in photos:
        add_picture(courseware=row, content=photo, by=by, at=at)
    parts = row.parts.order_by("number")
    shown = PICTURE_MARK.findall(text)
    marks = [f"[图{part.number}]" for part in parts if str(part.number) not in shown]
    write_article(courseware=row, source="\n\n".join([text.strip(), *marks]), by=by, at=at)
    return offer_courseware(courseware=row, division=division, by=by, at=at)


@transaction.atomic
def offer_courseware(*, courseware: Courseware, division: Division, by: Actor, at: datetime, reason: str = "") -> Offer:
    """Offer an own item to the editors of a place above its unit. Refused while something is missing, or after they declined it."""
    if not is_author(courseware, by):
        raise Forbidden("只有制作人本人可以报送")
    path = courseware.unit.division.path
    if not path.startswith(division.path) or division.path == "/":
        raise Refused("只能报送到本单位的上级")
    if courseware.state not in READY:
        raise Refused(f"“{steps.NAMES[courseware.state]}”的课件现在不能报送")
    require_complete(courseware)
    if courseware.offers.filter(division=division, state=OfferState.DECLINED).exists():
        raise Refused(f"{division.name}已经答复不采用这一件")
    try:
        with transaction.atomic():
            row = Offer.objects.create(
                courseware=courseware, division=division, offered_by_uid=by.person_uid, offered_by_name=by.name, offered_at=at,
                reason=reason.strip()[:300],
            )  # fmt: skip
    except IntegrityError:
        raise Conflict("已经报送过，正在等待答复") from None
    write_audit(by=by, action="报送课件", subject=f"课件 {courseware.title}", at=at, detail=division.name)
    return row


def _require_editor(offer: Offer, by: Actor) -> None:
    path = offer.division.path
    if not any(by.covers(permission, path) for permission in (Permission.REVIEW_COURSEWARE, Permission.MANAGE_COLUMNS)):
        raise NotFound("没有找到这件报送，或不在您负责的范围内")
    if is_author(offer.courseware, by):
        raise Refused("自己报送的由别人决定是否采用")


def _decide(offer: Offer, state: OfferState, reason: str, *, by: Actor, at: datetime) -> None:
    moved = Offer.objects.filter(pk=offer.pk, state=OfferState.OFFERED).update(
        state=state, decided_by_name=by.name, decided_at=at, reason=reason.strip()[:300]
    )
    if not moved:
        raise Conflict("这件报送刚刚被别人处理过")
    offer.refresh_from_db()
    words = f"报送{offer.get_state_display()}"
    write_audit(by=by, action=words, subject=f"课件 {offer.courseware.title}", at=at, detail=reason.strip())


@transaction.atomic
def accept_offer(*, offer: Offer, by: Actor, at: datetime, columns: Sequence[Column] = (), reason: str = "") -> None:
    """Take an offer up: a draft goes to review; an item that has passed its own review goes into the columns, for everybody they face."""
    _require_editor(offer, by)
    item = offer.courseware
    _decide(offer, OfferState.ACCEPTED, reason, by=by, at=at)
    if item.state in EDITABLE:
        steps.submit(item, by=by, at=at, reason=f"{offer.division.name}采用报送，送审")
    elif columns:
        release_courseware(courseware=item, columns=columns, by=by, at=at)


@transaction.atomic
def return_offer(*, offer: Offer, reason: str, by: Actor, at: datetime) -> None:
    """Ask for something to be put right; the sender may send it again."""
    _require_editor(offer, by)
    if not reason.strip():
        raise Refused("退回须写明要改什么")
    _decide(offer, OfferState.RETURNED, reason, by=by, at=at)


@transaction.atomic
def decline_offer(*, offer: Offer, reason: str, by: Actor, at: datetime) -> None:
    """Do not take it up; the sender reads why."""
    _require_editor(offer, by)
    if not reason.strip():
        raise Refused("不采用须写明原因")
    _decide(offer, OfferState.DECLINED, reason, by=by, at=at)
