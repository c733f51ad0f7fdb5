"""Publishing: what the shelves offer becomes one signed catalogue. Runs at the top, where the rows that go down are written."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from yuanjiao.flow.catalogue.repository import Repository, write_file
from yuanjiao.flow.catalogue.shards import address, is_scope, laid_out, part_address
from yuanjiao.flow.catalogue.shelf import ALL, shelves
from yuanjiao.flow.catalogue.signing import numbered_roots, roots_folder, signers
from yuanjiao.flow.nodes.models import Node


def public_folder() -> Path:
    """What the door /catalogue/ serves, at the top and at every node that passes a catalogue on."""
    return Path(settings.HOME) / "catalogue" / "public"


def publish(at: datetime, *, renew: bool = False) -> int | None:
    """Sign what the shelves offer now; the version of the new timestamp, or None when nothing changed and nothing runs out.

    With `renew` there is a new timestamp in any case, good for its whole life.
    """
    with one_at_a_time("publish"):
        keep_roots()
        repository = Repository(public_folder(), signers())
        version = repository.publish(contents(), at=at, renew=renew)
        if version is not None:
            keep_roots()
            repository.tidy(at)
        return version


def keep_roots() -> None:
    """Every root lies beside the keys and under the door: whichever of the two folders was lost gets them from the other."""
    public, kept = public_folder() / "metadata", roots_folder()
    laid, safe = numbered_roots(public), numbered_roots(kept)
    for number in laid.keys() - safe.keys():
        write_file(kept / laid[number].name, laid[number].read_bytes())
    for number in sorted(safe.keys() - laid.keys()):
        write_file(public / safe[number].name, safe[number].read_bytes())
    present, newest = public / "root.json", max(laid.keys() | safe.keys(), default=0)
    if newest and (not present.is_file() or present.read_bytes() != (public / f"{newest}.root.json").read_bytes()):
        write_file(present, (public / f"{newest}.root.json").read_bytes())


def contents() -> dict[str, bytes]:
    """Every target file by its path, read in one transaction so that the shelves agree with each other.

    The parts of large ones are laid out under the door at once: until a signed target file names it, nobody is sent to one.
    """
    found = {}
    with _one_moment():
        for scope in scopes():
            for shelf in shelves():
                offer = shelf.offer(scope)
                if offer.document:
                    path = address(shelf.name, scope)
                    found[path], parts = laid_out(shelf.name, scope, offer)
                    for sha256, content in parts.items():
                        if not part_file(path, sha256).is_file():
                            lay_part(path, sha256, content)
    return found


def part_file(path: str, sha256: str) -> Path:
    """Where a part lies of the document at that target path: under the door, here and at every machine that passes it on."""
    return public_folder() / "targets" / part_address(path, sha256)


def lay_part(path: str, sha256: str, content: bytes) -> None:
    """Keep a part that is what its name says, whatever lay there."""
    write_file(part_file(path, sha256), content)


def scopes() -> list[str]:
    """Everybody, and each subtree for which a node below is enrolled."""
    rows = Node.objects.filter(is_self=False, is_parent=False, revoked_at=None).values_list("scope", flat=True).distinct()
    return [ALL, *sorted(scope for scope in rows if scope != ALL and is_scope(scope))]


@contextmanager
def _one_moment() -> Iterator[None]:
    """One transaction that sees one state of the rows and keeps nobody from writing: laying out a large catalogue takes seconds."""
    outermost = not connection.in_atomic_block
    with _reading() if outermost and connection.vendor == "sqlite" else nullcontext(), transaction.atomic():
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


@contextmanager
def _reading() -> Iterator[None]:
    """SQLite's transactions begin here as readers; everywhere else they take the one writer's place at once (settings)."""
    lite: Any = connection  # only SQLite's has a mode, and a new one knows it once it is open
    lite.ensure_connection()
    as_writer, lite.transaction_mode = lite.transaction_mode, "DEFERRED"
    try:
        yield
    finally:
        lite.transaction_mode = as_writer


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Wait until no other process of this machine does the same; the lock goes with its process."""
    folder = Path(settings.HOME) / "catalogue"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.lock", "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
