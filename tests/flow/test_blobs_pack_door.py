"""The door of packs, lean and through Django: who is believed, what is given, and how much of the machine an asker may hold."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from tests.asking import Told, ask
from yuanjiao.flow.blobs import pack, pack_door, store
from yuanjiao.flow.blobs.store import BlobRef
from yuanjiao.flow.models import Node
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.wire.auth import signed_headers
from yuanjiao.lib import clock
from yuanjiao.lib.rsgi import Asked

pytestmark = pytest.mark.django_db
Lean = Callable[..., Told]


@pytest.fixture(autouse=True)
def _known(db: None, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine asks itself, at a moment that does not pass."""
    ensure_self(at=at)
    monkeypatch.setattr(clock, "now", lambda: at)


@pytest.fixture(autouse=True)
def rows(monkeypatch: pytest.MonkeyPatch) -> dict[UUID, Node]:
    """The nodes as they were when the door was asked: its threads have no look at this test's transaction."""
    found: dict[UUID, Node] = {}
    monkeypatch.setattr(pack_door, "known_node", found.get)
    monkeypatch.setattr(pack_door, "close_old_connections", lambda: None)
    return found


@pytest.fixture
def lean(rows: dict[UUID, Node]) -> Lean:
    """Ask the lean door."""

    def asking(body: bytes, headers: dict[str, str], told: Told | None = None) -> Told:
        rows.update({node.uid: node for node in Node.objects.all()})
        asked = Asked("POST", pack_door.PATH, headers=headers | {"content-length": str(len(body))})
        if told is None:
            return ask(pack_door.door, asked, body)
        asyncio.run(pack_door.door(asked, told))  # type: ignore[arg-type]  # a coroutine, as every door is
        return told

    return asking


_asked = iter(range(1, 1_000_000))


def question(body: bytes, *, late_s: float = 0.0) -> dict[str, str]:
    """Headers of a question this machine signs; never twice the same."""
    at = clock.now() - timedelta(seconds=late_s, microseconds=next(_asked))
    return signed_headers(method="POST", target=pack_door.PATH, body=body, node=Node.objects.get(is_self=True), at=at)


def told_by(body: bytes, refs: list[BlobRef]) -> list[pack.Told]:
    return list(pack.unpacked(iter([body]), refs))


def test_both_doors_give_what_is_here_and_name_what_is_not(lean: Lean) -> None:
    here = [store.put(os.urandom(2000)) for _ in range(30)]
    large = store.put(bytes(pack.LARGEST + 1))
    absent = BlobRef(hashlib.sha256(b"absent").hexdigest(), 6)
    refs = [*here, large, absent]
    body = pack.ask_for(refs)
    answer = lean(body, question(body))
    page = Client(enforce_csrf_checks=True).generic("POST", pack_door.PATH, body, headers=question(body))
    assert (answer.status, page.status_code) == (200, 200)
    assert answer.body == page.content
    assert answer.headers["content-type"] == page["Content-Type"] == pack_door.MEDIA_TYPE
    told = told_by(answer.body, refs)
    assert [one.content for one in told] == [*(store.path(ref.sha256).read_bytes() for ref in here), None, None]


REFUSED = {
    "unsigned": (401, lambda body: {}),
    "another body": (401, lambda body: question(body + b"x")),
    "too late": (401, lambda body: question(body, late_s=400)),
    "a stranger": (401, lambda body: question(body) | {"yuanjiao-node": "01890a5d-ac96-774b-bcce-b302099a8057"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_strangers_get_nothing(lean: Lean, name: str) -> None:
    status, headers = REFUSED[name]
    ref = store.put(b"poster")
    body = pack.ask_for([ref])
    answer = lean(body, headers(body))
    page = Client().generic("POST", pack_door.PATH, body, headers=headers(body))
    assert (answer.status, page.status_code) == (status, status)
    assert b"poster" not in answer.body + page.content
    assert "yuanjiao-server-time" in answer.headers


def test_a_revoked_node_gets_nothing(lean: Lean, at: datetime) -> None:
    body = pack.ask_for([store.put(b"poster")])
    Node.objects.filter(is_self=True).update(revoked_at=at)
    assert lean(body, question(body)).status == 401


def test_an_ask_of_another_form_is_refused_and_a_large_one_not_read(lean: Lean) -> None:
    assert lean(b"YJP2", question(b"YJP2")).status == 400
    large = pack.MAGIC + bytes(32 * (pack.MOST + 1))
    assert lean(large, question(large)).status == 413


def test_a_question_is_believed_once(lean: Lean) -> None:
    body = pack.ask_for([store.put(b"poster")])
    headers = question(body)
    assert [lean(body, headers).status for _ in range(2)] == [200, 401]


def test_no_more_than_so_many_are_served_at_a_time_and_places_come_back(lean: Lean, monkeypatch: pytest.MonkeyPatch) -> None:
    body = pack.ask_for([store.put(b"poster")])
    monkeypatch.setattr(pack_door, "MOST_AT_ONCE", 1)
    assert [lean(body, question(body)).status for _ in range(2)] == [200, 200]
    monkeypatch.setattr(pack_door, "_under_way", 1)
    busy = lean(body, question(body))
    assert busy.status == 429
    assert int(busy.headers["retry-after"]) >= pack_door.RETRY_S


def test_a_place_is_taken_only_by_who_was_believed(lean: Lean, monkeypatch: pytest.MonkeyPatch) -> None:
    body = pack.ask_for([store.put(b"poster")])
    seen: list[int] = []
    begun, sent = pack_door._begin, pack_door._send

    def begin(*asked: Any) -> Any:
        seen.append(pack_door._under_way)
        return begun(*asked)

    async def send(*answered: Any) -> None:
        seen.append(pack_door._under_way)
        await sent(*answered)

    monkeypatch.setattr(pack_door, "_begin", begin)
    monkeypatch.setattr(pack_door, "_send", send)
    assert lean(body, question(body)).status == 200
    assert lean(body, question(b"another")).status == 401
    assert (seen, pack_door._under_way) == ([0, 1, 0], 0)


def test_who_is_believed_after_the_last_place_went_is_told_to_come_again(lean: Lean, monkeypatch: pytest.MonkeyPatch) -> None:
    body = pack.ask_for([store.put(b"poster")])
    begun = pack_door._begin

    def begin(*asked: Any) -> Any:
        monkeypatch.setattr(pack_door, "_under_way", pack_door.MOST_AT_ONCE)
        return begun(*asked)

    monkeypatch.setattr(pack_door, "_begin", begin)
    assert lean(body, question(body)).status == 429


def test_who_hangs_up_leaves_its_place(lean: Lean) -> None:
    body = pack.ask_for([store.put(os.urandom(60_000)) for _ in range(3)])
    gone = Told([body])
    gone.gone.set()
    lean(body, question(body), gone)
    assert (gone.status, gone.body, pack_door._under_way) == (200, b"", 0)


def test_only_the_pack_goes_here() -> None:
    assert pack_door.takes("/blobs/pack", "POST")
    assert not pack_door.takes("/blobs/pack", "GET")
    assert not pack_door.takes(f"/blobs/{'0' * 64}", "POST")
