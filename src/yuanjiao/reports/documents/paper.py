"""The same document on paper: PDF by Typst, in the layout of `gb9704.PROFILE`, with its own breaking of lines and pages.

The docx is the master and names fonts that are not free. Whoever has them puts their files into the folder YUANJIAO_FONTS; else the
PDF is set in Noto Serif SC and Noto Sans SC, and `stand_ins` says so to the reader. No system font is looked for: the same document
gives the same bytes on every machine with the same fonts.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from yuanjiao.lib.clock import CHINA
from yuanjiao.reports.documents.blocks import Official, Piece, Table
from yuanjiao.reports.documents.gb9704 import BODY, HEI, KAI, PROFILE, SONG, SONG_TITLE, Link, Profile, signature_insets

TEMPLATE = Path(__file__).parents[1] / "templates/reports/paper.typ"  # lies with the templates, which go into the wheel
TWIPS = 20
NAMES: dict[str, tuple[str, ...]] = {
    BODY: (BODY, "FangSong_GB2312", "FangSong", "仿宋", "STFangsong"),
    KAI: (KAI, "KaiTi_GB2312", "KaiTi", "楷体", "STKaiti", "AR PL KaitiM GB"),
    HEI: (HEI, "SimHei"),
    SONG_TITLE: (SONG_TITLE, "FZXiaoBiaoSong-B05S", "FZXiaoBiaoSong-B05", "方正小标宋_GBK"),
    SONG: (SONG, "SimSun"),
}
"""What the fonts of an official document call themselves."""
STAND_INS = {BODY: "Noto Serif SC", KAI: "Noto Serif SC", HEI: "Noto Sans SC", SONG_TITLE: "Noto Serif SC", SONG: "Noto Serif SC"}
LAST = "Noto Sans SC"


def print_official(official: Official, *, link: Link, as_of: datetime, profile: Profile = PROFILE) -> bytes:
    """The document as PDF bytes; `as_of` dates its properties."""
    import typst  # 80 MB of code: loaded when somebody prints

    inputs = {"official": json.dumps(_values(official, link)), "profile": json.dumps(_profile(profile, as_of))}
    stamp = int(as_of.timestamp())
    done = typst.compile(TEMPLATE.read_bytes(), font_paths=_files(settings.FONTS), sys_inputs=inputs, timestamp=stamp)
    return bytes(done)


def stand_ins() -> list[str]:
    """The fonts of an official document that are not here, so that others stand in for them."""
    if not settings.FONTS:
        return list(NAMES)
    here = _families(settings.FONTS)
    return [name for name, called in NAMES.items() if not here & set(called)]


@cache
def _files(folder: str) -> Any:
    """The fonts of a folder and those that come with this house, read once."""
    import pylopdf_fonts_zh_cn as fonts
    import typst

    own = [folder] if folder else []
    folders = [*own, str(Path(fonts.serif_path()).parent)]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


def _families(folder: str) -> frozenset[str]:
    return frozenset(_files(folder).families())


def _fonts(name: str) -> list[str]:
    """The names to look for, those that are here; then what stands in."""
    here = _families(settings.FONTS)
    return [*(one for one in NAMES[name] if one in here), STAND_INS[name], LAST]


def _profile(profile: Profile, as_of: datetime) -> dict[str, Any]:
    day = as_of.astimezone(CHINA).date()
    lengths = {name: getattr(profile, name) / TWIPS for name in ("top", "bottom", "left", "right", "line")}
    return lengths | {
        "page": [length / TWIPS for length in profile.page],
        "tracking": profile.spacing / TWIPS,
        "character": 16 + profile.spacing / TWIPS,
        "date": [day.year, day.month, day.day],
        "fonts": {
            "body": _fonts(BODY),
            "title": _fonts(SONG_TITLE),
            "hei": _fonts(HEI),
            "song": _fonts(SONG),
            "levels": [_fonts(BODY), _fonts(HEI), _fonts(KAI)],
        },
    }


def _values(official: Official, link: Link) -> dict[str, Any]:
    def piece(one: Piece) -> tuple[str, str]:
        return one.text, link(one.key) if one.key else ""

    def table(one: Table) -> dict[str, Any]:
        rows = [[piece(cell) for cell in row] for row in one.rows]
        return {"title": one.title, "heads": one.heads, "rows": rows, "widths": one.widths, "notes": one.notes}

    return {
        "title": official.title,
        "addressee": official.addressee,
        "body": [{"level": one.level, "pieces": [piece(part) for part in one.pieces]} for one in official.body],
        "signer": official.signer,
        "date": official.date,
        "insets": signature_insets(official.signer, official.date),
        "attachments": [table(one) for one in official.attachments],
    }
