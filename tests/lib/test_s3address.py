"""What names a place in S3-compatible storage, and settings that make no whole of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from yuanjiao.lib.env import BadSetting, Env
from yuanjiao.lib.s3address import S3Address, read_address


def test_an_address_is_endpoint_bucket_and_prefix() -> None:
    assert read_address("") is None
    assert read_address("https://s3.example:9000/films/city/a/") == S3Address("https://s3.example:9000", "films", "city/a")
    assert str(read_address("http://10.0.0.5:8333/films")) == "http://10.0.0.5:8333/films"


@pytest.mark.parametrize(
    "text",
    [
        "films",
        "s3://films",
        "https://s3.example",
        "https://s3.example/",
        "https://s3.example/UPPER",
        "https://key:secret@s3.example/films",
        "https://s3.example/films/../other",
        "https://s3.example/films/a b",
        "https://s3.example/films?x=1",
        "https://s3.example:99999/films",
        "https:///films",
    ],
)
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(BadSetting, match="YUANJIAO_BLOBS_S3="):
        Env({"YUANJIAO_BLOBS_S3": text}).bucket("BLOBS_S3", "", "")


ADDRESS = {"YUANJIAO_BLOBS_S3": "https://s3.example/films"}
KEYS = {"YUANJIAO_BLOBS_S3_KEY": "a", "YUANJIAO_BLOBS_S3_SECRET": "b"}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (ADDRESS, "needs YUANJIAO_BLOBS_S3_KEY"),
        (KEYS, "without YUANJIAO_BLOBS_S3 does nothing"),
        (ADDRESS | KEYS | {"YUANJIAO_ACCEL_PREFIX": "/kept/"}, "none for nginx to send"),
        (ADDRESS | KEYS, ""),
    ],
)
def test_half_a_bucket_stops_the_start(told: dict[str, str], said: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YUANJIAO_")}
    environment |= {"YUANJIAO_HOME": str(tmp_path), **told}
    line = [sys.executable, "-c", "import yuanjiao.wiring.settings"]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is (said == "")
    assert said in done.stderr
