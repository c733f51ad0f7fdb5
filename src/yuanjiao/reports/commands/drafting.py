"""Drafting a document with a frozen snapshot, taking the snapshot anew, writing the paragraphs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.queries import rules_over
from yuanjiao.network.rules.rates import rules_sentence
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import ancestors, units
from yuanjiao.places.rules import Chain, Level
from yuanjiao.reports.documents.base import Snapshot, Subject, branch, place
from yuanjiao.reports.documents.kinds import KINDS, kind_of
from yuanjiao.reports.models import Document, DocumentHand, DocumentParagraph, Figure, FrozenRow
from yuanjiao.reports.queries import city_of, weeks_of
from yuanjiao.reports.rules import KIND_NAMES, WEEKLY, DocumentKind, DocumentState, Period, period_of

CHUNK = 2000
LAST_WEEKS = 60
LEVELS: dict[DocumentKind, tuple[Level, str]] = {
    DocumentKind.COUNTY_MONTH: (Level.COUNTY, "不是县（市、区），没有县级月报"),
    DocumentKind.COUNTY_WEEK: (Level.COUNTY, "不是县（市、区），没有周报"),
    DocumentKind.CITY_MONTH: (Level.CITY, "不是市，没有市级月报"),
    DocumentKind.WEEK_DIGEST: (Level.CITY, "不是市，没有周报汇总"),
    DocumentKind.CIRCULAR: (Level.CITY, "不是市，不能起草通报"),
}


def draft_county_month(*, county: Division, month: date, by: Actor, at: datetime) -> Document:
    """Draft a county's report of a month with a snapshot taken now. The draft that is there already is returned unchanged.

    Refused for a month that has not begun, or a place that is no county.
    """
    return draft_of(DocumentKind.COUNTY_MONTH, county, month, by=by, at=at)


def draft_city_month(*, city: Division, month: date, by: Actor, at: datetime) -> Document:
    """Draft a city's report of a month, counties where a county's has towns (OPS12). As `draft_county_month` in everything else."""
    return draft_of(DocumentKind.CITY_MONTH, city, month, by=by, at=at)


def draft_of(kind: DocumentKind, division: Division, day: date, *, by: Actor, at: datetime) -> Document:
    """Draft the document of this kind that begins on `day`; the one that is there already is returned unchanged.

    Refused for a place of another level, a span that has not begun, and a week that does not end before the fixed day, unless
    another county of the city has a report of it.
    """
    by.require(Permission.WRITE_REPORTS, division.path)
    level, words = LEVELS[kind]
    if division.level != level:
        raise Refused(f"{division.name} {words}")
    if kind in WEEKLY and day not in weeks_of(city_of(division), local_day(at), LAST_WEEKS):
        raise Refused("这一周还没有到报告日，或起始日与报告日不合")
    return _draft(kind, place(division), day, by, at)


def draft_branch_month(*, unit: OrgUnit, month: date, by: Actor, at: datetime) -> Document:
    """Draft the service report of an operator's branch (OPS15). Refused for a unit that is no operator's."""
    by.require(Permission.WRITE_REPORTS, unit.division.path)
    if unit.chain != Chain.OPERATOR:
        raise Refused(f"{unit.name} 不是运营商单位，没有运维服务月报")
    return _draft(DocumentKind.BRANCH_MONTH, branch(unit), month, by, at)


def _draft(kind: DocumentKind, subject: Subject, day: date, by: Actor, at: datetime) -> Document:
    period = _period(kind, day, at)
    slot = {"kind": kind, "place_code": subject.code, "first_day": period.first_day}
    present = Document.objects.filter(**slot).first()
    if present is not None:
        return present
    heading, taken = _heading(kind, subject, period, at), KINDS[kind].snapshot(subject, period, at)  # before anything is locked
    try:
        with transaction.atomic():
            document = Document.objects.create(**slot, **heading, drafted_at=at)
            for key in KINDS[kind].paragraphs:
                DocumentParagraph.objects.create(document=document, key=key)
            _freeze(document, taken)
            keep_hand(document, by)
            write_audit(by=by, action=f"起草{KIND_NAMES[kind]}", subject=f"{subject.name} {period.first_day:%Y-%m-%d}", at=at)
    except IntegrityError:  # somebody drafted it at the same moment
        return Document.objects.get(**slot)
    return document


def _period(kind: DocumentKind, day: date, at: datetime) -> Period:
    period = period_of(day, at, kind)
    if period is None:
        raise Refused(f"{day.year}年{day.month}月还没有开始，不能起草")
    return period


def _heading(kind: DocumentKind, subject: Subject, period: Period, at: datetime) -> dict[str, Any]:
    """What stands on the page besides figures. The signer is the place's organisation department, the addressee its parent unit.

    A branch signs itself, and writes to the organisation department of its place.
    """
    own = _department(subject.division, at)
    signer = subject.name if subject.unit else own.name if own else subject.name
    above = own.parent.name if own and own.parent else _name_above(subject.division)
    if subject.unit and own:
        above = own.name
    return {
        "place_name": subject.name,
        "path": subject.path,
        "template_version": KINDS[kind].version,
        "addressee": KINDS[kind].addressee or above or "上级组织部门",
        "signer": signer,
        "as_of": at,
        "rule": rules_sentence(rules_over(period.start, period.end)),
    }


def _name_above(division: Division) -> str:
    return next((row.name for row in ancestors(division) if row.level == division.level - 1), "")


def _department(division: Division, at: datetime) -> OrgUnit | None:
    found = units(on=local_day(at), under=division.path).filter(chain=Chain.ORGANISATION, division__code=division.code)
    return found.first()


def _freeze(document: Document, taken: Snapshot) -> None:
    for row in taken.rows:
        row.document = document
    for figure in taken.figures:
        figure.document = document
    FrozenRow.objects.bulk_create(taken.rows, batch_size=CHUNK)
    Figure.objects.bulk_create(taken.figures, batch_size=CHUNK)
    texts = [DocumentParagraph(document=document, key=key, text=text) for key, text in taken.texts.items()]
    DocumentParagraph.objects.bulk_create(texts, batch_size=CHUNK)


def keep_hand(document: Document, by: Actor) -> None:
    """Remember who had a hand in a document; the machine has none."""
    if by.person_uid is not None:
        DocumentHand.objects.get_or_create(document=document, person_uid=by.person_uid)


def refresh_draft(*, document: Document, county: Division | None = None, unit: OrgUnit | None = None, by: Actor, at: datetime) -> None:
    """Take a draft's snapshot anew; the officer's paragraphs stay. Conflict for a document that is no draft any more, or
    that somebody changed since it was read or while the rows were counted: counting locks nothing.

    `county` is the place as it was named then, of whatever level; of a branch's report `unit` is the branch.
    """
    by.require(Permission.WRITE_REPORTS, document.path)
    still_draft(document)
    kind = DocumentKind(document.kind)
    subject = branch(unit) if unit else place(county) if county else None
    if subject is None or subject.code != document.place_code:
        raise Refused("要重取数据的单位与报告不合")
    period = _period(kind, document.first_day, at)
    heading, taken = _heading(kind, subject, period, at), KINDS[kind].snapshot(subject, period, at)
    with transaction.atomic():
        row = Document.objects.filter(pk=document.pk, revision=document.revision, state=DocumentState.DRAFT)
        if not row.update(revision=F("revision") + 1, **heading):
            raise Conflict("草稿刚被别人改动，请刷新后再试")
        FrozenRow.objects.filter(document=document).delete()
        Figure.objects.filter(document=document).delete()
        DocumentParagraph.objects.filter(document=document).exclude(key__in=KINDS[kind].paragraphs).delete()
        _freeze(document, taken)
        keep_hand(document, by)
        write_audit(by=by, action=f"重取{document.get_kind_display()}数据", subject=str(document), at=at)
    document.refresh_from_db()


@transaction.atomic
def write_paragraphs(*, document: Document, texts: Mapping[str, str], revision: int, by: Actor, at: datetime) -> None:
    """Keep the officer's paragraphs. Conflict when somebody changed the draft since `revision` was shown: nothing is overwritten."""
    by.require(Permission.WRITE_REPORTS, document.path)
    still_draft(document)
    taken = Document.objects.filter(pk=document.pk, revision=revision, state=DocumentState.DRAFT).update(revision=revision + 1)
    if not taken:
        raise Conflict("草稿刚被别人改动。请先看新的内容，再把您的文字补进去")
    for key in kind_of(document).paragraphs:
        if key in texts:
            DocumentParagraph.objects.filter(document=document, key=key).update(text=texts[key].strip())
    keep_hand(document, by)
    write_audit(by=by, action=f"填写{document.get_kind_display()}", subject=str(document), at=at)


def still_draft(document: Document) -> None:
    """Conflict for a document that is issued, or waits for explanations."""
    if document.state == DocumentState.ISSUED:
        raise Conflict("该报告已经报出，不能再改动")
    if document.state == DocumentState.REPLYING:
        raise Conflict("已经告知有关单位，听取说明期间不能改动；要改请先退回起草")
