"""Chinese and Latin text as tokens, pure: characters to find exactly, words (jieba) to rank, sound and spelling for slips of the hand.

The dictionaries are loaded when the first text comes: a server that starts need not wait for them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

RUN = re.compile(r"[a-z0-9]+|[^\W_a-z0-9]+")
LONGEST_SPELLING = 40
GAP = "‖"
"""Stands between two fields of one text, so that no phrase runs across them."""


def folded(text: str) -> str:
    """One form for full and half width, capitals and small letters."""
    return unicodedata.normalize("NFKC", text).lower()


def runs(text: str) -> list[str]:
    """Stretches of Latin letters and digits, and of everything else that is a letter, in order."""
    return RUN.findall(folded(text))


def characters(text: str) -> list[str]:
    """Latin words whole, every other letter for itself: 水稻 A12 → 水, 稻, a12."""
    return [token for run in runs(text) for token in ([run] if run.isascii() else run)]


def words(text: str) -> list[str]:
    """Words by jieba, long ones with the words inside them."""
    import rjieba

    return [token for run in runs(text) for token in ([run] if run.isascii() else rjieba.cut_for_search(run))]


def coarse_words(run: str) -> list[str]:
    """One run cut once into words, none inside another."""
    import rjieba

    return [run] if run.isascii() else list(rjieba.cut(run))


def sounds(text: str) -> list[str]:
    """Each letter as it is read, without tones: 水稻 and 水道 are both shui, dao."""
    return [sound for run in runs(text) for sound in _read(run)]


def spellings(text: str) -> set[str]:
    """What somebody may type on a keyboard of letters, from any letter of the text on: sdbch and shuidaobingchonghai for 水稻病虫害."""
    found: set[str] = set()
    for run in (run for run in runs(text) if not run.isascii()):
        full = _read(run)
        first = [sound[:1] for sound in full]
        for start in range(len(full)):
            found |= {"".join(full[start:])[:LONGEST_SPELLING], "".join(first[start:])[:LONGEST_SPELLING]}
    return found - {""}  # a letter of no known script has no reading


def _read(run: str) -> list[str]:
    import rjieba

    return [run] if run.isascii() else [sound for word in rjieba.cut(run) for sound in _reading(word)]


@lru_cache(maxsize=50_000)
def _reading(word: str) -> tuple[str, ...]:
    """The same words come again and again, and reading one costs more than everything else."""
    from pypinyin import lazy_pinyin

    return tuple(lazy_pinyin(word))


def joined(parts: Iterable[list[str]]) -> str:
    """Fields as one string of tokens with gaps between the fields."""
    return f" {GAP} ".join(" ".join(part) for part in parts)
