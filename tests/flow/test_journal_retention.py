"""What was acknowledged long ago lies in archive files: nothing of it is lost, and whoever needs it gets it from there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from tests.flow import happenings
from tests.flow.happenings import POISON, Happened, told
from tests.simulator import Machine, World
from yuanjiao.flow.journal import keeping
from yuanjiao.flow.journal.applying import retry_set_aside
from yuanjiao.flow.journal.keeping import archive_acknowledged
from yuanjiao.flow.journal.models import Archived, Entry, Head, Segment
from yuanjiao.flow.journal.moving import export_journal, import_journal, mark_of, seal_next
from yuanjiao.flow.journal.queries import entry_count, heads_now
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.journal.replay import replay
from yuanjiao.flow.journal.verify import verify_journal
from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.lib.errors import Refused, Tampered
from yuanjiao.people.models import AuditRow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("happenings_wired")]
DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def ten_days() -> Iterator[None]:
    with override_settings(JOURNAL_KEEP_DAYS=10):
        yield


def say(machine: Machine, *texts: str) -> None:
    with machine.here():
        for text in texts:
            record(Happened(text=text), at=machine.now)


def heard(machine: Machine) -> list[str]:
    with machine.here():
        return sorted(told())


def put_away(machine: Machine) -> int:
    with machine.here():
        return archive_acknowledged(machine.now)


@pytest.fixture
def pair(world: World) -> tuple[Machine, Machine]:
    """An edge under a centre; it told five things a day apart, and the last one today."""
    centre, edge = world.machine("centre", "centre"), world.machine("edge", "edge")
    edge.join(centre)
    for day in range(5):
        say(edge, f"第{day}天")
        edge.ship()
        world.pass_time(4 * DAY_S)
    return centre, edge


STORY = [f"第{day}天" for day in range(5)]


def kept(machine: Machine) -> tuple[int, int, int, int]:
    """Where the rows of its own entries begin, and how many entries, segments and archived segments there are."""
    with machine.here():
        head = Head.objects.get(origin__is_self=True)
        return head.kept_from, Entry.objects.count(), Segment.objects.count(), Archived.objects.count()


def test_what_is_old_and_acknowledged_goes_and_the_rest_stays(world: World, pair: tuple[Machine, Machine]) -> None:
    _, edge = pair
    assert put_away(edge) == 3
    assert kept(edge) == (4, 2, 2, 3)
    assert put_away(edge) == 0, "once is enough"
    say(edge, "新的")
    edge.ship()
    with edge.here():
        assert verify_journal().faults == []
        whole = verify_journal(archive=True)
        assert (whole.faults, whole.entries, whole.segments) == ([], 6, 6)
        assert entry_count() == 6
        assert heads_now()[0].kept_from == 4


def test_without_the_setting_nothing_ever_goes(pair: tuple[Machine, Machine]) -> None:
    with override_settings(JOURNAL_KEEP_DAYS=0):
        assert put_away(pair[1]) == 0
    assert kept(pair[1]) == (1, 5, 5, 0)


def test_at_the_top_nothing_goes_for_nobody_acknowledges(pair: tuple[Machine, Machine]) -> None:
    centre, _ = pair
    assert put_away(centre) == 0
    with centre.here():
        assert Entry.objects.count() == 5


def test_what_the_parent_has_not_acknowledged_stays_however_old(world: World, pair: tuple[Machine, Machine]) -> None:
    _, edge = pair
    with edge.here():
        Head.objects.update(acknowledged_seq=2)
    world.pass_time(400 * DAY_S)
    assert put_away(edge) == 2
    assert kept(edge)[0] == 3


def test_everything_may_be_archived_and_the_chain_goes_on(world: World, pair: tuple[Machine, Machine]) -> None:
    centre, edge = pair
    world.pass_time(400 * DAY_S)
    assert put_away(edge) == 5
    assert kept(edge) == (6, 0, 0, 5)
    say(edge, "之后")
    edge.ship()
    assert heard(centre) == sorted([*STORY, "之后"])
    with edge.here():
        assert verify_journal(archive=True).faults == []
    with centre.here():
        assert verify_journal().faults == []


def back_up(machine: Machine) -> Path:
    machine.stop()
    saved = machine.home / "backup.sqlite3"
    shutil.copy(machine.home / "yuanjiao.sqlite3", saved)
    machine.restart()
    return saved


def restore(machine: Machine, saved: Path) -> None:
    machine.stop()
    for left in machine.home.glob("yuanjiao.sqlite3-*"):
        left.unlink()
    shutil.copy(saved, machine.home / "yuanjiao.sqlite3")
    machine.restart()


@pytest.fixture
def restored(world: World) -> tuple[Machine, Machine, Machine]:
    """Centre, edge, site; both below have archived what they told, and then the centre came back from before all of it."""
    centre, edge, site = world.machine("centre", "centre"), world.machine("edge", "edge"), world.machine("site", "site")
    edge.join(centre)
    site.join(edge)
    saved = back_up(centre)
    for day in range(4):
        say(edge, f"县里第{day}天")
        say(site, f"村里第{day}天")
        site.ship()
        edge.ship()
        world.pass_time(6 * DAY_S)
    assert put_away(edge) > 0
    assert put_away(site) > 0
    restore(centre, saved)
    assert heard(centre) == []
    return centre, edge, site


LOST = sorted([f"{where}第{day}天" for where in ("县里", "村里") for day in range(4)])


def test_a_parent_back_from_an_old_backup_is_told_again_from_the_archive(restored: tuple[Machine, Machine, Machine]) -> None:
    centre, edge, site = restored
    say(edge, "今天")
    say(site, "今天也")
    site.ship()
    edge.ship()
    assert heard(centre) == sorted([*LOST, "今天", "今天也"])
    with centre.here():
        assert verify_journal().faults == []


def test_of_those_who_have_fallen_silent_the_parent_is_told_again_too(restored: tuple[Machine, Machine, Machine]) -> None:
    centre, edge, _ = restored
    say(edge, "今天")
    for _ in range(3):
        edge.ship()
    assert heard(centre) == sorted([*LOST, "今天"])


def test_a_lost_archive_is_named_and_holds_up_nothing_else(world: World, restored: tuple[Machine, Machine, Machine]) -> None:
    centre, edge, site = restored
    [file] = (edge.home / "journal").glob("*.yja")
    hidden = file.with_suffix(".hidden")
    file.rename(hidden)
    say(edge, "今天")
    edge.ship()
    edge.ship()
    with edge.here():
        assert file.name in Head.objects.get(origin__is_self=True).refusal
        assert any(file.name in fault for fault in verify_journal(archive=True).faults)
    hidden.rename(file)
    world.pass_time(4_000)
    say(site, "今天也")
    site.ship()
    edge.ship()
    assert heard(centre) == sorted([*LOST, "今天", "今天也"])


def test_a_repeat_from_before_the_mark_is_known_for_what_it_is(world: World, pair: tuple[Machine, Machine]) -> None:
    """A site whose database came from a backup tells again what its edge has put away since."""
    site = world.machine("site", "site")
    site.join(pair[1])
    saved = back_up(site)
    say(site, "村里的事")
    site.ship()
    pair[1].ship()
    world.pass_time(20 * DAY_S)
    put_away(pair[1])
    restore(site, saved)
    say(site, "另一件事")
    site.ship()
    with site.here():
        assert "forked" in Head.objects.get(origin__is_self=True).refusal
    with pair[1].here():
        head = Head.objects.get(origin__name="site")
        assert head.kept_from == 2
        assert keeping.hash_at(head, 1) == bytes(head.kept_hash)


def test_a_replay_takes_the_archive_in_and_leaves_it_where_it_was(world: World, pair: tuple[Machine, Machine]) -> None:
    _, edge = pair
    put_away(edge)
    before = kept(edge)
    with edge.here():
        with pytest.raises(Refused, match="--archive"):
            replay(at=world.now, keep=True)
        AuditRow.objects.all().delete()
        done = replay(at=world.now, keep=True, archive=True)
        assert (done.entries, done.set_aside) == (5, 0)
    assert kept(edge) == before
    with edge.here():
        assert verify_journal(archive=True).faults == []


def test_what_was_set_aside_is_not_put_away_before_it_is_mended(world: World, pair: tuple[Machine, Machine]) -> None:
    _, edge = pair
    site = world.machine("site", "site")
    site.join(edge)
    with site.here():
        happenings.cured.add(POISON)
    say(site, "一")
    site.ship()
    say(site, POISON)
    happenings.cured.clear()
    site.ship()
    say(site, "三")
    site.ship()
    edge.ship()
    world.pass_time(30 * DAY_S)
    put_away(edge)
    with edge.here():
        assert Head.objects.get(origin__name="site").kept_from == 2
        happenings.cured.add(POISON)
        assert retry_set_aside(world.now) == 1
    put_away(edge)
    with edge.here():
        assert Head.objects.get(origin__name="site").kept_from == 4
        assert verify_journal(archive=True).faults == []


def test_rows_that_do_not_prove_themselves_are_not_put_away(world: World, pair: tuple[Machine, Machine]) -> None:
    _, edge = pair
    with edge.here():
        Entry.objects.filter(seq=2).update(entry_hash=bytes(32))
        with pytest.raises(Tampered):
            archive_acknowledged(world.now)
    assert kept(edge) == (1, 5, 5, 0)


def test_an_archive_that_was_badly_written_lets_nothing_go(
    world: World, pair: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, edge = pair
    honest = keeping.write_archive

    def rotten(path: Path, *rest: object) -> list[int]:
        offsets = honest(path, *rest)  # type: ignore[arg-type]
        data = bytearray(path.read_bytes())
        data[offsets[0] + 130] ^= 1
        path.write_bytes(bytes(data))
        return offsets

    monkeypatch.setattr(keeping, "write_archive", rotten)
    with pytest.raises(Tampered):
        put_away(edge)
    assert kept(edge) == (1, 5, 5, 0)
    assert list((edge.home / "journal").iterdir()) == []


def test_an_export_holds_what_is_archived_too(world: World, pair: tuple[Machine, Machine], tmp_path: Path) -> None:
    _, edge = pair
    put_away(edge)
    with edge.here():
        export_journal(tmp_path / "all.yja", at=world.now)
        mark = mark_of(keys.own_public_key())
    other = world.machine("other", "centre")
    with other.here():
        import_journal(tmp_path / "all.yja", at=world.now, believe=mark)
    assert heard(other) == sorted(STORY)


def test_the_command_line_begins_at_the_mark_and_takes_the_archive(world: World, pair: tuple[Machine, Machine]) -> None:
    _, edge = pair
    put_away(edge)
    out = StringIO()
    with edge.here():
        call_command("journal", "status", stdout=out)
        call_command("journal", "verify", stdout=out)
        call_command("journal", "verify", "--archive", stdout=out)
        with pytest.raises(CommandError, match="--archive"):
            call_command("journal", "replay", "--check", stdout=out)
        [file] = (edge.home / "journal").glob("*.yja")
        data = bytearray(file.read_bytes())
        data[data.index(b"YJS1") + 130] ^= 1
        file.write_bytes(bytes(data))
        call_command("journal", "verify", stdout=out)
        with pytest.raises(CommandError, match="签名"):
            call_command("journal", "verify", "--archive", stdout=out)
    assert "已归档至 3" in out.getvalue()
    assert "核验 1 个节点、2 条记录" in out.getvalue()
    assert "核验 1 个节点、5 条记录" in out.getvalue()


def test_put_away_brought_back_for_a_replay_and_taken_out_again(at: datetime, tmp_path: Path) -> None:
    """In one database, whichever it is: the machines of the other tests have SQLite."""
    ensure_self(at=at)
    for number in range(6):
        record(Happened(text=f"事{number}"), at=at)
        seal_next(at)
    Head.objects.update(acknowledged_seq=4)
    assert archive_acknowledged(at + timedelta(days=11)) == 4
    assert list(Entry.objects.order_by("seq").values_list("seq", flat=True)) == [5, 6]
    head = Head.objects.get()
    hashes = [keeping.hash_at(head, seq) for seq in range(8)]
    assert hashes[0] == bytes(32)
    assert hashes[4] == bytes(head.kept_hash)
    assert hashes[7] is None
    assert len(set(hashes)) == 8
    AuditRow.objects.all().delete()
    assert replay(at=at, keep=True, archive=True).entries == 6
    assert told() == [f"事{number}" for number in range(6)]
    assert Entry.objects.count() == 2
    record(Happened(text="事6"), at=at)
    assert seal_next(at) is not None
    assert verify_journal(archive=True).faults == []
    export_journal(tmp_path / "all.yja", at=at)
    assert import_journal(tmp_path / "all.yja", at=at).fresh == 0, "all of it is known here, archived or not"
