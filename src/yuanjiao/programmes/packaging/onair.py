"""Live programmes on the disk and in the encoder's process: HOME/live/<uid>/<run>/, segments and lists as ffmpeg writes them (DLV11).

A list names only finished segments and appears by one rename. What players are told is put together from the lists whenever one grew,
so nothing is lost with a process: whoever takes a programme over begins the next run behind what lies there.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

import imageio_ffmpeg
from django.conf import settings

from yuanjiao.flow.blobs import store
from yuanjiao.lib.bound import bound
from yuanjiao.lib.errors import NotFound, Unavailable
from yuanjiao.lib.uid import new_uid
from yuanjiao.programmes.rules import live
from yuanjiao.programmes.rules.live import PICTURE, RENDITIONS, SOUND, Part, Run

KEPT_S = 90.0
"""Segments that left the playlist stay so long for players that are behind."""
SOUND_ALONE = 3
"""So many segments of sound come before a signal is taken to have no pictures: encoding pictures takes longer than encoding sound."""
TAIL_BYTES = 4096
LARGEST_SEGMENT = 8 * 2**20
LARGEST_WORDS = 2**18
PATIENCE_S = 5.0
"""An encoder that is told to end may finish its segment; then it is killed."""
STALLED_S, OPENING_S = 10.0, 20.0
"""So long may a signal bring nothing new, and so long may the first segment take."""
PASSING = {255, *(256 - number for number in (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EIO))}
"""What ffmpeg answers when it was told to end, or when the machine had no room: the next time may go well."""
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.I)


def home(uid: UUID) -> Path:
    """The folder of one programme."""
    return Path(settings.HOME) / "live" / uid.hex


# -- what lies there --------------------------------------------------------------------------------------------------------


def run_numbers(uid: UUID) -> list[int]:
    """The runs that have a folder, in order."""
    with suppress(FileNotFoundError):
        return sorted(int(path.name) for path in home(uid).iterdir() if path.name.isdecimal())
    return []


def parts(uid: UUID, run: int, rendition: str, *, newest: bool = False) -> list[Part]:
    """The finished segments of a run; with `newest` only those that a playlist may need, however long the list is."""
    try:
        with open(home(uid) / str(run) / f"{rendition}.m3u8", "rb") as file:
            if newest:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            return live.parts_of(file.read().decode(errors="replace"))
    except FileNotFoundError:
        return []


def count(uid: UUID, run: int) -> int:
    """How many segments a run has finished."""
    return max((found[-1].number + 1 for one in RENDITIONS if (found := parts(uid, run, one, newest=True))), default=0)


@dataclass(frozen=True)
class Before:
    """What lay there when a run began: seconds of programme; for each rendition the segments and the runs that brought any."""

    seconds: float = 0.0
    segments: dict[str, int] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)


def _before(uid: UUID, run: int) -> Before:
    """As it was written when the run began; where that cannot be read it is worked out again from the run before."""
    with suppress(OSError, ValueError, TypeError):
        return Before(**json.loads((home(uid) / str(run) / "before.json").read_text()))
    earlier = [number for number in run_numbers(uid) if number < run]
    return _after(uid, earlier[-1]) if earlier else Before()


def _behind(uid: UUID) -> Before:
    """What lies there now, as the next run finds it."""
    numbers = run_numbers(uid)
    return _after(uid, numbers[-1]) if numbers else Before()


def _after(uid: UUID, run: int) -> Before:
    last = _before(uid, run)
    found = {one: parts(uid, run, one) for one in RENDITIONS}
    return Before(
        last.seconds + max(sum(part.duration_s for part in some) for some in found.values()),
        {one: last.segments.get(one, 0) + (some[-1].number + 1 if some else 0) for one, some in found.items()},
        {one: last.runs.get(one, 0) + bool(some) for one, some in found.items()},
    )


def _newest_parts(uid: UUID, rendition: str) -> list[tuple[int, list[Part]]]:
    """Runs and their newest segments, the oldest run first, as far back as a playlist looks."""
    found: list[tuple[int, list[Part]]] = []
    for number in reversed(run_numbers(uid)):
        if some := parts(uid, number, rendition, newest=True):
            found.insert(0, (number, some))
        if sum(len(some) for _, some in found) >= live.WINDOW:
            break
    return found


def _laid(uid: UUID, run: int, before: Before) -> Path:
    """The folder of a new run. It counts once it has its name, and then what lay before it is on the disk: numbers never fall back."""
    made, folder = home(uid) / f"{run}.new", home(uid) / str(run)
    made.mkdir(parents=True, exist_ok=True)
    with open(made / "before.json", "w") as file:
        file.write(json.dumps(vars(before)))
        file.flush()
        os.fsync(file.fileno())
    made.rename(folder)
    store.sync_folder(home(uid))
    return folder


def _named(uid: UUID) -> set[tuple[str, int, int]]:
    """Rendition, run and number of every segment that a playlist names now."""
    found: set[tuple[str, int, int]] = set()
    for rendition in RENDITIONS:
        every = [(rendition, run, part.number) for run, some in _newest_parts(uid, rendition) for part in some]
        found.update(every[-live.WINDOW :])
    return found


def playlist(uid: UUID, rendition: str, *, over: bool) -> str:
    """The media playlist as it stands; NotFound while there is nothing."""
    if rendition not in RENDITIONS:
        raise NotFound("没有这个播放列表")
    found = [(number, some, _before(uid, number)) for number, some in _newest_parts(uid, rendition)]
    runs = [Run(number, tuple(some), last.segments.get(rendition, 0), last.runs.get(rendition, 0)) for number, some, last in found]
    text = live.playlist(runs, rendition, over=over)
    if not text:
        raise NotFound("直播还没有开始，或信号还没有到")
    return text


def master(uid: UUID) -> str:
    """The master playlist: what the newest run that brought anything has. Players that find sound alone there stay with it: a run without
    pictures counts once its pictures should have come."""
    for number in reversed(run_numbers(uid)):
        pictures, sound = (parts(uid, number, rendition, newest=True) for rendition in (PICTURE, SOUND))
        if pictures or len(sound) >= SOUND_ALONE:
            return live.master(pictures=bool(pictures), sound=bool(sound))
    raise NotFound("直播还没有开始，或信号还没有到")


def publish(uid: UUID, *, over: bool) -> None:
    """Lay down what players are told as things stand: they ask for it every two seconds, by the hundred. Each list by one rename."""
    with suppress(NotFound):
        _put(uid, "master", master(uid))
    for rendition in RENDITIONS:
        with suppress(NotFound):
            _put(uid, rendition, playlist(uid, rendition, over=over))


def _put(uid: UUID, name: str, text: str) -> None:
    made = home(uid) / f"{name}.part"
    made.write_text(text)
    made.replace(home(uid) / f"{name}.m3u8")


def published(uid: UUID, name: str) -> bytes:
    """A playlist as it was last laid down; NotFound for anything else."""
    if name in {"master", *RENDITIONS}:
        with suppress(FileNotFoundError):
            return (home(uid) / f"{name}.m3u8").read_bytes()
    raise NotFound("直播还没有开始，或信号还没有到")


def segment(uid: UUID, run: int, name: str) -> Path:
    """The file of one segment by the name a playlist gave it; NotFound for anything else."""
    if not live.NAME.fullmatch(name):
        raise NotFound("没有这个分段")
    path = home(uid) / str(run) / name
    with suppress(FileNotFoundError):
        if path.stat().st_size <= LARGEST_SEGMENT:
            return path
    raise NotFound("这个分段已经过去")


# -- the recording ----------------------------------------------------------------------------------------------------------

Mark = tuple[int, int] | None
"""Run and segment with which a recording stopped; None while it goes on."""


def _kept(uid: UUID, run: int) -> str:
    """The rendition of a run that is recorded: its pictures with their sound, or its sound when it has no pictures."""
    return PICTURE if (home(uid) / str(run) / f"{PICTURE}.m3u8").exists() else SOUND


def _runs_recorded(uid: UUID, mark: Mark) -> list[tuple[int, str]]:
    return [(run, _kept(uid, run)) for run in run_numbers(uid) if mark is None or run <= mark[0]]


def recorded(uid: UUID, mark: Mark) -> str:
    """What the recording is: PICTURE when any of it has pictures, else SOUND."""
    return PICTURE if any(one == PICTURE for _, one in _runs_recorded(uid, mark)) else SOUND


def _begins(uid: UUID, mark: Mark) -> int:
    """The first run of the film: of one with pictures the first that has some, for what is not there at its beginning never comes in."""
    wanted = recorded(uid, mark)
    return next((run for run, one in _runs_recorded(uid, mark) if one == wanted), 0)


def left_out(uid: UUID, mark: Mark) -> bool:
    """Whether sound that came before the first pictures is not in the film."""
    first = _begins(uid, mark)
    return any(parts(uid, run, one, newest=True) for run, one in _runs_recorded(uid, mark) if run < first)


def recording(uid: UUID, mark: Mark) -> Iterator[Path]:
    """The segments of the film in order, as far as they are there."""
    first = _begins(uid, mark)
    for run, rendition in _runs_recorded(uid, mark):
        for part in parts(uid, run, rendition) if run >= first else ():
            path = home(uid) / str(run) / f"{rendition}-{part.number:06d}.ts"
            if (mark is None or (run, part.number) <= mark) and path.is_file():
                yield path


def newest(uid: UUID) -> Mark:
    """The last segment of the recording as it stands now; None before anything came."""
    for run in reversed(run_numbers(uid)):
        if found := parts(uid, run, _kept(uid, run), newest=True):
            return run, found[-1].number
    return None


def clear_passed(uid: UUID, *, recording: bool, mark: Mark) -> None:
    """Remove segments that left the playlist long ago, except those of the recording. After an outage a playlist reaches far back."""
    kept_of, named = {run: _kept(uid, run) for run in run_numbers(uid)}, _named(uid)
    files = [(path, path.stat().st_mtime) for run in run_numbers(uid) for path in (home(uid) / str(run)).glob("*.ts")]
    last = max((at for _, at in files), default=0.0)
    for path, at in files:
        name = live.NAME.fullmatch(path.name)
        place = (int(path.parent.name), int(name[2])) if name else (0, 0)
        kept = recording and name is not None and name[1] == kept_of.get(place[0]) and (mark is None or place <= mark)
        if not kept and last - at > KEPT_S and not (name and (name[1], *place) in named):
            path.unlink(missing_ok=True)


def forget(uid: UUID) -> None:
    """Remove all that lies there."""
    shutil.rmtree(home(uid), ignore_errors=True)


class NotPutTogether(Exception):
    """ffmpeg could make no film of what was recorded; the message is its last words."""


def put_together(uid: UUID, mark: Mark, target: Path, still: Callable[[], object] = bool) -> None:
    """Copy the recorded segments into one MP4, as far as they can be read. All lie on one line of time.

    `still` is called before each segment and may raise. Unavailable when it was broken off from outside, NotPutTogether when the segments
    are to blame.
    """
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-hide_banner", "-nostats", "-loglevel", "error", "-protocol_whitelist", "pipe,file"]
    command += ["-f", "mpegts", "-i", "pipe:0", "-map", "0", "-c", "copy", "-map_metadata", "-1", "-movflags", "+faststart"]
    words = home(uid) / "recording.txt"
    with (
        open(words, "wb") as said,
        subprocess.Popen(bound([*command, "-f", "mp4", str(target)]), stdin=subprocess.PIPE, stderr=said) as process,
    ):
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            for path in recording(uid, mark):
                still()
                process.stdin.write(path.read_bytes())
        with suppress(BrokenPipeError):
            process.stdin.close()
    if process.returncode or not target.is_file():
        target.unlink(missing_ok=True)
        if process.returncode < 0 or process.returncode in PASSING:  # killed, stopped with us, or out of room
            raise Unavailable("合成录像时被打断，稍后自动再试")
        raise NotPutTogether(_last_words(words))


# -- the process ------------------------------------------------------------------------------------------------------------


@dataclass
class Air:
    """One run: its process, what it brought so far, and when that last grew."""

    uid: UUID
    run: int
    address: str
    process: subprocess.Popen[bytes]
    grown_at: datetime
    looked_at: datetime
    seen: int = 0
    ending_at: datetime | None = None

    @property
    def words(self) -> str:
        return _last_words(self._said, live.secrets(self.address))

    @property
    def _said(self) -> Path:
        return home(self.uid) / str(self.run) / "words.txt"

    def lacking(self) -> str:
        """Which streams it found missing before it brought anything."""
        return "" if self.seen else live.lacking(_end_of(self._said))

    @property
    def died(self) -> bool:
        return self.process.poll() is not None

    def grew(self, at: datetime) -> bool:
        """Whether segments came since it was last asked."""
        _shorten(self._said)
        now = count(self.uid, self.run)
        if now <= self.seen:
            return False
        self.seen, self.grown_at = now, at
        return True

    def stalled(self, at: datetime) -> bool:
        return (at - self.grown_at).total_seconds() > (STALLED_S if self.seen else OPENING_S)

    def end(self, at: datetime) -> bool:
        """Tell it to end, later with force; True once it has."""
        if self.died:
            return True
        if self.ending_at is None:
            self.ending_at = at
            self.process.terminate()
        elif (at - self.ending_at).total_seconds() > PATIENCE_S:
            self.kill()
        return self.died

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Keeper:
    """The runs of this process. `me` is the name under which it holds programmes; streams a signal lacks are remembered here."""

    def __init__(self) -> None:
        self.me = new_uid()
        self.airs: dict[UUID, Air] = {}
        self.lacking: dict[UUID, str] = {}

    def start(self, uid: UUID, run: int, address: str, at: datetime) -> Air:
        """Begin a run behind what lies there."""
        before = _behind(uid)
        folder = _laid(uid, run, before)
        lacking = self.lacking.get(uid, "")
        told = live.encoder_arguments(address, offset_s=before.seconds, pictures="v" not in lacking, sound="a" not in lacking)
        with open(folder / "words.txt", "ab") as said:
            process = subprocess.Popen(
                bound([imageio_ffmpeg.get_ffmpeg_exe(), *told]), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=said, env={"PATH": os.environ.get("PATH", "")},
            )  # fmt: skip  # no proxies of the environment
        self.airs[uid] = air = Air(uid, run, address, process, at, at)
        return air

    def drop(self, uid: UUID) -> None:
        """End a run at once."""
        air = self.airs.pop(uid, None)
        if air is not None:
            air.kill()

    def learn(self, air: Air) -> bool:
        """Whether the run ended because the signal has no pictures or no sound: the next does without. One must be there."""
        found = air.lacking()
        if not found or self.lacking.get(air.uid):
            self.lacking.pop(air.uid, None)
            return False
        self.lacking[air.uid] = found
        return True


KEEPER = Keeper()


def _end_of(path: Path) -> str:
    try:
        return path.read_bytes()[-TAIL_BYTES:].decode(errors="replace")
    except FileNotFoundError:
        return ""


def _last_words(path: Path, secrets: Sequence[str] = ()) -> str:
    """The end of what ffmpeg said, without addresses and without `secrets`, the longest first: they may hold a key."""
    words = ADDRESS.sub("…", "；".join(_end_of(path).strip().splitlines()[-2:]))
    for one in secrets:
        words = words.replace(one, "…")
    return words[:200]


def _shorten(path: Path) -> None:
    """A broken signal is complained of for ever."""
    with suppress(FileNotFoundError):
        if path.stat().st_size > LARGEST_WORDS:
            os.truncate(path, 0)
