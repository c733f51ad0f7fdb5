"""Work that may wait lets readers by, and is not kept waiting for ever. No test waits by the clock: threads and a clock of our own."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
from django.db import connection
from django.test import Client

from yuanjiao.lib.precedence import READERS, Precedence

PATIENCE_S = 60.0


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nobody_waits_while_nobody_reads() -> None:
    Precedence(longest_s=PATIENCE_S).give_way()


def test_work_goes_on_when_the_last_reader_has_gone() -> None:
    order: list[str] = []
    precedence, ready = Precedence(longest_s=PATIENCE_S), threading.Event()

    def work() -> None:
        ready.set()
        precedence.give_way()
        order.append("work")

    with ExitStack() as second:
        with precedence.reading():
            second.enter_context(precedence.reading())
            worker = threading.Thread(target=work)
            worker.start()
            ready.wait(PATIENCE_S)
            order.append("first page")
        order.append("second page")
    worker.join(PATIENCE_S)
    assert order == ["first page", "second page", "work"]


def test_work_is_not_kept_waiting_for_ever_and_then_goes_on_for_a_while() -> None:
    hands = Hands()
    precedence, turns = Precedence(longest_s=0.0, at_least_s=1.0, clock=hands), []
    with precedence.reading():
        for step in (0.0, 0.5, 1.0):
            hands.now += step
            precedence.give_way()
            turns.append(precedence._own.goes_on_until)
    assert turns == [101.0, 101.0, 102.5]


@pytest.mark.django_db
def test_questions_to_the_database_are_where_work_gives_way() -> None:
    given: list[str] = []
    precedence = Precedence(longest_s=0.0)
    precedence.give_way = lambda: given.append("way")  # type: ignore[method-assign]
    with precedence.giving_way(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert given == ["way"]


@pytest.mark.django_db
def test_the_one_lock_of_an_embedded_database_is_not_held_long_for_readers() -> None:
    hands = Hands()
    precedence = Precedence(longest_s=0.0, at_least_s=0.0, clock=hands)
    turns = 0

    def waits(timeout: float | None = None) -> bool:
        nonlocal turns
        turns += 1
        hands.now += 0.8
        return False

    with precedence.reading():
        precedence._nobody.wait = waits  # type: ignore[method-assign]
        for _ in range(10):  # the transaction of the test
            precedence.give_way()
    assert turns == (3 if connection.vendor == "sqlite" else 10)


@pytest.mark.usefixtures("cast")
def test_whoever_opens_a_page_is_read_for_and_whoever_sends_a_form_is_not(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    count = READERS._count

    def noted(change: int) -> None:
        counted.append(change)
        count(change)

    monkeypatch.setattr(READERS, "_count", noted)
    client.get("/")
    assert counted == [1, -1]
    client.post("/login/", {"username": "nobody", "password": "nothing"})
    assert counted == [1, -1]
