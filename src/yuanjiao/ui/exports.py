"""Long lists as files: a page that tells how far the writing is, without script, and then leads to the file.

The page itself is the work: it is sent piece by piece while the workbook is written, so what it says is so, and who closes it ends
the work. The file belongs to who asked, is kept for an hour, and is fetched through the same list's own door.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import IO

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import gettext as _

from yuanjiao.lib.errors import NotFound
from yuanjiao.lib.sheets import RegisterSheet, writing

LONG = 2000
"""More rows than that are written before the reader's eyes; fewer come at once."""
KEEP_S = 3600.0
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
MARKER = "=== rows so far ==="
"""Where the page grows; never seen by anybody."""
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": "identity"}
"""Each piece is seen when it is sent: nothing on the way gathers them."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def with_progress(
    request: HttpRequest, title: str, sheet: RegisterSheet, total: str, address: Callable[[str], str]
) -> StreamingHttpResponse:
    """A page that grows by a line for every thousand rows and ends with the link to the file; `address` makes it from a token."""
    _forget()
    page = render_to_string("ui/export.html", {"title": title, "total": total, "marker": MARKER}, request)
    head, _marker, foot = page.partition(MARKER)
    token = secrets.token_urlsafe(16)

    def pieces() -> Iterator[str]:
        yield head
        written = 0
        for written in _written(_path(request, token), sheet):
            yield format_html("<li>{}</li>\n", _("已写 %d 行") % written)
        yield format_html(
            '</ol><p><strong>{}</strong> <a class="btn btn-primary" href="{}" download>{}</a></p></section>',
            _("写完了，共 %d 行。") % written,
            address(token),
            _("下载"),
        )
        yield foot

    return StreamingHttpResponse(pieces(), headers=HEADERS)


def _written(target: Path, sheet: RegisterSheet) -> Iterator[int]:
    """Rows written so far. A file that was not finished is no file."""
    part = target.with_suffix(".part")
    try:
        yield from writing(part, [sheet])
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def fetched(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """The file of this token, for who asked for it."""
    path = _path(request, token) if TOKEN.fullmatch(token) else None
    if path is None or not path.exists():
        raise NotFound(_("没有这个文件：只有导出的人可以下载，保留一小时。请重新导出。"))
    return xlsx_response(path.open("rb"), name)


def _path(request: HttpRequest, token: str) -> Path:
    """Whose it is stands in its name."""
    folder = Path(settings.HOME) / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{request.user.pk}-{token}.xlsx"


def _forget() -> None:
    for path in (Path(settings.HOME) / "exports").glob("*"):
        with suppress(FileNotFoundError):  # somebody else's export was finished, or forgotten, meanwhile
            if time.time() - path.stat().st_mtime > KEEP_S:
                path.unlink()


def xlsx_response(target: BytesIO | IO[bytes], name: str) -> HttpResponseBase:
    """A workbook as a download with a Chinese name."""
    target.seek(0)
    return FileResponse(target, as_attachment=True, filename=name, content_type=XLSX)
