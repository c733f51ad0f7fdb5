#!/usr/bin/env python3
"""Heartbeat of one site for a box or PC too small for the whole software. Standard library only; Python 3.7 or newer.

    python3 yuanjiao_beacon.py --to https://edge.example --site S-990101100200 --key KEY --witness https://centre.example

Every minute it tells `/beat` that the site is alive. Once a day (`--play-every`), and again a few minutes after a failure, it goes
the whole way of a viewer to the first seconds of the newest programme above (or of `--play URL`) and tells how that went: the
step that failed is `link` (the machine above cannot be reached), `edge` (its software does not answer), `catalogue` (the item is
not there, or not what it says) or `video` (its first seconds do not come). A result that cannot be sent is kept and sent with the
first beat that is taken; a beat that cannot be sent is dropped: the machine above notices silence by itself.
With `--witness` the same beat, without tests, also goes straight to the centre: when the edge is silent, the centre then still knows
that this box lives. It is the edge that judges; whether the witness was reached changes nothing here.

Exit status of `--once` (which always tests): 0 taken, 1 not taken.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from email.message import Message
from typing import TYPE_CHECKING, NamedTuple, NoReturn

PERIOD_S = 60
PLAY_EVERY_S = 24 * 3600
AGAIN_S = 600
"""A failed test is repeated so soon: the repair is to be seen on the same day."""
FIRST_BYTES = 256 * 1024
MOST_BYTES = 8 * 1024 * 1024
LEAST_BYTES = 1000
TIMEOUT_S = 15
PIECE_S = 45
LISTS_DEEP = 4
MP4_BOXES = (b"ftyp", b"styp", b"moov", b"moof", b"sidx")


def now_text() -> str:
    """This machine's clock; the receiver only measures how wrong it is."""
    return datetime.now(timezone.utc).isoformat()


def boot_text() -> str | None:
    """When this machine was switched on, or None where it cannot say."""
    try:
        with open("/proc/uptime") as uptime:
            seconds = float(uptime.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return (datetime.now(timezone.utc) - timedelta(seconds=seconds)).isoformat()


class Answer(NamedTuple):
    """What came of one beat: HTTP status (0: nobody answered), whether it was taken, the words, and the receiver's clock (Unix seconds)."""

    status: int
    taken: bool
    said: str
    time: float | None = None


def tell(to: str, message: dict[str, object]) -> Answer:
    """One beat to the machine at that address."""
    request = urllib.request.Request(
        to.rstrip("/") + "/beat", data=json.dumps(message).encode(), headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            status, heard, body = answer.status, server_time(answer.headers), answer.read(65536)
        said = json.loads(body.decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, False, "{} {}".format(error.code, error.read(500).decode("utf-8", "replace")), server_time(error.headers))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Answer(0, False, str(error))
    taken = isinstance(said, dict) and said.get("accepted") == 1
    return Answer(status, taken, json.dumps(said, ensure_ascii=False), heard)


def server_time(headers: Message) -> float | None:
    """The clock of the machine that answered; None when it says nothing of it."""
    told = headers.get("Yuanjiao-Server-Time") or ""
    return int(told) / 1e6 if told.isdigit() else None


def send(to: str, message: dict[str, object]) -> tuple[bool, str]:
    """One beat; returns (taken, what the machine above said or why it could not be reached)."""
    answer = tell(to, message)
    return answer.taken, answer.said


if TYPE_CHECKING:
    _Piece = tuple[str, "tuple[int, int] | None"]


class Failed(Exception):
    """The step that failed, and why, in words."""

    def __init__(self, step: str, why: object) -> None:
        super().__init__(str(why))
        self.step = step


def check(to: str, play_url: str | None = None) -> tuple[str, str, str] | None:
    """Try the whole way from here to the first seconds of a video, as a viewer's box goes it.

    Gives (failed step or "", why, what was tried), or None when the machine above has nothing to play. The steps, in order: `link`
    (the machine above is not reached), `edge` (it is, but its software does not answer as it should), `catalogue` (no list
    of programmes, or what it lists is not there), `video` (the list is there, but its first piece does not come or is no media).
    """
    item = play_url or ""
    try:
        reach(play_url or to)
        if play_url is None:
            answers(to)
            found = newest(to)
            if found is None:
                return None
            item, play_url = found
        play(play_url)
    except Failed as failure:
        return failure.step, str(failure)[:200], item
    return "", "", item


def reach(address: str) -> None:
    """Somebody takes a connection there. A refusal comes from a machine that is reached but whose software does not run."""
    parts = urllib.parse.urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), TIMEOUT_S).close()
    except ConnectionRefusedError as error:
        raise Failed("edge", error) from None
    except (OSError, UnicodeError) as error:
        raise Failed("link", error) from None


