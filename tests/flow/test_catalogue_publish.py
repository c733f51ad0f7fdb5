"""Publishing: nothing when nothing changed, versions that only grow, signatures that never run out while the centre lives."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from tuf.api.metadata import Metadata, Root, Signed, Targets, Timestamp

from yuanjiao.flow.catalogue.publish import contents
from yuanjiao.flow.catalogue.repository import KEPT, Repository
from yuanjiao.flow.catalogue.shards import address, may_read, scope_of, unwrap, wrap
from yuanjiao.flow.catalogue.shelf import ALL, Offer
from yuanjiao.flow.catalogue.signing import signers
from yuanjiao.lib.errors import Tampered

CONTENTS = {"all/notices.json": b'{"a":1}', "990000000000/people.json": b"{}"}


@pytest.fixture
def repository(tmp_path: Path, settings: Any) -> Iterator[Repository]:
    settings.HOME = tmp_path
    return Repository(tmp_path / "public", signers())


def signed(repository: Repository, name: str) -> Signed:
    return Metadata[Signed].from_bytes((repository.folder / "metadata" / name).read_bytes()).signed  # type: ignore[type-var]


def timestamp(repository: Repository) -> Timestamp:
    found = signed(repository, "timestamp.json")
    assert isinstance(found, Timestamp)
    return found


def present(repository: Repository) -> set[str]:
    return {str(path.relative_to(repository.folder)) for path in repository.folder.rglob("*") if path.is_file()}


def test_unchanged_offers_write_nothing(repository: Repository, at: datetime) -> None:
    assert repository.publish(CONTENTS, at=at) is not None
    before = {path: (repository.folder / path).stat().st_mtime_ns for path in present(repository)}
    assert repository.publish(dict(CONTENTS), at=at + timedelta(days=1)) is None
    assert {path: (repository.folder / path).stat().st_mtime_ns for path in present(repository)} == before


def test_the_timestamp_is_renewed_at_half_its_life_and_nothing_else_is(repository: Repository, at: datetime) -> None:
    repository.publish(CONTENTS, at=at)
    first = timestamp(repository)
    assert repository.publish(CONTENTS, at=at + timedelta(days=4)) is not None
    second = timestamp(repository)
    assert second.version > first.version
    assert second.expires == at + timedelta(days=11)
    assert second.snapshot_meta.version == first.snapshot_meta.version


def test_nothing_ever_runs_out_while_the_centre_publishes(repository: Repository, at: datetime) -> None:
    for day in range(0, 400, 3):
        now = at + timedelta(days=day)
        repository.publish(CONTENTS, at=now)
        for name in ("root.json", "timestamp.json"):
            assert signed(repository, name).expires > now


def test_every_next_root_is_signed_by_the_one_before(repository: Repository, at: datetime) -> None:
    repository.publish(CONTENTS, at=at)
    repository.publish(CONTENTS, at=at + timedelta(days=6 * 365))
    first, second = (Metadata[Root].from_bytes((repository.folder / "metadata" / f"{n}.root.json").read_bytes()) for n in (1, 2))
    first.signed.verify_delegate(Root.type, second.signed_bytes, second.signatures)


def test_versions_grow_whatever_the_clock_does(repository: Repository, at: datetime) -> None:
    versions = []
    for number, moment in enumerate((at, at + timedelta(hours=1), at - timedelta(days=400), at)):
        versions.append(repository.publish({"all/notices.json": b'{"a":%d}' % number}, at=moment))
    assert versions == sorted(set(versions))


def test_a_crash_between_two_files_leaves_the_old_catalogue(repository: Repository, at: datetime) -> None:
    """The timestamp is the last: without it the files of a half-written version do not exist."""
    repository.publish(CONTENTS, at=at)
    old = (repository.folder / "metadata" / "timestamp.json").read_bytes()
    repository.publish({"all/notices.json": b'{"a":2}'}, at=at + timedelta(minutes=1))
    (repository.folder / "metadata" / "timestamp.json").write_bytes(old)
    assert timestamp(repository).version == int(at.timestamp())
    assert repository.publish({"all/notices.json": b'{"a":3}'}, at=at + timedelta(minutes=2)) is not None
    targets = [name for name in present(repository) if name.endswith(".targets.json")]
    newest = signed(repository, Path(max(targets)).name)
    assert isinstance(newest, Targets)
    assert newest.targets["all/notices.json"].length == 7


def test_old_files_go_and_the_present_ones_stay(repository: Repository, at: datetime) -> None:
    repository.publish(CONTENTS, at=at)
    repository.publish({"all/notices.json": b'{"a":2}'}, at=at + timedelta(minutes=1))
    for path in repository.folder.rglob("*.json"):
        os.utime(path, (at.timestamp(), at.timestamp()))
    assert repository.tidy(at + timedelta(days=1)) == 0
    assert repository.tidy(at + KEPT + timedelta(days=1)) == 4
    assert len([name for name in present(repository) if name.startswith("targets/")]) == 1
    assert repository.publish({"all/notices.json": b'{"a":2}'}, at=at + timedelta(hours=1)) is None


def test_keys_are_kept_and_readable_by_nobody_else(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path
    first = {role: [signer.public_key.keyid for signer in keys] for role, keys in signers().items()}
    assert {role: [signer.public_key.keyid for signer in keys] for role, keys in signers().items()} == first
    assert len({keyid for keys in first.values() for keyid in keys}) == 4
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}


MAY = [
    ("/99/", "all/x.json", True),
    ("", "all/x.json", True),
    ("/990000000000/", "990000000000/x.json", True),
    ("/990000000000/", "990000000000/990100000000/x.json", True),
    ("/990000000000/990100000000/", "990000000000/x.json", False),
    ("/990000000000/990100000000/", "990000000000/990200000000/x.json", False),
    ("", "990000000000/x.json", False),
    ("/990000000000/", "990000000001/x.json", False),
]


@pytest.mark.parametrize(("scope", "path", "allowed"), MAY)
def test_a_node_may_read_what_lies_in_its_subtree(scope: str, path: str, allowed: bool) -> None:
    assert may_read(scope, path) is allowed


@pytest.mark.parametrize("scope", [ALL, "/990000000000/", "/990000000000/990100000000/"])
def test_an_address_says_its_scope(scope: str) -> None:
    assert scope_of(address("people", scope)) == scope


def test_a_shard_is_believed_only_at_its_own_address() -> None:
    content = wrap("people", "/990000000000/", Offer(b"[1]"))
    assert bytes(unwrap(content, shelf="people", scope="/990000000000/").document) == b"[1]"
    for shelf, scope in (("people", ALL), ("places", "/990000000000/")):
        with pytest.raises(Tampered, match="地址不符"):
            unwrap(content, shelf=shelf, scope=scope)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="elsewhere readers never keep writers waiting")
def test_laying_out_the_catalogue_keeps_nobody_from_writing() -> None:
    said: list[str] = []

    def listen(execute: Any, sql: str, *rest: Any) -> Any:
        said.append(sql)
        return execute(sql, *rest)

    def ask() -> None:
        """As a job does: in a thread of its own, over a connection that is new."""
        try:
            with connection.execute_wrapper(listen):
                contents()
                with transaction.atomic():
                    pass
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(ask).result()
    assert [one for one in said if one.startswith("BEGIN")] == ["BEGIN DEFERRED", "BEGIN IMMEDIATE"]
