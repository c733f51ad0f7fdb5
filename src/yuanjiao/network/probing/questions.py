"""Asking one address one question: ICMP echo, a TCP connection, an HTTP answer, an SNMP value. Asynchronous; nothing is kept.

A `Reply` is about the address asked. `CannotAsk` is about us (no right to send ICMP, no free socket): it says nothing of the address.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from gufo.ping import Ping

UPTIME_OID = "1.3.6.1.2.1.1.3.0"
RECEIVE_BUFFER_BYTES = 4 << 20
"""Many echoes come back at once; what does not fit the socket's buffer would look like loss."""
HTTPS_PORT = 443
MOST_HEAD_BYTES = 32_768
OURS = {errno.EPERM, errno.EACCES, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EADDRNOTAVAIL}


@dataclass(frozen=True)
class Question:
    """What to ask whom. `path` is HTTP's path or SNMP's OID; `community` is SNMP's."""

    method: str
    host: str
    port: int | None = None
    path: str = ""
    community: str = ""
    timeout_s: float = 3.0


@dataclass(frozen=True)
class Reply:
    """Whether there was an answer, how long it took, and what is worth noting (in Chinese)."""

    ok: bool
    latency_ms: float | None = None
    note: str = ""


class CannotAsk(Exception):
    """This machine could not ask; the message says why."""


class NoAddress(Exception):
    """A host name that leads nowhere."""


class Asker:
    """Asks questions on the running event loop, sharing what can be shared; `close` when done."""

    def __init__(self) -> None:
        self._pings: dict[float, Ping] = {}
        self._tls = ssl.create_default_context()  # certificates of boxes are their own: an answer is looked for, not trust
        self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        self._ways: dict[str, Callable[[Question, str], Awaitable[Reply]]] = {
            "icmp": self._icmp,
            "tcp": self._tcp,
            "http": self._http,
            "snmp": self._snmp,
        }

    async def ask(self, question: Question) -> Reply:
        """The reply, at the latest a little after the question's time-out. CannotAsk when the fault is ours."""
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(question.timeout_s + 0.5):
                reply = await self._ways[question.method](question, await address_of(question.host))
        except TimeoutError:
            return Reply(False, note="没有及时应答")
        except NoAddress:
            return Reply(False, note="域名无法解析")
        except OSError as error:
            if isinstance(error, PermissionError) or error.errno in OURS:
                raise CannotAsk(f"本机不能探测：{error.strerror}") from None
            return Reply(False, note=_words(error))
        took_ms = (time.perf_counter() - begun) * 1000
        return reply if reply.latency_ms is not None or not reply.ok else Reply(True, took_ms, reply.note)

    def close(self) -> None:
        """Let the sockets go."""
        self._pings.clear()

    async def _icmp(self, question: Question, address: str) -> Reply:
        ping = self._pings.get(question.timeout_s)
        if ping is None:
            from gufo.ping import Ping  # where it is needed, here and below: who asks nobody starts without
            from gufo.ping.socket import SelectionPolicy

            policy = SelectionPolicy.DGRAM_RAW  # unprivileged where the kernel lets us
            ping = Ping(policy=policy, timeout=question.timeout_s, recv_buffer_size=RECEIVE_BUFFER_BYTES)
            self._pings[question.timeout_s] = ping
        took_s = await asyncio.shield(ping.ping(address))  # it ends by itself: cancelled, it would break the reading of other echoes
        return Reply(False, note="没有回显") if took_s is None else Reply(True, took_s * 1000)

    async def _tcp(self, question: Question, address: str) -> Reply:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as bare:  # nothing is said, so no streams are needed
            bare.setblocking(False)
            await asyncio.get_running_loop().sock_connect(bare, (address, question.port))
        return Reply(True)

    async def _http(self, question: Question, address: str) -> Reply:
        import h11

        port = question.port or 80
        secure = port == HTTPS_PORT
        name: dict[str, Any] = {"ssl": self._tls, "server_hostname": question.host} if secure else {}
        reader, writer = await asyncio.open_connection(address, port, **name)
        try:
            status = await _status(reader, writer, question)
        except h11.RemoteProtocolError:
            return Reply(False, note="应答不是网页")
        finally:
            writer.transport.abort()  # what else the page says is of no interest
        return Reply(status < 400, note=f"状态码 {status}")

    async def _snmp(self, question: Question, address: str) -> Reply:
        from gufo.snmp import NoSuchInstance, SnmpError
        from gufo.snmp.aio import SnmpSession

        oid = question.path or UPTIME_OID
        community = question.community or "public"
        try:
            async with SnmpSession(address, port=question.port or 161, community=community, timeout=question.timeout_s) as session:
                value = await session.get(oid)
        except NoSuchInstance:
            return Reply(True, note=f"有应答，但没有 {oid}")
        except SnmpError as error:
            return Reply(False, note=f"应答有误（{type(error).__name__}）")
        return Reply(True, note=_uptime(value) if oid == UPTIME_OID else _text(value))


async def _status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, question: Question) -> int:
    """Ask for the page and read as far as its status. A library for clients would cost fifty times the connection itself."""
    import h11

    talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEAD_BYTES)
    host = f"[{question.host}]" if ":" in question.host else question.host
    headers = [("Host", f"{host}:{question.port or 80}"), ("User-Agent", "yuanjiao-probe"), ("Connection", "close")]
    target = "/" + quote(question.path.lstrip("/"), safe="/?&=%:@!$'()*+,;~-._")
    asked = h11.Request(method="GET", target=target, headers=headers)
    writer.write((talk.send(asked) or b"") + (talk.send(h11.EndOfMessage()) or b""))
    while True:
        event = talk.next_event()
        if isinstance(event, h11.Response):
            return event.status_code
        if event is h11.NEED_DATA:
            talk.receive_data(await reader.read(MOST_HEAD_BYTES))


async def address_of(host: str) -> str:
    """The first address of a host name; an address as it is, without asking anybody."""
    with suppress(ValueError):
        return str(ip_address(host))
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise NoAddress(host) from None
    return str(found[0][4][0])


def _uptime(value: object) -> str:
    return f"已开机 {timedelta(seconds=int(str(value)) // 100)}" if str(value).isdigit() else ""


def _text(value: object) -> str:
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))[:100]


def _words(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "拒绝连接：主机在，端口没有服务"
    return {errno.EHOSTUNREACH: "主机不可达", errno.ENETUNREACH: "网络不可达", errno.ECONNRESET: "连接被重置"}.get(
        error.errno or 0, error.strerror or type(error).__name__
    )