def answers(to: str) -> None:
    """The software above says that it is well; a log-in page of somebody else's network does not."""
    try:
        said = fetch(to.rstrip("/") + "/healthz", limit=100)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Failed("edge", error) from None
    if said.strip() != b"ok":
        raise Failed("edge", f"not the machine above: {said[:40]!r}")


def newest(to: str) -> tuple[str, str] | None:
    """Title and address of the newest programme above; None when nothing is released there yet."""
    try:
        said = fetch(to.rstrip("/") + "/play/newest.json", limit=65536)
        if not said:
            return None
        told = json.loads(said.decode())
        return str(told["title"]), urllib.parse.urljoin(to, str(told["address"]))
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
        raise Failed("catalogue", error) from None


def play(url: str) -> None:
    """The list (or file) at `url` leads to media whose first piece arrives whole, in time."""
    first = entry(url)
    for _ in range(LISTS_DEEP):
        if not first.lstrip().startswith(b"#EXTM3U"):
            break
        following, head, piece = first_piece(first.decode("utf-8", "replace"))
        if following is not None:
            url = urllib.parse.urljoin(url, following)
            first = entry(url)
            continue
        if piece is None:
            raise Failed("catalogue", "an empty play list")
        first = b"".join(media(urllib.parse.urljoin(url, one[0]), one[1]) for one in (head, piece) if one is not None)
        if not looks_like_media(first):
            raise Failed("video", f"no media: {first[:12]!r}")
        return
    if not looks_like_media(first):
        raise Failed("catalogue", f"neither a play list nor media: {first[:12]!r}")


def entry(url: str) -> bytes:
    """A play list, or the beginning of a file: what the catalogue promised."""
    try:
        return fetch(url)
    except urllib.error.HTTPError as error:
        raise Failed("edge" if error.code >= 500 else "catalogue", error) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Failed("edge", error) from None


def media(url: str, span: tuple[int, int] | None) -> bytes:
    """One piece of media, whole."""
    try:
        found = fetch(url, limit=span[1] if span else MOST_BYTES, offset=span[0] if span else 0)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Failed("video", error) from None
    if len(found) < (span[1] if span else LEAST_BYTES):
        raise Failed("video", f"{len(found)} bytes only")
    return found


