"""Changing the keys of the catalogue while machines follow it: those that see every step, and those that were away for all of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.management import call_command
from django.core.management.base import CommandError
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root, Timestamp

from tests.flow.notices import NOTICES
from tests.flow.publishing import Centre
from yuanjiao.flow.catalogue import keys
from yuanjiao.flow.catalogue.follow import follow
from yuanjiao.flow.catalogue.repository import COMPACT, UNDER_ROOT, Repository
from yuanjiao.flow.catalogue.signing import held_keys, make_key, newest_root, roots_folder, signers, unlock
from yuanjiao.flow.catalogue.trust import pin_root, trusted_folder
from yuanjiao.flow.models import CurrentCatalogue, Node
from yuanjiao.lib.errors import NotFound, Refused, Tampered

pytestmark = pytest.mark.django_db
WORDS = "三个人各管一把钥匙，不许代管"
WHY = "例行更换"


class Ceremonies:
    """The centre's keeper of keys, with a drawer for what is kept off line. Each step is taken a minute after the one before."""

    def __init__(self, centre: Centre, drawer: Path, at: datetime) -> None:
        self.centre, self.drawer, self.at = centre, drawer, at
        drawer.mkdir()

    def files(self, *names: str) -> list[tuple[Path, str]]:
        return [(self.drawer / f"{name}.pem", WORDS) for name in names]

    def opened(self, *names: str) -> list[CryptoSigner]:
        return [unlock(path, words) for path, words in self.files(*names)]

    def name_of(self, role: str) -> str:
        """The name of a role's first key."""
        with self.centre.at_home():
            return next(found for found in keys.root_state().roles if found.role == role).keyids[0]

    def do(self, step: Callable[[], object]) -> None:
        self.at += timedelta(minutes=1)
        with self.centre.at_home():
            step()

    def rotate(self, role: str, *, count: int = 1, threshold: int = 1, by: Sequence[str] = ()) -> None:
        self.do(lambda: keys.rotate_keys(role, count=count, threshold=threshold, root_keys=self.opened(*by), reason=WHY, at=self.at))

    def revoke(self, name: str, *, by: Sequence[str] = ()) -> None:
        self.do(lambda: keys.revoke_key(name, root_keys=self.opened(*by), reason=WHY, at=self.at))

    def offline(self, *names: str, threshold: int, by: Sequence[str] = ()) -> None:
        self.do(lambda: keys.take_root_offline(self.files(*names), threshold=threshold, root_keys=self.opened(*by), reason=WHY, at=self.at))

    def renew(self, *by: str) -> None:
        self.do(lambda: keys.renew_root(root_keys=self.opened(*by), at=self.at))


@pytest.fixture
def keeper(centre: Centre, tmp_path: Path, at: datetime) -> Ceremonies:
    return Ceremonies(centre, tmp_path / "drawer", at)


Step = Callable[[Ceremonies], None]
STEPS: dict[str, Step] = {
    "another timestamp key": lambda keeper: keeper.rotate("timestamp"),
    "two of three keys for targets": lambda keeper: keeper.rotate("targets", count=3, threshold=2),
    "the root off line, two of three": lambda keeper: keeper.offline("甲", "乙", "丙", threshold=2),
    "another snapshot key, by two root keys": lambda keeper: keeper.rotate("snapshot", by=("甲", "丙")),
    "one targets key revoked": lambda keeper: keeper.revoke(keeper.name_of("targets"), by=("乙", "丙")),
    "the timestamp key revoked": lambda keeper: keeper.revoke(keeper.name_of("timestamp")[:8], by=("乙", "甲")),
    "a root key revoked by the other two": lambda keeper: keeper.revoke(keeper.name_of("root"), by=("乙", "丙")),
    "the root renewed": lambda keeper: keeper.renew("乙", "丙"),
    "all root keys anew, one of two": lambda keeper: keeper.offline("丁", "戊", threshold=1, by=("乙", "丙")),
    "one targets key again": lambda keeper: keeper.rotate("targets", by=("戊",)),
    "the root on the machine again": lambda keeper: keeper.rotate("root", by=("丁",)),
}


def trusted_root() -> Root:
    """What the follower of these tests trusts now."""
    return Metadata[Root].from_bytes((trusted_folder() / "root.json").read_bytes()).signed


