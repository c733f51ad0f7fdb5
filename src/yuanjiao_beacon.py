#!/usr/bin/env python3
"""Heartbeat of one site for a box or PC too small for the whole software. Standard library only; Python 3.7 or newer.

    python3 yuanjiao_beacon.py --to https://edge.example --site S-990101100200 --key KEY

Every minute it tells `/beat` that the site is alive. With `--play URL` it also tries, once a day, to fetch the beginning of a
video (an .m3u8 play list or a file) and tells how that went: the step that failed is `link` (the machine above cannot be
reached), `edge` (it answers with an error), `catalogue` (the item is not there, or not what it says) or `video` (its first
seconds do not come). A beat that cannot be sent is dropped: the machine above notices silence by itself.

Exit status of `--once`: 0 taken, 1 not taken.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import NoReturn

PERIOD_S = 60
PLAY_EVERY_S = 24 * 3600
FIRST_BYTES = 256 * 1024
TIMEOUT_S = 15


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


def send(to: str, message: dict[str, object]) -> tuple[bool, str]:
    """One beat; returns (taken, what the machine above said or why it could not be reached)."""
    request = urllib.request.Request(
        to.rstrip("/") + "/beat", data=json.dumps(message).encode(), headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            said = json.loads(answer.read(65536).decode())
    except urllib.error.HTTPError as error:
        return False, "{} {}".format(error.code, error.read(500).decode("utf-8", "replace"))
    except (OSError, ValueError) as error:
        return False, str(error)
    return said.get("accepted") == 1, json.dumps(said, ensure_ascii=False)


def fetch(url: str, limit: int = FIRST_BYTES) -> bytes:
    """The first bytes of an address."""
    request = urllib.request.Request(url, headers={"Range": f"bytes=0-{limit - 1}"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        return bytes(answer.read(limit))


def try_to_play(url: str) -> str:
    """The step that failed, empty when the first seconds came."""
    try:
        first = fetch(url)
    except urllib.error.HTTPError as error:
        return "catalogue" if error.code in (403, 404, 410) else "edge"
    except (OSError, ValueError):
        return "link"
    if not first.lstrip().startswith(b"#EXTM3U"):
        return "" if looks_like_media(first) else "catalogue"
    return play_list(url, first)


def play_list(url: str, text: bytes) -> str:
    """Follow a play list down to its first piece; at most three lists deep."""
    for _ in range(3):
        address = first_address(text)
        if address is None:
            return "catalogue"
        url = urllib.parse.urljoin(url, address)
        try:
            text = fetch(url)
        except (OSError, ValueError):
            return "video"
        if not text.lstrip().startswith(b"#EXTM3U"):
            return "" if len(text) > 1000 else "video"
    return "catalogue"


def first_address(text: bytes) -> str | None:
    """The first address a play list names, or None."""
    for line in text.decode("utf-8", "replace").splitlines():
        if line.strip() and not line.startswith("#"):
            return line.strip()
    return None


def looks_like_media(first: bytes) -> bool:
    """MP4, MPEG-TS, Matroska, ADTS or MP3 by their first bytes."""
    return first[4:8] in (b"ftyp", b"styp", b"moov") or first[:1] == b"\x47" or first[:4] == b"\x1aE\xdf\xa3" or first[:2] in (
        b"\xff\xf1", b"\xff\xf9", b"\xff\xfb", b"ID"
    )  # fmt: skip


def beat(options: argparse.Namespace, play_url: str | None = None) -> bool:
    """Make and send one beat, with a play test when `play_url` is given."""
    message: dict[str, object] = {"site": options.site, "key": options.key, "sent_at": now_text(), "boot_at": boot_text()}
    if play_url:
        step = try_to_play(play_url)
        message["play"] = {"ok": not step, "step": step, "item": options.item or play_url[-100:]}
    taken, said = send(options.to, message)
    if not taken or options.verbose:
        sys.stderr.write(f"{now_text()} {said}\n")
    return taken


def run(options: argparse.Namespace) -> NoReturn:
    """For ever: a beat each period at this site's own second, a play test each day."""
    time.sleep(sum(options.site.encode()) % options.period)
    played_at = 0.0
    while True:
        begun = time.time()
        due = options.play and begun - played_at >= options.play_every
        if beat(options, options.play if due else None) and due:
            played_at = begun
        time.sleep(max(1.0, options.period - (time.time() - begun)))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", required=True, help="address of the edge or centre")
    parser.add_argument("--site", required=True, help="code of the site in the register")
    parser.add_argument("--key", default=os.environ.get("YUANJIAO_BEAT_KEY", ""), help="beat key; or YUANJIAO_BEAT_KEY")
    parser.add_argument("--period", type=int, default=PERIOD_S, help="seconds between beats")
    parser.add_argument("--play", help="address of a video or play list to try")
    parser.add_argument("--play-every", type=int, default=PLAY_EVERY_S, help="seconds between tries")
    parser.add_argument("--item", help="name of what is tried")
    parser.add_argument("--once", action="store_true", help="one beat, then stop")
    parser.add_argument("--verbose", action="store_true", help="say every answer")
    options = parser.parse_args(arguments)
    socket.setdefaulttimeout(TIMEOUT_S)
    if options.once:
        return 0 if beat(options, options.play) else 1
    run(options)


if __name__ == "__main__":
    sys.exit(main())
