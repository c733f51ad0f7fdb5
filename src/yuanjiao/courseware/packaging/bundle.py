"""The archive another department sends: one sheet and the files it names, read without trusting either (CW14).

Nothing is unpacked by a name of the archive: a row's file is copied, counted, under a name of ours.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from python_calamine import CalamineError, CalamineWorkbook

from yuanjiao.courseware.packaging.probe import NotUsable
from yuanjiao.flow.blobs import store

MOST_ROWS = 2_000
MOST_MEMBERS = 5_000
LARGEST_SHEET = 5_000_000
LARGEST_SHEET_UNPACKED = 100_000_000
REASONS = "错误原因"
CHUNK = 1 << 20


@dataclass(frozen=True)
class Field:
    """One column of the sheet: its head, whether it must be filled, and an example."""

    key: str
    title: str
    required: bool
    example: str


FIELDS = (
    Field("title", "标题", True, "水稻育秧技术"),
    Field("kind", "形式", True, "视频"),
    Field("item_class", "类别", True, "服务类"),
    Field("file", "文件", False, "育秧.mp4"),
    Field("address", "网址", False, ""),
    Field("summary", "内容简介", False, "育秧前后的要领"),
    Field("speaker", "主讲人", False, "王技术员"),
    Field("age_band", "适合年龄", False, "成年人"),
    Field("topics", "主题标签", False, "农业技术、种养农户"),
    Field("holder", "权利人", False, "市农业农村局"),
    Field("contract_number", "合同编号", False, ""),
    Field("price", "价格（元）", False, ""),
    Field("scope", "许可范围", False, "全市远程教育站点播放"),
    Field("rights_from", "授权开始", False, "2026-01-01"),
    Field("rights_to", "授权截止", False, "2028-01-01"),
)
BY_TITLE = {field.title: field for field in FIELDS}


@dataclass(frozen=True)
class SheetRow:
    """One row: its number in the sheet and its cells as text, by column key."""

    number: int
    cells: dict[str, str]


class Bundle:
    """An opened archive: the rows of its sheet, and its files by the name a person would write."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        members = [part for part in archive.infolist() if not part.is_dir() and not _hidden(part)]
        if len(members) > MOST_MEMBERS:
            raise NotUsable(f"压缩包里有 {len(members)} 个文件，超过 {MOST_MEMBERS} 个，请分几次导入")
        if members and min(part.header_offset for part in archive.infolist()) != 0:
            # what was read is an archive inside a cut one, or behind something else
            raise NotUsable("压缩包不完整，或前面接着别的内容；请把清单和文件重新打成 ZIP 再上传")
        if any(part.flag_bits & 0x1 for part in members):
            raise NotUsable("压缩包设了密码，请去掉密码后再上传")
        self.archive = archive
        self.files: dict[str, zipfile.ZipInfo] = {}
        self.doubtful: set[str] = set()
        for part in members:
            self._note(_name(part), part)
        sheets = [part for part in members if _name(part).lower().endswith(".xlsx")]
        if len(sheets) != 1:
            raise NotUsable(f"压缩包里应当有且只有一张清单（.xlsx），现在有 {len(sheets)} 张；请下载模板填写")
        self.sheet = sheets[0]

    def _note(self, name: str, part: zipfile.ZipInfo) -> None:
        """A file is found by its whole path and by its bare name, unless two have the same."""
        for key in {name, PurePosixPath(name).name}:
            if key in self.files:
                self.doubtful.add(key)
            self.files[key] = part

    def find(self, name: str) -> zipfile.ZipInfo | None:
        """The file a row names; None when it is not there or two could be meant."""
        key = name.replace("\\", "/").lstrip("./")
        return None if key in self.doubtful else self.files.get(key)

    def copy(self, part: zipfile.ZipInfo, target: Path, limit: int) -> None:
        """Unpack one file, counted. NotUsable when it is larger than it may be, or damaged; DiskFull before it would fill the disk."""
        if part.file_size > limit:  # never more comes out than the directory says
            raise NotUsable(f"文件解压后超过 {_size(limit)}")
        store.make_room(part.file_size)
        written = 0
        try:
            with self.archive.open(part) as source, open(target, "wb") as sink:
                while chunk := source.read(CHUNK):
                    written += len(chunk)
                    if written > limit:
                        raise NotUsable(f"文件解压后超过 {_size(limit)}")
                    sink.write(chunk)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
            raise NotUsable("压缩包里的这个文件已损坏") from None


def _size(limit: int) -> str:
    return f"{limit / 1e9:.1f} GB" if limit >= 10**9 else f"{limit // 10**6} MB"


