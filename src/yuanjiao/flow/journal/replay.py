"""Replay: empty every table born of events, apply the whole journal again, and compare (law 2: replay equals live).

Rows are compared by what they say and by uid, never by local key, because a key is new after a replay. Rows that never travel but
point at such rows (a work order at its outage) are tied again by uid. A model may name `bookmarks`: fields in which this machine
notes what it has done with a row; they are no part of what the row says, and are put back after a replay. Entries that lie in archive
files are put back for the time of the replay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.apps import apps
from django.db import models, transaction

from yuanjiao.flow.journal.applying import apply_entries, retry_set_aside
from yuanjiao.flow.journal.keeping import bring_back, take_out_again
from yuanjiao.flow.journal.models import Archived, Entry, Unapplied
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.travels import Travels

RUN = 1000
Row = type[models.Model]


@dataclass(frozen=True)
class Replayed:
    """What a replay did: entries applied, entries set aside, and the tables whose rows are not what they were."""

    entries: int
    set_aside: int
    changed: tuple[str, ...]


class _Undo(Exception):
    """Leaves the transaction without keeping anything."""


def event_tables() -> list[Row]:
    """The models whose rows are born only by applying events, with the link tables they own; the journal's own are not among them."""
    found = [model for model in apps.get_models(include_auto_created=True) if _travels(model) == Travels.UP and model is not Entry]
    return sorted(found, key=lambda model: model._meta.label)


def replay(*, at: datetime, keep: bool, archive: bool = False) -> Replayed:
    """Empty and rebuild all event tables in one transaction; with `keep` false everything is put back as it was.

    Conflict when a row that never travels points at a row the journal does not give back. Refused when part of the journal lies in
    archive files and `archive` is false: without them the rows they made would be lost.
    """
    if not archive and Archived.objects.exists():
        raise Refused("日志的一部分已归档，重放须连同存档进行：请加 --archive")
    outcome: list[Replayed] = []
    try:
        with transaction.atomic():
            outcome.append(_rebuild(at, tie_again=keep))
            if not keep:
                raise _Undo
    except _Undo:
        pass
    return outcome[0]


def fingerprints() -> dict[str, str]:
    """A digest per event table that is the same for the same rows on any machine and after any replay."""
    names = _Names()
    return {model._meta.label: _digest(model, names) for model in event_tables()}


def _rebuild(at: datetime, *, tie_again: bool) -> Replayed:
    before, ties = fingerprints(), list(_ties()) if tie_again else []
    bookmarks = [_Bookmarks(model) for model in event_tables() if _bookmarks(model)]
    Unapplied.objects.all().delete()
    for model in event_tables():
        model._default_manager.all()._raw_delete(using=model._default_manager.db)  # keys are checked at the end, not in between
    newest = bring_back()
    stored = Entry.objects.select_related("origin").order_by("pk")  # the order in which they came here
    entries = _apply_all(stored.filter(pk__gt=newest), at) + _apply_all(stored.filter(pk__lte=newest), at)
    if Archived.objects.exists():
        retry_set_aside(at)  # they came in another order once: each origin's own order is all that is sure
    take_out_again()
    for tie in ties:
        tie.fasten()
    for kept in bookmarks:
        kept.put_back()
    after = fingerprints()
    return Replayed(entries, Unapplied.objects.count(), tuple(sorted(label for label in after if after[label] != before.get(label))))


def _apply_all(stored: models.QuerySet[Entry], at: datetime) -> int:
    """Returns how many entries there were; what cannot be applied is set aside."""
    entries = 0
    for run in _runs(stored.iterator(chunk_size=RUN)):
        entries += len(run)
        apply_entries(run, at=at)
    return entries


def _runs(entries: Iterator[Entry]) -> Iterator[tuple[Entry, ...]]:
    while run := tuple(islice(entries, RUN)):
        yield run


