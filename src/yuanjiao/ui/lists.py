"""One list, three faces: a page, the fragment htmx swaps, and a 台账 in xlsx. A room only says its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.lib.money import in_yuan, yuan
from yuanjiao.lib.sheets import Cell, RegisterSheet, SheetColumn, cell_text, write_registers
from yuanjiao.ui import exports
from yuanjiao.ui.exports import xlsx_response as xlsx_response  # rooms take it from here

T = TypeVar("T")
PAGE_SIZE = 50
COUNTED = 25_000
"""A list counts and turns pages so far; a nation's list says "more than", and its 台账 has every row."""
SHORT = 16
"""A cell of so many characters (a moment is one) stays on one line."""


@dataclass(frozen=True)
class Column(Generic[T]):
    """One column. `order` names the database fields behind it; `badge` gives a colour word such as 'red' or 'green'."""

    title: str
    value: Callable[[T], Cell]
    link: Callable[[T], str | None] | None = None
    badge: Callable[[T], str | None] | None = None
    order: tuple[str, ...] = ()
    width: float = 14
    money: bool = False
    """The value is fen: the page says 1,234.50, the 台账 gets a number of yuan that can be added up."""


@dataclass(frozen=True)
class Filter:
    """A drop-down above the list: ?name=value narrows the rows by `apply(queryset, value)`."""

    name: str
    title: str
    choices: Sequence[tuple[str, str]]
    apply: Callable[[Any, str], Any]


class Pages(Paginator[Any]):
    """Pages of a list that may be as long as a nation: neither the count nor a page far down reads more than COUNTED rows."""

    def __init__(self, rows: Any, *, keys_first: bool = False) -> None:
        super().__init__(rows, PAGE_SIZE)
        self.rows, self.keys_first = rows, keys_first

    @cached_property
    def keys(self) -> list[Any]:
        """The keys of the rows in order, at most one more than is counted."""
        return list(self.rows.values_list("pk", flat=True)[: COUNTED + 1])

    @cached_property
    def found(self) -> int:
        """The number of rows, at most one more than is counted."""
        if self.keys_first:
            return len(self.keys)
        if isinstance(self.object_list, QuerySet):
            return self.object_list.order_by().values("pk")[: COUNTED + 1].count()
        return len(self.object_list)

    def opened(self, wanted: str | None) -> Page[Any]:
        """The page asked for. A first page that is not full tells the count itself: a search that finds little reads the rows once."""
        if self.keys_first:
            page = self.get_page(wanted)
            page.object_list = self.rows.filter(pk__in=self.keys[page.start_index() - 1 : page.end_index()])
            return page
        if wanted in {None, "", "1"} and isinstance(self.object_list, QuerySet):
            some = list(self.object_list[: self.per_page + 1])
            if len(some) <= self.per_page:
                self.found = len(some)
            return Page(some[: self.per_page], 1, self)
        return self.get_page(wanted)

    @cached_property
    def count(self) -> int:
        return min(self.found, COUNTED) if isinstance(self.object_list, QuerySet) else self.found

    @property
    def more(self) -> bool:
        """Whether there are rows behind the last page."""
        return self.found > self.count


@dataclass(frozen=True)
class ListPage(Generic[T]):
    """What a list shows. `empty` tells what to do when there is nothing."""

    title: str
    rows: QuerySet[Any] | Sequence[T]
    columns: Sequence[Column[T]]
    empty: str
    unit: str = "远教"
    search: tuple[str, ...] = ()
    search_hint: str = ""
    keys_first: bool = False
    """Few rows among very many, found by an index: their keys are read once, for the count and the order; then the page."""
    find: Callable[[str], Sequence[int] | None] | None = None
    """Keys of the rows that have a word in one of the `search` fields, where somebody knows them; None: the database is asked."""
    filters: Sequence[Filter] = ()
    actions: Sequence[tuple[str, str]] = ()  # (title, address) buttons above the list
    lead: str = ""
    notes: Sequence[str] = ()
    export: bool = True
    prepare: Callable[[Sequence[T]], None] | None = None  # fills what a page of rows needs in one query
    context: dict[str, Any] = field(default_factory=dict)


def respond(request: HttpRequest, page: ListPage[Any], template: str = "ui/list.html") -> HttpResponseBase:
    """The list as asked for: xlsx with ?export=xlsx, the bare table for htmx, else the whole page."""
    rows = _narrowed(request, page)
    if page.export and request.GET.get("export"):
        return _exported(request, page, rows, request.GET["export"])
    shown = Pages(rows, keys_first=page.keys_first).opened(request.GET.get("page"))
    objects = list(shown.object_list)
    if page.prepare:
        page.prepare(objects)
    context = {
        **page.context,
        "list": page,
        "page": shown,
        "table": [[_cell(column, row) for column in page.columns] for row in objects],
        "heads": [_head(request, number, column) for number, column in enumerate(page.columns)],
        "filters": [(f, request.GET.get(f.name, "")) for f in page.filters],
        "query": request.GET.get("q", ""),
        "pages": _page_links(request, shown),
        "is_long": shown.paginator.count > exports.LONG if page.export else False,
        "export_address": "?" + _query(request, export="xlsx", page=None) if page.export else "",
    }
    is_fragment = getattr(request, "htmx", False) and not getattr(request.htmx, "boosted", False)  # type: ignore[attr-defined]
    return render(request, "ui/_table.html" if is_fragment else template, context)


