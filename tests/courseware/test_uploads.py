"""The upload door speaks tus 1.0: what it acknowledged survives cuts, repeats and restarts; what is wrong is refused with a reason."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from yuanjiao.courseware import commands
from yuanjiao.courseware.commands.uploads import incoming_path
from yuanjiao.courseware.models import Courseware, Upload, UploadState
from yuanjiao.courseware.packaging.work import original_path
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib.errors import Refused
from yuanjiao.simulation.cast import Cast

LogIn = Callable[[str], Client]
DOOR = "/courseware/uploads/"
TUS = {"Tus-Resumable": "1.0.0"}


def metadata(**pairs: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


def create(client: Client, item: Courseware, size: int, filename: str = "谈话.mp4", **headers: str):
    sent = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata(filename=filename, courseware=str(item.uid)), **headers}
    return client.post(DOOR, headers=sent)


def patch(client: Client, where: str, offset: int, part: bytes, **headers: str):
    sent = {**TUS, "Upload-Offset": str(offset), **headers}
    return client.patch(where, part, content_type="application/offset+octet-stream", headers=sent)


def test_the_door_says_what_it_can_do(cast: Cast, log_in: LogIn) -> None:
    answer = log_in("zhizuo").options(DOOR)
    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert {"creation", "termination", "checksum"} <= set(answer["Tus-Extension"].split(","))


@pytest.mark.clause("CW10")
def test_a_film_arrives_in_parts_and_goes_to_packaging(draft: Courseware, films: dict[str, Path], log_in: LogIn) -> None:
    client, film = log_in("zhizuo"), films["plain.mp4"].read_bytes()
    where = create(client, draft, len(film))["Location"]
    third = len(film) // 3
    for start in (0, third, 2 * third):
        part = film[start : start + third] if start < 2 * third else film[start:]
        answer = patch(client, where, start, part)
        assert answer.status_code == 204
        assert answer["Upload-Offset"] == str(start + len(part))
    draft.refresh_from_db()
    assert draft.state == State.PACKAGING
    assert draft.original_name == "谈话.mp4"
    assert original_path(draft.uid).read_bytes() == film


def test_after_a_cut_the_offset_is_told_and_bytes_behind_it_are_overwritten(
    draft: Courseware, films: dict[str, Path], log_in: LogIn
) -> None:
    client, film = log_in("zhizuo"), films["plain.mp4"].read_bytes()
    where = create(client, draft, len(film))["Location"]
    patch(client, where, 0, film[:5000])
    upload = Upload.objects.get()
    with open(incoming_path(upload), "ab") as stream:
        stream.write(b"half a part that was cut before it was acknowledged")
    answer = client.head(where, headers=TUS)
    assert answer["Upload-Offset"] == "5000"
    assert answer["Upload-Length"] == str(len(film))
    assert answer["Cache-Control"] == "no-store"
    assert patch(client, where, 5000, film[5000:]).status_code == 204
    assert original_path(draft.uid).read_bytes() == film


def test_a_film_of_ten_gigabytes_goes_on_where_it_was_cut(draft: Courseware, films: dict[str, Path], log_in: LogIn) -> None:
    """The middle is a hole on the disk: what counts is that offsets beyond four gigabytes are told, kept and probed."""
    client, film, size = log_in("zhizuo"), films["plain.mp4"].read_bytes(), 10 * 2**30
    rest = size - len(film)
    head = film + (1).to_bytes(4, "big") + b"free" + rest.to_bytes(8, "big")  # the film, and a box of padding behind it
    where = create(client, draft, size)["Location"]
    assert patch(client, where, 0, head).status_code == 204
    upload, almost = Upload.objects.get(), size - 1000
    with open(incoming_path(upload), "r+b") as stream:
        stream.truncate(almost)  # as if the parts between had come
        stream.seek(almost)
        stream.write(b"half a part that was cut")
    Upload.objects.update(offset_bytes=almost)
    answer = client.head(where, headers=TUS)
    assert (answer["Upload-Offset"], answer["Upload-Length"]) == (str(almost), str(size))
    assert patch(client, where, almost - 2**32, b"x").status_code == 409
    assert patch(client, where, almost, bytes(1000)).status_code == 204
    draft.refresh_from_db()
    assert draft.state == State.PACKAGING
    assert draft.original_bytes == size
    with open(original_path(draft.uid), "rb") as stream:
        assert stream.read(len(head)) == head
        stream.seek(-1000, 2)
        assert stream.read() == bytes(1000)


def test_a_part_at_the_wrong_place_is_a_conflict_and_changes_nothing(draft: Courseware, log_in: LogIn) -> None:
    client = log_in("zhizuo")
    where = create(client, draft, 100)["Location"]
    patch(client, where, 0, b"a" * 40)
    for offset in (0, 39, 41, 100):
        answer = patch(client, where, offset, b"b" * 10)
        assert answer.status_code == 409
        assert "40 字节" in answer.content.decode()
    assert incoming_path(Upload.objects.get()).read_bytes() == b"a" * 40


def test_a_part_that_arrives_changed_is_not_kept(draft: Courseware, log_in: LogIn) -> None:
    client = log_in("zhizuo")
    where = create(client, draft, 100)["Location"]
    digest = base64.b64encode(hashlib.sha1(b"right").digest()).decode()
    assert patch(client, where, 0, b"wrong", **{"Upload-Checksum": f"sha1 {digest}"}).status_code == 460
    assert client.head(where, headers=TUS)["Upload-Offset"] == "0"
    assert patch(client, where, 0, b"right", **{"Upload-Checksum": f"sha1 {digest}"}).status_code == 204


BAD = [
    ("another protocol version", {"Tus-Resumable": "0.2.2"}, 412),
    ("no length", {"Upload-Length": ""}, 400),
    ("a negative length", {"Upload-Length": "-5"}, 400),
    ("nothing to send", {"Upload-Length": "0"}, 400),
    ("over the limit", {"Upload-Length": "999999999999999"}, 413),
    ("metadata that is no base64", {"Upload-Metadata": "courseware ###"}, 400),
    ("no item named", {"Upload-Metadata": ""}, 400),
    ("an item that is not there", {"Upload-Metadata": metadata(courseware="018f0000-0000-7000-8000-000000000000")}, 404),
]


@pytest.mark.parametrize(("name", "headers", "status"), BAD, ids=[case[0] for case in BAD])
def test_a_wrong_beginning_is_refused(name: str, headers: dict[str, str], status: int, draft: Courseware, log_in: LogIn) -> None:
    assert create(log_in("zhizuo"), draft, 100, **headers).status_code == status
    assert not Upload.objects.exists()


def test_more_bytes_than_announced_are_refused(draft: Courseware, log_in: LogIn) -> None:
    client = log_in("zhizuo")
    where = create(client, draft, 10)["Location"]
    assert patch(client, where, 0, b"x" * 11).status_code == 400
    assert client.head(where, headers=TUS)["Upload-Offset"] == "0"


def test_a_full_disk_answers_507_before_a_byte_is_written(draft: Courseware, log_in: LogIn, settings: object) -> None:
    client = log_in("zhizuo")
    where = create(client, draft, 100)["Location"]
    settings.MIN_FREE_BYTES = 1 << 60  # type: ignore[attr-defined]
    assert patch(client, where, 0, b"x" * 100).status_code == 507
    assert not incoming_path(Upload.objects.get()).exists()
    assert create(client, draft, 100).status_code == 507


def test_a_finished_file_that_is_no_film_answers_422_with_the_reason(draft: Courseware, films: dict[str, Path], log_in: LogIn) -> None:
    client, letter = log_in("zhizuo"), films["letter.mp4"].read_bytes()
    where = create(client, draft, len(letter))["Location"]
    answer = patch(client, where, 0, letter)
    assert answer.status_code == 422
    assert "不是能识别的视频" in answer.content.decode()
    assert "不是能识别的视频" in client.get(f"/courseware/{draft.uid}/").content.decode()


def test_an_upload_given_up_leaves_no_bytes(draft: Courseware, log_in: LogIn) -> None:
    client = log_in("zhizuo")
    where = create(client, draft, 100)["Location"]
    patch(client, where, 0, b"x" * 50)
    upload = Upload.objects.get()
    assert client.delete(where, headers=TUS).status_code == 204
    assert not incoming_path(upload).exists()
    assert patch(client, where, 50, b"x" * 50).status_code == 409


def test_nobody_else_sees_or_continues_an_upload(draft: Courseware, log_in: LogIn, cast: Cast, at: datetime) -> None:
    where = create(log_in("zhizuo"), draft, 100)["Location"]
    assert log_in("shenhe").head(where, headers=TUS).status_code == 403
    assert Client().head(where, headers=TUS).status_code == 302


def test_a_film_cannot_be_replaced_while_it_is_packaged_or_reviewed(
    draft: Courseware, films: dict[str, Path], cast: Cast, at: datetime, tmp_path: Path
) -> None:
    copy = tmp_path / "film"
    copy.write_bytes(films["plain.mp4"].read_bytes())
    commands.take_original(courseware=draft, path=copy, filename="a.mp4", by=cast.actor("zhizuo"), at=at)
    with pytest.raises(Refused, match="正在打包"):
        commands.begin_upload(courseware=draft, filename="b.mp4", size_bytes=5, by=cast.actor("zhizuo"), at=at)


def test_without_script_the_plain_form_takes_a_small_file(draft: Courseware, films: dict[str, Path], log_in: LogIn) -> None:
    client = log_in("zhizuo")
    file = SimpleUploadedFile("talk.mp4", films["plain.mp4"].read_bytes(), content_type="video/mp4")
    answer = client.post(f"/courseware/{draft.uid}/file/", {"file": file}, follow=True)
    assert "正在打包" in answer.content.decode()
    draft.refresh_from_db()
    assert draft.state == State.PACKAGING


def test_the_plain_form_names_what_is_wrong(draft: Courseware, films: dict[str, Path], log_in: LogIn, settings: object) -> None:
    client = log_in("zhizuo")
    assert client.post(f"/courseware/{draft.uid}/file/").status_code == 400
    cut = SimpleUploadedFile("talk.mp4", films["cut.mp4"].read_bytes())
    assert "不完整" in client.post(f"/courseware/{draft.uid}/file/", {"file": cut}, follow=True).content.decode()
    settings.MAX_BODY_BYTES = 10  # type: ignore[attr-defined]
    large = SimpleUploadedFile("talk.mp4", b"x" * 11)
    assert client.post(f"/courseware/{draft.uid}/file/", {"file": large}).status_code == 400


def test_uploads_nobody_touched_for_a_week_are_cleared(draft: Courseware, log_in: LogIn, cast: Cast, at: datetime) -> None:
    upload = commands.begin_upload(courseware=draft, filename="a.mp4", size_bytes=10, by=cast.actor("zhizuo"), at=at)
    assert commands.clear_uploads(at=at + timedelta(days=6)) == 0
    assert commands.clear_uploads(at=at + timedelta(days=8)) == 1
    upload.refresh_from_db()
    assert upload.state == UploadState.ENDED