@dataclass(frozen=True)
class _Tie:
    """One row that stays and points at one that is rebuilt."""

    model: Row
    pk: Any
    field: str
    target: Row
    uid: Any

    def fasten(self) -> None:
        found = self.target._default_manager.filter(uid=self.uid).values_list("pk", flat=True).first()
        if found is None:
            raise Conflict(f"重放未能重建 {self.target._meta.verbose_name} {self.uid}，而 {self.model._meta.verbose_name} 仍引用它")
        self.model._default_manager.filter(pk=self.pk).update(**{f"{self.field}_id": found})


def _ties() -> Iterator[_Tie]:
    """Every pointer from a row that stays at a row that is rebuilt."""
    rebuilt = set(event_tables())
    for model in apps.get_models(include_auto_created=True):
        if model in rebuilt:
            continue
        for field in _pointers(model):
            if field.related_model in rebuilt:
                pairs = model._default_manager.exclude(**{field.name: None}).values_list("pk", f"{field.name}__uid")
                yield from (_Tie(model, pk, field.name, field.related_model, uid) for pk, uid in pairs)


def _pointers(model: Row) -> Iterator[Any]:
    return (field for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey))


def _travels(model: Row) -> Travels | None:
    owner = model._meta.auto_created or model
    return getattr(owner, "travels", None)


def _bookmarks(model: Row) -> tuple[str, ...]:
    return tuple(getattr(model, "bookmarks", ()))


def _said_fields(model: Row) -> list[Any]:
    """The fields that say something: no keys of our own, no bookmarks."""
    own = _bookmarks(model)
    fields = [field for field in model._meta.concrete_fields if not field.primary_key or isinstance(field, models.ForeignKey)]
    return [field for field in fields if field.name not in own]


class _Bookmarks:
    """The bookmarks of one table, by what their rows say."""

    def __init__(self, model: Row) -> None:
        self._model, self._marks = model, _bookmarks(model)
        self._kept = {said: marks for _, said, marks in self._rows()}

    def _rows(self) -> Iterator[tuple[Any, str, tuple[Any, ...]]]:
        names, fields = _Names(), _said_fields(self._model)
        for pk, *values in self._model._default_manager.values_list("pk", *(f.attname for f in fields), *self._marks):
            said = repr([_plain(field, value, names) for field, value in zip(fields, values, strict=False)])
            yield pk, said, tuple(values[len(fields) :])

    def put_back(self) -> None:
        """Give every row that says the same as before its marks again."""
        rows = list(self._rows())
        changed = [
            self._model(pk=pk, **dict(zip(self._marks, self._kept[said], strict=True)))
            for pk, said, marks in rows
            if said in self._kept and self._kept[said] != marks
        ]
        self._model._default_manager.bulk_update(changed, self._marks, batch_size=500)


class _Names:
    """How a row of any table is called between machines: its uid or code, or its key where it has neither."""

    def __init__(self) -> None:
        self._known: dict[Row, dict[Any, str]] = {}

    def of(self, model: Row, pk: Any) -> str:
        if model not in self._known:
            fields = {field.name for field in model._meta.concrete_fields}
            name = next((name for name in ("uid", "code") if name in fields), "pk")
            self._known[model] = {key: str(value) for key, value in model._default_manager.values_list("pk", name)}
        return self._known[model].get(pk, "?")


def rows_said(model: Row, names: _Names | None = None) -> list[str]:
    """What every row of an event table says, sorted: the same text for the same row on any machine."""
    fields, names = _said_fields(model), names or _Names()
    return sorted(
        repr([_plain(field, value, names) for field, value in zip(fields, row, strict=True)])
        for row in model._default_manager.values_list(*(field.attname for field in fields))
    )


def _digest(model: Row, names: _Names) -> str:
    return hashlib.sha256("\n".join(rows_said(model, names)).encode()).hexdigest()


def _plain(field: Any, value: Any, names: _Names) -> Any:
    if value is None:
        return None
    if isinstance(field, models.ForeignKey) and field.target_field.primary_key:
        return names.of(field.remote_field.model, value)
    return bytes(value) if isinstance(value, memoryview) else str(value)
