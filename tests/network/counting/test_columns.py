"""Column files say what was written, or are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from yuanjiao.lib.errors import Tampered
from yuanjiao.network.counting.columns import Store, SummedDay, write_day
from yuanjiao.network.rules.days import NEVER, Day, seconds_of_day
from yuanjiao.network.rules.rates import DOWN, RULE, UP


def summed() -> SummedDay:
    whole = np.array([0, 500], np.int32)
    day = Day(
        1000, 86_400, np.array([3, 3], np.int32), whole, np.array([500, 900], np.int32), np.array([UP, DOWN], np.int8),
        np.array([NEVER, NEVER], np.int32), np.array([3], np.int32), np.array([-5], np.int32), np.array([1], np.int8),
    )  # fmt: skip
    up, down = seconds_of_day(day, RULE, 4)
    return SummedDay(day, up, down, (("observer", 70),), np.array([[3, 0]]))


def test_a_written_day_is_read_back_the_same(tmp_path: Path) -> None:
    digest = write_day(tmp_path, "2026-03-01", 1, summed())
    store = Store(tmp_path)
    contents = store.contents("2026-03-01", 1, digest)
    assert store.column(contents, digest, "seconds").tolist() == [[0, 0, 0, 500], [0, 0, 0, 400]]
    assert (contents.observers, store.column(contents, digest, "cut").tolist()) == ([("observer", 70)], [[3, 0]])
    day = store.day(contents, digest)
    assert (day.start, day.length, day.finish.tolist(), day.test_at.tolist()) == (1000, 86_400, [500, 900], [-5])
    assert write_day(tmp_path, "2026-03-01", 1, summed()) == digest
    assert len(list(tmp_path.iterdir())) == 1


def read_all(store: Store, digest: str) -> None:
    contents = store.contents("2026-03-01", 1, digest)
    store.day(contents, digest)
    store.column(contents, digest, "seconds")


@pytest.mark.parametrize("name", ["contents.json", "seconds.npy", "site.npy"])
@pytest.mark.parametrize("harm", ["alter", "remove"])
def test_an_altered_or_missing_column_is_refused(tmp_path: Path, name: str, harm: str) -> None:
    digest = write_day(tmp_path, "2026-03-01", 1, summed())
    path = next(tmp_path.iterdir()) / name
    if harm == "alter":
        path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    else:
        path.unlink()
    store = Store(tmp_path)
    with pytest.raises(Tampered, match="2026-03-01"):
        read_all(store, digest)


def test_only_days_that_are_named_are_kept(tmp_path: Path) -> None:
    write_day(tmp_path, "2026-03-01", 1, summed())
    digest = write_day(tmp_path, "2026-03-02", 1, summed())
    store = Store(tmp_path)
    assert store.clear({f"2026-03-02.v1.{digest[:16]}"}) == 1
    assert [path.name for path in tmp_path.iterdir()] == [f"2026-03-02.v1.{digest[:16]}"]