def fetch(url: str, limit: int = FIRST_BYTES, offset: int = 0) -> bytes:
    """At most `limit` bytes of an address from `offset`; OSError when they take longer than PIECE_S or the answer breaks off."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={offset}-{offset + limit - 1}"})
    deadline, parts, size = time.monotonic() + PIECE_S, [], 0
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        if offset and answer.status == 200:
            answer.read(offset)  # a server that knows no ranges sends everything
        while size < limit:
            part = answer.read1(min(65536, limit - size))
            if not part:
                break
            parts.append(part)
            size += len(part)
            if time.monotonic() > deadline:
                raise OSError(f"too slow: {size} bytes in {PIECE_S} s")
        promised = int(answer.headers.get("Content-Length") or 0) - (offset if answer.status == 200 else 0)
    if size < min(promised, limit):
        raise OSError(f"broke off after {size} of {promised} bytes")
    return b"".join(parts)


def first_piece(text: str) -> tuple[str | None, _Piece | None, _Piece | None]:
    """Of a play list: (the first list it leads to), or (None, its head, its first piece); a piece is (address, (offset, length))."""
    leads = span = head = None
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("#EXT-X-STREAM-INF"):
            leads = True
        elif line.startswith("#EXT-X-MAP:"):
            told = dict(re.findall(r'([A-Z-]+)="([^"]*)"', line))
            head = (told.get("URI", ""), byte_range(told.get("BYTERANGE", "")))
        elif line.startswith("#EXT-X-BYTERANGE:"):
            span = byte_range(line.split(":", 1)[1])
        elif line and not line.startswith("#"):
            return (line, None, None) if leads else (None, head, (line, span))
    return None, None, None


def byte_range(text: str) -> tuple[int, int] | None:
    """(offset, length) of "length@offset"."""
    found = re.match(r"(\d+)(?:@(\d+))?$", text.strip())
    return (int(found.group(2) or 0), int(found.group(1))) if found else None


def looks_like_media(first: bytes) -> bool:
    """MP4, MPEG-TS (by two packets), Matroska, ADTS or MP3 by their first bytes."""
    if first[:1] == b"\x47":
        return first[188:189] == b"\x47"
    return first[4:8] in MP4_BOXES or first[:4] == b"\x1aE\xdf\xa3" or first[:2] in (b"\xff\xf1", b"\xff\xf9", b"\xff\xfb", b"ID")


def tested(options: argparse.Namespace) -> dict[str, object] | None:
    """The play test as a beat carries it; None when there is nothing to play."""
    found = check(options.to, options.play)
    if found is None:
        sys.stderr.write(f"{now_text()} nothing is released above: no play test\n")
        return None
    step, why, item = found
    if step:
        sys.stderr.write(f"{now_text()} play test failed at {step}: {why}\n")
    return {"ok": not step, "step": step, "item": (options.item or item)[-100:], "tested_at": now_text()}


def beat(options: argparse.Namespace, result: dict[str, object] | None = None, ago: float = 0.0) -> bool:
    """Make and send one beat, with the result of a play test made `ago` seconds before when there is one to tell."""
    message: dict[str, object] = {"site": options.site, "key": options.key, "sent_at": now_text(), "boot_at": boot_text()}
    if result is not None:
        message["play"] = dict(result, ago=round(ago, 1))
    taken, said = send(options.to, message)
    if not taken or options.verbose:
        sys.stderr.write(f"{now_text()} {said}\n")
    if options.witness:
        message.pop("play", None)
        heard, said = send(options.witness, message)
        if not heard or options.verbose:
            sys.stderr.write(f"{now_text()} witness: {said}\n")
    return taken


def run(options: argparse.Namespace) -> NoReturn:
    """For ever: a beat each period at this site's own second, a play test each day, sooner after one that failed."""
    time.sleep(sum(options.site.encode()) % options.period)
    test_at, tested_at, untold = 0.0, 0.0, None
    while True:
        begun = time.monotonic()
        if beat(
            options, untold, begun - tested_at
        ):  # first: a slow test is not to look like silence, an old result is told before a new one
            untold = None
        if not options.no_play and begun >= test_at:
            untold, tested_at = tested(options), time.monotonic()
            failed = untold is not None and not untold["ok"]
            test_at = begun + (min(AGAIN_S, options.play_every) if failed else options.play_every)
            if untold and beat(options, untold):
                untold = None
        time.sleep(max(1.0, options.period - (time.monotonic() - begun)))


def whole_keys(arguments: list[str]) -> list[str]:
    """The arguments with each key joined to its name: one key in 64 begins with a hyphen and would be taken for another option."""
    joined: list[str] = []
    for one in arguments:
        if joined and joined[-1] == "--key":
            joined[-1] = "--key=" + one
        else:
            joined.append(one)
    return joined


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", required=True, help="address of the edge or centre")
    parser.add_argument("--witness", help="address of the centre, where --to is an edge: told of every beat as well")
    parser.add_argument("--site", required=True, help="code of the site in the register")
    parser.add_argument("--key", default=os.environ.get("YUANJIAO_BEAT_KEY", ""), help="beat key; or YUANJIAO_BEAT_KEY")
    parser.add_argument("--period", type=int, default=PERIOD_S, help="seconds between beats")
    parser.add_argument("--play", help="address of a video or play list to try; else the newest programme above")
    parser.add_argument("--no-play", action="store_true", help="beat only, never test")
    parser.add_argument("--play-every", type=int, default=PLAY_EVERY_S, help="seconds between tries")
    parser.add_argument("--item", help="name of what is tried")
    parser.add_argument("--once", action="store_true", help="one test and one beat, then stop")
    parser.add_argument("--verbose", action="store_true", help="say every answer")
    options = parser.parse_args(whole_keys(sys.argv[1:] if arguments is None else arguments))
    socket.setdefaulttimeout(TIMEOUT_S)
    if options.once:
        return 0 if beat(options, None if options.no_play else tested(options)) else 1
    run(options)


if __name__ == "__main__":
    sys.exit(main())
