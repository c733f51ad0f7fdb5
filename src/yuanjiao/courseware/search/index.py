"""The index on the disk of this machine: brought up to date from what is due, asked, built anew.

Readers see a commit as a whole or not at all. One writer at a time: who finds it taken leaves the work to whoever holds it.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _
from tantivy import Document, Index, IndexWriter, Occur, Query, Schema, SchemaBuilder, TextAnalyzerBuilder, Tokenizer

from yuanjiao.courseware.models import Courseware, Placement, SearchDue
from yuanjiao.courseware.rules.articles import plain
from yuanjiao.courseware.rules.life import State
from yuanjiao.courseware.search import asking
from yuanjiao.courseware.search.words import characters, joined, sounds, spellings, words
from yuanjiao.lib.errors import Unavailable

log = logging.getLogger(__name__)
UNFILLED = "unfilled"
"""A file that stands beside an index until everything has been taken into it once."""
FORM = "3"
"""Raise it when the schema or the cutting of words changes: the index is then built anew."""
HEAP_BYTES = 30_000_000
AT_ONCE = 500
MOST_PARTS = 500
SPACED = "spaced"
FACET = "facet"
_writing = threading.Lock()


@dataclass(frozen=True)
class Hits:
    """Uids of one page, best first, and how many there are in all. `alike`: nothing held the words, these sound like them."""

    uids: tuple[UUID, ...]
    count: int
    alike: bool = False


def facet(name: str, value: str) -> str:
    """One filter as a term of the index: the item's class, kind, age band, topic, or that it is a teaching case."""
    return f"{name}={value}"


def _schema() -> Schema:
    builder = SchemaBuilder()
    builder.add_text_field("uid", stored=True, tokenizer_name="raw", index_option="basic")
    for name in (asking.TITLE, asking.TEXT, asking.SOUND):
        builder.add_text_field(name, tokenizer_name=SPACED, index_option="position")
    builder.add_text_field(asking.WORDS, tokenizer_name=SPACED, index_option="freq")
    for name in (asking.SPELLED, "column", FACET):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    return builder.build()


@lru_cache(maxsize=4)
def _opened(folder: Path) -> Index:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        index = Index(_schema(), path=str(folder))
    except ValueError as error:  # what a power cut tore, or another schema: it is derived, and is made anew
        log.error("search: the index cannot be read and is made anew: %s", error)
        shutil.rmtree(folder)
        folder.mkdir()
        index = Index(_schema(), path=str(folder))
        (folder / UNFILLED).touch()
    index.register_tokenizer(SPACED, TextAnalyzerBuilder(Tokenizer.whitespace()).build())
    index.config_reader("commit", 1)
    return index


def _index() -> Index:
    """The index of this HOME; a new one is filled at once."""
    folder = settings.HOME / "search" / FORM
    if not (folder / "meta.json").exists():
        _opened.cache_clear()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / UNFILLED).touch()
    index = _opened(folder)
    if (folder / UNFILLED).exists():
        _fill()
    return index


def _fill() -> None:
    """Fill a new index; Unavailable while another process does, or the disk is full."""
    try:
        rebuild()
    except (ValueError, OSError) as error:
        raise Unavailable(_("正在建立搜索索引，请稍后再试")) from error


# -- writing ----------------------------------------------------------------------------------------------------------------


def catch_up() -> int:
    """Index what has changed since the last time; returns how many items. Nothing is done while somebody else writes."""
    index = _index()
    due = list(SearchDue.objects.order_by("pk").values_list("pk", "item")[:AT_ONCE])
    if not due:
        return 0
    if not _writing.acquire(blocking=False):
        return 0
    try:
        writer = _writer(index)
        if writer is None:
            return 0
        uids = {item for _pk, item in due}
        for uid in uids:
            writer.delete_documents_by_term("uid", uid.hex)
        _add(writer, _released().filter(uid__in=uids))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
    finally:
        _writing.release()
    SearchDue.objects.filter(pk__in=[pk for pk, _item in due]).delete()
    return len(uids)


