"""The way down: released items, their columns and blobs reach the machines below; withdrawn ones leave them."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
import zstandard
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from tests.courseware.conftest import publish
from yuanjiao.courseware import commands, jobs, queries, shelf
from yuanjiao.courseware.models import Column, Courseware, FormerVersion, Placement, Rendition
from yuanjiao.courseware.rules import playlists
from yuanjiao.courseware.rules.life import State
from yuanjiao.flow.blobs import store
from yuanjiao.flow.catalogue.shelf import ALL, Offer
from yuanjiao.lib.errors import Tampered
from yuanjiao.simulation.cast import SINCE, Cast

ON = date(2026, 3, 2)


def copy_of(model: type) -> list[dict[str, object]]:
    skipped = {"id", "author_id", "courseware_id", "column_id", "category_id", "owner_id", "unit_id", "original_name", "original_sha256"}
    skipped |= {"original_bytes", "note", "codecs" if model is Courseware else ""}
    skipped |= {"key", "submission", "rounds_needed", "rounds_passed", "revises_id", "body_source"}
    return [{k: v for k, v in row.items() if k not in skipped} for row in model.objects.order_by("uid").values()]


def files_of(item: Courseware) -> set[str]:
    return {*item.renditions.values_list("blob", flat=True), item.playlists}


def forget_everything() -> None:
    Column.objects.all().delete()
    Courseware.objects.all().delete()


def test_what_is_offered_and_accepted_is_the_same_below_and_the_blobs_are_named(released: Courseware, draft: Courseware) -> None:
    offer = shelf.offer(ALL)
    assert {ref.sha256 for ref in offer.blobs} == {*released.renditions.values_list("blob", flat=True), released.playlists}
    assert all(store.has(ref.sha256) for ref in offer.blobs)
    assert shelf.offer(ALL) == offer
    draft.delete()
    above = {model: copy_of(model) for model in (Courseware, Rendition, Column, Placement)}
    master = queries.hls_master(released.uid, on=ON)
    forget_everything()
    shelf.accept(offer.document)
    assert {model: copy_of(model) for model in above} == above
    assert queries.hls_master(released.uid, on=ON) == master
    assert Courseware.objects.get().author is None
    shelf.accept(offer.document)
    assert {model: copy_of(model) for model in above} == above


def test_a_withdrawn_item_leaves_the_machines_below_with_its_renditions(
    released: Courseware, column: Column, films: dict[str, Path], cast: Cast, at: datetime
) -> None:
    kept = publish(cast, column, films["short.mp4"], at, title="留下的")
    before = shelf.offer(ALL)
    commands.withdraw_courseware(courseware=released, reason="有误", by=cast.actor("shiguan"), at=at)
    after = shelf.offer(ALL)
    assert {ref.sha256 for ref in after.blobs} == {*kept.renditions.values_list("blob", flat=True), kept.playlists}
    forget_everything()
    shelf.accept(before.document)
    assert len(queries.released_items(on=ON)) == 2
    shelf.accept(after.document)
    assert [card.title for card in queries.released_items(on=ON)] == ["留下的"]
    assert Rendition.objects.exclude(courseware__uid=kept.uid).count() == 0


def test_drafts_stay_above_and_drafts_of_the_machine_below_stay_there(draft: Courseware, column: Column) -> None:
    offer = shelf.offer(ALL)
    assert str(draft.uid) not in offer.document.decode()
    shelf.accept(offer.document)
    assert Courseware.objects.get().state == State.DRAFT


@pytest.mark.clause("DLV03")
def test_a_countys_column_goes_to_that_county_only(released: Courseware, cast: Cast, at: datetime) -> None:
    liuxi, shiling = cast.divisions["990101000000"].path, cast.divisions["990102000000"].path
    own = commands.open_column(
        title="柳溪专栏", owner=cast.units["ZZ-990101"], visible_from=SINCE, audience=liuxi, by=cast.actor("shiguan"), at=at
    )  # fmt: skip
    commands.release_courseware(courseware=released, columns=[own], by=cast.actor("shiguan"), at=at)
    assert "柳溪专栏" in shelf.offer(liuxi).document.decode()
    assert "柳溪专栏" in shelf.offer(cast.divisions["990101100000"].path).document.decode()
    assert "柳溪专栏" not in shelf.offer(shiling).document.decode()
    assert "柳溪专栏" not in shelf.offer(ALL).document.decode()
    documents: list[Offer] = [shelf.offer(ALL), shelf.offer(liuxi)]
    forget_everything()
    for offer in reversed(documents):
        shelf.accept(offer.document)
    assert queries.released_items(on=ON)[0].columns == ("农技课堂", "柳溪专栏")
    assert {c.title for c in queries.columns_now(on=ON)} == {"农技课堂", "柳溪专栏"}


def open_columns(cast: Cast, at: datetime, **audiences: str) -> dict[str, Column]:
    """Columns of one owner, opened in this order, by title."""
    by, owner = cast.actor("shiguan"), cast.units["ZZ-9901"]
    return {
        title: commands.open_column(title=title, owner=owner, visible_from=SINCE, audience=path, by=by, at=at)
        for title, path in audiences.items()
    }


def rename(column: Column, title: str) -> None:
    Column.objects.filter(pk=column.pk).update(title=title)


def test_columns_that_changed_titles_above_change_them_below(cast: Cast, at: datetime) -> None:
    found = open_columns(cast, at, 农技="/", 政策="/", 种植="/")
    first = shelf.offer(ALL)
    for older, newer in (("政策", "第三"), ("农技", "政策"), ("政策", "农技")):
        rename(found[older], newer)
    second = shelf.offer(ALL)
    above = copy_of(Column)
    forget_everything()
    shelf.accept(first.document)
    untouched = Column.objects.get(title="种植").pk
    shelf.accept(second.document)
    assert copy_of(Column) == above
    assert {row["title"] for row in above} == {"农技", "政策", "种植"}
    assert Column.objects.get(title="种植").pk == untouched


def test_an_older_column_takes_the_title_of_one_that_is_gone_above(cast: Cast, at: datetime) -> None:
    found = open_columns(cast, at, 农技="/", 政策="/")
    first = shelf.offer(ALL)
    found["政策"].delete()
    rename(found["农技"], "政策")
    second = shelf.offer(ALL)
    above = copy_of(Column)
    forget_everything()
    shelf.accept(first.document)
    shelf.accept(second.document)
    assert copy_of(Column) == above
    assert len(above) == 1


def test_columns_of_two_documents_change_titles_whichever_comes_first(cast: Cast, at: datetime) -> None:
    county = cast.divisions["990101000000"].path
    found = open_columns(cast, at, 农技="/", 政策=county)
    first = [shelf.offer(ALL), shelf.offer(county)]
    for older, newer in (("政策", "第三"), ("农技", "政策"), ("政策", "农技")):
        rename(found[older], newer)
    second = [shelf.offer(ALL), shelf.offer(county)]
    above = copy_of(Column)
    for documents in (second, second[::-1]):
        forget_everything()
        for offer in (*first, *documents):
            shelf.accept(offer.document)
        assert copy_of(Column) == above


def test_a_document_that_cannot_be_read_is_an_alarm(db: None) -> None:
    with pytest.raises(Tampered):
        shelf.accept(b'{"scope": "all", "columns": 7}')


def test_an_item_shows_below_when_its_own_files_are_there_whatever_others_do(
    released: Courseware, column: Column, films: dict[str, Path], cast: Cast, at: datetime
) -> None:
    other = publish(cast, column, films["short.mp4"], at, title="先到的")
    late = store.put(b"a form of the first alone").sha256
    Rendition.objects.filter(pk=released.renditions.order_by("uid")[0].pk).update(blob=late)
    offer = shelf.offer(ALL)
    forget_everything()
    assert shelf.accept(offer.document, {late}) == set()
    assert [card.uid for card in queries.released_items(on=ON)] == [other.uid]
    assert Placement.objects.count() == 1
    assert shelf.accept(offer.document) == set()
    assert {card.uid for card in queries.released_items(on=ON)} == {released.uid, other.uid}


@pytest.mark.clause("CW08")
def test_a_new_edition_on_its_way_leaves_the_old_one_with_its_files_and_takes_its_rights_at_once(released: Courseware) -> None:
    first, old = shelf.offer(ALL), files_of(released)
    changed = released.renditions.order_by("uid")[0]
    gone, changed.blob = changed.blob, store.put(b"the second edition").sha256
    changed.save()
    Courseware.objects.filter(pk=released.pk).update(title="第二版", rights_to=ON)
    second = shelf.offer(ALL)
    forget_everything()
    shelf.accept(first.document)
    assert shelf.accept(second.document, {changed.blob}) == old
    held = Courseware.objects.get()
    assert (held.title, held.rights_to) == (released.title, ON)
    assert gone in held.renditions.values_list("blob", flat=True)
    assert shelf.accept(second.document) == set()
    assert Courseware.objects.get().title == "第二版"
    assert gone not in held.renditions.values_list("blob", flat=True)


def test_until_a_revised_film_has_come_its_former_version_stands_in_its_place(
    released: Courseware, column: Column, films: dict[str, Path], cast: Cast, at: datetime
) -> None:
    first, old = shelf.offer(ALL), files_of(released)
    newer = publish(cast, column, films["short.mp4"], at, title="第二版")
    late = store.put(b"the second edition").sha256
    Rendition.objects.filter(pk=newer.renditions.order_by("uid")[0].pk).update(blob=late)
    until = date(2026, 12, 31)
    Courseware.objects.filter(pk=newer.pk).update(rights_to=until)
    FormerVersion.objects.create(uid=released.uid, courseware=newer)
    Placement.objects.filter(courseware=released).delete()
    Courseware.objects.filter(pk=released.pk).update(state=State.REVISED)
    second = shelf.offer(ALL)
    forget_everything()
    shelf.accept(first.document)
    assert shelf.accept(second.document, {late}) == old
    (shown,) = queries.released_items(on=ON)
    assert shown.uid == released.uid
    assert Courseware.objects.get().rights_to == until
    assert late in shelf.files_of(second.document, {released.uid}), "a lesson planned on the former version needs the newer one"
    assert shelf.accept(second.document) == set()
    (shown,) = queries.released_items(on=ON)
    assert shown.uid == newer.uid
    assert Courseware.objects.count() == 1


def test_what_is_here_already_costs_no_write(released: Courseware) -> None:
    offer = shelf.offer(ALL)
    forget_everything()
    shelf.accept(offer.document)
    with CaptureQueriesContext(connection) as asked:
        shelf.accept(offer.document)
    written = [query["sql"] for query in asked if query["sql"].startswith(("INSERT", "UPDATE"))]
    assert not [sql for sql in written if "taxonomy" not in sql and "topic" not in sql]


class TestPlaylists:
    """They travel in a file of their own, one an item."""

    def test_no_playlist_stands_in_the_document_and_all_are_the_same_below(self, released: Courseware) -> None:
        offer, texts = shelf.offer(ALL), dict(released.renditions.values_list("profile", "playlist"))
        assert b"EXTM3U" not in offer.document
        assert released.playlists_bytes == store.path(released.playlists).stat().st_size < sum(map(len, texts.values()))
        forget_everything()
        shelf.accept(offer.document)
        assert dict(Rendition.objects.values_list("profile", "playlist")) == texts

    def test_a_document_of_older_software_holds_them_in_its_forms(self, released: Courseware) -> None:
        texts = dict(released.renditions.values_list("profile", "playlist"))
        Courseware.objects.update(playlists="", playlists_bytes=0)
        older, master = shelf.offer(ALL), queries.hls_master(released.uid, on=ON)
        assert b"EXTM3U" in older.document
        forget_everything()
        shelf.accept(older.document)
        assert dict(Rendition.objects.values_list("profile", "playlist")) == texts
        assert queries.hls_master(released.uid, on=ON) == master

    def test_an_item_released_by_older_software_gets_its_file_once_and_goes_on_below(self, released: Courseware, at: datetime) -> None:
        newest, files = shelf.offer(ALL), files_of(released)
        Courseware.objects.update(playlists="", playlists_bytes=0)
        older = shelf.offer(ALL)
        assert (jobs.keep_playlists(at), jobs.keep_playlists(at)) == (1, 0)
        assert shelf.offer(ALL) == newest
        forget_everything()
        shelf.accept(older.document)
        before = copy_of(Rendition)
        assert shelf.accept(newest.document, {released.playlists}) == files - {released.playlists}
        assert queries.hls_master(released.uid, on=ON), "it shows on while the file is on its way"
        shelf.accept(newest.document)
        assert copy_of(Rendition) == before
        assert Courseware.objects.get().playlists == released.playlists

    def test_an_item_whose_playlists_cannot_be_read_keeps_nothing_else_back(
        self, released: Courseware, column: Column, films: dict[str, Path], cast: Cast, at: datetime
    ) -> None:
        publish(cast, column, films["short.mp4"], at, title="别的")
        offer = shelf.offer(ALL)
        Courseware.objects.filter(pk=released.pk).update(title="坏的")
        torn = shelf.offer(ALL).document.replace(released.playlists.encode(), store.put(b"no playlists").sha256.encode())
        forget_everything()
        shelf.accept(offer.document)
        shelf.accept(torn)
        assert {card.title for card in queries.released_items(on=ON)} >= {"别的", released.title}
        forget_everything()
        shelf.accept(torn)
        assert "坏的" not in {card.title for card in queries.released_items(on=ON)}

    def test_playlists_that_the_disk_spoilt_are_forgotten_and_made_again_above(self, released: Courseware, at: datetime) -> None:
        offer, whole = shelf.offer(ALL), store.path(released.playlists).read_bytes()
        store.path(released.playlists).write_bytes(b"spoilt")
        columns = list(Column.objects.values_list("pk", flat=True))
        Courseware.objects.update(title="旧的")
        shelf.accept(offer.document)
        assert not store.has(released.playlists)
        assert list(Column.objects.values_list("pk", flat=True)) == columns
        assert (jobs.keep_playlists(at), jobs.keep_playlists(at)) == (1, 0)
        assert store.path(released.playlists).read_bytes() == whole


@given(texts=st.dictionaries(st.text(max_size=8), st.text(max_size=200), max_size=8))
def test_playlists_put_together_come_apart_again(texts: dict[str, str]) -> None:
    assert playlists.apart(playlists.together(texts)) == texts


@pytest.mark.parametrize(
    "content", [b"", b"x", playlists.together({})[:-1], zstandard.compress(b"[1]"), zstandard.compress(bytes(20_000_000))]
)
def test_what_is_no_file_of_playlists_is_told(content: bytes) -> None:
    with pytest.raises(ValueError, match="no playlists"):
        playlists.apart(content)
