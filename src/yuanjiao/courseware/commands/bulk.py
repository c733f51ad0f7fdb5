"""Bulk imports (CW14): taken in, checked row by row with its file, given back with reasons, applied in one transaction."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from yuanjiao.courseware.commands.articles import LARGEST_WORD, add_picture, bring_word, write_article
from yuanjiao.courseware.commands.items import create_courseware
from yuanjiao.courseware.commands.originals import Looked, look_at, take_original
from yuanjiao.courseware.commands.rights import set_rights
from yuanjiao.courseware.models import BulkImport, BulkRow, BulkState, Courseware, CoursewareClass, CoursewareSource, Topic
from yuanjiao.courseware.packaging import bundle, pages, pictures
from yuanjiao.courseware.packaging.bundle import Bundle, SheetRow
from yuanjiao.courseware.packaging.probe import NotUsable
from yuanjiao.courseware.rules.articles import LONGEST_SOURCE
from yuanjiao.courseware.rules.kinds import AGE_BANDS, FROM_ONE_FILE, KIND_NAMES, Kind
from yuanjiao.lib.errors import Conflict, DiskFull, Forbidden, NotFound, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import person_by_uid
from yuanjiao.people.rules import Actor, Permission

KINDS = {name: kind for kind, name in KIND_NAMES}
CLASSES = {str(label): CoursewareClass(value) for value, label in CoursewareClass.choices} | {
    "教育": CoursewareClass.EDUCATION, "服务": CoursewareClass.SERVICE
}  # fmt: skip
BANDS = {name.split("（")[0]: code for code, name in AGE_BANDS} | {name: code for code, name in AGE_BANDS}
PLAIN_TEXT = {".txt", ".md"}
OPEN = (BulkState.RECEIVED, BulkState.READY, BulkState.REFUSED, BulkState.FAILED)


@dataclass
class Reading:
    """One row as it would be imported, and what stands against it."""

    row: SheetRow
    problems: list[str] = field(default_factory=list)
    kind: Kind = Kind.VIDEO
    item: dict[str, Any] = field(default_factory=dict)
    rights: dict[str, Any] = field(default_factory=dict)
    file: Path | None = None
    """The row's file, unpacked, when it is kept."""
    looked: Looked | None = None


def folder_of(bulk: BulkImport) -> Path:
    """Where the archive and the returned sheet of an import lie."""
    return Path(settings.MEDIA_ROOT) / "bulk" / str(bulk.uid)


def returned_path(bulk: BulkImport) -> Path:
    return folder_of(bulk) / "returned.xlsx"


@transaction.atomic
def open_bulk_import(*, department: str, by: Actor, at: datetime) -> BulkImport:
    """Open an import of a department's items; they will be this person's drafts, with the department as their origin."""
    if by.person_uid is None:
        raise Forbidden("批量导入须由具体的人办理")
    by.require(Permission.PRODUCE_COURSEWARE, person_by_uid(by.person_uid).unit.division.path)
    if not department.strip() or len(department.strip()) > 100:
        raise Refused("请填写来源单位（最多 100 字）")
    row = BulkImport.objects.create(department=department.strip(), actor_uid=by.person_uid, actor_name=by.name, received_at=at)
    write_audit(by=by, action="批量导入课件", subject=f"来源 {row.department}", at=at)
    return row


def take_archive(*, bulk: BulkImport, path: Path, filename: str, by: Actor) -> BulkImport:
    """Keep the archive that came for an import."""
    _require_own(bulk, by)
    folder_of(bulk).mkdir(parents=True, exist_ok=True)
    size = path.stat().st_size
    path.replace(folder_of(bulk) / "archive.zip")
    BulkImport.objects.filter(pk=bulk.pk).update(file_name=filename[:200], size_bytes=size)
    bulk.refresh_from_db()
    return bulk


def _require_own(bulk: BulkImport, by: Actor) -> None:
    if bulk.actor_uid != by.person_uid:
        raise NotFound("没有这次导入")


