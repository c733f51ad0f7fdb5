"""Full text of items inside the database: pairs of neighbouring characters, so that Chinese words are found without cutting them.

Both databases keep the same tokens, SQLite in an FTS5 table and PostgreSQL in a GIN index of a tsvector; rows and tokens change in
one transaction. The tokens say which items may hold a run of characters; the text itself decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL

from yuanjiao.items.models import Item

RUN = re.compile(r"[㐀-䶿一-鿿\U00020000-\U0003ffff]+|[a-z0-9]+")
TABLE = "items_grams"
PUT_IN_SQLITE = f"INSERT OR REPLACE INTO {TABLE} (rowid, grams) VALUES (%s, %s)"
PUT_IN_POSTGRESQL = (
    f"INSERT INTO {TABLE} (item_id, grams) VALUES (%s, array_to_tsvector(%s::text[]))"
    " ON CONFLICT (item_id) DO UPDATE SET grams = EXCLUDED.grams"
)


def narrow(text: str) -> str:
    """Small letters, full-width ones made narrow."""
    return "".join(chr(ord(one) - 0xFEE0) if 0xFF01 <= ord(one) <= 0xFF5E else one for one in text).lower()


def tokens(text: str) -> list[str]:
    """Pairs of neighbouring Chinese characters, the last one of a run by itself, and whole Latin words: 水稻田 → 水稻 稻田 田."""
    found: list[str] = []
    for run in RUN.findall(narrow(text)):
        found += [run] if run.isascii() else [run[start : start + 2] for start in range(len(run))]
    return found


def text_of(item: Item) -> str:
    """What an item is found by."""
    return " ".join([item.title, item.measure, item.expected_result, item.code])


def index_item(item: Item) -> None:
    """Write the tokens of an item anew."""
    index_items([item])


def index_items(rows: Iterable[Item]) -> None:
    """Write the tokens of many items anew."""
    pairs = [(row.pk, sorted(set(tokens(text_of(row))))) for row in rows]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.executemany(PUT_IN_POSTGRESQL, pairs)
        else:
            cursor.executemany(PUT_IN_SQLITE, [(pk, " ".join(held)) for pk, held in pairs])


def holding(words: str) -> Q | None:
    """A condition for items that hold every run of the words; None when there is nothing to look for.

    A run is Chinese characters or a Latin word; a Latin word and a single character also find what begins with them.
    """
    runs = RUN.findall(narrow(words))[:8]
    if not runs:
        return None
    found = Q(pk__in=RawSQL(*_matching(runs)))
    for run in runs:
        if len(run) > 2 and not run.isascii():  # pairs may stand apart: 水稻 and 稻田 without 水稻田
            found &= Q(title__contains=run) | Q(measure__contains=run) | Q(expected_result__contains=run)
    return found


def _matching(runs: Sequence[str]) -> tuple[str, tuple[str]]:
    """The keys of items with these tokens, as SQL of the database at hand with its one parameter."""
    wanted: list[tuple[str, bool]] = []
    for run in runs:
        if run.isascii() or len(run) == 1:
            wanted.append((run, True))
        else:
            wanted += [(run[start : start + 2], False) for start in range(len(run) - 1)]
    if connection.vendor == "postgresql":
        query = " & ".join(f"'{one}'{':*' if begins else ''}" for one, begins in wanted)
        return f"SELECT item_id FROM {TABLE} WHERE grams @@ %s::tsquery", (query,)
    query = " AND ".join(f'"{one}"{"*" if begins else ""}' for one, begins in wanted)
    return f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s", (query,)
