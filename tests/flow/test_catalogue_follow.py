"""Following a catalogue: it becomes ours whole or not at all, and nothing that was tampered with ever does."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings

from tests.flow.notices import LOCAL, NOTICES, POISON
from tests.flow.publishing import COUNTY, OTHER, Centre, lost, missing
from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.queue import fetch_wanted
from yuanjiao.flow.catalogue.follow import follow, follow_parent
from yuanjiao.flow.catalogue.passing import pass_root_on
from yuanjiao.flow.catalogue.publish import public_folder
from yuanjiao.flow.catalogue.shards import wrap
from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.flow.catalogue.trust import pin_root
from yuanjiao.flow.models import CurrentCatalogue, HeldShard, Node, Wanted
from yuanjiao.lib.errors import Refused, Tampered, Unavailable

pytestmark = pytest.mark.django_db
FILM = bytes(range(256)) * 400


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


def test_a_node_that_was_away_for_a_month_takes_up_the_newest(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    for day in range(1, 35):
        NOTICES.texts = (f"第 {day} 天",)
        centre.publish(at + timedelta(days=day))
    assert follow(at + timedelta(days=34), line=centre.line)
    assert stands("第 34 天")


def test_what_is_passed_on_is_tidied_when_no_reader_can_want_it_any_more(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    first = {path for path in public_folder().rglob("*.json") if not path.name.endswith("root.json")}
    for path in first:
        os.utime(path, (at.timestamp(), at.timestamp()))
    for day in (34, 36):
        NOTICES.texts = (f"第 {day} 天",)
        centre.publish(at + timedelta(days=day))
        assert follow(at + timedelta(days=day), line=centre.line)
    gone = {path.name.split(".", 1)[1] for path in first if not path.is_file()}
    assert gone >= {"notices.json", "snapshot.json", "targets.json"}
    assert (public_folder() / "metadata" / "timestamp.json").is_file()
    assert [path for path in first if path.name.endswith("local.json") and path.is_file()], "it is still named"


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
    assert fetch_wanted(at + timedelta(minutes=1), line=centre.line) == 1
    edge = Centre(tmp_path / "edge")
    CurrentCatalogue.objects.all().delete()
    HeldShard.objects.all().delete()
    (tmp_path / "site").mkdir()
    shutil.copy(tmp_path / "edge" / "node.key", tmp_path / "site")
    with override_settings(HOME=tmp_path / "site"):
        pin_root(edge.root)
        assert edge.root == centre.root
        assert follow(at + timedelta(minutes=2), line=edge.line)
        assert fetch_wanted(at + timedelta(minutes=2), line=edge.line) == 1
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


def test_a_blob_that_a_shelf_found_spoilt_is_fetched_again_and_its_document_taken_up_once_more(
    centre: Centre, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = centre.put_blob(b"film")
    store.put(b"film")
    NOTICES.texts, NOTICES.blobs = ("新的",), (film,)
    centre.publish(at + timedelta(minutes=1))
    accept = type(NOTICES).accept
    with monkeypatch.context() as spoilt:
        spoilt.setattr(type(NOTICES), "accept", lambda own, *told: (store.forget(film.sha256), accept(own, *told))[1])
        follow(at + timedelta(minutes=1), line=centre.line)
    assert Wanted.objects.get().sha256 == film.sha256
    store.put(b"film")
    Wanted.objects.all().delete()
    assert follow(at + timedelta(minutes=2), line=centre.line), "taken up once more"
    assert not follow(at + timedelta(minutes=3), line=centre.line)
