"""What sites are called, as one text in memory: a word is found among 700,000 sites in some milliseconds, also one in the middle of a name.

Kept where the counters are kept, read at the first search. Other processes ask the database.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable

import numpy as np

from yuanjiao.network.counting.counters import COUNTERS
from yuanjiao.network.models import Site, edits_between, version_number
from yuanjiao.network.rules.rates import Ints

FEW, MOST = 500, 25_000
"""Keys in one query; and with more sites found than this the database looks itself: it soon has a page full."""
FIELDS = ("pk", "name", "code", "pinyin", "division__name")


class Names:
    """One line per site: name, code, initials and village, in small letters. A site that was edited has its new line at the end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_for: tuple[object, int] | None = None
        self._text = bytearray()
        self._starts: Ints = np.zeros(0, np.int64)
        """Where each line begins."""
        self._keys: Ints = np.zeros(0, np.int64)

    def find(self, word: str) -> list[int] | None:
        """Keys of the sites with this word (without spaces) in one of the fields; None when they are very many, and in other processes."""
        if not COUNTERS.active:
            return None
        with self._lock:
            self._follow((COUNTERS.owner, version_number()))
            hits = [hit.start() for hit, _ in zip(re.finditer(re.escape(word.lower().encode()), self._text), range(4 * MOST), strict=False)]
            lines = np.unique(np.searchsorted(self._starts, np.array(hits, np.int64), side="right")) - 1
            return None if len(lines) > MOST or len(hits) == 4 * MOST else self._keys[lines].tolist()

    def _follow(self, wanted: tuple[object, int]) -> None:
        if self._read_for == wanted:
            return
        known = self._read_for
        edited = edits_between(known[1], wanted[1]) if known is not None and known[0] == wanted[0] else None
        if edited is None or len(edited) > MOST:
            self._text, self._starts, self._keys = bytearray(), np.zeros(0, np.int64), np.zeros(0, np.int64)
            self._add(Site.objects.order_by("pk").values_list(*FIELDS).iterator(chunk_size=20_000))
        else:
            self._strike(edited)
            for start in range(0, len(edited), FEW):
                self._add(Site.objects.filter(pk__in=edited[start : start + FEW]).order_by("pk").values_list(*FIELDS))
        self._read_for = wanted

    def _strike(self, keys: list[int]) -> None:
        """The lines of these sites are empty from now on."""
        ends = np.append(self._starts[1:], len(self._text))
        for line in np.flatnonzero(np.isin(self._keys, keys)).tolist():
            start, end = int(self._starts[line]), int(ends[line])
            self._text[start:end] = b"\n" * (end - start)

    def _add(self, rows: Iterable[tuple[int, str, str, str, str]]) -> None:
        keys: list[int] = []
        sizes: list[int] = []
        before = len(self._text)
        for key, *words in rows:
            line = ("\t".join(words) + "\n").lower().encode()
            self._text += line
            keys.append(key)
            sizes.append(len(line))
        starts = before + np.cumsum([0, *sizes], dtype=np.int64)[:-1]
        self._starts, self._keys = np.append(self._starts, starts), np.append(self._keys, np.array(keys, np.int64))


NAMES = Names()
"""The names of this process."""


def sites_named(word: str) -> list[int] | None:
    """Keys of the sites that have this word in name, code, initials or village; None when the rows must be asked."""
    return NAMES.find(word)
