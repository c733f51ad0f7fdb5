"""Two stories under one name: an edge back from an old backup, a clone beside the original. Neither story is lost, nothing doubles."""

from __future__ import annotations

import shutil
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from tests.simulator import Fate, LossyLine, Machine, World
from yuanjiao.courseware.events import MissesCounted, WordsMissed
from yuanjiao.courseware.models import SearchMissCount
from yuanjiao.flow.journal import forks, receive
from yuanjiao.flow.journal.forks import BranchRetold, branches, proof_bytes, renew
from yuanjiao.flow.journal.keeping import archive_acknowledged
from yuanjiao.flow.journal.models import Entry, Fork, Head, Segment
from yuanjiao.flow.journal.moving import seal_next
from yuanjiao.flow.journal.queries import heads_now, unapplied_count
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.journal.replay import replay
from yuanjiao.flow.journal.verify import verify_journal
from yuanjiao.flow.management.commands import journal as command
from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.commands import ensure_self, issue_code, revoke_node
from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.errors import Conflict, Refused, Unavailable

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 1)


def say(machine: Machine, *words: str) -> None:
    """Facts whose rows name their recorder: what is told twice, or under two names, shows."""
    with machine.here():
        for word in words:
            record(MissesCounted(day=DAY, path="/", words=[WordsMissed(words=word, count=5)]), at=machine.now)


def told(machine: Machine) -> list[str]:
    with machine.here():
        return sorted(SearchMissCount.objects.values_list("words", flat=True))


def rows(machine: Machine) -> list[tuple[str, str]]:
    """The rows with who recorded them."""
    with machine.here():
        return sorted((str(origin), words) for origin, words in SearchMissCount.objects.values_list("origin", "words"))


def copy_of(machine: Machine) -> Path:
    machine.stop()
    saved = machine.home / "backup.sqlite3"
    shutil.copy(machine.home / "yuanjiao.sqlite3", saved)
    machine.restart()
    return saved


def put(machine: Machine, database: Path) -> None:
    machine.stop()
    for left in machine.home.glob("yuanjiao.sqlite3-*"):
        left.unlink()
    shutil.copy(database, machine.home / "yuanjiao.sqlite3")
    machine.restart()


def code_for(centre: Machine, **changes: str) -> str:
    with centre.here():
        values = {"kind": "edge", "name": "edge", "subject_code": "E-990101"} | changes
        return issue_code(**values, at=centre.now)  # type: ignore[arg-type]


def start_anew(machine: Machine, code: str) -> forks.Branches:
    with machine.here():
        both = renew(line=machine._client(), code=code, at=machine.now)
    machine.restart()
    return both


@pytest.fixture
def pair(world: World) -> tuple[Machine, Machine]:
    """An edge under a centre, that has told two things."""
    centre, edge = world.machine("centre", "centre"), world.machine("edge", "edge")
    edge.join(centre, subject_code="E-990101")
    say(edge, "共同一", "共同二")
    edge.ship()
    return centre, edge


@pytest.fixture
def back(pair: tuple[Machine, Machine]) -> tuple[Machine, Machine]:
    """The edge told two more things, lost its disk, came back from a backup and found three other things to tell."""
    centre, edge = pair
    saved = copy_of(edge)
    say(edge, "旧盘一", "旧盘二")
    edge.ship()
    put(edge, saved)
    say(edge, "新盘一", "新盘二", "新盘三")
    edge.ship()
    assert told(centre) == sorted(["共同一", "共同二", "旧盘一", "旧盘二"])
    return centre, edge


BOTH = sorted(["共同一", "共同二", "旧盘一", "旧盘二", "新盘一", "新盘二", "新盘三"])


def test_an_edge_back_from_an_old_backup_loses_neither_story(back: tuple[Machine, Machine]) -> None:
    centre, edge = back
    both = start_anew(edge, code_for(centre))
    assert (both.common, len(both.theirs), len(both.ours)) == (2, 2, 3)
    assert told(edge) == BOTH, "the edge has what its old disk had"
    edge.ship()
    assert told(centre) == BOTH
    assert rows(edge) == rows(centre), "and the rows name the same recorders"
    for machine in (centre, edge):
        with machine.here():
            assert verify_journal().faults == []
            assert unapplied_count() == 0
            assert replay(at=machine.now, keep=False, archive=True).changed == ()
    say(edge, "之后")
    edge.ship()
    assert told(centre) == sorted([*BOTH, "之后"])


