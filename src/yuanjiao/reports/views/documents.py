"""One document: its page, its figures with their rows, its files; taking the snapshot anew."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.lib.sheets import Cell, cell_text
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import unit_by_code
from yuanjiao.reports import commands, queries
from yuanjiao.reports.documents.blocks import share_text
from yuanjiao.reports.documents.circular import answer_of
from yuanjiao.reports.documents.kinds import kind_of
from yuanjiao.reports.documents.tables import TABLES, TableHead
from yuanjiao.reports.inputs import AskForm, ParagraphsForm, ReturnForm
from yuanjiao.reports.models import MEDIA, Document, Figure, FrozenRow
from yuanjiao.reports.rules import SENT_UP, DocumentKind, DocumentState, Measure, due_at
from yuanjiao.reports.views.lists import place_then
from yuanjiao.reports.views.parts import figure_link, last_day
from yuanjiao.ui.lists import Column, ListPage, respond
from yuanjiao.ui.templatetags.zh import duration

TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}


@door(Permission.SEE_REPORTS, Permission.WORK_ORDER)
def document(request: ActingRequest, uid: UUID) -> HttpResponse:
    """The document as it will be printed, its figures with their rows, and the paragraphs to write."""
    row = queries.document_seen_by(uid, request.actor)
    form = ParagraphsForm(request.POST or None, headings=kind_of(row).paragraphs, written=queries.written_of(row), revision=row.revision)
    status = 200
    if request.method == "POST":
        request.actor.require(Permission.WRITE_REPORTS, row.path)
        status = 400
        if form.is_valid():
            try:
                return _written(request, row, form)
            except (Conflict, Refused) as error:
                form.add_error(None, error.message)
                status = 409 if isinstance(error, Conflict) else 400
    return render(request, "reports/document.html", _context(request, row) | {"form": form}, status=status)


def _context(request: ActingRequest, row: Document) -> dict[str, Any]:
    figures = list(row.figures.all())
    own = request.actor.covers(Permission.WRITE_REPORTS, row.path)
    kind = DocumentKind(row.kind)
    return {
        "page_title": str(row),
        "document": row,
        "official": commands.official(row),
        "figures": [(figure, share_text(figure)) for figure in figures if not figure.path],
        "files": row.files.all(),
        "may_write": own and row.state == DocumentState.DRAFT,
        "due": last_day(due_at(row.first_day, kind)) if kind in SENT_UP else None,
        "headings": "、".join(kind_of(row).paragraphs.values()),
        "stand_ins": _stand_ins(),
    } | (_circular(request, row, own) if kind == DocumentKind.CIRCULAR else {})


def _stand_ins() -> str:
    from yuanjiao.reports.documents.paper import stand_ins  # the layout engine is not loaded at every start

    return "、".join(stand_ins())


def _circular(request: ActingRequest, row: Document, own: bool) -> dict[str, Any]:
    """Facts and explanations side by side, and what the reader may do about them (story 24)."""
    decides = request.actor.covers(Permission.APPROVE_CIRCULARS, row.path) and row.state == DocumentState.REPLYING
    hand = request.actor.person_uid in set(row.hands.values_list("person_uid", flat=True))
    return {
        "is_circular": True,
        "notices": [(one, one.facts.splitlines(), answer_of(one)) for one in row.notices.all()],
        "ask_form": AskForm(initial={"asked_revision": row.revision}) if own and row.state == DocumentState.DRAFT else None,
        "may_approve": decides and not hand,
        "had_a_hand": decides and hand,
        "return_form": ReturnForm(initial={"revision": row.revision}) if row.state == DocumentState.REPLYING and (own or decides) else None,
    }


def _written(request: ActingRequest, row: Document, form: ParagraphsForm) -> HttpResponse:
    commands.write_paragraphs(document=row, texts=form.texts(), revision=form.cleaned_data["revision"], by=request.actor, at=clock.now())
    row.refresh_from_db()
    form.data = request.POST.copy()
    form.data["revision"] = str(row.revision)  # kept now: a refusal to send it is corrected on this very page
    if "issue" in request.POST:
        commands.issue_document(document=row, link=figure_link(request, row), by=request.actor, at=clock.now())
        messages.success(request, _("已报出。文件已固定，今后打印的都与此一致。"))
    else:
        messages.success(request, _("已保存。"))
    return redirect("reports:document", uid=row.uid)


@door(Permission.WRITE_REPORTS)
@require_POST
def refresh(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Take the snapshot anew."""
    row = queries.document_by_uid(uid, request.actor.paths(Permission.WRITE_REPORTS))
    kind = DocumentKind(row.kind)
    is_branch = kind == DocumentKind.BRANCH_MONTH
    commands.refresh_draft(
        document=row,
        county=None if is_branch else place_then(row.place_code, kind, row.first_day),
        unit=unit_by_code(row.place_code) if is_branch else None,
        by=request.actor,
        at=clock.now(),
    )
    messages.success(request, _("数据已重新提取到此刻，您写的内容没有变。"))
    return redirect("reports:document", uid=uid)


