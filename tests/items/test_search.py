"""The full text of items: Chinese words without spaces, on either database; what changes is found as it is now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuanjiao.items import commands
from yuanjiao.items.models import Item
from yuanjiao.items.rules import ItemKind, State
from yuanjiao.items.search import holding, index_items, tokens
from yuanjiao.simulation.cast import Cast

Make = Callable[[State], Item]


def found(words: str) -> set[str]:
    condition = holding(words)
    assert condition is not None
    return set(Item.objects.filter(condition).values_list("title", flat=True))


def note(cast: Cast, at: datetime, title: str, **more: str) -> Item:
    division = cast.divisions["990101000000"]
    return commands.create_item(kind=ItemKind.TASK, title=title, division=division, by=cast.actor("shiguan"), at=at, **more)


def test_chinese_words_are_found_wherever_they_stand(cast: Cast, at: datetime) -> None:
    note(cast, at, "更换李村机顶盒", measure="逐户检查光缆接头", expected_result="恢复收看")
    note(cast, at, "水稻和稻田养鱼课件", measure="ＡＢＣ 模式 HD2000 终端")
    for words in ("机顶盒", "机顶", "盒", "户", "李村机顶盒", "光缆 恢复", "接头"):
        assert found(words) == {"更换李村机顶盒"}, words
    for words in ("hd2000", "HD20", "abc", "稻", "水稻 养鱼"):
        assert found(words) == {"水稻和稻田养鱼课件"}, words
    assert found("水稻田") == set(), "both pairs are there, the word is not"
    assert found("不存在") == set()
    assert holding(" ！？ ") is None
    assert found("'; drop -- \" AND * 机顶盒") == set()


def test_a_code_read_on_the_telephone_and_a_changed_draft_are_found(cast: Cast, at: datetime) -> None:
    item = note(cast, at, "换光猫")
    assert found(item.code.lower()) == {"换光猫"}
    by = cast.actor("shiguan")
    commands.edit_draft(item=item, title="换路由器", measure="", expected_result="", starts_on=None, by=by, at=at + timedelta(hours=1))
    assert (found("光猫"), found("路由器")) == (set(), {"换路由器"})


def test_pairs_of_characters() -> None:
    assert tokens("𣵦里") == ["𣵦里", "里"]
    assert tokens("水稻田，HD-2000 ｘ") == ["水稻", "稻田", "田", "hd", "2000", "x"]


@pytest.mark.parametrize("letters", ["站点机顶盒光"])
def test_whatever_the_text_the_search_agrees_with_looking_through_it(letters: str, item_at: Make) -> None:
    item = item_at(State.DRAFT)
    text = st.text(alphabet=letters + " ", min_size=1, max_size=12)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(title=text, words=st.text(alphabet=letters, min_size=1, max_size=4))
    def agrees(title: str, words: str) -> None:
        Item.objects.filter(pk=item.pk).update(title=title, measure="", expected_result="")
        item.refresh_from_db()
        index_items([item])
        condition = holding(words)
        assert condition is not None
        assert Item.objects.filter(condition, pk=item.pk).exists() is (words in title)

    agrees()
