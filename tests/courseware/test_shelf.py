"""The way down: released items, their columns and blobs reach the machines below; withdrawn ones leave them."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from tests.courseware.conftest import publish
from yuanjiao.courseware import commands, queries, shelf
from yuanjiao.courseware.models import Column, Courseware, Placement, Rendition
from yuanjiao.courseware.rules.life import State
from yuanjiao.flow.blobs import store
from yuanjiao.flow.catalogue.shelf import ALL, Offer
from yuanjiao.lib.errors import Tampered
from yuanjiao.simulation.cast import SINCE, Cast

ON = date(2026, 3, 2)


def copy_of(model: type) -> list[dict[str, object]]:
    skipped = {"id", "author_id", "courseware_id", "column_id", "category_id", "owner_id", "unit_id", "original_name", "original_sha256"}
    skipped |= {"original_bytes", "note", "codecs" if model is Courseware else ""}
    skipped |= {"submission", "rounds_needed", "rounds_passed", "revises_id", "body_source"}
    return [{k: v for k, v in row.items() if k not in skipped} for row in model.objects.order_by("uid").values()]


def forget_everything() -> None:
    Column.objects.all().delete()
    Courseware.objects.all().delete()


def test_what_is_offered_and_accepted_is_the_same_below_and_the_blobs_are_named(released: Courseware, draft: Courseware) -> None:
    offer = shelf.offer(ALL)
    assert {ref.sha256 for ref in offer.blobs} == set(released.renditions.values_list("blob", flat=True))
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
    assert {ref.sha256 for ref in after.blobs} == set(kept.renditions.values_list("blob", flat=True))
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


def test_a_document_that_cannot_be_read_is_an_alarm(db: None) -> None:
    with pytest.raises(Tampered):
        shelf.accept(b'{"scope": "all", "columns": 7}')
