"""One row of a file while it is checked, and the file as a whole beside the register it will change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from yuanjiao.register import rules
from yuanjiao.register.documents.columns import CLEARED, Column, SheetPlan
from yuanjiao.register.documents.workbook import SheetCells
from yuanjiao.register.queries import Kept, Known

CREATED, CHANGED, UNCHANGED = "created", "changed", "unchanged"


@dataclass(eq=False, slots=True)
class Row:
    """One row: what it says (`values`), the row the register has (`kept`), what would change, and what is wrong with it."""

    plan: SheetPlan
    number: int
    values: dict[str, Any]
    problems: list[tuple[str, str]] = field(default_factory=list)
    kept: Kept | None = None
    path: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    leans_on: list[Row] = field(default_factory=list)
    action: str = UNCHANGED

    @property
    def code(self) -> str:
        return str(self.values.get(self.plan.columns[0].key, ""))

    @property
    def is_good(self) -> bool:
        return not self.problems

    def blame(self, key: str, reason: str) -> None:
        """Say what is wrong, at which column ('' for the row as a whole)."""
        self.problems.append((self.plan.column(key).title if key else "", reason))

    def get(self, key: str, default: Any = "") -> Any:
        """What the row says, else what the register has, else `default`."""
        if key in self.values:
            return self.values[key]
        return self.kept.values.get(key, default) if self.kept is not None else default

    @property
    def reason(self) -> str:
        return "；".join(f"{title}：{reason}" if title else reason for title, reason in self.problems)


@dataclass(slots=True)
class Book:
    """A whole file beside what the register has of all it names, for one person's subtrees and one day."""

    known: Known
    scopes: tuple[str, ...]
    on: date
    rows: dict[str, list[Row]] = field(default_factory=dict)  # by table
    by_code: dict[str, dict[str, Row]] = field(default_factory=dict)  # edges, lines and sites share the key 'object'

    def covers(self, path: str) -> bool:
        return any(path.startswith(scope) for scope in self.scopes)

    def every_row(self) -> list[Row]:
        return [row for rows in self.rows.values() for row in rows]

    @property
    def bad_count(self) -> int:
        return sum(not row.is_good for row in self.every_row())


def read_sheet(sheet: SheetCells) -> list[Row]:
    """The rows of a sheet with their cells read; a cell that cannot be read becomes a problem of its row."""
    rows = []
    for number, cells in sheet.rows:
        row = Row(sheet.plan, number, {})
        if number in sheet.merged_rows:
            row.blame("", f"有合并单元格（{sheet.merged_rows[number]}），请取消合并并逐行填写")
        if number in sheet.bare_formulas:
            row.blame("", f"公式没有计算结果（{'、'.join(sheet.bare_formulas[number][:5])}），请粘贴为数值")
        for column in sheet.plan.columns:
            if column.key in cells:
                _read_cell(row, column, cells[column.key])
            elif column.required and not row.problems:
                row.blame(column.key, "必填")
        rows.append(row)
    return rows


def _read_cell(row: Row, column: Column, cell: Any) -> None:
    if column.key in CLEARED and not column.required and cell == rules.CLEAR:
        row.values[column.key] = CLEARED[column.key]
        return
    try:
        value = column.read(cell)
    except rules.BadCell as error:
        row.blame(column.key, str(error))
        return
    if column.length and isinstance(value, str) and len(value) > column.length:
        row.blame(column.key, f"最长 {column.length} 字，现有 {len(value)} 字")
    row.values[column.key] = value


def differences(row: Row, keys: Sequence[str]) -> dict[str, Any]:
    """The fields among `keys` that the row says otherwise than the register has them."""
    if row.kept is None:
        return {}
    kept = row.kept.values
    return {key: row.values[key] for key in keys if key in row.values and as_kept(row.values[key]) != as_kept(kept.get(key))}


def as_kept(value: Any) -> str:
    """A value as text for comparing and for the record of a change: days as 2026-01-31, yes and no, nothing for None."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return rules.plain_text(value)


def settle(row: Row, keys: Sequence[str]) -> None:
    """Decide what a good row does: create, change or nothing."""
    row.changes = differences(row, keys)
    row.action = CREATED if row.kept is None else CHANGED if row.changes else UNCHANGED
