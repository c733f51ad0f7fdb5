"""Each way of asking an address, against something real that answers, refuses, errs or says nothing. Only loopback is asked."""

from __future__ import annotations

import asyncio
import http.server
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from yuanjiao.network.probing import questions
from yuanjiao.network.probing.questions import Asker, CannotAsk, Question, Reply
from yuanjiao.simulation.processes import free_port

AGENT = Path(__file__).with_name("agent.py")


def ask(*questions: Question) -> list[Reply]:
    async def all_of_them() -> list[Reply]:
        asker = Asker()
        try:
            return list(await asyncio.gather(*(asker.ask(question) for question in questions)))
        finally:
            asker.close()

    return asyncio.run(all_of_them())


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/") or "200"))
        self.send_header("Location", "http://192.0.2.1/")
        self.end_headers()
        self.wfile.write(b"here")

    def log_message(self, *_args: object) -> None:
        return


@pytest.fixture
def web() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def agent() -> Iterator[int]:
    port = free_port()
    running = subprocess.Popen([sys.executable, str(AGENT), str(port), "village"], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    yield port
    running.kill()
    running.communicate()


def test_a_connection_is_taken_or_refused_or_lost(web: int) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound, not listening: refused
        taken, refused = ask(Question("tcp", "127.0.0.1", web), Question("tcp", "127.0.0.1", silent.getsockname()[1]))
    assert taken.ok
    assert taken.latency_ms is not None
    assert (refused.ok, refused.note) == (False, "拒绝连接：主机在，端口没有服务")
    (unknown,) = ask(Question("tcp", "no-such-host.invalid", 80))
    assert (unknown.ok, unknown.note) == (False, "域名无法解析")


def test_a_web_page_is_judged_by_its_status_and_never_followed_elsewhere(web: int) -> None:
    paths = ("", "302", "404", "500")
    replies = ask(*(Question("http", "localhost", web, path) for path in paths))
    assert [(reply.ok, reply.note) for reply in replies] == [
        (True, "状态码 200"),
        (True, "状态码 302"),
        (False, "状态码 404"),
        (False, "状态码 500"),
    ]


def self_signed(folder: Path) -> Path:
    """A certificate of the kind boxes carry: nobody vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "box")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    cert = made.not_valid_before(day).not_valid_after(day + timedelta(days=1)).sign(key, hashes.SHA256())
    path = folder / "box.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + cert.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_box_with_a_certificate_of_its_own_answers_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    keys = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    keys.load_cert_chain(self_signed(tmp_path))
    server.socket = keys.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(questions, "HTTPS_PORT", server.server_address[1])
    (reply,) = ask(Question("http", "localhost", server.server_address[1]))
    assert (reply.ok, reply.note) == (True, "状态码 200")
    server.shutdown()
    server.server_close()


def test_what_answers_but_is_no_web_server_is_none(agent_of_nothing: int) -> None:
    (reply,) = ask(Question("http", "127.0.0.1", agent_of_nothing))
    assert (reply.ok, reply.note) == (False, "应答不是网页")


@pytest.fixture
def agent_of_nothing() -> Iterator[int]:
    """Greets like a mail server."""
    listener = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 mail.example ESMTP\r\n")
            connection.recv(1000)

    threading.Thread(target=greet, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def test_whoever_takes_the_connection_and_says_nothing_does_not_answer() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(8)
        (reply,) = ask(Question("http", "127.0.0.1", mute.getsockname()[1], timeout_s=0.3))
    assert (reply.ok, reply.note) == (False, "没有及时应答")


def may_send_echoes() -> bool:
    """Whether this machine lets us open either kind of ICMP socket."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP).close()
        except OSError:
            continue
        return True
    return False


def test_an_echo_comes_back_or_we_say_that_it_is_us_who_may_not_ask() -> None:
    questions = [Question("icmp", address) for address in ("127.0.0.1", "127.0.0.2", "localhost")]
    if may_send_echoes():
        assert all(reply.ok and reply.latency_ms is not None for reply in ask(*questions))
    else:
        with pytest.raises(CannotAsk, match="本机不能探测"):
            ask(*questions)


def test_an_snmp_agent_tells_how_long_it_has_run_and_a_wrong_word_gets_no_answer(agent: int) -> None:
    system, name, missing = "", "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.99.0"
    known = [Question("snmp", "127.0.0.1", agent, path, "village") for path in (system, name, missing)]
    stranger = Question("snmp", "127.0.0.1", agent, "", "not-the-word", timeout_s=0.5)
    nobody = Question("snmp", "127.0.0.1", free_port(), "", "village", timeout_s=0.5)
    uptime, named, absent, refused, silent = ask(*known, stranger, nobody)
    assert uptime.ok
    assert uptime.note.startswith("已开机 0:00:")
    assert named.ok
    assert absent.ok
    assert "没有 1.3.6.1.2.1.99.0" in absent.note
    assert not refused.ok
    assert not silent.ok
