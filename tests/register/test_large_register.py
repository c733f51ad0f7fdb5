"""A file is checked beside what it names, not beside the whole register; what is found is the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.register.test_import import whole_town
from tests.register.workbooks import bring_and_apply, division, site, write_book
from yuanjiao.people.rules import Permission
from yuanjiao.register import commands
from yuanjiao.register.checks import check_book
from yuanjiao.register.checks.named import named_in
from yuanjiao.register.documents.template import write_workbook
from yuanjiao.register.documents.whole import register_rows
from yuanjiao.register.documents.workbook import read_workbook
from yuanjiao.register.queries import known_register
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
ON = date(2026, 3, 2)


def whole(path: Path, cast: Cast) -> Path:
    """The register as it is exported."""
    with path.open("wb") as target:
        write_workbook(target, register_rows(known_register(), cast.actor("shiguan").paths(Permission.EXPORT_REGISTER)))
    return path


def wrong_town(path: Path, _cast: Cast) -> Path:
    """Whatever can be wrong with what a row names: it is not there, is something else, stands outside, hangs on itself, has a holder."""
    person = {"姓名": "赵新", "单位代码": "ZZ-990101"}
    return write_book(
        path,
        {
            "区划": [
                division("990101100200", "新李村"),
                division("990101109209", "无镇村"),
                division("990199100000", "无县镇"),
                division("99010x", "错码"),
            ],
            "线路": [{"线路编号": "L-990101100", "线路名称": "线路", "所在区划代码": "990101100000", "上联编号": "S-990101100200"}],
            "边缘服务器": [{"服务器编号": "L-990101101", "服务器名称": "服务器", "所在区划代码": "990101000000"}],
            "站点": [
                site("S-990101100200", "改名站点", "990101100201", "L-990101101"),
                site("S-990102100200", "别县站点", "990102100200", "L-nobody"),
                site("S-N1", "新站点", "990101999999", "E-990101"),
            ],
            "设备": [{"资产编号": "A-9", "设备名称": "机顶盒", "所在对象编号": "S-nobody"}],
            "责任人": [
                person | {"责任": "第一责任人", "责任区域代码": "990101000000", "账号": "shiguan", "岗位": "站点管理员"},
                person | {"姓名": "林县", "责任": "站点管理员", "责任区域代码": "990101100200"},
                person | {"单位代码": "ZZ-nobody", "账号": "zhanguan", "岗位": "站点管理员"},
            ],
        },
    )


FILES: dict[str, Callable[[Path, Cast], Path]] = {"town": lambda path, _cast: whole_town(path), "everything": whole, "wrong": wrong_town}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
@pytest.mark.parametrize("who", ["shiguan", "xianguan"])
def test_beside_what_it_names_a_file_is_judged_as_beside_the_whole_register(
    cast: Cast, at: datetime, tmp_path: Path, make: Callable[[Path, Cast], Path], who: str
) -> None:
    bring_and_apply(whole_town(tmp_path / "town.xlsx"), by=cast.actor("shiguan"), at=at)
    path = make(tmp_path / "file.xlsx", cast)
    scopes = cast.actor(who).paths(Permission.IMPORT_REGISTER)

    def judged(named: bool) -> list[Any]:
        sheets = read_workbook(path)
        book = check_book(sheets, known_register(named_in(sheets) if named else None), scopes=scopes, on=ON)
        return [(row.plan.table, row.number, row.action, row.problems, row.changes, row.path) for row in book.every_row()]

    found = judged(named=True)
    assert found == judged(named=False)
    assert make is not wrong_town or sum(bool(row[3]) for row in found) >= 8


def test_sites_that_a_file_does_not_name_are_not_read(cast: Cast, at: datetime, tmp_path: Path) -> None:
    path = write_book(tmp_path / "one.xlsx", {"站点": [site("S-990101100200", "改名站点", "990101100200", "L-990101100")]})
    known = known_register(named_in(read_workbook(path)))
    assert set(known.objects) == {"S-990101100200", "L-990101100", "E-990101"}
    assert set(known.divisions) == {"990101100200", "990101100000", "990101000000", "990100000000", "990000000000"}
    assert not known.people
    batch = bring_and_apply(path, by=cast.actor("shiguan"), at=at)
    commands.undo_import(batch=batch, by=cast.actor("shiguan"), at=at)