@contextmanager
def at_work(bulk: BulkImport) -> Iterator[None]:
    """Hold an import while it is checked or applied. The lock goes with its process, however that ends; Conflict when another holds it."""
    folder_of(bulk).mkdir(parents=True, exist_ok=True)
    with open(folder_of(bulk) / "at-work", "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("这次导入正在办理") from None
        yield


BROKEN_OFF = "处理中断，没有写入任何内容，请重新上传"


def free_bulk_imports(*, at: datetime) -> int:
    """Say of imports whose worker was killed that they were broken off; returns how many. Nothing of them was written."""
    under_way, freed = [BulkState.CHECKING, BulkState.APPLYING], 0
    for bulk in BulkImport.objects.filter(state__in=under_way):
        with suppress(Conflict), at_work(bulk):
            rows = BulkImport.objects.filter(pk=bulk.pk, state__in=under_way)  # it may have ended since it was read
            freed += rows.update(state=BulkState.FAILED, message=BROKEN_OFF, finished_at=at)
    return freed


# -- check ------------------------------------------------------------------------------------------------------------------


def check_bulk_import(*, bulk: BulkImport, by: Actor, at: datetime) -> None:
    """Check every row and its file. Ends ready, refused with a returned sheet, or failed when it is no archive of ours."""
    _require_own(bulk, by)
    with at_work(bulk):
        _check(bulk, at)
    bulk.refresh_from_db()


def _check(bulk: BulkImport, at: datetime) -> None:
    if not BulkImport.objects.filter(pk=bulk.pk, state=BulkState.RECEIVED).update(state=BulkState.CHECKING):
        raise Conflict("这次导入已经检查过")
    try:
        with tempfile.TemporaryDirectory(dir=folder_of(bulk)) as name, bundle.opened(folder_of(bulk) / "archive.zip") as opened:
            readings = _read(bulk, opened, Path(name))
            wrong = {one.row.number: "；".join(one.problems)[:300] for one in readings if one.problems}
            if wrong:
                bundle.write_returned(opened, Path(name), returned_path(bulk), wrong)
    except (NotUsable, DiskFull) as error:
        BulkImport.objects.filter(pk=bulk.pk).update(state=BulkState.FAILED, message=error.message[:400], finished_at=at)
    else:
        _note_rows(bulk, readings)
        BulkImport.objects.filter(pk=bulk.pk).update(state=BulkState.REFUSED if wrong else BulkState.READY)


@transaction.atomic
def _note_rows(bulk: BulkImport, readings: list[Reading]) -> None:
    bulk.rows.all().delete()
    BulkRow.objects.bulk_create(
        [
            BulkRow(
                bulk=bulk, number=one.row.number, title=one.row.cells.get("title", "")[:100],
                file_name=one.row.cells.get("file", "")[:200], problem="；".join(one.problems)[:300],
            )
            for one in readings
        ]
    )  # fmt: skip


def _read(bulk: BulkImport, opened: Bundle, folder: Path, *, keep: bool = False) -> list[Reading]:
    """Every row with what stands against it; its file is unpacked into `folder`, and stays there with `keep`."""
    topics = {topic.name: topic for topic in Topic.objects.filter(ended=False)}
    known = set(Courseware.objects.filter(origin=bulk.department).values_list("title", flat=True))
    readings, seen = [], set()
    for row in bundle.rows_of(opened, folder):
        one = _reading(row, topics)
        title = row.cells.get("title", "")
        if title in seen:
            one.problems.append("清单里有两行同名")
        elif title in known:
            one.problems.append("这个单位的同名课件已经导入过")
        seen.add(title)
        if not one.problems:
            _look_at_file(one, opened, folder)
        if one.file is not None and (one.problems or not keep):
            one.file.unlink(missing_ok=True)
            one.file = None
        readings.append(one)
    return readings


def _reading(row: SheetRow, topics: dict[str, Topic]) -> Reading:
    one, said = Reading(row), row.cells
    title = said.get("title", "")
    if not title or len(title) > 100:
        one.problems.append("标题没有填，或超过 100 字")
    one.kind = _choice(one, "kind", "形式", KINDS) or Kind.VIDEO
    one.item = {"title": title, "item_class": _choice(one, "item_class", "类别", CLASSES) or CoursewareClass.SERVICE}
    one.item |= {name: said.get(name, "") for name in ("summary", "speaker")}
    if len(said.get("summary", "")) > 500 or len(said.get("speaker", "")) > 50:
        one.problems.append("内容简介最多 500 字，主讲人最多 50 字")
    if said.get("age_band"):
        one.item["age_band"] = _choice(one, "age_band", "适合年龄", BANDS) or ""
    names = [name for name in said.get("topics", "").replace(",", "、").replace("，", "、").split("、") if name.strip()]
    unknown = [name for name in names if name.strip() not in topics]
    if unknown:
        one.problems.append(f"没有这个主题标签：{unknown[0]}")
    one.item["topics"] = [topics[name.strip()] for name in names if name.strip() in topics]
    if one.kind == Kind.LINK:
        one.item["address"] = said.get("address", "")
    _read_rights(one)
    return one


def _choice(one: Reading, key: str, title: str, choices: dict[str, Any]) -> Any:
    text = one.row.cells.get(key, "")
    if text not in choices:
        one.problems.append(f"{title}应为：{'、'.join(list(choices)[:6])}" if text else f"{title}没有填")
    return choices.get(text)


def _read_rights(one: Reading) -> None:
    said = one.row.cells
    days: dict[str, date | None] = {}
    for key, title in (("rights_from", "授权开始"), ("rights_to", "授权截止")):
        try:
            days[key] = bundle.day_of(said.get(key, ""))
        except ValueError:
            one.problems.append(f"{title}不是日期，请写成 2026-01-31")
    try:
        price = Decimal(said["price"]) if said.get("price") else None
    except InvalidOperation:
        price = None
        one.problems.append("价格不是数字")
    begin, end = days.get("rights_from"), days.get("rights_to")
    if begin and end and end <= begin:
        one.problems.append("授权截止应晚于授权开始")
    if price is not None and price < 0:
        one.problems.append("价格不能小于零")
    told = any([said.get("holder"), begin, end, price is not None, said.get("contract_number"), said.get("scope")])
    if told and not said.get("holder"):
        one.problems.append("写了授权内容，就要填权利人")
    if told:
        one.rights = {
            "holder": said.get("holder", ""), "rights_from": begin, "rights_to": end, "contract_number": said.get("contract_number", ""),
            "price_fen": None if price is None else int(price * 100), "scope": said.get("scope", ""),
        }  # fmt: skip


def _look_at_file(one: Reading, opened: Bundle, folder: Path) -> None:
    """The file a row names is there, and is what the row says it is."""
    name = one.row.cells.get("file", "")
    if one.kind == Kind.LINK:
        if not one.item["address"].startswith(("http://", "https://")):
            one.problems.append("外部链接要填网址")
        return
    part = opened.find(name) if name else None
    if part is None:
        one.problems.append(f"压缩包里没有这个文件（或有两个同名）：{name}" if name else "文件没有填")
        return
    one.file = folder / f"row-{one.row.number}"
    try:
        opened.copy(part, one.file, _most_bytes(one.kind))
        if one.kind in FROM_ONE_FILE:
            one.looked = look_at(one.kind, one.file)
        elif one.kind == Kind.ARTICLE:
            _look_at_article(one.file, name)
        else:
            pictures.cleaned(one.file.read_bytes())
    except NotUsable as error:
        one.problems.append(f"{name}：{error.message}")


def _most_bytes(kind: Kind) -> int:
    """A picture or an article is read into memory whole: no archive may make it larger than such a file is."""
    return {Kind.PICTURES: pictures.LARGEST_BYTES, Kind.ARTICLE: LARGEST_WORD}.get(kind, settings.MAX_UPLOAD_BYTES)


def _look_at_article(path: Path, name: str) -> None:
    """An article comes as a Word file, or as plain text in the marks of the house."""
    if Path(name).suffix.lower() in PLAIN_TEXT:
        _plain_text(path.read_bytes())
    else:
        pages.look_at_word(path.read_bytes())


def _plain_text(content: bytes) -> str:
    """UTF-8, or the GBK of Chinese Windows. NotUsable when it is neither, empty, or too long for an article."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding).strip()
            break
        except UnicodeDecodeError:
            continue
    else:
        raise NotUsable("不是文字文件，请存为 UTF-8 的 .txt，或用 .docx")
    if not text or "\0" in text:
        raise NotUsable("文字文件是空的，或不是文字")
    if len(text) > LONGEST_SOURCE:
        raise NotUsable(f"正文有 {len(text)} 字，超过 {LONGEST_SOURCE} 字，请分成几篇")
    return text


# -- apply ------------------------------------------------------------------------------------------------------------------


def apply_bulk_import(*, bulk: BulkImport, good_rows_only: bool, by: Actor, at: datetime) -> int:
    """Make drafts of the rows, after reading them once more; all in one transaction. Returns how many.

    Refused when rows are wrong and the person did not choose good rows only.
    """
    _require_own(bulk, by)
    if bulk.state == BulkState.REFUSED and not good_rows_only:
        raise Refused("清单里还有错误：请改好后重新上传，或选择“只导入正确的行”")
    with at_work(bulk):
        return _apply_once(bulk, good_rows_only, by, at)


def _apply_once(bulk: BulkImport, good_rows_only: bool, by: Actor, at: datetime) -> int:
    """Take the import for oneself, apply it, and say on it how that ended."""
    moved = BulkImport.objects.filter(pk=bulk.pk, state__in=[BulkState.READY, BulkState.REFUSED]).update(
        state=BulkState.APPLYING, good_rows_only=good_rows_only
    )
    if not moved:
        raise Conflict("这次导入已经办理")
    message = BROKEN_OFF
    try:
        return _apply(bulk, good_rows_only, by, at)
    except (Refused, Conflict, DiskFull) as error:
        message = error.message
        raise
    finally:
        rows = BulkImport.objects.filter(pk=bulk.pk, state=BulkState.APPLYING)  # what was applied says so with its items, or not at all
        rows.update(state=BulkState.FAILED, message=message[:400], finished_at=at)
        bulk.refresh_from_db()


def _apply(bulk: BulkImport, good_rows_only: bool, by: Actor, at: datetime) -> int:
    """Unpack and look at every file first: gigabytes take minutes, and nobody may wait for them inside a transaction."""
    with tempfile.TemporaryDirectory(dir=folder_of(bulk)) as name, bundle.opened(folder_of(bulk) / "archive.zip") as opened:
        readings = _read(bulk, opened, Path(name), keep=True)
        good = [one for one in readings if not one.problems]
        if len(good) < len(readings) and not good_rows_only:
            raise Refused("检查之后有了变化，现有的行不能全部导入；请重新上传检查")
        _write(bulk, good, by=by, at=at)
        return len(good)


@transaction.atomic
def _write(bulk: BulkImport, good: list[Reading], *, by: Actor, at: datetime) -> None:
    for one in good:
        item = _make(one, bulk, by=by, at=at)
        BulkRow.objects.filter(bulk=bulk, number=one.row.number).update(courseware=item)
    write_audit(by=by, action="批量导入完成", subject=f"来源 {bulk.department}", at=at, detail=f"{len(good)} 件")
    BulkImport.objects.filter(pk=bulk.pk).update(state=BulkState.APPLIED, message=f"导入了 {len(good)} 件", finished_at=at)


def _make(one: Reading, bulk: BulkImport, *, by: Actor, at: datetime) -> Courseware:
    item = create_courseware(kind=one.kind, source=CoursewareSource.DEPARTMENT, origin=bulk.department, **one.item, by=by, at=at)
    if one.rights:
        set_rights(courseware=item, **one.rights, by=by, at=at)
    if one.file is not None:
        name = one.row.cells.get("file", "")
        try:
            _fill(item, one, Path(name).name, by=by, at=at)
        except NotUsable as error:
            raise Refused(f"第 {one.row.number} 行 {name}：{error.message}") from None
    return item


def _fill(item: Courseware, one: Reading, name: str, *, by: Actor, at: datetime) -> None:
    """Put the file of a row into its item, by what the item is."""
    assert one.file is not None
    if item.kind in FROM_ONE_FILE:
        take_original(courseware=item, path=one.file, filename=name, by=by, at=at, looked=one.looked)
    elif item.kind != Kind.ARTICLE:
        add_picture(courseware=item, content=one.file.read_bytes(), by=by, at=at)
    elif Path(name).suffix.lower() in PLAIN_TEXT:
        write_article(courseware=item, source=_plain_text(one.file.read_bytes()), by=by, at=at)
    else:
        bring_word(courseware=item, content=one.file.read_bytes(), by=by, at=at)


@transaction.atomic
def cancel_bulk_import(*, bulk: BulkImport, by: Actor, at: datetime) -> None:
    """Give an import up before anything was made of it."""
    _require_own(bulk, by)
    if not BulkImport.objects.filter(pk=bulk.pk, state__in=OPEN).update(state=BulkState.CANCELLED, finished_at=at):
        raise Conflict("这次导入已经办完，不能放弃")
    (folder_of(bulk) / "archive.zip").unlink(missing_ok=True)
