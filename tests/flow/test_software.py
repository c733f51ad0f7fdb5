"""Releases of the software go down with the signed catalogue, ring by ring; what machines tell of them comes up."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from packaging.tags import Tag

from tests.flow.publishing import COUNTY, OTHER, Centre
from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.queue import fetch_wanted
from yuanjiao.flow.catalogue import shelf as shelves_table
from yuanjiao.flow.catalogue.follow import follow
from yuanjiao.flow.catalogue.trust import shards_folder
from yuanjiao.flow.journal.replay import replay
from yuanjiao.flow.models import Node, SoftwareTold, Wanted
from yuanjiao.flow.software import queries, shelf
from yuanjiao.flow.software.commands import publish_release, send_release, withdraw_release
from yuanjiao.flow.software.rules import Release, Wheel, is_wanted, lacking, may_try, meant, own_version
from yuanjiao.flow.software.telling import SoftwareInstalled, tell_software
from yuanjiao.lib.errors import Conflict, NotFound, Refused, Tampered
from yuanjiao.lib.uid import new_uid

SHELVES = (shelf,)
ONE, TWO = "E-1", "E-2"
PURE, ARM = "yuanjiao-2.0-py3-none-any.whl", "numpy-2.4-cp311-cp311-manylinux_2_28_aarch64.whl"


def release(version: str, *nodes: str, older: bool = False) -> Release:
    return Release(version=version, wheels=(Wheel(f"yuanjiao-{version}-py3-none-any.whl", "0" * 64, 1),), nodes=nodes, older=older)


# -- rules ---------------------------------------------------------------------------------------------------------------------


def test_a_machine_runs_the_newest_release_that_is_meant_for_it() -> None:
    offered = [release("1.9"), release("1.10"), release("2.0", ONE)]
    assert [found.version for code in (ONE, TWO) if (found := meant(offered, code))] == ["2.0", "1.10"]
    assert meant([release("2.0", ONE)], TWO) is None


def test_of_one_release_that_comes_twice_the_word_for_this_machine_counts() -> None:
    twice = [release("1.8"), release("1.8", ONE, older=True)]
    for offered in (twice, twice[::-1]):
        assert [found.older for code in (ONE, TWO) if (found := meant(offered, code))] == [True, False]


OFFERED = [("1.10", False, True), ("1.9", False, False), ("1.8", False, False), ("1.8", True, True), ("1.9", True, False)]


@pytest.mark.parametrize(("version", "older", "wanted"), OFFERED)
def test_an_older_version_is_taken_only_where_that_is_said(version: str, older: bool, wanted: bool) -> None:
    assert is_wanted(release(version, older=older), "1.9") is wanted


def test_what_failed_is_tried_again_the_next_day_and_three_times_in_all(at: datetime) -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert may_try([], at)
    assert not may_try([at - hour], at)
    assert may_try([at - day], at)
    assert not may_try([at - 3 * day, at - 2 * day, at - day], at)
    assert may_try([at + day], at), "a clock that was set back holds nothing up"


def test_a_release_for_another_platform_lacks_what_is_not_for_this_one() -> None:
    here = [Tag("cp311", "cp311", "manylinux_2_28_x86_64"), Tag("py3", "none", "any")]
    assert lacking([PURE, ARM], here) == ["numpy"]
    assert lacking([PURE, ARM, ARM.replace("aarch64", "x86_64")], here) == []


NO_RELEASES = [
    [],
    ["numpy-1-py3-none-any.whl"],
    [PURE, PURE.replace("2.0", "2.1")],
    [PURE, "setup.py"],
    [PURE, "../a-1-py3-none-any.whl"],
]


@pytest.mark.parametrize("names", NO_RELEASES)
def test_what_is_no_release_is_refused(names: list[str]) -> None:
    with pytest.raises(Refused):
        own_version(names)


def test_the_same_version_with_other_bytes_has_another_key() -> None:
    one = release("2.0")
    assert one.key != Release(version="2.0", wheels=(Wheel(one.wheels[0].name, "1" * 64, 1),)).key


# -- down ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def top(centre: Centre, settings: object, at: datetime) -> Centre:
    """A centre with nothing but software to offer; two edges of our county and one of the other are enrolled. We are the first."""
    settings.YUANJIAO_SHELVES = "tests.flow.test_software.SHELVES"  # type: ignore[attr-defined]
    shelves_table.shelves.cache_clear()
    Node.objects.filter(is_self=True).update(subject_code=ONE)
    Node.objects.filter(is_self=False, scope=COUNTY).update(subject_code=ONE)
    Node.objects.filter(is_self=False, scope=OTHER).update(subject_code="E-3")
    Node.objects.create(kind="edge", name="二号", public_key=b"2" * 32, scope=COUNTY, subject_code=TWO, enrolled_at=at)
    return centre


def published(top: Centre, version: str, at: datetime) -> Path:
    """A folder of two wheels, published; the bytes are none that pip would take."""
    folder = top.home / f"release {version}"
    folder.mkdir(parents=True)
    (folder / f"yuanjiao-{version}-py3-none-any.whl").write_bytes(f"yuanjiao {version}".encode())
    (folder / "needed-1.0-py3-none-any.whl").write_bytes(b"needed")
    with top.at_home():
        publish_release(folder, at=at)
    return folder


def send(top: Centre, version: str, at: datetime, *codes: str, under: str = "", older: bool = False) -> None:
    with top.at_home():
        send_release(version=version, codes=list(codes), under=under, older=older, at=at)


def followed(top: Centre, at: datetime) -> list[tuple[str, tuple[str, ...]]]:
    """What stands in the signed document of this machine after it has followed: versions, and for whom."""
    top.publish(at)
    follow(at, line=top.line)
    return [(one.version, one.nodes) for one in queries.offered_here() or []]


def test_what_is_published_goes_to_nobody_then_to_the_named_then_to_a_subtree(top: Centre, at: datetime) -> None:
    published(top, "2.0", at)
    assert followed(top, at) == []
    assert not Wanted.objects.exists()
    send(top, "2.0", at, ONE)
    assert followed(top, at) == [("2.0", (ONE,))]
    send(top, "2.0", at, TWO)
    assert followed(top, at) == [("2.0", (ONE, TWO))]
    send(top, "2.0", at, under=COUNTY)
    assert followed(top, at) == [("2.0", ())]
    with top.at_home():
        assert not shelf.offer(OTHER).document, "another county hears nothing of it"


def test_what_one_machine_may_go_back_to_its_neighbours_may_not(top: Centre, at: datetime) -> None:
    published(top, "1.9", at)
    send(top, "1.9", at, under=COUNTY)
    send(top, "1.9", at, ONE, older=True)
    assert followed(top, at) == [("1.9", (ONE,)), ("1.9", ())]
    offered = queries.offered_here() or []
    assert [is_wanted(found, "2.0") for code in (ONE, TWO) if (found := meant(offered, code))] == [True, False]


def test_the_wheels_come_by_the_queue_and_unchanged_ones_once(top: Centre, at: datetime) -> None:
    published(top, "2.0", at)
    send(top, "2.0", at, under="/")
    followed(top, at)
    assert fetch_wanted(at, line=top.line) == 2
    published(top, "2.1", at)
    send(top, "2.1", at, under="/")
    followed(top, at)
    assert Wanted.objects.count() == 1, "what both releases need is here"


def test_a_withdrawn_release_is_offered_no_more_and_not_sent_again(top: Centre, at: datetime) -> None:
    published(top, "2.0", at)
    send(top, "2.0", at, under="/")
    followed(top, at)
    with top.at_home():
        withdraw_release(version="2.0", reason="播放页打不开", at=at)
    assert followed(top, at) == []
    with pytest.raises(Refused, match="播放页打不开"):
        send(top, "2.0", at, ONE)


def test_a_machine_that_nobody_knows_is_no_ring(top: Centre, at: datetime) -> None:
    published(top, "2.0", at)
    with pytest.raises(NotFound, match="E-9"):
        send(top, "2.0", at, ONE, "E-9")


def test_a_version_is_published_once_and_never_with_other_bytes(top: Centre, at: datetime) -> None:
    folder = published(top, "2.0", at)
    with top.at_home():
        publish_release(folder, at=at)  # the same again changes nothing
        (folder / "needed-1.0-py3-none-any.whl").write_bytes(b"other")
        with pytest.raises(Conflict, match="新的版本号"):
            publish_release(folder, at=at)


def test_a_parent_that_knows_nothing_of_software_is_not_told_of_it(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    assert queries.offered_here() is None


def test_a_document_that_was_changed_on_this_machines_disk_is_not_believed(top: Centre, at: datetime) -> None:
    published(top, "2.0", at)
    send(top, "2.0", at, under="/")
    followed(top, at)
    for folder in (shards_folder(), store.path("0" * 64).parents[2] / "catalogue" / "public" / "targets"):
        for path in folder.rglob("*software*"):
            if path.is_file():
                path.write_bytes(path.read_bytes().replace(b'"2.0"', b'"9.0"'))
    with pytest.raises(Tampered):
        queries.offered_here()
    tell_software(SoftwareInstalled(uid=new_uid(), version="1.0"), at=at)
    assert queries.own_software() == queries.OwnSoftware("1.0", "", 0, None), "the page opens all the same"


# -- up ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_newest_good_word_counts_and_a_failure_after_it(top: Centre, at: datetime) -> None:
    own = Node.objects.get(is_self=True)
    first = SoftwareInstalled(uid=new_uid(), version="1.0")
    tell_software(first, at=at)
    tell_software(SoftwareInstalled(uid=new_uid(), version="2.0", previous="1.0", release="2.0-x", ok=False, reason="不能启动"), at=at)
    now = queries.running([own])[own.pk]
    assert (now.version, now.since, now.failed and now.failed.reason) == ("1.0", at, "不能启动")
    later = at + timedelta(days=1)
    tell_software(SoftwareInstalled(uid=new_uid(), version="2.0", previous="1.0", release="2.0-x"), at=later)
    assert queries.running([own])[own.pk] == queries.Running("2.0", later)
    with pytest.raises(Conflict):
        tell_software(first, at=later)
    assert SoftwareTold.objects.count() == 3
    assert replay(at=later, keep=True).changed == ()


def test_a_digest_is_what_names_a_wheel(top: Centre, at: datetime) -> None:
    published(top, "2.0", at)
    send(top, "2.0", at, under="/")
    followed(top, at)
    [found] = queries.offered_here() or []
    assert {wheel.sha256 for wheel in found.wheels} == {hashlib.sha256(content).hexdigest() for content in (b"yuanjiao 2.0", b"needed")}
