"""Large documents come in parts: a changed row costs its part, none is believed that the shard does not name, none leaves its subtree."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import re
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from tests.flow.notices import FILM, LOCAL, NOTICES
from tests.flow.publishing import COUNTY, OTHER, Centre, changed, lost, missing, plain, replaced
from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.catalogue import bundle, packed, parts, passing, stick, trust
from yuanjiao.flow.catalogue.answers import answer
from yuanjiao.flow.catalogue.encoding import dictionary_header, pack
from yuanjiao.flow.catalogue.follow import follow
from yuanjiao.flow.catalogue.passing import pass_root_on
from yuanjiao.flow.catalogue.publish import part_file, public_folder
from yuanjiao.flow.catalogue.queries import documents_in_force, signed_by_scope
from yuanjiao.flow.catalogue.repository import KEPT, Repository
from yuanjiao.flow.catalogue.shards import Shard, address, laid_out, shard_file, unwrap, wrap
from yuanjiao.flow.catalogue.shelf import ALL, Offer, to_document
from yuanjiao.flow.catalogue.trust import held_document, pin_root, shards_folder
from yuanjiao.flow.models import CurrentCatalogue, HeldShard, Node, Wanted
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib.errors import DiskFull, Tampered, Unavailable

MINUTE = timedelta(minutes=1)
NOTICES_PATH, LOCAL_PATH = "all/notices.json", address("local", COUNTY)


def texts(count: int, first: int = 0) -> tuple[str, ...]:
    return tuple(hashlib.sha256(str(number).encode()).hexdigest()[:60] for number in range(first, first + count))


def rows(count: int, seed: int = 1) -> list[dict[str, object]]:
    draw = random.Random(seed)
    return [{"uid": draw.randbytes(16).hex(), "blob": draw.randbytes(32).hex(), "title": "课" * draw.randrange(40)} for _ in range(count)]


class TestCut:
    """Where documents are cut."""

    @given(document=st.binary(max_size=200), times=st.integers(1, 3000), mark=st.sampled_from([b"},{", b'","', b"", b"x"]))
    def test_the_pieces_are_the_document_and_none_is_too_large(self, document: bytes, times: int, mark: bytes) -> None:
        whole = mark.join([document] * times)
        pieces = list(parts.cut(whole))
        assert b"".join(pieces) == whole
        assert all(0 < len(piece) <= parts.MOST for piece in pieces)
        assert all(len(piece) >= parts.LEAST or piece is pieces[-1] or len(piece) > parts.MOST - parts.LEAST for piece in pieces)

    @pytest.mark.parametrize("place", [0, 4000, 7999])
    def test_a_row_that_comes_changes_or_goes_touches_its_own_place_alone(self, place: int) -> None:
        before = rows(8000)
        for after in ([*before[:place], {"uid": "new"}, *before[place:]], [*before[:place], *before[place + 1 :]]):
            old, new = (set(parts.cut(to_document(one))) for one in (before, after))
            assert len(old) > 8
            assert len(new - old) <= 2
            assert len(old - new) <= 2

    def test_a_list_of_texts_is_cut_between_them(self) -> None:
        before = texts(20_000)
        old, new = (set(parts.cut(to_document({"texts": one}))) for one in (before, ("前面来的", *before)))
        assert len(old) > 8
        assert len(new - old) <= 2

    def test_blobs_stand_with_the_rows_that_name_them(self) -> None:
        named = rows(4000)
        blobs = [BlobRef(str(row["blob"]), 7, "video/mp4") for row in named]
        elsewhere = BlobRef("f" * 64, 9)
        content, contents = parts.divide("courses", ALL, Offer(to_document(named), (*blobs, elsewhere)))
        assert msgspec.json.decode(content)["blobs"] == [{"sha256": "f" * 64, "size": 9, "media_type": store.PLAIN}]
        shard = unwrap(content, shelf="courses", scope=ALL, part=lambda part: contents[part.sha256])
        assert (shard.blobs, bytes(shard.document)) == (tuple(sorted([*blobs, elsewhere])), to_document(named))
        first = contents[parts.named(content)[0].sha256]
        listed = {one["sha256"] for one in msgspec.json.decode(first.split(b"\n")[0])}
        assert listed == {str(row["blob"]) for row in named if str(row["blob"]).encode() in first.split(b"\n")[1]}


class TestForm:
    """What a target file of form 2 is."""

    def test_small_documents_stay_as_they_were(self) -> None:
        content, contents = laid_out("notices", ALL, Offer(b'{"a":1}'))
        assert (parts.form_of(content), contents) == (1, {})

    def test_software_that_knows_no_parts_can_say_that_it_must_be_upgraded(self) -> None:
        content, _ = parts.divide("courses", ALL, Offer(to_document(rows(3000))))
        assert msgspec.json.decode(content, type=Shard).form == 2, "what it read first, and refused by the form"

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda content: content.replace(b'"scope":"all"', b'"scope":"/990000000000/"'),
            lambda content: re.sub(rb'\["[0-9a-f]{64}"', b'["../../secret"', content),
            lambda content: re.sub(rb"(\d+)\]", b"999999999]", content),
            lambda content: content.replace(b'"form":2', b'"form":3'),
            lambda content: content.replace(b'"parts":', b'"pieces":'),
        ],
    )
    def test_what_is_none_is_an_alarm(self, spoil: Any) -> None:
        content, contents = parts.divide("courses", ALL, Offer(to_document(rows(3000))))
        with pytest.raises(Tampered):
            unwrap(spoil(content), shelf="courses", scope=ALL, part=lambda part: contents.get(part.sha256, b""))

    @pytest.mark.parametrize("torn", [b"", b"[]", b"[]x", b"{}\n[]", b'[{"sha256":7}]\n[]'])
    def test_a_part_that_is_none_is_an_alarm(self, torn: bytes) -> None:
        content, _ = parts.divide("courses", ALL, Offer(to_document(rows(3000))))
        with pytest.raises(Tampered):
            unwrap(content, shelf="courses", scope=ALL, part=lambda part: torn)


@pytest.fixture
def large(centre: Centre, at: datetime) -> Centre:
    """A centre whose notices are cut, followed by this machine."""
    NOTICES.texts = texts(6000)
    centre.publish(at + MINUTE)
    follow(at + MINUTE, line=centre.line)
    assert NOTICES.shown() == list(NOTICES.texts)
    centre.requests.clear()
    return centre


def files(home: Path, shelf: str = "notices") -> set[str]:
    return {path.name for path in (home / "catalogue" / "public" / "targets").rglob(f"*.{shelf}.part")}


def asked_parts(centre: Centre) -> list[str]:
    return [path for path in centre.requests if path.endswith(".part")]


def change(centre: Centre, at: datetime, *places: int) -> None:
    said = list(NOTICES.texts)
    for place in places:
        said[place] = f"改过的第 {place} 条"
    NOTICES.texts = tuple(said)
    centre.publish(at)


@pytest.mark.django_db
class TestFollowing:
    """What comes over the line."""

    def test_a_changed_row_comes_with_its_shard_in_one_answer_of_a_kilobyte(self, large: Centre, at: datetime) -> None:
        held = files(large.home)
        change(large, at + 2 * MINUTE, 3000)
        large.bytes_down = large.bytes_up = 0
        assert follow(at + 2 * MINUTE, line=large.line)
        assert NOTICES.shown() == list(NOTICES.texts)
        assert asked_parts(large) == []
        assert len([path for path in large.requests if "/targets/" in path]) == 1
        assert large.bytes_down + large.bytes_up < 5000
        assert len(files(large.home) - held) <= 2
        assert files(large.home) == files(public_folder().parent.parent)

    def test_a_document_that_grew_over_the_limit_is_a_difference_to_the_whole_one(self, centre: Centre, at: datetime) -> None:
        NOTICES.texts = texts(4000)
        centre.publish(at + MINUTE)
        follow(at + MINUTE, line=centre.line)
        assert not files(centre.home)
        NOTICES.texts = texts(4400)
        centre.publish(at + 2 * MINUTE)
        centre.bytes_down = 0
        follow(at + 2 * MINUTE, line=centre.line)
        assert NOTICES.shown() == list(NOTICES.texts)
        assert files(centre.home)
        assert centre.bytes_down < 30_000, "four hundred new rows, not four thousand"
        NOTICES.texts = texts(100)
        centre.publish(at + 3 * MINUTE)
        follow(at + 3 * MINUTE, line=centre.line)
        assert NOTICES.shown() == list(NOTICES.texts)

    def test_too_many_changes_for_one_answer_come_part_by_part_as_differences(
        self, large: Centre, at: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bundle, "MOST", 1000)
        change(large, at + 2 * MINUTE, 10, 5990)
        large.bytes_down = 0
        assert follow(at + 2 * MINUTE, line=large.line)
        assert NOTICES.shown() == list(NOTICES.texts)
        assert len(asked_parts(large)) == 2
        assert large.bytes_down < 6000

    def test_after_a_cut_only_what_is_lacking_is_asked_for_and_as_a_difference(
        self, large: Centre, at: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bundle, "MOST", 1000)
        change(large, at + 2 * MINUTE, 10, 3000)
        newest = max((public := large.public / "targets" / "all").glob("*.part"), key=lambda path: path.stat().st_mtime_ns)
        large.spoil[newest.name] = lost
        with pytest.raises(Unavailable):
            follow(at + 2 * MINUTE, line=large.line)
        assert NOTICES.shown()[10] != NOTICES.texts[10], "whole or not at all"
        large.spoil.clear()
        large.requests.clear()
        large.bytes_down = 0
        assert follow(at + 3 * MINUTE, line=large.line)
        assert asked_parts(large) == [f"/catalogue/targets/all/{newest.name}"]
        assert large.bytes_down < 3000 < newest.stat().st_size
        assert public.is_dir()
        assert NOTICES.shown() == list(NOTICES.texts)

    @pytest.mark.parametrize("spoilt", [b"", b"torn"])
    def test_a_part_that_a_power_cut_tore_is_fetched_anew(self, large: Centre, at: datetime, spoilt: bytes) -> None:
        first = parts.named(held_document(NOTICES_PATH) or b"")[0]
        torn = part_file(NOTICES_PATH, first.sha256)
        torn.write_bytes(spoilt.ljust(first.size if spoilt else 0))
        change(large, at + 2 * MINUTE, 5999)
        assert follow(at + 3 * MINUTE, line=large.line)
        assert NOTICES.shown() == list(NOTICES.texts)
        assert asked_parts(large) == [f"/catalogue/targets/all/{torn.name}"]
        assert parts.is_part(torn.read_bytes(), first)

    def test_a_torn_part_is_not_handed_on_and_the_top_lays_it_down_anew(self, large: Centre, at: datetime) -> None:
        torn = next((large.public / "targets" / "all").glob("*.notices.part"))
        whole = torn.read_bytes()
        torn.write_bytes(whole[:-1] + b"?")
        assert large.line.get(f"/catalogue/targets/all/{torn.name}", signed=True).status_code == 404
        large.publish(at + 2 * MINUTE)
        assert torn.read_bytes() == whole

    def test_blobs_of_a_large_document_hold_up_what_needs_them(self, large: Centre, at: datetime) -> None:
        film = large.put_blob(bytes(range(256)) * 400)
        NOTICES.texts, NOTICES.blobs = (*NOTICES.texts, f"{FILM} {film.sha256}"), (film,)
        large.publish(at + 2 * MINUTE)
        assert follow(at + 2 * MINUTE, line=large.line)
        assert CurrentCatalogue.objects.get().waiting == 1
        assert NOTICES.shown() == list(NOTICES.texts[:-1])
        with large.at_home():
            content = store.path(film.sha256).read_bytes()
        store.put(content)
        Wanted.objects.all().delete()
        assert follow(at + 3 * MINUTE, line=large.line), "accepted once more, from the disk"
        assert NOTICES.shown() == list(NOTICES.texts)

    def test_the_queries_read_whole_documents(self, large: Centre, at: datetime) -> None:
        assert documents_in_force("notices") == [NOTICES.offer(ALL).document]
        with large.at_home():
            assert signed_by_scope("notices")[1] == {ALL: NOTICES.offer(ALL).document}

    def test_a_disk_that_is_full_is_said_and_nothing_is_asked_for_that_would_not_fit(
        self, large: Centre, at: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bundle, "MOST", 1000)
        change(large, at + 2 * MINUTE, 10)
        with monkeypatch.context() as narrow:
            narrow.setattr(trust, "lay_part", full)
            with pytest.raises(DiskFull):
                follow(at + 2 * MINUTE, line=large.line)
        current = CurrentCatalogue.objects.get()
        assert (current.failures, "磁盘已满" in current.problem, current.retry_at is not None) == (1, True, True)
        large.requests.clear()
        with monkeypatch.context() as narrow:
            narrow.setattr(trust.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
            with pytest.raises(DiskFull):
                follow(at + 3 * MINUTE, line=large.line)
        assert asked_parts(large) == []
        assert follow(at + 4 * MINUTE, line=large.line)
        assert NOTICES.shown() == list(NOTICES.texts)

    @pytest.fixture
    def half(self, large: Centre, at: datetime, monkeypatch: pytest.MonkeyPatch) -> tuple[Centre, store.BlobRef]:
        """A film is awaited, and of the next change only some parts have come."""
        monkeypatch.setattr(bundle, "MOST", 1000)
        film = large.put_blob(bytes(range(256)) * 400)
        NOTICES.texts, NOTICES.blobs = (*NOTICES.texts, f"{FILM} {film.sha256}"), (film,)
        large.publish(at + 2 * MINUTE)
        follow(at + 2 * MINUTE, line=large.line)
        change(large, at + 3 * MINUTE, 10, 3000)
        newest = max((large.public / "targets" / "all").glob("*.part"), key=lambda path: path.stat().st_mtime_ns)
        large.spoil[newest.name] = lost
        with pytest.raises(Unavailable):
            follow(at + 3 * MINUTE, line=large.line)
        return large, film

    def test_while_parts_of_a_change_come_the_queries_read_what_is_in_force(self, half: tuple[Centre, store.BlobRef]) -> None:
        (document,) = documents_in_force("notices")
        assert FILM in document.decode()
        assert "改过的第 10 条" not in document.decode()

    def test_while_parts_of_a_change_come_a_film_that_came_shows(self, half: tuple[Centre, store.BlobRef], at: datetime) -> None:
        centre, film = half
        with centre.at_home():
            content = store.path(film.sha256).read_bytes()
        store.put(content)
        Wanted.objects.all().delete()
        with pytest.raises(Unavailable):
            follow(at + 4 * MINUTE, line=centre.line)
        assert f"{FILM} {film.sha256}" in NOTICES.shown()
        assert "改过的第 10 条" not in NOTICES.shown()
        centre.spoil.clear()
        assert follow(at + 5 * MINUTE, line=centre.line)
        assert NOTICES.shown() == list(NOTICES.texts)

    def test_who_died_before_passing_on_reads_what_is_in_force_too(
        self, large: Centre, at: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change(large, at + 2 * MINUTE, 10)
        monkeypatch.setattr(passing, "pass_on", lambda *_, **__: sys.exit(1))
        with pytest.raises(SystemExit):
            follow(at + 2 * MINUTE, line=large.line)
        (shards_folder() / shard_file(NOTICES_PATH)).unlink()
        assert documents_in_force("notices") == [NOTICES.offer(ALL).document]

    def test_a_site_below_an_edge_gets_the_parts_from_the_edge(self, centre: Centre, at: datetime, tmp_path: Path) -> None:
        NOTICES.texts = texts(6000)
        centre.publish(at + MINUTE)
        pass_root_on(centre.root)
        follow(at + MINUTE, line=centre.line)
        edge = Centre(tmp_path / "edge")
        CurrentCatalogue.objects.all().delete()
        HeldShard.objects.all().delete()
        (tmp_path / "site").mkdir()
        shutil.copy(tmp_path / "edge" / "node.key", tmp_path / "site")
        with override_settings(HOME=tmp_path / "site"):
            pin_root(edge.root)
            assert follow(at + 2 * MINUTE, line=edge.line)
        assert NOTICES.shown() == list(NOTICES.texts)
        assert asked_parts(edge)

    def test_a_machine_that_died_before_passing_on_passes_on_all_parts(self, large: Centre, at: datetime) -> None:
        kept = files(large.home)
        shutil.rmtree(public_folder())
        assert not follow(at + 2 * MINUTE, line=large.line)
        assert files(public_folder().parent.parent) == kept

    @pytest.mark.parametrize("torn", [None, b"torn"])
    def test_a_part_that_was_lost_is_fetched_and_passed_on_again_without_a_new_timestamp(
        self, large: Centre, at: datetime, torn: bytes | None
    ) -> None:
        first = part_file(NOTICES_PATH, parts.named(held_document(NOTICES_PATH) or b"")[0].sha256)
        whole = first.read_bytes()
        assert not follow(at + 2 * MINUTE, line=large.line)
        assert asked_parts(large) == [], "nothing is lacking"
        first.unlink() if torn is None else first.write_bytes(torn)
        assert not follow(at + 3 * MINUTE, line=large.line)
        assert first.read_bytes() == whole
        assert asked_parts(large) == [f"/catalogue/targets/all/{first.name}"]

    def test_parts_are_tidied_when_no_reader_can_want_them_any_more(self, large: Centre, at: datetime) -> None:
        first = files(large.home)
        for home in (large.home, public_folder().parent.parent):
            for path in (home / "catalogue" / "public").rglob("*.*"):
                os.utime(path, (at.timestamp(), at.timestamp()))
        change(large, at + KEPT + MINUTE, 10)
        assert follow(at + KEPT + MINUTE, line=large.line)
        now = {part.sha256 for part in parts.named(held_document(NOTICES_PATH) or b"")}
        for home in (large.home, public_folder().parent.parent):
            assert {name.split(".")[0] for name in files(home)} == now
            assert not files(home) >= first
        with large.at_home():
            assert Repository(large.public, {}).tidy(at + 2 * KEPT) == 0 or files(large.home)
            assert {name.split(".")[0] for name in files(large.home)} == now


def swapped(centre: Centre) -> None:
    """Every part that is asked for is another one of the same document, rightly signed in its place."""
    other = sorted((centre.public / "targets" / "all").glob("*.part"))[0].read_bytes()
    centre.spoil[".part"] = replaced(other)


@pytest.mark.django_db
class TestAttacks:
    """A part that is not the signed one is never taken, wherever it is slipped in."""

    @pytest.fixture(autouse=True)
    def _one_by_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bundle, "MOST", 1000)

    def attacked(self, centre: Centre, at: datetime, error: type[Exception], reason: str) -> None:
        before = NOTICES.shown()
        with pytest.raises(error, match=reason):
            follow(at + 2 * MINUTE, line=centre.line)
        assert NOTICES.shown() == before
        assert CurrentCatalogue.objects.get().problem
        centre.spoil.clear()
        assert follow(at + 3 * MINUTE, line=centre.line), "and the right one is taken afterwards"
        assert NOTICES.shown() == list(NOTICES.texts)

    def test_a_part_swapped(self, large: Centre, at: datetime) -> None:
        change(large, at + 2 * MINUTE, 10)
        swapped(large)
        self.attacked(large, at, Tampered, "长度或摘要|过大")

    def test_a_part_changed_in_a_letter(self, large: Centre, at: datetime) -> None:
        NOTICES.texts = ("第一条", *NOTICES.texts)
        large.publish(at + 2 * MINUTE)
        name = max((large.public / "targets" / "all").glob("*.part"), key=lambda path: path.stat().st_mtime_ns)
        large.spoil[name.name] = replaced(name.read_bytes().replace("第一条".encode(), "第二条".encode()))
        self.attacked(large, at, Tampered, "长度或摘要")

    def test_a_part_left_out(self, large: Centre, at: datetime) -> None:
        change(large, at + 2 * MINUTE, 10)
        large.spoil[".part"] = missing
        self.attacked(large, at, Unavailable, "分块")

    def test_a_part_without_end(self, large: Centre, at: datetime) -> None:
        change(large, at + 2 * MINUTE, 10)
        large.spoil[".part"] = replaced(b"[" * 80_000_000)
        self.attacked(large, at, Tampered, "过大")

    def test_a_part_of_the_version_before(self, large: Centre, at: datetime) -> None:
        old = {path.name: path.read_bytes() for path in (large.public / "targets" / "all").glob("*.part")}
        change(large, at + 2 * MINUTE, 10)
        place = parts.stood_before(parts.named(held_document(NOTICES_PATH) or b""), parts.named(signed_target(large)))
        ((name, before),) = place.items()
        large.spoil[name] = replaced(old[f"{before.sha256}.notices.part"])
        self.attacked(large, at, Tampered, "长度或摘要|过大")


def signed_target(centre: Centre) -> bytes:
    with centre.at_home():
        return Repository(centre.public, {}).documents_named("notices.json")[1][NOTICES_PATH]


@pytest.mark.django_db
@pytest.mark.parametrize("spoiler", [changed(lambda body: body[:-3]), changed(lambda body: body[:2]), changed(lambda body: b"\xff" * 40)])
def test_a_bundle_that_was_spoilt_shows_nothing_and_the_next_turn_makes_it_good(large: Centre, at: datetime, spoiler: Any) -> None:
    before = NOTICES.shown()
    change(large, at + 2 * MINUTE, 10)
    large.spoil["/targets/all/"] = spoiler
    with pytest.raises((Tampered, Unavailable)):
        follow(at + 2 * MINUTE, line=large.line)
    assert NOTICES.shown() == before
    large.spoil.clear()
    assert follow(at + 3 * MINUTE, line=large.line)
    assert NOTICES.shown() == list(NOTICES.texts)


@pytest.mark.django_db
def test_a_bundle_with_other_parts_than_the_signed_ones_is_an_alarm(large: Centre, at: datetime) -> None:
    """The shard in it is the right one, the parts are made up."""
    old = signed_target(large)
    change(large, at + 2 * MINUTE, 10)
    new = signed_target(large)
    gone, come = parts.changes(old, new)
    with large.at_home():
        made_up = bundle.bundled(
            old, new, lambda part: part_file(NOTICES_PATH, part.sha256).read_bytes().replace("改过".encode(), "骗人".encode())
        )
    assert gone
    assert come
    large.spoil["/targets/all/"] = lambda answer: plain(200, made_up or b"", {"Content-Type": bundle.TYPE})
    with pytest.raises(Tampered, match="分块"):
        follow(at + 2 * MINUTE, line=large.line)
    assert "骗人的第 10 条" not in NOTICES.shown()
    large.spoil.clear()
    assert follow(at + 3 * MINUTE, line=large.line)


@pytest.mark.django_db
class TestPrivacy:
    """The parts of a subtree's document are as private as it is."""

    @pytest.fixture
    def secret(self, centre: Centre, at: datetime) -> Centre:
        LOCAL.texts = texts(6000)
        centre.publish(at + MINUTE)
        return centre

    def test_a_part_of_another_scope_asked_for(self, secret: Centre, at: datetime) -> None:
        name = next((secret.public / "targets" / COUNTY.strip("/")).glob("*.local.part")).name
        for scope, status in ((COUNTY, 200), (OTHER, 404), ("", 404), ("/990000000000/", 200)):
            Node.objects.filter(is_self=True).update(scope=scope)
            for folder in (COUNTY, "/all/"):
                answer = secret.line.get(f"/catalogue/targets/{folder.strip('/')}/{name}", signed=True)
                assert answer.status_code == (status if folder == COUNTY else 404), (scope, folder)

    def test_a_stranger_gets_none(self, secret: Centre, at: datetime) -> None:
        name = next((secret.public / "targets" / COUNTY.strip("/")).glob("*.local.part")).name
        assert secret.line.get(f"/catalogue/targets/{COUNTY.strip('/')}/{name}").status_code == 401

    def test_on_a_stick_they_are_sealed_and_go_in_by_the_same_door(self, secret: Centre, at: datetime, tmp_path: Path) -> None:
        (tmp_path / "stick").mkdir()
        with secret.at_home():
            stick.export(tmp_path / "stick", nodes=[own_node()], at=at + 2 * MINUTE)
        names = {str(path.relative_to(tmp_path / "stick" / "yuanjiao-catalogue")) for path in (tmp_path / "stick").rglob("*.part")}
        assert names
        assert all(name.startswith("sealed/") for name in names)
        assert stick.take_in(tmp_path / "stick", at=at + 3 * MINUTE).changed
        assert LOCAL.shown() == list(LOCAL.texts)
        assert not secret.requests


