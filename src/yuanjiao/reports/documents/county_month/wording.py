"""The wording of a county's and a city's report, in the order of GB/T 9704. A changed wording is a new template version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from yuanjiao.lib.clock import CHINA, local_day
from yuanjiao.lib.shares import per_cent
from yuanjiao.network.queries import FAULTY_FROM
from yuanjiao.reports.documents.blocks import Official, Paragraph, Piece, Table, filled, plain, share_text
from yuanjiao.reports.documents.county_month.figures import FAULTS, LEARNING, LIBRARY, NETWORK, TOWN_HEADS, TOWN_SPECS
from yuanjiao.reports.models import Document, Figure
from yuanjiao.reports.rules import DocumentKind, period_of

TEMPLATE_VERSION = 2
PARAGRAPHS = {"problems": "存在的主要问题", "plans": "下一步打算"}
"""What the officer writes: key → heading."""


@dataclass(frozen=True)
class Words:
    """What a report of one level calls its whole, the units below it, what is its own, and who writes."""

    whole: str
    below: str
    own: str
    writer: str

    @property
    def missing(self) -> str:
        return f"（此段由{self.writer}填写）"


WORDS = {
    DocumentKind.COUNTY_MONTH: Words("全县", "乡镇", "县属", "县级组织员"),
    DocumentKind.CITY_MONTH: Words("全市", "县（市、区）", "市属", "市级组织部门"),
}


@dataclass(frozen=True)
class Sentence:
    """A template with figures; `base` names the figure without which it says nothing, then `otherwise` is said."""

    template: str
    base: str = ""
    otherwise: str = ""

    def chosen(self, figures: Mapping[str, Figure]) -> str:
        return self.otherwise if self.base and not figures[self.base].number else self.template


NETWORK_TEXT = (
    Sentence("（一）畅通情况。"),
    Sentence(
        "本月全县在用终端站点{sites}，停用{suspended}。按时间加权的站点畅通率为{rate}，情况不明时间占{unknown}，不计入畅通率；不明的时间全算不通为{rate-lowest}，全算畅通为{rate-highest}。"
    ),
    Sentence("（二）中断情况。"),
    Sentence(
        "本月发现中断{outages}，影响{affected}。其中服务器故障{outages-server}，占{outages-server.share}；"
        "线路故障{outages-line}，占{outages-line.share}；设备故障{outages-equipment}，占{outages-equipment.share}；"
        "尚未判明{outages-unsettled}，占{outages-unsettled.share}。",
        "outages",
        "本月发现中断{outages}。",
    ),
)
FAULTS_TEXT = (
    Sentence(
        "本月受理故障申报{reports}，其中热线电话{reports-phone}、站点一键报修{reports-site_button}、网页{reports-web}、组织部门{reports-officer}。",
        "reports",
        "本月受理故障申报{reports}。",
    ),
    Sentence("发现的中断中无人申报的{unreported}，占{unreported.share}。", "outages", "本月没有发现中断，无人申报的{unreported}。"),
    Sentence("本月开出工单{orders}，已办结{orders-closed}，办结率{orders-closed.share}。", "orders", "本月开出工单{orders}。"),
    Sentence("已到时限的工单{orders-judged}，其中超时{orders-late}，占{orders-late.share}。", "orders-judged", "没有到时限的工单。"),
)
LEARNING_TEXT = (
    Sentence("本月开展集中学习{sessions}，现场参加{onsite}，线上参加{online}。"),
    Sentence(
        "应使用站点{asked}，有学习场次的{used}，参学率{participation}；零使用站点{unused}，占{unused.share}。",
        "asked",
        "应使用站点{asked}。",
    ),
)
LIBRARY_TEXT = (Sentence("本月全市教学资源库新发布课件{items}，已随目录下发到各站点。", "items", "本月全市教学资源库新发布课件{items}。"),)
SECTIONS = ((NETWORK, NETWORK_TEXT), (FAULTS, FAULTS_TEXT), (LEARNING, LEARNING_TEXT), (LIBRARY, LIBRARY_TEXT))
NUMBERS = "一二三四五六七八九"


def official_of(document: Document, figures: Mapping[str, Figure], written: Mapping[str, str]) -> Official:
    """The whole document as blocks; `written` are the officer's paragraphs by key."""
    month, words = document.month, WORDS[DocumentKind(document.kind)]
    return Official(
        title=(f"{document.place_name}{month.year}年{month.month}月", "远程教育运行和使用情况报告"),
        addressee=document.addressee,
        body=tuple(_body(document, dict(figures), written, words)),
        signer=document.signer,
        date=chinese_date(local_day(document.issued_at or document.as_of)),
        attachments=(_towns(figures, words), *_faulty_towns(figures, words), _main_figures(figures)),
    )