def test_a_follower_lives_through_every_step_and_knows_each_root_at_once(centre: Centre, keeper: Ceremonies) -> None:
    assert follow(keeper.at, line=centre.line)
    for version, (name, step) in enumerate(STEPS.items(), 2):
        step(keeper)
        follow(keeper.at, line=centre.line)
        assert trusted_root().version == version, name
        NOTICES.texts = (name,)
        centre.publish(keeper.at + timedelta(seconds=10))
        assert follow(keeper.at + timedelta(seconds=10), line=centre.line)
        assert NOTICES.shown() == [name]
    assert CurrentCatalogue.objects.get().problem == ""


def test_a_follower_that_was_away_for_all_of_it_walks_from_root_to_root(centre: Centre, keeper: Ceremonies) -> None:
    follow(keeper.at, line=centre.line)
    for step in STEPS.values():
        step(keeper)
    NOTICES.texts = ("回来了",)
    centre.publish(keeper.at + timedelta(days=90))
    assert follow(keeper.at + timedelta(days=90), line=centre.line)
    assert NOTICES.shown() == ["回来了"]
    assert trusted_root().version == 1 + len(STEPS)


def test_a_machine_that_enrols_afterwards_begins_with_the_newest_root(centre: Centre, keeper: Ceremonies) -> None:
    for step in list(STEPS.values())[:5]:
        step(keeper)
    pin_root(centre.root)
    assert follow(keeper.at, line=centre.line)
    centre.requests.clear()
    STEPS["the timestamp key revoked"](keeper)
    follow(keeper.at, line=centre.line)
    assert trusted_root().version == 7
    assert "/catalogue/metadata/2.root.json" not in centre.requests


def test_a_root_signed_by_too_few_keys_is_refused_by_who_makes_it_and_by_who_follows(centre: Centre, keeper: Ceremonies) -> None:
    keeper.offline("甲", "乙", "丙", threshold=2)
    follow(keeper.at, line=centre.line)
    with centre.at_home():
        before = {path: path.read_bytes() for path in centre.home.rglob("*") if path.is_file() and path.suffix in {".json", ".pem"}}
        with pytest.raises(Refused, match="还差 1 把"):
            keys.rotate_keys("targets", root_keys=keeper.opened("乙"), reason=WHY, at=keeper.at)
        assert {path: path.read_bytes() for path in before} == before
        assert set(before) == {path for path in centre.home.rglob("*") if path.is_file() and path.suffix in {".json", ".pem"}}

        forged = Metadata[Root].from_bytes(centre.root)
        forged.signed.version += 1
        forged.signed.roles["root"].threshold = 1
        forged.sign(keeper.opened("乙")[0])
        (centre.public / "metadata" / f"{forged.signed.version}.root.json").write_bytes(forged.to_bytes(COMPACT))
    NOTICES.texts = ("不该出现",)
    centre.publish_exactly(centre.contents(), keeper.at + timedelta(minutes=1))
    with pytest.raises(Tampered, match="不是由登记时信任的密钥"):
        follow(keeper.at + timedelta(minutes=1), line=centre.line)
    assert NOTICES.shown() == ["开学了"]


def test_what_a_revoked_key_signs_counts_for_nothing(centre: Centre, keeper: Ceremonies) -> None:
    follow(keeper.at, line=centre.line)
    with centre.at_home():
        stolen = signers()
    keeper.revoke(keeper.name_of("timestamp"))
    keeper.revoke(keeper.name_of("targets"))
    follow(keeper.at, line=centre.line)
    with centre.at_home():
        present = signers()
        NOTICES.texts = ("贼的话",)
        thief = {**present, "timestamp": stolen["timestamp"], "targets": stolen["targets"]}
        Repository(centre.public, thief).publish(centre.contents(), at=keeper.at + timedelta(minutes=5))
    with pytest.raises(Tampered, match="不是由登记时信任的密钥"):
        follow(keeper.at + timedelta(minutes=5), line=centre.line)
    assert NOTICES.shown() == ["开学了"]
    centre.publish(keeper.at + timedelta(minutes=6))
    NOTICES.texts = ("真的",)
    centre.publish(keeper.at + timedelta(minutes=7))
    assert follow(keeper.at + timedelta(minutes=7), line=centre.line), "the centre signs anew what its own keys did not sign"
    assert NOTICES.shown() == ["真的"]


