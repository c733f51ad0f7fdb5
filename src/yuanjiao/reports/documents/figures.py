"""Figures over frozen rows: each is a measure, so it can be computed again from the rows it opens to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yuanjiao.network.rules.rates import Rate
from yuanjiao.reports.models import Figure, FrozenRow
from yuanjiao.reports.rules import BY_TIME, Amounts, Measure, Period, measured, shown


@dataclass(frozen=True)
class Spec:
    """One figure: where its rows are, how it follows from them, of which other figure it is a part, and why it may be without a number."""

    key: str
    section: str
    label: str
    measure: Measure
    table: str
    group: str = ""
    unit: str = ""
    share_of: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Part:
    """A place whose figures stand in the document: the whole (no prefix), or one below it. `rate` says whether enough is known of it."""

    specs: Sequence[Spec]
    prefix: str = ""
    path: str = ""
    name: str = ""
    rate: Rate | None = None


Rows = dict[str, list[tuple[str, Amounts]]]


def figures_over(rows: Iterable[FrozenRow], period: Period, parts: Iterable[Part]) -> list[Figure]:
    """The figures of every part in order, not yet saved. Rates follow the network's rule: none where too little is known."""
    tables: Rows = defaultdict(list)
    for row in rows:
        tables[row.table].append((row.path, row.amounts))
    figures = [figure for part in parts for figure in _figures(part, tables, period)]
    for position, figure in enumerate(figures):
        figure.position = position
    return figures


def _figures(part: Part, tables: Rows, period: Period) -> list[Figure]:
    mine: Rows = {name: [pair for pair in rows if pair[0].startswith(part.path)] for name, rows in tables.items()} if part.path else tables
    figures = [_figure(spec, part, [amounts for _path, amounts in mine.get(spec.table, ())], period) for spec in part.specs]
    by_key = {figure.key: figure for figure in figures}
    for figure in figures:
        base = by_key.get(part.prefix + figure.share_of)
        figure.share = figure.number / base.number if base and base.number and figure.number is not None else None
    return figures


def _figure(spec: Spec, part: Part, rows: Sequence[Amounts], period: Period) -> Figure:
    value, why = (None, spec.missing) if spec.missing else (measured(spec.measure, rows, spec.group), "")
    if spec.measure in BY_TIME and part.rate is not None and part.rate.value is None:
        value, why = None, part.rate.why_none
    return Figure(
        key=part.prefix + spec.key,
        section=part.name or spec.section,
        label=spec.label,
        measure=spec.measure,
        table=spec.table,
        group=spec.group,
        path=part.path,
        number=value,
        text=shown(spec.measure, value, why),
        unit=spec.unit,
        share_of=spec.share_of,
        population=len(rows),
        cut_off_at=period.end,
    )
