"""Pages that need rows to be seen, of entries that wait, policies, official channels, certificates, bulk imports and what sites
were, have no serious finding of axe."""

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
from yuanjiao.flow.journal.models import Entry, Head, Unapplied
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.clock import local_day
from yuanjiao.network.commands.many import correct_objects
from yuanjiao.production import commands as production
from yuanjiao.programmes import commands as programmes
from yuanjiao.programmes.rules.outlets import Connector

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def bulletins(shown: Stock, title: str) -> list[str]:
    """A draft, and an edition on a gateway that has not been asked yet."""
    unit, who = shown.cast.units["ZZ-9901"], {"by": shown.cast.actor("shiguan"), "at": shown.at}
    found = []
    for name in ("快讯", "简报"):
        series = programmes.open_bulletin(
            name=name, unit=unit, scope=unit.division, sender="青禾", address="https://edu.example.cn/", weekday=1, most=3, **who
        )
        edition = programmes.draft_edition(series=series, **who)
        assert title in edition.text
        found += [f"/programmes/bulletins/series/{series.uid}/", f"/programmes/bulletins/{edition.uid}/"]
    outlet = programmes.register_outlet(
        name="短信", unit=unit, registration="备 1 号", connector=Connector.SMS, address="https://sms.example.cn/", secret="0" * 16, **who
    )
    programmes.send_edition(edition=edition, outlets=[outlet], seen=edition.text, **who)
    return [*found, f"{found[-1]}deliveries/"]


def waiting(shown: Stock) -> list[str]:
    """An entry that could not be built, by itself and in its list, and a refusal by the parent."""
    own = Node.objects.get(is_self=True)
    Head.objects.update_or_create(origin=own, defaults={"seq": 9001, "refusal": "forked: 另有说法", "refused_at": shown.at})
    said = {"kind": "faults.reported/1", "at": shown.at, "received_at": shown.at, "payload": b"{}", "entry_hash": bytes(32)}
    entry = Entry.objects.create(origin=own, seq=9001, **said)
    Unapplied.objects.create(entry=entry, reason="NotFound: 没有编号为 S-1 的站点", since=shown.at, tried_at=shown.at)
    return ["/desk/waiting/", f"/desk/waiting/{own.uid}/9001/"]


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
    correct_objects(changes={"S-990101100200": {"access_mode": "satellite", "programmes": "党员远教"}}, on=local_day(at))
    staff = ["/courseware/policies/", f"/courseware/{plain.uid}/policy/", f"/courseware/{text.uid}/", "/programmes/publications/"]
    staff += [*bulletins(shown, text.title), *waiting(shown)]
    staff += [f"/programmes/publications/{row.uid}/", f"/programmes/outlets/{outlet.uid}/end/", "/programmes/outlets/"]
    public = [
        f"/items/{text.uid}/",
        f"/items/{plain.uid}/",
        f"/certificates/{paper.number}/{paper.code}/",
        f"/certificates/{paper.number}/",
    ]
    return [
        *(("shiguan", DESK, address) for address in staff),
        ("shiguan", PHONE, "/desk/waiting/"),
        ("zhizuo", DESK, f"/courseware/bulk/{bulk.uid}/"),
        ("shiguan", PHONE, "/network/objects/S-990101100200/"),
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
