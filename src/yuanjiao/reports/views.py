"""Pages under /reports/: months and counties, one document, one figure with its rows, the files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yuanjiao.flow.nodes.models import NodeKind
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.lib.sheets import Cell, cell_text
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import division_by_code, divisions
from yuanjiao.places.rules import Level
from yuanjiao.reports import commands, queries
from yuanjiao.reports.documents.blocks import share_text
from yuanjiao.reports.documents.county_month import TABLES, TableHead, official_of
from yuanjiao.reports.inputs import ParagraphsForm, month_asked
from yuanjiao.reports.models import Document, FrozenRow
from yuanjiao.reports.queries import MonthSlot
from yuanjiao.reports.rules import STANDING_NAMES, DocumentState, Measure, Standing, month_end, months_back
from yuanjiao.ui.lists import Column, Filter, ListPage, respond
from yuanjiao.ui.templatetags.zh import duration

COLOURS = {
    Standing.ON_TIME: "green",
    Standing.LATE: "yellow",
    Standing.MISSING: "red",
    Standing.DRAFTED: "blue",
    Standing.NOT_DRAFTED: "grey",
}
MOST_CITIES = 3
"""Who sees more cities than that writes no city's report."""
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@door(Permission.SEE_REPORTS)
def report_list(request: ActingRequest) -> HttpResponseBase:
    """Month by month, county by county: what is sent, what is late, what is missing."""
    today, months = clock.today(), list(months_back(clock.today()))
    paths, now = request.actor.paths(Permission.SEE_REPORTS), clock.now()
    slots = queries.county_months(paths, months, at=now, on=today)
    page = ListPage[MonthSlot](
        title=_("县级月报"),
        rows=[*queries.city_months(paths, months, at=now, on=today), *(one for one in slots if one.month in _months_in_use(slots, today))],
        columns=[
            Column(_("月份"), lambda slot: f"{slot.month:%Y-%m}"),
            Column(_("地方"), lambda slot: slot.county.name, link=_slot_link, width=20),
            Column(_("状态"), lambda slot: STANDING_NAMES[slot.standing], badge=lambda slot: COLOURS[slot.standing]),
            Column(_("时限"), lambda slot: _last_day(slot.month) if slot.county.level == Level.COUNTY else ""),
            Column(_("数据截至"), lambda slot: slot.document.as_of if slot.document else None, width=18),
            Column(_("报出时间"), lambda slot: slot.document.issued_at if slot.document else None, width=18),
            Column(_("报出人"), lambda slot: slot.document.issued_by if slot.document else ""),
        ],
        filters=[
            Filter("month", _("月份"), [(f"{m:%Y-%m}", f"{m.year}年{m.month}月") for m in months], _of_month),
            Filter("standing", _("状态"), [(str(key), name) for key, name in STANDING_NAMES.items()], _of_standing),
        ],
        empty=_("您的范围内没有县（市、区）的月报。月报每月 25 日自动起草，也可以提前起草。"),
        actions=_city_actions(request, today),
        lead=_("每月 25 日自动起草，县级组织员补写两段后在月底前报出。数字来自机器记录，不用填写。"),
    )
    return respond(request, page)


def _city_actions(request: ActingRequest, today: date) -> list[tuple[str, str]]:
    """Buttons that draft the city's own report, of this month and of the last one, for who writes for a whole city."""
    paths = request.actor.paths(Permission.WRITE_REPORTS)
    cities = [row for path in paths for row in divisions(on=today, level=Level.CITY, under=path)][:MOST_CITIES]
    wanted = list(months_back(today, 2))
    return [
        (
            _("%(place)s %(month)d 月月报") % {"place": row.name, "month": month.month},
            f"{reverse('reports:draft')}?place={row.code}&month={month:%Y-%m}",
        )
        for row in cities
        for month in wanted
    ]


def _months_in_use(slots: list[MonthSlot], today: date) -> set[date]:
    """Months somebody has a report of, this month, and in its first days the last one: before the system ran, nobody was late."""
    this = today.replace(day=1)
    last = date.fromordinal(this.toordinal() - 1).replace(day=1)
    return {slot.month for slot in slots if slot.document} | {this} | ({last} if today.day <= 10 else set())


def _slot_link(slot: MonthSlot) -> str:
    if slot.document:
        return reverse("reports:document", args=[slot.document.uid])
    return f"{reverse('reports:draft')}?place={slot.county.code}&month={slot.month:%Y-%m}"


def _of_month(slots: list[MonthSlot], text: str) -> list[MonthSlot]:
    month = month_asked(text)
    return [slot for slot in slots if slot.month == month]


def _of_standing(slots: list[MonthSlot], word: str) -> list[MonthSlot]:
    return [slot for slot in slots if slot.standing == word]


@door(Permission.WRITE_REPORTS)
def draft(request: ActingRequest) -> HttpResponse:
    """Draft the report of ?place= and ?month= now, before the machine does."""
    if own_node().kind != NodeKind.CENTRE:
        raise Refused(_("月报在中心起草：这里只有本地的数据。请登录中心的网页。"))
    place, month = request.GET.get("place", ""), month_asked(request.GET.get("month", f"{clock.today():%Y-%m}"))
    if not place:
        return redirect("reports:report_list")
    county = _county(place, month)
    request.actor.require(Permission.WRITE_REPORTS, county.path)
    if request.method == "POST":
        document = _drafted(request, county, month)
        messages.success(request, _("已起草，数据截至此刻。补写两段即可报出。"))
        return redirect("reports:document", uid=document.uid)
    return render(request, "reports/draft.html", {"page_title": _("起草月报"), "county": county, "month": month})