def test_a_clone_beside_the_original_becomes_a_machine_of_its_own(world: World, pair: tuple[Machine, Machine]) -> None:
    centre, edge = pair
    clone = world.machine("clone", "edge")
    put(clone, copy_of(edge))
    shutil.copy(edge.home / "node.key", clone.home / "node.key")
    keys._load.cache_clear()
    clone.line = LossyLine(centre)
    say(edge, "原机一")
    say(clone, "副本一", "副本二")
    edge.ship()
    clone.ship()
    say(edge, "原机二")
    edge.ship()
    assert told(centre) == sorted(["共同一", "共同二", "原机一", "原机二"])
    start_anew(clone, code_for(centre))
    say(clone, "副本三")
    say(edge, "原机三")
    for machine in (edge, clone, edge, clone):
        world.pass_time(600)
        machine.ship()
    assert told(centre) == sorted(["共同一", "共同二", "原机一", "原机二", "原机三", "副本一", "副本二", "副本三"])
    with edge.here():
        assert Head.objects.get(origin__is_self=True).refusal == "", "the original never noticed"
        assert Entry.objects.count() == 5
    assert edge.node().uid != clone.node().uid
    assert bytes(edge.node().public_key) != bytes(clone.node().public_key)


def test_the_other_story_is_kept_once_byte_for_byte_until_it_is_told_again(world: World, back: tuple[Machine, Machine]) -> None:
    centre, edge = back
    for _ in range(3):
        world.pass_time(4_000)
        edge.ship()
    with edge.here():
        sent = bytes(Segment.objects.get(last_seq=5).sealed)
    with centre.here():
        kept = Fork.objects.get()
        assert (bytes(kept.sealed), kept.first_seq, kept.last_seq, kept.retold_by) == (sent, 3, 5, None)
        assert [head.forks for head in heads_now() if head.name == "edge"] == [1]
    start_anew(edge, code_for(centre))
    edge.ship()
    with centre.here():
        kept.refresh_from_db()
        assert kept.retold_by is not None
        assert kept.retold_by.uid == edge.node().uid
        assert [head.forks for head in heads_now()] == [0] * len(heads_now())
        out = StringIO()
        call_command("journal", "status", stdout=out)
        assert "重报" in out.getvalue()


def test_no_more_of_other_stories_is_kept_than_room_is_for(back: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    centre, edge = back
    monkeypatch.setattr(receive, "MOST_FORKS", 2)
    for number in range(4):
        with edge.here():
            Segment.objects.filter(last_seq__gt=2).delete()
            Head.objects.update(sealed_seq=2)
        say(edge, f"又{number}")
        edge.world.pass_time(4_000)
        edge.ship()
    with centre.here():
        assert Fork.objects.count() == 2


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.ANSWER_LOST])
def test_a_renewal_that_was_cut_is_run_again_with_the_same_code(back: tuple[Machine, Machine], fate: Fate) -> None:
    centre, edge = back
    code = code_for(centre)
    assert edge.line is not None
    edge.line.fates.extend([Fate.FINE, Fate.FINE, fate])  # a segment, no more of them, and the code
    with pytest.raises(Unavailable):
        start_anew(edge, code)
    start_anew(edge, code)
    edge.ship()
    assert told(centre) == told(edge) == BOTH
    with centre.here():
        assert Node.objects.filter(name="edge").count() == 2


