"""What the wording of every document shares: sentences with figures, numbered sections, dates, the paragraphs that people write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from yuanjiao.lib.clock import CHINA, local_day
from yuanjiao.reports.documents.blocks import Paragraph, Piece, Table, filled, plain, share_text
from yuanjiao.reports.models import Document, Figure
from yuanjiao.reports.rules import WEEKLY, DocumentKind, period_of, span_of

NUMBERS = "一二三四五六七八九"


@dataclass(frozen=True)
class Sentence:
    """A template with figures; `base` names the figure without which it says nothing, then `otherwise` is said."""

    template: str
    base: str = ""
    otherwise: str = ""

    def chosen(self, figures: Mapping[str, Figure]) -> str:
        return self.otherwise if self.base and not figures[self.base].number else self.template


def heading(number: int, text: str) -> Paragraph:
    """一、…: the number counts from 0."""
    return plain(f"{NUMBERS[number]}、{text}", 1)


def said(sentences: Iterable[Sentence], figures: Mapping[str, Figure], whole: str = "全县", span: str = "本月") -> list[Paragraph]:
    """The sentences with their figures, speaking of the county or the city, of the month or the week."""
    chosen = [one.chosen(figures).replace("全县", whole).replace("本月", span) for one in sentences]
    return [filled(template, dict(figures), 2 if template.startswith("（") else 0) for template in chosen]


def written(text: str, missing: str) -> list[Paragraph]:
    """What a person wrote, a paragraph per line; `missing` in brackets where there is nothing yet."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [plain(line) for line in lines or [f"（{missing}）"]]


def span_name(document: Document) -> str:
    """2026年3月, or 2026年3月20日至3月26日."""
    first, last = span_of(DocumentKind(document.kind), document.first_day)
    if document.kind not in WEEKLY:
        return f"{first.year}年{first.month}月"
    last -= timedelta(days=1)
    return f"{chinese_date(first)}至{last.month}月{last.day}日"


def span_sentence(document: Document) -> str:
    """From when to when the figures are, and when they were taken."""
    period = period_of(document.first_day, document.as_of, DocumentKind(document.kind))
    if period is None:
        return ""
    taken = "" if period.end == document.as_of else f"，数据于{moment(document.as_of)}提取"
    return f"统计期为{chinese_date(local_day(period.start))}至{moment(period.end)}{taken}"


def signed_on(document: Document) -> str:
    """The date under the signature: the day it was issued, and of a draft the day of its snapshot."""
    return chinese_date(local_day(document.issued_at or document.as_of))


def main_figures(figures: Mapping[str, Figure]) -> Table:
    """Every figure of the whole, with its unit and share."""
    rows = tuple(
        (Piece(figure.section), Piece(figure.label), Piece(figure.text, figure.key), Piece(figure.unit), Piece(share_text(figure), ""))
        for figure in figures.values()
        if not figure.path
    )
    return Table("主要指标表", ("栏目", "指标", "数值", "单位", "占比"), rows, (3, 5, 4, 2, 3))


def chinese_date(day: date) -> str:
    """2026年3月5日: Arabic figures without leading zeros."""
    return f"{day.year}年{day.month}月{day.day}日"


def moment(at: datetime) -> str:
    """2026年3月25日16时5分; the midnight that ends a day is written as that day's 24时."""
    local = at.astimezone(CHINA)
    if (local.hour, local.minute) == (0, 0):
        return f"{chinese_date(local_day(at - timedelta(minutes=1)))}24时"
    return f"{chinese_date(local.date())}{local.hour}时{local.minute}分"
