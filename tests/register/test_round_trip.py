"""The template and the whole register: what goes out comes in again and changes nothing, whatever letters it is written in."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from tests.register.workbooks import bring, counts
from yuanjiao.network import commands as network
from yuanjiao.network.models import Site
from yuanjiao.people import commands as people
from yuanjiao.people.models import ResponsibilityKind
from yuanjiao.people.rules import Permission, Role
from yuanjiao.places.commands import rename_division
from yuanjiao.register.documents.columns import SHEETS
from yuanjiao.register.documents.template import write_workbook
from yuanjiao.register.documents.whole import register_rows
from yuanjiao.register.models import ImportState
from yuanjiao.register.queries import known_register
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def whole(cast: Cast, path: Path) -> Path:
    with path.open("wb") as target:
        write_workbook(target, register_rows(known_register(), cast.actor("shiguan").paths(Permission.EXPORT_REGISTER)))
    return path


def assert_nothing_changes(cast: Cast, path: Path) -> dict[str, tuple[int, int, int]]:
    batch = bring(whole(cast, path), by=cast.actor("shiguan"), at=AT)
    assert batch.state == ImportState.READY, [str(one) for one in batch.problems.all()]
    assert all(numbers[:2] == (0, 0) for numbers in counts(batch).values()), counts(batch)
    return counts(batch)


def test_the_whole_register_goes_out_and_in_again_without_a_change(cast: Cast, tmp_path: Path) -> None:
    network.add_asset(code="A-1", kind="机顶盒", place=cast.sites["S-990101100200"], purchased_on=date(2024, 5, 6), model="X")
    person, unit = cast.people["xianguan"], cast.units["ZZ-990101"]
    people.make_responsible(person=person, unit=unit, division=cast.divisions["990101100000"], kind=ResponsibilityKind.DIRECT, on=AT.date())
    people.appoint(person=person, unit=cast.units["ZZ-990101100"], role=Role.SITE_MANAGER, on=AT.date())
    people.add_person(name="没有责任的人", unit=unit)
    rename_division(division=cast.divisions["990102000000"], name="石岭区", on=date(2026, 2, 1))
    seen = assert_nothing_changes(cast, tmp_path / "whole.xlsx")
    assert seen["站点"] == (0, 0, 5)
    assert seen["设备"] == (0, 0, 1)
    assert seen["责任人"][2] == 13  # ten people, one more without anything; one of them holds three things in two units


LETTERS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co", "Cf", "Zl", "Zp")) | st.sampled_from("𣵦𬭎𰻞\"'\n=+-@_x000D_%<>&（）　 "),
    max_size=30,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=LETTERS.filter(lambda text: bool(text.strip())), remark=LETTERS, road=LETTERS)
def test_any_letters_survive_the_round_trip(cast: Cast, tmp_path: Path, name: str, remark: str, road: str) -> None:
    row = Site.objects.get(code="S-990101101201")
    row.name, row.programmes, row.road = name, remark, road
    row.save()
    assert_nothing_changes(cast, tmp_path / "whole.xlsx")


def test_an_export_holds_only_the_subtree_and_only_masked_numbers(cast: Cast) -> None:
    target = io.BytesIO()
    write_workbook(target, register_rows(known_register(), cast.actor("xianguan").paths(Permission.EXPORT_REGISTER)))
    book = load_workbook(target)
    every = [str(cell) for page in book for row in page.iter_rows(values_only=True) for cell in row if cell]
    assert "柳溪县" in every
    assert not [text for text in every if "石岭" in text or "高坪" in text or "990102" in text]
    assert "138****0002" in every
    assert not [text for text in every if "13800000002" in text]


def test_the_template_has_every_sheet_with_drop_downs_text_codes_and_a_sample_that_is_never_imported(cast: Cast, tmp_path: Path) -> None:
    path = tmp_path / "template.xlsx"
    with path.open("wb") as target:
        write_workbook(target)
    book = load_workbook(path)
    assert book.sheetnames == ["填写说明", *(plan.name for plan in SHEETS)]
    for plan in SHEETS:
        page = book[plan.name]
        assert [str(cell.value).rstrip("*") for cell in page[1]] == [column.title for column in plan.columns]
        assert page.column_dimensions["A"].number_format == "@"
        listed = {str(rule.sqref).split("2")[0].split(":")[0] for rule in page.data_validations.dataValidation}
        assert len(listed) == sum(bool(column.names) for column in plan.columns)
    batch = bring(path, by=cast.actor("shiguan"), at=AT)
    assert batch.state == ImportState.READY
    assert "没有可导入的行" in batch.message
