"""What is new is read in columns, past the ORM: it must say what the rows say."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from tests.network.telling import AT, SITES, Telling, after
from yuanjiao.lib.uid import new_uid
from yuanjiao.network.counting.reading import number_of
from yuanjiao.network.diagnosis import news
from yuanjiao.network.diagnosis.picture import STATES, read_picture
from yuanjiao.network.models import StateChange

pytestmark = pytest.mark.django_db


def _rows(tree: Telling) -> None:
    """Several observers turn by turn; bounds that are missing, that are the beginning itself, that lie beside it; ended and open spans."""
    StateChange.objects.all().delete()
    observers, second = [new_uid(), new_uid()], timedelta(seconds=1)
    for number, code in enumerate((*SITES["L1"], *SITES["L2"])):
        row = StateChange(object_id=tree.objects[code].pk, observer=observers[number % 2], seq=number, state=list(STATES)[number % 3])
        row.at = after(number)
        row.until = None if number % 2 else after(number + 5)
        row.last_heard_at = (None, row.at, row.at - 7 * second)[number % 3]
        row.latest_at = (row.at + 60 * second, None, row.at)[number % 3]
        row.save()


def test_new_rows_are_read_as_they_are() -> None:
    tree = Telling()
    _rows(tree)
    forest = read_picture(AT.timestamp()).forest
    found = news.read_news(forest)
    rows = list(StateChange.objects.order_by("object_id", "at", "pk"))
    assert found.ids.tolist() == [row.pk for row in rows]
    assert found.objects.tolist() == forest.ids[found.place].tolist() == [row.object_id for row in rows]
    assert found.state.tolist() == [STATES[row.state] for row in rows]
    assert found.observer.tolist() == [number_of(row.observer) for row in rows]
    assert found.at.tolist() == [row.at.timestamp() for row in rows]
    bounds = (
        (found.until, [row.until for row in rows]),
        (found.last, [row.last_heard_at for row in rows]),
        (found.latest, [row.latest_at for row in rows]),
    )
    for column, times in bounds:
        wanted = [np.nan if at is None or at == row.at else at.timestamp() for at, row in zip(times, rows, strict=True)]
        np.testing.assert_array_equal(column, wanted)


def test_nothing_new_is_read_as_nothing() -> None:
    Telling()
    StateChange.objects.all().delete()
    assert len(news.read_news(read_picture(AT.timestamp()).forest)) == 0


def test_more_than_one_turn_can_take_is_read_in_turns_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = Telling()
    _rows(tree)
    keys, forest = list(StateChange.objects.order_by("pk").values_list("pk", flat=True)), read_picture(AT.timestamp()).forest
    monkeypatch.setattr(news, "MOST", 3)
    for start in range(0, len(keys), 3):
        found = news.read_news(forest)
        assert sorted(found.ids.tolist()) == keys[start : start + 3]
        news.mark_judged(found.ids)
    assert len(news.read_news(forest)) == 0
