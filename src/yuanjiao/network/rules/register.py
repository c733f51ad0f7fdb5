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


SYLLABLE = re.compile(
    r"(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:iang|iong|uang|ang|eng|ing|ong|iao|ian|uai|uan|ai|ei|ao|ou|an|en|er|ia|ie|iu|in|ua|uo|ui|un|ue|ve|a|o|e|i|u|v)"
)
LONGEST, MOST_READINGS = 6, 8


def initials_of_pinyin(text: str) -> list[str]:
    """What initials a name has that is typed in whole syllables: lijiacun → ljc, xian → x or xa. Empty when it is no pinyin."""
    readings = {0: [""]}
    for start in range(len(text)):
        for end in range(start + 1, min(start + LONGEST, len(text)) + 1) if start in readings else ():
            if SYLLABLE.fullmatch(text, start, end):
                longer = [one + text[start] for one in readings[start]]
                readings[end] = list(dict.fromkeys([*readings.get(end, []), *longer]))[:MOST_READINGS]
    return readings.get(len(text), []) if text else []


def full_pinyin(name: str) -> str:
    """The syllables of a name in one word: 李家村 → lijiacun; what has no reading is left out."""
    from pypinyin import lazy_pinyin  # as above

    return "".join(lazy_pinyin(name, errors="ignore")).lower()
