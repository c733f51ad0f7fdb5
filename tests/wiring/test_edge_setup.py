"""One code, one command: an empty machine becomes an edge. Written under a root of its own; programs of the system look at the texts."""

from __future__ import annotations

import datetime as dt
import http.client
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.wiring.served import program
from yuanjiao.lib.errors import Refused
from yuanjiao.simulation.processes import NodeProcess, free_port
from yuanjiao.wiring.edge import checks, setup
from yuanjiao.wiring.edge.chosen import CHOSEN, Chosen, choose
from yuanjiao.wiring.edge.files import Wanted, _own, settings_text, settle
from yuanjiao.wiring.edge.fronts import Front, front_files
from yuanjiao.wiring.edge.setup import Plan, files
from yuanjiao.wiring.edge.unit import unit_text

HOME, SETTINGS = Path("/var/lib/yuanjiao"), Path("/etc/yuanjiao/yuanjiao.env")
CODE = "ABCD-EFGH-JKMN-PQRS-TVWX-YZ23"


def plan(root: Path, **chosen: Any) -> Plan:
    return Plan(Chosen(**{"parent": "https://centre.example", "name": "柳溪县", **chosen}), code="", root=root, start=False)


def text_of(root: Path, name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


# -- files ---------------------------------------------------------------------------------------------------------------------


def test_files_are_made_once_and_what_somebody_changed_is_put_right(tmp_path: Path) -> None:
    wanted = [Wanted(Path("/etc/a/b.conf"), "一\n", 0o640), Wanted(Path("/var/data"), None, 0o750)]
    assert [step.words for step in settle(tmp_path, wanted)] == ["/etc/a/b.conf：已写出", "/var/data：已建立"]
    assert [step.words for step in settle(tmp_path, wanted)] == ["/etc/a/b.conf：已是应有的样子", "/var/data：已是应有的样子"]
    (tmp_path / "etc/a/b.conf").write_text("二\n")
    (tmp_path / "var/data").chmod(0o777)
    assert [step.words for step in settle(tmp_path, wanted)] == ["/etc/a/b.conf：已改正内容", "/var/data：已改正权限"]
    assert text_of(tmp_path, "etc/a/b.conf") == "一\n"
    assert [(tmp_path / name).stat().st_mode & 0o7777 for name in ("etc/a/b.conf", "var/data")] == [0o640, 0o750]


@pytest.mark.parametrize("value", ["a'b", 'a"b', "a\\b", "$HOME", "`id`", "a\nYUANJIAO_DEBUG=1"])
def test_a_value_that_a_shell_or_systemd_would_read_as_more_than_itself_is_refused(value: str) -> None:
    with pytest.raises(Refused, match="NAME"):
        settings_text({"NAME": value})


def test_a_shell_reads_the_settings_as_they_were_meant(tmp_path: Path) -> None:
    values = {"NAME": "柳溪县 边缘服务器（一号）", "HOSTS": "edu.example,127.0.0.1", "PARENT": "https://centre.example"}
    (tmp_path / "env").write_text(settings_text(values), encoding="utf-8")
    script = f". {tmp_path}/env; " + "; ".join(f'printf "%s\\n" "$YUANJIAO_{name}"' for name in values)
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]})
    assert done.stdout.splitlines() == list(values.values())


# -- unit -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    text = unit_text(user="root", home=tmp_path, settings=tmp_path / "env", address="127.0.0.1", port=8000)
    (tmp_path / "yuanjiao.service").write_text(text)
    line = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(tmp_path / "yuanjiao.service")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    about_us = [said for said in done.stderr.splitlines() if "yuanjiao.service" in said]
    assert about_us == []
    (tmp_path / "yuanjiao.service").write_text(text.replace("ProtectSystem=strict", "ProtectSystem=strictly"))
    assert "yuanjiao.service" in subprocess.run(line, capture_output=True, text=True, check=False).stderr, "it does look"


def test_the_unit_writes_its_own_folder_only_and_is_started_for_ever() -> None:
    text = unit_text(user="yuanjiao", home=HOME, settings=SETTINGS, address="127.0.0.1", port=8000, executable="/opt/yuanjiao/bin/python")
    lines = set(text.splitlines())
    assert {
        "User=yuanjiao", "ProtectSystem=strict", "ReadWritePaths=/var/lib/yuanjiao", "Restart=always", "StartLimitIntervalSec=0",
        "LimitNOFILE=65536", "EnvironmentFile=/etc/yuanjiao/yuanjiao.env", "ProtectHome=yes",
        "ExecStart=/opt/yuanjiao/bin/python -m yuanjiao_keeper /var/lib/yuanjiao/software serve --host 127.0.0.1 --port 8000",
    } <= lines  # fmt: skip
    at_home = unit_text(user="u", home=HOME, settings=SETTINGS, address="::", port=1, executable="/home/u/.venv/bin/python")
    assert "ProtectHome=read-only" in at_home, "else the program itself would be hidden"
    with pytest.raises(Refused, match="空格"):
        unit_text(user="u", home=Path("/var/my data"), settings=SETTINGS, address="::", port=1)


