"""Checking edges, lines and sites: their place, what they hang on, their state, and that nothing hangs on itself."""

from __future__ import annotations

from yuanjiao.network.rules import DEPENDS_ON
from yuanjiao.register.checks.phones import settle_phone
from yuanjiao.register.checks.places import NOT_FOUND, require_division
from yuanjiao.register.checks.rows import Book, Row, settle
from yuanjiao.register.documents.columns import SHEETS

KINDS = {plan.table: plan.name for plan in SHEETS if plan.table in {"edge", "line", "site"}}
BASE = ("name", "division", "depends_on", "lifecycle", "suspension_document", "in_service_on")
OWN = {
    "edge": ("address",),
    "line": ("is_uplink", "medium", "bandwidth_mbps", "circuit_number"),
    "site": ("site_kind", "access_mode", "programmes", "capabilities", "road"),
}


def check_objects(book: Book) -> None:
    for kind in KINDS:
        for row in book.rows.get(kind, []):
            row.kept = book.known.objects.get(row.code)
            row.path = require_division(book, row)
    for kind in KINDS:
        for row in book.rows.get(kind, []):
            if row.code:
                _check_object(book, row, kind)


def _check_object(book: Book, row: Row, kind: str) -> None:
    kept = row.kept
    if kept is not None and kept.kind != kind:
        row.blame("code", f"编号 {row.code} 已用于{KINDS[kept.kind]}")
        return
    if kept is not None and not book.covers(kept.path):
        row.blame("code", f"编号 {row.code} 已被占用，或不在您负责的范围内")
    if row.values.get("depends_on"):
        _check_link(book, row, kind)
    _check_decision(row)
    if kept is None:
        row.values.setdefault("in_service_on", book.on)
    settle(row, (*BASE, *OWN[kind]))
    if kind == "site":
        settle_phone(row)


def _check_decision(row: Row) -> None:
    """What leaves the denominator leaves it by a document (OPS19); what was retired before this was asked may stay as it is."""
    was = row.kept.values["lifecycle"] if row.kept is not None else ""
    life = row.get("lifecycle")
    if life == "suspended" and not row.get("suspension_document"):
        row.blame("suspension_document", "状态为“停用”须写明依据文件")
    if life == "retired" and was != "retired" and not row.get("suspension_document"):
        row.blame("suspension_document", "状态改为“退役”须写明依据文件")


def _check_link(book: Book, row: Row, kind: str) -> None:
    code = row.values["depends_on"]
    kept, made = book.known.objects.get(code), book.by_code["object"].get(code)
    if kept is None and made is None:
        row.blame("depends_on", f"上联编号 {code} {NOT_FOUND}")
        return
    if kept is not None and not book.covers(kept.path):
        row.blame("depends_on", f"上联编号 {code} {NOT_FOUND}")
        return
    above = kept.kind if kept is not None else made.plan.table if made is not None else ""
    if above not in DEPENDS_ON[kind]:
        row.blame("depends_on", f"{KINDS[kind]}不能上联到{KINDS[above]} {code}")
    elif _climbs_to_itself(book, row):
        row.blame("depends_on", f"与 {code} 互相上联成圈")
    if kept is None and made is not None:
        row.leans_on.append(made)


def _climbs_to_itself(book: Book, row: Row) -> bool:
    code, steps = row.values["depends_on"], 0
    while code and steps < 20:
        if code == row.code:
            return True
        made, kept = book.by_code["object"].get(code), book.known.objects.get(code)
        code = made.get("depends_on") if made is not None else kept.values["depends_on"] if kept is not None else ""
        steps += 1
    return bool(code)
