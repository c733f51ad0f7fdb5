"""Publishing: what the shelves offer becomes one signed catalogue. Runs at the top, where the rows that go down are written."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from yuanjiao.flow.catalogue.repository import Repository
from yuanjiao.flow.catalogue.shards import address, is_scope, wrap
from yuanjiao.flow.catalogue.shelf import ALL, shelves
from yuanjiao.flow.catalogue.signing import signers
from yuanjiao.flow.nodes.models import Node


def public_folder() -> Path:
    """What the door /catalogue/ serves, at the top and at every node that passes a catalogue on."""
    return Path(settings.HOME) / "catalogue" / "public"


def publish(at: datetime) -> int | None:
    """Sign what the shelves offer now; the version of the new timestamp, or None when nothing changed and nothing runs out."""
    with one_at_a_time("publish"):
        repository = Repository(public_folder(), signers())
        version = repository.publish(contents(), at=at)
        if version is not None:
            repository.tidy(at)
        return version


def contents() -> dict[str, bytes]:
    """Every target file by its path, read in one transaction so that the shelves agree with each other."""
    found = {}
    with _one_moment():
        for scope in scopes():
            for shelf in shelves():
                offer = shelf.offer(scope)
                if offer.document:
                    found[address(shelf.name, scope)] = wrap(shelf.name, scope, offer)
    return found


def scopes() -> list[str]:
    """Everybody, and each subtree for which a node below is enrolled."""
    rows = Node.objects.filter(is_self=False, is_parent=False, revoked_at=None).values_list("scope", flat=True).distinct()
    return [ALL, *sorted(scope for scope in rows if scope != ALL and is_scope(scope))]


@contextmanager
def _one_moment() -> Iterator[None]:
    """One transaction that sees one state of the rows on both databases (SQLite's transactions always do)."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Wait until no other process of this machine does the same; the lock goes with its process."""
    folder = Path(settings.HOME) / "catalogue"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.lock", "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
