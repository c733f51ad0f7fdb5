"""An operator's branch and its month (运维服务月报, OPS15): orders, in time, reopened, equipment replaced; the county's own figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from yuanjiao.faults.queries.orders import orders_in
from yuanjiao.reports.documents.base import Snapshot, Subject
from yuanjiao.reports.documents.blocks import Official, plain
from yuanjiao.reports.documents.figures import Part, Spec, figures_over
from yuanjiao.reports.documents.tables import CLOSED, KEPT, LATE, OPEN, order_rows
from yuanjiao.reports.documents.wording import Sentence, heading, main_figures, said, signed_on, span_name, span_sentence, written
from yuanjiao.reports.models import Document, Figure
from yuanjiao.reports.rules import Measure, Period

VERSION = 1
PARAGRAPHS = {"remarks": "需要说明的情况"}
ORDERS = "工单"
M = Measure
SPECS = (
    Spec("orders", ORDERS, "工单", M.COUNT, "orders", "", "张"),
    Spec("orders-closed", ORDERS, "已办结工单", M.COUNT, "orders", CLOSED, "张", "orders"),
    Spec("orders-open", ORDERS, "在办工单", M.COUNT, "orders", OPEN, "张", "orders"),
    Spec("orders-judged", ORDERS, "已到时限工单", M.COUNT, "judged", "", "张"),
    Spec("orders-kept", ORDERS, "按时工单", M.COUNT, "judged", KEPT, "张", "orders-judged"),
    Spec("orders-late", ORDERS, "超时工单", M.COUNT, "judged", LATE, "张", "orders-judged"),
    Spec("in-time", ORDERS, "按时率", M.GROUP_SHARE, "judged", KEPT),
    Spec("reopened", ORDERS, "重新打开工单", M.COUNT, "reopened", "", "张", "orders"),
    Spec("replaced", "设备更新", "更换设备", M.COUNT, "replaced", "", "台", missing="更换设备还没有登记"),
)
TEXT = (
    Sentence(
        "本月派给本单位的工单{orders}，已办结{orders-closed}，占{orders-closed.share}；在办{orders-open}。",
        "orders",
        "本月派给本单位的工单{orders}。",
    ),
    Sentence(
        "已到时限的工单{orders-judged}，按时{orders-kept}，超时{orders-late}，按时率{in-time}。", "orders-judged", "没有到时限的工单。"
    ),
    Sentence("重新打开的工单{reopened}。更换设备{replaced}。"),
)


def snapshot(subject: Subject, period: Period, _at: datetime) -> Snapshot:
    """The same orders as the county's, of those that are this branch's; judged by the same rule."""
    orders = orders_in(subject.path, period.start, period.end)
    if subject.unit is not None:
        orders = orders.filter(item__lead_unit=subject.unit)
    rows = list(order_rows(orders, period))
    return Snapshot(rows, figures_over(rows, period, [Part(SPECS)]))


def official_of(document: Document, figures: Mapping[str, Figure], texts: Mapping[str, str]) -> Official:
    body = [
        plain(f"{document.place_name}{span_name(document)}运行维护服务情况如下。数字由系统依据工单记录生成，{span_sentence(document)}。"),
        heading(0, "工单与设备"),
        *said(TEXT, figures),
        heading(1, PARAGRAPHS["remarks"]),
        *written(texts.get("remarks", ""), "此段由县级组织员填写，没有的写“无”"),
    ]
    return Official(
        title=(f"{document.place_name}{span_name(document)}", "运行维护服务月报"),
        addressee=document.addressee,
        body=tuple(body),
        signer=document.signer,
        date=signed_on(document),
        attachments=(main_figures(figures),),
    )


def title_of(document: Document) -> str:
    return f"{document.place_name}{span_name(document)}运行维护服务月报"
