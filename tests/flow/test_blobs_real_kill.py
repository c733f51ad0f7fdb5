"""A blob over a real server that is killed in the middle of the transfer: nothing that arrived is fetched again."""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from django.test import override_settings

from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.fetch import fetch, fetch_once, part_path
from yuanjiao.flow.wire.budget import TokenBucket
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import Unavailable
from yuanjiao.simulation.processes import NodeProcess
from yuanjiao.simulation.relay import Relay


@pytest.mark.journey
@pytest.mark.django_db
def test_a_server_killed_in_the_middle_costs_nothing_that_had_arrived(tmp_path: Path) -> None:
    node = NodeProcess(role="centre", home=tmp_path / "centre", name="中心")
    film = random.Random(3).randbytes(20_000_000)
    with override_settings(HOME=node.home):
        ref = store.put(film, media_type="video/mp4")
    node.start()
    relay = Relay(node.port)
    line = Line(relay.address, budget=TokenBucket(4_000_000))
    try:
        killer = threading.Thread(target=kill_at, args=(node, part_path(ref), 5_000_000))
        killer.start()
        with pytest.raises(Unavailable):
            fetch_once(ref, line)
        killer.join()
        had = part_path(ref).stat().st_size
        assert 5_000_000 <= had < len(film)
        node.start()
        before = relay.down_bytes
        with closing(Line(relay.address)) as again:
            fetch(ref, again)
        assert relay.down_bytes - before < len(film) - had + 4096
        assert store.path(ref.sha256).read_bytes() == film
    finally:
        line.close()
        relay.close()
        node.kill()


def kill_at(node: NodeProcess, part: Path, size: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not part.exists() or part.stat().st_size < size):
        time.sleep(0.01)
    node.kill()
