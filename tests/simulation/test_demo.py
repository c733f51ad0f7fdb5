"""The demo's own folder: one demo at a time, an interrupted making is made anew, and nothing else is ever thrown away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from yuanjiao.lib.errors import Refused
from yuanjiao.simulation.city import Plan, make_city
from yuanjiao.simulation.demo import Demo, real_counties
from yuanjiao.simulation.present import Order, broken_by_hand, give_order, orders_so_far

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def demo_in(folder: Path) -> Demo:
    return Demo(folder, Plan(), 8000, 1.0, lambda _: None)


def test_two_demos_do_not_run_in_one_folder(tmp_path: Path) -> None:
    with demo_in(tmp_path).alone(), pytest.raises(Refused, match="正在运行"), demo_in(tmp_path).alone():
        pass
    with demo_in(tmp_path).alone():
        assert (tmp_path / "lock").exists()


def test_an_interrupted_making_is_cleared_but_for_what_is_in_use(tmp_path: Path) -> None:
    centre = tmp_path / "centre"
    (centre / "blobs").mkdir(parents=True)
    (centre / "secret_key").write_text("s")
    (centre / "half.sqlite3").write_text("x")
    (tmp_path / "unfinished").touch()
    demo_in(tmp_path).clear_unfinished()
    assert [path.name for path in centre.iterdir()] == ["secret_key"]
    assert not (tmp_path / "unfinished").exists()


def test_a_folder_without_the_mark_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "centre").mkdir()
    (tmp_path / "centre" / "yuanjiao.sqlite3").write_text("somebody's real centre")
    demo_in(tmp_path).clear_unfinished()
    assert (tmp_path / "centre" / "yuanjiao.sqlite3").exists()


def test_the_last_counties_are_the_real_ones_and_one_is_always_left_to_the_simulation() -> None:
    assert [county.code for county in real_counties(make_city(Plan()))] == ["990105000000", "990106000000"]
    assert [county.code for county in real_counties(make_city(Plan(2, 2, 2)))] == ["990102000000"]


def test_what_is_broken_by_hand_stays_so_until_it_is_mended_or_its_time_is_over(tmp_path: Path) -> None:
    give_order(tmp_path, Order("cut", "E-990105", NOW))
    give_order(tmp_path, Order("kill", "E-990106", NOW))
    give_order(tmp_path, Order("cut", "S-990101100200", NOW, NOW + timedelta(minutes=5)))
    orders = orders_so_far(tmp_path)
    assert broken_by_hand(orders, NOW) == {"U-990105", "E-990106", "S-990101100200"}
    assert broken_by_hand(orders, NOW + timedelta(minutes=5)) == {"U-990105", "E-990106"}
    give_order(tmp_path, Order("mend", "E-990105", NOW))
    assert broken_by_hand(orders_so_far(tmp_path), NOW + timedelta(minutes=5)) == {"E-990106"}
