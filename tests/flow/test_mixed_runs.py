"""Entries of many kinds as they come: gathered and applied at once they give the rows and the refusals of one after the other."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import combinations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import AT
from tests.flow.mixture import OWN, STRANGER, Mixture, edge_node
from yuanjiao.flow.journal import applying
from yuanjiao.flow.journal.append import append
from yuanjiao.flow.journal.applying import Pair, apply_entries, apply_or_set_aside, apply_pairs, event_table
from yuanjiao.flow.journal.chain import GENESIS
from yuanjiao.flow.journal.event import Apply, Fact, InBulk
from yuanjiao.flow.journal.membership import NodeEnrolled
from yuanjiao.flow.journal.models import Entry, Unapplied
from yuanjiao.flow.journal.record import encode
from yuanjiao.flow.journal.replay import fingerprints
from yuanjiao.flow.journal.segment import Written, chain
from yuanjiao.flow.nodes.models import Node
from yuanjiao.network.events import Deaf, EdgeChecked, PlayTested, StateChanged
from yuanjiao.simulation.cast import Cast

Outcome = tuple[dict[str, str], object]
KINDS = sorted(kind for kind in event_table() if not kind.startswith("flow.branch"))
COMMUTING = [kind for kind in KINDS if getattr(event_table()[kind][1], "commutes", False)]
seeds = st.integers(0, 1 << 32)


@contextmanager
def undone() -> Iterator[None]:
    """Everything is as it was, afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def outcome(act: Callable[[], object]) -> Outcome:
    """The rows `act` leaves, and what it returns; then everything is as it was."""
    with undone():
        said = act()
        return fingerprints(), said


def stored(cast: Cast, node: Node, kinds: Sequence[str], seed: int) -> list[Entry]:
    """A journal of the node, with a payload that is not of its kind here and there."""
    draw = random.Random(seed)
    mixture = Mixture(cast, draw)
    written = [
        Written(AT + timedelta(minutes=n), kind, encode(mixture.event(kind)) if draw.random() > 0.02 else b"{}")
        for n, kind in enumerate(kinds)
    ]
    append(node, chain(origin=node.uid, first_seq=1, previous=GENESIS, entries=written), received_at=AT)
    return list(Entry.objects.filter(origin=node).select_related("origin").order_by("seq"))


def refusals() -> dict[int, str]:
    """Which entry was set aside, and the kind of its reason (a database names keys in its own)."""
    return {row.entry.seq: row.reason.partition(":")[0] for row in Unapplied.objects.select_related("entry")}


def test_gathered_entries_give_the_rows_and_refusals_of_one_after_the_other(cast: Cast) -> None:
    node = edge_node(cast)
    mixed = st.lists(st.sampled_from(KINDS), min_size=2, max_size=60)

    @settings(max_examples=60)
    @given(kinds=mixed, seed=seeds)
    def check(kinds: list[str], seed: int) -> None:
        with undone():
            entries = stored(cast, node, kinds, seed)
            alone = outcome(lambda: ([apply_or_set_aside(entry, at=AT) for entry in entries], refusals())[1])
            assert outcome(lambda: (apply_entries(entries, at=AT), refusals())[1]) == alone

    check()


def one_by_one(pairs: Iterable[Pair]) -> set[int]:
    """Returns the numbers of those that were refused."""
    refused = set()
    for pair in pairs:
        try:
            with transaction.atomic():
                apply_pairs([pair])
        except Exception:
            refused.add(pair[1].seq)
    return refused


def interleaved(pairs: Sequence[Pair], draw: random.Random) -> list[Pair]:
    """Another order in which each apply keeps its own."""
    runs: dict[Apply, list[Pair]] = {}
    for pair in pairs:
        runs.setdefault(event_table()[pair[0].KIND][1], []).append(pair)
    whose = [apply for apply, run in runs.items() for _ in run]
    draw.shuffle(whose)
    return [runs[apply].pop(0) for apply in whose]


def test_kinds_that_commute_give_the_same_rows_and_refusals_in_any_interleaving(cast: Cast) -> None:
    node = edge_node(cast)

    @settings(max_examples=60)
    @given(kinds=st.lists(st.sampled_from(COMMUTING), min_size=2, max_size=40), seed=seeds)
    def check(kinds: list[str], seed: int) -> None:
        draw = random.Random(seed)
        mixture = Mixture(cast, draw)
        pairs = [(mixture.event(kind), Fact(node.uid, n, AT + timedelta(minutes=n))) for n, kind in enumerate(kinds, 1)]
        other = interleaved(pairs, draw)
        assert outcome(lambda: one_by_one(other)) == outcome(lambda: one_by_one(pairs))

    check()


