"""Fetching many small blobs with one question (flow/blobs/pack.py), a few seconds' worth put into the store at a time.

What a broken line, a full disk or a death leaves undone is at most what came since the last putting away; the rest is here and stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yuanjiao.flow.blobs import pack, store
from yuanjiao.flow.blobs.fetch import GoOn, always
from yuanjiao.flow.blobs.pack_door import PATH
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import Unavailable

if TYPE_CHECKING:
    import httpx

PUT_AWAY_S = 2.0
"""How often what came is put into the store, in seconds."""


OLDER = frozenset({403, 404, 405})
"""Answers of a parent without this door: no such address, one that is only read, or a POST its guard against forged forms turns away."""


class NoPacks(Unavailable):
    """The parent gives no packs: an older version of it has no such door (`older`), or it does not believe us."""

    def __init__(self, status: int) -> None:
        super().__init__(f"上级节点不成包给文件（{status}）")
        self.older = status in OLDER


class Busy(Unavailable):
    """Too many others are being given packs: single blobs are to be had all the same."""


@dataclass
class Outcome:
    """What became of the blobs asked for; those in none of the lists were not spoken of: ask again. `finished`: a whole pack was read."""

    came: list[BlobRef] = field(default_factory=list)
    missing: list[BlobRef] = field(default_factory=list)
    wrong: list[BlobRef] = field(default_factory=list)
    finished: bool = False

    def __bool__(self) -> bool:
        return bool(self.came or self.missing or self.wrong)


def fetch_together(
    refs: Sequence[BlobRef], line: Line, outcome: Outcome, *, go_on: GoOn = always, put_away: Callable[[Sequence[BlobRef]], None]
) -> None:
    """Bring these blobs, at most `pack.MOST`; `outcome` says what came, also when this raises or `go_on` said no.

    `put_away` is told of blobs that are in the store now. Unavailable for a line that broke, NoPacks and Busy; DiskFull before anything is
    asked for, or when the disk filled up meanwhile.
    """
    store.make_room(sum(ref.size for ref in refs))
    basket = _Basket(outcome, put_away)
    try:
        with line.stream(PATH, pack.ask_for(refs), headers={"Accept-Encoding": "identity"}, signed=True) as response:
            _refuse(response)
            for told in pack.unpacked(_until_no(line.pieces(response), go_on), refs):
                basket.take(told)
        outcome.finished = True
    except _GaveWay:
        pass
    finally:
        basket.empty()


class _Basket:
    """What came and is not in the store yet."""

    def __init__(self, outcome: Outcome, put_away: Callable[[Sequence[BlobRef]], None]) -> None:
        self._outcome, self._put_away = outcome, put_away
        self._held: list[tuple[BlobRef, bytes]] = []
        self._emptied_at = time.monotonic()

    def take(self, told: pack.Told) -> None:
        if told.content is None:
            self._outcome.missing.append(told.ref)
        elif not told.genuine:
            self._outcome.wrong.append(told.ref)
        else:
            self._held.append((told.ref, told.content))
        if time.monotonic() - self._emptied_at >= PUT_AWAY_S:
            self.empty()

    def empty(self) -> None:
        held, self._held = self._held, []
        if held:
            store.put_many(held)
            came = [ref for ref, _ in held]
            self._outcome.came += came
            self._put_away(came)
        self._emptied_at = time.monotonic()


class _GaveWay(Exception):
    """`go_on` said no."""


def _until_no(pieces: Iterator[bytes], go_on: GoOn) -> Iterator[bytes]:
    for piece in pieces:
        yield piece  # before the question: what came with it is whole and stays
        if not go_on(len(piece)):
            raise _GaveWay


def _refuse(response: httpx.Response) -> None:
    if response.status_code == 429:
        raise Busy("上级节点正忙，暂不成包给文件")
    if response.status_code != 200:
        raise NoPacks(response.status_code)
