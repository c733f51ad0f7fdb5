"""Counting and typesetting lock nothing: others write meanwhile, and what moved in between is noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from tests.reports.conftest import Month
from tests.reports.test_commands import BOTH, link
from yuanjiao.lib.errors import Conflict
from yuanjiao.reports import commands
from yuanjiao.reports.commands import issuing
from yuanjiao.reports.documents.kinds import KINDS
from yuanjiao.reports.models import Document, FrozenRow, IssuedFile
from yuanjiao.reports.queries import written_of
from yuanjiao.reports.rules import DocumentKind, DocumentState

MONTH = DocumentKind.COUNTY_MONTH


def write(month: Month, document: Document, texts: dict[str, str]) -> None:
    row = Document.objects.get(pk=document.pk)
    commands.write_paragraphs(document=row, texts=texts, revision=row.revision, by=month.cast.actor("xianguan"), at=month.as_of)


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Have something happen while rows are counted, and while each file is typeset."""

    def arrange(happens: Callable[[], Any]) -> None:
        snapshot, rendered = KINDS[MONTH].snapshot, issuing.rendered

        def counting(*args: Any) -> Any:
            taken = snapshot(*args)
            happens()
            return taken

        def typesetting(*args: Any) -> bytes:
            content = rendered(*args)
            happens()
            return content

        monkeypatch.setitem(KINDS, MONTH, replace(KINDS[MONTH], snapshot=counting))
        monkeypatch.setattr(issuing, "rendered", typesetting)

    return arrange


def test_no_lock_is_held_while_rows_are_counted_and_files_are_made(month: Month, during: Any) -> None:
    depth, seen = len(connection.savepoint_ids), list[int]()
    during(lambda: seen.append(len(connection.savepoint_ids)))
    document, by = month.draft(), month.cast.actor("xianguan")
    commands.refresh_draft(document=document, county=month.county, by=by, at=month.as_of)
    write(month, document, BOTH)
    document.refresh_from_db()
    commands.issue_document(document=document, link=link, by=by, at=month.as_of)
    assert seen == [depth] * 5, "two snapshots and three files, none of them inside a transaction of its own"


def test_what_was_written_while_the_files_were_made_is_not_issued_unseen(month: Month, during: Any) -> None:
    document, by = month.draft(), month.cast.actor("xianguan")
    write(month, document, BOTH)
    document.refresh_from_db()
    during(lambda: write(month, document, {"plans": "改写"}))
    with pytest.raises(Conflict, match="刚被别人改动"):
        commands.issue_document(document=document, link=link, by=by, at=month.as_of)
    assert document.issued_at is None
    document.refresh_from_db()
    assert (document.state, written_of(document)["plans"]) == (DocumentState.DRAFT, "改写")
    assert not IssuedFile.objects.exists()


def test_what_was_written_while_rows_were_counted_anew_is_kept_and_the_old_snapshot_too(month: Month, during: Any) -> None:
    document, by = month.draft(), month.cast.actor("xianguan")
    before = set(FrozenRow.objects.values_list("pk", flat=True))
    during(lambda: write(month, document, BOTH))
    with pytest.raises(Conflict, match="刚被别人改动"):
        commands.refresh_draft(document=document, county=month.county, by=by, at=month.as_of + timedelta(minutes=1))
    document.refresh_from_db()
    assert document.as_of == month.as_of
    assert set(FrozenRow.objects.values_list("pk", flat=True)) == before
