"""The wording of a county's and a city's report, in the order of GB/T 9704. A changed wording is a new template version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from yuanjiao.lib.shares import per_cent
from yuanjiao.network.queries import FAULTY_FROM
from yuanjiao.reports.documents.blocks import Official, Paragraph, Piece, Table, plain
from yuanjiao.reports.documents.county_month.figures import FAULTS, LEARNING, LIBRARY, NETWORK, TOWN_HEADS, TOWN_SPECS
from yuanjiao.reports.documents.wording import Sentence, heading, main_figures, said, signed_on, span_sentence, written
from yuanjiao.reports.models import Document, Figure
from yuanjiao.reports.rules import DocumentKind

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
        return f"此段由{self.writer}填写"


WORDS = {
    DocumentKind.COUNTY_MONTH: Words("全县", "乡镇", "县属", "县级组织员"),
    DocumentKind.CITY_MONTH: Words("全市", "县（市、区）", "市属", "市级组织部门"),
}


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


def official_of(document: Document, figures: Mapping[str, Figure], texts: Mapping[str, str]) -> Official:
    """The whole document as blocks; `texts` are the officer's paragraphs by key."""
    month, words = document.first_day, WORDS[DocumentKind(document.kind)]
    return Official(
        title=(f"{document.place_name}{month.year}年{month.month}月", "远程教育运行和使用情况报告"),
        addressee=document.addressee,
        body=tuple(_body(document, figures, texts, words)),
        signer=document.signer,
        date=signed_on(document),
        attachments=(towns_table(figures, words), *_faulty_towns(figures, words), main_figures(figures)),
    )


def title_of(document: Document) -> str:
    """The name of its files."""
    return f"{document.place_name}{document.first_day.year}年{document.first_day.month}月远程教育运行和使用情况报告"


def _body(document: Document, figures: Mapping[str, Figure], texts: Mapping[str, str], words: Words) -> list[Paragraph]:
    blocks = [
        plain(
            f"现将{document.place_name}{document.first_day.month}月远程教育运行和使用情况报告如下。文中数字由系统依据机器记录和登记生成，"
            f"{span_sentence(document)}。{document.rule}。"
        )
    ]
    for number, (section, sentences) in enumerate(SECTIONS):
        blocks += [heading(number, section), *said(sentences, figures, words.whole)]
    for number, (key, title) in enumerate(PARAGRAPHS.items(), len(SECTIONS)):
        blocks += [heading(number, title), *written(texts.get(key, ""), words.missing)]
    return blocks


def towns_table(figures: Mapping[str, Figure], words: Words) -> Table:
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
