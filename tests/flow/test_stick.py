"""The catalogue on a stick: the good one goes in by the same door as the line, and no other one does."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.flow.notices import FILM, LOCAL, NOTICES
from tests.flow.publishing import COUNTY, OTHER, Centre
from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.catalogue import keys, packet, stick
from yuanjiao.flow.catalogue.follow import follow
from yuanjiao.flow.catalogue.stick import Taken, Written, export, receivers, take_in
from yuanjiao.flow.catalogue.trust import trusted_folder
from yuanjiao.flow.models import CurrentCatalogue, HeldShard, Node, Wanted
from yuanjiao.flow.nodes.keys import opened_by_us, sealed_for
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.errors import DiskFull, NotFound, Refused, Tampered, Unavailable, YuanjiaoError
from yuanjiao.lib.uid import new_uid

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SECRET = "本县账号的密码摘要"
PICTURE = bytes(range(256)) * 4000


@pytest.fixture(params=["archive", "folder"])
def medium(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where a packet is written: the name of a file, or a folder with other people's things in it."""
    if request.param == "archive":
        return tmp_path / "catalogue.zip"
    folder = tmp_path / "stick"
    folder.mkdir()
    (folder / "metadata").mkdir()
    (folder / "metadata" / "holiday.txt").write_text("not ours")
    return folder


@pytest.fixture
def other() -> Node:
    """A machine of the other county with a key that can be sealed for."""
    node = Node.objects.get(scope=OTHER)
    node.public_key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    node.save()
    return node


@pytest.fixture(autouse=True)
def _local_secret(centre: Centre) -> None:
    LOCAL.texts = (SECRET,)


def carried(centre: Centre, where: Path, at: datetime, *, nodes: list[Node] | None = None, with_blobs: bool = True) -> Written:
    """Export at the centre, for this machine unless another is named."""
    with centre.at_home():
        return export(where, nodes=[own_node()] if nodes is None else nodes, with_blobs=with_blobs, at=at)


def with_film(centre: Centre) -> BlobRef:
    film = centre.put_blob(PICTURE)
    NOTICES.texts, NOTICES.blobs = ("开学了", f"{FILM}一部"), (film,)
    return film


def all_bytes(where: Path) -> bytes:
    files = [where] if where.is_file() else sorted(path for path in where.rglob("*") if path.is_file())
    return b"".join(path.read_bytes() for path in files)


def test_a_machine_that_never_had_a_line_takes_everything_from_the_stick(centre: Centre, at: datetime, medium: Path) -> None:
    film = with_film(centre)
    told = carried(centre, medium, at)
    assert (told.documents, told.blobs, told.missing) == (2, 1, 0)
    assert take_in(medium, at=at + timedelta(days=3)) == Taken(changed=True, blobs=1, wanted=0, problems=())
    assert NOTICES.shown() == ["开学了", f"{FILM}一部"]
    assert LOCAL.shown() == [SECRET]
    assert store.path(film.sha256).read_bytes() == PICTURE
    current = CurrentCatalogue.objects.get()
    assert (current.problem, current.expires_at) == ("", told.expires_at)
    assert not centre.requests, "no line was asked"


def test_what_is_on_the_medium_besides_is_left_alone(centre: Centre, at: datetime, tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "holiday.txt").write_text("not ours")
    carried(centre, tmp_path, at)
    carried(centre, tmp_path, at + MINUTE)
    assert (tmp_path / "metadata" / "holiday.txt").read_text() == "not ours"


def test_a_second_stick_brings_what_changed_and_the_same_one_again_nothing(centre: Centre, at: datetime, medium: Path) -> None:
    carried(centre, medium, at)
    take_in(medium, at=at)
    with_film(centre)
    carried(centre, medium, at + MINUTE)
    assert take_in(medium, at=at + MINUTE).changed
    assert NOTICES.shown() == ["开学了", f"{FILM}一部"]
    assert take_in(medium, at=at + 2 * MINUTE) == Taken(changed=False, blobs=0, wanted=0, problems=())


