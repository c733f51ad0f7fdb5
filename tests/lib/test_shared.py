"""What many ask for at once is made once, and never older than is said."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from yuanjiao.lib.shared import Shared


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_is_made_anew_when_it_is_old_and_for_each_key() -> None:
    clock, made = Clock(), Counter[str]()
    shared = Shared(clock_s=clock)

    def ask(key: str, seconds: float = 5.0) -> int:
        def make() -> int:
            made[key] += 1
            return made[key]

        return shared.get(key, seconds, make)

    assert [ask("a"), ask("a"), ask("b")] == [1, 1, 1]
    clock.now += 4.9
    assert ask("a") == 1
    clock.now += 0.2
    assert ask("a") == 2
    assert ask("a", seconds=0) == 3, "made for this reader alone"
    assert ask("a") == 2


def test_its_age_counts_from_before_it_was_made() -> None:
    clock = Clock()
    shared = Shared(clock_s=clock)

    def slow() -> str:
        clock.now += 10
        return "old"

    assert shared.get("a", 5.0, slow) == "old"
    assert shared.get("a", 5.0, lambda: "new") == "new"


def test_of_many_who_ask_at_once_one_makes_it() -> None:
    shared, made, started = Shared(), [], threading.Barrier(8)

    def make() -> int:
        made.append(1)
        return len(made)

    def reader() -> None:
        started.wait()
        found.append(shared.get("a", 60.0, make))

    found: list[int] = []
    readers = [threading.Thread(target=reader) for _ in range(8)]
    for one in readers:
        one.start()
    for one in readers:
        one.join()
    assert found == [1] * 8


def test_who_could_not_make_it_is_told_and_the_next_one_tries() -> None:
    shared = Shared()

    def broken() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        shared.get("a", 60.0, broken)
    assert shared.get("a", 60.0, lambda: 7) == 7


def test_it_holds_no_more_than_is_fresh() -> None:
    clock = Clock()
    shared = Shared(most=10, clock_s=clock)
    for number in range(50):
        clock.now += 1
        shared.get(number, 5.0, lambda: None)
    assert len(shared._made) <= 11
    assert len(shared._making) <= 12
