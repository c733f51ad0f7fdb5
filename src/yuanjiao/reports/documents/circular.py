"""The city's circular (通报, RPT02, SUP03, SUP04): counties by measured facts, the units beyond a line by name, and what they say to it.

Facts only: shares of time, counts of outages, orders and filings. No person stands in it, and no word on anybody's attitude.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from yuanjiao.faults.queries.orders import orders_in
from yuanjiao.network.queries import FAULTY_FROM
from yuanjiao.reports.documents.base import Snapshot, Subject
from yuanjiao.reports.documents.blocks import Official, Paragraph, Piece, Table, plain
from yuanjiao.reports.documents.county_month.figures import parts_of
from yuanjiao.reports.documents.figures import Spec, figures_over
from yuanjiao.reports.documents.tables import IN_SERVICE, KEPT, LATE, UNREPORTED, detected_rows, order_rows, site_rows
from yuanjiao.reports.documents.week_digest import filing_row
from yuanjiao.reports.documents.wording import Sentence, heading, main_figures, moment, said, signed_on, span_name, span_sentence, written
from yuanjiao.reports.models import Document, Figure, Notice
from yuanjiao.reports.queries import fallen_due
from yuanjiao.reports.rules import Measure, Period, Standing

VERSION = 1
PARAGRAPHS = {"demands": "有关要求"}
NETWORK, FAULTS, FILINGS = "站点运行", "申报与工单", "报告报送"
M = Measure
FACTS = (
    Spec("fault-rate", NETWORK, "故障率", M.FAULT_RATE, "sites", IN_SERVICE),
    Spec("rate", NETWORK, "畅通率", M.RATE, "sites", IN_SERVICE),
    Spec("outages", FAULTS, "发现中断", M.COUNT, "detected", "", "起"),
    Spec("under-reporting", FAULTS, "漏报率", M.GROUP_SHARE, "detected", UNREPORTED),
    Spec("in-time", FAULTS, "工单按时率", M.GROUP_SHARE, "judged", KEPT),
    Spec("filed-late", FILINGS, "逾期报出", M.COUNT, "filings", Standing.LATE, "份"),
    Spec("not-filed", FILINGS, "逾期未报", M.COUNT, "filings", Standing.MISSING, "份"),
)
SPECS = (
    Spec("sites", NETWORK, "在用站点", M.COUNT, "sites", IN_SERVICE, "个"),
    *FACTS[:3],
    Spec("unreported", FAULTS, "无人申报的中断", M.COUNT, "detected", UNREPORTED, "起", "outages"),
    FACTS[3],
    Spec("orders-judged", FAULTS, "已到时限工单", M.COUNT, "judged", "", "张"),
    Spec("orders-late", FAULTS, "超时工单", M.COUNT, "judged", LATE, "张", "orders-judged"),
    FACTS[4],
    Spec("filings", FILINGS, "应报报告", M.COUNT, "filings", "", "份"),
    *FACTS[5:],
)
UNREPORTED_FROM, IN_TIME_BELOW = 0.5, 0.9
LINES = (
    f"故障率在{FAULTY_FROM:.0%}以上、发现的中断半数以上无人申报、已到时限的工单按时率低于{IN_TIME_BELOW:.0%}、"
    "报告逾期报出或未报，有其中一项的单位列出；对所有单位用同一条线"
)
"""By what a unit is named: printed in every circular."""
TEXT = (
    Sentence("（一）站点运行。"),
    Sentence("本月全县在用终端站点{sites}，按时间加权的畅通率为{rate}，故障率为{fault-rate}。"),
    Sentence("（二）申报与工单。"),
    Sentence("发现中断{outages}，其中无人申报{unreported}，漏报率{under-reporting}。", "outages", "本月没有发现中断。"),
    Sentence("已到时限的工单{orders-judged}，超时{orders-late}，按时率{in-time}。", "orders-judged", "没有到时限的工单。"),
    Sentence("（三）报告报送。"),
    Sentence("应报报告{filings}，逾期报出{filed-late}，逾期未报{not-filed}。", "filings", "本月没有到时限的报告。"),
)


def snapshot(subject: Subject, period: Period, at: datetime) -> Snapshot:
    """The whole city's rows, figured for every county in the same way."""
    due = fallen_due([subject.path], period, at=at, on=period.days[1] - timedelta(days=1))
    orders = order_rows(orders_in(subject.path, period.start, period.end), period)
    rows = [
        *site_rows(subject.path, period),
        *detected_rows(subject.path, period),
        *(row for row in orders if row.table == "judged"),
        *(filing_row(slot) for slot in due),
    ]
    return Snapshot(rows, figures_over(rows, period, parts_of(subject, period, SPECS, FACTS)))


