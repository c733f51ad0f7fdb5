"""The parent's side of several sources: which edges of the asker's county it is sent to, and who of them goes for a blob first.

1. A holder is an edge of the same county whose operator entered an address (settings.SHARE_URL), told with its signed questions. It is
   never guessed from where a message came from.
2. Which single blobs an edge holds is nobody's business and no fact. Invited are those who went for the blob here before, as far as this
   process remembers, then those that have taken up the newest catalogue whole. Who has not got it says so: that costs one question on a
   fast network.
3. Of a county one goes for a blob, if it can pass it on; the others are told to wait while it says every minute that it is at it, for
   an hour at most. What this memory forgets in a restart costs a film once more, nothing else.
"""

from __future__ import annotations

import ipaddress
import logging
import random
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from yuanjiao.flow.blobs.models import Holder
from yuanjiao.flow.blobs.ticket import LIFE_S, Ticket, signed
from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.models import Node, NodeKind
from yuanjiao.flow.wire.auth import micros

log = logging.getLogger(__name__)
MOST_BLOBS = 100
"""So many blobs one question may name."""
MOST_HOLDERS = 3
AT_IT_S, LONGEST_S = 180.0, 3600.0
"""How long after it last said so, and at most in all, an edge that goes for a blob is waited for."""
TOLD_FOR = timedelta(days=7)
"""An address that was not told for so long is not passed on; children tell theirs daily."""
TOLD_AGAIN = timedelta(hours=1)
LATELY = timedelta(days=2)
"""Who told an address so lately keeps it: another of the county that tells the same one is not believed."""
MOST_REMEMBERED = 100_000
ADDRESS = re.compile(r"https?://(?:(?P<name>[A-Za-z0-9.\-]{1,150})|\[(?P<six>[0-9a-fA-F:.]{2,45})\])(?::(?P<port>[0-9]{1,5}))?")
LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?")


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a child says: the digests it looks for, the one it would fetch from here now, and where siblings reach it ("": nowhere)."""

    blobs: list[str]
    fetching: str = ""
    address: str = ""


class Invited(msgspec.Struct, frozen=True):
    """One machine that may have the blob, and the ticket to show there."""

    address: str
    ticket: str


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """For each digest the machines to try, the likeliest first. `wait`: another goes for the one asked to be fetched.

    `alone`: nobody of the county shares, nor does the asker; not to be asked again soon.
    """

    sources: dict[str, list[Invited]] = {}
    wait: bool = False
    alone: bool = False


WholeVersions = Callable[[Collection[UUID]], Mapping[UUID, int]]
_whole_versions: WholeVersions = lambda _: {}  # noqa: E731


def prefer_by(whole_versions: WholeVersions) -> None:
    """Whoever hears what children tell says which catalogue each of these has taken up whole."""
    global _whole_versions
    _whole_versions = whole_versions


def is_address(text: str) -> bool:
    """Whether blobs may be asked for there: http or https, a host, perhaps a port, nothing else."""
    found = ADDRESS.fullmatch(text)
    if found is None or not 1 <= int(found["port"] or 80) <= 65_535:
        return False
    try:
        if found["six"]:
            ipaddress.IPv6Address(found["six"])
        elif found["name"].rpartition(".")[2].isdigit():  # no name ends in a number (RFC 3696)
            ipaddress.IPv4Address(found["name"])
    except ValueError:
        return False
    return found["six"] is not None or all(LABEL.fullmatch(label) for label in found["name"].split("."))


def county_of(scope: str) -> str:
    """The path of the county a scope lies in; "" above counties. By the national codes: six digits name it, four its city."""
    found = ""
    for code in scope.strip("/").split("/"):
        found += f"/{code}"
        if code[4:6].strip("0") and not code[6:].strip("0"):
            return found + "/"
    return ""


@dataclass
class _Going:
    """Who went for a blob: since when, and when it last said so, in seconds of a clock that is never set."""

    uid: UUID
    since: float
    said_at: float


class Goers:
    """Who of which county went for which blob here, as one process remembers it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._going: OrderedDict[tuple[str, str], list[_Going]] = OrderedDict()

    def before(self, county: str, blob: str) -> list[UUID]:
        """Those who went for it, the first one first: it is the likeliest to be done."""
        with self._lock:
            return [one.uid for one in self._going.get((county, blob), [])]

    def may_go(self, county: str, blob: str, asker: UUID, *, sharing: Collection[UUID], now_s: float) -> bool:
        """Whether the asker is to fetch it from here now, and not to wait for one of those that share. Who shares is then waited for."""
        with self._lock:
            going = self._going.setdefault((county, blob), [])
            self._going.move_to_end((county, blob))
            own = next((one for one in going if one.uid == asker), None)
            others = (one for one in going if one.uid != asker and one.uid in sharing)
            if own is None and any(now_s - one.said_at < AT_IT_S and now_s - one.since < LONGEST_S for one in others):
                return False
            if own is not None:
                own.said_at = now_s
            elif asker in sharing:
                going.append(_Going(asker, now_s, now_s))
            while len(self._going) > MOST_REMEMBERED:
                self._going.popitem(last=False)
            return True


