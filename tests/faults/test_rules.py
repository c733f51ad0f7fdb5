"""Areas, patience, ratios and the Pareto of causes, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from yuanjiao.faults.rules import (
    CHANNEL_NAMES,
    CLASS_NAMES,
    FIRST_CAUSES,
    FIRST_RESTORE_HOURS,
    Area,
    Channel,
    FaultClass,
    Ratio,
    area_of,
    is_due,
    pareto,
)


@pytest.mark.clause("OPS03")
def test_level_one_of_a_fault_has_exactly_three_values() -> None:
    assert [CLASS_NAMES[one] for one in FaultClass] == ["服务器故障", "线路故障", "终端站点设备故障"]


@pytest.mark.parametrize(
    ("codes", "area"),
    [(["220", "121"], Area.VILLAGE), (["", "121"], Area.TOWN), (["", "", ""], Area.TOWN), (["210"], Area.VILLAGE), ([], Area.TOWN)],
)
def test_town_or_village_follows_the_nearest_class_code(codes: list[str], area: Area) -> None:
    assert area_of(codes) is area
    assert FIRST_RESTORE_HOURS[area] == {Area.TOWN: 48, Area.VILLAGE: 72}[area]


def test_patience_is_kept_to_the_minute() -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    assert not is_due(start, start + timedelta(minutes=29, seconds=59), timedelta(minutes=30))
    assert is_due(start, start + timedelta(minutes=30), timedelta(minutes=30))


def test_a_ratio_without_a_whole_has_no_value() -> None:
    assert Ratio(0, 0).value is None
    assert Ratio(1, 4).value == 0.25


def test_the_pareto_orders_causes_and_adds_up_to_one() -> None:
    bars = pareto([("power", "停电", 2), ("line_cut", "挖断", 5), ("age", "老化", 2), ("other", "其他", 1)])
    assert [bar.code for bar in bars] == ["line_cut", "age", "power", "other"]
    assert [round(bar.cumulative, 3) for bar in bars] == [0.5, 0.7, 0.9, 1.0]
    assert pareto([]) == []


def test_the_first_dictionary_fits_the_three_classes_and_names_operator_error() -> None:
    assert {cause.fault_class for cause in FIRST_CAUSES} <= {*FaultClass, ""}
    assert {"operator_error", "power", "line_cut", "equipment_age", "configuration", "other"} <= {cause.code for cause in FIRST_CAUSES}
    assert set(CHANNEL_NAMES) == set(Channel)