def rebuild() -> int:
    """Everything anew from the rows, in one commit; returns how many items. Raises ValueError while another process writes."""
    folder = settings.HOME / "search" / FORM
    index = _opened(folder)
    with _writing:
        due = list(SearchDue.objects.values_list("pk", flat=True))  # those seen before the rows were read, and no others
        writer = index.writer(HEAP_BYTES, 1)
        writer.delete_all_documents()
        count = _add(writer, _released())
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        (folder / UNFILLED).unlink(missing_ok=True)
    for start in range(0, len(due), AT_ONCE):
        SearchDue.objects.filter(pk__in=due[start : start + AT_ONCE]).delete()
    return count


def _writer(index: Index) -> IndexWriter | None:
    try:
        return index.writer(HEAP_BYTES, 1)
    except ValueError as error:  # another process holds the lock on the folder
        log.info("search: %s", error)
        return None


def _released() -> QuerySet[Courseware]:
    placed = Prefetch("placements", Placement.objects.select_related("column"), to_attr="shown_in")
    return Courseware.objects.filter(state=State.RELEASED).select_related("unit").prefetch_related(placed, "parts", "topics")


def _add(writer: IndexWriter, rows: QuerySet[Courseware]) -> int:
    count = 0
    for row in rows.order_by("pk").iterator(chunk_size=AT_ONCE):
        writer.add_document(_document(row))
        count += 1
    return count


def _document(row: Courseware) -> Document:
    fields = (row.title, row.summary, row.speaker, row.unit.name)
    inside = (*fields, row.origin, *(topic.name for topic in row.topics.all()), plain(row.body), *_words_of_parts(row))
    document = Document()
    document.add_text("uid", row.uid.hex)
    for one in _facets(row):
        document.add_text(FACET, one)
    document.add_text(asking.TITLE, joined([characters(row.title)]))
    document.add_text(asking.TEXT, joined(characters(field) for field in inside))
    document.add_text(asking.WORDS, joined(words(field) for field in inside))
    document.add_text(asking.SOUND, joined(sounds(field) for field in fields[:3]))
    for spelling in spellings(row.title) | spellings(row.speaker):
        document.add_text(asking.SPELLED, spelling)
    for placement in row.shown_in:  # type: ignore[attr-defined]  # the prefetch of _released
        document.add_text("column", placement.column.uid.hex)
    return document


def _facets(row: Courseware) -> list[str]:
    said = [facet("item_class", row.item_class), facet("kind", row.kind), *(facet("topic", topic.code) for topic in row.topics.all())]
    said += [facet("is_case", "True")] if row.is_case else []
    return [*said, facet("age_band", row.age_band)] if row.age_band else said


def _words_of_parts(row: Courseware) -> list[str]:
    """What stands on the pages and under the pictures, up to the length of a thick book."""
    return [f"{part.text} {part.caption}" for part in row.parts.all()][:MOST_PARTS]


# -- asking -----------------------------------------------------------------------------------------------------------------


def find(text: str, *, columns: Iterable[UUID], facets: Sequence[str] = (), limit: int, offset: int = 0) -> Hits:
    """Items in any of the columns that hold the words, best first; when none does, those that sound like them."""
    index, shown = _index(), [uid.hex for uid in columns]
    if not shown:
        return Hits((), 0)
    for query, alike in ((asking.exact, False), (asking.alike, True)):
        asked = query(index.schema, text)
        if asked is None:
            break
        hits = _search(index, asked, shown, facets, limit, offset)
        if hits.count:
            return Hits(hits.uids, hits.count, alike)
    return Hits((), 0)


def _search(index: Index, asked: Query, columns: Sequence[str], facets: Sequence[str], limit: int, offset: int) -> Hits:
    schema, searcher = index.schema, index.searcher()
    within = Query.const_score_query(Query.term_set_query(schema, "column", list(columns)), 0.0)
    parts = [(Occur.Must, asked), (Occur.Must, within)]
    parts += [(Occur.Must, Query.const_score_query(Query.term_query(schema, FACET, one), 0.0)) for one in facets]
    result = searcher.search(Query.boolean_query(parts), max(limit, 1), offset=offset)
    uids = tuple(UUID(searcher.doc(address)["uid"][0]) for _score, address in result.hits)
    return Hits(uids[:limit], int(result.count or 0))  # type: ignore[attr-defined]  # the stubs lack it
