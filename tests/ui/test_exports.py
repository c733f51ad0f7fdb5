"""A long list is written before the reader's eyes: a page that grows without script, then a file that only the asker fetches."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from python_calamine import CalamineWorkbook

from yuanjiao.lib import sheets
from yuanjiao.simulation.cast import Cast
from yuanjiao.ui import exports

LogIn = Callable[[str], Client]
ADDRESS = "/network/sites/?export=xlsx"


@pytest.fixture
def long(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """Five sites are many here, and every second one is told."""
    monkeypatch.setattr(exports, "LONG", 3)
    monkeypatch.setattr(sheets, "STEP", 2)
    return cast


def pieces(answer: Any) -> list[str]:
    return [piece.decode() for piece in answer.streaming_content]


def kept() -> list[Path]:
    return sorted((Path(settings.HOME) / "exports").glob("*"))


def test_the_page_grows_while_the_file_is_written_and_leads_to_it(long: Cast, log_in: LogIn) -> None:
    client = log_in("shiguan")
    assert "download>导出台账" not in client.get("/network/sites/").content.decode(), "a page, not a file, answers first"
    answer = client.get(ADDRESS)
    assert answer["Content-Encoding"] == "identity", "nothing on the way gathers the pieces"
    told = pieces(answer)
    assert "共 5 行" in told[0]
    assert exports.MARKER not in "".join(told)
    assert [one for one in told if "已写" in one] == [f"<li>已写 {number} 行</li>\n" for number in (2, 4, 5)]
    (address,) = re.findall(r'href="([^"]+)" download', "".join(told))
    file = client.get("/network/sites/" + address.replace("&amp;", "&"))
    rows = CalamineWorkbook.from_filelike(BytesIO(b"".join(file.streaming_content))).get_sheet_by_index(0).to_python()  # type: ignore[attr-defined]
    assert {cell for row in rows for cell in row} >= set(long.sites)
    assert told[-1].rstrip().endswith("</html>")


def test_the_file_is_the_askers_alone(long: Cast, log_in: LogIn) -> None:
    (address,) = re.findall(r'href="([^"]+)" download', "".join(pieces(log_in("shiguan").get(ADDRESS))))
    assert log_in("lingdao").get("/network/sites/" + address).status_code == 404
    for token in ("../../secret_key", "x" * 22, "x"):
        assert log_in("shiguan").get("/network/sites/", {"export": token}).status_code == 404


def test_who_closes_the_page_leaves_nothing_behind(long: Cast, log_in: LogIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "temporary"
    own.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(own))
    answer: Any = log_in("shiguan").get(ADDRESS)
    stream = iter(answer.streaming_content)
    next(stream), next(stream)
    assert list(own.iterdir()), "rows on their way lie in a file"
    answer._iterator.close()
    assert list(own.iterdir()) == []
    assert kept() == []


def test_a_file_is_kept_for_an_hour(long: Cast, log_in: LogIn) -> None:
    pieces(log_in("shiguan").get(ADDRESS))
    (old,) = kept()
    os.utime(old, (time.time() - exports.KEEP_S - 1,) * 2)
    pieces(log_in("shiguan").get(ADDRESS))
    assert old not in kept()
    assert len(kept()) == 1


def test_a_short_list_comes_at_once(cast: Cast, log_in: LogIn) -> None:
    client = log_in("shiguan")
    assert client.get(ADDRESS)["Content-Type"] == exports.XLSX
    assert "download>导出台账" in client.get("/network/sites/").content.decode()