def test_killed_between_the_database_and_the_key_it_finds_its_new_key(
    back: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    centre, edge = back
    honest = keys.adopt_next

    def killed(public_key: bytes) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(keys, "adopt_next", killed)
    with pytest.raises(KeyboardInterrupt):
        start_anew(edge, code_for(centre))
    monkeypatch.setattr(keys, "adopt_next", honest)
    edge.restart()
    with edge.here():
        ensure_self(at=edge.now)  # as at every start
    edge.ship()
    assert told(centre) == told(edge) == BOTH


def test_when_anything_fails_the_machine_is_who_it_was(back: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    centre, edge = back
    before = edge.node().uid

    def fail(**_: object) -> None:
        raise Conflict("重放未能重建")

    monkeypatch.setattr(forks, "replay", fail)
    with pytest.raises(Conflict):
        start_anew(edge, code_for(centre))
    assert edge.node().uid == before
    assert told(edge) == sorted(["共同一", "共同二", "新盘一", "新盘二", "新盘三"])
    with edge.here():
        assert verify_journal().faults == []
        assert ensure_self(at=edge.now).uid == before


def test_without_a_fork_nobody_becomes_another(pair: tuple[Machine, Machine]) -> None:
    centre, edge = pair
    say(edge, "还没有送")
    with pytest.raises(Conflict, match="没有分叉"):
        start_anew(edge, code_for(centre))
    edge.ship()
    assert "还没有送" in told(centre)


def test_a_code_for_another_place_is_refused_before_anything_changes(back: tuple[Machine, Machine]) -> None:
    centre, edge = back
    before = edge.node().uid
    with pytest.raises(Refused, match="台账编号"):
        start_anew(edge, code_for(centre, subject_code="E-990102"))
    assert edge.node().uid == before


def test_with_several_segments_sealed_the_parents_longer_story_counts_none_of_ours_as_told(pair: tuple[Machine, Machine]) -> None:
    """An old backup from before an acknowledgement, and then an export, which seals everything."""
    centre, edge = pair
    with edge.here():
        Head.objects.update(acknowledged_seq=0)
    saved = copy_of(edge)
    edge.world.pass_time(60)
    say(edge, "旧盘一", "旧盘二", "旧盘三")
    edge.ship()
    put(edge, saved)
    say(edge, "新盘一")
    with edge.here():
        seal_next(edge.now)
    edge.world.pass_time(60)
    edge.ship()
    with edge.here():
        head = Head.objects.get(origin__is_self=True)
        assert head.acknowledged_seq == 2
        assert "forked" in head.refusal
    start_anew(edge, code_for(centre))
    edge.ship()
    assert told(centre) == told(edge) == sorted(["共同一", "共同二", "旧盘一", "旧盘二", "旧盘三", "新盘一"])


def test_what_is_archived_stays_archived_and_counts(back: tuple[Machine, Machine]) -> None:
    centre, edge = back
    edge.world.pass_time(50 * 86_400.0)
    with override_settings(JOURNAL_KEEP_DAYS=10), edge.here():
        assert archive_acknowledged(edge.now) == 1
    start_anew(edge, code_for(centre))
    edge.ship()
    assert told(centre) == told(edge) == BOTH
    with edge.here():
        assert verify_journal(archive=True).faults == []


def test_a_site_that_was_enrolled_after_the_backup_is_known_again_and_can_be_revoked(world: World, pair: tuple[Machine, Machine]) -> None:
    centre, edge = pair
    saved = copy_of(edge)
    site = world.machine("site", "site")
    site.join(edge)
    say(site, "村里一")
    site.ship()
    edge.ship()
    put(edge, saved)
    say(edge, "新盘一")
    edge.ship()
    start_anew(edge, code_for(centre))
    world.pass_time(600)
    say(site, "村里二")
    site.ship()
    edge.ship()
    assert told(centre) == told(edge) == sorted(["共同一", "共同二", "新盘一", "村里一", "村里二"])
    with edge.here():
        revoke_node(node=Node.objects.get(name="site"), reason="设备被盗", at=edge.now)
    edge.ship()
    with centre.here():
        assert Node.objects.get(name="site").revoked_reason == "设备被盗", "the new name may revoke what the old one enrolled"


def test_the_story_of_the_old_name_is_told_again_to_a_parent_that_lost_it(world: World, back: tuple[Machine, Machine]) -> None:
    centre, edge = back
    start_anew(edge, code_for(centre))
    saved = copy_of(centre)
    with centre.here():
        assert told(centre) == sorted(["共同一", "共同二", "旧盘一", "旧盘二"])
    edge.ship()
    put(centre, saved)
    with centre.here():
        old = Node.objects.get(name="edge", renews=None, uid=forked_uid(centre))
        Entry.objects.filter(origin=old).delete()
        Segment.objects.filter(origin=old).delete()
        SearchMissCount.objects.all().delete()
        Head.objects.filter(origin=old).update(seq=0, sealed_seq=0, entry_hash=bytes(32))
    say(edge, "之后")
    world.pass_time(600)
    for _ in range(3):
        edge.ship()
    assert told(centre) == sorted([*BOTH, "之后"])


def forked_uid(machine: Machine) -> object:
    with machine.here():
        return Fork.objects.values_list("origin__uid", flat=True).first()


def test_nobody_is_handed_the_story_of_another(world: World, back: tuple[Machine, Machine]) -> None:
    centre, _ = back
    other = world.machine("other", "edge")
    other.join(centre)
    with other.here():
        assert other._client().get("/journal?after=0", signed=True).status_code == 204
        assert other._client().get("/journal?after=0", signed=False).status_code == 401
        assert other._client().get("/journal?after=x", signed=True).status_code == 400


def test_who_cannot_prove_the_old_name_settles_nothing(world: World, back: tuple[Machine, Machine]) -> None:
    centre, edge = back
    liar = world.machine("liar", "edge")
    liar.join(centre)
    with liar.here():
        old, new = edge.node().uid, liar.node().uid
        forged = keys.sign(proof_bytes(old, new))
        liar_event = BranchRetold(node=old, first_seq=1, last_seq=9, proof=forged)
        Node.objects.create(uid=old, kind="edge", name="edge", public_key=liar.node().public_key[::-1], enrolled_at=liar.now)
    with centre.here():
        fact = forks.Fact(origin=new, seq=1, at=centre.now)
        with pytest.raises(Refused, match="没有证明"):
            forks.apply_retold(liar_event, fact)
        assert Fork.objects.get().retold_by is None


def test_the_command_line_lists_both_stories_and_renews(back: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    centre, edge = back
    out, code = StringIO(), code_for(centre)
    monkeypatch.setattr(command, "parent_line", edge._client)
    with edge.here():
        call_command("journal", "fork", stdout=out)
        assert "与上级相同的到第 2 条" in out.getvalue()
        assert "上级所记 2 条" in out.getvalue()
        assert "本机另记 3 条" in out.getvalue()
        call_command("journal", "fork", "--renew", code, stdout=out)
        assert "已换新身份" in out.getvalue()
        with pytest.raises(CommandError, match="没有分叉"):
            call_command("journal", "fork", "--renew", code, stdout=out)
        assert not branches(edge._client()).theirs
    edge.ship()
    assert told(centre) == BOTH
