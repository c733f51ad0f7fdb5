"""Writes of reports: draft with a frozen snapshot, take the snapshot anew, write the paragraphs, issue."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import F

from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.sheets import write_registers
from yuanjiao.network.queries import rules_over
from yuanjiao.network.rules.rates import rules_sentence
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division, OrgUnit
from yuanjiao.places.queries import ancestors, units
from yuanjiao.places.rules import Chain, Level
from yuanjiao.reports.documents.county_month import PARAGRAPHS, TEMPLATE_VERSION, figures_of, freeze_rows, official_of, register_sheets
from yuanjiao.reports.models import Document, DocumentParagraph, Figure, FrozenRow, IssuedFile
from yuanjiao.reports.queries import written_of
from yuanjiao.reports.rules import DocumentKind, DocumentState, Period, due_at, period_of

if TYPE_CHECKING:
    from yuanjiao.reports.documents.gb9704 import Link

CHUNK = 2000


def draft_county_month(*, county: Division, month: date, by: Actor, at: datetime) -> Document:
    """Draft a county's report of a month with a snapshot taken now. The draft that is there already is returned unchanged.

    Refused for a month that has not begun, or a place that is no county.
    """
    by.require(Permission.WRITE_REPORTS, county.path)
    if county.level != Level.COUNTY:
        raise Refused(f"{county.name} 不是县（市、区），没有县级月报")
    return _draft(DocumentKind.COUNTY_MONTH, county, month, by, at)


def draft_city_month(*, city: Division, month: date, by: Actor, at: datetime) -> Document:
    """Draft a city's report of a month, counties where a county's has towns (OPS12). As `draft_county_month` in everything else."""
    by.require(Permission.WRITE_REPORTS, city.path)
    if city.level != Level.CITY:
        raise Refused(f"{city.name} 不是市，没有市级月报")
    return _draft(DocumentKind.CITY_MONTH, city, month, by, at)


def _draft(kind: DocumentKind, place: Division, month: date, by: Actor, at: datetime) -> Document:
    period = _period(month, at)
    slot = {"kind": kind, "place_code": place.code, "month": period.month}
    present = Document.objects.filter(**slot).first()
    if present is not None:
        return present
    try:
        with transaction.atomic():
            document = Document.objects.create(**slot, **_heading(place, period, at), drafted_at=at)
            for key in PARAGRAPHS:
                DocumentParagraph.objects.create(document=document, key=key)
            _freeze(document, place, period)
            write_audit(by=by, action="起草月报", subject=f"{place.name} {period.month:%Y-%m}", at=at)
    except IntegrityError:  # somebody drafted it at the same moment
        return Document.objects.get(**slot)
    return document


def _period(month: date, at: datetime) -> Period:
    period = period_of(month, at)
    if period is None:
        raise Refused(f"{month.year}年{month.month}月还没有开始，不能起草")
    return period


def _heading(place: Division, period: Period, at: datetime) -> dict[str, Any]:
    """What stands on the page besides figures. The signer is the place's organisation department, the addressee its parent unit."""
    signer = _department(place, at)
    above = signer.parent.name if signer and signer.parent else _name_above(place)
    return {
        "place_name": place.name,
        "path": place.path,
        "template_version": TEMPLATE_VERSION,
        "addressee": above or "上级组织部门",
        "signer": signer.name if signer else place.name,
        "as_of": at,
        "rule": rules_sentence(rules_over(period.start, period.end)),
    }


def _name_above(place: Division) -> str:
    return next((row.name for row in ancestors(place) if row.level == place.level - 1), "")


def _department(place: Division, at: datetime) -> OrgUnit | None:
    found = units(on=local_day(at), under=place.path).filter(chain=Chain.ORGANISATION, division__code=place.code)
    return found.first()


def _freeze(document: Document, place: Division, period: Period) -> None:
    rows = freeze_rows(place.path, period)
    figures = figures_of(place, period, rows)
    for row in rows:
        row.document = document
    for figure in figures:
        figure.document = document
    FrozenRow.objects.bulk_create(rows, batch_size=CHUNK)
    Figure.objects.bulk_create(figures, batch_size=CHUNK)


