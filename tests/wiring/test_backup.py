"""A machine in one file and back: nothing of it is lost, a torn file is not believed, and its story forks aloud and without loss."""

from __future__ import annotations

import errno
import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from django.core.management import call_command
from django.db import OperationalError, connections
from django.test import override_settings

from tests.flow.test_forks import code_for, rows, say, start_anew, told
from tests.simulator import Machine, World, open_database
from tests.storage import take_mark
from yuanjiao.flow.blobs import store
from yuanjiao.flow.journal.queries import heads_now, unapplied_count
from yuanjiao.flow.journal.verify import verify_journal
from yuanjiao.flow.nodes import keys
from yuanjiao.lib.errors import Conflict, Refused, Tampered, Unavailable, YuanjiaoError
from yuanjiao.wiring.edge import backup, database, restore
from yuanjiao.wiring.management.commands import serve
from yuanjiao.wiring.newborn import require_whole

pytestmark = [pytest.mark.django_db, pytest.mark.own_files]


@pytest.fixture
def pair(world: World) -> tuple[Machine, Machine]:
    """An edge under a centre, that has told two things."""
    centre, edge = world.machine("centre", "centre"), world.machine("edge", "edge")
    edge.join(centre, subject_code="E-990101")
    say(edge, "共同一", "共同二")
    edge.ship()
    return centre, edge


@pytest.fixture
def edge(pair: tuple[Machine, Machine]) -> Machine:
    return pair[1]


def saved(machine: Machine, folder: Path, *, with_blobs: bool = False, name: str = "edge.backup") -> Path:
    with machine.here():
        backup.write_backup(folder / name, with_blobs=with_blobs, at=machine.now)
    return folder / name


def lose_the_disk(machine: Machine) -> None:
    machine.stop()
    shutil.rmtree(machine.home)
    machine.home.mkdir()
    keys._load.cache_clear()


def put_back(machine: Machine, source: Path) -> None:
    """On the empty disk; a connection of before must not be used for a database that is another now."""
    machine.connection = open_database(machine.home / "yuanjiao.sqlite3")
    with machine.here():
        restore.restore(source)
    machine.restart()


