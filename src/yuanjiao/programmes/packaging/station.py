"""A day (or a slot of a day) of a channel as one file for a television station: play list, guide, the films, their sums (DLV10).

A film that is aired three times lies in the package once. The films are the box renditions as they were proved: H.264 and AAC in MP4.
"""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from datetime import date
from typing import IO
from uuid import UUID

from django.conf import settings

from yuanjiao.courseware.queries import RenditionCard, item_detail
from yuanjiao.flow.blobs import store
from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.programmes.models import Airing, Channel
from yuanjiao.programmes.queries.channels import airings_of, guide_of

BEST = ("box-hd", "box-sd")
HEAD = ("序号", "开始", "结束", "时长（秒）", "节目", "文件", "SHA-256", "说明")
UNSAFE = str.maketrans(dict.fromkeys('\\/:*?"<>|\r\n\t', "_"))


def package(channel: Channel, day: date, *, begins: str = "00:00", ends: str = "24:00") -> IO[bytes]:
    """A ZIP in a temporary file, at its beginning; films are stored as they are. Refused for a day or slot without programmes,
    DiskFull where the disk has no room for them once more.

    `begins` and `ends` are 'HH:MM' of the day; an airing belongs to the slot in which it starts.
    """
    rows = [row for row in airings_of(channel, day) if begins <= f"{row.starts_at.astimezone(CHINA):%H:%M}" < ends]
    if not rows:
        raise Refused("这一天（或这个时段）没有排好的节目")
    films = {uid: _film(uid, day) for uid in dict.fromkeys(row.item_uid for row in rows)}
    names = {uid: _name(number, rows, uid) for number, uid in enumerate(films, 1)}
    store.make_room(sum(film.size_bytes for film in films.values() if film))
    target = tempfile.TemporaryFile(dir=settings.HOME)  # noqa: SIM115  (whoever sends it closes it)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("节目单.csv", _list(rows, films, names))
        archive.writestr("guide.xml", guide_of(channel, day, day))
        archive.writestr("SHA256SUMS", "".join(f"{film.blob}  {names[uid]}\n" for uid, film in films.items() if film))
        for uid, film in films.items():
            if film:
                with store.local(film.blob) as path:
                    archive.write(path, names[uid])
    target.seek(0)
    return target


def _film(uid: UUID, on: date) -> RenditionCard | None:
    """The best form a station can take; None for an item that was withdrawn, or whose file is not here."""
    try:
        found = item_detail(uid, on=on)
    except NotFound:
        return None
    forms = (found.rendition(profile) for profile in BEST)
    return next((form for form in forms if form is not None and store.has(form.blob)), None)


def _name(number: int, rows: list[Airing], uid: UUID) -> str:
    title = next(row.title for row in rows if row.item_uid == uid)
    return f"films/{number:03d}-{title.translate(UNSAFE)[:60]}.mp4"


def _list(rows: list[Airing], films: dict[UUID, RenditionCard | None], names: dict[UUID, str]) -> bytes:
    """The list as a spreadsheet opens it: CSV, UTF-8 with its mark, local times to the second."""
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(HEAD)
    for number, row in enumerate(rows, 1):
        film = films[row.item_uid]
        times = (f"{moment.astimezone(CHINA):%Y-%m-%d %H:%M:%S}" for moment in (row.starts_at, row.ends_at))
        length = round((row.ends_at - row.starts_at).total_seconds())
        told = (names[row.item_uid], film.blob, "") if film else ("", "", "已撤下，请勿播出")
        sheet.writerow([number, *times, length, row.title, *told])
    return text.getvalue().encode("utf-8-sig")
