"""The front before Django: what it keeps, for whom, and that nothing it shows is out of date."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from yuanjiao.wiring import front
from yuanjiao.wiring.front import Front

KEEP = {"content-type": "text/html", "cache-control": "public, no-cache"}
Told = tuple[int, dict[str, str], bytes]


class Behind:
    """An application that answers its own count, under the headers a test gives it."""

    def __init__(self, headers: dict[str, str] | None = None, *, status: int = 200, parts: int = 1, pause: float = 0.0) -> None:
        self.headers, self.status, self.parts, self.pause, self.asked = headers or KEEP, status, parts, pause, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        number = self.asked
        await asyncio.sleep(self.pause)
        body = f"page {number} of {scope['path']}".encode()
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.compress(body)
        labels = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": labels})
        for left in range(self.parts - 1, -1, -1):
            await send({"type": "http.response.body", "body": body, "more_body": left > 0})


class World:
    """What the database looked like, changed by the test."""

    def __init__(self) -> None:
        self.state: object = 1

    def __call__(self) -> object:
        return self.state


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "STAMP_S", 0.0)


async def _nothing_comes() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


def made(behind: Behind, world: World | None = None) -> Front:
    return Front(behind, stamp=world or World(), static="/static/")


async def ask(application: Callable[[Any, Any, Any], Awaitable[None]], path: str = "/", method: str = "GET", **headers: str) -> Told:
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    where, _, query = path.partition("?")
    scope = {"type": "http", "method": method, "path": where, "query_string": query.encode(), "headers": pairs}
    await application(scope, _nothing_comes, send)
    labels = {name.decode().lower(): value.decode() for name, value in told[0]["headers"]}
    return told[0]["status"], labels, b"".join(one.get("body", b"") for one in told[1:])


def bodies(behind: Behind, *questions: dict[str, str], world: World | None = None) -> list[str]:
    door = made(behind, world)

    async def all_of_them() -> list[str]:
        return [(await ask(door, **one))[2].decode() for one in questions]

    return asyncio.run(all_of_them())


def test_a_public_page_is_made_once_as_long_as_nothing_is_written() -> None:
    assert bodies(Behind(), {}, {}, {"path": "/?p=2"}, {}) == ["page 1 of /", "page 1 of /", "page 2 of /", "page 1 of /"]


def test_a_page_is_made_anew_once_something_was_written() -> None:
    behind, world = Behind(), World()
    door = made(behind, world)

    async def story() -> list[bytes]:
        first = (await ask(door))[2]
        world.state = 2
        return [first, (await ask(door))[2], (await ask(door))[2]]

    assert asyncio.run(story()) == [b"page 1 of /", b"page 2 of /", b"page 2 of /"]


def test_what_is_written_while_a_page_is_made_makes_it_old() -> None:
    world = World()

    class Writing(Behind):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            world.state = 2
            await super().__call__(scope, receive, send)

    assert bodies(Writing(), {}, {}, world=world) == ["page 1 of /", "page 2 of /"]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/html"},
        KEEP | {"set-cookie": "box=sd"},
        KEEP | {"cache-control": "no-store"},
        {"cache-control": "public, max-age=31536000, immutable"},
    ],
)
def test_what_does_not_say_it_may_be_kept_is_asked_for_each_time(headers: dict[str, str]) -> None:
    assert bodies(Behind(headers), {}, {}) == ["page 1 of /", "page 2 of /"]


def test_errors_and_streams_are_passed_on_and_never_kept() -> None:
    assert bodies(Behind(status=404), {}, {}) == ["page 1 of /", "page 2 of /"]
    assert bodies(Behind(parts=2), {}, {}) == ["page 1 of /" * 2, "page 2 of /" * 2]


def test_wishes_of_a_device_have_pages_of_their_own_and_other_cookies_go_to_django() -> None:
    elder, logged_in = {"cookie": "letters=24; csrftoken=x"}, {"cookie": "letters=24; sessionid=abc"}
    found = bodies(Behind(), {}, elder, elder, logged_in, logged_in, {})
    assert [text.split()[1] for text in found] == ["1", "2", "2", "3", "4", "1"]


def test_a_header_that_was_sent_twice_is_what_django_makes_of_it() -> None:
    """Two Cookie headers are one to Django: whoever hides a session behind a wish gets no page that others are shown."""
    door = made(Behind())

    async def told(*cookies: bytes) -> bytes:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [(b"cookie", one) for one in cookies]}
        await door(scope, _nothing_comes, send)
        return b"".join(one.get("body", b"") for one in sent)

    async def story() -> list[bytes]:
        return [await told(b"sessionid=abc; a=b", b"letters=24"), await told(b"letters=24"), await told(b"letters=24")]

    assert asyncio.run(story()) == [b"page 1 of /", b"page 2 of /", b"page 2 of /"]


def test_a_question_longer_than_any_reader_asks_is_not_kept() -> None:
    long = {"path": "/?q=" + "x" * front.LONGEST_KEY}
    assert [text.split()[1] for text in bodies(Behind(), long, long)] == ["1", "2"]


def test_pages_packed_in_a_way_we_cannot_unpack_are_passed_on_as_they_are() -> None:
    door = made(Behind(KEEP | {"content-encoding": "br"}))

    async def story() -> list[Told]:
        return [await ask(door), await ask(door)]

    first, second = asyncio.run(story())
    assert first[1]["content-encoding"] == second[1]["content-encoding"] == "br"
    assert second[2] == b"page 2 of /"


def test_who_waited_for_a_maker_that_failed_is_not_shown_the_old_page() -> None:
    world = World()

    class Failing(Behind):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            failing = self.asked == 1
            await super().__call__(scope, receive, send)
            if failing:
                raise ConnectionError

    behind = Failing(pause=0.02)
    door = made(behind, world)

    async def story() -> list[Any]:
        await ask(door)
        world.state = 2
        return list(await asyncio.gather(ask(door), ask(door), return_exceptions=True))

    _failed, waited = asyncio.run(story())
    assert waited[2] == b"page 3 of /"


def test_hosts_and_schemes_have_pages_of_their_own() -> None:
    inside, outside = {"host": "10.1.2.3"}, {"host": "edu.example", "x_forwarded_proto": "https"}
    assert [text.split()[1] for text in bodies(Behind(), inside, outside, inside, {**outside, "x_forwarded_proto": "http"})] == [
        "1", "2", "1", "3"
    ]  # fmt: skip


def test_posts_ranges_and_heads_of_what_is_not_kept_go_to_django() -> None:
    found = bodies(Behind(), {}, {"method": "POST"}, {"range": "bytes=0-1"}, {"method": "HEAD", "path": "/other"})
    assert [text.split()[1] for text in found] == ["1", "2", "3", "4"]


def test_pages_packed_by_django_are_unpacked_for_who_wants_them_plain() -> None:
    door = made(Behind(KEEP | {"content-encoding": "gzip"}))
    status, labels, body = asyncio.run(ask(door, accept_encoding="identity"))
    assert (status, body) == (200, b"page 1 of /")
    assert "content-encoding" not in labels


def test_a_reader_who_has_the_page_is_told_so_without_bytes() -> None:
    door = made(Behind())

    async def story() -> tuple[Told, Told]:
        first = await ask(door)
        return first, await ask(door, if_none_match=first[1]["etag"])

    first, second = asyncio.run(story())
    assert first[1]["vary"] == "Accept-Encoding, Cookie"
    assert (second[0], second[2]) == (304, b"")


def test_static_files_are_asked_for_once_whatever_is_written() -> None:
    behind, world = Behind({"content-type": "text/css", "cache-control": "max-age=60, public"}, parts=2), World()
    door = made(behind, world)

    async def story() -> list[bytes]:
        first = (await ask(door, "/static/a.css"))[2]
        world.state = 2
        return [first, (await ask(door, "/static/a.css", cookie="sessionid=x"))[2]]

    assert asyncio.run(story()) == [b"page 1 of /static/a.css" * 2] * 2


def test_many_who_ask_for_an_old_page_at_once_have_it_made_once() -> None:
    behind, world = Behind(pause=0.02), World()
    door = made(behind, world)

    async def story() -> set[bytes]:
        await ask(door)
        world.state = 2
        return {told[2] for told in await asyncio.gather(*(ask(door) for _ in range(20)))}

    assert asyncio.run(story()) == {b"page 2 of /"}
    assert behind.asked == 2


def test_a_maker_that_fails_leaves_nobody_waiting() -> None:
    behind, world = Behind(), World()
    door = made(behind, world)

    async def story() -> bytes:
        await ask(door)
        world.state = 2
        behind.headers = None  # type: ignore[assignment]
        with pytest.raises(AttributeError):
            await ask(door)
        behind.headers = KEEP
        return (await asyncio.wait_for(ask(door), 5))[2]

    assert asyncio.run(story()) == b"page 3 of /"


@pytest.mark.parametrize("path", ["/", "/static/x.css"])
@pytest.mark.parametrize("begun", [False, True])
def test_an_answer_that_was_broken_off_because_its_asker_hung_up_is_not_kept_for_the_next(path: str, begun: bool) -> None:
    """Django answers nothing, or half, when the asker has gone: an empty page must not be shown to all who come after."""
    behind = Behind()
    asked: list[int] = []

    async def breaking_off(scope: Any, receive: Any, send: Any) -> None:
        asked.append(1)
        if len(asked) > 1:
            await behind(scope, receive, send)
        elif begun:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"public, no-cache")]})

    async def first_goes_second_comes() -> str:
        told: list[Any] = []

        async def send(message: Any) -> None:
            told.append(message)

        door = Front(breaking_off, stamp=World(), static="/static/")
        await door({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}, _nothing_comes, send)
        assert told == []
        return (await ask(door, path))[2].decode()

    assert asyncio.run(first_goes_second_comes()) == f"page 1 of {path}"