def test_a_stick_without_blobs_brings_the_notices_and_a_later_one_the_films(centre: Centre, at: datetime, medium: Path) -> None:
    with_film(centre)
    carried(centre, medium, at, with_blobs=False)
    assert take_in(medium, at=at) == Taken(changed=True, blobs=0, wanted=1, problems=())
    assert NOTICES.shown() == ["开学了"]
    carried(centre, medium, at + MINUTE)
    assert take_in(medium, at=at + MINUTE).blobs == 1
    assert NOTICES.shown() == ["开学了", f"{FILM}一部"]


def test_films_by_the_stick_and_rows_by_the_line_meet(centre: Centre, at: datetime, medium: Path) -> None:
    """A line that carries documents, but no film in a month: the film is brought, half of it was here."""
    film = with_film(centre)
    carried(centre, medium, at)
    assert follow(at + MINUTE, line=centre.line)
    store.parts_folder().joinpath(f"{film.sha256}.part").write_bytes(PICTURE[:300_000])
    taken = take_in(medium, at=at + 2 * MINUTE)
    assert taken.blobs == 1
    assert NOTICES.shown() == ["开学了", f"{FILM}一部"]
    assert not Wanted.objects.exists()


def test_after_changes_of_keys_the_stick_brings_every_root(centre: Centre, at: datetime, medium: Path) -> None:
    with centre.at_home():
        for role in ("timestamp", "root", "targets"):
            keys.rotate_keys(role, reason="例行更换", at=at)
    carried(centre, medium, at + MINUTE)
    assert take_in(medium, at=at + MINUTE).changed
    assert NOTICES.shown() == ["开学了"]