def changed(source: Path, target: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """The backup with its members as `change` makes them."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            file = old.extractfile(member)
            assert file is not None
            made = change(member.name, file.read())
            if made is not None:
                said = tarfile.TarInfo(made[0])
                said.size = len(made[1])
                new.addfile(said, io.BytesIO(made[1]))
    return target


def test_a_machine_comes_back_with_its_key_its_trust_and_all_it_had_recorded(edge: Machine, tmp_path: Path) -> None:
    who, key = edge.node().uid, (edge.home / "node.key").read_bytes()
    (edge.home / "catalogue/trusted").mkdir(parents=True, exist_ok=True)
    (edge.home / "catalogue/trusted/pinned.json").write_text("{}")
    (edge.home / "keys").mkdir()
    (edge.home / "keys/root-1.pem").write_text("key")
    file = saved(edge, tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600, "there are private keys in it"
    lose_the_disk(edge)
    put_back(edge, file)
    assert (edge.node().uid, (edge.home / "node.key").read_bytes()) == (who, key)
    assert told(edge) == ["共同一", "共同二"]
    assert (edge.home / "catalogue/trusted/pinned.json").read_text() == "{}"
    assert (edge.home / "keys/root-1.pem").read_text() == "key"
    assert not (edge.home / ".restoring").exists()
    with edge.here():
        assert verify_journal().faults == []


@pytest.mark.parametrize("with_blobs", [False, True])
def test_films_are_in_it_only_when_asked_for(edge: Machine, tmp_path: Path, with_blobs: bool) -> None:
    (tmp_path / "film").write_bytes(b"film" * 1000)
    with edge.here():
        ref = store.put(tmp_path / "film")
    file = saved(edge, tmp_path, with_blobs=with_blobs)
    lose_the_disk(edge)
    put_back(edge, file)
    with edge.here():
        assert store.has(ref.sha256) is with_blobs


def test_films_in_a_bucket_come_back_as_files_of_the_disk(edge: Machine, tmp_path: Path, s3: Any) -> None:
    content = os.urandom(3_000_000)
    take_mark(edge.home)
    with edge.here():
        ref = store.put(content)
        assert not store.on_disk(ref.sha256)
        with store.local(ref.sha256):
            pass
    file = saved(edge, tmp_path, with_blobs=True)
    with tarfile.open(file) as tar:
        assert not [name for name in tar.getnames() if "copies" in name]
    lose_the_disk(edge)
    put_back(edge, file)
    with edge.here(), override_settings(BLOBS_S3=None):
        assert store.read(ref.sha256) == content


def test_an_edge_back_from_a_backup_forks_aloud_and_both_stories_reach_the_parent(pair: tuple[Machine, Machine], tmp_path: Path) -> None:
    centre, edge = pair
    file = saved(edge, tmp_path)
    say(edge, "旧盘一", "旧盘二")
    edge.ship()
    lose_the_disk(edge)
    put_back(edge, file)
    with edge.here():
        assert "上级已有它之后的 2 条记录" in restore.compare(edge._client())
        assert restore.restored_mark().exists(), "asked again at the next start"
    say(edge, "新盘一")
    edge.ship()
    with edge.here():
        (own,) = [head for head in heads_now() if head.is_self]
        assert own.refusal, "not silently"
    assert told(centre) == sorted(["共同一", "共同二", "旧盘一", "旧盘二"]), "and not in the place of what is there"
    start_anew(edge, code_for(centre))
    edge.ship()
    everything = sorted(["共同一", "共同二", "旧盘一", "旧盘二", "新盘一"])
    assert told(edge) == told(centre) == everything
    assert rows(edge) == rows(centre)
    for machine in (centre, edge):
        with machine.here():
            assert (verify_journal().faults, unapplied_count()) == ([], 0)
    with edge.here():
        assert restore.compare(edge._client()) == ""
        assert not restore.restored_mark().exists()


def test_a_backup_of_a_machine_that_had_told_nothing_since_goes_on_under_its_name(pair: tuple[Machine, Machine], tmp_path: Path) -> None:
    centre, edge = pair
    file = saved(edge, tmp_path)
    lose_the_disk(edge)
    put_back(edge, file)
    with edge.here():
        assert restore.compare(edge._client()) == ""
    say(edge, "之后")
    edge.ship()
    assert told(centre) == sorted(["共同一", "共同二", "之后"])


def test_a_line_that_is_dead_is_no_reason_to_stand_still(edge: Machine, tmp_path: Path) -> None:
    file = saved(edge, tmp_path)
    lose_the_disk(edge)
    put_back(edge, file)

    class Dead:
        def get(self, *args: object, **options: object) -> None:
            raise Unavailable("连不上上级节点")

    with edge.here():
        assert "还没有与上级核对" in restore.compare(Dead())  # type: ignore[arg-type]
        assert restore.restored_mark().exists()


@pytest.mark.parametrize("kind", [Refused, Conflict, Tampered])
def test_whatever_the_parent_answers_is_said_and_ends_no_start(edge: Machine, kind: type[YuanjiaoError]) -> None:
    class Strange:
        def get(self, *args: object, **options: object) -> None:
            raise kind("上级说了别的")

    with edge.here():
        restore.restored_mark().write_text("x")
        assert "上级说了别的" in restore.compare(Strange())  # type: ignore[arg-type]
        assert restore.restored_mark().exists()


@pytest.mark.parametrize("kind", [ValueError, KeyError, OSError, OperationalError, httpx.InvalidURL, msgspec.ValidationError])
def test_a_start_goes_on_when_the_stories_cannot_be_compared(edge: Machine, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]) -> None:
    def broken() -> str:
        raise kind("something nobody thought of")

    started, said = list[object](), io.StringIO()
    monkeypatch.setattr(restore, "compare", broken)
    monkeypatch.setattr(serve, "run_server", lambda *args, **options: started.append(options))
    monkeypatch.setattr(serve, "bring_up_to_date", lambda: None)
    with edge.here():
        restore.restored_mark().write_text("x")
        call_command(serve.Command(stderr=said, stdout=io.StringIO()), "--port", "1")
    assert len(started) == 1
    assert "还没有与上级核对" in said.getvalue()


def test_a_home_that_is_in_use_is_left_alone(edge: Machine, tmp_path: Path) -> None:
    file = saved(edge, tmp_path)
    say(edge, "还在")
    with edge.here(), pytest.raises(Conflict, match="空的数据目录"):
        restore.restore(file)
    assert "还在" in told(edge)


def test_a_backup_is_not_written_over_another(edge: Machine, tmp_path: Path) -> None:
    file = saved(edge, tmp_path)
    before = file.read_bytes()
    with pytest.raises(Refused, match="已经存在"):
        saved(edge, tmp_path)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == [], "no room that was needed is left"


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_stick_that_knows_no_second_names_takes_a_backup_and_keeps_the_old_one(
    edge: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    meanwhile = tmp_path / "meanwhile.backup"

    def link(part: Path, target: Path) -> None:
        if target == meanwhile:
            target.write_text("old")
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    with tarfile.open(saved(edge, tmp_path)) as written:
        assert written.getnames()[-1] == backup.MANIFEST
    with pytest.raises(Refused, match="已经存在"):
        saved(edge, tmp_path, name=meanwhile.name)
    assert meanwhile.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_another_trouble_of_the_disk_is_not_taken_for_it(edge: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(part: Path, target: Path) -> None:
        raise OSError(errno.EIO, "")

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(OSError, match="5"):
        saved(edge, tmp_path)
    assert not (tmp_path / "edge.backup").exists()


def test_the_dump_lies_in_the_home_while_it_is_made_never_on_the_stick(
    edge: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, dump = list[Path](), database.dump
    monkeypatch.setattr(database, "dump", lambda target: (seen.append(target), dump(target)))
    saved(edge, tmp_path)
    assert [path.parents[1] for path in seen] == [edge.home]
    assert list(edge.home.glob(".yuanjiao-backup-*")) == []


def test_a_home_that_lies_below_a_folder_called_parts_is_not_left_out(edge: Machine, tmp_path: Path) -> None:
    home = tmp_path / "parts/home"
    (home / "uploads/parts").mkdir(parents=True)
    for name in ("node.key", "uploads/film", "uploads/parts/1"):
        (home / name).write_text("x")
    assert {name for name, _ in backup._files(home, ("node.key", "uploads"))} == {"node.key", "uploads/film"}


def test_a_backup_without_the_key_of_the_machine_is_none(edge: Machine, tmp_path: Path) -> None:
    (edge.home / "node.key").unlink()
    with pytest.raises(Refused, match=r"node\.key"):
        saved(edge, tmp_path)
    assert list(tmp_path.glob("*.backup")) + list(tmp_path.glob(".*.part")) == []


@pytest.fixture
def bare(edge: Machine, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """(a backup of the edge, an empty HOME that is in force)."""
    file, home = saved(edge, tmp_path), tmp_path / "new"
    home.mkdir()
    outside, connections["default"] = connections["default"], open_database(home / "yuanjiao.sqlite3")
    with override_settings(HOME=home, ROLE="edge"):
        yield file, home
    connections["default"].close()
    connections["default"] = outside


def test_a_cut_restore_is_not_served_and_a_second_one_ends_it(bare: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    file, home = bare

    def cut(source: Path) -> None:
        raise OSError(errno.EIO, "the power went")

    monkeypatch.setattr(database, "load", cut)
    with pytest.raises(OSError, match="power"):
        restore.restore(file)
    assert ((home / "node.key").exists(), (home / "restored").exists()) == (True, False)
    with pytest.raises(Refused, match="恢复没有做完"):
        call_command(serve.Command(), "--port", "1")
    assert not (home / "yuanjiao.sqlite3").exists(), "no new database hides what is missing"
    monkeypatch.undo()
    restore.restore(file)
    assert ((home / "restoring").exists(), (home / "restored").exists()) == (False, True)
    require_whole()


def test_the_mark_lies_there_before_the_first_file(bare: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    file, _ = bare

    def cut(folder: Path) -> None:
        assert [path.name for path in folder.iterdir() if not path.name.startswith(".")] == ["restoring"]
        raise OSError(errno.EIO, "the power went")

    monkeypatch.setattr(restore, "_keep", cut)
    with pytest.raises(OSError, match="power"):
        restore.restore(file)


def refused(file: Path, home: Path, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        restore.restore(file)
    assert list(home.iterdir()) == [], "nothing of it was believed"


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_torn_file_is_refused_and_leaves_the_home_empty(bare: tuple[Path, Path], part: float) -> None:
    file, home = bare
    content = file.read_bytes()
    end = content.rindex(b'"files":')  # behind it there is only padding
    file.write_bytes(content[: int(end * part)])
    refused(file, home, Tampered, "不完整")


def test_a_file_with_one_bit_changed_is_refused(bare: tuple[Path, Path]) -> None:
    file, home = bare
    content = bytearray(file.read_bytes())
    content[content.index(b"SQLite format 3") + 5000] ^= 1
    file.write_bytes(content)
    refused(file, home, Tampered, "不完整")


@pytest.mark.parametrize(
    "change",
    [
        lambda name, content: None if name == "node.key" else (name, content),
        lambda name, content: ("../../etc/node.key" if name == "node.key" else name, content),
        lambda name, content: ("/etc/node.key" if name == "node.key" else name, content),
        lambda name, content: (name, b"0" * 32 if name == "node.key" else content),
    ],
)
def test_members_that_are_missing_changed_or_lead_elsewhere_are_refused(bare: tuple[Path, Path], change: Callable[..., object]) -> None:
    file, home = bare
    refused(changed(file, file.with_name("other"), change), home, Tampered, "不完整")  # type: ignore[arg-type]


def test_a_backup_of_newer_software_another_role_or_another_form_is_refused_by_name(bare: tuple[Path, Path]) -> None:
    file, home = bare

    def manifest(**values: object) -> Path:
        def change(name: str, content: bytes) -> tuple[str, bytes]:
            return name, msgspec.json.encode({**msgspec.json.decode(content), **values}) if name == backup.MANIFEST else content

        return changed(file, file.with_name("other"), change)

    refused(manifest(migrations=["flow.9999_of_tomorrow"], version="9.0"), home, Refused, "更新的软件（9.0")
    refused(manifest(role="centre"), home, Refused, "YUANJIAO_ROLE=centre")
    refused(manifest(form=2), home, Refused, "另一种格式")
    refused(manifest(database="database.pgdump"), home, Refused, "同一种数据库")
