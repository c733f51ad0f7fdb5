"""Sites behind an edge come and go: the centre notes it from the edge's record, while it happens and after a cut alike."""

from __future__ import annotations

import pytest

from tests.network.telling import Telling, after
from yuanjiao.network import queries
from yuanjiao.network.models import Instability, Outage

pytestmark = pytest.mark.django_db
DROPS = 8


def drop(tree: Telling, code: str, minute: float) -> None:
    tree.tell("down", code, at=after(minute))
    tree.tell("up", code, at=after(minute + 3))


def told(code: str) -> int:
    return Outage.objects.filter(object__code=code, held=False).count()


def test_drops_told_by_an_edge_one_by_one_become_one_matter() -> None:
    tree = Telling(nodes=True)
    for number in range(DROPS):
        minute = 5 + 10 * number
        drop(tree, "L1-0", minute)
        tree.edges_speak(after(minute + 4), "E1", "E2")
        tree.turn(after(minute + 4))
    (span,) = Instability.objects.all()
    assert (span.object.code, span.drops) == ("L1-0", DROPS)
    assert Outage.objects.filter(object__code="L1-0").count() == DROPS, "every drop stays in the record"
    assert told("L1-0") == 4


@pytest.mark.parametrize("others", [False, True])
def test_drops_that_an_edge_tells_of_only_after_a_long_cut_become_one_matter_too(others: bool) -> None:
    """`others`: meanwhile something else fell silent, so that what is in sight has moved on."""
    tree = Telling(nodes=True)
    tree.turn(after(1))
    tree.tell("down", "E1", at=after(3))
    tree.turn(after(8))
    if others:
        tree.tell("down", "L3-0", at=after(595))
        tree.edges_speak(after(599), "E2")
        tree.turn(after(599))
    tree.tell("up", "E1", at=after(600))
    for number in range(DROPS):
        drop(tree, "L1-0", 60 + 10 * number)
    tree.edges_speak(after(600), "E1", "E2")
    tree.turn(after(600.5))
    (span,) = Instability.objects.filter(object__code="L1-0")
    assert (span.drops, span.started_at, span.ended_at) == (DROPS, after(90), after(60 + 10 * (DROPS - 1) + 3))
    assert Outage.objects.filter(object__code="L1-0").count() == DROPS
    assert told("L1-0") == 4
    assert queries.unstable_objects(["/"]) == [], "it is over"
