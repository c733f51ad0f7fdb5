"""Checking people: who they are (unit and name), what they answer for, their account and post.

A person may stand in several rows, one per responsibility; the rows must agree on the person.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from yuanjiao.register.checks.phones import phone_digest, settle_phone
from yuanjiao.register.checks.places import NOT_FOUND, require_division
from yuanjiao.register.checks.rows import CHANGED, CREATED, Book, Row, as_kept, settle
from yuanjiao.register.rules import is_mask

PersonKey = tuple[str, str]


def check_people(book: Book) -> None:
    rows = book.rows.get("person", [])
    for row in rows:
        _check_unit(book, row, "unit")
        if row.values.get("duty_unit"):
            _check_unit(book, row, "duty_unit")
    by_person: dict[PersonKey, list[Row]] = defaultdict(list)
    for row in rows:
        if row.values.get("unit") and row.values.get("name"):
            by_person[row.values["unit"], row.values["name"]].append(row)
    for key, group in by_person.items():
        _check_person(book, key, group)
    seen: dict[str, dict[Any, Row]] = {"duty": {}, "first": {}, "account": {}, "post": {}}
    for row in rows:
        _check_duty(book, row, seen)
        _check_account(book, row, seen)


def _check_unit(book: Book, row: Row, key: str) -> None:
    code = row.values.get(key)
    if not code:
        return
    kept, made = book.known.units.get(code), book.by_code.get("unit", {}).get(code)
    if kept is None and made is not None:
        row.leans_on.append(made)
    elif kept is None or not book.covers(kept.path):
        row.blame(key, f"单位 {code} {NOT_FOUND}")


def _check_person(book: Book, key: PersonKey, rows: list[Row]) -> None:
    phones = {phone_digest(row.values["phone"]) for row in rows if row.values.get("phone") and not is_mask(row.values["phone"])}
    posts = {row.values["post"] for row in rows if row.values.get("post")}
    for row in rows[1:]:
        if len(phones) > 1:
            row.blame("phone", "同一单位内同名的几行电话不同；若是两个人，请在姓名后注明，如 张伟（远教办）")
        if len(posts) > 1:
            row.blame("post", "同一人几行的职务不同")
    kept = book.known.people.get(key, [])
    if len(kept) > 1:
        kept = [one for one in kept if one.values["phone_digest"] in phones]
        if len(kept) != 1:
            rows[0].blame("name", "本单位已有几名同名人员，请填写完整电话以便分清是哪一位")
            kept = []
    for row in rows:
        row.kept = kept[0] if kept else None
        settle(row, ("post",))
        settle_phone(row)
    if not kept:
        for row in rows[1:]:
            row.leans_on.append(rows[0])


def _duty_unit(row: Row) -> str:
    return str(row.values.get("duty_unit") or row.values.get("unit", ""))


def _check_duty(book: Book, row: Row, seen: dict[str, dict[Any, Row]]) -> None:
    kind, division = row.values.get("kind"), row.values.get("division")
    if not kind and not division:
        return
    if not kind or not division:
        row.blame("division" if kind else "kind", "“责任”与“责任区域代码”要么都填，要么都不填")
        return
    require_division(book, row)
    key = (row.values.get("unit"), row.values.get("name"), _duty_unit(row), division, kind)
    if seen["duty"].setdefault(key, row) is not row:
        row.blame("kind", f"与第 {seen['duty'][key].number} 行是同一项责任")
    if kind == "first":
        _check_first(book, row, seen)
    _settle_part(row, _kept_duty(book, row), ("valid_from", "document"), "duty")


def _kept_duty(book: Book, row: Row) -> Any:
    person = row.kept.pk if row.kept is not None else 0
    return book.known.responsibilities.get((person, _duty_unit(row), row.values["division"], row.values["kind"]))


def _check_first(book: Book, row: Row, seen: dict[str, dict[Any, Row]]) -> None:
    """GOV01: at most one first responsible person per chain and place."""
    chain = _chain(book, _duty_unit(row))
    key = (chain, row.values["division"])
    holder = book.known.firsts.get(key)
    if holder is not None and (row.kept is None or holder[0] != row.kept.pk):
        row.blame("kind", f"该区划在本系统已有第一责任人 {holder[1]}，请先办理交接")
    first = seen["first"].setdefault(key, row)
    if first is not row and first.code != row.code:
        row.blame("kind", f"与第 {first.number} 行重复：一个区划在一个系统只有一名第一责任人")


def _chain(book: Book, unit: str) -> str:
    kept, made = book.known.units.get(unit), book.by_code.get("unit", {}).get(unit)
    return str(kept.values["chain"] if kept is not None else made.values.get("chain", "") if made is not None else "")


def _check_account(book: Book, row: Row, seen: dict[str, dict[Any, Row]]) -> None:
    username, role = row.values.get("username"), row.values.get("role")
    if username and not role:
        row.blame("role", "填了账号须填岗位")
    if username:
        _check_username(book, row, username, seen)
    if not role:
        return
    key = (row.values.get("unit"), row.values.get("name"), _duty_unit(row), role)
    if seen["post"].setdefault(key, row) is not row:
        return  # the same post said again beside another responsibility
    person = row.kept.pk if row.kept is not None else 0
    _settle_part(
        row,
        book.known.memberships.get((person, _duty_unit(row), role)),
        ("valid_from",) if not row.values.get("kind") else (),
        "membership",
    )


def _check_username(book: Book, row: Row, username: str, seen: dict[str, dict[Any, Row]]) -> None:
    first = seen["account"].setdefault(username, row)
    if (first.values.get("unit"), first.values.get("name")) != (row.values.get("unit"), row.values.get("name")):
        row.blame("username", f"账号 {username} 已在第 {first.number} 行给了别人")
    kept = book.known.accounts.get(username)
    if kept is not None and (row.kept is None or kept.values["person"] != row.kept.pk):
        row.blame("username", f"账号 {username} 已被使用")
    if row.kept is not None:
        own = book.known.username_of.get(row.kept.pk)
        if own is not None and own != username:
            row.blame("username", f"此人已有账号 {own}")
    if kept is None and first is row:
        row.changes["account"] = username
        row.action = CREATED


def _settle_part(row: Row, kept: Any, keys: tuple[str, ...], part: str) -> None:
    """What a row's responsibility or post would do: `changes[part]` is 'created' or the fields that differ."""
    if kept is None:
        row.changes[part] = CREATED
        row.action = CREATED
        return
    differing = {key: row.values[key] for key in keys if key in row.values and as_kept(row.values[key]) != as_kept(kept.values.get(key))}
    if differing:
        row.changes[part] = differing
        row.action = CHANGED if row.action != CREATED else CREATED
