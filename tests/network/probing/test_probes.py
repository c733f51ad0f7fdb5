"""Active probes: who may ask what, how answers become spans, and the prober at work on real sockets and in its own process."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.network import commands, queries
from yuanjiao.network.commands.probes import Answer, record_answers
from yuanjiao.network.models import Probe, ProbeOutcome
from yuanjiao.network.probing import prober as probing
from yuanjiao.network.probing.prober import Prober, Target
from yuanjiao.network.probing.questions import Question
from yuanjiao.people.models import AuditRow
from yuanjiao.simulation.cast import Cast
from yuanjiao.simulation.processes import NodeProcess, free_port

LI = "S-990101100200"
ROOT = Path(__file__).resolve().parents[3]


def add(cast: Cast, at: datetime, by: str = "shiguan", **changes: Any) -> Probe:
    wanted = {"subject": cast.sites[LI], "method": "tcp", "host": "192.0.2.7", "port": 80, **changes}
    return commands.add_probe(**wanted, by=cast.actor(by), at=at)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"method": "telnet"}, "探测方式"),
        ({"host": ""}, "不是 IP 地址或域名"),
        ({"host": "http://box/"}, "不是 IP 地址或域名"),
        ({"host": "300.1.2.3"}, "不是 IP 地址或域名"),
        ({"host": "box.example\nx"}, "不是 IP 地址或域名"),
        ({"port": None}, "须写明端口"),
        ({"port": 70000}, "端口应在"),
        ({"method": "snmp", "port": None, "path": "sysUpTime"}, "不是 OID"),
        ({"period_s": 1}, "周期应在"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_name(cast: Cast, at: datetime, wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        add(cast, at, **wrong)


@pytest.mark.django_db
def test_only_who_keeps_the_register_adds_and_stops_probes_and_it_is_written_down(cast: Cast, at: datetime) -> None:
    with pytest.raises(Forbidden):
        add(cast, at, by="xianguan")
    probe = add(cast, at, method="snmp", port=None, community="village")
    assert b"village" not in bytes(probe.secret_sealed)
    with pytest.raises(Conflict):
        add(cast, at, method="snmp", port=None)
    record_answers(answers=[Answer(probe.pk, True, at, at)])
    commands.stop_probe(probe=probe, by=cast.actor("shiguan"), at=at + timedelta(hours=1))
    assert ProbeOutcome.objects.get().until == at
    assert list(AuditRow.objects.filter(action__endswith="探测").values_list("action", flat=True)) == ["增加探测", "停止探测"]
    with pytest.raises(Conflict):
        commands.stop_probe(probe=probe, by=cast.actor("shiguan"), at=at)
    assert record_answers(answers=[Answer(probe.pk, False, at, at)]) == 0, "an answer that comes late is of a probe nobody asks any more"


def spans(probe: Probe) -> list[tuple[bool, datetime, datetime, datetime | None]]:
    return list(ProbeOutcome.objects.filter(probe=probe).order_by("at", "pk").values_list("ok", "at", "asked_at", "until"))


@pytest.mark.django_db
def test_equal_answers_are_one_span_and_a_pause_of_ours_belongs_to_nobody(cast: Cast, at: datetime) -> None:
    probe, minute = add(cast, at), timedelta(minutes=1)
    record_answers(answers=[Answer(probe.pk, True, at + n * minute, at + n * minute, 2.0) for n in range(3)])
    record_answers(answers=[Answer(probe.pk, False, at + 3.2 * minute, at + 3 * minute, note="拒绝连接")])
    assert spans(probe) == [(True, at, at + 2 * minute, at + 3 * minute), (False, at + 3 * minute, at + 3.2 * minute, None)]
    record_answers(answers=[Answer(probe.pk, False, at + 60 * minute, at + 60 * minute)])
    assert spans(probe)[1:] == [
        (False, at + 3 * minute, at + 3.2 * minute, at + 3.2 * minute),
        (False, at + 60 * minute, at + 60 * minute, None),
    ]


steps = st.lists(st.tuples(st.integers(1, 400), st.booleans(), st.integers(0, 30)), min_size=1, max_size=40)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, cuts=st.sets(st.integers(0, 40)))
def test_spans_are_those_of_a_plain_count_however_the_answers_are_parcelled(
    cast: Cast, at: datetime, steps: list[tuple[int, bool, int]], cuts: set[int]
) -> None:
    """Oracle: second by second, what was last answered not longer than three periods before."""
    Probe.objects.all().delete()
    probe = add(cast, at)
    answers, second = [], 0
    for wait_s, ok, back_s in steps:
        earlier, second = second, second + wait_s
        since = second - (0 if ok else min(back_s, wait_s - 1, second - earlier))
        answers.append(Answer(probe.pk, ok, at + timedelta(seconds=second), at + timedelta(seconds=since)))
    parts = [0, *sorted(cut for cut in cuts if cut < len(answers)), len(answers)]
    for begin, end in pairwise(parts):
        record_answers(answers=answers[begin:end])
    expected: list[list[Any]] = []
    for one in answers:
        last = expected[-1] if expected else None
        if last and one.asked_at - last[2] <= timedelta(seconds=180) and last[0] == one.ok:
            last[2] = one.asked_at
            continue
        if last:
            last[3] = one.since if one.asked_at - last[2] <= timedelta(seconds=180) else last[2]
        expected.append([one.ok, one.since, one.asked_at, None])
    for before, after in pairwise(expected):
        before[3] = max(before[3], before[1])
        after[1] = max(after[1], before[3])
    assert spans(probe) == [tuple(row) for row in expected]


class Watching:
    """A prober whose answers are kept in a list; questions are asked for real."""

    def __init__(self, targets: dict[int, Target]) -> None:
        self.answers: list[Answer] = []
        self.prober = Prober(now=time.time, load=lambda: targets, keep=self.answers.extend)

    def run_until(self, enough: Callable[[], bool], within_s: float = 20) -> None:
        async def main() -> None:
            stop = asyncio.Event()
            asking = asyncio.create_task(self.prober.run(stop))
            deadline = time.monotonic() + within_s
            while not enough():
                assert time.monotonic() < deadline, "waited in vain"
                await asyncio.sleep(0.05)
            stop.set()
            await asking

        asyncio.run(main())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "AGAIN_S", 0.2)
    monkeypatch.setattr(probing, "KEEP_S", 0.1)


@pytest.mark.usefixtures("quick")
def test_the_prober_asks_for_real_each_period_and_a_miss_counts_only_when_it_repeats() -> None:
    with socket.socket() as listener, socket.socket() as closed:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        closed.bind(("127.0.0.1", 0))
        up = Target(Question("tcp", "127.0.0.1", listener.getsockname()[1]), 1.0, 0.1)
        down = Target(Question("tcp", "127.0.0.1", closed.getsockname()[1]), 1.0, 0.6)
        watching = Watching({1: up, 2: down})
        watching.run_until(lambda: sum(one.probe_id == 1 for one in watching.answers) >= 3 and any(not one.ok for one in watching.answers))
    first_down = next(one for one in watching.answers if one.probe_id == 2)
    assert all(one.ok for one in watching.answers if one.probe_id == 1)
    assert not any(one.ok for one in watching.answers if one.probe_id == 2)
    assert watching.prober.asked > len(watching.answers), "the first miss was asked again before it counted"
    assert first_down.since <= first_down.asked_at


@pytest.mark.usefixtures("quick")
def test_what_cannot_be_kept_now_is_kept_later(caplog: pytest.LogCaptureFixture) -> None:
    tries: list[int] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        watching = Watching({1: Target(Question("tcp", "127.0.0.1", listener.getsockname()[1]), 0.5, 0.0)})
        keep = watching.prober.keep

        def locked_at_first(answers: list[Answer]) -> None:
            tries.append(len(answers))
            if len(tries) == 1:
                raise OperationalError("database is locked")
            keep(answers)

        watching.prober.keep = locked_at_first
        watching.run_until(lambda: len(tries) >= 2)
    assert tries[1] >= tries[0] > 0
    assert len(watching.answers) >= tries[1]
    assert "could not be kept" in caplog.text


@pytest.mark.usefixtures("quick")
def test_what_nobody_foresaw_ends_the_prober_so_that_it_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    watching = Watching({})
    loaded: list[int] = []

    def broken_later() -> dict[int, Target]:
        loaded.append(1)
        if len(loaded) > 1:
            raise KeyError("a row that cannot be")
        return {}

    watching.prober.load = broken_later
    monkeypatch.setattr(probing, "RELOAD_S", 0.1)
    with pytest.raises(KeyError, match="cannot be"):
        asyncio.run(watching.prober.run(asyncio.Event()))


SETUP = """
import sys, django; django.setup()
from django.core.management import call_command; call_command("migrate", verbosity=0, interactive=False)
from yuanjiao.simulation.cast import build_cast; from yuanjiao.lib import clock; from yuanjiao.network import commands
cast, at = build_cast(at=clock.now()), clock.now()
site, by = cast.sites["S-990101100200"], cast.actor("shiguan")
for port in map(int, sys.argv[1:]):
    commands.add_probe(subject=site, method="tcp", host="127.0.0.1", port=port, period_s=10, by=by, at=at)
