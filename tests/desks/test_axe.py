"""No page of a desk has a serious finding of axe: portal, television, start pages, big screen; a new page has to be named here."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from tests.desks.conftest import Stock
from yuanjiao.desks.urls import urlpatterns
from yuanjiao.simulation.cast import Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PORTAL = ("portal_home", "portal_item", "portal_column", "portal_search", "portal_offline", "portal_settings", "portal_status")
TELEVISION = ("tv_home", "tv_box", "tv_all", "tv_column", "tv_categories", "tv_item", "tv_play", "tv_read")
STAFF = ("home", "signs", "audit", "nodes", "software", "waiting", "screen", "ranking")
LATER = ("waiting_entry", "portal_theme", "portal_channel", "tv_channel", "tv_channels", "portal_live", "tv_live", "tv_lives")
"""Looked at where their rows are made: tests/programmes, test_axe_rows."""
NO_PAGES = {
    "portal_qr", "portal_letters", "portal_manifest", "portal_worker", "tv_notice_ok", "waiting_retry",
    "portal_item_poster", "portal_column_poster", "portal_site_poster", "portal_poster",
}  # fmt: skip
PHONE, DESK, BOX = {"width": 390, "height": 844}, {"width": 1440, "height": 900}, {"width": 720, "height": 576}
WHO = ("shiguan", "xianguan", "gongcheng", "rexian", "zhanguan", "zhizuo", "shenhe", "lingdao", "shenji")


def test_every_page_of_the_desks_is_named_here() -> None:
    named = {*PORTAL, *TELEVISION, *STAFF, *LATER, *NO_PAGES}
    assert {str(pattern.name) for pattern in urlpatterns} == named


def address_of(name: str, shown: Stock) -> str:
    if name.endswith(("_column", "_categories")):
        return reverse(f"desks:{name}", args=[shown.columns["种养技术"].uid])
    if name.endswith(("_item", "_play")):
        return reverse(f"desks:{name}", args=[shown.items["春季仔猪保温与防疫"].uid])
    if name == "tv_read":
        return reverse(f"desks:{name}", args=[shown.article().uid])
    return reverse(f"desks:{name}")


def findings(page: Any, url: str) -> list[tuple[str, str]]:
    """Serious and critical ones, with the first piece of the page each is about."""
    axe = finders.find("vendor/axe.min.js")
    assert isinstance(axe, str)
    answer = page.goto(url)
    assert answer.status == 200, url
    page.add_script_tag(path=axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [(one["id"], one["nodes"][0]["html"][:160]) for one in found["violations"] if one["impact"] in {"serious", "critical"}]


@pytest.mark.parametrize(("names", "view"), [(PORTAL, PHONE), (PORTAL, DESK), (TELEVISION, BOX)])
def test_public_pages_have_no_serious_finding(
    chromium: Any, shown: Stock, live_server: Any, names: tuple[str, ...], view: dict[str, int]
) -> None:
    page = chromium.new_context(viewport=view, locale="zh-CN").new_page()
    assert {name: findings(page, live_server.url + address_of(name, shown)) for name in names} == {name: [] for name in names}


def opened_by(cast: Cast, username: str, name: str) -> bool:
    client = Client()
    client.force_login(cast.accounts[username], backend="django.contrib.auth.backends.ModelBackend")
    return client.get(reverse(f"desks:{name}")).status_code == 200


@pytest.mark.parametrize("username", WHO)
def test_pages_of_those_who_work_here_have_no_serious_finding(chromium: Any, shown: Stock, live_server: Any, username: str) -> None:
    client = Client()
    client.force_login(shown.cast.accounts[username], backend="django.contrib.auth.backends.ModelBackend")
    context = chromium.new_context(viewport=DESK, locale="zh-CN")
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page, open_here = context.new_page(), [name for name in STAFF if opened_by(shown.cast, username, name)]
    assert "home" in open_here
    assert {name: findings(page, live_server.url + reverse(f"desks:{name}")) for name in open_here} == {name: [] for name in open_here}
