"""A real process is killed while it hands a bulletin over: the next goes on, nobody gets it twice, and one is told as unsure (DLV06)."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.living import wait_for
from tests.kills import KILLS
from tests.programmes.gateways import Gateway, listening
from yuanjiao.simulation.processes import NodeProcess

pytestmark = KILLS
PEOPLE = 12
DIES_AT = 5
SENT_OFF = """
import django; django.setup()
import sys
from django.conf import settings
from yuanjiao.courseware import commands as courseware
from yuanjiao.courseware.models import CoursewareClass, CoursewareSource
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.lib import clock
from yuanjiao.lib.seal import seal
from yuanjiao.people import commands as people
from yuanjiao.people.models import ResponsibilityKind
from yuanjiao.programmes import commands
from yuanjiao.programmes.rules.outlets import Connector
from yuanjiao.simulation.cast import SINCE, build_cast
at = clock.now()
cast = build_cast(at=at)
by, unit = cast.actor("shiguan"), cast.units["ZZ-9901"]
village = cast.divisions["990101101200"]
for number in range(int(sys.argv[2])):
    one = people.add_person(name=f"站长{number}", unit=unit, phone=f"1390000{number:04d}")
    people.make_responsible(person=one, unit=unit, division=village, kind=ResponsibilityKind.SITE_MANAGER, on=SINCE)
column = courseware.open_column(title="农技课堂", owner=unit, visible_from=SINCE, by=by, at=at)
item = courseware.create_courseware(
    title="果树冬剪", kind=Kind.ARTICLE, item_class=CoursewareClass.SERVICE, source=CoursewareSource.OWN, by=cast.actor("zhizuo"), at=at
)
courseware.write_article(courseware=item, source="剪去病枝。", by=cast.actor("zhizuo"), at=at)
item.refresh_from_db()
courseware.submit_courseware(courseware=item, by=cast.actor("zhizuo"), at=at)
courseware.approve_courseware(courseware=item, by=cast.actor("shenhe"), at=at)
courseware.release_courseware(courseware=item, columns=[column], by=by, at=at)
series = commands.open_bulletin(
    name="快讯", unit=unit, scope=village, sender="青禾", address="https://edu.example.cn/", weekday=1, most=3, by=by, at=at
)
outlet = commands.register_outlet(
    name="短信", unit=unit, registration="备 1", connector=Connector.SMS, address="https://sms.example.cn/", secret="0" * 16, by=by, at=at
)
outlet.address_sealed = seal(sys.argv[1], settings.SECRET_KEY)
outlet.save()
edition = commands.draft_edition(series=series, by=by, at=at)
commands.send_edition(edition=edition, outlets=[outlet], seen=edition.text, by=by, at=at)
"""
TURN = """
import django; django.setup()
import sys
from datetime import timedelta
from yuanjiao.lib import clock
from yuanjiao.programmes.jobs import send_bulletins
from yuanjiao.programmes.models import BulletinDelivery
print(send_bulletins(clock.now() + timedelta(minutes=int(sys.argv[1]))), sorted(BulletinDelivery.objects.values_list("state", flat=True)))
"""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with listening() as made:
        yield made


def script(node: NodeProcess, text: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**node.environment, "DJANGO_SETTINGS_MODULE": "yuanjiao.wiring.settings"}
    line = [sys.executable, "-c", text, *arguments]
    return subprocess.Popen(line, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def told(node: NodeProcess, text: str, *arguments: str) -> str:
    process = script(node, text, *arguments)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors[-2000:]
    return out.strip()


@pytest.mark.clause("DLV06")
def test_a_killed_turn_goes_on_and_nobody_gets_an_edition_twice(gateway: Gateway, tmp_path: Path) -> None:
    node = NodeProcess(role="solo", home=tmp_path / "node", name="快讯机")
    node.command("migrate", "-v", "0")
    told(node, SENT_OFF, gateway.address("/sms"), str(PEOPLE))
    gateway.held, gateway.hold_at = threading.Event(), DIES_AT
    doomed = script(node, TURN, "0")
    wait_for("the gateway holds the fifth number", lambda: len(gateway.mobiles) == DIES_AT)
    doomed.kill()
    doomed.communicate()
    gateway.held.set()
    assert told(node, TURN, "1") == f"{PEOPLE - DIES_AT} {['handed'] * (PEOPLE - 1) + ['trying']}"
    assert told(node, TURN, "31") == f"0 {['handed'] * (PEOPLE - 1) + ['unsure']}"
    assert len(gateway.mobiles) == len(set(gateway.mobiles)) == PEOPLE
    ids = [one["id"] for one in gateway.asked]
    assert len(set(ids)) == PEOPLE