@door(Permission.SEE_REPORTS, Permission.WORK_ORDER)
def download(request: ActingRequest, uid: UUID, media: str) -> HttpResponseBase:
    """The docx, xlsx or PDF: as issued, or of the draft as it stands. The rows of a whole city are for who sees the city."""
    row = queries.document_seen_by(uid, request.actor)
    if media not in MEDIA:
        raise NotFound(_("只有 docx、xlsx 和 pdf 三种格式"))
    if media == "xlsx" and row.kind == DocumentKind.CIRCULAR and not request.actor.covers(Permission.SEE_REPORTS, row.path):
        raise NotFound(_("明细表只在市里看；本地的明细请从数字打开"))
    content = commands.file_of(row, media, figure_link(request, row))
    name = commands.file_name(row, media) if row.state == DocumentState.ISSUED else _("草稿 ") + commands.file_name(row, media)
    return FileResponse(BytesIO(content), as_attachment=True, filename=name, content_type=TYPES[media])


MEANS = {
    Measure.COUNT: "等于下列行数",
    Measure.FIRST: "等于下列各行第一项数之和",
    Measure.SECOND: "等于下列各行第二项数之和",
    Measure.THIRD: "等于下列各行第三项数之和",
    Measure.RATE: "等于下列各行畅通时间之和 ÷（畅通＋不通时间之和）",
    Measure.RATE_LOWEST: "等于下列各行畅通时间之和 ÷ 全部时间之和",
    Measure.RATE_HIGHEST: "等于下列各行畅通与情况不明时间之和 ÷ 全部时间之和",
    Measure.FAULT_RATE: "等于下列各行不通时间之和 ÷（畅通＋不通时间之和）",
    Measure.UNKNOWN_SHARE: "等于下列各行情况不明时间之和 ÷ 全部时间之和",
    Measure.GROUP_SHARE: "等于下列行中该类行数 ÷ 全部行数",
}


@door(Permission.SEE_REPORTS, Permission.WORK_ORDER)
def figure(request: ActingRequest, uid: UUID, key: str) -> HttpResponseBase:
    """One figure with the frozen rows it was computed from. Who reads a circular from below sees of the rows only their own place's."""
    row = queries.document_seen_by(uid, request.actor)
    one = queries.figure_of(row, key)
    rows = queries.rows_of(one)
    if row.kind == DocumentKind.CIRCULAR and not request.actor.covers(Permission.SEE_REPORTS, row.path):
        rows = rows.filter(within("path", request.actor.paths(Permission.SEE_REPORTS)))
    return respond(request, figure_page(row, one, rows), "reports/figure.html")


def figure_page(row: Document, one: Figure, rows: QuerySet[FrozenRow]) -> ListPage[FrozenRow]:
    """The rows behind a figure as a list, with how the figure follows from them."""
    head = TABLES[one.table]
    lead = _("%(label)s %(text)s%(unit)s。%(means)s；统计截至 %(end)s，数据提取于 %(as_of)s，此后不再变动。") % {
        "label": one.label,
        "text": one.text,
        "unit": one.unit,
        "means": MEANS[Measure(one.measure)],
        "end": cell_text(one.cut_off_at),
        "as_of": cell_text(row.as_of),
    }
    return ListPage[FrozenRow](
        title=f"{row}：{one.label}",
        rows=rows,
        columns=_row_columns(head),
        search=("title", "code", "detail"),
        search_hint=_("名称、编号或说明"),
        empty=_("没有一行：这个数字是 0，或没有可比的基数。"),
        unit=row.signer,
        lead=lead,
        notes=[row.rule] if one.table == "sites" else [],
        context={"document": row},
    )


def _row_columns(head: TableHead) -> list[Column[Any]]:
    columns: list[Column[Any]] = [
        Column(head.row, lambda row: row.title, order=("title",), width=26),
        Column(_("编号"), lambda row: row.code, order=("code",), width=22),
    ]
    if head.groups:
        columns.append(Column(_("类别"), lambda row: head.group_name(row.group), order=("group",), width=14))
    if head.at:
        columns.append(Column(head.at, lambda row: row.at, order=("at",), width=18))
    for name, title in zip(("first", "second", "third"), head.amounts, strict=False):
        columns.append(Column(title, _amount(name, head.in_seconds), order=(name,)))
    return [*columns, Column(_("说明"), lambda row: row.detail, width=30)]


def _amount(name: str, in_seconds: bool) -> Callable[[Any], Cell]:
    return lambda row: duration(getattr(row, name)) if in_seconds else int(getattr(row, name))
