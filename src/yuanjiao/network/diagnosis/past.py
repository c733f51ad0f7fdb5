"""Silences that are over when they become known: roots are found for them as they would have been found at the time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from yuanjiao.lib.precedence import READERS
from yuanjiao.network.diagnosis.absorb import Past
from yuanjiao.network.diagnosis.picture import Picture
from yuanjiao.network.diagnosis.roots import rule_of
from yuanjiao.network.rules.causes import Findings, Rule, Seconds, Sight, find_causes

MOST = 300
"""Waves of one turn that are looked at as wholes; beyond it each silence is a matter of its own."""


@dataclass(frozen=True)
class Group:
    """One root of the past with what it explains; `still`: places among those it explained that are silent to this day."""

    place: int
    derived: bool
    rule: Rule
    of: int
    started: float
    lo: float
    hi: float
    ended: float
    members: tuple[Past, ...]
    still: list[int] = field(default_factory=list)


def past_groups(picture: Picture, sight: Sight, past: Sequence[Past]) -> Iterable[Group]:
    """Every past silence is a root or explained by one."""
    waves = _waves(picture, past)
    for number, wave in enumerate(waves):
        READERS.give_way()  # thousands of waves ask the database nothing
        if number < MOST:
            yield from _roots(picture, sight, wave)
        else:
            yield from (_own(picture, one, (one,)) for one in wave)


def _waves(picture: Picture, past: Sequence[Past]) -> list[list[Past]]:
    """What began within one period and grace of each other; an object occurs once in a wave."""
    waves: list[list[Past]] = []
    inside: set[int] = set()
    for one in sorted(past, key=lambda one: (one.started, one.place)):
        if waves and one.started - waves[-1][-1].started <= picture.forest.wait[one.place] and one.place not in inside:
            waves[-1].append(one)
        else:
            waves.append([one])
            inside = set()
        inside.add(one.place)
    return waves


def _roots(picture: Picture, sight: Sight, wave: Sequence[Past]) -> Iterable[Group]:
    """The rules on what was dark when the wave had come: those of it, and what is silent since then."""
    moment = wave[-1].started
    dark = np.where(sight.dark <= moment, sight.dark, np.nan)
    by_place = {one.place: one for one in wave}
    dark[list(by_place)] = [one.started for one in wave]
    heard = sight.heard.copy()
    heard[list(by_place)] = True
    findings = find_causes(picture.forest, replace(sight, dark=dark, heard=heard, heard_at=_spoke(picture, sight, wave)), now=np.inf)
    roots: dict[int, list[Past]] = {}
    for one in wave:
        roots.setdefault(int(findings.root[one.place]), []).append(one)
    for place, members in roots.items():
        yield from _group(picture, findings, by_place, place, members)


def _spoke(picture: Picture, sight: Sight, wave: Sequence[Past]) -> Seconds:
    """Last beats as they count for a wave. What is allowed to be silent for longer than the wave lasted may have had no turn to beat in it,
    however lately it was heard: it speaks for neither side."""
    ends = sorted(one.ended for one in wave)
    moment = wave[-1].started
    no_turn = picture.forest.wait > ends[len(ends) // 2] - moment
    answer: Seconds = np.where(no_turn, np.minimum(sight.heard_at, moment), sight.heard_at)
    return answer


def _group(picture: Picture, findings: Findings, by_place: dict[int, Past], place: int, members: Sequence[Past]) -> Iterable[Group]:
    if place in by_place:
        rule, of = rule_of(findings, place)
        yield _own(picture, by_place[place], members, rule, of)
        return
    was_out = picture.outage[place] and picture.started[place] <= max(one.ended for one in members)
    if not np.isnan(picture.silent[place]) or len(members) < 2 or was_out:
        yield from (_own(picture, one, (one,)) for one in members)
        return
    rule, of = rule_of(findings, place)
    inside = np.flatnonzero(findings.root == place)
    still = [int(one) for one in inside if int(one) not in by_place and picture.root[one] == 0]
    latest = max(one.started for one in members)
    ends = sorted(one.ended for one in members)
    half = ends[len(ends) // 2]
    ended = max(min(end for end in ends if end >= half - float(picture.forest.wait[place])), latest)
    lo, hi = max(one.lo for one in members), max(latest, min(one.hi for one in members))
    yield Group(place, True, rule, of, latest, lo, hi, ended, tuple(members), still)


def _own(picture: Picture, one: Past, members: Sequence[Past], rule: Rule | None = None, of: int = 1) -> Group:
    found = rule or (Rule.EDGE_SILENT if picture.forest.kind[one.place] == 0 else Rule.SITE_ALONE)
    return Group(one.place, False, found, of, one.started, one.lo, one.hi, one.ended, tuple(members))
