"""What lies under a path is found by the path's index on both databases, and is the same whichever way it is found."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.db.models import QuerySet
from hypothesis import given
from hypothesis import strategies as st

from yuanjiao.lib.subtree import after
from yuanjiao.people.queries import within
from yuanjiao.places import queries
from yuanjiao.places.models import Division
from yuanjiao.simulation.cast import Cast

ODD = ("/1/", "/10/", "/1/2/", "/1/20/", "/1/2/3/", "/2/", "/1%/", "/1_/", "/A/", "/a/", "/1/村/", "/1/村/3/", "/10")


@given(st.text(min_size=1, max_size=4).filter(lambda text: text.isprintable()), st.text(max_size=3))
def test_the_text_behind_a_prefix_is_behind_all_that_begin_so(prefix: str, more: str) -> None:
    assert prefix + more < after(prefix)
    assert after(prefix)[:-1] + chr(0) > prefix[: len(after(prefix)) - 1]


@pytest.mark.parametrize(("prefix", "behind"), [("/1/", "/10"), ("\ud7ff", "\ue000"), ("a\U0010ffff", "b")])
def test_the_text_behind_a_prefix_can_be_written(prefix: str, behind: str) -> None:
    assert after(prefix) == behind


@pytest.mark.django_db
@pytest.mark.parametrize("lookup", ["under", "under_wide"])
def test_a_subtree_is_what_begins_with_its_path(lookup: str) -> None:
    for number, path in enumerate(ODD):
        Division.objects.create(code=f"{number:012}", name=path, level=1, path=path, valid_from=date(2025, 1, 1))
    for asked in ("/", "/1/", "/1/2/", "/1%", "/1_/", "/a/", "/1/村/", "/9/", ""):
        found = set(Division.objects.filter(**{f"path__{lookup}": asked}).values_list("path", flat=True))
        assert found == {path for path in ODD if path.startswith(asked)}, asked


def plan(rows: QuerySet[Division]) -> str:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    return str(rows.explain())


def test_a_small_subtree_is_found_by_the_index_of_paths(cast: Cast) -> None:
    rows = Division.objects.filter(path__under=cast.divisions["990101100000"].path)
    assert "division_below" in plan(rows)
    assert rows.count() > 1


def test_of_a_wide_subtree_only_the_embedded_database_reads_row_by_row(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "_WIDTHS", {})
    whole, town = cast.divisions["990100000000"].path, cast.divisions["990101100000"].path
    assert queries.is_wide(whole) is (connection.vendor == "sqlite")
    assert not queries.is_wide(town)
    rows = Division.objects.filter(within("path", [whole, town]))
    assert set(rows) == {row for row in Division.objects.all() if row.path.startswith((whole, town))}
    assert not Division.objects.filter(within("path", [])).exists()


def test_how_wide_a_subtree_is_is_looked_at_once(cast: Cast, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: object) -> None:
    monkeypatch.setattr(queries, "_WIDTHS", {})
    whole = cast.divisions["990100000000"].path
    first = queries.is_wide(whole)
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert queries.is_wide(whole) is first
