"""Opt-in (`pytest -m scale`): a film that somebody uploads is packaged into a bucket, released, and plays from there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import yuanjiao_beacon as beacon
from tests.journeys.living import wait_for
from tests.journeys.test_packaging_killed import ask, script
from tests.journeys.test_upload_of_gigabytes import CAST, Sender, film
from tests.kills import KILLS
from tests.storage import KEY, SECRET, Storage, raw
from yuanjiao.lib.s3address import read_address
from yuanjiao.simulation.processes import NodeProcess

pytestmark = [pytest.mark.scale, *KILLS[1:]]
__all__ = ["film"]
RELEASE = """
import django; django.setup()
from yuanjiao.courseware import commands
from yuanjiao.courseware.models import Courseware
from yuanjiao.lib import clock
from yuanjiao.places.models import OrgUnit
from yuanjiao.simulation.foundation import actor
item, at, by = Courseware.objects.get(), clock.now(), actor("shiguan")
unit = OrgUnit.objects.get(code="ZZ-9901")
column = commands.open_column(title="农技课堂", owner=unit, visible_from=clock.local_day(at), by=by, at=at)
commands.approve_courseware(courseware=item, by=actor("shenhe"), at=at)
commands.release_courseware(courseware=item, columns=[column], by=by, at=at)
"""


@pytest.fixture
def centre(tmp_path: Path, storage: Storage) -> Iterator[NodeProcess]:
    """A centre whose blobs are kept in a bucket that was prepared for it."""
    told = {"BLOBS_S3": storage.address(), "BLOBS_S3_KEY": KEY, "BLOBS_S3_SECRET": SECRET}
    made = NodeProcess(role="solo", home=tmp_path / "centre", name="市中心", **told)
    made.command("migrate", "-v", "0")
    made.item = script(made, CAST).strip()  # type: ignore[attr-defined]
    made.command("blobs", "prepare-s3")
    made.start()
    yield made
    made.stop()


def test_a_film_goes_into_the_bucket_and_plays_from_there(centre: NodeProcess, film: Path) -> None:
    sender = Sender(centre, film)
    sender.create(courseware=centre.item)  # type: ignore[attr-defined]
    sender.send(set())
    sender.person.client.close()
    wait_for(
        "the packaging of every form",
        lambda: ask(centre, "SELECT 1 FROM courseware_courseware WHERE state = 'in_review'"),
        within_s=600,
    )
    script(centre, RELEASE)
    there = raw(read_address(centre.environment["YUANJIAO_BLOBS_S3"]))
    names = {found["path"].replace("/", "") for some in there.list() for found in some}
    blobs = {row[0] for row in ask(centre, "SELECT blob FROM courseware_rendition")}
    assert blobs
    assert blobs <= names
    assert not [path for path in (centre.home / "blobs").rglob("*") if path.is_file() and path.parent.name + path.name in blobs]
    assert beacon.check(centre.address) == ("", "", "长片")
