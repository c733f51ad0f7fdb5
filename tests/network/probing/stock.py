"""Run inside a node's own environment: the small city with one packaged film and a site's key, told on the last line as JSON.

python -m tests.network.probing.stock FILM
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yuanjiao.wiring.settings")
    django.setup()
    from django.core.management import call_command

    from yuanjiao.courseware import commands
    from yuanjiao.lib import clock
    from yuanjiao.simulation.cast import SINCE, build_cast

    call_command("migrate", verbosity=0, interactive=False)
    at = clock.now()
    cast = build_cast(at=at)
    column = commands.open_column(title="农技课堂", owner=cast.units["ZZ-9901"], visible_from=SINCE, by=cast.actor("shiguan"), at=at)
    item = commands.publish_file(
        path=Path(sys.argv[1]), title="春季养猪防疫", author=cast.actor("zhizuo"), reviewer=cast.actor("shenhe"),
        releaser=cast.actor("shiguan"), columns=[column], now=clock.now,
    )  # fmt: skip
    blobs = {row.profile: row.blob for row in item.renditions.all()}
    sys.stdout.write(json.dumps({"uid": str(item.uid), "key": cast.sites["S-990101100200"].beat_key, "blobs": blobs}) + "\n")
