"""What hangs on rows that somebody wants to take back: a count per kind of row, found through the foreign keys themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db import models

BATCH = 500


def dependants(
    model: type[models.Model], keys: Collection[Any], *, ignoring: Iterable[type[models.Model]] = (), leaving: Collection[Any] = ()
) -> dict[str, int]:
    """Kind of row (verbose name) → how many rows point at any of `keys`.

    Rows of the `ignoring` models do not count, nor do rows of the same kind among `leaving`, which go with them.
    """
    skipped = set(ignoring)
    found: dict[str, int] = {}
    for relation in model._meta.related_objects:
        other = relation.related_model
        if not isinstance(other, type) or other in skipped or getattr(relation, "parent_link", False) or relation.field.many_to_many:
            continue
        count = _count(other, relation.field.name, keys, excluded=leaving if issubclass(model, other) else ())
        if count:
            title = str(other._meta.verbose_name)
            found[title] = found.get(title, 0) + count
    return found


def _count(model: type[models.Model], field: str, keys: Collection[Any], *, excluded: Collection[Any]) -> int:
    wanted, gone = list(keys), set(excluded)
    total = 0
    for start in range(0, len(wanted), BATCH):
        rows = model._base_manager.filter(**{f"{field}__in": wanted[start : start + BATCH]}).values_list("pk", flat=True)
        total += sum(pk not in gone for pk in rows)
    return total


def named(found: dict[str, int]) -> str:
    """As a sentence lists it: 工单 3 条、状态变化 12 条."""
    return "、".join(f"{title} {count} 条" for title, count in sorted(found.items()))
