"""Issuing: the files of a document are made once, hashed and kept, and nothing of it changes any more."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F

from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.sheets import write_registers
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.reports.commands.drafting import still_draft
from yuanjiao.reports.documents.blocks import Official
from yuanjiao.reports.documents.kinds import kind_of
from yuanjiao.reports.documents.sheets import register_sheets
from yuanjiao.reports.models import MEDIA, Document, IssuedFile
from yuanjiao.reports.queries import written_of
from yuanjiao.reports.rules import SENT_UP, DocumentKind, DocumentState, due_at

if TYPE_CHECKING:
    from yuanjiao.reports.documents.gb9704 import Link


def issue_document(*, document: Document, link: Link, by: Actor, at: datetime) -> Document:
    """Send the report up. Refused while a paragraph or the data is empty, and for a circular: that is approved, not sent.

    `link` gives the absolute address of a figure's rows.
    """
    by.require(Permission.WRITE_REPORTS, document.path)
    still_draft(document)
    if document.kind == DocumentKind.CIRCULAR:
        raise Refused("通报要先听取有关单位的说明，再由没有经手起草的人批准")
    all_written(document)
    kind = DocumentKind(document.kind)
    late = "（逾期）" if kind in SENT_UP and at >= due_at(document.first_day, kind) else ""
    fix(document, DocumentState.DRAFT, link, by, at, action=f"报出{document.get_kind_display()}{late}")
    return document


def all_written(document: Document) -> None:
    """Refused while a section is empty: of what people write, or the data itself (RPT06)."""
    written = written_of(document)
    empty = [heading for key, heading in kind_of(document).paragraphs.items() if not written.get(key, "").strip()]
    if empty:
        raise Refused("请先填写：" + "、".join(empty))
    if not document.figures.filter(population__gt=0).exists():
        raise Refused("数据一节是空的：统计期内没有一条记录。请先查看站点和报修是否已经登记，再重新提取数据")


def fix(document: Document, state: DocumentState, link: Link, by: Actor, at: datetime, *, action: str) -> None:
    """Turn a document of this state into an issued one with its files, and write `action` down.

    The files are made before anything is locked, of the document as it will be. Conflict when it changed since it was read, also
    while they were made: every change of what is printed moves the revision on.
    """
    issued = {"state": DocumentState.ISSUED, "issued_at": at, "issued_by": by.name}
    files = _files(document, issued, link)
    with transaction.atomic():
        row = Document.objects.filter(pk=document.pk, revision=document.revision, state=state)
        if not row.update(**issued, revision=F("revision") + 1):
            raise Conflict("草稿刚被别人改动，请核对后再报出")
        IssuedFile.objects.bulk_create(files)
        write_audit(by=by, action=action, subject=str(document), at=at)
    document.refresh_from_db()


def _files(document: Document, issued: dict[str, Any], link: Link) -> list[IssuedFile]:
    to_be = copy(document)
    for name, value in issued.items():
        setattr(to_be, name, value)
    files = []
    for media in MEDIA:
        content = rendered(to_be, media, link)
        sha256 = hashlib.sha256(content).hexdigest()
        files.append(IssuedFile(document=document, media=media, name=file_name(to_be, media), content=content, sha256=sha256))
    return files


def file_name(document: Document, media: str) -> str:
    return f"{kind_of(document).title(document)}.{media}"


def official(document: Document) -> Official:
    """The document as blocks, from its own rows alone."""
    figures = {figure.key: figure for figure in document.figures.all()}
    return kind_of(document).official(document, figures, written_of(document))


def render_docx(document: Document, link: Link) -> bytes:
    """The document as docx: the same snapshot, paragraphs and addresses give the same bytes."""
    from yuanjiao.reports.documents.gb9704 import write_official  # python-docx is not loaded at every start

    return write_official(official(document), link=link, as_of=document.issued_at or document.as_of)


def render_pdf(document: Document, link: Link) -> bytes:
    """The same blocks in the same layout as PDF, with the fonts that are here."""
    from yuanjiao.reports.documents.paper import print_official  # the layout engine is not loaded at every start

    return print_official(official(document), link=link, as_of=document.issued_at or document.as_of)


def render_xlsx(document: Document, _link: Any = None) -> bytes:
    """The figures and every row behind them as a workbook of 台账 sheets."""
    target = io.BytesIO()
    write_registers(target, register_sheets(document, kind_of(document).tables))
    return target.getvalue()


RENDERERS: dict[str, Callable[..., bytes]] = {"docx": render_docx, "xlsx": render_xlsx, "pdf": render_pdf}


def rendered(document: Document, media: str, link: Link) -> bytes:
    return RENDERERS[media](document, link)


def file_of(document: Document, media: str, link: Link) -> bytes:
    """The issued file as it was sent, or a fresh rendering of a draft."""
    kept = IssuedFile.objects.filter(document=document, media=media).first()
    return bytes(kept.content) if kept is not None else rendered(document, media, link)