# -- the server in front -----------------------------------------------------------------------------------------------------------


def test_without_a_front_the_local_network_is_answered_and_behind_one_only_the_front(tmp_path: Path) -> None:
    list(settle(tmp_path, files(plan(tmp_path))))
    assert "--host 0.0.0.0 --port 8000" in text_of(tmp_path, "etc/systemd/system/yuanjiao.service")
    list(settle(tmp_path, files(plan(tmp_path, tls="caddy", host="edu.liuxi.example"))))
    assert "--host 127.0.0.1 --port 8000" in text_of(tmp_path, "etc/systemd/system/yuanjiao.service")
    settings = text_of(tmp_path, "etc/yuanjiao/yuanjiao.env").splitlines()
    assert {"YUANJIAO_BEHIND_PROXY='1'", "YUANJIAO_SECURE_COOKIES='1'", "YUANJIAO_PUBLIC_URL='https://edu.liuxi.example'"} <= set(settings)
    assert text_of(tmp_path, "etc/caddy/Caddyfile").splitlines()[1] == "import yuanjiao.caddy"


def test_a_caddyfile_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    written = {str(file.path) for file in front_files(Front("caddy", "edu.example", 8000), has_caddyfile=True)}
    assert written == {"/etc/caddy/yuanjiao.caddy"}


@pytest.mark.parametrize("name", ["", "edu.example;", "a b", "{env}", "-edu", "edu.example\n"])
def test_a_name_that_is_none_never_reaches_a_configuration(name: str) -> None:
    with pytest.raises(Refused, match="--host"):
        Front("caddy", name, 8000)


def test_nginx_needs_a_certificate_and_says_what_to_do_without() -> None:
    with pytest.raises(Refused, match="caddy"):
        Front("nginx", "edu.example", 8000)


def test_caddy_is_told_of_tls_only_where_there_is_tls() -> None:
    text = next(front_files(Front("caddy", "edu.example", 8000), has_caddyfile=True)).text or ""
    blocks = {head.strip(): body for head, body in re.findall(r"^(\S[^\n]*) \{\n(.*?)^\}$", text, re.M | re.S)}
    assert list(blocks) == ["(yuanjiao)", "http://edu.example", "https://edu.example"]
    assert ["tls internal" in body for body in blocks.values()] == [False, False, True]
    assert "max_size 64MiB" in blocks["(yuanjiao)"]


