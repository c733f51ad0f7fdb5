"""Beats made into numbers of the live array. The moment of receipt decides; a device's time only measures its clock."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuanjiao.lib.errors import Conflict, Forbidden
from yuanjiao.network.inputs.messages import EdgeBeat, SiteBeat, iso, parse_time
from yuanjiao.network.live import Listener, LiveArray, Word
from yuanjiao.network.live.loading import place_of as places_of_ids
from yuanjiao.network.rules.batch import NOT_HEARD, Compact, roster_digest

SET_BACK_S = 2.0


class Heard(msgspec.Struct):
    """The answer: when by our clock, how many beats were taken, which codes the register does not have (or not below this node).

    `roster` is the digest under which the node may tell the ages of its roster from now on; empty when it sent none.
    `seals`: this machine takes sealed batches (flow/wire/sealing.py).
    """

    server_at: str
    accepted: int
    unknown: list[str]
    roster: str = ""
    seals: bool = True


class RosterUnknown(Conflict):
    """The batch refers to a roster that is not known here (any more): send the long form again. HTTP 409."""


@dataclass
class Roster:
    """A list of codes as one node told it, as keys of the register; `places` are those of `array`, -1 for a code it does not have."""

    digest: bytes
    ids: NDArray[np.int64]
    array: LiveArray
    places: NDArray[np.int64]
    complete: bool = True
    """Whether all of them have a place."""

    def places_in(self, array: LiveArray, own: int) -> NDArray[np.int64]:
        """The places after the array may have been replaced; what no longer hangs below `own` has none."""
        if array is not self.array:
            places = places_of_ids(array.ids, self.ids)
            places[~array.tree.is_below(places, own)] = -1
            self.array, self.places, self.complete = array, places, bool((places >= 0).all())
        return self.places


@dataclass(frozen=True)
class Said:
    """What a node says of itself, in either form; times by its own clock, seconds since 1970 UTC, 0 for not told.

    `sent` and the others are by the same clock though it be set meanwhile: their distance from it is what counts.
    """

    node: UUID
    sent: float
    boot: float
    through: float
    seq: int


def hear_site(listener: Listener, beat: SiteBeat, at: float) -> bool:
    """Take one site's beat at `at`; False for a code the register does not have. Forbidden for a wrong key."""
    place = place_of(listener, beat, at)
    if place is None:
        return False
    hear_place(listener, beat, place, at)
    return True


def moment_of_receipt(listener: Listener, at: float) -> float:
    """A receipt before our last sweep: the clock was set back since, and the next sweep will move what was heard. Until then the beat
    stands at that sweep: it must not look like an old one and be lost."""
    return listener.swept_at if at < listener.swept_at - SET_BACK_S else at


def place_of(listener: Listener, beat: SiteBeat, at: float) -> int | None:
    """The place of the site that proved itself by its key, None for a code the register does not have; Forbidden for a wrong key."""
    array = listener.array
    place = array.places.get(beat.site)
    if place is None or not (key := array.keys[place]):
        listener.stranger_at = at
        return None
    if not hmac.compare_digest(key, beat.key.encode()):
        raise Forbidden("心跳密钥不对")
    return place


def hear_place(listener: Listener, beat: SiteBeat, place: int, at: float) -> None:
    """Put down a site's own beat. Where an edge speaks for the site, it judges; here the beat only bears witness that the box lives."""
    seen, at = listener.array, moment_of_receipt(listener, at)
    with listener.lock:
        array = listener.array
        if array is not seen:  # replaced since the place was looked up
            place = array.places.get(beat.site, -1)
            if place < 0:
                return
        if listener.ours(place):
            array.hear(place, at)
        else:
            array.witness[place] = at
        if beat.sent_at and (sent := parse_time(beat.sent_at)):
            array.offset[place] = at - sent


def hear_edge(listener: Listener, subject: str, beat: EdgeBeat, at: float, offset_s: float) -> Heard:
    """Take the beat of the node that is `subject` in the register, and of the sites below it that it heard.

    `offset_s` is our clock minus the node's. Codes that are not below the node are answered as unknown.
    """
    said = Said(beat.node, parse_time(beat.sent_at), parse_time(beat.boot_at), parse_time(beat.observed_through), beat.journal_seq)
    with listener.lock:
        own = _hear_node(listener, subject, said, at, offset_s)
        if own is None:
            return Heard(iso(at), 0, [subject])
        unknown = _hear_batch(listener, own, beat, at)
        digest = _keep_roster(listener, own, beat) if beat.roster else b""
        if unknown:
            listener.stranger_at = at
    return Heard(iso(at), len(beat.beats) - len(unknown) + 1, unknown, digest.hex())