"""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    running = NodeProcess(role="solo", home=tmp_path / "solo", name="中心")
    running.home.mkdir()
    yield running
    running.kill()


def prober_of(node: NodeProcess) -> list[int]:
    """Process ids of the prober in the server's group."""
    assert node.process is not None
    found = subprocess.run(["ps", "-eo", "pid,pgid,args"], capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    rows = [line.split(None, 2) for line in found]
    return [int(pid) for pid, group, line in rows if int(group) == node.process.pid and " probe " in f"{line} "]


@pytest.mark.journey
def test_the_server_starts_the_prober_when_there_is_something_to_ask_and_it_ends_with_the_server(node: NodeProcess) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        open_port, closed_port = listener.getsockname()[1], free_port()
        environment = {**node.environment, "DJANGO_SETTINGS_MODULE": "yuanjiao.wiring.settings", "PYTHONPATH": str(ROOT / "src")}
        subprocess.run([sys.executable, "-c", SETUP, str(open_port), str(closed_port)], env=environment, check=True)
        node.start()
        wanted = "SELECT p.port, o.ok FROM network_probeoutcome o JOIN network_probe p ON p.id = o.probe_id WHERE o.until IS NULL"
        deadline = time.monotonic() + 60
        found: dict[int, int] = {}
        while len(found) < 2 and time.monotonic() < deadline:
            with sqlite3.connect(f"file:{node.home / 'yuanjiao.sqlite3'}?mode=ro", uri=True, timeout=30) as database:
                found = dict(database.execute(wanted).fetchall())
            time.sleep(0.5)  # another process: there is nothing here to wait on
    assert found == {open_port: 1, closed_port: 0}
    (pid,) = prober_of(node)
    node.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]


