"""The lean door of the timestamp says what the view says, and a new timestamp is seen at once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client, override_settings

from tests.asking import ask
from tests.flow.notices import NOTICES
from tests.flow.publishing import Centre
from yuanjiao.flow.catalogue import door
from yuanjiao.flow.catalogue.encoding import dictionary_header, unpack
from yuanjiao.lib.rsgi import Asked

pytestmark = pytest.mark.django_db


def lean(**headers: str) -> tuple[int, dict[str, str], bytes]:
    told = ask(door.door, Asked("GET", door.PATH, headers=headers))
    return told.status, told.headers, told.body


def test_it_says_what_the_view_says(centre: Centre) -> None:
    with override_settings(HOME=centre.home):
        view, (status, labels, body) = Client().get(door.PATH), lean()
        assert (status, body) == (view.status_code, view.content)
        names = ("etag", "cache-control", "content-type", "content-encoding")
        assert {name: labels.get(name) for name in names} == {name: view.headers.get(name) for name in names}
        assert lean(**{"if-none-match": labels["etag"]})[0] == 304
        assert lean(**{"if-none-match": '"another"'})[0] == 200


def test_a_new_timestamp_is_seen_at_once(centre: Centre, at: datetime) -> None:
    with override_settings(HOME=centre.home):
        _, before, _ = lean()
        NOTICES.texts = ("新的",)
        centre.publish(at + timedelta(minutes=1))
        status, labels, body = lean(**{"if-none-match": before["etag"]})
        assert (status, body) == (200, (centre.public / "metadata" / "timestamp.json").read_bytes())
        assert labels["etag"] != before["etag"]


def test_before_the_first_catalogue_there_is_none(settings: object, tmp_path: object) -> None:
    settings.HOME = tmp_path  # type: ignore[attr-defined]
    assert lean()[0] == 404


@pytest.mark.parametrize("role", ["root", "snapshot", "targets"])
def test_other_metadata_is_the_difference_to_what_the_asker_has_and_few_words_besides(centre: Centre, at: datetime, role: str) -> None:
    folder = centre.public / "metadata"
    before = max(folder.glob(f"*.{role}.json"))
    NOTICES.texts = ("新的",)
    centre.publish(at + timedelta(minutes=1))
    newest = max(folder.glob(f"*.{role}.json"))
    path = f"/catalogue/metadata/{newest.name}"
    said = {"accept-encoding": "dcz, zstd", "available-dictionary": dictionary_header(before.read_bytes())}
    with override_settings(HOME=centre.home):
        view = Client().get(path, headers=said)
        told = ask(door.door, Asked("GET", path, headers=said))
        assert ask(door.door, Asked("GET", "/catalogue/metadata/9.root.json")).status == 404
    assert (told.status, told.body) == (view.status_code, view.content)
    assert len(told.headers) < len(view.headers)
    base = before.read_bytes() if role != "root" else None
    assert b"".join(unpack(told.headers["content-encoding"], iter([told.body]), base)) == newest.read_bytes()


def test_what_changes_under_its_name_and_documents_do_not_come_this_way() -> None:
    taken = [door.takes(path, "GET") for path in (door.PATH, "/catalogue/metadata/root.json", "/catalogue/targets/all/x", f"{door.PATH}/")]
    assert taken == [True, False, False, False]
    assert door.takes("/catalogue/metadata/17.targets.json", "GET")
    assert not door.takes("/catalogue/metadata/../17.targets.json", "GET")
    assert not door.takes(door.PATH, "HEAD")
