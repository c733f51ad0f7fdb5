"""The sweep with its marks: who came back, who fell silent, and what this machine must own up to."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import zip_longest

from django.db import transaction

from yuanjiao.flow.nodes.models import Node, NodeKind
from yuanjiao.flow.nodes.queries import own_node, parent_ahead_s, parent_node
from yuanjiao.lib.checkpoints import checkpoints_beside
from yuanjiao.network.commands import changes_of, confirm_words, note_deafness, note_unknown, record_changes, set_mark
from yuanjiao.network.commands.moments import own_clock_was_set, whole
from yuanjiao.network.events import StateChanged
from yuanjiao.network.live import (
    LISTENER,
    STEP_S,
    Course,
    Gap,
    Listener,
    Transitions,
    Undated,
    boot_id,
    clock_was_set,
    deaf_after,
    ears_open,
    parents_time_moved,
    steady_s,
)
from yuanjiao.network.models import ListeningMark

log = logging.getLogger(__name__)
MARK_S = 10.0
SMALL = 50_000
"""A register up to this size is read again within the sweep; a larger one beside it."""
AT_ONCE = 20_000


def sweep(at: datetime, *, listener: Listener = LISTENER, steady: float | None = None) -> int:
    """One turn: own up to a pause of ours, keep the edges' words, journal who came back and who fell silent; returns how many.

    `steady` is a clock that nobody sets (seconds); without it the time that is passed in is believed.
    """
    now, own = at.timestamp(), own_node()
    begun = time.perf_counter()
    if not listener.started_at:
        _start(listener, own, now, steady)
    if _may_reload(listener) and listener.wants_reload(now) and len(listener.array.codes) <= SMALL:
        listener.reload(own, top=own.kind == NodeKind.CENTRE, now=now)
    leapt = _notice_step(listener, now, steady)
    _agree_with_parent(listener, at)
    if listener.charge is None:
        _own_up(listener, own, at, loading_s=time.perf_counter() - begun, leapt=leapt)
    confirm_words(words=listener.take_words(), at=at)
    found = _suspect(listener, _look(listener, now), at)
    if not _say(listener, found, at):
        return 0
    listener.swept_at = now
    if listener.charge is None and listener.undated is None and (now - listener.marked_at >= MARK_S or now < listener.marked_at):
        set_mark(observer=own.uid, at=at, steady=steady)
        listener.marked_at = now
    return len(found)


def _say(listener: Listener, found: Transitions, at: datetime) -> bool:
    """Journal what was found, or hold it while nobody knows the time. False when it is not ours to say any more."""
    if listener.undated is not None:
        if len(found):
            listener.undated.held.append(found)
            with listener.lock:
                listener.array.settle(found)
        return True
    for part, events in _told(found):
        if not listener.may_judge():
            return False
        record_changes(events=events, at=at)
        with listener.lock:
            listener.array.settle(part)
    return True


def _start(listener: Listener, own: Node, now: float, steady: float | None) -> None:
    """The process has just started. Whether our clock was set while it was not running is seen by the steady clock, if the machine ran;
    if it did not, only the parent can tell, and nothing is dated before it has."""
    listener.started_at, listener.started_steady = now, steady
    if steady is None or listener.charge is not None or not listener.asks_parent or parent_node() is None:
        return
    mark = ListeningMark.objects.filter(observer=own.uid).first()
    if mark is None or mark.steady_s is None or not mark.boot or mark.boot != boot_id() or steady < mark.steady_s:
        since = mark.at.timestamp() + parent_ahead_s() if mark is not None else 0.0
        listener.undated, listener.recalls = Undated(since, now), False
        return
    by = (now - mark.at.timestamp()) - (steady - mark.steady_s)
    if abs(by) >= STEP_S:
        log.warning("the wall clock was set by %.1f s while nothing ran here", by)
        listener.recalls = False
        with transaction.atomic():
            own_clock_was_set(by=by)
            set_mark(observer=own.uid, at=datetime.fromtimestamp(mark.at.timestamp() + by, UTC), steady=mark.steady_s)


def _may_reload(listener: Listener) -> bool:
    """What is held is not on record: until it is, rows say less than the array."""
    return listener.undated is None or not listener.loaded_at


def sweep_now(at: datetime) -> int:
    """The sweep of a running process: a set wall clock is noticed by the steady one."""
    return sweep(at, steady=steady_s())


def sweep_at_top(at: datetime) -> int:
    """The same where no parent is beaten, though there be one: nobody is waited for."""
    LISTENER.asks_parent = False
    return sweep_now(at)


def reload_register(at: datetime, *, listener: Listener = LISTENER) -> bool:
    """Read a large register again when it has changed, beside the sweep, which goes on with the old one; True when it was read."""
    now = at.timestamp()
    if len(listener.array.codes) <= SMALL or not _may_reload(listener) or not listener.wants_reload(now):
        return False
    own = own_node()
    listener.reload(own, top=own.kind == NodeKind.CENTRE, now=now)
    return True


def keep_snapshot(at: datetime, *, listener: Listener = LISTENER) -> None:
    """Keep on disk when everything was last heard, so that a restart knows."""
    del at
    listener.keep_snapshot()


def _look(listener: Listener, now: float) -> Transitions:
    begun = time.perf_counter()
    with listener.lock:
        array = listener.array
        array.flaps.roll(now)
        back, gone = array.look(now)
    listener.sweep_s = time.perf_counter() - begun
    return array.collect(back, gone, now)


def _told(found: Transitions) -> Iterator[tuple[Transitions, list[StateChanged]]]:
    """A storm is written in several transactions: others get their turn in between, and memory stays flat.

    What the journal is told of the next part is made by another thread while the database writes this one.
    """
    parts = [found.part(start, start + AT_ONCE) for start in range(0, len(found), AT_ONCE)]
    if not parts:
        return
    ahead_s = parent_ahead_s()
    with ThreadPoolExecutor(1) as beside, checkpoints_beside() if len(parts) > 1 else nullcontext():
        waiting = beside.submit(changes_of, parts[0], ahead_s=ahead_s)
        for part, following in zip_longest(parts, parts[1:]):
            events = waiting.result()
            if following is not None:
                waiting = beside.submit(changes_of, following, ahead_s=ahead_s)
            yield part, events


def _suspect(listener: Listener, found: Transitions, at: datetime) -> Transitions:
    """What may be told of what was found: when nobody at all is heard, silences are held until it is clear whose they are."""
    now, array = at.timestamp(), listener.array
    if not listener.brake.suspects(array, now):
        return found
    course, start, end = listener.brake.course(array, now, ears_open=ears_open(listener, now))
    if course is Course.TELL:
        return found
    if course is Course.DEAF:
        log.error("nobody was heard for %.0f s: it is taken for our own deafness", end - start)
        _note_gap(listener, Gap(start, end), at, listener.charged())
        with listener.lock:
            array.excuse(start, end)
        return found.part(0, 0)
    if listener.brake.deaf:
        with listener.lock:
            array.listening_since = now
    return found.without_downs()


def _notice_step(listener: Listener, now: float, steady: float | None) -> bool:
    """A wall clock that was set is not silence: what was heard moves with it. True when it leapt forward by so much that this machine may
    have slept: that is owned up to (below the top the dates go on by the parent's time all the same)."""
    by = now - listener.even(now, steady)
    leapt = by > deaf_after(listener.array)
    if abs(by) < STEP_S or (leapt and parent_node() is None):
        listener.paired = None if steady is None else (now, steady)
        return leapt
    log.warning("the wall clock was set by %.1f s", by)
    listener.stepped_s += by  # first: an answer that comes meanwhile is of before
    below = own_clock_was_set(by=by)
    with listener.lock:
        listener.paired = None if steady is None else (now, steady)
        clock_was_set(listener.array, by, swept_at=listener.swept_at, now=now, dated_above=below)
        if listener.undated is not None:
            listener.undated.move(by)
        if below:
            listener.swept_at, listener.started_at = listener.swept_at + by, listener.started_at + by
    if below:
        listener.ahead_s = parent_ahead_s()
    return leapt


def _agree_with_parent(listener: Listener, at: datetime) -> None:
    """What the parent's answers say of its time may differ from what they said before: what is told goes on from what was told."""
    ahead = parent_ahead_s()
    if listener.undated is not None:
        if listener.answered or listener.undated.waited(at.timestamp(), ahead):
            _date(listener, listener.undated, at)
        return
    if listener.ahead_s is not None and ahead != listener.ahead_s:
        with listener.lock:
            parents_time_moved(listener.array, ahead - listener.ahead_s)
    listener.ahead_s = ahead


def _date(listener: Listener, undated: Undated, at: datetime) -> None:
    """The parent has told the time: all that was held is dated by it and written, in order."""
    ahead = parent_ahead_s()
    with transaction.atomic():
        if undated.since:
            note_unknown(start=whole(undated.since), end=whole(undated.begun + ahead), at=at)
        for one in undated.held:
            if isinstance(one, Gap):
                note_unknown(start=whole(one.start + ahead), end=whole(one.end + ahead), at=at)
            else:
                record_changes(events=changes_of(one, ahead_s=ahead), at=at)
    listener.undated, listener.ahead_s = None, ahead


def _note_gap(listener: Listener, gap: Gap, at: datetime, edges: Sequence[str] = ()) -> None:
    """Nobody listened here for a while: said at once, or held while nobody knows the time."""
    if listener.undated is not None:
        listener.undated.held.append(gap)
    else:
        start, end = (datetime.fromtimestamp(moment, UTC) for moment in (gap.start, gap.end))
        note_deafness(start=start, at=end, edges=edges)


def _begin_undated(listener: Listener, undated: Undated, at: datetime, loading_s: float) -> None:
    """Nothing is known since the last mark, and nothing heard before counts; when that ended is told later."""
    begun = undated.begun + loading_s
    with listener.lock:
        array = listener.array
        array.forget(begun)
        array.since[array.since > 0] = begun
    undated.begun = begun
    if undated.since:
        note_unknown(start=whole(undated.since), end=whole(undated.since), at=at)


def _own_up(listener: Listener, own: Node, at: datetime, *, loading_s: float, leapt: bool) -> None:
    """Time since the last sweep (or, after a start, since the last mark) in which nobody listened is journalled as deaf.

    The array forgets first: beats that come while 700,000 rows are written are the first of the new time. A mark of the future: our
    clock was set back while nothing ran, and nobody knows for how long.
    """
    if listener.undated is not None and not listener.swept_at:
        _begin_undated(listener, listener.undated, at, loading_s)
        return
    now, last = at.timestamp(), listener.swept_at or _last_mark(own)
    busy = bool(listener.swept_at) and listener.listened_since(last, now)  # a storm takes long to write; the intake heard all the while
    deaf = leapt or (bool(last) and (now - last > deaf_after(listener.array) or (not listener.swept_at and now < last)) and not busy)
    with listener.lock:
        if deaf:
            listener.array.forget(now + loading_s)
            listener.brake.held_since = 0.0
        elif not listener.swept_at:
            listener.array.listening_since = now + loading_s
    if deaf:
        _note_gap(listener, Gap(last, max(now, last)), at)


def _last_mark(own: Node) -> float:
    at = ListeningMark.objects.filter(observer=own.uid).values_list("at", flat=True).first()
    return at.timestamp() if at else 0.0
