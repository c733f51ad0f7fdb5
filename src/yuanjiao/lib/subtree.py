"""`path__under="/a/b/"`: rows whose materialised path begins so, in a form that each database finds by an index of the path.

SQLite never uses an index for `LIKE` as Django writes it (it would also take 'A' for 'a'): it gets a range of the same strings. There the
index is not always wanted: `path__under_wide` is the same condition, checked row by row in whatever order the rest of the query finds rows.
PostgreSQL gets `LIKE`, which an index with `varchar_pattern_ops` serves under every collation, and weighs both ways itself.
"""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Lookup

SURROGATES, BEHIND_SURROGATES, LAST = 0xD800, 0xE000, 0x10FFFF
"""Code points that no text holds, the first behind them, and the last of all."""


@CharField.register_lookup
class Under(Lookup[str]):
    """The text begins with the right-hand side. Upper and lower case differ."""

    lookup_name = "under"
    column = "{}"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Any database with code points for an order: a range."""
        lhs, params = self.process_lhs(compiler, connection)
        if not self.rhs:
            return f"{lhs} IS NOT NULL", list(params)
        column = self.column.format(lhs)
        return f"({column} >= %s AND {column} < %s)", [*params, self.rhs, *params, after(self.rhs)]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} LIKE %s", [*params, f"{connection.ops.prep_for_like_query(self.rhs)}%"]


@CharField.register_lookup
class UnderWide(Under):
    """The same of a subtree that holds a large part of all rows."""

    lookup_name = "under_wide"
    column = "+{}"  # SQLite takes no index for a term so written


def after(prefix: str) -> str:
    """The first string behind all that begin with the prefix; a letter that is none for a prefix of nothing but the very last ones."""
    last = ord(prefix[-1])
    if last == LAST:
        return after(prefix[:-1]) if len(prefix) > 1 else prefix + prefix
    return prefix[:-1] + chr(BEHIND_SURROGATES if last + 1 == SURROGATES else last + 1)