def _drafted(request: ActingRequest, place: Division, month: date) -> Document:
    by, at = request.actor, clock.now()
    if place.level == Level.CITY:
        return commands.draft_city_month(city=place, month=month, by=by, at=at)
    return commands.draft_county_month(county=place, month=month, by=by, at=at)


def _county(code: str, month: date) -> Division:
    """The place as it was named on the last day of the month that has been."""
    return division_by_code(code, on=min(_last_day(month), clock.today()))


def figure_link(request: HttpRequest, document: Document) -> Callable[[str], str]:
    """Absolute addresses for figures in files, which are opened far from this page."""

    def link(key: str) -> str:
        path = reverse("reports:figure", args=[document.uid, key])
        return settings.PUBLIC_URL.rstrip("/") + path if settings.PUBLIC_URL else request.build_absolute_uri(path)

    return link


@door(Permission.SEE_REPORTS)
def document(request: ActingRequest, uid: UUID) -> HttpResponse:
    """The document as it will be printed, its figures with their rows, and the two paragraphs to write."""
    row = queries.document_by_uid(uid, request.actor.paths(Permission.SEE_REPORTS))
    may_write = row.state == DocumentState.DRAFT and request.actor.covers(Permission.WRITE_REPORTS, row.path)
    form = ParagraphsForm(request.POST or None, written=queries.written_of(row), revision=row.revision)
    status = 200
    if request.method == "POST":
        request.actor.require(Permission.WRITE_REPORTS, row.path)
        if form.is_valid():
            try:
                return _written(request, row, form)
            except Conflict as error:
                form.add_error(None, error.message)
        status = 409 if form.non_field_errors() else 400
    figures = {figure.key: figure for figure in row.figures.all()}
    context = {
        "page_title": str(row),
        "document": row,
        "official": official_of(row, figures, queries.written_of(row)),
        "figures": [(figure, share_text(figure)) for figure in figures.values() if not figure.path],
        "files": row.files.all(),
        "form": form,
        "may_write": may_write,
        "due": _last_day(row.month),
    }
    return render(request, "reports/document.html", context, status=status)


def _last_day(month: date) -> date:
    return date.fromordinal(month_end(month).toordinal() - 1)


def _written(request: ActingRequest, row: Document, form: ParagraphsForm) -> HttpResponse:
    commands.write_paragraphs(document=row, texts=form.texts(), revision=form.cleaned_data["revision"], by=request.actor, at=clock.now())
    if "issue" in request.POST:
        row.refresh_from_db()
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
    commands.refresh_draft(document=row, county=_county(row.place_code, row.month), by=request.actor, at=clock.now())
    messages.success(request, _("数据已重新提取到此刻，您写的两段没有变。"))
    return redirect("reports:document", uid=uid)


@door(Permission.SEE_REPORTS)
def download(request: ActingRequest, uid: UUID, media: str) -> HttpResponseBase:
    """The docx or xlsx: as issued, or of the draft as it stands."""
    row = queries.document_by_uid(uid, request.actor.paths(Permission.SEE_REPORTS))
    if media not in {"docx", "xlsx"}:
        raise NotFound(_("只有 docx 和 xlsx 两种格式"))
    content = commands.file_of(row, media, figure_link(request, row))
    name = commands.file_name(row, media) if row.state == DocumentState.ISSUED else _("草稿 ") + commands.file_name(row, media)
    return FileResponse(BytesIO(content), as_attachment=True, filename=name, content_type=DOCX if media == "docx" else XLSX)


MEANS = {
    Measure.COUNT: "等于下列行数",
    Measure.FIRST: "等于下列各行第一项数之和",
    Measure.SECOND: "等于下列各行第二项数之和",
    Measure.THIRD: "等于下列各行第三项数之和",
    Measure.RATE: "等于下列各行畅通时间之和 ÷（畅通＋不通时间之和）",
    Measure.RATE_LOWEST: "等于下列各行畅通时间之和 ÷ 全部时间之和",
    Measure.RATE_HIGHEST: "等于下列各行畅通与情况不明时间之和 ÷ 全部时间之和",
    Measure.UNKNOWN_SHARE: "等于下列各行情况不明时间之和 ÷ 全部时间之和",
    Measure.GROUP_SHARE: "等于下列行中该类行数 ÷ 全部行数",
}


@door(Permission.SEE_REPORTS)
def figure(request: ActingRequest, uid: UUID, key: str) -> HttpResponseBase:
    """One figure with the frozen rows it was computed from."""
    row = queries.document_by_uid(uid, request.actor.paths(Permission.SEE_REPORTS))
    one = queries.figure_of(row, key)
    head = TABLES[one.table]
    lead = _("%(label)s %(text)s%(unit)s。%(means)s；统计截至 %(end)s，数据提取于 %(as_of)s，此后不再变动。") % {
        "label": one.label,
        "text": one.text,
        "unit": one.unit,
        "means": MEANS[Measure(one.measure)],
        "end": cell_text(one.cut_off_at),
        "as_of": cell_text(row.as_of),
    }
    page = ListPage[FrozenRow](
        title=f"{row.place_name}{row.month.month}月：{one.label}",
        rows=queries.rows_of(one),
        columns=_row_columns(head),
        search=("title", "code", "detail"),
        search_hint=_("名称、编号或说明"),
        empty=_("没有一行：这个数字是 0，或没有可比的基数。"),
        unit=row.signer,
        lead=lead,
        notes=[row.rule] if one.table == "sites" else [],
        context={"document": row},
    )
    return respond(request, page, "reports/figure.html")


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
