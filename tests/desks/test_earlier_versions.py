"""What was shared, printed or kept before a new version came still leads somewhere: to the new version, on every face."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from tests.desks.conftest import Stock
from yuanjiao.courseware import commands
from yuanjiao.courseware.models import Courseware
from yuanjiao.courseware.packaging.work import package_item

pytestmark = pytest.mark.django_db
FILM = ("desks:portal_item", "desks:portal_qr", "desks:portal_item_poster", "desks:tv_item", "desks:tv_play", "courseware:master_playlist")
ARTICLE = ("desks:portal_item", "desks:tv_item", "desks:tv_read")


def revised(stock: Stock, old: Courseware, folder: Path) -> Courseware:
    """The next version on air, in the places of the old one."""
    author = stock.cast.actor("zhizuo")
    item = commands.revise_courseware(courseware=old, reason="数字有变", by=author, at=stock.at)
    if item.kind == "video":
        film = Path(shutil.copy(stock.film, folder / "new.mp4"))
        commands.take_original(courseware=item, path=film, filename="new.mp4", by=author, at=stock.at)
        package_item(item.uid, now=lambda: stock.at)
    else:
        commands.submit_courseware(courseware=item, by=author, at=stock.at)
    item.refresh_from_db()
    commands.approve_courseware(courseware=item, by=stock.cast.actor("shenhe"), at=stock.at)
    item.refresh_from_db()
    commands.release_courseware(courseware=item, columns=[], by=stock.cast.actor("shiguan"), at=stock.at)
    return item


def leads(name: str, old: Courseware, new: Courseware, query: str = "") -> None:
    answer = Client().get(reverse(name, args=[old.uid]) + query)
    assert answer.status_code in {301, 302}, name
    assert answer["Location"] == reverse(name, args=[new.uid]) + query
    assert Client().get(answer["Location"]).status_code == 200, name


@pytest.mark.clause("CW21")
@pytest.mark.clause("DLV16")
@pytest.mark.clause("DLV18")
def test_every_old_address_of_a_film_leads_to_its_newest_version(shown: Stock, tmp_path: Path) -> None:
    old = shown.items["春季仔猪保温与防疫"]
    second = revised(shown, old, tmp_path)
    for name in FILM:
        leads(name, old, second)
    third = revised(shown, second, tmp_path)
    for name in FILM:
        leads(name, old, third)
        leads(name, second, third)


def test_what_else_stands_in_an_old_address_goes_along(shown: Stock, tmp_path: Path) -> None:
    old = shown.article()
    new = revised(shown, old, tmp_path)
    for name in ARTICLE:
        leads(name, old, new, f"?c={shown.columns['种养技术'].uid}&l=2")
    assert "no-cache" in Client().get(reverse("desks:portal_item", args=[old.uid]))["Cache-Control"]


def test_an_address_whose_newest_version_is_withdrawn_or_that_never_was_is_missing(shown: Stock, tmp_path: Path) -> None:
    old = shown.article()
    new = revised(shown, old, tmp_path)
    commands.withdraw_courseware(courseware=new, reason="内容有误", by=shown.cast.actor("shiguan"), at=shown.at)
    for name in ARTICLE:
        assert Client().get(reverse(name, args=[old.uid])).status_code == 404
    assert Client().get(reverse("courseware:master_playlist", args=[old.uid])).status_code == 404
