"""A circular's way: asked of the named units, answered by them, approved by somebody who had no hand in it (SUP04)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from yuanjiao.lib.clock import day_start, local_day
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.reports.commands.drafting import keep_hand, still_draft
from yuanjiao.reports.commands.issuing import all_written, fix
from yuanjiao.reports.documents.circular import named, reply_day
from yuanjiao.reports.models import ANSWERED, Document, Notice
from yuanjiao.reports.rules import REPLY_DAYS, DocumentKind, DocumentState

if TYPE_CHECKING:
    from yuanjiao.reports.documents.gb9704 import Link

MOST_DAYS = 30


def _circular(document: Document) -> None:
    if document.kind != DocumentKind.CIRCULAR:
        raise Refused("只有通报要听取说明和批准")


@transaction.atomic
def ask_units(*, document: Document, revision: int, days: int = REPLY_DAYS, by: Actor, at: datetime) -> list[Notice]:
    """Tell every named unit what the circular will say of it, and until when it may answer. From now on the text stands still.

    Refused while a paragraph is empty; Conflict when the draft changed since `revision` was shown. What a unit answered to an
    earlier asking stays; it counts as an answer only where the facts are still the same.
    """
    by.require(Permission.WRITE_REPORTS, document.path)
    _circular(document)
    still_draft(document)
    all_written(document)
    if not 1 <= days <= MOST_DAYS:
        raise Refused(f"说明时限应为 1 至 {MOST_DAYS} 天")
    _turn(document, DocumentState.DRAFT, DocumentState.REPLYING, revision)
    until, units = day_start(reply_day(local_day(at), days)), named(document.figures.all())
    named_no_more = document.notices.exclude(place_code__in=[one.code for one in units])
    named_no_more.filter(reply="").delete()
    named_no_more.exclude(ANSWERED).update(reply_until=at)  # there is nothing to wait for
    named_no_more.update(facts="重新提取数据后不再涉及")
    told = {one.place_code: one for one in document.notices.all()}
    for one in units:
        notice = told.get(one.code) or Notice(document=document, place_code=one.code, revision=0)
        facts = "\n".join(one.facts)
        if not (notice.pk and notice.answered and notice.facts == facts):
            notice.facts, notice.sent_at, notice.revision = facts, at, notice.revision + 1
        notice.place_name, notice.path, notice.reply_until = one.name, one.path, until
        notice.save()
    keep_hand(document, by)
    write_audit(by=by, action="通报听取说明", subject=str(document), at=at, detail="、".join(one.name for one in units))
    return list(document.notices.all())


@transaction.atomic
def answer_notice(*, notice: Notice, text: str, revision: int, by: Actor, at: datetime) -> None:
    """Keep what a named unit says. It may change its words until the limit; then, or once the circular is issued, nobody does.

    Refused when empty or too late; Conflict when somebody of the unit wrote since `revision` was shown. The circular's own revision
    grows, so that nobody approves it on a page that does not show the answer.
    """
    by.require(Permission.WRITE_REPORTS, notice.path)
    if not text.strip():
        raise Refused("请先写说明")
    heard = Document.objects.filter(pk=notice.document_id, state=DocumentState.REPLYING).update(revision=F("revision") + 1)
    if not heard:
        raise Conflict("这份通报现在不在听取说明")
    if at >= notice.reply_until:
        raise Refused("说明时限已过，不能再提交或修改")
    taken = Notice.objects.filter(pk=notice.pk, revision=revision).update(
        reply=text.strip(), replied_at=at, replied_by=by.name, revision=revision + 1
    )
    if not taken:
        raise Conflict("说明刚被本单位的别人改动，或者事实已经重新告知。请先看新的内容，再把您的文字补进去")
    write_audit(by=by, action="提交通报说明", subject=str(notice), at=at)


@transaction.atomic
def return_circular(*, document: Document, reason: str, revision: int, by: Actor, at: datetime) -> None:
    """Give a circular back to be drafted anew, with the reason: by who may approve it, or by who wrote it. The answers stay."""
    if not by.covers(Permission.APPROVE_CIRCULARS, document.path):
        by.require(Permission.WRITE_REPORTS, document.path)
    _circular(document)
    if not reason.strip():
        raise Refused("请写明退回的原因")
    _turn(document, DocumentState.REPLYING, DocumentState.DRAFT, revision)
    write_audit(by=by, action="退回通报", subject=str(document), at=at, detail=reason.strip())


def approve_circular(*, document: Document, revision: int, link: Link, by: Actor, at: datetime) -> Document:
    """Approve and issue a circular. Nobody approves what they had a hand in; every named unit has answered, or its time is over."""
    by.require(Permission.APPROVE_CIRCULARS, document.path)
    _circular(document)
    if document.state != DocumentState.REPLYING:
        raise Conflict("这份通报现在不在待批准的状态，请刷新后再看")
    if by.person_uid is None or document.hands.filter(person_uid=by.person_uid).exists():
        raise Forbidden("您经手起草了这份通报，请由没有经手的人批准")
    if document.revision != revision:
        raise Conflict("这份通报刚被别人改动，请看过新的内容再批准")
    waited = [one.place_name for one in document.notices.filter(reply_until__gt=at).exclude(ANSWERED)]
    if waited:
        raise Refused("说明时限未到，还没有提交说明的单位：" + "、".join(waited))
    fix(document, DocumentState.REPLYING, link, by, at, action="批准并发出通报")
    return document


def _turn(document: Document, old: DocumentState, new: DocumentState, revision: int) -> None:
    taken = Document.objects.filter(pk=document.pk, revision=revision, state=old).update(state=new, revision=F("revision") + 1)
    if not taken:
        raise Conflict("这份通报刚被别人改动，请看过新的内容再办")
    document.refresh_from_db()