def chinese_date(day: date) -> str:
    """2026年3月5日: Arabic figures without leading zeros."""
    return f"{day.year}年{day.month}月{day.day}日"


def moment(at: datetime) -> str:
    """2026年3月25日16时5分; the midnight that ends a day is written as that day's 24时."""
    local = at.astimezone(CHINA)
    if (local.hour, local.minute) == (0, 0):
        return f"{chinese_date(local_day(at - timedelta(minutes=1)))}24时"
    return f"{chinese_date(local.date())}{local.hour}时{local.minute}分"


def _body(document: Document, figures: dict[str, Figure], written: Mapping[str, str], words: Words) -> list[Paragraph]:
    period = period_of(document.month, document.as_of)
    until = "" if period is None else f"{chinese_date(local_day(period.start))}至{moment(period.end)}"
    taken = "" if period is not None and period.end == document.as_of else f"，数据于{moment(document.as_of)}提取"
    blocks = [
        plain(
            f"现将{document.place_name}{document.month.month}月远程教育运行和使用情况报告如下。文中数字由系统依据机器记录和登记生成，"
            f"统计期为{until}{taken}。{document.rule}。"
        )
    ]
    for number, (section, sentences) in enumerate(SECTIONS):
        blocks.append(plain(f"{NUMBERS[number]}、{section}", 1))
        chosen = [sentence.chosen(figures).replace("全县", words.whole) for sentence in sentences]
        blocks += [filled(template, figures, 2 if template.startswith("（") else 0) for template in chosen]
    for number, (key, heading) in enumerate(PARAGRAPHS.items(), len(SECTIONS)):
        blocks.append(plain(f"{NUMBERS[number]}、{heading}", 1))
        lines = [line.strip() for line in written.get(key, "").splitlines() if line.strip()]
        blocks += [plain(line) for line in lines or [words.missing]]
    return blocks


def _towns(figures: Mapping[str, Figure], words: Words) -> Table:
    towns: dict[str, list[Piece]] = {}
    for figure in figures.values():
        if figure.key.startswith("town-"):
            towns.setdefault(figure.path, [Piece(figure.section)]).append(Piece(figure.text, figure.key))
    rows = tuple(tuple(cells) for cells in towns.values())
    return Table(
        f"分{words.below}运行和使用情况表",
        (words.below, *TOWN_HEADS[1:]),
        rows,
        (5, *(4 if spec.key == "rate" else 3 for spec in TOWN_SPECS)),
        (f"注：{words.own}对象（服务器、骨干线路）的中断不列入{words.below}。",),
    )


def _faulty_towns(figures: Mapping[str, Figure], words: Words) -> tuple[Table, ...]:
    """Units below whose share of faulty time reaches the threshold, the highest first (OPS12); no table when there is none."""
    rates = [figure for figure in figures.values() if figure.key.startswith("town-") and figure.key.endswith("-rate")]
    shares = [(1 - figure.number, figure) for figure in rates if figure.number is not None]
    listed = sorted((pair for pair in shares if pair[0] >= FAULTY_FROM), key=lambda pair: (-pair[0], pair[1].path))
    if not listed:
        return ()
    rows = tuple((Piece(figure.section), Piece(per_cent(share)), Piece(figure.text, figure.key)) for share, figure in listed)
    return (
        Table(
            f"站点故障率在{FAULTY_FROM:.0%}以上的{words.below}",
            (words.below, "故障率", "畅通率"),
            rows,
            (5, 4, 4),
            (f"注：故障率＝1－畅通率，按时间加权，从高到低；最高为{listed[0][1].section}。已知时间太少、不出数的{words.below}不列入。",),
        ),
    )


def _main_figures(figures: Mapping[str, Figure]) -> Table:
    chosen = [figure for figure in figures.values() if not figure.path and figure.section in {NETWORK, FAULTS, LEARNING, LIBRARY}]
    rows = tuple(
        (Piece(figure.section), Piece(figure.label), Piece(figure.text, figure.key), Piece(figure.unit), Piece(share_text(figure), ""))
        for figure in chosen
    )
    return Table("主要指标表", ("栏目", "指标", "数值", "单位", "占比"), rows, (3, 5, 4, 2, 3))
