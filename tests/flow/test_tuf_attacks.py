"""The attacks of The Update Framework's specification (section "Goals"), each by its name, against our follower over the real doors.

What an attacker may have: the line, a stolen machine in the middle, some of the centre's keys. Extraneous dependencies do not apply:
documents name no other documents, and the blobs they name stand in the signed document itself. A mirror that prevents updates is the
indefinite freeze: what it can hold back without being noticed is bounded by the life of a timestamp.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest
import zstandard
from tuf.api.metadata import Metadata, Root, Snapshot, Timestamp

from tests.flow.notices import LOCAL, NOTICES
from tests.flow.publishing import Centre, plain, replaced
from yuanjiao.flow.blobs import store
from yuanjiao.flow.blobs.fetch import fetch_once
from yuanjiao.flow.catalogue import keys
from yuanjiao.flow.catalogue.follow import follow
from yuanjiao.flow.catalogue.repository import COMPACT, Repository
from yuanjiao.flow.catalogue.signing import signers
from yuanjiao.flow.models import CurrentCatalogue
from yuanjiao.flow.wire.client import Line
from yuanjiao.flow.wire.pace import WINDOW_S, PacedTransport
from yuanjiao.lib.errors import Tampered, Unavailable

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
FAR = 10**17
"""A version no honest centre reaches."""
COUNTY_DOCUMENT = "990000000000/990100000000/990101000000/local.json"
NOT_OURS = "不是由登记时信任的密钥"


def stand() -> tuple[object, ...]:
    """What people see and which catalogue is in force."""
    return (*NOTICES.shown(), *LOCAL.shown(), CurrentCatalogue.objects.values_list("timestamp_sha256", "version", "accepted_at").get())


def publish(centre: Centre, text: str, at: datetime) -> None:
    NOTICES.texts = (text,)
    centre.publish(at)


# Each attack gets the centre (two versions published, the second one followed) and a copy of the first; afterwards the second must stand.
Attack = Callable[[Centre, Path, datetime], None]


def spoil(part: str, change: Callable[[bytes], bytes]) -> Attack:
    """The third version, changed on its way."""

    def attack(centre: Centre, first: Path, at: datetime) -> None:
        publish(centre, "第三版", at)
        for path in (centre.public / ("targets" if "notices" in part else "metadata")).rglob(f"*{part}"):
            path.write_bytes(change(path.read_bytes()))

    return attack


def sign_with(**others: str) -> Attack:
    """The third version, a role signed by another role's key."""

    def attack(centre: Centre, first: Path, at: datetime) -> None:
        NOTICES.texts = ("第三版",)
        centre.publish_exactly(centre.contents(), at, **others)

    return attack


def roll_back(centre: Centre, first: Path, at: datetime) -> None:
    centre.bring_back(first)


def roll_back_the_snapshot(centre: Centre, first: Path, at: datetime) -> None:
    """A new timestamp, rightly signed by a stolen timestamp key, that names the first snapshot."""
    old = Metadata[Timestamp].from_bytes((first / "metadata" / "timestamp.json").read_bytes()).signed.snapshot_meta.version
    change_signed(centre, "timestamp", lambda signed: setattr(signed.snapshot_meta, "version", old))


def roll_back_the_targets(centre: Centre, first: Path, at: datetime) -> None:
    """The same by stolen timestamp and snapshot keys: a new snapshot that names the first list of documents."""
    timestamp = Metadata[Timestamp].from_bytes((first / "metadata" / "timestamp.json").read_bytes()).signed
    snapshot = (first / "metadata" / f"{timestamp.snapshot_meta.version}.snapshot.json").read_bytes()
    old = Metadata[Snapshot].from_bytes(snapshot).signed.meta["targets.json"].version
    new_snapshot(centre, lambda signed: setattr(signed.meta["targets.json"], "version", old))


def change_signed(centre: Centre, role: str, change: Callable[[Any], None], name: str = "") -> None:
    """A next version of what stands, changed and rightly signed: what a stolen online key can do."""
    path = centre.public / "metadata" / (name or f"{role}.json")
    metadata = Metadata.from_bytes(path.read_bytes())
    metadata.signed.version += 1
    change(metadata.signed)
    with centre.at_home():
        metadata.sign(signers()[role][0])
    path.write_bytes(metadata.to_bytes(COMPACT))


