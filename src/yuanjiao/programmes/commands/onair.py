"""Keeping live programmes on the air, turn by turn, and making items of what was recorded (DLV11).

One process of one machine holds a programme, by a conditional update; it says so again before its time is over. All that is known of
a run lies on the disk or in the row, so that another process goes on behind it.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import Courseware, CoursewareClass, CoursewareSource
from yuanjiao.courseware.queries import column_titles, original_taken, own_draft
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.flow.blobs import store
from yuanjiao.lib.clock import CHINA, local_day
from yuanjiao.lib.errors import DiskFull, Refused, Unavailable, YuanjiaoError
from yuanjiao.lib.seal import unseal
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import actor_of_person
from yuanjiao.people.rules import SYSTEM, Actor, Permission
from yuanjiao.programmes.models import LiveProgramme, LiveSignal, RecordingState, SignalState
from yuanjiao.programmes.packaging import onair
from yuanjiao.programmes.packaging.onair import KEEPER, Air, Keeper
from yuanjiao.programmes.queries.live import phase_of
from yuanjiao.programmes.rules.live import PICTURE, Phase, pause_s

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=20)
FAILED_FOR = timedelta(days=7)
"""So long the segments of a recording that did not become an item are kept: it may be tried again by hand."""
RECORDING_LEASE = timedelta(minutes=15)
"""Renewed with each segment that is copied; what follows takes minutes for the longest programme."""
SEEN_AFTER = timedelta(minutes=10)
"""So long the end of a programme can still be seen by who joined late."""
STREAM_BYTES = 48 * 2**20
"""Room for what players are shown; below it nothing is taken in."""
RESERVE_BYTES = 128 * 2**20
"""More than this must stay beside a second copy of the recording, or it stops."""
LOOKED_AFTER_S = 10
S, R = SignalState, RecordingState


def keep_live(*, at: datetime, keeper: Keeper = KEEPER) -> int:
    """One turn, about once a second: start what is due, start again what died, end what is over. Returns how many are held here."""
    for row in LiveSignal.objects.filter(cleared=False).select_related("programme"):
        try:
            _turn(row, at, keeper)
        except (YuanjiaoError, OSError) as error:  # one that cannot be kept must not hold up the others
            log.warning("live programme %s: %s", row.programme.uid, error)
    return len(keeper.airs)


def _turn(row: LiveSignal, at: datetime, keeper: Keeper) -> None:
    where = phase_of(row.programme, at)
    if where != Phase.ON_AIR:
        if where != Phase.COMING or row.programme.uid in keeper.airs:
            _off_air(row, at, keeper)
    elif _mine(row, at, keeper):
        _on_air(row, at, keeper)
    else:
        keeper.drop(row.programme.uid)


def _mine(row: LiveSignal, at: datetime, keeper: Keeper, lease: timedelta = LEASE) -> bool:
    """Whether this process holds the programme; of several that come, one conditional update decides."""
    if row.runner == keeper.me and row.runner_until and row.runner_until - at > lease / 2:
        return True
    free = Q(runner=keeper.me) | Q(runner=None) | Q(runner_until__lt=at)
    if not LiveSignal.objects.filter(free, pk=row.pk).update(runner=keeper.me, runner_until=at + lease):
        return False
    row.runner, row.runner_until = keeper.me, at + lease
    return True


def _release(row: LiveSignal, keeper: Keeper) -> None:
    """Free for others at once, unless one of them has it already."""
    LiveSignal.objects.filter(pk=row.pk, runner=keeper.me).update(runner=None, runner_until=None)
    row.runner = row.runner_until = None


def leave_live(*, keeper: Keeper = KEEPER) -> None:
    """The process ends in order: its encoders end with it, and another may take over what it kept without waiting."""
    if keeper.airs:
        for uid in list(keeper.airs):
            keeper.drop(uid)
        LiveSignal.objects.filter(runner=keeper.me).update(runner=None, runner_until=None)


def _say(row: LiveSignal, **values: object) -> None:
    """Write what changed, and only that: a turn that brings nothing new writes nothing."""
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        LiveSignal.objects.filter(pk=row.pk).update(**changed)


# -- on air -----------------------------------------------------------------------------------------------------------------


def _on_air(row: LiveSignal, at: datetime, keeper: Keeper) -> None:
    uid = row.programme.uid
    air = keeper.airs.get(uid)
    if not _room(STREAM_BYTES):
        keeper.drop(uid)
        _say(row, state=S.FULL, words="磁盘空间不足，直播已停止；腾出空间后自动恢复", due_at=None)
        return
    if air is None:
        if row.due_at is None or row.due_at <= at:
            _start(row, at, keeper)
        return
    if air.grew(at):
        onair.publish(uid, over=False)
        _say(row, state=S.ON_AIR, words="", failures=0)
    if air.address != _address(row):
        keeper.drop(uid)
        _start(row, at, keeper)
    elif air.died or air.stalled(at):
        _again(row, air, at, keeper)
    elif (at - air.looked_at).total_seconds() >= LOOKED_AFTER_S:
        air.looked_at = at
        _look_after_disk(row)


def _start(row: LiveSignal, at: datetime, keeper: Keeper) -> None:
    uid = row.programme.uid
    number = max([row.runs, *onair.run_numbers(uid)]) + 1
    before = S.LOST if row.state in {S.ON_AIR, S.LOST, S.FULL} and onair.newest(uid) else S.OPENING
    _say(row, runs=number, state=before, due_at=None)
    keeper.start(uid, number, _address(row), at)


def _address(row: LiveSignal) -> str:
    return unseal(bytes(row.address_sealed), settings.SECRET_KEY)


def _again(row: LiveSignal, air: Air, at: datetime, keeper: Keeper) -> None:
    """The signal or the encoder is gone: start again, soon after a run that brought something, later and later otherwise."""
    keeper.drop(air.uid)
    words = air.words or ("没有信号" if air.died else "信号没有内容")
    failures = 0 if air.seen else row.failures + 1
    due = at if keeper.learn(air) else at + timedelta(seconds=pause_s(failures))
    state = S.LOST if onair.newest(air.uid) else S.OPENING
    _say(row, state=state, words=words, failures=failures, due_at=due)


def _room(size: int) -> bool:
    try:
        store.make_room(size)
    except DiskFull:
        return False
    return True


def _look_after_disk(row: LiveSignal) -> None:
    """The recording ends before the disk is full: its copy must find room too. Then what players have seen is removed."""
    live = row.programme.uid
    if row.recording == R.WANTED:
        size = sum(path.stat().st_size for path in onair.recording(live, None))
        if not _room(size + RESERVE_BYTES):
            run, segment = onair.newest(live) or (0, 0)
            _say(row, recording=R.STOPPED, last_run=run, last_segment=segment, recording_words="磁盘空间不足，录像提前停止，直播继续")
    mark = _mark(row)
    onair.clear_passed(live, recording=mark is not None or row.recording in {R.WANTED, R.STOPPED}, mark=mark)


def _mark(row: LiveSignal) -> onair.Mark:
    return None if row.last_run is None or row.last_segment is None else (row.last_run, row.last_segment)


# -- off air ----------------------------------------------------------------------------------------------------------------


def _off_air(row: LiveSignal, at: datetime, keeper: Keeper) -> None:
    """Let the encoder finish its segment, say that it is over, and remove what lies there when it is not needed any more."""
    live = row.programme
    air = keeper.airs.get(live.uid)
    if air is not None:
        if not air.end(at):
            return
        del keeper.airs[live.uid]
        keeper.lacking.pop(live.uid, None)
        _release(row, keeper)
    if live.cancelled_at is None and live.ended_at is None and at >= live.ends_at:
        if not LiveProgramme.objects.filter(pk=live.pk, ended_at=None, ends_at__lte=at).update(ended_at=at):
            return  # made longer, or ended by hand, since it was read: the next turn sees it
        live.ended_at = at
    if row.state != S.OVER:
        onair.publish(live.uid, over=True)
    _say(row, state=S.OVER, due_at=row.due_at if row.state == S.OVER else None)
    ended_at = live.cancelled_at or live.ended_at
    if ended_at is not None and at - ended_at >= SEEN_AFTER and not _waits(row, at - ended_at):
        onair.forget(live.uid)
        _say(row, cleared=True)


def _waits(row: LiveSignal, since: timedelta) -> bool:
    """Whether an item may still be made of what lies there, so long after the end."""
    if row.programme.cancelled_at is not None:
        return False
    kept = row.recording == R.FAILED and since < FAILED_FOR and onair.newest(row.programme.uid) is not None
    return kept or row.recording in {R.WANTED, R.STOPPED}


# -- the recording ----------------------------------------------------------------------------------------------------------


def make_recordings(*, at: datetime, keeper: Keeper = KEEPER) -> int:
    """Make items of the recordings of programmes that are over; returns how many. What cannot be done now is tried again later."""
    wanted = LiveSignal.objects.filter(cleared=False, state=S.OVER, recording__in=[R.WANTED, R.STOPPED], programme__cancelled_at=None)
    made = 0
    for row in wanted.exclude(due_at__gt=at).select_related("programme"):
        if row.programme.uid in keeper.airs or not _mine(row, at, keeper, RECORDING_LEASE):
            continue
        try:
            made += _make(row, at, keeper)
        except (YuanjiaoError, OSError) as error:  # a producer who left, a full disk: said, and tried again
            log.warning("recording of live programme %s: %s", row.programme.uid, error)
            words = error.message if isinstance(error, YuanjiaoError) else f"读写文件出错（{error.strerror or '未知'}），稍后自动再试"
            _say(row, recording_words=words[:300], due_at=at + timedelta(minutes=1))
        finally:
            _release(row, keeper)
    return made


def _make(row: LiveSignal, at: datetime, keeper: Keeper) -> bool:
    live = row.programme
    size = sum(path.stat().st_size for path in onair.recording(live.uid, _mark(row)))
    if not size:
        _say(row, recording=R.FAILED, recording_words="没有收到信号，没有录像")
        return False
    if row.recorder_uid is None:
        raise Refused("请选择把录像交给谁制作")
    by = actor_of_person(row.recorder_uid, on=local_day(at))
    if not _taken(live):
        by.require(Permission.PRODUCE_COURSEWARE)
        store.make_room(size)
        try:
            _take(row, by, at, keeper)
        except (onair.NotPutTogether, Refused) as error:
            _say(row, recording=R.FAILED, recording_words=f"录像没有成为课件：{error}"[:300])
            return False
    early = "；磁盘不足，录像提前停止" if row.recording == R.STOPPED else ""
    early += "；画面到来之前只有声音的一段没有编入" if onair.left_out(live.uid, _mark(row)) else ""
    _say(row, recording=R.TAKEN, recording_words=f"已交 {by.name} 制作，审核后发布{early}")
    return True


def _take(row: LiveSignal, by: Actor, at: datetime, keeper: Keeper) -> None:
    """Make the film first: a draft that has nothing in it helps nobody."""
    live, begun = row.programme, time.monotonic()

    def still() -> None:
        if not _mine(row, at + timedelta(seconds=time.monotonic() - begun), keeper, RECORDING_LEASE):
            raise Unavailable("另一个进程正在合成这段录像")

    film = Path(settings.MEDIA_ROOT) / "incoming" / f"live-{live.uid}.mp4"
    film.parent.mkdir(parents=True, exist_ok=True)
    try:
        onair.put_together(live.uid, _mark(row), film, still)
        draft = _draft(live, by, at, pictures=onair.recorded(live.uid, _mark(row)) == PICTURE)
        courseware.take_original(courseware=draft, path=film, filename=_filename(live), by=by, at=at)
    finally:
        film.unlink(missing_ok=True)


def _taken(live: LiveProgramme) -> bool:
    """Whether the item has our film already: who took it may have died before saying so. What its producer put into it is not ours."""
    return original_taken(live.item_uid).startswith(_origin(live))


def _draft(live: LiveProgramme, by: Actor, at: datetime, *, pictures: bool) -> Courseware:
    """The draft that was begun, while it is this producer's and still one; else a new one."""
    begun = own_draft(by, live.item_uid)
    if begun is not None:
        return begun
    kind = Kind.VIDEO if pictures else Kind.AUDIO
    with transaction.atomic():
        item = courseware.create_courseware(
            title=live.title, item_class=CoursewareClass.EDUCATION, source=CoursewareSource.OWN, summary=live.lead, kind=kind, by=by, at=at
        )
        LiveProgramme.objects.filter(pk=live.pk).update(item_uid=item.uid)
        live.item_uid = item.uid
        write_audit(by=SYSTEM, action="直播录像转为课件", subject=f"直播 {live.title}", at=at, detail=by.name)
    return item


def _origin(live: LiveProgramme) -> str:
    return f"直播录像{live.starts_at.astimezone(CHINA):%Y%m%d}"


def _filename(live: LiveProgramme) -> str:
    """What the steps of the item show: where it comes from and which column is meant for it."""
    columns = column_titles([live.column_uid]) if live.column_uid else {}
    meant = "".join(f"，拟编入“{title}”" for title in columns.values())
    return f"{_origin(live)}{meant}.mp4"