@pytest.mark.django_db
class TestPacked:
    """Answers that many ask for are made once."""

    def test_the_same_difference_is_compressed_once_whoever_asks(
        self, large: Centre, at: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[bytes] = []

        def packing(content: bytes, base: bytes | None) -> tuple[str, bytes]:
            made.append(content)
            return pack(content, base)

        monkeypatch.setattr("yuanjiao.flow.catalogue.bundle.pack", packing)
        old, home = held_document(NOTICES_PATH) or b"", public_folder().parent.parent
        change(large, at + 2 * MINUTE, 10)
        shutil.copytree(home, home.parent / "second")
        for other in (home, home.parent / "second"):
            HeldShard.objects.all().delete()
            with override_settings(HOME=other):
                CurrentCatalogue.objects.update(timestamp_sha256="")
                assert held_document(NOTICES_PATH) == old
                assert follow(at + 2 * MINUTE, line=large.line)
        assert len(made) == 2, "the shard and its parts, for both machines"

    def test_what_was_used_longest_ago_makes_room(self, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.HOME = tmp_path
        monkeypatch.setattr(packed, "MOST_BYTES", 2500)
        for number, name in enumerate(("first", "second")):
            packed.kept((name,), lambda: b"x" * 1000)
            os.utime(packed.place((name,)), (number, number))
        packed.kept(("first",), lambda: pytest.fail("it is here"))
        packed.kept(("third",), lambda: b"y" * 1000)
        assert packed.kept(("first",), lambda: b"again") == b"x" * 1000
        assert packed.kept(("second",), lambda: b"again") == b"again"

    def test_nothing_is_not_kept(self, tmp_path: Path, settings: Any) -> None:
        settings.HOME = tmp_path
        assert packed.kept(("a",), lambda: b"") == b""
        assert packed.kept(("a",), lambda: b"now") == b"now"

    def test_a_disk_that_cannot_keep_an_answer_does_not_keep_it_from_the_asker(
        self, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.HOME = tmp_path / "home"
        (tmp_path / "home").write_bytes(b"no folder can be made here")
        assert packed.kept(("a",), lambda: b"made") == b"made"
        settings.HOME = tmp_path / "other"
        monkeypatch.setattr(packed, "write_file", full)
        assert packed.kept(("a",), lambda: b"made") == b"made"

    def test_what_would_take_the_last_room_is_not_kept(self, tmp_path: Path, settings: Any) -> None:
        settings.HOME, settings.MIN_FREE_BYTES = tmp_path, 2**62
        assert packed.kept(("a",), lambda: b"made") == b"made"
        assert not packed.place(("a",)).exists()

    @pytest.mark.parametrize("spoilt", [b"", b"torn", b"\0" * 40])
    def test_a_kept_answer_that_the_disk_spoilt_is_made_anew(self, tmp_path: Path, settings: Any, spoilt: bytes) -> None:
        settings.HOME = tmp_path
        packed.kept(("a",), lambda: b"made")
        packed.place(("a",)).write_bytes(spoilt)
        assert packed.kept(("a",), lambda: b"anew") == b"anew"
        assert packed.kept(("a",), lambda: pytest.fail("it is here")) == b"anew"

    def test_no_bundle_is_made_from_a_base_that_is_too_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = to_document(rows(3000))
        whole = wrap("courses", ALL, Offer(told))
        content, contents = parts.divide("courses", ALL, Offer(told))
        assert bundle.bundled(whole, content, lambda part: contents[part.sha256])
        monkeypatch.setattr(bundle, "MOST", sum(map(len, contents.values())))
        whole = wrap("courses", ALL, Offer(to_document(rows(6000))))
        assert bundle.bundled(whole, content, lambda part: contents[part.sha256]) is None

    def test_a_base_that_was_spoilt_since_is_none(self, tmp_path: Path) -> None:
        old, new = tmp_path / "1.targets.json", tmp_path / "2.targets.json"
        old.write_bytes(b"old" * 500)
        new.write_bytes(b"new" * 500)
        said = {"accept-encoding": "dcz", "available-dictionary": dictionary_header(old.read_bytes())}
        assert answer(new, [old], lambda name: said.get(name, "")).labels["Content-Encoding"] == "dcz"
        old.write_bytes(b"0ld" * 500)
        told = answer(new, [old], lambda name: said.get(name, ""))
        assert (told.labels["Content-Encoding"], told.body) == ("identity", new.read_bytes())


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