def hear_compact(listener: Listener, subject: str, batch: Compact, at: float, offset_s: float) -> Heard:
    """The same for a batch of the compact form. RosterUnknown when its roster is not the one kept here."""
    with listener.lock:
        roster, array = listener.rosters.get(batch.node), listener.array
        if not isinstance(roster, Roster) or roster.digest != batch.roster or len(roster.ids) != len(batch.tenths):
            raise RosterUnknown("没有记下这份名册：请改报完整心跳")
        said = Said(batch.node, batch.sent_us / 1e6, batch.boot_us / 1e6, batch.through_us / 1e6, batch.seq)
        own = _hear_node(listener, subject, said, at, offset_s)
        if own is None:
            return Heard(iso(at), 0, [subject])
        places, tenths = roster.places_in(array, own), batch.tenths
        told = tenths != NOT_HEARD
        if not (roster.complete and told.all()):
            told &= places >= 0
            places, tenths = places[told], tenths[told]
        array.hear_many(places, at - tenths / 10.0)
    return Heard(iso(at), len(places) + 1, [], batch.roster.hex())


def _hear_node(listener: Listener, subject: str, said: Said, at: float, offset_s: float) -> int | None:
    """The node's own beat and its word about itself; its place, or None when the register does not have it."""
    array = listener.array
    own = array.places.get(subject)
    if own is None:
        listener.stranger_at = at
        return None
    if said.node not in listener.spoken:
        listener.spoken.add(said.node)
        listener.stranger_at = at  # the register is read again soon, now that this edge runs a node
        array.leave_to(own)
    array.hear(own, moment_of_receipt(listener, at))
    array.offset[own] = offset_s
    if said.through:
        ahead = at - said.sent if said.sent else offset_s
        listener.words[said.node] = Word(
            code=subject,
            through=min(said.through + min(ahead, offset_s), at),
            seq=said.seq,
            boot_at=said.boot and said.boot + ahead,
            offset_s=offset_s,
        )
    return own


def _hear_batch(listener: Listener, own: int, beat: EdgeBeat, at: float) -> list[str]:
    """Take what hangs below the node; the codes of what does not."""
    if not beat.beats:
        return []
    codes, agos = zip(*beat.beats, strict=True)
    places = _places_told(listener, own, beat.node, codes)
    moments = at - np.maximum(np.array(agos, np.float64), 0.0)
    known = places >= 0
    if known.all():
        listener.array.hear_many(places, moments)
        return []
    listener.array.hear_many(places[known], moments[known])
    return [codes[number] for number in np.flatnonzero(~known)]


def _places_told(listener: Listener, own: int, node: UUID, codes: tuple[str, ...]) -> NDArray[np.int64]:
    """The places of what a node's long form tells. It mostly tells of the same, and to look up each code costs more than all the rest:
    the last list that was known to its end is remembered."""
    array, digest, kept = listener.array, roster_digest(codes), listener.lists.get(node)
    if isinstance(kept, Roster) and kept.digest == digest:
        return kept.places_in(array, own)
    places = _below(array, own, codes)
    if (places >= 0).all():
        listener.lists[node] = Roster(digest, array.ids[places], array, places)
    return places


def _below(array: LiveArray, own: int, codes: tuple[str, ...] | list[str]) -> NDArray[np.int64]:
    """The places of codes, -1 for what does not hang below `own`."""
    get = array.places.get
    places = np.array([get(code, -1) for code in codes], np.int64)
    places[~array.tree.is_below(places, own)] = -1
    return places


def _keep_roster(listener: Listener, own: int, beat: EdgeBeat) -> bytes:
    array = listener.array
    places, digest = _below(array, own, beat.roster), roster_digest(beat.roster)
    if (places < 0).any():
        return b""  # one day the register may have those as well: until then the long form
    listener.rosters[beat.node] = Roster(digest, array.ids[places], array, places)
    listener.lists.pop(beat.node, None)
    return digest
