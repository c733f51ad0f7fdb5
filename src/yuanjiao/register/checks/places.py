"""Checking divisions and units: codes, levels, parents, dates, chains, and the importer's own subtree."""

from __future__ import annotations

from yuanjiao.places.rules import Level, level_of, parent_code
from yuanjiao.register.checks.rows import Book, Row, settle

NOT_FOUND = "没有找到，或不在您负责的范围内"


def check_divisions(book: Book) -> None:
    rows = [row for row in book.rows.get("division", []) if row.code]
    for row in rows:
        row.kept = book.known.divisions.get(row.code)
    readable = [row for row in rows if not any(title == "区划代码" for title, _reason in row.problems)]
    for row in sorted(readable, key=lambda row: level_of(row.code)):
        _check_division(book, row)


def _check_division(book: Book, row: Row) -> None:
    if row.kept is not None:
        row.path = row.kept.path
        if row.values.get("parent") and row.values["parent"] != row.kept.values["parent"]:
            row.blame("parent", f"已有区划的上级是 {row.kept.values['parent'] or '（无）'}，改变隶属须办理区划变更，不能经导入更改")
    else:
        _place_new(book, row)
    if row.path and not book.covers(row.path):
        row.blame("code", f"{row.code} 不在您负责的范围内")
    settle(row, ("name", "urban_rural"))


def _place_new(book: Book, row: Row) -> None:
    """Find the path of a new division under its parent, in the file or in the register."""
    parent = row.values.get("parent") or nearest_above(book, row.code)
    path = division_path(book, row, parent) if parent else "/"
    if parent and not path:
        row.blame("parent" if row.values.get("parent") else "code", f"上级区划 {parent} {NOT_FOUND}")
        return
    if parent and level_of(parent) >= level_of(row.code):
        row.blame("parent", f"上级 {parent} 的级别不高于它")
        return
    if not parent and level_of(row.code) != Level.PROVINCE:
        row.blame("code", f"找不到上级区划 {parent_code(row.code)}，请先在本表列出上级")
        return
    row.values["parent"] = parent or ""
    row.path = f"{path}{row.code}/"
    _date_new(book, row, parent)


def _date_new(book: Book, row: Row, parent: str | None) -> None:
    starts = [kept.values["valid_from"] for kept in [book.known.divisions.get(parent or "")] if kept]
    starts += [
        above.values["valid_from"] for above in [book.by_code["division"].get(parent or "")] if above and "valid_from" in above.values
    ]
    earliest = max(starts, default=None)
    ended = book.known.division_ends.get(row.code)
    if "valid_from" not in row.values:
        row.values["valid_from"] = max(filter(None, (book.on, earliest, ended)))
    elif earliest and row.values["valid_from"] < earliest:
        row.blame("valid_from", f"早于上级区划的启用日期 {earliest:%Y-%m-%d}")
    elif ended and row.values["valid_from"] < ended:
        row.blame("valid_from", f"此代码的旧区划到 {ended:%Y-%m-%d} 才停用")


def nearest_above(book: Book, code: str) -> str | None:
    """The nearest upper division, by the arithmetic of the standard, that the file or the register has."""
    above = parent_code(code)
    while above is not None and above not in book.by_code.get("division", {}) and above not in book.known.divisions:
        above = parent_code(above)
    return above


def division_path(book: Book, row: Row, code: str) -> str:
    """The path of a division that exists or that a row of this file makes (the asking row then leans on it); '' for neither."""
    kept = book.known.divisions.get(code)
    if kept is not None:
        return kept.path
    made = book.by_code.get("division", {}).get(code)
    if made is None or made is row:
        return ""
    row.leans_on.append(made)
    return made.path or "?"


def require_division(book: Book, row: Row, key: str = "division") -> str:
    """The path of the division a row names, with blame when it is missing or outside the subtree; '' then."""
    code = row.values.get(key)
    if not code:
        return row.kept.path if row.kept is not None else ""
    path = division_path(book, row, code)
    if path == "?":
        return ""  # the row that makes it is wrong; that is reason enough
    if not path or not book.covers(path):
        row.blame(key, f"区划 {code} {NOT_FOUND}")
        return ""
    return path


def check_units(book: Book) -> None:
    rows = [row for row in book.rows.get("unit", []) if row.code]
    for row in rows:
        row.kept = book.known.units.get(row.code)
        row.path = require_division(book, row)
    for row in rows:
        _check_unit(book, row)


def _check_unit(book: Book, row: Row) -> None:
    if row.kept is None and row.code in book.known.unit_codes:
        row.blame("code", f"单位代码 {row.code} 曾属于已撤销的单位，不能再用")
    if row.kept is not None:
        if not book.covers(row.kept.path):
            row.blame("code", f"单位 {row.code} {NOT_FOUND}")
        if row.values.get("chain") != row.kept.values["chain"] and "chain" in row.values:
            row.blame("chain", "已有单位的系统不能更改")
    if row.values.get("parent"):
        _check_parent(book, row)
    if row.kept is None:
        row.values.setdefault("valid_from", book.on)
    settle(row, ("name", "parent", "division", "temporary"))


def _check_parent(book: Book, row: Row) -> None:
    code = row.values["parent"]
    kept, made = book.known.units.get(code), book.by_code["unit"].get(code)
    if code == row.code or _climbs_to_itself(book, row):
        row.blame("parent", "上级单位是它自己，或互为上下级")
        return
    if kept is None and made is None:
        row.blame("parent", f"上级单位 {code} {NOT_FOUND}")
        return
    if kept is None and made is not None:
        row.leans_on.append(made)
    chain = kept.values["chain"] if kept is not None else made.values.get("chain") if made is not None else None
    if chain is not None and "chain" in row.values and chain != row.values["chain"]:
        row.blame("parent", f"与上级单位 {code} 不在同一系统")


def _climbs_to_itself(book: Book, row: Row) -> bool:
    code, steps = row.values.get("parent", ""), 0
    while code and steps < 50:
        if code == row.code:
            return True
        made, kept = book.by_code["unit"].get(code), book.known.units.get(code)
        code = made.get("parent") if made is not None else kept.values["parent"] if kept is not None else ""
        steps += 1
    return bool(code)
