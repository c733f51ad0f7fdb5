"""The search: Chinese words without spaces, pinyin, wrong characters, scope, and an index that follows the rows."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from tests.courseware.conftest import publish
from yuanjiao.courseware import commands, queries, search, shelf
from yuanjiao.courseware.events import MissesCounted, WordsMissed, apply_misses_counted
from yuanjiao.courseware.models import Column, Courseware, Placement, SearchDue, SearchMiss, SearchMissCount
from yuanjiao.courseware.rules.life import State
from yuanjiao.courseware.search.words import characters, spellings, words
from yuanjiao.courseware.steps import search_due
from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.flow.journal.event import Fact
from yuanjiao.flow.journal.models import Entry
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib import clock
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
ON = date(2026, 3, 2)
TITLES = (
    "水稻病虫害防治",
    "水稻育秧",
    "小麦病虫害图谱",
    "果树冬季修剪技术",
    "党员教育：入党誓词",
    "A12 型拖拉机保养",
    "水道疏通",
    "𣵦里村的故事",
)


def stock(cast: Cast, column: Column, titles: Iterable[str], **fields: str) -> list[Courseware]:
    """Released rows as a catalogue brings them: without any film behind them."""
    unit, at = cast.units["ZZ-9901"], datetime(2026, 3, 1, tzinfo=UTC)
    values = {"item_class": "service", "source": "practitioner", "state": State.RELEASED, "created_at": at, "released_at": at, **fields}
    rows = Courseware.objects.bulk_create([Courseware(title=title, unit=unit, **values) for title in titles])
    Placement.objects.bulk_create([Placement(column=column, courseware=row, placed_at=at) for row in rows])
    search_due(row.uid for row in rows)
    return rows


def found(words: str, **more: object) -> list[str]:
    search.catch_up()
    return [card.title for card in queries.search_items(words, on=ON, limit=50, **more).cards]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "titles"),
    [
        ("水稻", {"水稻病虫害防治", "水稻育秧"}),
        ("病虫害防治", {"水稻病虫害防治"}),
        ("水稻防治", {"水稻病虫害防治"}),
        ("防治水稻", {"水稻病虫害防治"}),
        ("病虫害 图谱", {"小麦病虫害图谱"}),
        ("果树修剪", {"果树冬季修剪技术"}),
        ("虫", {"水稻病虫害防治", "小麦病虫害图谱"}),
        ("a12", {"A12 型拖拉机保养"}),
        ("Ａ１２", {"A12 型拖拉机保养"}),
        ("sdbch", {"水稻病虫害防治"}),
        ("bch", {"水稻病虫害防治", "小麦病虫害图谱"}),
        ("shuidaoyu", {"水稻育秧"}),
        ("shuidaoyiyang", {"水稻育秧"}),
        ("𣵦里", {"𣵦里村的故事"}),
        ("养蜂", set()),
        ("水稻养蜂", set()),
        ("100%", set()),
        ("_", set()),
    ],
)
@pytest.mark.clause("CW22")
def test_what_people_type_finds_what_they_mean(cast: Cast, column: Column, typed: str, titles: set[str]) -> None:
    stock(cast, column, TITLES)
    assert set(found(typed)) == titles


def test_a_wrong_character_of_the_right_sound_is_said_to_be_alike(cast: Cast, column: Column) -> None:
    stock(cast, column, ["水稻育秧"])
    search.catch_up()
    answer = queries.search_items("水道育秧", on=ON, limit=10)
    assert ([card.title for card in answer.cards], answer.alike) == (["水稻育秧"], True)
    assert not queries.search_items("水稻育秧", on=ON, limit=10).alike


def test_a_title_counts_more_than_a_summary_and_a_word_more_than_chance(cast: Cast, column: Column) -> None:
    stock(cast, column, ["桃园管理"], summary="讲果树的修剪")
    stock(cast, column, ["果树修剪"])
    assert found("果树修剪") == ["果树修剪", "桃园管理"]


@pytest.mark.clause("CW22")
def test_an_unspaced_query_of_two_words_finds_every_item_that_holds_both(cast: Cast, column: Column) -> None:
    nouns = ["水稻", "小麦", "玉米", "果树", "蔬菜", "生猪", "肉羊", "蜜蜂", "食用菌", "中药材", "党员", "支部", "远程教育", "合作社"]
    verbs = ["种植", "防治", "修剪", "育苗", "施肥", "灌溉", "养殖", "管理", "培训", "服务", "销售", "加工", "贮藏", "防疫"]
    draw = random.Random(7)
    titles = [f"{draw.choice(nouns)}{draw.choice(['的', '高产', '科学', '冬季', ''])}{draw.choice(verbs)}技术{n}" for n in range(300)]
    stock(cast, column, titles)
    search.catch_up()
    for noun in nouns:
        for verb in verbs:
            held = {title for title in titles if noun in title and verb in title}
            everything = {card.title for card in queries.search_items(noun + verb, on=ON, limit=300).cards}
            assert held <= everything or not held, f"{noun}{verb}: {held - everything}"


def test_a_long_sentence_needs_most_of_its_words(cast: Cast, column: Column) -> None:
    stock(cast, column, TITLES)
    assert found("我想看看水稻病虫害防治怎么做才好呢") == []
    assert found("果树冬季修剪技术果树冬季修剪的技术") == ["果树冬季修剪技术"]


@given(st.text(max_size=40))
def test_cutting_words_never_fails(text: str) -> None:
    for token in (*characters(text), *words(text), *spellings(text)):
        assert token.strip()


def test_anything_typed_is_answered(cast: Cast, column: Column) -> None:
    stock(cast, column, TITLES)
    search.catch_up()
    for typed in ("", " ", '"', "AND OR", "title:水稻", "[a TO z]", "*", "水稻*", "\\", "水" * 60, "a" * 60, "１２３", "é", "🙂水稻"):
        queries.search_items(typed, on=ON, limit=5)


def test_the_index_follows_the_life_of_an_item(cast: Cast, column: Column, films: dict[str, Path], at: datetime, log_in: LogIn) -> None:
    assert found("果树") == []
    item = publish(cast, column, films["short.mp4"], at)
    assert found("果树") == ["果树冬季修剪技术"]
    assert found("果树", column=column.uid) == ["果树冬季修剪技术"]
    assert found("果树", item_class="service" if item.item_class == "education" else "education") == []
    second = commands.open_column(title="冬闲讲堂", owner=cast.units["ZZ-9901"], visible_from=ON, by=cast.actor("shiguan"), at=at)
    assert found("果树", column=second.uid) == []
    commands.release_courseware(courseware=item, columns=[second], by=cast.actor("shiguan"), at=at)
    assert found("果树", column=second.uid) == ["果树冬季修剪技术"]
    commands.remove_placement(placement=Placement.objects.get(column=second), by=cast.actor("shiguan"), at=at)
    assert found("果树", column=second.uid) == []
    commands.withdraw_courseware(courseware=item, reason="有误", by=cast.actor("shiguan"), at=at)
    assert found("果树") == []
    with pytest.raises(NotFound):
        queries.item_detail(item.uid, on=ON)


def test_scope_and_dates_of_columns_hold_in_a_search(cast: Cast, column: Column, at: datetime) -> None:
    county = cast.divisions["990101000000"]
    own = commands.open_column(
        title="柳溪专栏", owner=cast.units["ZZ-9901"], visible_from=ON, visible_to=ON + timedelta(days=9), audience=county.path,
        by=cast.actor("shiguan"), at=at,
    )  # fmt: skip
    stock(cast, own, ["柳溪水稻"])
    assert found("水稻", path=county.path) == ["柳溪水稻"]
    assert found("水稻", path=cast.divisions["990102000000"].path) == []
    later = queries.search_items("水稻", on=ON + timedelta(days=9), limit=5)
    assert later.count == 0


def test_what_a_catalogue_changes_is_found_anew_and_nothing_else_is_touched(cast: Cast, column: Column) -> None:
    rows = stock(cast, column, ["水稻育秧", "小麦播种"])
    assert found("水稻") == ["水稻育秧"]
    document = shelf.offer(ALL).document
    assert document is not None
    shelf.accept(document)
    assert not SearchDue.objects.exists()
    Courseware.objects.filter(pk=rows[0].pk).update(title="旧题")
    shelf.accept(document)
    assert {row.item for row in SearchDue.objects.all()} == {rows[0].uid}
    assert found("水稻") == ["水稻育秧"]


def test_an_index_that_was_lost_is_built_anew_from_the_rows(cast: Cast, column: Column, capsys: pytest.CaptureFixture[str]) -> None:
    rows = stock(cast, column, TITLES)
    assert len(found("水稻")) == 2
    Courseware.objects.filter(pk=rows[0].pk).update(title="改过的题目")  # past every command, as after a restored backup
    assert found("改过") == []
    call_command("search", "rebuild")
    assert "共 8 件" in capsys.readouterr().out
    assert found("改过") == ["改过的题目"]


def test_a_writer_that_is_busy_leaves_what_is_due_for_later(cast: Cast, column: Column) -> None:
    assert found("水稻") == []
    stock(cast, column, ["水稻育秧"])
    other = search.index._index().writer(30_000_000, 1)
    assert search.catch_up() == 0
    assert SearchDue.objects.count() == 1
    del other
    assert found("水稻") == ["水稻育秧"]


def test_an_index_torn_by_a_power_cut_is_made_anew(cast: Cast, column: Column, tmp_path: Path) -> None:
    stock(cast, column, ["水稻育秧"])
    assert found("水稻") == ["水稻育秧"]
    folder = tmp_path / "search" / search.index.FORM
    (folder / "meta.json").write_bytes(b'{"segments": [')
    search.index._opened.cache_clear()
    assert found("水稻") == ["水稻育秧"]


def test_who_finds_a_new_index_taken_is_asked_to_come_again(cast: Cast, column: Column, tmp_path: Path) -> None:
    stock(cast, column, ["水稻育秧"])
    folder = tmp_path / "search" / search.index.FORM
    other = search.index._opened(folder).writer(30_000_000, 1)
    (folder / search.index.UNFILLED).touch()
    assert Client().get("/search/", {"q": "水稻"}).status_code == 503
    del other
    assert "水稻育秧" in Client().get("/search/", {"q": "水稻"}).content.decode()


def test_what_was_looked_for_in_vain_is_a_need_without_a_person(cast: Cast, column: Column, log_in: LogIn) -> None:
    stock(cast, column, ["水稻育秧"])
    search.catch_up()
    reader = Client()
    for typed in ("养蜂", "养蜂", "水稻", "13800000006", "a@b.c", "蜂"):
        assert reader.get("/search/", {"q": typed}).status_code == 200
    assert queries.search_misses(since=clock.today()) == [("养蜂", 2)]
    assert {field.name for field in SearchMiss._meta.fields} == {"id", "day", "words", "count", "told"}
    page = log_in("shiguan").get("/courseware/misses/").content.decode()
    assert "养蜂" in page
    assert log_in("zhanguan").get("/courseware/misses/").status_code == 403


def test_an_edge_tells_what_was_looked_for_in_vain_in_sums_of_days_and_the_centre_makes_it_a_need(
    cast: Cast, column: Column, at: datetime, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = Node.objects.create(kind="centre", name="上级", public_key=b"p" * 32, is_parent=True, enrolled_at=at)
    for asked in ["养蜂"] * 4 + ["梨树"] * 2:
        commands.note_search_miss(words=asked, on=local_day(at))
    assert commands.tell_misses(at=at) == 0, "the day is not over"
    assert commands.tell_misses(at=at + timedelta(days=1)) == 1
    assert commands.tell_misses(at=at + timedelta(days=2)) == 0, "a day is told once"
    assert queries.search_misses(since=local_day(at), paths=["/"]) == [("养蜂", 4), ("梨树", 2)], "its own words are not counted twice"
    told = Entry.objects.get(kind="courseware.misses_counted/1")
    SearchMiss.objects.all().delete()
    SearchMissCount.objects.all().delete()
    parent.delete()
    county = cast.divisions["990101000000"].path
    edge = Node.objects.create(kind="edge", name="柳溪", public_key=b"e" * 32, scope=county, enrolled_at=at)
    event = MissesCounted(day=local_day(at), path=county, words=[WordsMissed(words="养蜂", count=4)])
    for _again in (1, 2):
        apply_misses_counted(event, Fact(origin=edge.uid, seq=1, at=at))
    assert b"\xe6\xa2\xa8" not in bytes(told.payload), "a word asked twice stays where it was asked"
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=1))
    client = log_in("zhizuo")
    page = client.get("/courseware/misses/?place=990101000000").content.decode()
    assert "养蜂" in page
    assert "养蜂" not in client.get("/courseware/misses/?place=990102000000").content.decode()
    (address,) = re.findall(r'href="(/courseware/needs/new/[^"]+)"', page)
    form = client.get(address.replace("&amp;", "&")).content.decode()
    assert 'value="养蜂"' in form
    assert 'value="4"' in form
    said = {"text": "养蜂", "origin": "search", "division": county, "times": 4}
    assert client.post("/courseware/needs/new/", said).status_code == 302
    assert "已登记" in client.get("/courseware/misses/").content.decode()
    with pytest.raises(Refused):
        apply_misses_counted(
            MissesCounted(day=local_day(at), path=cast.divisions["990102000000"].path, words=[]), Fact(origin=edge.uid, seq=2, at=at)
        )


def test_the_page_says_that_it_only_sounds_alike(cast: Cast, column: Column) -> None:
    stock(cast, column, ["水稻育秧"])
    search.catch_up()
    page = Client().get("/search/", {"q": "水道育秧"}).content.decode()
    assert "读音相近" in page
    assert "水稻育秧" in page
