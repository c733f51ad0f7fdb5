"""Run in the centre's own environment: the small city, and a code for each edge; keys and codes are told on the last line as JSON."""

from __future__ import annotations

import json
import os
import sys

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yuanjiao.wiring.settings")
    django.setup()
    from yuanjiao.courseware.commands import open_column
    from yuanjiao.flow.nodes.commands import issue_code
    from yuanjiao.learning.rules import television_key
    from yuanjiao.lib import clock
    from yuanjiao.simulation.cast import SINCE, build_cast

    at = clock.now()
    cast = build_cast(at=at)
    open_column(title="农技课堂", owner=cast.units["ZZ-9901"], visible_from=SINCE, by=cast.actor("shiguan"), at=at)
    codes = {
        code: issue_code(kind="edge", name=edge.name, subject_code=code, scope=edge.division.path, at=at)
        for code, edge in cast.edges.items()
    }
    keys = {code: [site.beat_key, television_key(site.beat_key, code)] for code, site in cast.sites.items()}
    paths = {code: site.division.path for code, site in cast.sites.items()}
    sys.stdout.write(json.dumps({"codes": codes, "keys": keys, "paths": paths}) + "\n")
