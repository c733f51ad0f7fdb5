"""Judgements one after the other, each in a process and a database of its own that are thrown away."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from django.db import connection

from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.errors import Refused
from yuanjiao.simulation.judge.court import Case, hold
from yuanjiao.simulation.judge.paper import lines
from yuanjiao.simulation.judge.verdict import Judgement

HEAD = """# The judge

<!-- Written by `yuanjiao simulate judge --out docs/judge.md`; not by hand. -->

A made-up city lives through days whose truth is known beat by beat: sites, lines, uplinks and edges break and overlap, sites flap and
reboot, edges and the centre itself stop and start again, play tests fail. Of three edges two share an uplink. Boxes beat every 30, 60,
120 or 300 seconds with a grace of their own. Sites move between villages, are suspended and resumed; work is announced on edges, uplinks,
lines and sites. The clocks of edges are right, wrong by a constant of up to four minutes, drifting by 10 to 50 parts in a million, or set
by up to half an hour forwards and back, also in the middle of a long cut and, every other time, while the machine is off. The real doors
and jobs live through it in one process at simulated times (`src/yuanjiao/simulation/judge/`); lines take no time. An oracle of plain
loops over the beats truly heard says what an honest observer must say; every site's seconds, those of every village that sites left or
came to, and every root are compared with it, one by one.

"Must be found": its silence is longer than period, grace and one sweep, and nothing above it explains that silence. The end of an
edge's outage settles whether the edge or its uplink was broken; two strikes that touch each other on that path cannot be told apart,
and are not asked. What falls into announced work or a suspension is recorded and not told.

A site's seconds must be equal unless its edge's clock drifts; then each boundary may be off by what that clock drifted between two words
with the centre while it ran, rounded up to a second. An edge that was off and is off again before the centre has told it the time says
nothing of the time between: that is unknown.
"""
SETTINGS = {"YUANJIAO_ROLE": "centre", "YUANJIAO_NAME": "判定", "YUANJIAO_BEAT_PERIOD_S": "60", "YUANJIAO_BEAT_GRACE_S": "30"}


def judge_apart(arguments: Sequence[str], seeds: Sequence[int], out: Path | None) -> str:
    """Run `simulate judge --here` once for each seed and give (and write) the whole page. Refused when one of them fails."""
    parts = [HEAD]
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="judge-") as folder:
            parts.append(_one(["--seed", str(seed), *arguments], Path(folder)))
            page = "\n".join(parts)
            if out is not None:
                out.write_text(page, encoding="utf-8")
    return page


def _one(arguments: Sequence[str], folder: Path) -> str:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("YUANJIAO_")}
    page = folder / "page.md"
    line = [sys.executable, "-m", "yuanjiao.wiring", "simulate", "judge", "--here", "--out", str(page), *arguments]
    done = subprocess.run(line, env={**kept, **SETTINGS, "YUANJIAO_HOME": str(folder / "home")}, check=False)
    if done.returncode:
        raise Refused(f"判定没有做完（{done.returncode}）")
    return page.read_text(encoding="utf-8")


def judge_here(
    case: Case, folder: Path, found_city: Callable[[datetime], object], say: Callable[[str], None], out: Path | None
) -> Judgement:
    """One judgement in this very process; Refused unless its database is fresh."""
    if Node.objects.exists():
        raise Refused("判定要在全新的数据库里做：请换一个 YUANJIAO_HOME")
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=OFF")  # it is thrown away
    judgement, _ = hold(case, folder, found_city, say)
    page = "\n".join(lines(case, judgement)) + "\n"
    if out is not None:
        out.write_text(page, encoding="utf-8")
    say(page)
    return judgement
