"""Following a catalogue: it becomes ours whole or not at all, and nothing that was tampered with ever does."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from django.test import Client, override_settings

from tests.flow.notices import LOCAL, NOTICES, POISON
from tests.flow.publishing import Centre, lost, missing, plain, replaced
from yuanjiao.flow.blobs import fetch, keeping, store
from yuanjiao.flow.catalogue import shelf as shelves_table
from yuanjiao.flow.catalogue.follow import follow, follow_parent
from yuanjiao.flow.catalogue.passing import pass_root_on
from yuanjiao.flow.catalogue.shards import wrap
from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.flow.catalogue.trust import pin_root
from yuanjiao.flow.models import Blob, CurrentCatalogue, HeldShard, Node
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.lib.errors import DiskFull, Refused, Tampered, Unavailable, YuanjiaoError

pytestmark = pytest.mark.django_db
COUNTY = "/990000000000/990100000000/990101000000/"
OTHER = "/990000000000/990100000000/990102000000/"
FILM = bytes(range(256)) * 400


@pytest.fixture
def centre(tmp_path: Path, settings: Any, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    """A centre that has published its first notices; this machine is an edge of one county that trusts it."""
    settings.YUANJIAO_SHELVES = "tests.flow.notices.SHELVES"
    settings.HOME = tmp_path / "edge"
    shelves_table.shelves.cache_clear()
    monkeypatch.setattr(fetch, "PAUSE_S", 0.0)
    NOTICES.texts, NOTICES.blobs, LOCAL.texts, LOCAL.blobs = ("开学了",), (), ("本县通知",), ()
    ensure_self(at=at)
    Node.objects.filter(is_self=True).update(scope=COUNTY)
    for number, scope in enumerate((COUNTY, OTHER)):
        Node.objects.create(kind="edge", name=scope, public_key=bytes([number]) * 32, scope=scope, enrolled_at=at)
    made = Centre(tmp_path / "centre")
    made.publish(at)
    pin_root(made.root)
    yield made
    shelves_table.shelves.cache_clear()


def stands(*notices: str) -> bool:
    """Whether exactly these notices are shown."""
    return NOTICES.shown() == list(notices)


def test_what_the_centre_publishes_is_shown_at_the_edge(centre: Centre, at: datetime) -> None:
    assert follow(at, line=centre.line)
    assert stands("开学了")
    assert LOCAL.shown() == ["本县通知"]
    current = CurrentCatalogue.objects.get()
    assert (current.accepted_at, current.failures, current.problem) == (at, 0, "")


def test_nothing_new_is_one_request_and_less_than_a_kilobyte(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    centre.requests.clear()
    centre.bytes_down = centre.bytes_up = 0
    assert not follow(at + timedelta(minutes=1), line=centre.line)
    assert centre.requests == ["/catalogue/metadata/timestamp.json"]
    assert centre.bytes_down + centre.bytes_up < 1000


def test_one_changed_item_among_many_costs_under_five_kilobytes(centre: Centre, at: datetime) -> None:
    NOTICES.texts = tuple(hashlib.sha256(str(number).encode()).hexdigest() for number in range(3000))
    centre.publish(at)
    follow(at, line=centre.line)
    NOTICES.texts = (*NOTICES.texts[:1500], "改过的一条", *NOTICES.texts[1501:])
    centre.publish(at + timedelta(minutes=1))
    centre.bytes_down = centre.bytes_up = 0
    assert follow(at + timedelta(minutes=1), line=centre.line)
    assert NOTICES.shown()[1500] == "改过的一条"
    assert centre.bytes_down + centre.bytes_up < 5000


def test_only_what_changed_is_taken_up_again(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    NOTICES.texts = ("开学了", "放假了")
    centre.publish(at + timedelta(minutes=1))
    centre.requests.clear()
    assert follow(at + timedelta(minutes=1), line=centre.line)
    assert stands("开学了", "放假了")
    assert not [path for path in centre.requests if "local.json" in path]
    assert HeldShard.objects.get(path="990000000000/990100000000/990101000000/local.json").accepted_at == at


def test_an_edge_asks_for_no_document_of_another_county(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    asked = [path for path in centre.requests if "/targets/" in path]
    assert len(asked) == 2
    assert not [path for path in asked if "990102000000" in path]


def test_before_enrolment_nothing_is_trusted(centre: Centre, at: datetime) -> None:
    shutil.rmtree(centre.home.parent / "edge" / "catalogue")
    with pytest.raises(Unavailable, match="尚未登记"):
        follow(at, line=centre.line)


# What an attacker on the line, or a stolen parent, may try. Each gets the centre (two versions published, the second one
# followed) and the copy of the first; afterwards the old notices must stand.
Attack = Callable[[Centre, Path, datetime], None]


def roll_back(centre: Centre, first: Path, at: datetime) -> None:
    centre.bring_back(first)


def publish_third(centre: Centre, at: datetime) -> None:
    NOTICES.texts = ("第三版",)
    centre.publish(at)


def spoil(part: str, change: Callable[[bytes], bytes]) -> Attack:
    def attack(centre: Centre, first: Path, at: datetime) -> None:
        publish_third(centre, at)
        for path in (centre.public / ("targets" if "notices" in part else "metadata")).rglob(f"*{part}"):
            path.write_bytes(change(path.read_bytes()))

    return attack


def sign_with(**keys: str) -> Attack:
    def attack(centre: Centre, first: Path, at: datetime) -> None:
        NOTICES.texts = ("第三版",)
        centre.publish_exactly(centre.contents(), at, **keys)

    return attack


def another_centre(centre: Centre, first: Path, at: datetime) -> None:
    shutil.rmtree(centre.home / "keys")
    shutil.rmtree(centre.public)
    publish_third(centre, at)


def strangers_root(centre: Centre, first: Path, at: datetime) -> None:
    """A next root that the old keys did not sign."""
    another_centre(centre, first, at)
    content = centre.root.replace(b'"version":1', b'"version":2')
    (centre.public / "metadata" / "2.root.json").write_bytes(content)


def swap_documents(centre: Centre, first: Path, at: datetime) -> None:
    """Rightly signed, but the document of one county under the address of another."""
    contents = centre.contents()
    address = "990000000000/{}/local.json".format("990100000000/990101000000")
    contents[address] = contents[address.replace("990101", "990102")]
    centre.publish_exactly(contents, at)


def bomb(centre: Centre, first: Path, at: datetime) -> None:
    """A few bytes that unpack to a hundred million."""
    publish_third(centre, at)
    packed = zstandard.ZstdCompressor().compress(bytes(100_000_000))
    centre.spoil["notices.json"] = lambda _: plain(200, packed, {"Content-Encoding": "zstd"})


def endless_timestamp(centre: Centre, first: Path, at: datetime) -> None:
    publish_third(centre, at)
    centre.spoil["timestamp.json"] = replaced(b"[" * 1_000_000)


def newer_form(centre: Centre, first: Path, at: datetime) -> None:
    contents = centre.contents()
    contents["all/notices.json"] = contents["all/notices.json"].replace(b'"form":1', b'"form":2')
    centre.publish_exactly(contents, at)


ATTACKS: dict[str, tuple[Attack, str]] = {
    "an older catalogue": (roll_back, "版本倒退"),
    "a changed document": (spoil("notices.json", lambda content: content.replace("三".encode(), "四".encode())), "长度或摘要不符"),
    "a shortened document": (spoil("notices.json", lambda content: content[:-1]), "长度或摘要不符"),
    "a lengthened document": (spoil("notices.json", lambda content: content + b" "), "超过签名允许的长度"),
    "an emptied document": (spoil("notices.json", lambda content: b""), "长度或摘要不符"),
    "a changed list of documents": (
        spoil("targets.json", lambda content: content.replace(b"notices", b"n0tices")),
        "不是由登记时信任的密钥",
    ),
    "a changed snapshot": (
        spoil("snapshot.json", lambda content: content.replace(b'"version":', b'"version":1')),
        "不是由登记时信任的密钥",
    ),
    "a changed timestamp": (spoil("timestamp.json", lambda content: content.replace(b"2026-", b"2036-")), "不是由登记时信任的密钥"),
    "half a timestamp": (spoil("timestamp.json", lambda content: content[: len(content) // 2]), "无法读取"),
    "a timestamp that is none": (spoil("timestamp.json", lambda content: b"<html>"), "无法读取"),
    "a timestamp without end": (endless_timestamp, "超过签名允许的长度"),
    "targets signed by the timestamp's key": (sign_with(targets="timestamp"), "不是由登记时信任的密钥"),
    "snapshot signed by the targets' key": (sign_with(snapshot="targets"), "不是由登记时信任的密钥"),
    "timestamp signed by the snapshot's key": (sign_with(timestamp="snapshot"), "不是由登记时信任的密钥"),
    "another centre": (another_centre, "不是由登记时信任的密钥"),
    "a stranger's next root": (strangers_root, "不是由登记时信任的密钥"),
    "another county's document": (swap_documents, "与地址不符"),
    "a document of a later form": (newer_form, "升级本机软件"),
    "a document that unpacks without end": (bomb, "超过签名允许的长度"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_named_and_leaves_the_old_catalogue_whole(centre: Centre, at: datetime, name: str) -> None:
    attack, reason = ATTACKS[name]
    first = centre.keep()
    NOTICES.texts = ("第二版",)
    centre.publish(at + timedelta(minutes=1))
    follow(at + timedelta(minutes=1), line=centre.line)
    before = CurrentCatalogue.objects.values("timestamp_sha256", "version", "accepted_at").get()

    attack(centre, first, at + timedelta(minutes=2))
    with pytest.raises(Tampered, match=reason):
        follow(at + timedelta(minutes=3), line=centre.line)
    assert stands("第二版")
    assert LOCAL.shown() == ["本县通知"]
    assert CurrentCatalogue.objects.values("timestamp_sha256", "version", "accepted_at").get() == before
    assert CurrentCatalogue.objects.get().problem


def test_a_catalogue_that_is_held_back_is_noticed_when_its_signature_runs_out(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    assert not follow(at + timedelta(days=6), line=centre.line)
    with pytest.raises(Tampered, match="过期"):
        follow(at + timedelta(days=8), line=centre.line)
    assert stands("开学了")


def test_a_node_that_was_away_for_a_month_takes_up_the_newest(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    for day in range(1, 35):
        NOTICES.texts = (f"第 {day} 天",)
        centre.publish(at + timedelta(days=day))
    assert follow(at + timedelta(days=34), line=centre.line)
    assert stands("第 34 天")


def test_a_shelf_that_fails_in_the_middle_undoes_the_others(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    NOTICES.texts, LOCAL.texts = ("新的",), ("好的一条", POISON)
    centre.publish(at + timedelta(minutes=1))
    with pytest.raises(Refused, match="无法落地"):
        follow(at + timedelta(minutes=1), line=centre.line)
    assert stands("开学了")
    assert LOCAL.shown() == ["本县通知"]
    assert set(HeldShard.objects.values_list("accepted_at", flat=True)) == {at}
    LOCAL.texts = ("改好了",)
    centre.publish(at + timedelta(minutes=2))
    assert follow(at + timedelta(minutes=2), line=centre.line)
    assert (NOTICES.shown(), LOCAL.shown()) == (["新的"], ["改好了"])


def test_a_catalogue_shows_only_when_its_blobs_are_here(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    film = centre.put_blob(FILM)
    NOTICES.texts, NOTICES.blobs = ("新片",), (film,)
    centre.publish(at + timedelta(minutes=1))
    assert follow(at + timedelta(minutes=1), line=centre.line)
    assert stands("新片")
    assert store.path(film.sha256).read_bytes() == FILM
    assert store.ref(film.sha256).media_type == "video/mp4"


BAD_BLOBS: dict[str, tuple[Callable[[bytes], bytes] | None, type[YuanjiaoError], str]] = {
    "changed": (lambda content: b"x" + content[1:], Tampered, "摘要不符"),
    "shortened": (lambda content: content[:-1], Unavailable, "中途断开|没有给出"),
    "lengthened": (lambda content: content + b"x", Tampered, "长"),
    "missing": (None, Unavailable, "没有给出文件"),
}


@pytest.mark.parametrize("name", BAD_BLOBS)
def test_a_blob_that_cannot_be_had_leaves_the_old_catalogue_whole_until_it_can(centre: Centre, at: datetime, name: str) -> None:
    change, error, reason = BAD_BLOBS[name]
    follow(at, line=centre.line)
    film = centre.put_blob(FILM)
    NOTICES.texts, NOTICES.blobs = ("新片",), (film,)
    centre.publish(at + timedelta(minutes=1))
    path = centre.blob_path(film)
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(FILM))
    with pytest.raises(error, match=reason):
        follow(at + timedelta(minutes=1), line=centre.line)
    assert stands("开学了")
    assert not store.has(film.sha256)
    path.write_bytes(FILM)
    assert follow(at + timedelta(minutes=2), line=centre.line)
    assert stands("新片")


def test_a_disk_without_room_for_a_blob_leaves_the_old_catalogue_whole(centre: Centre, at: datetime, settings: Any) -> None:
    follow(at, line=centre.line)
    NOTICES.texts, NOTICES.blobs = ("新片",), (centre.put_blob(FILM),)
    centre.publish(at + timedelta(minutes=1))
    settings.MIN_FREE_BYTES = 1 << 60
    with pytest.raises(DiskFull):
        follow(at + timedelta(minutes=1), line=centre.line)
    assert stands("开学了")


def test_a_withdrawn_item_goes_at_once_and_its_bytes_after_the_grace(centre: Centre, at: datetime) -> None:
    film, poster = centre.put_blob(FILM), centre.put_blob(b"poster", "image/jpeg")
    NOTICES.texts, NOTICES.blobs = ("新片",), (film, poster)
    centre.publish(at + timedelta(minutes=1))
    follow(at + timedelta(minutes=1), line=centre.line)
    own = store.put(b"put here by hand")
    NOTICES.texts, NOTICES.blobs = (), (poster,)
    centre.publish(at + timedelta(minutes=2))
    follow(at + timedelta(minutes=2), line=centre.line)
    assert stands()
    assert keeping.sweep_blobs(at + timedelta(minutes=3)) == 0, "somebody may still be watching"
    assert keeping.sweep_blobs(at + timedelta(hours=7)) == len(FILM)
    assert [store.has(ref.sha256) for ref in (film, poster, own)] == [False, True, True]


def test_a_blob_that_is_released_again_is_kept(centre: Centre, at: datetime) -> None:
    film = centre.put_blob(FILM)
    for minute, blobs in enumerate(((film,), (), (film,)), 1):
        NOTICES.texts, NOTICES.blobs = (f"第 {minute} 次",), blobs
        centre.publish(at + timedelta(minutes=minute))
        follow(at + timedelta(minutes=minute), line=centre.line)
    keeping.sweep_blobs(at + timedelta(days=1))
    assert store.has(film.sha256)
    assert Blob.objects.get(sha256=film.sha256).listed


@pytest.mark.parametrize("part", ["timestamp.json", "snapshot.json", "targets.json", "notices.json"])
@pytest.mark.parametrize("spoiler", [lost, missing], ids=["cut", "missing"])
def test_a_line_that_breaks_anywhere_is_tried_again_and_changes_nothing(centre: Centre, at: datetime, part: str, spoiler: Any) -> None:
    follow(at, line=centre.line)
    NOTICES.texts = ("新的",)
    centre.publish(at + timedelta(minutes=1))
    centre.spoil[part] = spoiler
    with pytest.raises(Unavailable):
        follow(at + timedelta(minutes=1), line=centre.line)
    assert stands("开学了")
    centre.spoil.clear()
    assert follow(at + timedelta(minutes=2), line=centre.line)
    assert stands("新的")


def test_after_failures_the_job_waits_and_then_asks_again(centre: Centre, at: datetime, settings: Any) -> None:
    settings.PARENT = "http://127.0.0.1:9"
    with pytest.raises(Unavailable):
        follow_parent(at)
    current = CurrentCatalogue.objects.get()
    assert current.failures == 1
    assert current.retry_at is not None
    CurrentCatalogue.objects.update(retry_at=at + timedelta(seconds=9))
    assert follow_parent(at + timedelta(seconds=8)) is False
    with pytest.raises(Unavailable):
        follow_parent(at + timedelta(seconds=10))
    assert CurrentCatalogue.objects.get().failures == 2


def test_a_node_that_moves_to_another_county_takes_up_that_countys_document(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    Node.objects.filter(is_self=True).update(scope=OTHER)
    assert follow(at + timedelta(minutes=1), line=centre.line)
    assert HeldShard.objects.filter(path__contains="990102000000").exists()


def test_a_centre_that_lost_its_catalogue_but_not_its_keys_is_still_followed(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    shutil.rmtree(centre.public)
    NOTICES.texts = ("从头再来",)
    centre.publish(at + timedelta(hours=1))
    assert follow(at + timedelta(hours=1), line=centre.line)
    assert stands("从头再来")


def test_a_root_that_is_none_is_not_pinned(centre: Centre) -> None:
    for content in (b"", b"{}", centre.root[:-10], (centre.public / "metadata" / "timestamp.json").read_bytes()):
        with pytest.raises(Tampered):
            pin_root(content)
    with pytest.raises(Tampered, match="密钥"):
        pin_root(centre.root.replace(b'"version":1', b'"version":7'))


def test_another_parent_begins_with_nothing_trusted_of_the_old_one(centre: Centre, at: datetime, tmp_path: Path) -> None:
    follow(at, line=centre.line)
    other = Centre(tmp_path / "other")
    NOTICES.texts = ("新上级",)
    other.publish(at - timedelta(days=1))
    pin_root(other.root)
    assert follow(at, line=other.line)
    assert stands("新上级")


def test_a_site_below_an_edge_follows_the_edge_and_trusts_only_the_centre(centre: Centre, at: datetime, tmp_path: Path) -> None:
    film = centre.put_blob(FILM)
    NOTICES.blobs = (film,)
    centre.publish(at + timedelta(minutes=1))
    pass_root_on(centre.root)
    follow(at + timedelta(minutes=1), line=centre.line)
    edge = Centre(tmp_path / "edge")
    CurrentCatalogue.objects.all().delete()
    HeldShard.objects.all().delete()
    (tmp_path / "site").mkdir()
    shutil.copy(tmp_path / "edge" / "node.key", tmp_path / "site")
    with override_settings(HOME=tmp_path / "site"):
        pin_root(edge.root)
        assert edge.root == centre.root
        assert follow(at + timedelta(minutes=2), line=edge.line)
        assert store.path(film.sha256).read_bytes() == FILM
    assert stands("开学了")


class TestDoor:
    """Who gets what at /catalogue/."""

    def test_a_stranger_gets_metadata_and_no_document(self, centre: Centre, at: datetime) -> None:
        with override_settings(HOME=centre.home):
            path = next((centre.public / "targets" / "all").iterdir()).name
            assert Client().get("/catalogue/metadata/timestamp.json").status_code == 200
            assert Client().get(f"/catalogue/targets/all/{path}").status_code == 401

    def test_a_node_gets_its_own_subtree_and_not_a_word_of_another(self, centre: Centre, at: datetime) -> None:
        for scope, status in (
            (COUNTY, 200),
            (OTHER, 404),
            ("", 404),
            ("/990000000000/990100000000/", 200),
            (f"{COUNTY}990101100000/", 404),
        ):
            Node.objects.filter(is_self=True).update(scope=scope)
            name = next((centre.public / "targets" / COUNTY.strip("/")).iterdir()).name
            answer = centre.line.get(f"/catalogue/targets/{COUNTY.strip('/')}/{name}", signed=True)
            assert answer.status_code == status, scope

    def test_a_revoked_node_gets_nothing(self, centre: Centre, at: datetime) -> None:
        Node.objects.filter(is_self=True).update(revoked_at=at, revoked_reason="丢失")
        name = next((centre.public / "targets" / "all").iterdir()).name
        assert centre.line.get(f"/catalogue/targets/all/{name}", signed=True).status_code == 401

    @pytest.mark.parametrize(
        "path",
        [
            "metadata/x.json",
            "metadata/..%2F..%2Fkeys%2Froot.pem",
            "metadata/1.timestamp.json",
            "targets/all/notices.json",
            "targets/../keys",
        ],
    )
    def test_other_names_are_nobodys(self, centre: Centre, path: str) -> None:
        assert centre.line.get(f"/catalogue/{path}", signed=True).status_code == 404


def test_a_document_wrapped_for_everybody_says_so() -> None:
    NOTICES.texts, NOTICES.blobs = ("甲",), ()
    assert b'"scope":"all"' in wrap("notices", ALL, NOTICES.offer(ALL))
