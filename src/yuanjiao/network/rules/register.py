"""Pure rules of the register: what may hang on what, and how names are found."""

from __future__ import annotations

import re

DEPENDS_ON = {"site": frozenset({"line", "edge"}), "line": frozenset({"edge", "line"}), "edge": frozenset({"line", "edge"})}
"""What each kind of object may hang on: a site on its access line or edge, a line on an edge, an edge on its uplink."""


def pinyin_initials(name: str) -> str:
    """First letters as a clerk types them: 李家村 → ljc. Letters and digits stay; rare characters without a reading are left out."""
    from pypinyin import Style, lazy_pinyin  # half a second of dictionaries: not for a server that starts

    syllables = (lazy_pinyin(letter, style=Style.NORMAL, errors="ignore") if not letter.isascii() else [letter] for letter in name)
    return "".join(syllable[0][:1] for syllable in syllables if syllable and syllable[0][:1].isalnum()).lower()


def programmes(text: str) -> list[str]:
    """The programmes a site belongs to, as the register's column names them: 党员远教、农村中小学远教."""
    return [name for name in (part.strip() for part in re.split(r"[、,，;；]", text)) if name]
