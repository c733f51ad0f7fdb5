"""The queue of blobs: what the catalogue in force names and is not here yet, and the turns that fetch it.

1. The catalogue says what is wanted (`want`); rows switch at once, an item shows when its own blobs are whole (catalogue/shelf.py).
2. What is shown today comes first, then small before large: a broken line then still brings many.
3. A blob that cannot be had, or does not fit, holds up nothing but itself. A dead line ends the turn; another blob begins the next.
4. A blob under way gives room to one that is wanted sooner, and stops when it is wanted no more; its bytes stay.
5. Small blobs of one rank come together (together.py); a parent that gives no packs, or whose packs break, is asked for one by one.
6. Under a quota only what it has room for is fetched, at the cost of what is needed less (quota.py). That goes when the new one is here:
   a source that brings nothing costs nothing. Only a disk without room for both is cleared before.
7. The rest waits for the hours and the bytes that are allowed (allowance.py); what is shown today does not.
8. A folder of this machine comes before any line (folders.py), then siblings by invitation of the parent (neighbours.py), the parent last.
   What they bring is neither counted nor held. What a sibling is about to have, the rest waits for; what is shown today does not.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q, QuerySet, Sum

from yuanjiao.flow.blobs import folders, pack, quota, store
from yuanjiao.flow.blobs.allowance import Allowance, Hold, hold_at
from yuanjiao.flow.blobs.bucket import bucket, is_on
from yuanjiao.flow.blobs.fetch import NotThere, Running, fetch, part_path
from yuanjiao.flow.blobs.inviting import MOST_BLOBS
from yuanjiao.flow.blobs.lost import HERE_ONCE
from yuanjiao.flow.blobs.models import Blob, Rank, Wanted
from yuanjiao.flow.blobs.neighbours import SMALLEST, Found, Neighbours, neighbours
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.blobs.together import Busy, NoPacks, Outcome, fetch_together
from yuanjiao.flow.wire.client import Line, parent_line
from yuanjiao.lib.errors import DiskFull, Tampered, Unavailable, YuanjiaoError

BATCH = 500
LOOK_S = 1.0
"""How often a blob under way looks whether it is still the one to fetch, in seconds."""
LONGEST_PAUSE_S = 86_400.0
MOST_REFUSED = 20
"""So many blobs one after another that could not be had end a turn: an edge passes a catalogue on before it has the files itself."""

FOLDERS_AGAIN_S, LONGEST_COPYING_S = 60.0, 30.0
"""How often the folders are looked through for what is wanted, and how long one turn copies from them, in seconds."""
_looked_through: dict[str, float] = {}

PACKS_AGAIN = timedelta(minutes=10)
"""How long a parent that has no door for packs is not asked for one."""
_without_packs: WeakKeyDictionary[Line, datetime] = WeakKeyDictionary()


@dataclass(frozen=True)
class Waiting:
    """What this machine still waits for: how many blobs, how many bytes, since when, and the last trouble."""

    blobs: int
    size: int
    since: datetime | None
    problem: str


def here() -> set[str]:
    """The names of all whole blobs of this machine: one look into each of the 256 folders, and into the bucket where there is one."""
    root = Path(settings.HOME) / "blobs"
    found = (f"{path.parent.name}{path.name}" for path in root.glob("??/*"))
    names = {name for name in found if store.is_name(name)}
    return names | {name for name, _ in bucket().names()} if is_on() else names


def want(refs: Collection[BlobRef], *, version: int, at: datetime) -> set[str]:
    """The catalogue names exactly these blobs, and no version before `version` named the new ones; returns the names of those not here.

    Call it inside the catalogue's transaction. A blob that came is struck off by who fetched it (`fetch_wanted`), not here.
    """
    present, named = here(), {ref.sha256: ref for ref in refs}
    missing = named.keys() - present
    known = set(Wanted.objects.values_list("sha256", flat=True))
    for names in _batches(known - named.keys()):
        Wanted.objects.filter(sha256__in=names).delete()
    fresh = [named[name] for name in sorted(missing - known)]
    rows = [Wanted(sha256=ref.sha256, size=ref.size, media_type=ref.media_type, asked_at=at, asked_version=version) for ref in fresh]
    Wanted.objects.bulk_create(rows, batch_size=BATCH)
    Wanted.objects.filter(again=True).update(again=False)  # from here on the catalogue in force knows that they are missing
    return set(missing)


@transaction.atomic
def rank(names: Iterable[str], as_: Rank) -> None:
    """These, and no others, are wanted at this rank; what had it before is one of the rest again."""
    chosen = set(names)
    Wanted.objects.filter(rank=as_).update(rank=Rank.REST)
    for some in _batches(chosen):
        Wanted.objects.filter(sha256__in=some).update(rank=as_)


def whole_before() -> int | None:
    """Every catalogue below this version is here with all its blobs that the quota has room for; None when the newest is."""
    least: int | None = quota.counted().filter(asked_version__lt=HERE_ONCE).aggregate(least=Min("asked_version"))["least"]
    return least


def unconfirmed() -> int:
    """How many blobs the rooms still wait for: those not here, and those that came and were not struck off yet."""
    return Wanted.objects.filter(again=False).count()


def waiting() -> Waiting:
    """What the pages of this machine say of the queue. What is left out for lack of room is not waited for."""
    rows = quota.counted()
    sums = rows.aggregate(size=Sum("size"), since=Min("asked_at"))
    trouble = rows.exclude(problem="").order_by("rank", "-failures").values_list("problem", flat=True).first()
    return Waiting(rows.count(), sums["size"] or 0, sums["since"], trouble or "")


def held(at: datetime) -> Hold | None:
    """What the rest of the queue waits for besides its turn; None when there is no such rest, or it may come."""
    return hold_at(at) if quota.counted().filter(rank__gte=Rank.REST).exists() else None


def fetch_wanted(at: datetime, *, line: Line | None = None, now: Callable[[], datetime] | None = None) -> int:
    """The job: fetch what is wanted until nothing is left that may be tried now; returns how many came whole.

    Unavailable when the line is dead, DiskFull when nothing that was tried fits: the rest waits for the next turn.
    """
    begun = time.monotonic()
    fetching = _Fetching(line, now or (lambda: at + timedelta(seconds=time.monotonic() - begun)))
    try:
        return fetching.run()
    finally:
        fetching.close()


class _Fetching:
    """One turn of the job. `refused`: so many could not be had, one after another. `singly`: no packs for the rest of this turn."""

    def __init__(self, line: Line | None, moment: Callable[[], datetime]) -> None:
        self._line, self._moment = line, moment
        self.allowance = Allowance(moment())
        self._came = self._refused = 0
        self._full: DiskFull | None = None
        self._singly = False
        self._neighbours: Neighbours | None = None

    def close(self) -> None:
        self.allowance.keep()
        if self._neighbours is not None:
            self._neighbours.close()

    def run(self) -> int:
        self._from_folders()
        self._introduce()
        while self._refused < MOST_REFUSED and (row := self._next()) is not None:
            self._line = self._line or parent_line()
            small = self._small_with(row)
            if len(small) > 1:
                self._together(small, self._line)
            else:
                self._alone(row, self._line)
        self._while_held()
        if self._full is not None:
            raise self._full
        return self._came

    def _next(self) -> Wanted | None:
        return _in_turn(self._moment(), self.allowance).first()

    def _from_folders(self) -> None:
        """What lies in a folder of this machine, the sooner first; a stick may hold more than fits into one turn."""
        begun, where = time.monotonic(), folders.folders()
        if not where or begun < _looked_through.get(str(settings.HOME), 0.0):
            return
        for row in quota.wanted_here().order_by("rank", "size", "sha256"):
            if time.monotonic() - begun > LONGEST_COPYING_S:
                return
            try:
                if folders.holds(_ref(row), where):
                    self._prove_room([row])
                    self._take_from(where, row)
            except DiskFull as error:
                self._full = error
        _looked_through[str(settings.HOME)] = begun + FOLDERS_AGAIN_S

    def _take_from(self, where: list[Path], row: Wanted) -> None:
        if folders.take(_ref(row), where):
            self._are_here([_ref(row)])

    def _siblings(self, line: Line) -> Neighbours | None:
        if self._neighbours is None:
            self._neighbours = neighbours(line)
        return self._neighbours

    def _introduce(self) -> None:
        """Once a day, also when nothing is wanted."""
        if settings.SHARE_URL and (self._line is not None or settings.PARENT):
            self._line = self._line or parent_line()
            if (siblings := self._siblings(self._line)) is not None:
                siblings.introduce()

    def _while_held(self) -> None:
        """What has to wait for its hours or bytes may come from siblings: that costs no line."""
        rows = _ready(self._moment()).filter(rank__gte=Rank.REST, size__gte=SMALLEST)
        if self.allowance.hold(self._moment()) is None or not rows.exists():
            return
        self._line = self._line or parent_line()
        siblings = self._siblings(self._line)
        while siblings is not None and siblings.is_time_while_held() and self._some_at_siblings(siblings, rows[:MOST_BLOBS]):
            siblings.came_while_held()

    def _some_at_siblings(self, siblings: Neighbours, rows: QuerySet[Wanted]) -> bool:
        """Whether any of these came, and nothing is wanted sooner."""
        of, before = {row.sha256: row for row in rows}, self._came
        refs = [_ref(row) for row in of.values()]
        try:
            for ref, found in siblings.bring_while_held(refs, lambda ref: self._turn_at_siblings(of[ref.sha256])):
                if found is Found.GAVE_WAY:
                    return False
                if found is Found.CAME:
                    self._are_here([ref])
        except DiskFull as error:
            self._full = error
            return False
        return self._came > before

    def _turn_at_siblings(self, row: Wanted) -> _Turn:
        self._prove_room([row])
        return _Turn([row], self._moment, self.allowance, costs=False)

    def _alone(self, row: Wanted, line: Line) -> None:
        running, siblings = Running(), self._siblings(line)
        try:
            found = self._at_siblings(row, siblings, running) if siblings is not None else Found.NOT_THERE
            came = found is Found.CAME
            if found is Found.NOT_THERE:
                came = self._from_parent(row, line, siblings, running)
        except (NotThere, Tampered, DiskFull) as error:  # its own trouble: the next one may do better
            self._note_failure([row], error)
        except Unavailable as error:
            self._note_failure([row], error)
            raise
        else:
            self._refused = 0
            if came:
                self._are_here([_ref(row)])

    def _prove_room(self, rows: Sequence[Wanted]) -> None:
        """DiskFull when these do not fit into the quota, whatever else goes. Nothing goes yet, unless the disk has no room for both."""
        if not settings.BLOB_QUOTA:
            return
        size = sum(row.size for row in rows if not store.has(row.sha256))
        may_go = Blob.objects.filter(Q(spare__gt=0) | Q(listed=False, unreferenced_at__isnull=False)).aggregate(size=Sum("size"))["size"]
        if size and not quota.fits(size - (may_go or 0)):
            raise DiskFull(f"超出课件限额（{settings.BLOB_QUOTA // 2**20} 兆字节），其余都是指定保留或近日要用的")
        try:
            store.make_room(size)
        except DiskFull:
            quota.make_room(size, at=self._moment())

    def _are_here(self, refs: Sequence[BlobRef]) -> None:
        """These came: they are wanted no more, and what is needed less goes for them."""
        self._strike_off(refs)
        quota.make_room(0, at=self._moment())

    def _at_siblings(self, row: Wanted, siblings: Neighbours, running: Running) -> Found:
        """What became of it there. One that a sibling is about to have is left alone for a while, unless it is for today."""
        found = siblings.bring(_ref(row), running, self._turn_at_siblings(row), today=row.rank < Rank.REST)
        if found is not Found.WAIT:
            return found
        if row.rank < Rank.REST:
            return Found.NOT_THERE
        row.retry_at = self._moment() + timedelta(seconds=random.uniform(0.5, 1.0) * siblings.wait_s(_ref(row)))
        Wanted.objects.filter(pk=row.pk).update(retry_at=row.retry_at)
        return found

    def _from_parent(self, row: Wanted, line: Line, siblings: Neighbours | None, running: Running) -> bool:
        self._prove_room([row])
        ref, turn = _ref(row), _Turn([row], self._moment, self.allowance)
        try:
            return fetch(ref, line, go_on=siblings.saying_so(ref, turn) if siblings is not None else turn, running=running)
        finally:
            if siblings is not None:
                siblings.judge(running)

    def _small_with(self, row: Wanted) -> list[Wanted]:
        """The blobs to ask for with this one, itself first: small ones of its rank, as many as go into one pack and the bytes allowed.

        What a pack does not bring whole is lost; by itself a blob goes on at its byte, and one that is begun comes so.
        """
        if row.size > pack.LARGEST or self._singly or self._is_without_packs() or part_path(_ref(row)).exists():
            return []
        found = _in_turn(self._moment(), self.allowance).filter(rank=row.rank, size__lte=pack.LARGEST)[: pack.MOST]
        left = self.allowance.left(self._moment()) if row.rank >= Rank.REST else None
        most = pack.MOST_BYTES if left is None else min(left, pack.MOST_BYTES)
        costs = accumulate(one.size + pack.OVERHEAD * (left is not None) for one in found)
        return [one for one, cost in zip(found, costs, strict=True) if cost <= most]

    def _is_without_packs(self) -> bool:
        since = _without_packs.get(self._line) if self._line is not None else None
        return since is not None and abs(self._moment() - since) < PACKS_AGAIN

    def _together(self, rows: list[Wanted], line: Line) -> None:
        outcome = Outcome()
        go_on = _Turn(rows, self._moment, self.allowance)
        try:
            self._prove_room(rows)
            fetch_together([_ref(row) for row in rows], line, outcome, go_on=go_on, put_away=self._are_here)
        except NoPacks as error:
            self._singly = True
            if error.older:
                _without_packs[line] = self._moment()
        except (Busy, DiskFull):
            self._singly = True  # one by one: that takes no place in the parent's crowd of packs, and a smaller one may fit
        except Unavailable:
            self._singly = not outcome  # not one came whole: a blob by itself goes on at its byte
        else:
            self._singly = outcome.finished and not outcome  # a pack that speaks of nothing would be asked for without end
        of = {row.sha256: row for row in rows}
        self._note_failure([of[ref.sha256] for ref in outcome.missing], NotThere("上级节点还没有文件"))
        self._note_failure([of[ref.sha256] for ref in outcome.wrong], Tampered("文件的内容与目录所列的摘要不符"))
        if outcome.came:
            self._refused = 0

    @transaction.atomic
    def _strike_off(self, refs: Sequence[BlobRef]) -> None:
        """These are here. What was let go of while its last bytes came goes to the sweep: nobody else will see it."""
        self._came += len(refs)
        for names in _batches([ref.sha256 for ref in refs]):
            rows = Wanted.objects.filter(sha256__in=names)
            let_go = set(names) - set(rows.values_list("sha256", flat=True))
            rows.delete()
            Blob.objects.filter(sha256__in=let_go).update(listed=False, unreferenced_at=self._moment())

    @transaction.atomic
    def _note_failure(self, rows: list[Wanted], error: YuanjiaoError) -> None:
        """When to try these again, by chance in the later half of a pause. Only trouble of its own makes a blob's next pause longer."""
        own, at = isinstance(error, NotThere | Tampered), self._moment()
        if own or isinstance(error, DiskFull):
            self._refused += len(rows)
        self._full = error if isinstance(error, DiskFull) else self._full
        for row in rows:
            row.retry_at = at + timedelta(seconds=random.uniform(0.5, 1.0) * _longest_pause_s(row, error))
            row.failures, row.problem = row.failures + own, error.message[:300]
        Wanted.objects.bulk_update(rows, ["retry_at", "failures", "problem"], batch_size=100)