def new_snapshot(centre: Centre, change: Callable[[Snapshot], None]) -> None:
    folder = centre.public / "metadata"
    last = Metadata[Timestamp].from_bytes((folder / "timestamp.json").read_bytes()).signed.snapshot_meta.version
    metadata = Metadata[Snapshot].from_bytes((folder / f"{last}.snapshot.json").read_bytes())
    metadata.signed.version += 1
    change(metadata.signed)
    with centre.at_home():
        metadata.sign(signers()["snapshot"][0])
    (folder / f"{metadata.signed.version}.snapshot.json").write_bytes(metadata.to_bytes(COMPACT))
    change_signed(centre, "timestamp", lambda signed: setattr(signed.snapshot_meta, "version", metadata.signed.version))


def another_centre(centre: Centre, first: Path, at: datetime) -> None:
    shutil.rmtree(centre.home / "keys")
    shutil.rmtree(centre.public)
    publish(centre, "第三版", at)


def strangers_root(centre: Centre, first: Path, at: datetime) -> None:
    """A next root that the old keys did not sign."""
    another_centre(centre, first, at)
    content = centre.root.replace(b'"version":1', b'"version":2')
    (centre.public / "metadata" / "2.root.json").write_bytes(content)


def swap_documents(centre: Centre, first: Path, at: datetime) -> None:
    """Rightly signed, but the document of one county under the address of another."""
    contents = centre.contents()
    contents[COUNTY_DOCUMENT] = contents[COUNTY_DOCUMENT.replace("990101", "990102")]
    centre.publish_exactly(contents, at)


def mix(part: str) -> Attack:
    """The third version's timestamp with another file of the second, each rightly signed at its time."""

    def attack(centre: Centre, first: Path, at: datetime) -> None:
        folder = centre.public / ("metadata" if part != "notices.json" else "targets")
        second = newest(folder, part).read_bytes()
        publish(centre, "第三版", at)
        newest(folder, part).write_bytes(second)

    return attack


def newest(folder: Path, part: str) -> Path:
    return max(folder.rglob(f"*{part}"), key=lambda path: path.stat().st_mtime_ns)


def bomb(centre: Centre, first: Path, at: datetime) -> None:
    """A few bytes that unpack to a hundred million."""
    publish(centre, "第三版", at)
    packed = zstandard.ZstdCompressor().compress(bytes(100_000_000))
    centre.spoil["notices.json"] = lambda _: plain(200, packed, {"Content-Encoding": "zstd"})


def endless(part: str) -> Attack:
    def attack(centre: Centre, first: Path, at: datetime) -> None:
        publish(centre, "第三版", at)
        centre.spoil[part] = replaced(b"[" * 6_000_000)

    return attack


def newer_form(centre: Centre, first: Path, at: datetime) -> None:
    contents = centre.contents()
    contents["all/notices.json"] = contents["all/notices.json"].replace(b'"form":1', b'"form":3')
    centre.publish_exactly(contents, at)


def expire(role: str) -> Attack:
    """A third version whose signature of one role ran out before it was brought."""

    def attack(centre: Centre, first: Path, at: datetime) -> None:
        publish(centre, "第三版", at)
        past = (at - MINUTE).replace(microsecond=0)
        if role == "timestamp":
            change_signed(centre, role, lambda signed: setattr(signed, "expires", past))
        else:
            new_snapshot(centre, lambda signed: setattr(signed, "expires", past))

    return attack


