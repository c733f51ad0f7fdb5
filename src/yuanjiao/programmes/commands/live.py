"""Live programmes: announced, changed, cancelled, ended by hand (DLV11)."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction

from yuanjiao.courseware.queries import column_titles
from yuanjiao.lib.clock import CHINA, local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.seal import seal
from yuanjiao.people.commands import write_audit
from yuanjiao.people.queries import actor_of_person
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.places.rules import Level
from yuanjiao.programmes.models import LiveProgramme, LiveSignal, RecordingState
from yuanjiao.programmes.packaging import onair
from yuanjiao.programmes.queries.live import phase_of
from yuanjiao.programmes.queries.scopes import made_here
from yuanjiao.programmes.rules.live import LONGEST, Phase, against_signal

TITLE_CHARS, LEAD_CHARS = 40, 300


@transaction.atomic
def announce_live(
    *,
    title: str,
    unit: OrgUnit,
    starts_at: datetime,
    ends_at: datetime,
    signal: str,
    by: Actor,
    at: datetime,
    audience: str = "/",
    lead: str = "",
    column: UUID | None = None,
    recorder: UUID | None = None,
) -> LiveProgramme:
    """Announce a live programme for a subtree. `signal` is sealed and never shown again; `recorder` is the producer whose item the
    recording becomes, None for no recording. Refused below the top: whoever takes the signal in must be reached by all.
    """
    _check_here()
    by.require(Permission.MANAGE_COLUMNS, unit.division.path)
    if audience != "/":
        by.require(Permission.MANAGE_COLUMNS, audience)
    elif unit.division.level > Level.CITY:
        raise Refused("县区、乡镇的直播只面向本地")
    _check_words(title, lead)
    _check_times(starts_at, ends_at, at)
    _check_recording(column, recorder, at)
    _check_signal(signal)
    row = LiveProgramme.objects.create(
        title=title.strip(), lead=lead.strip(), unit=unit, audience=audience, starts_at=starts_at, ends_at=ends_at, column_uid=column,
        address=settings.PUBLIC_URL.rstrip("/"),
    )  # fmt: skip
    wanted = RecordingState.WANTED if recorder else RecordingState.NONE
    LiveSignal.objects.create(programme=row, recorder_uid=recorder, recording=wanted, **_sealed(signal))
    write_audit(by=by, action="安排现场直播", subject=f"直播 {row.title}", at=at, detail=_span(row))
    return row


@transaction.atomic
def change_live(
    *,
    live: LiveProgramme,
    title: str,
    lead: str,
    starts_at: datetime,
    ends_at: datetime,
    by: Actor,
    at: datetime,
    signal: str = "",
    column: UUID | None = None,
    recorder: UUID | None = None,
) -> None:
    """Change what is not over. An empty `signal` keeps the one it has; another is taken up at once. On air the start stands."""
    _check_here()
    by.require(Permission.MANAGE_COLUMNS, live.unit.division.path)
    row = LiveProgramme.objects.select_for_update().get(pk=live.pk)
    where = phase_of(row, at)
    if where not in {Phase.COMING, Phase.ON_AIR}:
        raise Conflict("这场直播已经结束或取消")
    if where == Phase.ON_AIR:
        starts_at = row.starts_at
    _check_words(title, lead)
    _check_times(starts_at, ends_at, at)
    # what stands already stands: who extends a programme need not know that its producer has left
    _check_recording(column if column != row.column_uid else None, recorder if recorder != row.signal.recorder_uid else None, at)
    if signal.strip():
        _check_signal(signal)
        LiveSignal.objects.filter(programme=row).update(due_at=None, failures=0, **_sealed(signal))
    row.title, row.lead, row.starts_at, row.ends_at, row.column_uid = title.strip(), lead.strip(), starts_at, ends_at, column
    row.save(update_fields=["title", "lead", "starts_at", "ends_at", "column_uid"])
    _change_recorder(row.signal, recorder)
    words = "，换了信号" if signal.strip() else ""
    write_audit(by=by, action="修改现场直播", subject=f"直播 {row.title}", at=at, detail=_span(row) + words)


def _change_recorder(signal: LiveSignal, recorder: UUID | None) -> None:
    """What a full disk stopped stays stopped; the recorder may still change. Who wants no recording any more may think again while the
    programme is on: what was recorded until then stays.
    """
    if signal.recording == RecordingState.WANTED and recorder is None:
        signal.recording = RecordingState.NONE
        signal.last_run, signal.last_segment = onair.newest(signal.programme.uid) or (None, None)
    elif signal.recording == RecordingState.NONE and recorder is not None:
        signal.recording, signal.last_run, signal.last_segment = RecordingState.WANTED, None, None
    signal.recorder_uid = recorder
    signal.save(update_fields=["recorder_uid", "recording", "last_run", "last_segment"])


@transaction.atomic
def cancel_live(*, live: LiveProgramme, by: Actor, at: datetime) -> None:
    """Cancel a programme that has not begun."""
    _check_here()
    by.require(Permission.MANAGE_COLUMNS, live.unit.division.path)
    if not LiveProgramme.objects.filter(pk=live.pk, cancelled_at=None, ended_at=None, starts_at__gt=at).update(cancelled_at=at):
        raise Conflict("直播已经开始、结束或取消")
    write_audit(by=by, action="取消现场直播", subject=f"直播 {live.title}", at=at)


@transaction.atomic
def end_live(*, live: LiveProgramme, by: Actor, at: datetime) -> None:
    """End a programme that is on air before its planned end."""
    _check_here()
    by.require(Permission.MANAGE_COLUMNS, live.unit.division.path)
    on_air = LiveProgramme.objects.filter(pk=live.pk, cancelled_at=None, ended_at=None, starts_at__lte=at, ends_at__gt=at)
    if not on_air.update(ended_at=at):
        raise Conflict("这场直播没有在播")
    write_audit(by=by, action="结束现场直播", subject=f"直播 {live.title}", at=at)


def waits_for_item(signal: LiveSignal) -> bool:
    """Whether the recording may still be handed to a producer: it is to become an item, or failed to and lies there yet."""
    if signal.recording == RecordingState.FAILED:
        return not signal.cleared and onair.newest(signal.programme.uid) is not None
    return not signal.cleared and signal.recording in {RecordingState.WANTED, RecordingState.STOPPED}


@transaction.atomic
def hand_recording(*, live: LiveProgramme, recorder: UUID, by: Actor, at: datetime) -> None:
    """Give the recording of a programme that is over to another producer, and try again to make an item of it, also of one that failed."""
    by.require(Permission.MANAGE_COLUMNS, live.unit.division.path)
    _check_recording(None, recorder, at)
    signal = LiveSignal.objects.select_for_update().filter(programme=live).first()
    if signal is None or not waits_for_item(signal):
        raise Conflict("没有等待制作的录像")
    if signal.recording == RecordingState.FAILED:
        signal.recording = RecordingState.WANTED if signal.last_run is None else RecordingState.STOPPED
    signal.recorder_uid, signal.recording_words, signal.due_at = recorder, "", None
    signal.save(update_fields=["recording", "recorder_uid", "recording_words", "due_at"])
    write_audit(by=by, action="转交直播录像", subject=f"直播 {live.title}", at=at)


def _check_here() -> None:
    """What is announced goes down: below the top there are copies, and a change of a copy would be undone."""
    if not made_here():
        raise Refused("现场直播在上级平台安排")


def _check_words(title: str, lead: str) -> None:
    if not title.strip() or len(title.strip()) > TITLE_CHARS or len(lead.strip()) > LEAD_CHARS:
        raise Refused(f"直播名称不能为空，最多 {TITLE_CHARS} 字；简介最多 {LEAD_CHARS} 字")


def _check_times(starts_at: datetime, ends_at: datetime, at: datetime) -> None:
    if ends_at <= starts_at or ends_at <= at:
        raise Refused("结束时间应晚于开始时间，并且在此刻之后")
    if ends_at - starts_at > LONGEST:
        raise Refused(f"一场直播最长 {LONGEST.total_seconds() / 3600:.0f} 小时，更长的请分场")


def _check_recording(column: UUID | None, recorder: UUID | None, at: datetime) -> None:
    if column is not None and not column_titles([column]):
        raise Refused("没有这个栏目")
    if recorder is not None and not actor_of_person(recorder, on=local_day(at)).holds(Permission.PRODUCE_COURSEWARE):
        raise Refused("录像要交给能制作课件的人")


def _check_signal(signal: str) -> None:
    if problem := against_signal(signal.strip()):
        raise Refused(problem)


def _sealed(signal: str) -> dict[str, object]:
    address = signal.strip()
    return {"address_sealed": seal(address, settings.SECRET_KEY), "host": (urlsplit(address).hostname or "")[:120]}


def _span(row: LiveProgramme) -> str:
    begins, ends = row.starts_at.astimezone(CHINA), row.ends_at.astimezone(CHINA)
    return f"{begins:%Y-%m-%d %H:%M} 至 {ends:%Y-%m-%d %H:%M}"
