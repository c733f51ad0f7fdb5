"""A county's weekly report (周报, RPT05, RPT06): 做法、数据、案例、成效. 数据 is there beforehand, the rest a person writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from yuanjiao.reports.documents.base import Snapshot, Subject
from yuanjiao.reports.documents.blocks import Official, plain
from yuanjiao.reports.documents.county_month.figures import SPECS as MONTH_SPECS
from yuanjiao.reports.documents.county_month.figures import TOWN_SPECS, parts_of
from yuanjiao.reports.documents.county_month.wording import FAULTS_TEXT, LEARNING_TEXT, LIBRARY_TEXT, WORDS, towns_table
from yuanjiao.reports.documents.figures import figures_over
from yuanjiao.reports.documents.tables import freeze_rows
from yuanjiao.reports.documents.wording import Sentence, heading, main_figures, said, signed_on, span_name, span_sentence, written
from yuanjiao.reports.models import Document, Figure
from yuanjiao.reports.rules import DocumentKind, Period

VERSION = 1
PARAGRAPHS = {"practice": "做法", "cases": "案例", "results": "成效"}
DATA = "数据"
"""The section nobody writes."""
ORDER = ("practice", DATA, "cases", "results")
BOUNDS = {"rate-lowest", "rate-highest"}
SPECS = tuple(spec for spec in MONTH_SPECS if spec.key not in BOUNDS)
NETWORK_TEXT = (
    Sentence("本月全县在用终端站点{sites}，停用{suspended}。按时间加权的站点畅通率为{rate}，情况不明时间占{unknown}，不计入畅通率。"),
    Sentence("本月发现中断{outages}，影响{affected}。"),
)


def snapshot(subject: Subject, period: Period, _at: datetime) -> Snapshot:
    rows = freeze_rows(subject.path, period)
    return Snapshot(rows, figures_over(rows, period, parts_of(subject, period, SPECS, TOWN_SPECS)))


def official_of(document: Document, figures: Mapping[str, Figure], texts: Mapping[str, str]) -> Official:
    """The four sections in their order."""
    words = WORDS[DocumentKind.COUNTY_MONTH]
    body = [plain(f"现将{document.place_name}{span_name(document)}远程教育工作情况报告如下。")]
    for number, key in enumerate(ORDER):
        body.append(heading(number, PARAGRAPHS.get(key, DATA)))
        if key == DATA:
            body.append(plain(f"以下数字由系统依据机器记录和登记生成，{span_sentence(document)}。{document.rule}。"))
            body += said((*NETWORK_TEXT, *FAULTS_TEXT, *LEARNING_TEXT, *LIBRARY_TEXT), figures, span="本周")
        else:
            body += written(texts.get(key, ""), words.missing)
    return Official(
        title=(f"{document.place_name}远程教育工作周报", f"（{span_name(document)}）"),
        addressee=document.addressee,
        body=tuple(body),
        signer=document.signer,
        date=signed_on(document),
        attachments=(towns_table(figures, words), main_figures(figures)),
    )


def title_of(document: Document) -> str:
    return f"{document.place_name}远程教育工作周报（{span_name(document)}）"
