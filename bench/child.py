"""One edge of a measurement, a process of its own: takes up the parent's catalogue and its blobs by the house's own jobs, then ends.

The jobs are those of the catalogue and of blobs that run in an edge (wiring/jobs.py), whatever their names, each in a thread of its
own as in the server. It ends when the wanted version of the catalogue is in force and the named blobs are here, or when `seconds` are over.
Prints one JSON line: version, blobs that are here, seconds by the clock, processor seconds, and what the catalogue's row says is wrong.

usage: python -m bench.child VERSION SECONDS [FILE with one digest a line]
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

EVERY_S, TURN_S = 0.1, 2.0
OWN = ("yuanjiao.flow.catalogue", "yuanjiao.flow.blobs")
NOT_FETCHING = frozenset({"sweep_blobs", "publish"})


def main(arguments: list[str]) -> int:
    import django

    django.setup()
    version, seconds = int(arguments[0]), float(arguments[1])
    names = Path(arguments[2]).read_text().split() if arguments[2:] else []
    begun, used = time.monotonic(), time.process_time()
    told = follow_until(version, names, seconds)
    print(json.dumps({**told, "took_s": time.monotonic() - begun, "cpu_s": time.process_time() - used}, ensure_ascii=False), flush=True)
    os._exit(0)  # a job that sleeps on a dead line is not waited for


def follow_until(version: int, names: list[str], seconds: float) -> dict[str, Any]:
    from yuanjiao.flow.blobs import store
    from yuanjiao.flow.models import CurrentCatalogue
    from yuanjiao.wiring.jobs import JOBS

    stop, until = threading.Event(), time.monotonic() + seconds
    jobs = [job for job in JOBS if "edge" in job.roles and job.name not in NOT_FETCHING and job.run.__module__.startswith(OWN)]
    threads = [threading.Thread(target=_turns, args=(job, stop), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    missing = names
    while True:
        time.sleep(EVERY_S)  # another thread works: there is nothing here to wait on
        missing = [name for name in missing if not store.has(name)]
        row = CurrentCatalogue.objects.filter(one=True).first()
        held, problem = (row.version or 0, row.problem) if row else (0, "")
        if (held >= version and not missing) or time.monotonic() > until:
            break
    stop.set()
    for thread in threads:
        thread.join(0.0 if missing else 30.0)
    return {"version": held, "here": len(names) - len(missing), "problem": problem}


def _turns(job: Any, stop: threading.Event) -> None:
    from yuanjiao.wiring.engine import run_once

    while not stop.is_set():
        run_once(job)
        stop.wait(TURN_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