def _narrowed(request: HttpRequest, page: ListPage[Any]) -> Any:
    rows: Any = page.rows
    for one in page.filters:
        value = request.GET.get(one.name, "")
        if value:
            rows = one.apply(rows, value)
    words = request.GET.get("q", "").split()
    if words and page.search:
        for word in words:
            keys = page.find(word) if page.find else None
            rows = rows.filter(_any_field(page.search, word) if keys is None else Q(pk__in=keys))
    order = request.GET.get("sort", "")
    index = next((number for number in range(len(page.columns)) if str(number) == order.lstrip("-")), -1)
    if 0 <= index < len(page.columns) and page.columns[index].order:
        sign = "-" if order.startswith("-") else ""
        rows = rows.order_by(*(sign + name for name in page.columns[index].order), "pk")
    return rows


def _any_field(fields: Iterable[str], word: str) -> Q:
    found = Q()
    for name in fields:
        found |= Q(**{f"{name}__icontains": word})
    return found


def _cell(column: Column[Any], row: Any) -> dict[str, Any]:
    value = column.value(row)
    text = yuan(value) if column.money and isinstance(value, int) else cell_text(value)
    return {
        "text": text,
        "link": column.link(row) if column.link else None,
        "badge": column.badge(row) if column.badge else None,
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "short": len(text) <= SHORT,
    }


def _head(request: HttpRequest, number: int, column: Column[Any]) -> dict[str, Any]:
    now = request.GET.get("sort", "")
    following = f"-{number}" if now == str(number) else str(number)
    mark = "▲" if now == str(number) else "▼" if now == f"-{number}" else ""
    return {"title": column.title, "mark": mark, "address": "?" + _query(request, sort=following, page=None) if column.order else ""}


def _query(request: HttpRequest, **changes: str | None) -> str:
    query = request.GET.copy()
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = value
    return query.urlencode()


def _page_links(request: HttpRequest, page: Page[Any]) -> list[dict[str, Any]]:
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
    return [
        {"number": n, "current": n == page.number, "address": "?" + _query(request, page=str(n)) if isinstance(n, int) else ""}
        for n in numbers
    ]


def sheet_of(page: ListPage[Any], rows: Any) -> RegisterSheet:
    """The whole list as a 台账, read in portions."""

    def cells() -> Iterable[Sequence[Cell]]:
        chunk: list[Any] = []
        source = rows.iterator(chunk_size=2000) if isinstance(rows, QuerySet) else iter(rows)
        for row in source:
            chunk.append(row)
            if len(chunk) == 2000:
                yield from _prepared(page, chunk)
                chunk = []
        yield from _prepared(page, chunk)

    columns = [SheetColumn(column.title, column.width) for column in page.columns]
    return RegisterSheet(page.title, f"{page.title}台账", page.unit, cell_text(clock.now()), columns, cells(), page.notes)


def _exported(request: HttpRequest, page: ListPage[Any], rows: Any, wanted: str) -> HttpResponseBase:
    """The 台账 at once; of a long list a page that tells how far it is and then leads to the file (exports.py)."""
    name = f"{page.title}{clock.today():%Y%m%d}.xlsx"
    if wanted != "xlsx":
        return exports.fetched(request, wanted, name)
    pages = Pages(rows, keys_first=page.keys_first)
    if pages.found > exports.LONG:
        total = "" if pages.more else str(pages.found)
        return exports.with_progress(request, page.title, sheet_of(page, rows), total, lambda token: "?" + _query(request, export=token))
    target = BytesIO()
    write_registers(target, [sheet_of(page, rows)])
    return xlsx_response(target, name)


def _prepared(page: ListPage[Any], chunk: list[Any]) -> Iterable[Sequence[Cell]]:
    if page.prepare and chunk:
        page.prepare(chunk)
    for row in chunk:
        yield [_sheet_cell(column, row) for column in page.columns]


def _sheet_cell(column: Column[Any], row: Any) -> Cell:
    value = column.value(row)
    return in_yuan(value) if column.money and isinstance(value, int) else value


def attachment_name(name: str) -> str:
    """A Content-Disposition value that keeps Chinese letters (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(name)}"


def plain(message: str, status: int = 200) -> HttpResponse:
    return HttpResponse(_(message), status=status, content_type="text/plain; charset=utf-8")