def test_with_the_root_off_line_the_catalogue_goes_on_for_years(centre: Centre, keeper: Ceremonies) -> None:
    keeper.offline("甲", threshold=1)
    with centre.at_home():
        root = newest_root()
        assert root is not None
        assert not held_keys().keys() & set(root.roles["root"].keyids)
        assert len(held_keys()) == 3
    for days in range(0, 9 * 365, 150):
        NOTICES.texts = (f"第 {days} 天",)
        centre.publish(keeper.at + timedelta(days=days))
        assert follow(keeper.at + timedelta(days=days), line=centre.line)
    assert trusted_root().version == 2


def test_a_key_file_opens_with_its_passphrase_alone_and_is_never_written_over(centre: Centre, keeper: Ceremonies) -> None:
    keeper.offline("甲", threshold=1)
    (path, _) = keeper.files("甲")[0]
    content = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(TypeError):
        load_pem_private_key(content, password=None)
    with pytest.raises(Refused, match="打不开"):
        unlock(path, WORDS + "x")
    with pytest.raises(Refused, match="已经存在"):
        keeper.offline("乙", "甲", threshold=1, by=("甲",))
    assert path.read_bytes() == content
    assert not (keeper.drawer / "乙.pem").exists(), "what came of nothing is not left lying about"
    with pytest.raises(Refused, match="至少"), centre.at_home():
        keys.take_root_offline([(keeper.drawer / "短.pem", "短")], threshold=1, reason=WHY, at=keeper.at)


