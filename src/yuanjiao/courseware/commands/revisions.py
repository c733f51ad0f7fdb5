"""New versions of a released item (CW17, CW21): the old one is shown until the moment the new one takes its places."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from yuanjiao.courseware import steps
from yuanjiao.courseware.models import Courseware, ItemPart, PartKind, PolicyLink, PolicyText, Rights, ShownPerson
from yuanjiao.courseware.rules.kinds import PLAYED, Kind
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.people.queries import person_by_uid
from yuanjiao.people.rules import Actor, Permission

CARRIED = (
    "kind", "title", "summary", "speaker", "origin", "item_class", "source", "age_band", "material", "is_story", "is_case",
    "body", "body_source", "address", "rights_from", "rights_to",
)  # fmt: skip


@transaction.atomic
def revise_courseware(*, courseware: Courseware, by: Actor, at: datetime, reason: str) -> Courseware:
    """Open a draft of the next version with everything that was said of the released one; a film brings its file anew.

    Refused for an item that is not released, and outside the subtree in which the person produces. Conflict while another
    revision is on its way.
    """
    if by.person_uid is None:
        raise Forbidden("修订须由具体的制作人办理")
    by.require(Permission.PRODUCE_COURSEWARE, courseware.unit.division.path)
    if courseware.state != State.RELEASED:
        raise Refused("只有已发布的课件才修订；没有发布的可以直接修改")
    if not reason.strip():
        raise Refused("请写明为什么修订")
    fields = {name: getattr(courseware, name) for name in CARRIED}
    try:
        with transaction.atomic():
            row = Courseware.objects.create(
                **fields, author=person_by_uid(by.person_uid), unit=courseware.unit, created_at=at, state=State.DRAFT,
                revises=courseware, edition=courseware.edition + 1,
            )  # fmt: skip
    except IntegrityError:
        raise Conflict("这件课件已经有一个新版在制作") from None
    _carry(courseware, row)
    steps.record_step(row, State.DRAFT, old=None, by=by, at=at, reason=f"修订第 {courseware.edition} 版：{reason.strip()}")
    return row


def _carry(old: Courseware, new: Courseware) -> None:
    """Topics, needs, papers and pictures go over; what is made of an original does not."""
    new.topics.set(old.topics.all())
    new.needs.set(old.needs.all())
    for papers in Rights.objects.filter(courseware=old):
        Rights.objects.create(
            courseware=new, holder=papers.holder, contract_number=papers.contract_number, price_fen=papers.price_fen,
            scope=papers.scope, area=papers.area,
        )  # fmt: skip
    for one in old.shown_people.all():
        ShownPerson.objects.create(
            courseware=new, name_sealed=one.name_sealed, is_living=one.is_living, consent_form=one.consent_form,
            consent_on=one.consent_on, paper=one.paper, revoked_on=one.revoked_on,
        )  # fmt: skip
    for text in PolicyText.objects.filter(courseware=old):
        PolicyText.objects.create(courseware=new, document=text.document, issued_on=text.issued_on)
    for link in old.explains.all():
        PolicyLink.objects.create(courseware=new, policy_uid=link.policy_uid, role=link.role)
    if new.kind in PLAYED or new.kind == Kind.DOCUMENT:
        return
    for part in old.parts.filter(kind=PartKind.PICTURE).order_by("number"):
        ItemPart.objects.create(
            courseware=new, kind=part.kind, number=part.number, blob=part.blob, size_bytes=part.size_bytes,
            media_type=part.media_type, width=part.width, height=part.height, caption=part.caption,
        )  # fmt: skip
