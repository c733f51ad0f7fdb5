"""The record an import leaves of itself: every row it created or changed, with what stood there before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from yuanjiao.register.checks.rows import as_kept
from yuanjiao.register.models import ChangedField, Import, ImportChange, Table

BATCH = 1000


@dataclass
class Ledger:
    """Changes gathered in memory while an import is applied, written in two statements at its end."""

    batch: Import
    changes: list[ImportChange] = field(default_factory=list)
    fields: list[ChangedField] = field(default_factory=list)

    def created(self, table: Table, uid: UUID, code: str, name: str) -> None:
        self.changes.append(self._change(table, uid, code, name, created=True))

    def changed(self, table: Table, uid: UUID, code: str, name: str, fields: Iterable[tuple[str, Any, Any]]) -> None:
        """`fields` are (field, before, after)."""
        change = self._change(table, uid, code, name, created=False)
        self.changes.append(change)
        self.fields += [
            ChangedField(change=change, field=key, before=as_kept(before), after=as_kept(after)) for key, before, after in fields
        ]

    def _change(self, table: Table, uid: UUID, code: str, name: str, *, created: bool) -> ImportChange:
        return ImportChange(batch=self.batch, table=table, subject_uid=uid, code=code[:100], name=name[:100], created=created)

    def write(self) -> None:
        ImportChange.objects.bulk_create(self.changes, batch_size=BATCH)
        for one in self.fields:
            one.change_id = one.change.pk
        ChangedField.objects.bulk_create(self.fields, batch_size=BATCH)

    def audit_lines(self) -> list[tuple[str, str]]:
        """(subject, detail) for every existing row that was changed; telephone numbers are not repeated here."""
        details: dict[int, list[str]] = {}
        for one in self.fields:
            if not one.field.startswith("phone"):
                details.setdefault(id(one.change), []).append(f"{one.field}：{one.before}→{one.after}")
        return [
            (f"{change.get_table_display()} {change.code}", "；".join(details.get(id(change), ["电话已变更"])))
            for change in self.changes
            if not change.created
        ]


def before_and_after(kept: Mapping[str, Any], changes: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(field, before, after) of plain fields, as they are told to a Ledger."""
    return [(key, kept.get(key), value) for key, value in changes.items()]
