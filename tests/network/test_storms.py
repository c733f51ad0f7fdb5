"""What makes a storm quick must not change what it says: parts made beside one another, codes told as JSON, beginnings by their hour."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from tests.network.listening import ALL, LIU, Night
from yuanjiao.flow.journal.event import Fact
from yuanjiao.lib.checkpoints import checkpoints_beside
from yuanjiao.network.counting.reading import ended_of_all, overlapping, spans_of_all
from yuanjiao.network.events import Change, StateChanged, apply_state_changed, telling
from yuanjiao.network.models import Liveness, ManagedObject, StateChange, begun_from
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ENDS = (-3601, -3600, -1, 0, 1, 1799, 3599, 3600, 3601)
"""Seconds from noon."""
SQLITE = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL"}}

ENDLESS = """
from itertools import count
from django import setup
setup()
from django.db import connection
from yuanjiao.lib import checkpoints
checkpoints.PAUSE_S = 0.001
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE rows (number INTEGER, text TEXT)")
    with checkpoints.checkpoints_beside():
        for number in count():
            cursor.execute("INSERT INTO rows VALUES (%s, %s)", [number, "x" * 50_000])
            print(number, flush=True)
"""


def test_a_storm_in_many_parts_is_written_whole_and_each_part_with_its_own_times(
    cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yuanjiao.network.jobs.sweeping.AT_ONCE", 2)
    night = Night(cast, at)
    for second, code in enumerate(ALL, 8):  # listening begins when the register has been read: on a busy machine that takes seconds
        night.now = at + timedelta(seconds=second)
        night.beat(code)
    night.now = at + timedelta(seconds=14)
    night.turn()
    told = StateChange.objects.filter(state="up").order_by("pk").values_list("object__code", "at", "seq")
    assert {code: begun for code, begun, _ in told} == {code: at + timedelta(seconds=second) for second, code in enumerate(ALL, 8)}
    assert len({seq for _, _, seq in told}) == 3, "five sites by two"
    assert list(night.listener.array.state[[night.listener.array.places[code] for code in ALL]]) == [1] * len(ALL)


def test_a_code_is_told_as_it_is_whatever_it_is_made_of(cast: Cast) -> None:
    codes = ['站"一"', "a\\b", "a\nb", "'; --", "100%s"]
    for old, code in zip(ALL, codes, strict=True):
        ManagedObject.objects.filter(code=old).update(code=code)
    changes = [Change(code=code, state="up", at=NOON, reason=f"{number}%") for number, code in enumerate(codes)]
    apply_state_changed(StateChanged(changes=changes), Fact(origin=uuid4(), seq=1, at=NOON))
    assert list(StateChange.objects.order_by("pk").values_list("object__code", "reason")) == [
        (code, f"{number}%") for number, code in enumerate(codes)
    ]
    assert set(Liveness.objects.values_list("object__code", flat=True)) == set(codes)


def test_what_overlaps_a_time_is_the_same_however_it_is_asked_for(cast: Cast) -> None:
    """Of all objects by their beginnings, of named ones by their stories; at every side of an hour, with spans of no length among them."""
    origin = uuid4()
    for seq, second in enumerate((-9000, *ENDS, *ENDS), 1):
        change = Change(code=ALL[second % 2], state="up" if seq % 3 else "down", at=NOON + timedelta(seconds=second))
        apply_state_changed(StateChanged(changes=[change]), Fact(origin=origin, seq=seq, at=NOON))
    rows, noon = list(StateChange.objects.order_by("pk")), int(NOON.timestamp())
    assert any(row.until == row.at for row in rows), "a span of no length"
    for start, end in product(ENDS, ENDS):
        begin, finish = NOON + timedelta(seconds=start), NOON + timedelta(seconds=end)
        wanted = [row.pk for row in rows if row.at < finish and (row.until is None or row.until > begin)] if start <= end else []
        ended = [row.pk for row in rows if row.at < finish and row.until is not None and row.until > begin] if start <= end else []
        if start <= end:
            assert spans_of_all(noon + start, noon + end)[:, 6].tolist() == wanted
            assert ended_of_all(noon + start, noon + end)[:, 6].tolist() == ended
            named = StateChange.objects.filter(overlapping(noon + start, noon + end), object__code__in=ALL)
            assert list(named.order_by("pk").values_list("pk", flat=True)) == wanted


@pytest.mark.skipif(connection.vendor != "sqlite", reason="an embedded database says its plan the same way every time")
def test_what_began_from_a_moment_on_is_looked_up_in_the_index(cast: Cast) -> None:
    plan = StateChange.objects.filter(begun_from(NOON), at__lt=NOON).explain()
    assert "state_began (<expr>>?)" in plan


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only there a table may stand by its own key")
def test_what_an_object_is_now_stands_by_its_own_number(cast: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pragma_index_list('network_liveness')")
        assert {name for (name,) in cursor.fetchall()} == {"liveness_dark", "liveness_observer"}, "no index for the key"


def test_what_was_laid_out_ahead_is_taken_for_these_very_changes_only(cast: Cast) -> None:
    told, other = ([Change(code=LIU[0], state=state, at=NOON)] for state in ("down", "up"))
    telling.lay_ahead([told])
    telling.lay_ahead([other])
    origin = uuid4()
    apply_state_changed(StateChanged(changes=list(told)), Fact(origin=origin, seq=1, at=NOON))
    apply_state_changed(StateChanged(changes=other), Fact(origin=origin, seq=2, at=NOON))
    assert list(StateChange.objects.order_by("pk").values_list("state", "seq")) == [("down", 1), ("up", 2)]
    assert [waiting for waiting, _ in telling._AHEAD] == [[told]], "what was taken is forgotten, what nobody asked for waits"
    telling._AHEAD.clear()


def test_a_storm_on_disk_leaves_its_log_carried_over(tmp_path: Path) -> None:
    """Commits inside checkpoint nothing themselves; afterwards the log is short and a commit checkpoints by itself again."""
    file = tmp_path / "log.sqlite3"
    writer = DatabaseWrapper({**connections["default"].settings_dict, **SQLITE, "NAME": file}, "beside")
    try:
        with writer.cursor() as cursor:
            cursor.execute("CREATE TABLE rows (text TEXT)")
            with checkpoints_beside(writer):
                cursor.execute("PRAGMA wal_autocheckpoint")
                assert cursor.fetchone() == (0,)
                for _ in range(20):
                    cursor.execute("INSERT INTO rows VALUES (%s)", ["x" * 100_000])
            cursor.execute("PRAGMA wal_autocheckpoint")
            assert cursor.fetchone() == (1000,)
        assert (tmp_path / "log.sqlite3-wal").stat().st_size == 0
        assert file.stat().st_size > 2_000_000
    finally:
        writer.close()


def test_what_was_committed_beside_a_checkpoint_outlives_a_kill(tmp_path: Path) -> None:
    """A process that says which rows it has committed is killed in the midst of it; its file is opened again."""
    environment = {**os.environ, "YUANJIAO_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "yuanjiao.wiring.settings"}
    environment.pop("YUANJIAO_DATABASE", None)
    with subprocess.Popen([sys.executable, "-c", ENDLESS], env=environment, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(30)]
        writer.kill()
        said += [int(line) for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    with closing(sqlite3.connect(tmp_path / "yuanjiao.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = {number for (number,) in database.execute("SELECT number FROM rows")}
    assert kept >= set(said)
    assert len(kept) <= len(said) + 1
