"""What a reader narrows the list by: column, kind, age, class, cases, and labels of every taxonomy (CW04, CW16, CW20, CW23).

The address holds all of it, so a narrowed list can be shared. Only what leads to something is offered; what is not offered is not heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _

from yuanjiao.courseware.queries import CategoryNow, Choices, ColumnNow, Narrow

Link = tuple[str, str, bool]
"""Name, address, whether it is the one chosen."""


@dataclass(frozen=True)
class Wanted:
    """The filters chosen; of each taxonomy at most one label, and an item has to carry all of them."""

    column: UUID | None = None
    kind: str = ""
    age: str = ""
    item_class: str = ""
    case: str = ""
    topics: tuple[str, ...] = ()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """As they stand in the address."""
        said = [("column", self.column), ("kind", self.kind), ("age", self.age), ("class", self.item_class), ("case", self.case)]
        return [(name, str(value)) for name, value in said if value] + [("topic", code) for code in self.topics]

    @property
    def narrow(self) -> Narrow:
        return Narrow(kind=self.kind, age_band=self.age, item_class=self.item_class, topics=self.topics, is_case=bool(self.case))

    def address(self, words: str) -> str:
        return "?" + urlencode([("q", words), *self.pairs])


def wanted(asked: QueryDict, columns: Sequence[ColumnNow], there: Choices) -> Wanted:
    """What an address asks for."""
    column = next((one.uid for one in columns if str(one.uid) == asked.get("column")), None)
    codes = set(asked.getlist("topic"))
    topics = (next((code for code, _name in named if code in codes), "") for _taxonomy, named in there.topics)
    return Wanted(
        column=column,
        kind=asked.get("kind", ""),
        age=asked.get("age", ""),
        item_class=asked.get("class", ""),
        case="1" if asked.get("case") == "1" else "",
        topics=tuple(code for code in topics if code),
    )


def rows(words: str, now: Wanted, columns: Sequence[ColumnNow], there: Choices) -> list[tuple[str, list[Link]]]:
    """Rows of filters by heading: those that stand open."""
    offered: list[tuple[str, str, Sequence[tuple[Any, str]]]] = [
        (_("栏目"), "column", [(one.uid, one.title) for one in columns]),
        (_("类型"), "kind", there.kinds if len(there.kinds) > 1 else []),
        (_("类别"), "item_class", there.classes if len(there.classes) > 1 else []),
        (_("适合"), "age", there.age_bands),
        (_("案例"), "case", [("1", _("教学案例库"))] if there.cases else []),
    ]
    return [
        (
            heading,
            [
                (name, replace(now, **{field: value}).address(words), (getattr(now, field) or "") == value)
                for value, name in [("", _("全部")), *values]
            ],
        )
        for heading, field, values in offered
        if values
    ]


def label_rows(words: str, now: Wanted, there: Choices) -> list[tuple[str, list[Link]]]:
    """One row for each taxonomy; a label replaces the other of its own taxonomy and stays beside those of others."""
    found = []
    for taxonomy, named in there.topics:
        own = {code for code, _name in named}
        others = tuple(code for code in now.topics if code not in own)
        everything = (_("全部"), replace(now, topics=others).address(words), not own & set(now.topics))
        labels = [(name, replace(now, topics=(*others, code)).address(words), code in now.topics) for code, name in named]
        found.append((taxonomy, [everything, *labels]))
    return found


def part_rows(parts: Sequence[CategoryNow], now: CategoryNow | None) -> list[tuple[str, list[Link]]]:
    """The sub-categories of a column with their numbers of items; nothing for a column without any."""
    links = [(f"{one.title}（{one.items}）", f"?part={one.uid}", one == now) for one in parts]
    return [(_("分类"), [(_("全部"), "?", now is None), *links])] if links else []