GOERS = Goers()


def invite(asker: Node, ask: Ask, *, at: datetime, now_s: float, goers: Goers | None = None) -> Sources:
    """Answer one child. `now_s` counts on a clock that is never set; `goers`: who went before, in this process unless said otherwise."""
    goers = goers or GOERS
    county = county_of(asker.scope)
    if asker.kind != NodeKind.EDGE or not county:
        return Sources(alone=True)
    _note_address(asker, ask.address, county, at)
    sharing = _sharing(county, at)
    others = {uid: address for uid, address in sharing.items() if uid != asker.uid}
    if not others and asker.uid not in sharing:
        return Sources(alone=True)
    known = _in_order(others)
    sources = {blob: _invited(blob, asker, others, known, goers.before(county, blob), at) for blob in ask.blobs} if others else {}
    may_go = not ask.fetching or goers.may_go(county, ask.fetching, asker.uid, sharing=sharing, now_s=now_s)
    return Sources(sources=sources, wait=not may_go)


def _note_address(asker: Node, address: str, county: str, at: datetime) -> None:
    """What the child says of itself, written only when it is new or an hour old."""
    row = Holder.objects.filter(node=asker).first()
    if not is_address(address) or ((row is None or row.address != address) and _is_anothers(address, asker, county, at)):
        if row is not None:
            row.delete()
    elif row is None or row.address != address or abs(at - row.told_at) > TOLD_AGAIN:
        Holder.objects.update_or_create(node=asker, defaults={"address": address, "told_at": at})


def _is_anothers(address: str, asker: Node, county: str, at: datetime) -> bool:
    """Whether another believed edge of the county told it lately; who did not loses it, as a machine's old name does to its new one."""
    others = Holder.objects.filter(address=address, node__scope__startswith=county).exclude(node=asker)
    if others.filter(told_at__gt=at - LATELY, node__revoked_at=None).exists():
        log.info("%s tells the address of another edge: %s", asker.name, address)
        return True
    others.delete()
    return False


def _sharing(county: str, at: datetime) -> dict[UUID, str]:
    """The believed edges of this county that share, each address once: whose row is the oldest, should two have told it at once."""
    rows = Holder.objects.filter(
        node__kind=NodeKind.EDGE, node__revoked_at=None, node__is_self=False, node__scope__startswith=county, told_at__gt=at - TOLD_FOR
    )
    oldest = {address: uid for uid, address in rows.order_by("-pk").values_list("node__uid", "address")}
    return {uid: address for address, uid in oldest.items()}


def _in_order(others: Collection[UUID]) -> list[UUID]:
    """Those with the newest whole catalogue first, equals by chance."""
    versions = _whole_versions(others) if others else {}
    return sorted(others, key=lambda uid: (-versions.get(uid, 0), random.random()))


def _invited(
    blob: str, asker: Node, others: Mapping[UUID, str], known: Collection[UUID], went: Collection[UUID], at: datetime
) -> list[Invited]:
    likely = [uid for uid in went if uid in others]
    chosen = [*likely, *(uid for uid in known if uid not in likely)][:MOST_HOLDERS]
    expires_us = micros(at) + LIFE_S * 1_000_000
    return [Invited(others[uid], signed(Ticket(blob, asker.uid, uid, expires_us), keys.sign)) for uid in chosen]
