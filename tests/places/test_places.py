"""Dated divisions and units: codes, levels, names that change, chains that do not mix."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from yuanjiao.lib.errors import Refused
from yuanjiao.places import commands, queries
from yuanjiao.places.rules import Chain, Level, level_of, parent_code
from yuanjiao.simulation.cast import SINCE, Cast


@pytest.mark.parametrize(
    ("code", "level", "parent"),
    [
        ("990000000000", Level.PROVINCE, None),
        ("990100000000", Level.CITY, "990000000000"),
        ("990101000000", Level.COUNTY, "990100000000"),
        ("990101100000", Level.TOWN, "990101000000"),
        ("990101100200", Level.VILLAGE, "990101100000"),
        ("990110100200", Level.VILLAGE, "990110100000"),
    ],
)
def test_a_code_tells_its_level_and_the_one_above(code: str, level: Level, parent: str | None) -> None:
    assert level_of(code) is level
    assert parent_code(code) == parent


def test_a_renamed_division_keeps_its_old_name_for_old_days(cast: Cast) -> None:
    new_name_from = SINCE + timedelta(days=200)
    commands.rename_division(division=cast.divisions["990101100200"], name="新李村", on=new_name_from)
    before, after = new_name_from - timedelta(days=1), new_name_from
    assert queries.division_by_code("990101100200", on=before).name == "李村"
    assert queries.division_by_code("990101100200", on=after).name == "新李村"


def test_full_names_begin_at_the_county(cast: Cast) -> None:
    assert queries.full_name(cast.divisions["990101100200"]) == "柳溪县石桥镇李村"


def test_a_subtree_holds_its_own_and_nothing_else(cast: Cast) -> None:
    under = queries.divisions(on=SINCE, under=cast.divisions["990101000000"].path)
    assert {row.code[:6] for row in under} == {"990101"}
    assert {row.name for row in under.filter(level=Level.VILLAGE)} == {"李村", "王庄村", "桃花村", "𣵦里村"}


@pytest.mark.parametrize(("code", "why"), [("9901", "12 位"), ("99010110020X", "12 位"), ("990101100200", "已有区划")])
def test_a_wrong_or_used_code_is_refused(code: str, why: str, cast: Cast) -> None:
    with pytest.raises(Refused, match=why):
        commands.add_division(code=code, name="某村", parent=cast.divisions["990101100000"], on=SINCE)


@pytest.mark.clause("GOV03")
def test_units_of_several_chains_stand_side_by_side_and_never_mix(cast: Cast) -> None:
    county = cast.divisions["990101000000"]
    chains = {unit.chain for unit in queries.units(on=SINCE, under=county.path)}
    assert {Chain.ORGANISATION, Chain.OPERATOR} <= chains
    with pytest.raises(Refused, match="不在同一系统"):
        commands.add_unit(code="X-1", name="混合单位", chain=Chain.OPERATOR, division=county, parent=cast.units["ZZ-9901"], on=SINCE)


def test_a_unit_cannot_be_older_than_the_one_above(cast: Cast) -> None:
    with pytest.raises(Refused, match="早于上级"):
        commands.add_unit(
            code="X-2",
            name="早生单位",
            chain=Chain.ORGANISATION,
            division=cast.divisions["990101000000"],
            parent=cast.units["ZZ-9901"],
            on=date(2020, 1, 1),
        )
