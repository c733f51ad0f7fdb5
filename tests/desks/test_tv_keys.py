"""Key tables and kinds of boxes: data that must hold together."""

from __future__ import annotations

import pytest

from yuanjiao.desks.tv.boxes import BOXES, EVERY_KEY, HD_720, SD_530, SD_576, Canvas
from yuanjiao.desks.tv.keys import ACTIONS, TABLES, as_text, union

SIX = {"up", "down", "left", "right", "ok", "back"}
FIELD_CODES = {
    "ipanel": {1: "up", 2: "down", 3: "left", 4: "right", 340: "back", 339: "home", 372: "page_up", 373: "page_down"},
    "standard": {38: "up", 40: "down", 37: "left", 39: "right", 8: "back", 13: "ok"},
    "enrich": {87: "up", 83: "down", 65: "left", 68: "right"},
    "dvn": {640: "back", 4097: "ok"},
}
"""Codes found in the field (requirements c9)."""


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_table_has_the_six_keys_and_the_digits_and_no_unknown_action(name: str) -> None:
    actions = set(TABLES[name].values())
    assert set("0123456789") <= actions <= ACTIONS
    assert actions >= SIX


@pytest.mark.parametrize("name", sorted(FIELD_CODES))
def test_codes_of_the_field_mean_what_their_maker_means(name: str) -> None:
    for code, action in FIELD_CODES[name].items():
        assert TABLES[name][code] == action


def test_a_box_that_says_nothing_understands_every_maker() -> None:
    for codes in FIELD_CODES.values():
        for code, action in codes.items():
            assert EVERY_KEY[code] == action


def test_a_code_that_means_two_things_is_left_out_of_the_union() -> None:
    assert union([{1: "up", 2: "down"}, {1: "left", 3: "ok"}]) == {2: "down", 3: "ok"}


def test_the_page_gets_the_table_as_plain_text() -> None:
    assert as_text({40: "down", 8: "back"}) == "8:back 40:down"


@pytest.mark.parametrize("name", sorted(BOXES))
def test_every_kind_of_box_has_the_six_keys_and_a_known_canvas(name: str) -> None:
    box = BOXES[name]
    assert set(box.keys.values()) >= SIX
    assert box.canvas in (SD_530, SD_576, HD_720)
    assert len(BOXES) <= 9, "the page of boxes is chosen from by one digit"


@pytest.mark.parametrize("canvas", [SD_530, SD_576, HD_720])
@pytest.mark.parametrize("length", [1, 12, 60, 100])
def test_a_longer_title_leaves_less_room_for_the_summary_but_never_none(canvas: Canvas, length: int) -> None:
    assert 0 < canvas.summary_chars("字" * length) <= canvas.summary_chars("字")