WRITTEN = re.compile(r'(?:INSERT(?: OR IGNORE)? INTO|UPDATE|DELETE FROM|TRUNCATE) "?(\w+)')
READ = re.compile(r'(?:FROM|JOIN) "?(\w+)')


def rows_written() -> dict[str, int]:
    """By this transaction, as a database server counts them: a COPY is no question that could be captured."""
    if connection.vendor != "postgresql":
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")
        return dict(cursor.fetchall())


def touched(kinds: Iterable[str], cast: Cast, node: Node) -> tuple[set[str], set[str]]:
    """The tables these kinds write, and the tables they write or read, by what the database was asked."""
    mixture = Mixture(cast, random.Random(1))
    pairs = [(mixture.event(kind), Fact(node.uid, n, AT)) for n, kind in enumerate([*kinds] * 25, 1)]
    connection.queries_log.clear()
    with undone(), CaptureQueriesContext(connection) as asked:
        before = rows_written()
        one_by_one(pairs)
        copied = {name for name, rows in rows_written().items() if rows > before.get(name, 0)}
    said = [query["sql"] for query in asked.captured_queries]
    written = {name for sql in said for name in WRITTEN.findall(sql)} - {"SET"}  # of an upsert
    written |= copied
    return written, written | {name for sql in said for name in READ.findall(sql)} - {"pg_stat_xact_user_tables"}


def clashes(applies: dict[Apply, list[str]], cast: Cast, node: Node) -> list[tuple[list[str], list[str], set[str]]]:
    """Which of them write what another reads or writes."""
    tables = {apply: touched(kinds, cast, node) for apply, kinds in applies.items()}
    assert [kinds for apply, kinds in applies.items() if not tables[apply][0]] == [], "each has written something"
    found = []
    for one, other in combinations(applies, 2):
        if shared := (tables[one][0] & tables[other][1]) | (tables[other][0] & tables[one][1]):
            found.append((applies[one], applies[other], shared))
    return found


def test_what_one_commuting_apply_writes_no_other_reads_or_writes(cast: Cast) -> None:
    node = edge_node(cast)
    applies: dict[Apply, list[str]] = {}
    for kind in COMMUTING:
        applies.setdefault(event_table()[kind][1], []).append(kind)
    assert clashes(applies, cast, node) == []


def test_a_kind_that_would_not_commute_is_found(cast: Cast) -> None:
    node = edge_node(cast)
    assert {Deaf.KIND, NodeEnrolled.KIND} <= set(KINDS) - set(COMMUTING)
    for kind in (Deaf.KIND, NodeEnrolled.KIND):
        assert clashes({event_table()[name][1]: [name] for name in (StateChanged.KIND, kind)}, cast, node), kind


def test_a_mixed_run_is_a_handful_of_questions(cast: Cast, django_assert_max_num_queries: Callable[..., object]) -> None:
    node, draw = edge_node(cast), random.Random(3)
    mixture = Mixture(cast, draw)
    mixture.site, mixture.path, mixture.heads = (  # type: ignore[method-assign]  # all of it true
        lambda: OWN[mixture.minute % 4], lambda: mixture.county, lambda: {"minutes": 60, "heads_onsite": 5, "heads_online": 0},
    )  # fmt: skip
    often = [kind for kind in COMMUTING if kind.startswith(("network.state", "network.play", "learning.session_held", "programmes.notice"))]
    pairs = [(mixture.event(often[n % len(often)]), Fact(node.uid, n, AT)) for n in range(1, 500)]
    pairs = [pair for pair in pairs if not hasattr(pair[0], "changes") or len(pair[0].changes) == 1]
    with django_assert_max_num_queries(120):  # type: ignore[attr-defined]
        apply_pairs(pairs)


def test_what_commutes_is_gathered_and_the_rest_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def many(name: str) -> Callable[[Sequence[Pair]], None]:
        return lambda run: calls.append(name + "".join(str(fact.seq) for _, fact in run))

    play, deaf, check = (PlayTested.KIND, Deaf.KIND, EdgeChecked.KIND)
    table = {
        check: (EdgeChecked, InBulk(many("check"), commutes=True)),
        play: (PlayTested, InBulk(many("play"), commutes=True)),
        deaf: (Deaf, lambda event, fact: many("deaf")([(event, fact)])),
    }
    monkeypatch.setattr(applying, "event_table", lambda: table)
    made = {
        "p": PlayTested(uid=STRANGER, site="", at=AT, ok=True),
        "c": EdgeChecked(edge="", findings=[]),
        "d": Deaf(start=AT, end=AT),
    }
    apply_pairs([(made[letter], Fact(STRANGER, n, AT)) for n, letter in enumerate("pcpcddpcc", 1)])
    assert calls == ["check24", "play13", "deaf5", "deaf6", "check89", "play7"], "in the order of the table, each in its own order"