def _hidden(part: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(part.filename)
    return "__MACOSX" in name.parts or name.name.startswith((".", "~$"))


def _name(part: zipfile.ZipInfo) -> str:
    """The name as it was written: archives made on Chinese Windows hold GBK without saying so."""
    if part.flag_bits & 0x800:
        return part.filename
    try:
        return part.filename.encode("cp437").decode("gbk")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return part.filename


@contextmanager
def opened(path: Path) -> Iterator[Bundle]:
    """The archive. NotUsable, with the reason, when it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield Bundle(archive)
    except (zipfile.BadZipFile, EOFError, NotImplementedError):
        raise NotUsable("这不是完整的 ZIP 压缩包，可能没有传完；请把清单和文件打成 .zip 再上传") from None


def rows_of(bundle: Bundle, folder: Path) -> list[SheetRow]:
    """The rows of the sheet, below its heads. NotUsable when it is no sheet of ours."""
    target = folder / "sheet.xlsx"
    if bundle.sheet.file_size > LARGEST_SHEET:
        raise NotUsable(f"清单超过 {LARGEST_SHEET // 1_000_000} MB，请去掉里面的图片")
    bundle.copy(bundle.sheet, target, LARGEST_SHEET)
    _refuse_bomb(target)
    try:
        cells = CalamineWorkbook.from_path(target).get_sheet_by_index(0).to_python(nrows=MOST_ROWS + 20)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        raise NotUsable(f"清单读不出来，请用 Excel 或 WPS 另存为 .xlsx（{error}）") from None
    return _below_heads(cells)


def _refuse_bomb(path: Path) -> None:
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for part in archive.infolist():
                with archive.open(part) as stream:
                    while chunk := stream.read(CHUNK):
                        total += len(chunk)
                        if total > LARGEST_SHEET_UNPACKED:
                            raise NotUsable("清单解压后过大，不予接收")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise NotUsable("清单已损坏，或不是 .xlsx 表格") from None


def _below_heads(cells: list[list[Any]]) -> list[SheetRow]:
    head = next((place for place, row in enumerate(cells[:10]) if "标题" in [_text(cell) for cell in row]), None)
    if head is None:
        raise NotUsable("清单里没有“标题”这一列；请下载模板填写")
    keys = [BY_TITLE[text].key if (text := _text(cell)) in BY_TITLE else "" for cell in cells[head]]
    missing = [field.title for field in FIELDS if field.required and field.key not in keys]
    if missing:
        raise NotUsable(f"清单缺少列：{'、'.join(missing)}；请下载模板填写")
    found = []
    for place, row in enumerate(cells[head + 1 :], head + 2):
        said = {key: _text(cell) for key, cell in zip(keys, row, strict=False) if key}
        if any(said.values()):
            found.append(SheetRow(place, said))
    if not found:
        raise NotUsable("清单里一行也没有")
    if len(found) > MOST_ROWS:
        raise NotUsable(f"清单超过 {MOST_ROWS} 行，请分几次导入")
    return found


def _text(cell: Any) -> str:
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d}"
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip() if cell is not None else ""


def day_of(text: str) -> date | None:
    """2026-01-31, 2026/1/31, 2026年1月31日; None for empty. Raises ValueError for anything else."""
    if not text:
        return None
    parts = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text)
    if parts is None:
        raise ValueError(text)
    return date(int(parts[1]), int(parts[2]), int(parts[3]))


def write_template(target: IO[bytes]) -> None:
    """The sheet a department fills: heads and one example."""
    from openpyxl import Workbook  # not loaded at every start: it takes longer than any other library
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    page = book.active
    assert page is not None
    page.title = "课件清单"
    page.append([field.title for field in FIELDS])
    page.append([field.example for field in FIELDS])
    for place, field in enumerate(FIELDS, 1):
        page.cell(1, place).font = Font(bold=True, color="B3261E" if field.required else "1D2733")
        page.column_dimensions[get_column_letter(place)].width = max(12, 2 * len(field.title) + 4)
    page.freeze_panes = "A2"
    book.save(target)


def write_returned(bundle: Bundle, folder: Path, target: Path, reasons: dict[int, str]) -> None:
    """The department's own sheet with the reasons in its last column."""
    from openpyxl import load_workbook
    from openpyxl.styles import Font

    source = folder / "returned.xlsx"
    bundle.copy(bundle.sheet, source, LARGEST_SHEET)
    book = load_workbook(source)
    page = book.worksheets[0]
    column = page.max_column + 1
    page.cell(1, column, REASONS).font = Font(bold=True, color="B3261E")
    for number, reason in reasons.items():
        page.cell(number, column, reason).font = Font(color="B3261E")
    book.save(target)
