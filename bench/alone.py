"""A process that loads the nation as the server does, takes a beat, and says what it cost. Run by bench/liveness.py."""

from __future__ import annotations

import json
import resource
import time
from datetime import UTC, datetime
from pathlib import Path

BEGUN = time.perf_counter()
START = datetime(2026, 3, 1, tzinfo=UTC)


def main() -> None:
    from yuanjiao.wiring import application

    assert application.application is not None
    from yuanjiao.flow.nodes.queries import own_node
    from yuanjiao.network.inputs import SiteBeat, hear_site
    from yuanjiao.network.jobs import keep_snapshot
    from yuanjiao.network.live import Listener

    bare, listener, now = _resident(), Listener(), START.timestamp()
    listener.reload(own_node(), top=True, now=now)
    beat = SiteBeat(listener.array.codes[-1], bytes(listener.array.keys[-1]).decode())
    assert hear_site(listener, beat, now + 1), "the first beat is taken"
    ready = time.perf_counter() - BEGUN
    keep_snapshot(START, listener=listener)
    loaded = _resident()
    listener.reload(own_node(), top=True, now=now)
    print(json.dumps({"ready_s": ready, "cpu_s": time.process_time(), "bare": bare, "loaded": loaded, "highest": _highest()}))


def _resident() -> float:
    """MiB in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def _highest() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
