"""Documents that mean harm or are too much: nothing is fetched from elsewhere, memory and pdfium are spared."""

from __future__ import annotations

import os
import select
import zipfile
from concurrent.futures import ThreadPoolExecutor, wait
from io import BytesIO
from pathlib import Path

import docx
import pytest

from tests.courseware.test_kinds import pdf
from yuanjiao.courseware.packaging import pages
from yuanjiao.courseware.packaging.probe import NotUsable


def test_a_text_that_would_fill_the_memory_as_a_tree_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "long.docx"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"<x>" + b"<y/>" * (pages.LARGEST_XML // 4) + b"</x>")
    with pytest.raises(NotUsable, match="压缩炸弹"):
        pages.look_at_word(target.read_bytes())


def word_with_a_relation(kind: str, body: str) -> bytes:
    """A Word file whose relation rX leads outside; `body` points to it."""
    document, plain, target = docx.Document(), BytesIO(), BytesIO()
    document.add_paragraph("这里")
    document.save(plain)
    types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relation = f'<Relationship Id="rX" Type="{types}/{kind}" TargetMode="External" Target="http://10.0.0.1/a.png"/></Relationships>'
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(target, "w") as new_one:
        for part in old.infolist():
            text = old.read(part)
            if part.filename == "word/_rels/document.xml.rels":
                text = text.replace(b"</Relationships>", relation.encode())
            if part.filename == "word/document.xml":
                text = text.replace(b"<w:sectPr", f'<w:p xmlns:r="{types}">{body}</w:p><w:sectPr'.encode(), 1)
            new_one.writestr(part.filename, text)
    return target.getvalue()


PICTURE_ELSEWHERE = '<w:r><a:blip xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" r:link="rX"/></w:r>'


def test_a_picture_elsewhere_that_calls_itself_a_link_is_not_fetched() -> None:
    pages.look_at_word(word_with_a_relation("hyperlink", '<w:hyperlink r:id="rX"><w:r><w:t>看</w:t></w:r></w:hyperlink>'))
    for kind in ("image", "hyperlink"):
        with pytest.raises(NotUsable, match="外面的文件"):
            pages.look_at_word(word_with_a_relation(kind, PICTURE_ELSEWHERE))


def test_pdfs_are_opened_by_one_thread_at_a_time(tmp_path: Path) -> None:
    """pdfium is not made for two: a second one at the same moment would end the process that hears all the beats."""
    target, told = tmp_path / "a.pdf", []
    target.write_bytes(pdf(1))

    def look() -> None:
        with pages.opened(target):
            told.append("second")

    with ThreadPoolExecutor(1) as pool:
        with pages.opened(target):
            second = pool.submit(look)
            wait([second], timeout=0.3)
            told.append("first")
        second.result(10)
    assert told == ["first", "second"]


SLOW_OFFICE = """#!/bin/sh
{{ echo begun; exec sleep 300; }} > {line} &
wait
"""


def test_an_office_program_that_takes_too_long_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`soffice` only starts the program that does the work: that one has to end too, or it keeps its memory for ever."""
    program, line, target = tmp_path / "soffice", tmp_path / "line", tmp_path / "a.docx"
    target.write_bytes(b"x")
    os.mkfifo(line)
    program.write_text(SLOW_OFFICE.format(line=line))
    program.chmod(0o755)
    monkeypatch.setattr(pages, "office", lambda: str(program))
    monkeypatch.setattr(pages, "OFFICE_S", 2.0)
    reader = os.open(line, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(NotUsable, match="超过"):
            pages.as_pdf(target, ".docx", tmp_path)
        assert os.read(reader, 100) == b"begun\n"
        assert select.select([reader], [], [], 10.0)[0], "the child of the program still lives"
        assert os.read(reader, 100) == b"", "nobody holds the other end any more"
    finally:
        os.close(reader)
