"""The portal as its readers meet it: `yuanjiao serve` in a process of its own, a lean client in another.

Asked of it (issue 4, beside Kolibri 0.19.5 on this machine: 247 requests/s, p95 59 ms, 39 kB uncompressed, 1,068 kB for a first
visit, 957 ranges of 100 kB a second): a page of a list of 5,000 items, the bytes of a first visit, start to first answer, media in
ranges. The floor of the list is the same bytes from an application on the same server that does nothing else; the floor of media is
nginx on the same file, where nginx is installed.

PEER_LIST_URL: address of a peer's list of 25 items (Kolibri: http://127.0.0.1:8080/api/content/contentnode/?…&max_results=25) that
is running beside us; without it, or when nobody answers there, the peer's row is skipped.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

import yuanjiao
from bench.load import write_requests
from bench.search import AT, _columns, _stock
from yuanjiao.courseware.models import Courseware, Rendition
from yuanjiao.flow.blobs import store
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.simulation.processes import free_port

ITEMS, CONNECTIONS, SECONDS, ROUNDS = 5_000, 8, 4.0, 3
FILM_MB, RANGE_BYTES = 256, 4_000_000
LINKED = re.compile(r'<(?:link[^>]+rel="(?:stylesheet|icon|manifest)"[^>]*href|script[^>]+src)="([^"]+)"')
KINDS = (
    ("box-sd", "video", "video/mp4", 42_000_000),
    ("audio", "audio", "audio/mp4", 4_800_000),
    ("poster", "poster", "image/jpeg", 21_000),
)
Row = dict[str, Any]


def run() -> list[Row]:
    """Requests a second and waits of the list, bytes of a first visit, seconds to a first answer, MB of media a second."""
    ensure_self(at=AT)
    film = _fill()
    with _served() as server:
        rows = [*_list(server), *_visit(server), *_media(server, film)]
        rows.append(_row("portal: server's memory after the load", _resident_mb(server.pid), "MB", 110.0))
    return [*rows, *_starts()]


def _row(name: str, value: float, unit: str, floor: float | None = None) -> Row:
    return {"name": name, "value": value, "unit": unit, "floor": floor, "ratio": value / floor if floor else None}


def _fill() -> str:
    """5,000 released items on 20 columns with sizes and posters; the first one has a real file to play. Returns its name."""
    import random

    columns, unit = _columns()
    _stock(random.Random(3), columns, unit, ITEMS)
    ids = list(Courseware.objects.values_list("pk", flat=True))
    rows = [
        Rendition(courseware_id=pk, profile=profile, kind=kind, media_type=mime, size_bytes=size, blob=f"{pk:064x}", key=f"{pk}-{profile}")
        for pk in ids
        for profile, kind, mime, size in KINDS
    ]
    Rendition.objects.bulk_create(rows, batch_size=2000)
    part = os.urandom(1 << 20)
    with tempfile.NamedTemporaryFile(suffix=".mp4") as film:
        for _ in range(FILM_MB):
            film.write(part)
        film.flush()
        return store.put(Path(film.name)).sha256


# -- servers ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    port: int
    pid: int
    first_answer_s: float

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def _served(home: str = "", **settings: str) -> Iterator[Server]:
    """`yuanjiao serve` from its start to its first page; ended by its own id. `{port}` in a setting is where it listens."""
    port = free_port()
    settings = {name: value.replace("{port}", str(port)) for name, value in settings.items()}
    environment = {**os.environ, **settings, **({"YUANJIAO_HOME": home} if home else {})}
    begun = time.perf_counter()
    line = [sys.executable, "-m", "yuanjiao.wiring", "serve", "--port", str(port), "--no-worker"]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, env=environment)
    try:
        took = _first_answer(process, port, begun)
        yield Server(port, process.pid, took)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _first_answer(process: subprocess.Popen[bytes], port: int, begun: float, path: str = "/") -> float:
    while process.poll() is None and time.perf_counter() - begun < 180:
        try:
            if httpx.get(f"http://127.0.0.1:{port}{path}", timeout=30, trust_env=False).status_code == 200:
                return time.perf_counter() - begun
        except httpx.HTTPError:
            time.sleep(0.02)
    raise SystemExit("the server did not answer")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _resident_mb(pid: int) -> float:
    """Of the process and its children; pages they share are counted once (PSS)."""
    total = 0
    for one in _family(pid):
        text = Path(f"/proc/{one}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1))  # type: ignore[union-attr]
    return total * 1024 / 1e6


# -- the list ---------------------------------------------------------------------------------------------------------------


def _list(server: Server) -> Iterator[Row]:
    """One page of the list of all items, asked for as a browser does; then 200 different pages; then with nothing kept."""
    pages = [f"/search/?p={n}" for n in range(1, 201)]
    one = httpx.get(server.base + pages[0], headers={"accept-encoding": "gzip"}, trust_env=False)
    assert one.headers["content-encoding"] == "gzip", "compressed"
    assert one.text.count('class="item') >= 24, "a whole page of items"
    floor = _bare_rate(one)
    best = _load(server.port, [pages[0]])
    yield _row("portal: list page of 5,000 items, requests", best["rate"], "/s", floor["rate"])
    yield _row("portal: the same, p95", best["p95"], "ms", floor["p95"])
    many = _load(server.port, pages)
    yield _row("portal: 200 different list pages, requests", many["rate"], "/s", floor["rate"])
    alone = _load(server.port, pages, cookie="sessionid=none")
    yield _row("portal: every page made anew (a cookie we do not know), requests", alone["rate"], "/s", floor["rate"])
    yield _row("portal: the same, p95", alone["p95"], "ms", floor["p95"])
    yield _row("portal: list page on the wire", int(one.headers["content-length"]) / 1000, "kB")
    peer = _peer()
    if peer:
        yield _row("portal: requests, beside the peer's list", best["rate"], "/s", peer["rate"])
        yield _row("portal: p95, beside the peer's list", best["p95"], "ms", peer["p95"])


def _load(port: int, paths: list[str], cookie: str = "", host: str = "127.0.0.1") -> dict[str, float]:
    """Best of three rounds, after one second of warming up."""
    head = f"host: {host}:{port}\r\naccept-encoding: gzip\r\n" + (f"cookie: {cookie}\r\n" if cookie else "")
    with tempfile.NamedTemporaryFile() as file:
        write_requests(Path(file.name), [f"GET {path} HTTP/1.1\r\n{head}\r\n".encode() for path in paths])
        line = [sys.executable, "-m", "bench.load", str(port), str(CONNECTIONS)]
        told = []
        for seconds in (1.0, *[SECONDS] * ROUNDS):
            done = subprocess.run([*line, str(seconds), "0", file.name], check=True, capture_output=True, text=True)
            told.append(json.loads(done.stdout))
    assert all(set(one["statuses"]) <= {"200"} for one in told), told  # a starved round may have none
    best = max(told[1:], key=lambda one: float(one["answered"] / one["seconds"]))
    return {**best, "rate": best["answered"] / best["seconds"]}


BARE = """
import sys
from granian import Granian
from granian.constants import Interfaces
body = open(sys.argv[2], 'rb').read()
HEADERS = [(b"content-type", b"text/html"), (b"content-encoding", b"gzip"), (b"content-length", str(len(body)).encode())]
async def application(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": body})
if __name__ == "__main__":
    Granian("bare_page:application", port=int(sys.argv[1]), interface=Interfaces.ASGI, blocking_threads=1, websockets=False).serve()
"""


def _bare_rate(page: httpx.Response) -> dict[str, float]:
    """The same bytes, ready made, from the same server program."""
    import gzip

    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bare_page.py").write_text(BARE)
        Path(folder, "body").write_bytes(gzip.compress(page.content))
        process = subprocess.Popen([sys.executable, "bare_page.py", str(port), f"{folder}/body"], cwd=folder, stdout=subprocess.DEVNULL)
        try:
            _first_answer(process, port, time.perf_counter())
            return _load(port, ["/"])
        finally:
            process.terminate()
            process.wait(timeout=30)


def _peer() -> dict[str, float] | None:
    address = os.environ.get("PEER_LIST_URL", "")
    try:
        parts = urlsplit(httpx.get(address, timeout=10, trust_env=False, follow_redirects=True).url.__str__())
    except (httpx.HTTPError, httpx.InvalidURL):
        print("no peer is running (PEER_LIST_URL): its rows are skipped", file=sys.stderr)
        return None
    return _load(parts.port or 80, [f"{parts.path}?{parts.query}"], host=parts.hostname or "")


# -- bytes of a first visit ---------------------------------------------------------------------------------------------------


def _visit(server: Server) -> Iterator[Row]:
    """First page, a list, an item's page and all they link to, as a browser with gzip fetches them; without pictures."""
    seen: dict[str, int] = {}
    uid = Courseware.objects.values_list("uid", flat=True).first()
    home = _weigh(server, "/", seen)
    yield _row("portal: first page with all it links to, without pictures", home / 1000, "kB", 60.0)
    whole = home + _weigh(server, "/search/", seen) + _weigh(server, f"/items/{uid}/", seen)
    yield _row("portal: first visit (first page, list, an item), without pictures", whole / 1000, "kB", 100.0)


def _weigh(server: Server, path: str, seen: dict[str, int]) -> int:
    """Bytes of bodies and heads on the wire of what was not fetched before."""
    page = httpx.get(server.base + path, headers={"accept-encoding": "gzip"}, trust_env=False)
    assert page.status_code == 200, path
    fresh = {path: _bytes(page)}
    for link in LINKED.findall(page.text):
        address = urljoin(server.base + path, link)
        if address not in seen:
            httpx.get(address, headers={"accept-encoding": "gzip"}, trust_env=False)  # the first ever asker gets a quicker, larger form
            time.sleep(0.5)
            seen[address] = fresh[address] = _bytes(httpx.get(address, headers={"accept-encoding": "gzip"}, trust_env=False))
    return sum(fresh.values())


def _bytes(answer: httpx.Response) -> int:
    head = sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
    return head + int(answer.headers.get("content-length", len(answer.content)))


# -- start ------------------------------------------------------------------------------------------------------------------


def _starts() -> Iterator[Row]:
    """From the command to the first page: on a home that has never been used, and on one that has. Best of two.

    Wall time and the processor's time: on a busy machine only the second says something.
    """
    fresh, warm, memory, work = [], [], [], []
    _set_up()
    for _ in range(2):
        with tempfile.TemporaryDirectory(prefix="yuanjiao-start-") as home:
            with _served(home) as server:
                fresh.append(server.first_answer_s)
            with _served(home) as server:
                warm.append(server.first_answer_s)
                work.append(sum(_cpu_s(one) for one in _family(server.pid)))
                memory.append(_resident_mb(server.pid))
    yield _row("portal: start to first answer, fresh home", min(fresh), "s", 4.0)
    yield _row("portal: start to first answer, warm home", min(warm), "s", 2.0)
    yield _row("portal: processor's time until then, warm home", min(work), "s")
    yield _row("portal: server's memory after a start", min(memory), "MB", 150.0)


def _set_up() -> None:
    """As set-up does: modules are compiled, an empty database of today's migrations lies ready for homes to come."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(Path(yuanjiao.__file__).parent)], check=True)
    with tempfile.TemporaryDirectory(prefix="yuanjiao-start-") as home:
        environment = {**os.environ, "YUANJIAO_HOME": home}
        subprocess.run([sys.executable, "-m", "yuanjiao.wiring.newborn"], check=True, stdout=subprocess.DEVNULL, env=environment)


# -- media ------------------------------------------------------------------------------------------------------------------


def _media(server: Server, film: str) -> Iterator[Row]:
    """Ranges of 4 MB of one film over four connections; by ourselves, by nginx alone, and by nginx before us."""
    ours = _stream(server.port, f"/blobs/{film}.mp4")
    nginx = shutil.which("nginx")
    yield _row("portal: media in ranges by our own server", ours, "MB/s", 300.0)
    small = _load_ranges(server.port, f"/blobs/{film}.mp4")
    yield _row("portal: ranges of 100 kB by our own server", small, "/s", 957.0)
    if not nginx:
        print("nginx is not installed: its rows are skipped", file=sys.stderr)
        return
    with _served(YUANJIAO_ACCEL_PREFIX="/kept-blobs/") as behind, _nginx(nginx, behind.port) as port:
        alone = _stream(port, f"/plain/{film[:2]}/{film[2:]}")
        fronted = _stream(port, f"/blobs/{film}.mp4")
        yield _row("portal: media in ranges, nginx before us", fronted, "MB/s", alone)
        asked = _stream(port, f"/asked/blobs/{film}.mp4")
        yield _row("portal: media in ranges, nginx asking us first (X-Accel)", asked, "MB/s", alone)
        alone = _load_ranges(port, f"/plain/{film[:2]}/{film[2:]}")
        yield _row("portal: ranges of 100 kB, nginx before us", _load_ranges(port, f"/blobs/{film}.mp4"), "/s", alone)
        yield _row("portal: ranges of 100 kB, nginx asking us first (X-Accel)", _load_ranges(port, f"/asked/blobs/{film}.mp4"), "/s", alone)


READER = """
import socket, sys, time
port, path, size, step, seconds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
line = socket.create_connection(("127.0.0.1", port)); buffer = bytearray(1 << 20); got = asked = at = 0; begun = time.perf_counter()
while time.perf_counter() - begun < seconds:
    end = min(at + step, size) - 1
    head = f"GET {path} HTTP/1.1\\r\\nhost: 127.0.0.1:{port}\\r\\nrange: bytes={at}-{end}\\r\\n\\r\\n"
    line.sendall(head.encode()); left, seen = None, b""
    while left is None or left > 0:
        n = line.recv_into(buffer)
        if not n: raise SystemExit("cut off")
        if left is None:
            seen += bytes(buffer[:n]); cut = seen.find(b"\\r\\n\\r\\n")
            if cut < 0: continue
            assert seen.startswith(b"HTTP/1.1 206"), seen[:200]
            left = end - at + 1 - (len(seen) - cut - 4)
        else: left -= n
    got += end - at + 1; asked += 1; at = (end + 1) % size
print(got, asked, time.perf_counter() - begun)
"""


def _read(port: int, path: str, step: int) -> list[tuple[float, float]]:
    """(bytes, ranges) a second of each of four readers, best of three rounds."""
    size, rounds = FILM_MB << 20, []
    for _ in range(3):
        line = [sys.executable, "-c", READER, str(port), path, str(size), str(step), "2.5"]
        readers = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        told = [[float(word) for word in one.communicate()[0].split()] for one in readers]
        rounds.append([(got / took, asked / took) for got, asked, took in told])
    return max(rounds, key=lambda one: sum(rate for rate, _ in one))


def _stream(port: int, path: str) -> float:
    return sum(rate for rate, _ in _read(port, path, RANGE_BYTES)) / 1e6


def _load_ranges(port: int, path: str) -> float:
    return sum(rate for _, rate in _read(port, path, 100_000))


NGINX = """
user {user}; worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; keepalive_requests 100000;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  upstream ours {{ server 127.0.0.1:{behind}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{port};
    location /kept-blobs/ {{ internal; alias {home}/blobs/; }}
    location /plain/ {{ alias {home}/blobs/; }}
    location ~ "^/blobs/([0-9a-f]{{2}})([0-9a-f]{{62}})\\.(mp4|m4a|jpg)$" {{
      alias {home}/blobs/$1/$2; types {{ video/mp4 mp4; audio/mp4 m4a; image/jpeg jpg; }}
      add_header Cache-Control "public, max-age=31536000, immutable"; add_header X-Content-Type-Options nosniff;
    }}
    location /asked/ {{
      proxy_pass http://ours/; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
    }}
    location / {{ proxy_pass http://ours; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; }}
  }}
}}
"""


@contextmanager
def _nginx(program: str, behind: int) -> Iterator[int]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        settings = Path(folder, "nginx.conf")
        settings.write_text(NGINX.format(folder=folder, port=port, behind=behind, home=os.environ["YUANJIAO_HOME"], user=getpass.getuser()))
        process = subprocess.Popen([program, "-c", str(settings), "-e", f"{folder}/error.log"])
        try:
            _first_answer(process, port, time.perf_counter())
            yield port
        finally:
            process.terminate()
            process.wait(timeout=30)