@pytest.mark.parametrize("public", [False, True])
def test_caddy_reads_its_configuration(tmp_path: Path, public: bool) -> None:
    list(settle(tmp_path, files(plan(tmp_path, tls="caddy", host="edu.example", public=public))))
    line = [program("caddy"), "validate", "--adapter", "caddyfile", "--config", str(tmp_path / "etc/caddy/Caddyfile")]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env={**os.environ, "XDG_DATA_HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr


class Behind(http.server.BaseHTTPRequestHandler):
    """Says what it was told of the asker."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = (
            f"{self.headers['Host']} {self.headers['X-Forwarded-Proto']} {self.headers['X-Forwarded-For']} {self.headers['Range']}".encode()
        )
        self.send_response(206 if self.headers["Range"] else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None: ...


def certificate(folder: Path, name: str) -> tuple[str, str]:
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(1)
    signed = made.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=9)).sign(key, hashes.SHA256())
    form = serialization.PrivateFormat.PKCS8
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return str(folder / "cert.pem"), str(folder / "key.pem")


@pytest.fixture
def behind() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Behind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_nginx_passes_on_ranges_and_says_how_it_was_asked_on_both_ports(tmp_path: Path, behind: int) -> None:
    cert, key = certificate(tmp_path, "edu.example")
    (wanted,) = front_files(Front("nginx", "edu.example", behind, certificate=cert, key=key), has_caddyfile=False)
    plain, secret = free_port(), free_port()
    text = (wanted.text or "").replace("listen 80;", f"listen 127.0.0.1:{plain};")
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{secret} ssl;")
    folders = " ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    main = f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}} http {{ access_log off; {folders}\n{text}}}"
    (tmp_path / "nginx.conf").write_text(main)
    process = subprocess.Popen([program("nginx"), "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "log")])
    try:
        assert told(f"http://127.0.0.1:{plain}/", {"X-Forwarded-For": "9.9.9.9"}) == (200, f"127.0.0.1:{plain} http 127.0.0.1 None")
        assert told(f"https://127.0.0.1:{secret}/", {"Range": "bytes=5-9"}) == (206, f"127.0.0.1:{secret} https 127.0.0.1 bytes=5-9")
        line = http.client.HTTPConnection("127.0.0.1", plain, timeout=20)
        line.putrequest("POST", "/")
        line.putheader("Content-Length", str(65 << 20))
        line.endheaders()
        assert line.getresponse().status == 413, "refused by its length, before it is sent"
        line.close()
    finally:
        process.terminate()
        process.wait(20)


def told(address: str, headers: dict[str, str]) -> tuple[int, str]:
    for _ in range(100):
        try:
            answer = httpx.get(address, headers=headers, verify=False, trust_env=False, timeout=10)
            return answer.status_code, answer.text
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError("nobody answers")


# -- what is looked at before ---------------------------------------------------------------------------------------------------------


def found(tmp_path: Path, **changes: object) -> dict[str, str]:
    asked = {"root": tmp_path, "home": tmp_path / "x/y", "parent": "http://127.0.0.1:9", "code": CODE, "address": "127.0.0.1"}
    values = {**asked, "port": free_port(), **changes}
    return {step.words: step.who for step in checks.checks(**values) if not step.ok}  # type: ignore[arg-type]


def test_each_trouble_says_who_must_act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behind: int) -> None:
    monkeypatch.setattr(checks, "LEAST_FREE_BYTES", 10**18)
    wrong = found(tmp_path, code="ABC", port=behind)
    assert [(words[:6], who) for words, who in wrong.items()] == [
        (f"{tmp_path}"[:6], "装机的人"), (f"端口 {behind}"[:6], "装机的人"), ("登记码应为 ", "装机的人"), ("连不上上级 ", "网络管理员")
    ]  # fmt: skip
    assert any("不是远教" in words for words in found(tmp_path, parent=f"http://127.0.0.1:{behind}"))


def test_a_wrong_clock_is_said_with_its_seconds() -> None:
    def answer(hours: int) -> httpx.Response:
        moment = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
        return httpx.Response(200, headers={"Date": f"{moment:%a, %d %b %Y %H:%M:%S} GMT"})

    assert checks._clock(answer(0)).ok
    late = checks._clock(answer(3))
    assert not late.ok
    assert "慢 10" in late.words
    assert "timedatectl" in late.words


# -- a second run ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The root of a machine with Caddy in front, set up with all its options."""
    chosen = {"home": "/srv/far", "user": "teach", "port": 8123, "tls": "caddy", "host": "edu.example", "public": True}
    list(settle(tmp_path, files(plan(tmp_path, **chosen))))
    return tmp_path


def test_a_second_run_with_fewer_options_leaves_every_file_as_it_was(installed: Path) -> None:
    again = Plan(choose(installed, {"parent": "https://centre.example/", "tls": None, "home": None}), code="", root=installed, start=False)
    said = [step.words for step in settle(installed, files(again, has_caddyfile=True))]
    assert [words for words in said if not words.endswith("已是应有的样子")] == []
    assert "BEHIND_PROXY='1'" in text_of(installed, "etc/yuanjiao/yuanjiao.env")
    assert choose(installed, {"port": 9000, "public": False}).port == 9000, "what is said holds"


@pytest.mark.parametrize("moved", [{"home": "/var/lib/yuanjiao"}, {"user": "yuanjiao"}, {"parent": "https://other.example"}])
def test_another_machine_is_asked_for_twice(installed: Path, moved: dict[str, str]) -> None:
    with pytest.raises(Refused, match="--change"):
        choose(installed, moved)
    (name, value), *_ = moved.items()
    assert getattr(choose(installed, moved, change=True), name) == value


def test_choices_that_cannot_be_read_are_not_guessed(installed: Path) -> None:
    (installed / "etc/yuanjiao/setup.json").write_text("{")
    with pytest.raises(Refused, match=str(CHOSEN)):
        choose(installed, {"parent": "https://centre.example"})


def test_a_port_below_1024_may_be_asked_for_and_others_bring_no_right_to_it() -> None:
    def rights(port: int) -> list[str]:
        text = unit_text(user="u", home=HOME, settings=SETTINGS, address="0.0.0.0", port=port)
        return [line.partition("=")[2] for line in text.splitlines() if "Capabilit" in line and "=" in line]

    assert rights(80) == ["CAP_NET_RAW CAP_NET_BIND_SERVICE"] * 2
    assert rights(1024) == ["CAP_NET_RAW"] * 2


@pytest.mark.parametrize(("changed", "runs", "restarts"), [(False, True, 0), (True, True, 1), (False, False, 1)])
def test_the_service_is_started_again_only_for_a_reason(monkeypatch: pytest.MonkeyPatch, changed: bool, runs: bool, restarts: int) -> None:
    lines = list[str]()

    def run(line: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        lines.append(line[1])
        return subprocess.CompletedProcess(line, 0 if runs or line[1] != "is-active" else 3, "", "")

    monkeypatch.setattr(setup.subprocess, "run", run)
    monkeypatch.setattr(setup, "runs_here", lambda port: True)
    assert [step.ok for step in setup._bring_up("systemctl", 8000, changed=changed)] == [True]
    assert lines.count("restart") == restarts
    monkeypatch.setattr(setup, "START_S", 0)
    monkeypatch.setattr(setup, "runs_here", lambda port: False)
    (silent,) = setup._bring_up("systemctl", 8000, changed=changed)
    assert (silent.ok, "journalctl" in silent.words) == (False, True)


def test_commands_run_with_both_settings_files_and_ones_own_is_the_last_word(tmp_path: Path) -> None:
    (tmp_path / "etc/yuanjiao").mkdir(parents=True)
    (tmp_path / "etc/yuanjiao/yuanjiao.env").write_text("# x=1\nYUANJIAO_HOSTS='*'\nYUANJIAO_NAME='柳溪 一号'\n")
    (tmp_path / "etc/yuanjiao/local.env").write_text("YUANJIAO_HOSTS=a\nYUANJIAO_DATABASE=postgresql://u:p=q@db/x\n")
    assert setup._environment(tmp_path) == {
        "YUANJIAO_HOSTS": "a", "YUANJIAO_NAME": "柳溪 一号", "YUANJIAO_DATABASE": "postgresql://u:p=q@db/x"
    }  # fmt: skip


def test_a_file_that_vanishes_while_owners_are_looked_at_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yuanjiao.wiring.edge.files._all_below", lambda folder: iter([folder / "gone"]))
    me = tmp_path.owner()
    assert _own(tmp_path, Wanted(tmp_path, None, 0o750, me, tmp_path.group())) == []


# -- the whole of it -------------------------------------------------------------------------------------------------------------------


def set_up(root: Path, *more: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "yuanjiao.wiring", "edge", "setup", "--root", str(root), "--port", str(free_port()), *more]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("YUANJIAO_")}
    (root / "called-here").mkdir(parents=True, exist_ok=True)
    return subprocess.run(line, env=environment, cwd=root / "called-here", capture_output=True, text=True, timeout=300, check=False)


def test_one_code_and_one_command_make_an_edge_and_again_they_find_it_made(tmp_path: Path) -> None:
    centre, root = NodeProcess(role="solo", home=tmp_path / "centre", name="青禾市中心"), tmp_path / "root"
    centre.command("found", "--code", "990100000000", "--name", "青禾市")
    code = centre.command("nodes", "issue-code", "--kind", "edge", "--name", "柳溪县边缘", "--subject", "E-990101").strip()
    centre.start()
    try:
        nobody = set_up(root, "--parent", "http://127.0.0.1:9", "--code", code)
        assert nobody.returncode == 1
        assert "请网络管理员处理：连不上上级" in nobody.stderr
        assert not (root / "etc").exists(), "nothing is written before all is well"
        early = set_up(root, "--parent", centre.address)
        assert (early.returncode, "登记码" in early.stderr) == (1, True)
        assert not (root / "etc").exists(), "nor without a code"
        first = set_up(root, "--parent", centre.address, "--code", code, "--tls", "caddy", "--host", "edu.example")
        assert first.returncode == 0, first.stdout + first.stderr
        assert "已在上级 青禾市中心 登记" in first.stdout
        kept = {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and "yuanjiao.sqlite3" not in path.name}
        again = set_up(root)
    finally:
        centre.stop()
    assert "已写出" not in again.stdout
    assert f"已在上级 {centre.address} 登记" in again.stdout
    assert {path: path.read_bytes() for path in kept} != {}
    same = {path for path, content in kept.items() if path.read_bytes() == content}
    assert {path.name for path in set(kept) - same} <= {"yuanjiao.service", "yuanjiao.caddy", "setup.json"}, "the port alone was another"
    assert list((root / "called-here").iterdir()) == [], "no HOME is left where it was called"
    assert code not in "".join(path.read_text(errors="replace") for path in (root / "etc").rglob("*") if path.is_file())
    assert (root / "var/lib/yuanjiao/node.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_a_hurried_sudo_left_in_the_home_is_given_back_to_the_service(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "blobs").mkdir(parents=True)
    (home / "blobs/left").write_text("x")
    wanted = Wanted(home, None, 0o750, "nobody", "nogroup")
    assert _own(home, wanted) == ["已改正 3 个文件的属主"]
    assert (home / "blobs/left").owner() == "nobody"
    assert _own(home, wanted) == []
