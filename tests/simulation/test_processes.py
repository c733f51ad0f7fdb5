"""Real nodes on this machine: a server that comes up, a relay that cuts, a kill that leaves nothing behind."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from pathlib import Path

import httpx
import pytest

from yuanjiao.simulation.processes import NodeProcess
from yuanjiao.simulation.relay import Relay


class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"here")

    def log_message(self, *args: object) -> None:
        return


def test_a_relay_passes_bytes_until_it_is_cut_and_again_when_it_is_mended() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    relay = Relay(server.server_address[1])
    try:
        assert httpx.get(relay.address).text == "here"
        relay.cut()
        with pytest.raises(httpx.TransportError):
            httpx.get(relay.address)
        relay.mend()
        assert httpx.get(relay.address).text == "here"
        assert relay.down_bytes > 0
    finally:
        relay.close()
        server.shutdown()
        server.server_close()


@pytest.mark.journey
def test_a_node_starts_answers_and_leaves_nothing_behind_when_killed(tmp_path: Path) -> None:
    node = NodeProcess(role="solo", home=tmp_path / "solo", name="独立节点")
    node.start()
    try:
        assert httpx.get(f"{node.address}/healthz").text == "ok\n"
        assert node.runs
        group = node.process.pid if node.process else 0
    finally:
        node.kill()
    deadline = time.monotonic() + 10
    while alive_in(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive_in(group)


def alive_in(group: int) -> list[int]:
    """Processes of a group that still run; one that only waits for its parent to take note is dead."""
    alive = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _parent, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                alive.append(int(stat.parent.name))
    return alive