class TestSecrets:
    """Documents of a subtree hold hashes and keys: who finds the stick must not read them."""

    def test_of_what_is_for_one_county_nothing_can_be_read_on_the_stick(self, centre: Centre, at: datetime, tmp_path: Path) -> None:
        folder = tmp_path / "stick"
        folder.mkdir()
        carried(centre, folder, at)
        with packet.opened(folder) as found:
            names = set(found.index.files)
            sealed = [name for name in names if name.startswith("sealed/")]
            assert len(sealed) == 1
            assert b"local" not in found.read(sealed[0], 10_000)
            assert b"\x28\xb5\x2f\xfd" not in found.read(sealed[0], 10_000), "nor the frame it was packed in"
            assert not [name for name in names if name.startswith("targets/") and not name.startswith("targets/all/")]
        assert SECRET.encode() not in all_bytes(folder)

    def test_a_machine_of_another_county_is_told_that_the_stick_is_not_for_it(
        self, centre: Centre, at: datetime, medium: Path, other: Node
    ) -> None:
        carried(centre, medium, at, nodes=[other])
        with pytest.raises(Refused, match="不是给本机的"):
            take_in(medium, at=at)
        assert NOTICES.shown() == []
        assert not CurrentCatalogue.objects.exists()

    def test_nor_does_it_help_to_write_its_own_name_on_the_stick(
        self, centre: Centre, at: datetime, medium: Path, other: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another county's machine pretends, and takes that county's scope as well: the key was never sealed for it."""
        carried(centre, medium, at, nodes=[other])
        monkeypatch.setattr(stick, "_require_for_us", lambda index: None)
        with pytest.raises(YuanjiaoError):
            take_in(medium, at=at)
        Node.objects.filter(is_self=True).update(scope=OTHER)
        with pytest.raises(Refused, match="不是给本机的"):
            take_in(medium, at=at)
        assert LOCAL.shown() == []

    def test_one_stick_serves_a_whole_city_and_each_machine_opens_only_its_own(
        self, centre: Centre, at: datetime, medium: Path, other: Node
    ) -> None:
        carried(centre, medium, at, nodes=[own_node(), other])
        assert take_in(medium, at=at).changed
        assert LOCAL.shown() == [SECRET]
        with packet.opened(medium) as found:
            mine = found.read(f"keys/{OTHER.strip('/')}/{other.uid}", 1000)
            assert f"keys/{OTHER.strip('/')}/{own_node().uid}" not in found.index.files
        with pytest.raises(Tampered, match="不是给本机"):
            opened_by_us(mine)

    def test_a_sealed_box_opens_for_its_owner_alone(self, centre: Centre) -> None:
        box = sealed_for(bytes(own_node().public_key), b"key")
        assert opened_by_us(box) == b"key"
        for spoilt in (b"", box[:-1], box[:-1] + bytes([box[-1] ^ 1])):
            with pytest.raises(Tampered):
                opened_by_us(spoilt)
        with pytest.raises(Tampered):
            sealed_for(b"short", b"key")

    def test_what_is_for_everybody_needs_no_receiver(self, centre: Centre, at: datetime, medium: Path) -> None:
        carried(centre, medium, at, nodes=[])
        with pytest.raises(Refused, match="不是给本机的"):
            take_in(medium, at=at)
        Node.objects.filter(is_self=True).update(scope="")
        assert take_in(medium, at=at).changed
        assert (NOTICES.shown(), LOCAL.shown()) == (["开学了"], [])


# Sticks that must not go in. Each gets the packet laid out as a folder, and what was on it before the centre published its second version.
Spoil = Callable[[Centre, Path, Path, datetime], datetime]


def older(centre: Centre, folder: Path, first: Path, at: datetime) -> datetime:
    shutil.rmtree(folder)
    shutil.copytree(first, folder)
    return at


def expired(centre: Centre, folder: Path, first: Path, at: datetime) -> datetime:
    """It lay on a shelf for eight days."""
    return at + timedelta(days=8)


def change(part: str, how: Callable[[bytes], bytes]) -> Spoil:
    def spoil(centre: Centre, folder: Path, first: Path, at: datetime) -> datetime:
        for path in folder.rglob("*"):
            if path.is_file() and part in str(path):
                path.write_bytes(how(path.read_bytes()))
        return at

    return spoil


def flip(content: bytes) -> bytes:
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


def another_centre(centre: Centre, folder: Path, first: Path, at: datetime) -> datetime:
    """All of it rightly signed, by somebody else."""
    shutil.rmtree(centre.home / "keys")
    shutil.rmtree(centre.public)
    NOTICES.texts = ("别家的",)
    carried(centre, folder.parent, at)
    return at


def lose(part: str) -> Spoil:
    def spoil(centre: Centre, folder: Path, first: Path, at: datetime) -> datetime:
        next(folder.rglob(part)).unlink()
        return at

    return spoil


def link_out(centre: Centre, folder: Path, first: Path, at: datetime) -> datetime:
    """A file of the stick is a link to one of the machine's own, of the same size."""
    path = folder / "metadata" / "timestamp.json"
    secret = folder.parent / "secret"
    secret.write_bytes(b"s" * path.stat().st_size)
    size = path.stat().st_size
    path.unlink()
    path.symlink_to("/" * (size - len(str(secret))) + str(secret))  # a link is as large as its text is long
    return at


BAD: dict[str, tuple[Spoil, type[YuanjiaoError], str]] = {
    "older than what stands": (older, Tampered, "版本倒退"),
    "expired while on the shelf": (expired, Tampered, "过期"),
    "signed by another centre": (another_centre, Tampered, "不是由登记时信任的密钥"),
    "a changed timestamp": (change("timestamp.json", lambda content: content.replace(b"2026-", b"2036-")), Tampered, "不是由登记时信任"),
    "a changed list of documents": (
        change("targets.json", lambda content: content.replace(b"notices", b"n0tices")),
        Tampered,
        "信任的密钥",
    ),
    "a changed document": (change("notices.json", flip), Tampered, "摘要不符|无法解压"),
    "a changed secret document": (change("local.json", flip), Tampered, "密封的文档"),
    "a changed key": (change("keys/990000000000/990100000000/990101000000/", flip), Tampered, "密封的"),
    "cut off in the index": (change("index.json", lambda content: content[:-20]), Refused, "不完整"),
    "cut off in a document": (change("notices.json", lambda content: content[:-1]), Refused, "不完整"),
    "without an index": (lose("index.json"), Refused, "没有找到"),
    "without a document it names": (lose("*.notices.json"), Refused, "缺少文件|不完整"),
    "with a link that leads out of it": (link_out, Refused, "不完整"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_stick_that_is_not_right_changes_nothing(centre: Centre, at: datetime, tmp_path: Path, name: str) -> None:
    spoil, error, reason = BAD[name]
    medium = tmp_path / "stick"
    medium.mkdir()
    folder, first = medium / packet.FOLDER, tmp_path / "first"
    carried(centre, medium, at)
    shutil.copytree(folder, first)
    NOTICES.texts = ("第二版",)
    centre.publish(at + MINUTE)
    follow(at + MINUTE, line=centre.line)
    NOTICES.texts, LOCAL.texts = ("第三版",), (SECRET, "第三版")
    carried(centre, medium, at + 2 * MINUTE)

    moment = spoil(centre, folder, first, at + 3 * MINUTE)
    with pytest.raises(error, match=reason):
        take_in(medium, at=moment)
    assert (NOTICES.shown(), LOCAL.shown()) == (["第二版"], [SECRET])
    assert set(HeldShard.objects.values_list("accepted_at", flat=True)) == {at + MINUTE}


@pytest.mark.parametrize("name", ["cut", "no archive", "a compressed one", "of a later form"])
def test_an_archive_that_is_not_whole_is_refused_before_anything_is_asked(centre: Centre, at: datetime, tmp_path: Path, name: str) -> None:
    where, packed = tmp_path / "catalogue.zip", tmp_path / "other.zip"
    with_film(centre)
    carried(centre, where, at)
    if name == "cut":
        where.write_bytes(where.read_bytes()[:-1000])
    elif name == "no archive":
        where.write_bytes(b"x" * 5000)
    else:
        with zipfile.ZipFile(where) as old, zipfile.ZipFile(packed, "w") as new:
            for entry in old.infolist():
                content = old.read(entry)
                if entry.filename == packet.INDEX and name == "of a later form":
                    content = content.replace(b'"form":1', b'"form":2')
                new.writestr(entry.filename, content, zipfile.ZIP_DEFLATED if name == "a compressed one" else zipfile.ZIP_STORED)
        packed.replace(where)
    with pytest.raises(Refused, match=r"不完整|升级本机软件"):
        take_in(where, at=at)
    assert not CurrentCatalogue.objects.exists()


def test_a_rotten_film_keeps_nothing_else_back_and_is_still_awaited(centre: Centre, at: datetime, tmp_path: Path) -> None:
    rotten, good = centre.put_blob(PICTURE), centre.put_blob(PICTURE * 2)
    NOTICES.texts, NOTICES.blobs = ("开学了", f"{FILM}一部"), (rotten, good)
    carried(centre, tmp_path, at)
    path = next((tmp_path / packet.FOLDER / "blobs").rglob(rotten.sha256))
    path.write_bytes(flip(PICTURE))
    taken = take_in(tmp_path, at=at)
    assert (taken.changed, taken.blobs, taken.wanted) == (True, 1, 1)
    assert "摘要不符" in taken.problems[0]
    assert [store.has(ref.sha256) for ref in (rotten, good)] == [False, True]
    assert NOTICES.shown() == ["开学了"]


def test_a_disk_without_room_ends_it_and_the_rows_are_there(centre: Centre, at: datetime, medium: Path, settings: Any) -> None:
    with_film(centre)
    carried(centre, medium, at)
    settings.MIN_FREE_BYTES = 1 << 60
    with pytest.raises(DiskFull):
        take_in(medium, at=at)
    assert NOTICES.shown() == ["开学了"]


def test_a_machine_that_was_never_enrolled_believes_no_stick(centre: Centre, at: datetime, medium: Path) -> None:
    carried(centre, medium, at)
    shutil.rmtree(trusted_folder())
    with pytest.raises(Unavailable, match="尚未登记"):
        take_in(medium, at=at)


def test_a_packet_appears_whole_or_not_at_all(centre: Centre, at: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = tmp_path / "catalogue.zip"
    carried(centre, where, at)
    before = where.read_bytes()

    def pulled_out(writer: packet.Writer, name: str, pieces: Iterator[bytes]) -> None:
        with writer._create(name) as file:
            file.write(next(pieces)[:100])
            raise OSError(5, "Input/output error")

    with_film(centre)
    monkeypatch.setattr(packet.Writer, "pour", pulled_out)
    with pytest.raises(Refused, match="介质无法写入"):
        carried(centre, where, at + MINUTE)
    assert where.read_bytes() == before
    assert not where.with_name("catalogue.zip.new").exists()
    with pytest.raises(Refused, match="没有找到"):
        take_in(tmp_path / "elsewhere.zip", at=at)


def test_a_stick_is_made_for_nodes_and_divisions_that_are_enrolled(centre: Centre, at: datetime, other: Node) -> None:
    node = Node.objects.create(
        uid=new_uid(), kind="site", name="村站", public_key=b"n" * 32, subject_code="S-1", scope=f"{COUNTY}990101100000/", enrolled_at=at
    )
    assert receivers("all") == []
    assert receivers("S-1") == receivers(str(node.uid)) == receivers("990101100000") == [node]
    assert [found.scope for found in receivers("/990000000000/990100000000/")] == [COUNTY, OTHER, node.scope]
    assert receivers(OTHER) == [other]
    renewed = Node.objects.create(
        uid=new_uid(), kind="site", name="村站", public_key=b"m" * 32, subject_code="S-1", scope=node.scope, renews=node, enrolled_at=at
    )
    assert receivers("S-1") == receivers("990101100000") == [renewed]
    Node.objects.filter(pk=renewed.pk).update(revoked_at=at, revoked_reason="丢失")
    for nobody in ("S-1", "990101100000", "990199000000", "9901"):
        with pytest.raises(NotFound):
            receivers(nobody)


def test_a_node_in_the_middle_makes_sticks_for_those_below_it(centre: Centre, at: datetime, tmp_path: Path) -> None:
    """It passes on what it took up, and renews no signature: it has no keys."""
    follow(at, line=centre.line)
    Node.objects.create(kind="centre", name="市中心", public_key=b"p" * 32, is_parent=True, enrolled_at=at)
    Node.objects.filter(is_self=True).update(kind="edge")
    before = (trusted_folder() / "timestamp.json").read_bytes()
    export(tmp_path, nodes=[own_node()], at=at + timedelta(days=1))
    assert (tmp_path / packet.FOLDER / "metadata" / "timestamp.json").read_bytes() == before
    with pytest.raises(Refused, match="请在上级导出"):
        export(tmp_path, nodes=[Node.objects.get(scope=OTHER)], at=at + timedelta(days=1))


def test_the_commands_say_for_whom_and_until_when(centre: Centre, at: datetime, tmp_path: Path, other: Node) -> None:
    film = with_film(centre)
    centre.blob_path(film).unlink()
    out = StringIO()
    with centre.at_home():
        call_command("catalogue", "export", str(tmp_path / "a.zip"), "--scope", OTHER, stdout=out)
    told = out.getvalue()
    assert str(other.uid) in told
    assert "另有 1 个文件本机没有" in told
    assert "前导入" in told
    with pytest.raises(CommandError, match="不是给本机的"):
        call_command("catalogue", "import", str(tmp_path / "a.zip"), stdout=out)
    with centre.at_home(), pytest.raises(CommandError, match="没有登记过"):
        call_command("catalogue", "export", str(tmp_path / "b.zip"), "--scope", "S-9", stdout=out)