@dataclass(frozen=True)
class Named:
    """One unit beyond a line, with the facts that put it there."""

    code: str
    name: str
    path: str
    facts: tuple[str, ...]


def named(figures: Iterable[Figure]) -> list[Named]:
    """Units beyond one of LINES, in the order of the register: a circular ranks nobody."""
    units: dict[str, dict[str, Figure]] = {}
    for figure in figures:
        if figure.path:
            units.setdefault(figure.path, {})[figure.short_key] = figure
    found = []
    for path, facts in units.items():
        told = tuple(f"{facts[key].label}{facts[key].text}{facts[key].unit}" for key in facts if _is_beyond(key, facts[key].number))
        if told:
            some = next(iter(facts.values()))
            found.append(Named(some.key.split("-")[1], some.section, path, told))
    return found


def _is_beyond(key: str, number: float | None) -> bool:
    """Whether a fact puts its unit on the list; what could not be measured puts nobody there."""
    if number is None:
        return False
    return {
        "fault-rate": number >= FAULTY_FROM,
        "under-reporting": number > UNREPORTED_FROM,
        "in-time": number < IN_TIME_BELOW,
        "filed-late": number > 0,
        "not-filed": number > 0,
    }.get(key, False)


def official_of(document: Document, figures: Mapping[str, Figure], texts: Mapping[str, str]) -> Official:
    """What was measured, who is beyond a line, what is asked; then the tables: every county, and facts beside explanations."""
    units = named(figures.values())
    body = [
        plain(
            f"现将{span_name(document)}远程教育终端站点运行维护情况通报如下。数字由系统依据机器记录和登记生成，{span_sentence(document)}。{document.rule}。"
        ),
        heading(0, "总体情况"),
        *said(TEXT, figures, "全市"),
        heading(1, "涉及单位"),
        plain(f"{LINES}。"),
        *([_unit(one) for one in units] or [plain("没有单位列出。")]),
        heading(2, PARAGRAPHS["demands"]),
        *written(texts.get("demands", ""), "此段由起草人填写"),
    ]
    return Official(
        title=(f"关于{span_name(document)}远程教育终端站点", "运行维护情况的通报"),
        addressee=document.addressee,
        body=tuple(body),
        signer=document.signer,
        date=signed_on(document),
        attachments=(_counties(figures), *_explained(document), main_figures(figures)),
    )


def _unit(one: Named) -> Paragraph:
    return plain(f"{one.name}：{'、'.join(one.facts)}。")


def _counties(figures: Mapping[str, Figure]) -> Table:
    rows: dict[str, list[Piece]] = {}
    for figure in figures.values():
        if figure.path:
            rows.setdefault(figure.path, [Piece(figure.section)]).append(Piece(figure.text, figure.key))
    heads = ("县（市、区）", *(spec.label for spec in FACTS))
    return Table("各县（市、区）运行维护情况表", heads, tuple(tuple(cells) for cells in rows.values()), (5, *(4 for _ in FACTS)))


def _explained(document: Document) -> tuple[Table, ...]:
    """Facts beside explanations, once the units have been asked."""
    notices = list(document.notices.all())
    if not notices:
        return ()
    rows = tuple((Piece(one.place_name), Piece(one.facts.replace("\n", "；")), Piece(answer_of(one))) for one in notices)
    return (Table("涉及单位的事实与说明", ("单位", "事实", "单位的说明"), rows, (4, 7, 10)),)


def answer_of(notice: Notice) -> str:
    """What the unit said to these facts, or until when it could have said something; and what it said to earlier ones."""
    if notice.answered:
        return notice.reply
    silent = f"至{moment(notice.reply_until)}没有提交说明"
    return f"{silent}；对先前告知的事实曾说明：{notice.reply}" if notice.reply else silent


def title_of(document: Document) -> str:
    return f"关于{span_name(document)}远程教育终端站点运行维护情况的通报"


def reply_day(today: date, days: int) -> date:
    """The first day on which an explanation comes too late: `days` whole days are left."""
    return today + timedelta(days=days + 1)
