"""`yuanjiao blobs`: what a person at the machine is told of its files, and how a lost one comes back."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from yuanjiao.flow.blobs import store
from yuanjiao.flow.models import Blob

pytestmark = pytest.mark.django_db


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("blobs", *arguments, stdout=out)
    return out.getvalue()


def test_a_lost_file_is_named_and_taken_back_from_a_copy(tmp_path: Path) -> None:
    content = os.urandom(50_000)
    copy = tmp_path / "copy"
    copy.write_bytes(content)
    ref = store.put(content, media_type="video/mp4")
    assert "没有坏的文件" in told("check")
    os.truncate(store.path(ref.sha256), 100)
    with pytest.raises(CommandError, match="1 个文件"):
        told("check")
    line = told("spoilt")
    for words in (ref.sha256, "内容已坏", "须拷回或重新打包", "没有课件用到"):
        assert words in line
    Blob.objects.update(listed=True)
    assert "向上级重取" in told("spoilt")
    with pytest.raises(CommandError, match="不是本机缺的文件"):
        told("take", __file__)
    assert ref.sha256 in told("take", str(copy))
    assert store.path(ref.sha256).read_bytes() == content
    assert "没有坏的文件" in told("check")