@transaction.atomic
def refresh_draft(*, document: Document, county: Division, by: Actor, at: datetime) -> None:
    """Take a draft's snapshot anew; the officer's paragraphs stay. Conflict for an issued document."""
    by.require(Permission.WRITE_REPORTS, document.path)
    _still_draft(document)
    period = _period(document.month, at)
    FrozenRow.objects.filter(document=document).delete()
    Figure.objects.filter(document=document).delete()
    Document.objects.filter(pk=document.pk).update(**_heading(county, period, at), revision=F("revision") + 1)
    document.refresh_from_db()
    _freeze(document, county, period)
    write_audit(by=by, action="重取月报数据", subject=str(document), at=at)


@transaction.atomic
def write_paragraphs(*, document: Document, texts: Mapping[str, str], revision: int, by: Actor, at: datetime) -> None:
    """Keep the officer's paragraphs. Conflict when somebody changed the draft since `revision` was shown: nothing is overwritten."""
    by.require(Permission.WRITE_REPORTS, document.path)
    _still_draft(document)
    taken = Document.objects.filter(pk=document.pk, revision=revision, state=DocumentState.DRAFT).update(revision=revision + 1)
    if not taken:
        raise Conflict("草稿刚被别人改动。请先看新的内容，再把您的文字补进去")
    for key in PARAGRAPHS:
        if key in texts:
            DocumentParagraph.objects.filter(document=document, key=key).update(text=texts[key].strip())
    write_audit(by=by, action="填写月报", subject=str(document), at=at)


@transaction.atomic
def issue_document(*, document: Document, link: Link, by: Actor, at: datetime) -> Document:
    """Send the report up: its files are made once, hashed and kept, and nothing of it changes any more.

    Refused while a paragraph is empty. `link` gives the absolute address of a figure's rows.
    """
    by.require(Permission.WRITE_REPORTS, document.path)
    _still_draft(document)
    written = written_of(document)
    empty = [heading for key, heading in PARAGRAPHS.items() if not written.get(key, "").strip()]
    if empty:
        raise Refused("请先填写：" + "、".join(empty))
    taken = Document.objects.filter(pk=document.pk, revision=document.revision, state=DocumentState.DRAFT).update(
        state=DocumentState.ISSUED, issued_at=at, issued_by=by.name, revision=F("revision") + 1
    )
    if not taken:
        raise Conflict("草稿刚被别人改动，请核对后再报出")
    document.refresh_from_db()
    for media, content in (("docx", render_docx(document, link)), ("xlsx", render_xlsx(document))):
        IssuedFile.objects.create(
            document=document, media=media, name=file_name(document, media), content=content, sha256=hashlib.sha256(content).hexdigest()
        )
    late = "（逾期）" if document.kind == DocumentKind.COUNTY_MONTH and at >= due_at(document.month) else ""
    write_audit(by=by, action="报出月报" + late, subject=str(document), at=at)
    return document


def _still_draft(document: Document) -> None:
    if document.state != DocumentState.DRAFT:
        raise Conflict("该报告已经报出，不能再改动")


def file_name(document: Document, media: str) -> str:
    return f"{document.place_name}{document.month.year}年{document.month.month}月远程教育运行和使用情况报告.{media}"


def render_docx(document: Document, link: Link) -> bytes:
    """The document as docx: the same snapshot, paragraphs and addresses give the same bytes."""
    from yuanjiao.reports.documents.gb9704 import write_official  # python-docx is not loaded at every start

    figures = {figure.key: figure for figure in document.figures.all()}
    return write_official(official_of(document, figures, written_of(document)), link=link, as_of=document.issued_at or document.as_of)


def render_xlsx(document: Document) -> bytes:
    """The figures and every row behind them as a workbook of 台账 sheets."""
    target = io.BytesIO()
    write_registers(target, register_sheets(document))
    return target.getvalue()


def file_of(document: Document, media: str, link: Link) -> bytes:
    """The issued file as it was sent, or a fresh rendering of a draft."""
    kept = IssuedFile.objects.filter(document=document, media=media).first()
    if kept is not None:
        return bytes(kept.content)
    return render_docx(document, link) if media == "docx" else render_xlsx(document)
