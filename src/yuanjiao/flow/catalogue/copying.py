"""Making this machine's copies of tables equal to a document. One way only: the document is right, the copy is changed.

A shelf describes each table (`Table`) and gives its rows as structs whose fields are named like the model's; foreign keys hold
what a row is called between machines (a uid or a code). The order matters to the database's rules: what is gone goes first, then
rows that end, then other changes, then new rows. Rows anything else hangs on are never deleted; the shelf puts them to rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
from django.db.models import Model

from yuanjiao.lib.errors import Tampered
from yuanjiao.lib.relations import dependants

M = TypeVar("M", bound=Model)
Row = Any
"""A struct of a document; its fields are the model's."""
BATCH = 500


@dataclass(frozen=True)
class Link:
    """A foreign key: which model it points at and which of its fields names a row between machines.

    A `late` link is empty at first and set when every table has its rows: for rows that point at each other.
    """

    model: type[Model]
    by: str = "uid"
    late: bool = False


@dataclass(frozen=True)
class Table(Generic[M]):
    """How one table is copied. `natural` finds a row that was entered again above under a new uid; `ends` is its end date, if any;
    `rest` puts a row to rest that cannot be deleted."""

    model: type[M]
    natural: tuple[str, ...]
    rest: Callable[[M], None]
    links: Mapping[str, Link] = field(default_factory=dict)
    ends: str = ""


@dataclass(frozen=True)
class Plan(Generic[M]):
    """What to do to one table."""

    table: Table[M]
    gone: Sequence[M]
    changed: Sequence[tuple[M, Row]]
    new: Sequence[Row]


def copy_tables(*pairs: tuple[Table[Any], Sequence[Row]]) -> None:
    """Make the tables equal to the rows; a table may only link to those before it, but for late links."""
    plans = [plan_copy(table, rows) for table, rows in pairs]
    for plan in reversed(plans):
        _take_out(plan)
    for plan in plans:
        _change(plan)
        _add(plan)
        _relink(plan, late=False)
    for plan in plans:
        _relink(plan, late=True)


def plan_copy(table: Table[M], rows: Sequence[Row]) -> Plan[M]:
    """Compare held rows with wanted ones, matched by uid, else by the natural key of a row nobody claims by uid."""
    held = {row.uid: row for row in table.model._base_manager.select_related(*table.links)}  # type: ignore[attr-defined]
    claimed = {row.uid for row in rows}
    unclaimed = [one for uid, one in held.items() if uid not in claimed] if table.natural else []
    free = {tuple(_told(one, table, name) for name in table.natural): one for one in unclaimed}
    changed, new, kept = [], [], set()
    for row in rows:
        one = held.get(row.uid) or free.pop(tuple(getattr(row, name) for name in table.natural), None)
        if one is None:
            new.append(row)
            continue
        kept.add(one.pk)
        if any(_told(one, table, name) != getattr(row, name) for name in row.__struct_fields__):
            changed.append((one, row))
    return Plan(table, [one for one in held.values() if one.pk not in kept], changed, new)


def _told(one: Model, table: Table[Any], name: str) -> Any:
    """A field's value as the document says it."""
    link = table.links.get(name)
    if link is None:
        return getattr(one, name)
    other = getattr(one, name)
    return None if other is None else getattr(other, link.by)


def _take_out(plan: Plan[M]) -> None:
    """Rows of one table may hang on each other: go round until nothing more can be deleted, then put the others to rest."""
    left = list(plan.gone)
    while left:
        held = [one for one in left if dependants(type(one), [one.pk])]
        for one in left:
            if one not in held:
                one.delete()
        if len(held) == len(left):
            break
        left = held
    for one in left:
        plan.table.rest(one)


def _change(plan: Plan[M]) -> None:
    """The plain fields of changed rows, rows that end before the others: their successors need the room."""
    ends = plan.table.ends
    for one, row in sorted(plan.changed, key=lambda pair: bool(ends) and getattr(pair[1], ends) is None):
        names = [name for name in row.__struct_fields__ if name not in plan.table.links]
        for name in names:
            setattr(one, name, getattr(row, name))
        one.save(update_fields=names)


def _add(plan: Plan[M]) -> None:
    """New rows, each after the row of the same table it points at."""
    own = [name for name, link in plan.table.links.items() if link.model is plan.table.model and not link.late]
    waiting = list(plan.new)
    while waiting:
        unborn = {row.uid for row in waiting}
        ready = [row for row in waiting if not any(getattr(row, name) in unborn for name in own)]
        if not ready:
            raise Tampered("目录文档中的行互为上级，无法落地")
        _insert(plan.table, ready)
        waiting = [row for row in waiting if any(getattr(row, name) in unborn for name in own)]


def _insert(table: Table[M], rows: Sequence[Row]) -> None:
    keys = {name: _keys(link, [getattr(row, name) for row in rows]) for name, link in table.links.items() if not link.late}
    fresh = [table.model(**_values(table, row, keys)) for row in rows]
    if not table.model._meta.parents:
        table.model._base_manager.bulk_create(fresh, batch_size=BATCH)
        return
    for one in fresh:  # Django's bulk_create refuses inherited tables (edge, line, site)
        one.save(force_insert=True)


def _values(table: Table[Any], row: Row, keys: Mapping[str, Mapping[Any, int]]) -> dict[str, Any]:
    plain = {name: value for name, value in msgspec.structs.asdict(row).items() if name not in table.links}
    return plain | {f"{name}_id": _key(found, getattr(row, name)) for name, found in keys.items()}


def _relink(plan: Plan[M], *, late: bool) -> None:
    """Foreign keys of changed rows, and the late ones of new rows too."""
    names = [name for name, link in plan.table.links.items() if link.late is late]
    if not names:
        return
    pairs = [(one, row) for one, row in plan.changed if any(_told(one, plan.table, name) != getattr(row, name) for name in names)]
    if late:
        pairs += _born(plan, names)
    for name in names:
        found = _keys(plan.table.links[name], [getattr(row, name) for _, row in pairs])
        for one, row in pairs:
            setattr(one, f"{name}_id", _key(found, getattr(row, name)))
    for one, _ in pairs:
        one.save(update_fields=names)


def _born(plan: Plan[M], names: Sequence[str]) -> list[tuple[M, Row]]:
    rows = {row.uid: row for row in plan.new if any(getattr(row, name) is not None for name in names)}
    found = []
    for start in range(0, len(rows), BATCH):
        wanted = list(rows)[start : start + BATCH]
        found += [(one, rows[one.uid]) for one in plan.table.model._base_manager.filter(uid__in=wanted)]  # type: ignore[attr-defined]
    return found


def _keys(link: Link, names: Sequence[Any]) -> dict[Any, int]:
    """Name between machines → key inside this one."""
    wanted = list({name for name in names if name is not None})
    found: dict[Any, int] = {}
    for start in range(0, len(wanted), BATCH):
        rows = link.model._base_manager.filter(**{f"{link.by}__in": wanted[start : start + BATCH]})
        found |= dict(rows.values_list(link.by, "pk"))
    return found


def _key(found: Mapping[Any, int], name: Any) -> int | None:
    if name is None:
        return None
    if name not in found:
        raise Tampered(f"目录文档所指的行不存在：{name}")
    return found[name]
