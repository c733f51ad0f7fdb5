"""What a start loads: seconds and memory of the smallest box. Times are the benchmark's matter; which modules are loaded is this one's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NOT_AT_START = {
    "PIL": "pictures are made by the packaging process",
    "apprise": "messages leave only where an address is kept",
    "av": "as pictures",
    "docx": "official documents are written when somebody asks for one",
    "fpdf": "as documents",
    "fontTools": "as documents",
    "gufo": "only edges and the prober ask other machines",
    "h11": "as gufo",
    "httpx": "a centre with nobody above asks nobody",
    "lxml": "as documents",
    "mammoth": "Word files are read when one comes in",
    "markdown_it": "articles are set when they are written",
    "obstore": "only where blobs are kept in a bucket",
    "openpyxl": "registers are written when somebody asks for one",
    "psycopg": "the database is SQLite",
    "pypdfium2": "as pictures",
    "pypinyin": "words get their sounds when something is indexed",
    "rich": "of no use to a server",
    "requests": "as apprise",
    "tuf.ngclient": "only a machine below another follows a catalogue",
    "xlsxwriter": "as registers",
}
"""Packages that neither the start nor the first page needs, and when they come."""
FIRST_PAGE = """
import json, sys
import yuanjiao.wiring.application
from django.test import Client
assert Client().get("/", headers={"host": "127.0.0.1"}).status_code == 200
print(json.dumps(sorted(sys.modules)))
"""
COMMAND = """
import json, os, sys

def told(*_: object) -> None:
    print(json.dumps(sorted(sys.modules)), flush=True)
    os._exit(0)

os.execv = told
from yuanjiao.wiring import cli
cli.main(["serve"])
"""


def loaded(home: Path, script: str) -> set[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YUANJIAO_")}
    environment |= {"YUANJIAO_HOME": str(home)}
    line = [sys.executable, "-c", script]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has been used: its migrations are done."""
    home = tmp_path_factory.mktemp("home")
    loaded(home, COMMAND)
    return home


def test_a_start_and_the_first_page_load_nothing_that_they_do_not_need(home: Path) -> None:
    assert not set(NOT_AT_START) & loaded(home, FIRST_PAGE)


def test_the_command_that_starts_the_server_loads_no_more_than_the_models(home: Path) -> None:
    found = loaded(home, COMMAND)
    assert not (set(NOT_AT_START) | {"numpy", "tantivy", "yuanjiao.wiring.urls", "yuanjiao.network.live"}) & found
    assert not [name for name in found if name.startswith("yuanjiao.") and ".migrations." in name], "told by their names alone"