Enter = Callable[[str], Client]


@pytest.mark.django_db
def test_the_list_of_probes_shows_what_answers_and_stops_a_probe(cast: Cast, log_in: Enter, at: datetime) -> None:
    probe = add(cast, at)
    record_answers(answers=[Answer(probe.pk, True, at, at, 3.0)])
    admin = log_in("shiguan")
    page = admin.get("/network/probes/").content.decode()
    assert "192.0.2.7:80" in page
    assert "很久没有探测" in page, "an answer of months ago says nothing of now"
    assert "192.0.2.7:80" in log_in("xianguan").get("/network/probes/").content.decode()
    assert "192.0.2.7:80" not in log_in("linxian").get("/network/probes/").content.decode()
    assert log_in("linxian").get(f"/network/probes/{probe.uid}/").status_code == 404
    assert log_in("xianguan").post(f"/network/probes/{probe.uid}/stop/").status_code == 403
    detail = admin.get(f"/network/probes/{probe.uid}/").content.decode()
    assert "有应答" in detail
    assert admin.post(f"/network/probes/{probe.uid}/stop/").status_code == 302
    assert not queries.any_probe()
    assert admin.get("/network/probes/?export=xlsx")["Content-Type"].startswith("application/vnd.openxml")


@pytest.mark.django_db
def test_a_probe_is_added_on_a_page_and_a_mistake_is_said_beside_the_field(cast: Cast, log_in: Enter) -> None:
    admin = log_in("shiguan")
    fields = {"subject": LI, "method": "tcp", "host": "192.0.2.7", "port": "80", "path": "", "community": "", "period_s": "60"}
    wrong = admin.post("/network/probes/new/", {**fields, "host": "a b"})
    assert wrong.status_code == 400
    assert "不是 IP 地址或域名" in wrong.content.decode()
    assert admin.post("/network/probes/new/", {**fields, "subject": "S-nowhere"}).status_code == 400
    assert admin.post("/network/probes/new/", fields).status_code == 302
    assert Probe.objects.get().object_id == cast.sites[LI].pk
    assert log_in("xianguan").get("/network/probes/new/").status_code == 403
