"""What an item can be, for whom and of what sort: the fixed lists. Topics are data (models/topics.py)."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """CW01: what an item is made of."""

    VIDEO = "video"
    AUDIO = "audio"
    ARTICLE = "article"
    PICTURES = "pictures"
    DOCUMENT = "document"
    LINK = "link"


KIND_NAMES = [
    (Kind.VIDEO, "视频"),
    (Kind.AUDIO, "音频"),
    (Kind.ARTICLE, "图文"),
    (Kind.PICTURES, "图集"),
    (Kind.DOCUMENT, "文档"),
    (Kind.LINK, "外部链接"),
]
FROM_ONE_FILE = frozenset({Kind.VIDEO, Kind.AUDIO, Kind.DOCUMENT})
"""Kinds that are made of one uploaded original by the packaging queue."""
PLAYED = frozenset({Kind.VIDEO, Kind.AUDIO})
PAGES = "pages"
"""The profile under which the pages of a document are made in the packaging queue."""

AGE_BANDS = [
    ("preschool", "学前（3—6 岁）"),
    ("primary", "小学（6—12 岁）"),
    ("junior", "初中（12—15 岁）"),
    ("senior", "高中（15—18 岁）"),
    ("adult", "成年人"),
    ("elder", "老年人"),
]
"""CW20. Empty means for everybody."""

MATERIALS = [
    ("school", "校本教材"),
    ("guide", "导学案"),
    ("reader", "特色读本"),
    ("local", "本地资料"),
    ("joint", "中外合作办学教材"),
]
"""CW18, CW19, CW21: teaching materials that are registered with their review. Empty: an ordinary item."""

CASE_PARTS = ("背景", "做法", "数据", "成效")
"""CW23: the headings every teaching case has."""


def missing_case_parts(headings: dict[str, str]) -> list[str]:
    """Headings of the case template that are absent or have nothing below them; `headings` gives the text under each."""
    return [part for part in CASE_PARTS if not headings.get(part, "").strip()]