REFUSED: dict[str, tuple[Step, str]] = {
    "a root file named twice": (lambda keeper: keeper.offline("甲", "甲", threshold=1), "自己的文件"),
    "a threshold nobody can reach": (lambda keeper: keeper.rotate("targets", count=2, threshold=3), "把数"),
    "no keys at all": (lambda keeper: keeper.rotate("targets", count=0, threshold=0), "把数"),
    "the last root key revoked": (lambda keeper: keeper.revoke(keeper.name_of("root")), "rotate root"),
    "a name too short to be one": (lambda keeper: keeper.revoke(keeper.name_of("targets")[:5]), "至少写 6 位"),
    "a key nobody has": (lambda keeper: keeper.revoke("ffffffffffff"), "没有"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_change_that_cannot_be_leaves_keys_and_catalogue_as_they_were(centre: Centre, keeper: Ceremonies, name: str) -> None:
    step, reason = REFUSED[name]
    before = {path: path.read_bytes() for path in centre.home.rglob("*") if path.is_file()}
    with pytest.raises(Refused, match=reason):
        step(keeper)
    assert {path: path.read_bytes() for path in before} == before
    assert not list(keeper.drawer.iterdir())


def test_a_home_of_before_with_one_key_a_role_goes_on_as_it_is(centre: Centre, keeper: Ceremonies) -> None:
    follow(keeper.at, line=centre.line)
    with centre.at_home():
        shutil.rmtree(roots_folder())
        old = Metadata[Timestamp].from_bytes((centre.public / "metadata" / "timestamp.json").read_bytes())
        del old.signed.unrecognized_fields[UNDER_ROOT]
        old.sign(signers()["timestamp"][0])
        (centre.public / "metadata" / "timestamp.json").write_bytes(old.to_bytes(COMPACT))
        names = set(held_keys())
    root = centre.root
    assert centre.publish(keeper.at + timedelta(minutes=1)) is not None, "the timestamp says from now on under which root it is"
    assert centre.publish(keeper.at + timedelta(minutes=2)) is None
    assert centre.root == root
    with centre.at_home():
        assert set(held_keys()) == names
    NOTICES.texts = ("照旧",)
    centre.publish(keeper.at + timedelta(minutes=3))
    assert follow(keeper.at + timedelta(minutes=3), line=centre.line)
    assert NOTICES.shown() == ["照旧"]


def test_a_centre_that_lost_its_catalogue_but_not_its_keys_still_has_every_root(centre: Centre, keeper: Ceremonies) -> None:
    follow(keeper.at, line=centre.line)
    keeper.offline("甲", threshold=1)
    keeper.rotate("targets", by=("甲",))
    shutil.rmtree(centre.public)
    NOTICES.texts = ("从头再来",)
    centre.publish(keeper.at + timedelta(hours=1))
    assert follow(keeper.at + timedelta(hours=1), line=centre.line)
    assert NOTICES.shown() == ["从头再来"]
    assert trusted_root().version == 3


@pytest.mark.parametrize("lost", ["timestamp.json", "root.json"])
def test_a_change_that_broke_off_in_the_middle_is_finished_by_the_next_turn(centre: Centre, keeper: Ceremonies, lost: str) -> None:
    """The root is in its place, the timestamp (or the newest root's other name) is still the one before."""
    follow(keeper.at, line=centre.line)
    path = centre.public / "metadata" / lost
    before = path.read_bytes()
    keeper.rotate("timestamp")
    path.write_bytes(before)
    NOTICES.texts = ("接着来",)
    centre.publish(keeper.at + timedelta(minutes=1))
    assert follow(keeper.at + timedelta(minutes=1), line=centre.line)
    assert NOTICES.shown() == ["接着来"]
    assert trusted_root().version == Metadata[Root].from_bytes(centre.root).signed.version == 2


def test_a_follower_that_asked_just_before_a_change_asks_once_more(centre: Centre, keeper: Ceremonies) -> None:
    """Its timestamp is of the old key, the root it gets next is the new one."""
    NOTICES.texts = ("第二版",)
    centre.publish(keeper.at)
    changed: list[str] = []

    def meanwhile(answer: object) -> object:
        if not changed:
            changed.append("timestamp")
            keeper.rotate("timestamp")
        return answer

    centre.spoil["timestamp.json"] = meanwhile  # type: ignore[assignment]
    assert follow(keeper.at + timedelta(minutes=2), line=centre.line)
    assert NOTICES.shown() == ["第二版"]
    assert CurrentCatalogue.objects.get().problem == ""


def test_a_key_that_no_root_names_signs_nothing(centre: Centre, keeper: Ceremonies) -> None:
    with centre.at_home():
        stray = make_key("targets").public_key.keyid
        assert stray not in {signer.public_key.keyid for kept in signers().values() for signer in kept}
    keeper.rotate("snapshot")
    with centre.at_home():
        assert stray not in held_keys()


def test_a_machine_that_follows_a_catalogue_changes_no_keys_and_a_centre_below_a_province_does(
    centre: Centre, keeper: Ceremonies, at: datetime
) -> None:
    Node.objects.create(kind="centre", name="省中心", public_key=b"p" * 32, is_parent=True, enrolled_at=at)
    keeper.rotate("targets")
    Node.objects.filter(is_self=True).update(kind="edge")
    with pytest.raises(Refused, match="跟随上级的目录"):
        keeper.rotate("targets")


def test_before_the_first_catalogue_there_is_nothing_to_show(tmp_path: Path) -> None:
    with Centre(tmp_path / "new").at_home(), pytest.raises(NotFound):
        keys.root_state()


def test_the_command_shows_and_changes_keys(centre: Centre, keeper: Ceremonies, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text(WORDS + "\n", encoding="utf-8")
    root_file = str(keeper.drawer / "root.pem")

    def run(*arguments: str) -> str:
        out = StringIO()
        with centre.at_home():
            call_command("catalogue", "keys", *arguments, stdout=out)
        return out.getvalue()

    assert run("show").count("\t在本机") == 4
    assert "根第 2 版" in run("offline", root_file, "--passphrase-file", str(words), "--reason", "设为离线")
    told = run("show")
    assert (told.count("\t在本机"), told.count("\t不在本机")) == (3, 1)
    with pytest.raises(CommandError, match="还差 1 把"):
        run("rotate", "targets", "--reason", "没有带根密钥")
    opened = ("--root-key", root_file, "--passphrase-file", str(words))
    run("rotate", "targets", "--keys", "2", "--threshold", "2", "--reason", "两人", *opened)
    run("revoke", keeper.name_of("snapshot"), "--reason", "疑似泄露", *opened)
    run("renew", *opened)
    told = run("show")
    assert "根第 5 版" in told
    assert "targets\t2 把密钥，须 2 把签名" in told
    assert "疑似泄露" in told, "every change and its reason stand in the roots themselves"
