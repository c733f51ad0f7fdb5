"""Opt-in (`pytest -m scale`): a film of ten gigabytes reaches a server that is killed meanwhile; an archive beyond four gigabytes comes in.

UPLOAD_BYTES: how large the film is; some two and a half times as much must be free on the disk.
"""

from __future__ import annotations

import base64
import hashlib
import os
import struct
import subprocess
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import imageio_ffmpeg
import openpyxl
import pytest

from tests.journeys.living import wait_for
from tests.journeys.person import Person
from tests.journeys.test_packaging_killed import ask, script
from tests.kills import KILLS, chance
from yuanjiao.courseware.packaging.bundle import FIELDS
from yuanjiao.simulation.cast import PASSWORD
from yuanjiao.simulation.processes import NodeProcess

pytestmark = [pytest.mark.scale, *KILLS[1:]]
BYTES = int(os.environ.get("UPLOAD_BYTES", "10000000000"))
PART = 64 << 20
CAST = """
import django; django.setup()
from yuanjiao.courseware import commands
from yuanjiao.courseware.models import CoursewareClass, CoursewareSource
from yuanjiao.lib import clock
from yuanjiao.simulation.cast import build_cast
at = clock.now()
by = build_cast(at=at).actor("zhizuo")
item = commands.create_courseware(title="长片", item_class=CoursewareClass.SERVICE, source=CoursewareSource.OWN, by=by, at=at)
print(item.uid)
"""


def filled_up(film: Path, size: int) -> None:
    """Make a film as long as asked by a box of noise that players pass over (ISO/IEC 14496-12, `free` with a size of 64 bits)."""
    noise, left = os.urandom(1 << 20), size - film.stat().st_size
    with film.open("ab") as file:
        file.write(struct.pack(">I4sQ", 1, b"free", left))
        left -= 16
        while left > 0:
            left -= file.write(noise[: min(left, len(noise))])


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Three seconds of film, no more to look at."""
    path = tmp_path / "film.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=3"]
    command += ["-f", "lavfi", "-i", "sine=duration=3", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart"]
    subprocess.run([*command, str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    made = NodeProcess(role="solo", home=tmp_path / "node", name="市中心", MAX_UPLOAD_BYTES=str(2 * BYTES))
    made.command("migrate", "-v", "0")
    made.item = script(made, CAST).strip()  # type: ignore[attr-defined]
    made.start()
    yield made
    made.stop()


class Sender:
    """Sends a file by tus 1.0 in parts, from where the server says it stands."""

    def __init__(self, node: NodeProcess, path: Path) -> None:
        self.node, self.path, self.chance = node, path, chance()
        self.person = Person(node.address).log_in("zhizuo", PASSWORD)
        self.where = ""

    def create(self, **about: str) -> None:
        told = {"filename": self.path.name, **about}
        pairs = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
        answer = self._ask("POST", "/courseware/uploads/", {"Upload-Length": str(self.path.stat().st_size), "Upload-Metadata": pairs})
        assert answer.status_code == 201, answer.text
        self.where = answer.headers["Location"]

    def send(self, kills_at: set[int]) -> None:
        """Send all of it; the server is killed in the middle of the parts with these numbers, and started again."""
        size, number = self.path.stat().st_size, 0
        while (offset := int(self._ask("HEAD", self.where).headers["Upload-Offset"])) < size:
            number += 1
            with self.path.open("rb") as file:
                file.seek(offset)
                part = file.read(PART)
            if number in kills_at:
                self._cut_off_in(part, offset)
                continue
            answer = self._ask("PATCH", self.where, {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}, part)
            assert answer.status_code == 204, answer.text
            if offset + len(part) == size:
                return  # what was handed on has no address of its own any more

    def _cut_off_in(self, part: bytes, offset: int) -> None:
        def dying() -> Iterator[bytes]:
            middle = self.chance.randrange(1, len(part))
            yield part[:middle]
            self.node.kill()
            yield part[middle:]

        with pytest.raises(httpx.HTTPError):
            self._ask("PATCH", self.where, {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}, dying())
        self.node.start()
        assert int(self._ask("HEAD", self.where).headers["Upload-Offset"]) == offset, "what was acknowledged is kept, no more and no less"

    def _ask(self, method: str, where: str, headers: dict[str, str] | None = None, body: bytes | Iterator[bytes] = b"") -> httpx.Response:
        sent = {"Tus-Resumable": "1.0.0", "X-CSRFToken": self.person.client.cookies.get("csrftoken") or "", **(headers or {})}
        return self.person.client.request(method, where, headers={"Referer": self.node.address, **sent}, content=body)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.mark.clause("CW10")
def test_ten_gigabytes_arrive_though_the_server_is_killed_three_times(node: NodeProcess, film: Path) -> None:
    filled_up(film, BYTES)
    sender = Sender(node, film)
    sender.create(courseware=node.item)  # type: ignore[attr-defined]
    parts = -(-BYTES // PART)
    sender.send({max(1, parts // 4), max(2, parts // 2), max(3, parts)})
    sender.person.client.close()
    kept = [path for path in (node.home / "uploads" / "originals").rglob("*") if path.is_file()]
    assert [digest(path) for path in kept] == [digest(film)]
    assert ask(node, "SELECT original_bytes FROM courseware_courseware") == [(BYTES,)]
    reviewed = "SELECT 1 FROM courseware_courseware WHERE state = 'in_review'"
    wait_for("the packaging of every form", lambda: ask(node, reviewed), within_s=900)
    assert {row[0] for row in ask(node, "SELECT state FROM courseware_renditionjob")} == {"done"}


@pytest.mark.clause("CW14")
def test_an_archive_beyond_four_gigabytes_comes_in(node: NodeProcess, film: Path, tmp_path: Path) -> None:
    filled_up(film, max(BYTES // 2, 1_000_000))
    archive = tmp_path / "整批课件.zip"
    pack(archive, film)
    sender = Sender(node, archive)
    page = sender.person.open("/courseware/bulk/new/").submit("", button="下一步", department="市农业农村局")
    sender.create(bulk=str(page.answer.url).rstrip("/").rsplit("/", 1)[1])  # type: ignore[union-attr]
    sender.send(set())
    state = "SELECT state FROM courseware_bulkimport"
    wait_for("the archive looked through", lambda: ask(node, state) == [("ready",)], within_s=900)
    page.open(str(page.answer.url)).submit("", button="导入")  # type: ignore[union-attr]
    wait_for("the archive imported", lambda: ask(node, state) == [("applied",)], within_s=900)
    sender.person.client.close()
    size = film.stat().st_size
    assert ask(node, "SELECT origin, original_bytes FROM courseware_courseware WHERE title = '育秧'") == [("市农业农村局", size)]


def pack(archive: Path, film: Path) -> None:
    """As people pack: a sheet and a film, stored as it is (ZIP64 beyond four gigabytes)."""
    book, sheet = openpyxl.Workbook(), BytesIO()
    row = {"标题": "育秧", "形式": "视频", "类别": "服务类", "文件": film.name}
    assert book.active is not None
    book.active.append([field.title for field in FIELDS])
    book.active.append([row.get(field.title, "") for field in FIELDS])
    book.save(sheet)
    with zipfile.ZipFile(archive, "w") as inside:
        inside.writestr("清单.xlsx", sheet.getvalue())
        inside.write(film, film.name)
