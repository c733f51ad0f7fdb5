"""Truth, oracle and findings of one life, ready to be compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from yuanjiao.network.models import Outage
from yuanjiao.simulation.judge import beats
from yuanjiao.simulation.judge.beats import phase_of
from yuanjiao.simulation.judge.oracle import Dark, Ear, Told, story
from yuanjiao.simulation.judge.truth import CENTRE, EDGE, LINE, SITE, UPLINK, Truth, sites_of

NEVER = 1e12


@dataclass(frozen=True)
class Found:
    """One outage as the system tells it; times in seconds since the beginning."""

    code: str
    kind: str
    start: float
    end: float
    root: str
    held: bool
    fault_class: str
    settled: bool
    sign: str = "silence"

    def overlaps(self, start: float, end: float) -> bool:
        return self.start <= end and self.end >= start


@dataclass
class Bench:
    """Truth, oracle and findings of one life, ready to be compared."""

    truth: Truth
    start: datetime
    until: float
    """The reckoning covers [0, until)."""

    @cached_property
    def stories(self) -> dict[str, tuple[list[Told], list[Dark]]]:
        """Site → what its edge must say."""
        answer = {}
        for county in self.truth.city.counties:
            spans = beats.recorded(self.truth, county.edge)
            deaf, leaps = self.truth.deaf_after(county.edge), self.truth.leaps_of(county.edge)
            dated = {one.start: one.dated for one in beats.watches(self.truth, county.edge)}
            for site in sites_of(self.truth, county.edge):
                heard = beats.heard_of_site(self.truth, site)
                heard = heard[beats.inside(spans, heard)].tolist()
                ear = Ear(wait=self.truth.wait(site.code), deaf=deaf, leaps=leaps, dated=dated)
                answer[site.code] = story(heard, spans, self.truth.length, ear)
        return answer

    @cached_property
    def moved(self) -> dict[str, float]:
        """Edge → by how much its clock drifted at the most between two words with the centre while it ran, in seconds."""
        answer = {}
        for number, county in enumerate(self.truth.city.counties):
            words = np.concatenate(([0.0], beats.heard_of_edge(self.truth, county.edge, number)))
            longest = 0.0
            for one in beats.watches(self.truth, county.edge):
                if one.kept:
                    told = words[int(np.searchsorted(words, one.dated, side="right")) - 1 :]
                    longest = max(longest, float(np.diff([*told[told < one.end], one.end]).max()))
            answer[county.edge] = abs(self.truth.clock_of(county.edge).drift) * longest
        return answer

    @cached_property
    def edge_dark(self) -> dict[str, list[Dark]]:
        """Edge → the silences the centre must notice."""
        spans, answer = beats.listening(self.truth, CENTRE), {}
        for number, county in enumerate(self.truth.city.counties):
            heard = beats.heard_of_edge(self.truth, county.edge, number).tolist()
            answer[county.edge] = story(heard, spans, self.truth.length, Ear(phase_of(CENTRE)))[1]
        return answer

    @cached_property
    def found(self) -> list[Found]:
        """Every outage the system tells of, from its tables."""
        rows = Outage.objects.select_related("object", "root__object").prefetch_related("verdicts").order_by("started_at", "pk")
        return [self._found(row) for row in rows]

    def _found(self, row: Outage) -> Found:
        verdicts = list(row.verdicts.all())
        return Found(
            code=row.object.code,
            kind=kind_of(row.object.code),
            start=self._seconds(row.started_at),
            end=self._seconds(row.ended_at) if row.ended_at else NEVER,
            root=row.root.object.code if row.root else "",
            held=row.held,
            fault_class=row.fault_class,
            settled=bool(verdicts and verdicts[-1].settled),
            sign=row.sign,
        )

    def _seconds(self, at: datetime) -> float:
        return (at - self.start) / timedelta(seconds=1)


def kind_of(code: str) -> str:
    return {"S": SITE, "L": LINE, "U": UPLINK, "E": EDGE}[code[0]]