def _ref(row: Wanted) -> BlobRef:
    return BlobRef(row.sha256, row.size, row.media_type)


def _in_turn(at: datetime, allowance: Allowance) -> QuerySet[Wanted]:
    """What may be tried now, in its order: of the rest nothing while that has to wait.

    A moment further off than any pause was told by a clock that has been set back since: it holds nothing up.
    """
    rows = _ready(at)
    return rows.filter(rank__lt=Rank.REST) if allowance.hold(at) else rows


def _ready(at: datetime) -> QuerySet[Wanted]:
    """The same, whatever has to wait for hours and bytes."""
    longest = at + timedelta(seconds=LONGEST_PAUSE_S)
    ready = Q(retry_at=None) | Q(retry_at__lte=at) | Q(retry_at__gt=longest)
    return quota.wanted_here().filter(ready).order_by("rank", "size", "sha256")


class _Turn:
    """Asked between pieces whether to go on with blobs of one rank: not when they are wanted no more or must wait, or others sooner.

    `costs`: whether these bytes are counted, and the rest waits for hours and bytes.
    """

    def __init__(self, rows: Sequence[Wanted], moment: Callable[[], datetime], allowance: Allowance, *, costs: bool = True) -> None:
        self._last = [row.pk for row in rows[-BATCH:]]
        self._rank: int = rows[0].rank
        self._moment, self._allowance, self._costs = moment, allowance, costs
        self._looked_at = time.monotonic()

    def __call__(self, size: int) -> bool:
        at = self._moment()
        if self._costs:
            self._allowance.spend(size, at)
        if time.monotonic() - self._looked_at >= LOOK_S and not self._is_next(at):
            return False
        return not self._costs or self._rank < Rank.REST or self._allowance.hold(at) is None

    def _is_next(self, at: datetime) -> bool:
        """Whether they are wanted and nothing is sooner; their rank may be another by now, as of a film taken off today's list."""
        self._looked_at = time.monotonic()
        self._allowance.keep()
        ranks = quota.wanted_here().filter(pk__in=self._last).values_list("rank", flat=True)
        found = max(ranks, default=None)  # of a pack the last: those before may be here
        if found is None:
            return False
        self._rank = found
        return not _in_turn(at, self._allowance).filter(rank__lt=found).exists()


def _longest_pause_s(row: Wanted, error: YuanjiaoError) -> float:
    """Seconds: short and growing for what the parent has not got, long for wrong bytes, which cost a whole film each time."""
    doubled = 2.0 ** min(row.failures, 20)
    if isinstance(error, NotThere):
        return min(600.0, 5.0 * doubled)
    return min(LONGEST_PAUSE_S, 600.0 * doubled) if isinstance(error, Tampered) else 60.0


def _batches(names: Collection[str]) -> Iterable[list[str]]:
    ordered = sorted(names)  # SQLite takes so many parameters at once
    return [ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH)]
