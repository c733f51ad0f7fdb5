"""A day of a channel as one file for a television station."""

from __future__ import annotations

import hashlib
import zipfile
from datetime import datetime

import pytest
from django.test import override_settings

from tests.programmes.conftest import Publish
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import DiskFull
from yuanjiao.programmes import commands
from yuanjiao.programmes.models import Channel
from yuanjiao.programmes.packaging import package


@pytest.mark.clause("DLV10")
def test_a_day_s_package_holds_list_guide_and_each_film_once_as_its_sums_say(channel: Channel, publish: Publish, at: datetime) -> None:
    publish("甲", "short")
    commands.lay_days(at=at)
    with package(channel, local_day(at)) as file, zipfile.ZipFile(file) as archive:
        sums = dict(reversed(line.split("  ")) for line in archive.read("SHA256SUMS").decode().splitlines())
        assert len(sums) == 1, "aired many times, packed once"
        assert {"节目单.csv", "guide.xml", "SHA256SUMS", *sums} == set(archive.namelist())
        assert all(hashlib.sha256(archive.read(name)).hexdigest() == told for name, told in sums.items())


def test_a_package_for_which_the_disk_has_no_room_is_not_begun(channel: Channel, publish: Publish, at: datetime) -> None:
    publish("甲", "short")
    commands.lay_days(at=at)
    with override_settings(MIN_FREE_BYTES=1 << 60), pytest.raises(DiskFull):
        package(channel, local_day(at))
