"""Pages that need rows to be seen, of policies, official channels, certificates and bulk imports, have no serious finding of axe."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.desks.conftest import Stock
from tests.desks.test_axe import BOX, DESK, PHONE, findings
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import PolicyRole
from yuanjiao.lib.clock import local_day
from yuanjiao.production import commands as production
from yuanjiao.programmes import commands as programmes
from yuanjiao.programmes.rules.outlets import Connector

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def addresses(shown: Stock) -> list[tuple[str, dict[str, int], str]]:
    """Who looks (empty: anybody), at which screen, at what."""
    at, unit, by = shown.at, shown.cast.units["ZZ-9901"], shown.cast.actor("shiguan")
    text, plain = shown.article("耕地地力保护补贴实施方案"), shown.article("补贴怎么领：一看就懂")
    courseware.name_policy(courseware=text, document="青农〔2026〕12号", issued_on=local_day(at - timedelta(days=4)), by=by, at=at)
    courseware.explain_policy(courseware=plain, policy=text, role=PolicyRole.EXPLANATION, by=by, at=at)
    outlet = programmes.register_outlet(name="青禾日报", unit=unit, registration="CN13-0001", connector=Connector.BY_HAND, by=by, at=at)
    (row,) = programmes.publish_on(item=text.uid, outlets=[outlet], by=by, at=at, address="https://edu.example.cn/")
    paper = production.issue_certificate(holder="刘教授", reason="主讲《果树修剪》", unit=unit, by=by, at=at)
    bulk = courseware.open_bulk_import(department="市文旅局", by=shown.cast.actor("zhizuo"), at=at)
    staff = ["/courseware/policies/", f"/courseware/{plain.uid}/policy/", f"/courseware/{text.uid}/", "/programmes/publications/"]
    staff += [f"/programmes/publications/{row.uid}/", f"/programmes/outlets/{outlet.uid}/end/", "/programmes/outlets/"]
    public = [
        f"/items/{text.uid}/",
        f"/items/{plain.uid}/",
        f"/certificates/{paper.number}/{paper.code}/",
        f"/certificates/{paper.number}/",
    ]
    return [
        *(("shiguan", DESK, address) for address in staff),
        ("zhizuo", DESK, f"/courseware/bulk/{bulk.uid}/"),
        *(("", PHONE, address) for address in public),
        ("", BOX, f"/tv/items/{text.uid}/"),
    ]


def test_pages_with_rows_have_no_serious_finding(chromium: Any, shown: Stock, live_server: Any) -> None:
    found = {}
    for username, view, address in addresses(shown):
        context = chromium.new_context(viewport=view, locale="zh-CN")
        if username:
            client = Client()
            client.force_login(shown.cast.accounts[username], backend="django.contrib.auth.backends.ModelBackend")
            key = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": live_server.url}])
        found[address] = findings(context.new_page(), live_server.url + address)
        context.close()
    assert {address: one for address, one in found.items() if one} == {}
