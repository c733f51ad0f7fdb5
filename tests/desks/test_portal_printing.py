"""Posters and leaflets: the right paper, the words as text, a code that leads to the page, titles of any length."""

from __future__ import annotations

from typing import Any

import pypdfium2
import pytest
import segno
from django.test import Client
from django.urls import reverse

from tests.desks.conftest import Stock
from yuanjiao.desks.portal.paper import GETA, Sheet, draw

A4, A3, A4_ACROSS = (595, 842), (842, 1191), (842, 595)
SHEET = Sheet("青禾市中心", "种养技术", "春季仔猪保温与防疫", "仔猪怕冷又怕湿。", ("听 4.8 MB",), "https://edu.example/items/1/")


def opened(pdf: bytes) -> Any:
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1, "one sheet"
    return document[0]


def words(pdf: bytes) -> str:
    return "".join(opened(pdf).get_textpage().get_text_range().split())


def fetched(url: str, form: str = "a4") -> bytes:
    answer = Client().get(url, {"form": form})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    return answer.content


@pytest.mark.clause("DLV16")
@pytest.mark.django_db
@pytest.mark.parametrize(("form", "size"), [("a4", A4), ("a3", A3), ("leaflet", A4_ACROSS)])
def test_an_item_is_printed_on_the_paper_asked_for(shown: Stock, form: str, size: tuple[int, int]) -> None:
    uid = shown.items["春季仔猪保温与防疫"].uid
    pdf = fetched(reverse("desks:portal_item_poster", args=[uid]), form)
    assert tuple(round(length) for length in opened(pdf).get_size()) == size
    text = words(pdf)
    assert text.count("春季仔猪保温与防疫") == (2 if form == "leaflet" else 1)
    assert f"http://testserver/items/{uid}/" in text
    assert "仔猪怕冷又怕湿" in text
    assert "主讲：王建国" in text
    assert len(pdf) < 400_000, "only the characters used are embedded"


@pytest.mark.clause("DLV16")
@pytest.mark.django_db
def test_columns_sites_and_the_portal_have_posters_too(shown: Stock) -> None:
    column = shown.columns["种养技术"]
    text = words(fetched(reverse("desks:portal_column_poster", args=[column.uid])))
    assert "种养技术" in text
    assert "养殖补贴怎么申请" in text
    assert f"/columns/{column.uid}/" in text
    site = next(iter(shown.cast.sites.values()))
    text = words(fetched(reverse("desks:portal_site_poster", args=[site.code])))
    assert site.name in text
    assert "政策解读" in text
    assert "手机扫一扫就能看" in words(fetched(reverse("desks:portal_poster")))


@pytest.mark.django_db
def test_what_is_not_there_has_no_poster(shown: Stock) -> None:
    shown.withdraw("医疗保险怎么报销")
    gone = shown.items["医疗保险怎么报销"].uid
    for url in (f"/items/{gone}/poster.pdf", "/sites/S-0/poster.pdf", "/poster.pdf?form=a0"):
        assert Client().get(url).status_code == 404, url


def test_the_code_on_the_paper_is_the_address() -> None:
    """Every module of the drawn code is looked at where it was printed, on a rendered page."""
    picture = opened(draw(SHEET, "a4")).render(scale=4).to_pil().convert("L")
    rows = [list(row) for row in segno.make(SHEET.address, error="m", micro=False).matrix_iter(border=4)]
    mm = 72 / 25.4 * 4
    module = 50 / len(rows)
    for down, row in enumerate(rows):
        for across, dark in enumerate(row):
            at = (int((18 + (across + 0.5) * module) * mm), int((232 + (down + 0.5) * module) * mm))
            assert (picture.getpixel(at) < 128) == bool(dark), at


@pytest.mark.parametrize("form", ["a4", "a3", "leaflet"])
def test_the_longest_title_keeps_clear_of_the_foot(form: str) -> None:
    long = Sheet(
        "青禾市" * 8,
        "栏" * 30,
        "关于做好春季农业生产、" * 9,
        "仔猪怕冷又怕湿。" * 60,
        ("主讲：王建国",) * 3,
        "https://e.example/" + "a" * 90,
    )
    text = words(draw(long, form))
    assert "手机扫一扫就能看" in text
    assert "……" in text
    assert long.title in text


def test_a_character_no_font_has_is_said_to_be_missing_and_stops_nothing() -> None:
    text = words(draw(Sheet("", "", "𣵦村养殖\u200b", "", (), "https://e.example/"), "a4"))
    assert f"{GETA}村养殖" in text
