"""Checking equipment: it stands in exactly one place that exists, is spare only in a store, and cites a purchase of the ledger."""

from __future__ import annotations

from yuanjiao.funds.queries import purchases
from yuanjiao.network.models import Condition
from yuanjiao.register.checks.places import NOT_FOUND
from yuanjiao.register.checks.rows import Book, Row, settle
from yuanjiao.register.queries import ASSET, STANDINGS

TITLES = {"place": "对象编号", "unit": "单位代码", "store": "单位代码"}


def check_assets(book: Book) -> None:
    rows = book.rows.get("asset", [])
    cited = purchases({row.values["paid_from"] for row in rows if row.values.get("paid_from")})
    for row in rows:
        row.kept = book.known.assets.get(row.code)
        if row.kept is not None and not book.covers(row.kept.path):
            row.blame("code", f"资产编号 {row.code} 已被占用，或不在您负责的范围内")
        _check_standing(book, row)
        _check_condition(row)
        reference = row.values.get("paid_from")
        if reference and reference not in cited and (row.kept is None or row.kept.values["paid_from"] != reference):
            row.blame("paid_from", f"没有凭证号为 {reference} 的采购分录，或已冲销")
        settle(row, ASSET[1:])


def _check_standing(book: Book, row: Row) -> None:
    """One of three says where it is; what says so now takes the place of what said so before."""
    named = [key for key in STANDINGS if row.values.get(key)]
    if len(named) > 1:
        row.blame(named[1], "一件设备只在一处：所在对象、使用单位、备件库单位只填一个")
    elif not named and row.kept is None:
        row.blame("place", "必填：所在对象、使用单位、备件库单位三者填一")
    elif named:
        row.values |= {key: "" for key in STANDINGS if key != named[0]}
        _check_place(book, row, named[0])


def _check_place(book: Book, row: Row, key: str) -> None:
    code, table = row.values[key], "object" if key == "place" else "unit"
    known = book.known.objects if key == "place" else book.known.units
    kept, made = known.get(code), book.by_code.get(table, {}).get(code)
    if kept is None and made is not None:
        row.leans_on.append(made)
        row.path = made.path
    elif kept is None or not book.covers(kept.path):
        row.blame(key, f"{TITLES[key]} {code} {NOT_FOUND}")
    else:
        row.path = kept.path


def _check_condition(row: Row) -> None:
    """In a store it is spare, elsewhere in service, unless the row says repair or scrapped."""
    stored, moved = bool(row.get("store")), any(row.values.get(key) for key in STANDINGS)
    usual = str(Condition.SPARE if stored else Condition.IN_SERVICE)
    if "condition" not in row.values and moved and row.get("condition", usual) in {Condition.SPARE, Condition.IN_SERVICE}:
        row.values["condition"] = usual
    said = row.get("condition", usual)
    if said == Condition.SPARE and not stored:
        row.blame("condition", "备用的设备须在备件库")
    elif said == Condition.IN_SERVICE and stored:
        row.blame("condition", "在备件库的设备不能是“在用”")
