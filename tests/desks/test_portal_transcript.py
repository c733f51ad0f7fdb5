"""Captions as text to read."""

from __future__ import annotations

import pytest

from yuanjiao.desks.portal.transcript import paragraphs, transcript
from yuanjiao.flow.blobs import store

CUE = "{0} --> {1}\n{2}\n"


def vtt(*cues: tuple[str, str, str]) -> str:
    return "WEBVTT\n\n" + "\n".join(CUE.format(*cue) for cue in cues)


@pytest.mark.parametrize(
    ("captions", "expected"),
    [
        (vtt(("00:00.000", "00:02.000", "乡亲们好"), ("00:02.000", "00:04.000", "今天讲养猪。")), ["乡亲们好，今天讲养猪。"]),
        (vtt(("00:00.000", "00:02.000", "第一段。"), ("00:07.000", "00:09.000", "第二段。")), ["第一段。", "第二段。"]),
        (vtt(("01:00:00.000", "01:00:02.000", "<v 老王>带标签的<i>话</i>")), ["带标签的话"]),
        (vtt(("00:00.000", "00:02.000", "Hello"), ("00:02.000", "00:03.000", "world")), ["Hello world"]),
        (vtt(("00:00.000", "00:02.000", "重复"), ("00:02.000", "00:03.000", "重复")), ["重复"]),
        ("WEBVTT\r\n\r\n1\r\n00:00.000 --> 00:01.000 align:start\r\n回车换行\r\n", ["回车换行"]),
        ("WEBVTT\n\nNOTE 只是备注\n", []),
        ("1\n00:00:00,000 --> 00:00:01,000\n不是 WebVTT\n", []),
        ("", []),
    ],
)
def test_cues_become_paragraphs(captions: str, expected: list[str]) -> None:
    assert paragraphs(captions) == expected


@pytest.mark.django_db
def test_a_missing_or_huge_file_has_no_words() -> None:
    assert transcript("0" * 64) == []
    assert transcript(store.put(b"WEBVTT\n" + b"x" * 1_000_001).sha256) == []
    assert transcript(store.put(vtt(("00:00.000", "00:02.000", "你好")).encode()).sha256) == ["你好"]
