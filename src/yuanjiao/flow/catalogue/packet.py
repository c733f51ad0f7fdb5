"""A packet: a folder of named files on something that is carried by hand, or the same files in one archive (zip64, nothing compressed).

The index comes last and names every file with its size: without a fitting index there is no packet. Nothing in it is believed because
it lies there; what the files hold is verified by who reads them. Refused, in Chinese, for whatever the medium does to us.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import UUID

import msgspec

from yuanjiao.lib.errors import DiskFull, Refused

FORM = 1
INDEX = "index.json"
FOLDER = "yuanjiao-catalogue"
"""Our own folder on a medium that holds other things too."""
CHUNK = 1 << 20
LARGEST_INDEX = 256 * CHUNK
TORN = "目录包不完整或已损坏：请重新导出"


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """What the packet says of itself: for whom it is, until when its signatures count, its files with their sizes in bytes."""

    form: int = FORM
    made_at: datetime
    expires_at: datetime
    scopes: tuple[str, ...]
    receivers: tuple[UUID, ...]
    files: dict[str, int]


class Writer:
    """Takes the files one after another; `create` makes a new one of that name to write into."""

    def __init__(self, create: Callable[[str], IO[bytes]]) -> None:
        self._create = create
        self.sizes: dict[str, int] = {}

    def put(self, name: str, content: bytes) -> None:
        with self._create(name) as file:
            file.write(content)
        self.sizes[name] = len(content)

    def pour(self, name: str, pieces: Iterator[bytes]) -> None:
        with self._create(name) as file:
            self.sizes[name] = sum(file.write(piece) for piece in pieces)


@contextmanager
def written(where: Path) -> Iterator[Writer]:
    """Write a packet into our folder inside `where` when that is a folder, else into a file of that name, which appears whole."""
    with _medium("写入"):
        if where.is_dir():
            yield from _write_folder(where / FOLDER)
        else:
            yield from _write_archive(where)


def finish(writer: Writer, index: Index) -> None:
    """The last file."""
    writer.put(INDEX, msgspec.json.encode(index))


def _write_folder(folder: Path) -> Iterator[Writer]:
    shutil.rmtree(folder, ignore_errors=True)

    def create(name: str) -> IO[bytes]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return open(path, "wb")

    yield Writer(create)
    os.sync()  # what is pulled out next must be on it


def _write_archive(path: Path) -> Iterator[Writer]:
    fresh = path.with_name(path.name + ".new")
    try:
        with open(fresh, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
                yield Writer(lambda name: archive.open(zipfile.ZipInfo(name), "w", force_zip64=True))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


class Reader:
    """A packet that is there: its index, and its files by name."""

    def __init__(self, open_file: Callable[[str], IO[bytes]], sizes: Callable[[str], int]) -> None:
        self._open_file = open_file
        self.index = self._read_index()
        if any(sizes(name) != size for name, size in self.index.files.items()):
            raise Refused(TORN)

    def has(self, name: str) -> bool:
        return name in self.index.files

    def size(self, name: str) -> int:
        return self.index.files[name]

    def read(self, name: str, most: int) -> bytes:
        """A small file; Refused when it is larger than `most` bytes."""
        if self.size(name) > most:
            raise Refused(TORN)
        return b"".join(self.pieces(name))

    def pieces(self, name: str, start: int = 0) -> Iterator[bytes]:
        """A file from its byte `start` on."""
        with _medium("读取"), self._open_file(name) as file:
            file.seek(start)
            while piece := file.read(CHUNK):
                yield piece

    def _read_index(self) -> Index:
        with _medium("读取"), self._open_file(INDEX) as file:
            content = file.read(LARGEST_INDEX)
        try:
            index = msgspec.json.decode(content, type=Index)
        except msgspec.DecodeError:
            raise Refused(TORN) from None
        if index.form != FORM:
            raise Refused(f"目录包的格式（{index.form}）本机不认识：请先升级本机软件")
        return index


@contextmanager
def opened(where: Path) -> Iterator[Reader]:
    """The packet in this file or folder; Refused when there is none, or not a whole one."""
    if where.is_dir():
        yield _read_folder(where if (where / INDEX).is_file() else where / FOLDER)
        return
    with _medium("读取"):
        archive = zipfile.ZipFile(where)
    with archive:
        yield _read_archive(archive)


def _read_folder(folder: Path) -> Reader:
    def size(name: str) -> int:
        return (folder / name).lstat().st_size

    def open_file(name: str) -> IO[bytes]:
        """A plain file inside our folder: no link leads out of it, no device is read without end."""
        path = folder / name
        if ".." in path.relative_to(folder).parts or not stat.S_ISREG(path.lstat().st_mode):
            raise Refused(TORN)
        return open(path, "rb")

    with _medium("读取"):
        return Reader(open_file, size)


def _read_archive(archive: zipfile.ZipFile) -> Reader:
    entries: Mapping[str, zipfile.ZipInfo] = {entry.filename: entry for entry in archive.infolist()}

    def entry(name: str) -> zipfile.ZipInfo:
        found = entries.get(name)
        if found is None or found.compress_type != zipfile.ZIP_STORED:
            raise Refused(TORN)
        return found

    with _medium("读取"):
        return Reader(lambda name: archive.open(entry(name)), lambda name: entry(name).file_size)


@contextmanager
def _medium(act: str) -> Iterator[None]:
    """What a stick that is full, pulled out, write-protected or worn out raises."""
    try:
        yield
    except (zipfile.BadZipFile, EOFError):
        raise Refused(TORN) from None
    except FileNotFoundError:
        raise Refused("没有找到目录包，或其中缺少文件：请检查路径，或重新导出") from None
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull("介质已满：请换更大的，或加 --without-blobs") from None
        if error.errno == errno.EFBIG:
            raise Refused("介质的文件系统装不下这么大的文件：请改为导出到文件夹") from None
        raise Refused(f"介质无法{act}（{error.strerror or type(error).__name__}）") from None
