"""The office's digest of a week's reports (周报汇总, RPT07): who has reported, the counties' frozen figures added up, what they wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from yuanjiao.reports.documents.base import Snapshot, Subject
from yuanjiao.reports.documents.blocks import Official, Paragraph, Piece, Table, plain
from yuanjiao.reports.documents.county_week import PARAGRAPHS as SECTIONS
from yuanjiao.reports.documents.county_week import SPECS as WEEK_SPECS
from yuanjiao.reports.documents.figures import Part, Spec, figures_over
from yuanjiao.reports.documents.wording import heading, main_figures, signed_on, span_name, written
from yuanjiao.reports.models import Document, Figure, FrozenRow
from yuanjiao.reports.queries import Slot, slots_of, written_of
from yuanjiao.reports.rules import STANDING_NAMES, DocumentKind, Measure, Period, Standing

VERSION = 1
PARAGRAPHS = {"overview": "本周综述"}
FILINGS = "报送情况"
ADDED = tuple(
    spec
    for spec in WEEK_SPECS
    if spec.measure in {Measure.COUNT, Measure.FIRST, Measure.SECOND, Measure.THIRD} and spec.key not in {"items", "suspended"}
)
"""What may be added up over counties: counts, never rates; and not the city's own library."""
SPECS = (
    Spec("expected", FILINGS, "应报单位", Measure.COUNT, "filings", "", "个"),
    *(
        Spec(f"filed-{one}", FILINGS, STANDING_NAMES[one], Measure.COUNT, "filings", str(one), "个", "expected")
        for one in (Standing.ON_TIME, Standing.LATE, Standing.MISSING, Standing.DRAFTED, Standing.NOT_DRAFTED)
    ),
    *(Spec(spec.key, spec.section, spec.label, Measure.FIRST, "told", spec.key, spec.unit) for spec in ADDED),
)
SHOWN = ("sites", "outages", "reports", "orders", "orders-late", "sessions", "onsite", "online", "unused")


def snapshot(subject: Subject, period: Period, at: datetime) -> Snapshot:
    """From the reports that have been sent; a draft is nobody's word yet."""
    slots = slots_of(DocumentKind.COUNTY_WEEK, [subject.path], [period.first_day], at=at, on=period.days[0])
    sent = [slot for slot in slots if slot.document and slot.document.issued_at]
    rows = [filing_row(slot) for slot in slots] + [row for slot in sent for row in _told(slot)]
    below = tuple(spec for spec in SPECS if spec.key in SHOWN)
    parts = [Part(SPECS), *(Part(below, f"town-{slot.county.code}-", slot.county.path, slot.county.name) for slot in sent)]
    texts = {
        f"{slot.county.code}-{key}": text
        for slot in sent
        if slot.document
        for key, text in written_of(slot.document).items()
        if key in SECTIONS
    }
    return Snapshot(rows, figures_over(rows, period, parts), texts)


def filing_row(slot: Slot) -> FrozenRow:
    """One county's report that fell due: on time, late, missing."""
    issued = slot.document.issued_at if slot.document else None
    kind = slot.document.get_kind_display() if slot.document else ""
    return FrozenRow(
        table="filings", group=slot.standing, path=slot.county.path, code=f"{slot.county.code}/{slot.first_day}", title=slot.county.name,
        at=slot.due_at, detail=f"{kind}{slot.first_day} 起{'；已报出' if issued else '；未报出'}",
    )  # fmt: skip


def _told(slot: Slot) -> Iterator[FrozenRow]:
    document = slot.document
    if document is None:
        return
    for figure in document.figures.filter(path="", key__in=[spec.key for spec in ADDED]):
        yield FrozenRow(
            table="told", group=figure.key, path=slot.county.path, code=slot.county.code, title=slot.county.name,
            at=figure.cut_off_at, detail=figure.label, first=round(figure.number or 0),
        )  # fmt: skip


def official_of(document: Document, figures: Mapping[str, Figure], texts: Mapping[str, str]) -> Official:
    """The office's own words first, then each section with what every county wrote, then the figures side by side."""
    names = {figure.key.split("-")[1]: figure.section for figure in figures.values() if figure.path}
    body = [
        plain(f"现将{span_name(document)}各县（市、区）周报汇总如下。数字取自各地已报出的周报，不再另行填报。"),
        heading(0, PARAGRAPHS["overview"]),
        *written(texts.get("overview", ""), "此段由市级组织部门填写"),
        *_filings(figures),
    ]
    for number, (key, title) in enumerate(SECTIONS.items(), 2):
        body.append(heading(number, f"各地{title}"))
        for code, name in names.items():
            body += [plain(f"（{name}）", 2), *written(texts.get(f"{code}-{key}", ""), "未写")]
    return Official(
        title=(f"{document.place_name}远程教育工作周报汇总", f"（{span_name(document)}）"),
        addressee=document.addressee,
        body=tuple(body),
        signer=document.signer,
        date=signed_on(document),
        attachments=(_side_by_side(figures), main_figures(figures)),
    )


def _filings(figures: Mapping[str, Figure]) -> list[Paragraph]:
    pieces = [Piece("应报"), _piece(figures["expected"])]
    for one in (Standing.ON_TIME, Standing.LATE, Standing.MISSING):
        pieces += [Piece(f"，{STANDING_NAMES[one]}"), _piece(figures[f"filed-{one}"])]
    return [heading(1, FILINGS), Paragraph((*pieces, Piece("。名单见数字所附明细。")))]


def _piece(figure: Figure) -> Piece:
    return Piece(figure.text + figure.unit, figure.key)


def _side_by_side(figures: Mapping[str, Figure]) -> Table:
    rows: dict[str, list[Piece]] = {}
    for figure in figures.values():
        if figure.path:
            rows.setdefault(figure.path, [Piece(figure.section)]).append(Piece(figure.text, figure.key))
    labels = [spec.label for spec in SPECS if spec.key in SHOWN]
    return Table(
        "各县（市、区）周报数字", ("县（市、区）", *labels), tuple(tuple(cells) for cells in rows.values()), (5, *(3 for _ in labels))
    )


def title_of(document: Document) -> str:
    return f"{document.place_name}远程教育工作周报汇总（{span_name(document)}）"
