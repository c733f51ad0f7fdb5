"""The rules of roots: cases, and agreement of the arrays with plain loops on any tree."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network.plain_causes import PlainSearch, Thing
from yuanjiao.network.rules.causes import FOUND, KINDS, Findings, Forest, Sight, find_causes, plant

NOW = 10_000.0


def see(things: list[Thing]) -> tuple[Forest, Sight]:
    forest = plant(
        [t.pk for t in things],
        [KINDS.index(t.kind) for t in things],
        [t.parent or 0 for t in things],
        [t.period for t in things],
        [t.wait for t in things],
    )
    ordered = {t.pk: t for t in things}
    rows = [ordered[int(pk)] for pk in forest.ids]
    sight = Sight(
        dark=np.array([np.nan if t.dark is None else t.dark for t in rows], float),
        heard=np.array([t.heard for t in rows], np.bool_),
        beats=np.array([t.beats for t in rows], np.bool_),
        told_below=np.array([t.told_below for t in rows], np.bool_),
        heard_at=np.array([t.heard_at for t in rows], float),
    )
    return forest, sight


def find(things: list[Thing], now: float = NOW) -> tuple[dict[int, int], dict[int, str], dict[int, bool]]:
    forest, sight = see(things)
    found: Findings = find_causes(forest, sight, now=now)
    root = {int(forest.ids[p]): int(forest.ids[r]) for p, r in enumerate(found.root) if r >= 0}
    places = {int(forest.ids[r]): int(r) for r in found.roots()}
    return root, {pk: FOUND[found.rule[r]].value for pk, r in places.items()}, {pk: bool(found.waiting[r]) for pk, r in places.items()}


@st.composite
def trees(draw: st.DrawFn) -> list[Thing]:
    """An uplink with edges, lines and sites below it, three or four deep, some of it silent, some unheard."""
    things: list[Thing] = []
    for pk in range(1, draw(st.integers(2, 22)) + 1):
        parent = draw(st.sampled_from([None, *(t.pk for t in things if t.kind != "site")]))
        kind = draw(st.sampled_from(["edge", "line", "site", "site", "site"]))
        beats = kind == "site" or (kind == "edge" and draw(st.booleans()))
        dark = draw(st.sampled_from([None, 9000.0, 9700.0, 9850.0, 9880.0, 9905.0])) if beats else None
        heard = beats and draw(st.sampled_from([True, True, True, False]))
        heard_at = draw(st.sampled_from([0.0, 9800.0, 9850.0, 9900.0, 9970.0, 9999.0])) if beats and dark is None else 0.0
        wait = draw(st.sampled_from([90.0, 90.0, 200.0]))
        below = dark is not None and kind == "site" and draw(st.sampled_from([False, False, True]))
        things.append(Thing(pk, kind, parent, 60.0, wait, dark, heard, beats, below, heard_at))
    return things


@settings(max_examples=600, deadline=None)
@given(trees())
def test_the_arrays_find_what_plain_loops_find(things: list[Thing]) -> None:
    plain = PlainSearch(things, NOW)
    root, rule, waiting = find(things)
    assert root == plain.root
    assert rule == {pk: plain.rule[pk] for pk in rule}
    assert waiting == plain.waiting


@settings(max_examples=200, deadline=None)
@given(trees())
def test_everything_below_an_object_is_one_slice(things: list[Thing]) -> None:
    forest, _ = see(things)
    plain = PlainSearch(things, NOW)
    for place, pk in enumerate(forest.ids):
        inside = {int(other) for other in forest.ids[place + 1 : forest.end[place]]}
        assert inside == {thing.pk for thing in plain.below(int(pk))}


def county(lines: int, sites: int, first: int = 1, **edge: object) -> list[Thing]:
    things = [Thing(first, "edge", None, **edge)]  # type: ignore[arg-type]
    for number in range(lines):
        line = first + 1 + number * (sites + 1)
        things.append(Thing(line, "line", first, beats=False))
        things += [Thing(line + 1 + place, "site", line, heard_at=9990.0) for place in range(sites)]
    return things


def silence(things: list[Thing], pks: set[int], since: float, **more: object) -> list[Thing]:
    return [Thing(**{**vars(t), "dark": since, "heard_at": 0.0, **more}) if t.pk in pks else t for t in things]


def test_a_line_and_one_lone_site_of_another_line_do_not_accuse_the_edge() -> None:
    things = county(2, 18, beats=False)
    cut = set(range(3, 21))
    root, rule, _ = find(silence(things, cut | {22}, 9800.0))
    assert {root[pk] for pk in cut} == {2}
    assert root[22] == 22
    assert rule == {2: "sites_share_line", 22: "site_alone"}


def test_what_the_edge_itself_told_is_not_explained_by_the_silence_of_the_edge() -> None:
    things = silence(county(2, 3), {1}, 9850.0)
    root, rule, _ = find(silence(things, {3}, 9800.0, told_below=True))
    assert root == {1: 1, 3: 3}
    assert rule[3] == "site_alone"


def test_87_edges_cut_together_are_87_roots_and_no_site() -> None:
    things: list[Thing] = []
    for number in range(100):
        things += county(2, 115, first=1 + number * 300, beats=False)
    cut = {t.pk for t in things if t.kind == "site" and t.pk < 87 * 300}
    draw = np.random.default_rng(3)
    fallen = [Thing(**{**vars(t), "dark": float(9800 - draw.integers(0, 60)), "heard_at": 0.0}) if t.pk in cut else t for t in things]
    root, _, _ = find(fallen)
    assert len(cut) == 20_010
    assert set(root.values()) == {1 + number * 300 for number in range(87)}


def test_a_loop_in_the_register_is_cut_and_ends() -> None:
    things = [Thing(1, "line", 2, beats=False), Thing(2, "line", 1, beats=False), Thing(3, "site", 2, dark=9000.0)]
    root, _, _ = find(things)
    assert root == {3: 3}


def test_an_empty_register_has_no_roots() -> None:
    assert find([]) == ({}, {}, {})


def mixed(slow_heard_at: float) -> list[Thing]:
    """A line of 20 sites, three of which beat every five minutes; the others fell silent together."""
    things = silence(county(2, 20, beats=False), set(range(3, 20)), 9800.0)
    return [Thing(**{**vars(t), "period": 300.0, "wait": 420.0, "heard_at": slow_heard_at}) if t.pk in {20, 21, 22} else t for t in things]


def test_sites_that_beat_seldom_are_waited_for_before_a_line_or_its_sites_are_accused() -> None:
    root, rule, waiting = find(mixed(9700.0), now=10_000.0)
    assert ({root[pk] for pk in range(3, 20)}, rule[2], waiting[2]) == ({2}, "sites_share_line", True)
    _, _, waiting = find(mixed(9700.0), now=9700.0 + 421)
    assert not waiting[2]


def test_sites_that_beat_seldom_and_have_beaten_since_clear_their_line() -> None:
    root, _, _ = find(mixed(9900.0), now=10_000.0)
    assert all(root[pk] == pk for pk in range(3, 20))
