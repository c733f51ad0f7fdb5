"""A whole journal in one file: it gives back everything that can be proved, twice changes nothing, and a bad file is refused by name."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from tests.flow.happenings import Happened, told
from tests.simulator import Machine, World
from yuanjiao.flow.journal import moving
from yuanjiao.flow.journal.archive import DIGEST_BYTES, check_archive, contents_of, segments_of
from yuanjiao.flow.journal.models import Entry, Head, Segment
from yuanjiao.flow.journal.moving import export_journal, import_journal, mark_of
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.journal.segment import read_header
from yuanjiao.flow.journal.verify import verify_journal
from yuanjiao.flow.nodes.commands import revoke_node
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.errors import Conflict, DiskFull, Forbidden, Refused, Tampered, YuanjiaoError

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("happenings_wired")]


def say(machine: Machine, *texts: str) -> None:
    with machine.here():
        for text in texts:
            record(Happened(text=text), at=machine.now)


def heard(machine: Machine) -> list[str]:
    with machine.here():
        return sorted(told())


def export(machine: Machine, path: Path) -> Path:
    with machine.here():
        export_journal(path, at=machine.now)
    return path


@pytest.fixture
def city(world: World) -> dict[str, Machine]:
    """A site under an edge under a centre; everybody has said something, and the centre has heard it."""
    names = {"centre": "centre", "edge": "edge", "site": "site"}
    city = {name: world.machine(name, role) for name, role in names.items()}
    city["edge"].join(city["centre"])
    city["site"].join(city["edge"])
    say(city["centre"], "中心的事")
    say(city["edge"], "县里的事", "县里又一件")
    say(city["site"], "村里的事")
    city["site"].ship()
    city["edge"].ship()
    return city


ALL = sorted(["中心的事", "县里的事", "县里又一件", "村里的事"])


def test_a_stick_carries_what_the_line_could_not(world: World, city: dict[str, Machine], tmp_path: Path) -> None:
    say(city["edge"], "断线以后")
    say(city["site"], "也在断线以后")
    city["site"].ship()
    stick = export(city["edge"], tmp_path / "stick.yja")
    with city["centre"].here():
        moved = import_journal(stick, at=world.now)
        assert (moved.fresh, moved.entries, moved.set_aside) == (2, 2, 0)
        again = import_journal(stick, at=world.now)
        assert (again.fresh, again.entries) == (0, 0)
        assert again.segments == moved.segments
        assert verify_journal().faults == []
    assert heard(city["centre"]) == sorted([*ALL, "断线以后", "也在断线以后"])
    city["edge"].ship()
    assert heard(city["centre"]) == sorted([*ALL, "断线以后", "也在断线以后"]), "the line doubles nothing of it later"


def test_a_lost_database_comes_back_under_the_same_name_from_file_and_key(world: World, city: dict[str, Machine], tmp_path: Path) -> None:
    with city["centre"].here():
        revoke_node(node=Node.objects.get(name="site"), reason="设备被盗", at=world.now)
    saved = export(city["centre"], tmp_path / "centre.yja")
    fresh = world.machine("again", "centre")
    shutil.copy(city["centre"].home / "node.key", fresh.home / "node.key")
    with fresh.here():
        Node.objects.all().delete()  # as it is after `migrate`, with the old key put back
        moving.keys._load.cache_clear()
        import_journal(saved, at=world.now)
        assert Node.objects.get(is_self=True).uid == city["centre"].node().uid
        assert verify_journal().faults == []
        assert Node.objects.get(name="site").revoked_reason == "设备被盗"
    assert heard(fresh) == ALL
    assert city["edge"].line is not None
    city["edge"].line.far_end = fresh
    say(city["edge"], "仍认得上级")
    city["edge"].ship()
    assert heard(fresh) == sorted([*ALL, "仍认得上级"])


def test_a_machine_that_does_not_know_the_writer_wants_its_mark(world: World, city: dict[str, Machine], tmp_path: Path) -> None:
    saved = export(city["centre"], tmp_path / "centre.yja")
    with city["centre"].here():
        mark = mark_of(bytes(Node.objects.get(is_self=True).public_key))
    other = world.machine("other", "centre")
    with other.here():
        for believe in ("", "0000-0000"):
            with pytest.raises(Forbidden, match="不认识"):
                import_journal(saved, at=world.now, believe=believe)
        assert Entry.objects.count() == 0
        import_journal(saved, at=world.now, believe=mark.lower())
    assert heard(other) == ALL


def test_a_machine_with_a_journal_of_its_own_does_not_become_another(world: World, city: dict[str, Machine], tmp_path: Path) -> None:
    saved = export(city["centre"], tmp_path / "centre.yja")
    other = world.machine("other", "centre")
    with other.here():
        Node.objects.filter(is_self=True).update(public_key=city["centre"].node().public_key)
    shutil.copy(city["centre"].home / "node.key", other.home / "node.key")
    moving.keys._load.cache_clear()
    say(other, "另一本日志")
    with other.here(), pytest.raises(Conflict, match="另一身份"):
        import_journal(saved, at=world.now)


def test_an_import_that_was_stopped_goes_on_where_it_stood(
    world: World, city: dict[str, Machine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        say(city["edge"], f"第{number}件")
        with city["edge"].here():
            moving.seal_next(world.now)
    stick = export(city["edge"], tmp_path / "stick.yja")
    honest, calls = moving.receive, []

    def full(data: bytes, **options: object) -> object:
        calls.append(data)
        if len(calls) == 4:
            raise DiskFull("磁盘空间不足")
        return honest(data, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(moving, "receive", full)
    with city["centre"].here():
        with pytest.raises(DiskFull):
            import_journal(stick, at=world.now)
        assert verify_journal().faults == []
        again = import_journal(stick, at=world.now)
        assert (again.segments, again.fresh) == (8, 4), "one was here by the line, two by the first try, one is the site's"
    assert heard(city["centre"]) == sorted([*ALL, *(f"第{number}件" for number in range(6))])


def test_every_cut_is_named_as_a_cut_and_nothing_is_taken(world: World, city: dict[str, Machine], tmp_path: Path) -> None:
    say(city["edge"], "断线以后")
    whole = export(city["edge"], tmp_path / "whole.yja").read_bytes()
    torn = tmp_path / "torn.yja"
    with city["centre"].here():
        before = Entry.objects.count()
        for size in [*range(0, len(whole), 97), len(whole) - 1]:
            torn.write_bytes(whole[:size])
            with pytest.raises(Refused, match=r"不完整|不是日志存档文件"):
                import_journal(torn, at=world.now)
        assert Entry.objects.count() == before


def test_no_byte_of_it_can_be_changed(world: World, city: dict[str, Machine], tmp_path: Path) -> None:
    say(city["edge"], "断线以后")
    whole = export(city["edge"], tmp_path / "whole.yja").read_bytes()
    changed = tmp_path / "changed.yja"
    with city["centre"].here():
        before = Entry.objects.count()
        for place in range(0, len(whole), 61):
            changed.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(YuanjiaoError):
                import_journal(changed, at=world.now)
        changed.write_bytes(whole + b"x")
        with pytest.raises(YuanjiaoError):
            import_journal(changed, at=world.now)
        assert Entry.objects.count() == before


def digested(data: bytes) -> bytes:
    return data[:-DIGEST_BYTES] + hashlib.sha256(data[:-DIGEST_BYTES]).digest()


def other_name(data: bytes) -> bytes:
    return digested(data.replace("县里".encode(), "城里".encode(), 1))


def other_byte(data: bytes) -> bytes:
    place = data.index(b"YJS1") + 130
    return digested(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


FORGERIES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a list of nodes that the writer did not sign": (other_name, "签的名"),
    "a segment that its origin did not sign": (other_byte, "签名"),
}


@pytest.mark.parametrize(("forge", "reason"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forger_who_makes_the_digest_right_is_found_all_the_same(
    world: World, city: dict[str, Machine], tmp_path: Path, forge: Callable[[bytes], bytes], reason: str
) -> None:
    with city["edge"].here():
        Node.objects.filter(is_self=True).update(name="县里的服务器")
    whole = export(city["edge"], tmp_path / "whole.yja").read_bytes()
    forged = tmp_path / "forged.yja"
    forged.write_bytes(forge(whole))
    with city["centre"].here():
        before = Entry.objects.count()
        with pytest.raises(YuanjiaoError, match=reason):
            import_journal(forged, at=world.now)
        assert Entry.objects.count() == before


def test_a_file_cannot_give_a_known_node_another_key(
    world: World, city: dict[str, Machine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with city["edge"].here():
        other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        Node.objects.filter(name="site").update(public_key=other)
    stick = export(city["edge"], tmp_path / "stick.yja")
    with city["centre"].here(), pytest.raises(Tampered, match="另配了密钥"):
        import_journal(stick, at=world.now)


def test_a_revoked_writer_is_not_believed(world: World, city: dict[str, Machine], tmp_path: Path) -> None:
    say(city["edge"], "断线以后")
    stick = export(city["edge"], tmp_path / "stick.yja")
    with city["centre"].here():
        revoke_node(node=Node.objects.get(name="edge"), reason="设备被盗", at=world.now)
        with pytest.raises(Forbidden, match="设备被盗"):
            import_journal(stick, at=world.now)


def test_segments_lie_in_the_file_as_their_origins_signed_them(city: dict[str, Machine], tmp_path: Path) -> None:
    saved = export(city["centre"], tmp_path / "centre.yja")
    with city["centre"].here():
        kept = sorted(bytes(sealed) for sealed in Segment.objects.values_list("sealed", flat=True))
        own = Node.objects.get(is_self=True).uid
        assert Head.objects.get(origin__is_self=True).sealed_seq == Head.objects.get(origin__is_self=True).seq, "all is sealed"
    placed = list(segments_of(saved))
    assert sorted(one.sealed for one in placed) == kept
    assert check_archive(saved) == len(kept)
    assert read_header(placed[0].sealed).origin == own, "our own come first"
    data = saved.read_bytes()
    assert all(data[one.offset : one.offset + len(one.sealed)] == one.sealed for one in placed)
    assert {node.name for node in contents_of(saved).nodes} == {"centre", "edge", "site"}


def test_the_command_line_writes_and_reads(world: World, city: dict[str, Machine], tmp_path: Path) -> None:
    out, stick = StringIO(), tmp_path / "stick.yja"
    say(city["edge"], "断线以后")
    with city["edge"].here():
        call_command("journal", "export", str(stick), stdout=out)
        with pytest.raises(CommandError, match="已经存在"):
            call_command("journal", "export", str(stick), stdout=out)
    with city["centre"].here(), override_settings(MIN_FREE_BYTES=0):
        call_command("journal", "import", str(stick), stdout=out)
        with pytest.raises(CommandError, match="打不开"):
            call_command("journal", "import", str(tmp_path / "nothing.yja"), stdout=out)
    assert "断线以后" in heard(city["centre"])
    assert "公钥印记" in out.getvalue()
    assert "新收" in out.getvalue()