ATTACKS: dict[str, tuple[Attack, str]] = {
    "arbitrary installation: a changed document": (
        spoil("notices.json", lambda content: content.replace("三".encode(), "四".encode())),
        "长度或摘要不符",
    ),
    "arbitrary installation: a shortened document": (spoil("notices.json", lambda content: content[:-1]), "长度或摘要不符"),
    "arbitrary installation: a lengthened document": (spoil("notices.json", lambda content: content + b" "), "超过签名允许的长度"),
    "arbitrary installation: an emptied document": (spoil("notices.json", lambda content: b""), "长度或摘要不符"),
    "arbitrary installation: a changed list of documents": (
        spoil("targets.json", lambda content: content.replace(b"notices", b"n0tices")),
        NOT_OURS,
    ),
    "arbitrary installation: a changed snapshot": (
        spoil("snapshot.json", lambda content: content.replace(b'"version":', b'"version":1')),
        NOT_OURS,
    ),
    "arbitrary installation: a changed timestamp": (spoil("timestamp.json", lambda content: content.replace(b"2026-", b"2036-")), NOT_OURS),
    "arbitrary installation: half a timestamp": (spoil("timestamp.json", lambda content: content[: len(content) // 2]), "无法读取"),
    "arbitrary installation: a timestamp that is none": (spoil("timestamp.json", lambda content: b"<html>"), "无法读取"),
    "rollback: an older catalogue": (roll_back, "版本倒退"),
    "rollback: a new timestamp that names an old snapshot": (roll_back_the_snapshot, "版本倒退"),
    "rollback: a new snapshot that names old documents": (roll_back_the_targets, "版本倒退"),
    "mix and match: an older snapshot": (mix("snapshot.json"), "版本倒退或错位"),
    "mix and match: an older list of documents": (mix("targets.json"), "版本倒退或错位"),
    "mix and match: an older document": (mix("notices.json"), "长度或摘要不符"),
    "wrong software: another county's document": (swap_documents, "与地址不符"),
    "wrong software: a document of a later form": (newer_form, "升级本机软件"),
    "wrong key: targets signed by the timestamp's": (sign_with(targets="timestamp"), NOT_OURS),
    "wrong key: snapshot signed by the targets'": (sign_with(snapshot="targets"), NOT_OURS),
    "wrong key: timestamp signed by the snapshot's": (sign_with(timestamp="snapshot"), NOT_OURS),
    "wrong key: another centre": (another_centre, NOT_OURS),
    "wrong key: a stranger's next root": (strangers_root, NOT_OURS),
    "expired: the timestamp": (expire("timestamp"), "过期"),
    "expired: the snapshot": (expire("snapshot"), "过期"),
    "endless data: a timestamp": (endless("timestamp.json"), "超过签名允许的长度"),
    "endless data: a root": (endless("2.root.json"), "超过签名允许的长度"),
    "endless data: a snapshot": (endless("snapshot.json"), "超过签名允许的长度"),
    "endless data: a list of documents": (endless("targets.json"), "超过签名允许的长度"),
    "endless data: a document": (endless("notices.json"), "超过签名允许的长度"),
    "endless data: a document that unpacks without end": (bomb, "超过签名允许的长度"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_named_and_leaves_the_old_catalogue_whole(centre: Centre, at: datetime, name: str) -> None:
    attack, reason = ATTACKS[name]
    first = centre.keep()
    publish(centre, "第二版", at + MINUTE)
    follow(at + MINUTE, line=centre.line)
    before = stand()
    attack(centre, first, at + 2 * MINUTE)
    with pytest.raises(Tampered, match=reason):
        follow(at + 3 * MINUTE, line=centre.line)
    assert stand() == before
    assert CurrentCatalogue.objects.get().problem


def test_an_indefinite_freeze_is_noticed_when_the_timestamp_runs_out(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    frozen = centre.keep()
    publish(centre, "第二版", at + timedelta(days=1))
    centre.bring_back(frozen)
    assert not follow(at + timedelta(days=6), line=centre.line), "so long nobody can tell it from a centre with nothing new"
    with pytest.raises(Tampered, match="过期"):
        follow(at + timedelta(days=8), line=centre.line)
    assert NOTICES.shown() == ["开学了"]


def drive_forward(centre: Centre, at: datetime) -> None:
    """Who stole the timestamp's and the snapshot's keys drives every version they tell as far up as the doors carry it."""
    publish(centre, "第二版", at)
    new_snapshot(centre, lambda signed: setattr(signed, "version", FAR))
    change_signed(centre, "timestamp", lambda signed: setattr(signed, "version", FAR))


def test_after_a_fast_forward_new_keys_bring_followers_back(centre: Centre, at: datetime) -> None:
    follow(at, line=centre.line)
    honest = centre.keep()
    drive_forward(centre, at + MINUTE)
    follow(at + MINUTE, line=centre.line)
    assert CurrentCatalogue.objects.get().version == FAR
    centre.bring_back(honest)
    publish(centre, "真的", at + 2 * MINUTE)
    with pytest.raises(Tampered, match="版本倒退"):
        follow(at + 2 * MINUTE, line=centre.line)

    with centre.at_home():
        keys.rotate_keys("timestamp", reason="被盗", at=at + 3 * MINUTE)
        keys.rotate_keys("snapshot", reason="被盗", at=at + 4 * MINUTE)
    assert follow(at + 5 * MINUTE, line=centre.line)
    assert NOTICES.shown() == ["真的"]
    assert CurrentCatalogue.objects.get().version < FAR


def test_after_a_fast_forward_on_the_centre_itself_versions_go_on_from_the_clock(centre: Centre, at: datetime) -> None:
    drive_forward(centre, at + MINUTE)
    follow(at + MINUTE, line=centre.line)
    with centre.at_home():
        keys.rotate_keys("timestamp", reason="被盗", at=at + 2 * MINUTE)
        keys.rotate_keys("snapshot", reason="被盗", at=at + 3 * MINUTE)
    publish(centre, "真的", at + 4 * MINUTE)
    assert follow(at + 4 * MINUTE, line=centre.line)
    assert NOTICES.shown() == ["真的"]
    assert CurrentCatalogue.objects.get().version == int((at + 4 * MINUTE).timestamp())
    timestamp = Metadata[Timestamp].from_bytes((centre.public / "metadata" / "timestamp.json").read_bytes()).signed
    assert timestamp.snapshot_meta.version == int((at + 4 * MINUTE).timestamp())


class TestKeyCompromise:
    """What stolen keys can do, and what they cannot."""

    def test_one_key_of_two_signs_nothing(self, centre: Centre, at: datetime) -> None:
        with centre.at_home():
            keys.rotate_keys("targets", count=3, threshold=2, reason="两人", at=at)
            whole = signers()
        follow(at + MINUTE, line=centre.line)
        NOTICES.texts = ("贼的话",)
        with centre.at_home():
            stolen = {**whole, "targets": whole["targets"][:1]}
            monkey = Repository(centre.public, stolen)
            monkey._require_keys = lambda trust: None  # type: ignore[method-assign]  # a thief asks nobody
            monkey.publish(centre.contents(), at=at + 2 * MINUTE)
        with pytest.raises(Tampered, match=NOT_OURS):
            follow(at + 2 * MINUTE, line=centre.line)
        assert NOTICES.shown() == ["开学了"]
        centre.publish(at + 3 * MINUTE)
        assert follow(at + 3 * MINUTE, line=centre.line), "two of three sign"

    def test_one_key_signing_twice_is_still_one(self, centre: Centre, at: datetime) -> None:
        with centre.at_home():
            keys.rotate_keys("timestamp", count=2, threshold=2, reason="两人", at=at)
        follow(at + MINUTE, line=centre.line)
        path = centre.public / "metadata" / "timestamp.json"
        forged = Metadata[Timestamp].from_bytes(path.read_bytes())
        forged.signed.version += 1
        with centre.at_home():
            one, other = signers()["timestamp"]
        signature = forged.sign(one)
        forged.signatures[other.public_key.keyid] = type(signature)(other.public_key.keyid, signature.signature)
        path.write_bytes(forged.to_bytes(COMPACT))
        with pytest.raises(Tampered, match=NOT_OURS):
            follow(at + 2 * MINUTE, line=centre.line)

    def test_all_online_keys_together_make_no_root(self, centre: Centre, at: datetime, tmp_path: Path) -> None:
        with centre.at_home():
            keys.take_root_offline([(tmp_path / "root.pem", "离线保管的根密钥的口令")], threshold=1, reason="离线", at=at)
        follow(at + MINUTE, line=centre.line)
        forged = Metadata[Root].from_bytes(centre.root)
        forged.signed.version += 1
        forged.signatures.clear()
        with centre.at_home():
            for kept in signers().values():
                for signer in kept:
                    forged.signed.add_key(signer.public_key, "root")
                    forged.sign(signer, append=True)
        (centre.public / "metadata" / f"{forged.signed.version}.root.json").write_bytes(forged.to_bytes(COMPACT))
        publish(centre, "贼的话", at + 2 * MINUTE)
        (centre.public / "metadata" / f"{forged.signed.version}.root.json").write_bytes(forged.to_bytes(COMPACT))
        with pytest.raises(Tampered, match=NOT_OURS):
            follow(at + 2 * MINUTE, line=centre.line)
        assert NOTICES.shown() == ["开学了"]


class Trickle(httpcore.NetworkBackend):
    """A network to the centre on which a clock runs: `portion` bytes at a time, each after `pause_s`; and now and then a longer pause."""

    def __init__(self, centre: Centre, *, portion: int, pause_s: float, rest_s: float = 0.0, rest_every: int = 0) -> None:
        self.centre, self.portion, self.pause_s = centre, portion, pause_s
        self.rest_s, self.rest_every = rest_s, rest_every
        self.now_s = 0.0

    def connect_tcp(self, *args: object, **options: object) -> httpcore.NetworkStream:
        return Dribble(self)

    def line(self, least_rate: float = 256) -> Line:
        return Line("http://parent.test", transport=PacedTransport(least_rate, network=self, clock=lambda: self.now_s))


class Dribble(httpcore.NetworkStream):
    """One connection of it."""

    def __init__(self, network: Trickle) -> None:
        self.network, self.asked, self.answer, self.reads = network, b"", b"", 0

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.asked += buffer
        head, end, _ = self.asked.partition(b"\r\n\r\n")
        if end:
            first, *labels = head.decode().split("\r\n")
            method, path, _ = first.split(" ")
            headers = dict(label.split(": ", 1) for label in labels)
            found = self.network.centre.handle_request(httpx.Request(method, f"http://parent.test{path}", headers=headers))
            content = found.extensions["content"]
            told = {**dict(found.headers), "content-length": str(len(content))}
            lines = [f"HTTP/1.1 {found.status_code} OK", *(f"{name}: {value}" for name, value in told.items())]
            self.answer, self.asked = "\r\n".join(lines).encode() + b"\r\n\r\n" + content, b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        network, self.reads = self.network, self.reads + 1
        waits = network.pause_s
        if network.rest_every and self.reads % network.rest_every == 0:
            waits = network.rest_s
        network.now_s += waits
        assert timeout is None or waits < timeout, "else the time limit of a single read would have ended it"
        size = min(network.portion, max_bytes)
        piece, self.answer = self.answer[:size], self.answer[size:]
        return piece

    def close(self) -> None:
        pass

    def get_extra_info(self, info: str) -> object:
        return False if info == "is_readable" else None


class TestSlowRetrieval:
    """An answer that comes, but never ends."""

    @pytest.mark.parametrize("least_rate", [256, 1])
    def test_a_byte_each_29_seconds_is_given_up_after_two_minutes(self, centre: Centre, at: datetime, least_rate: float) -> None:
        publish(centre, "第二版", at)
        slow = Trickle(centre, portion=1, pause_s=29)
        with pytest.raises(Unavailable, match="太慢"):
            follow(at, line=slow.line(least_rate))
        assert slow.now_s < WINDOW_S + 30
        assert not NOTICES.shown()

    def test_a_film_that_trickles_is_given_up_and_what_came_is_kept(self, centre: Centre, at: datetime) -> None:
        film = centre.put_blob(bytes(range(256)) * 4000)
        slow = Trickle(centre, portion=2000, pause_s=20)
        with pytest.raises(Unavailable, match="太慢"):
            fetch_once(film, slow.line())
        assert slow.now_s < WINDOW_S + 30
        slow.portion, slow.pause_s = 65_536, 1
        fetch_once(film, slow.line())
        assert hashlib.sha256(store.path(film.sha256).read_bytes()).hexdigest() == film.sha256

    def test_an_honest_village_line_with_long_pauses_is_not(self, centre: Centre, at: datetime) -> None:
        """32 kbit/s that rests for 29 s after each 20 s: ten minutes for one film, without a break."""
        film = centre.put_blob(bytes(range(256)) * 4000)
        NOTICES.blobs = (film,)
        publish(centre, "第二版", at)
        village = Trickle(centre, portion=4000, pause_s=1, rest_s=29, rest_every=21)
        line = village.line()
        assert follow(at, line=line)
        if not store.has(film.sha256):
            fetch_once(film, line)
        assert NOTICES.shown() == ["第二版"]
        assert store.has(film.sha256)
        assert village.now_s > 4 * WINDOW_S

    def test_a_line_that_is_not_slow_but_throttled_by_ourselves_is_not(self, centre: Centre) -> None:
        """What the byte budget makes us sleep is no waiting for the parent."""
        film = centre.put_blob(bytes(range(256)) * 1000)
        quick = Trickle(centre, portion=1000, pause_s=0.01)
        line = quick.line()
        with line.stream(f"/blobs/{film.sha256}") as response:
            size = 0
            for piece in line.pieces(response):
                size += len(piece)
                quick.now_s += 60
        assert size == film.size
