"""The upload door: tus 1.0 core with creation, termination and checksum, for logged-in producers (the CSRF token is a header).

The server keeps what it acknowledged: HEAD tells the offset after a cut, a restart of the browser or of this server.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from yuanjiao.courseware import commands, jobs, queries
from yuanjiao.courseware.commands.uploads import BadChecksum
from yuanjiao.courseware.inputs import uid_of, upload_metadata, whole_number
from yuanjiao.courseware.models import BulkImport, Upload
from yuanjiao.courseware.packaging.probe import NotUsable
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, DiskFull, Forbidden, NotFound, Refused, Unavailable, YuanjiaoError
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission

VERSION = "1.0.0"
EXTENSIONS = "creation,termination,checksum"
PART = "application/offset+octet-stream"
STATUS: tuple[tuple[type[YuanjiaoError], int], ...] = (
    (BadChecksum, 460),
    (NotUsable, 422),
    (NotFound, 404),
    (Forbidden, 403),
    (Refused, 400),
    (Conflict, 409),
    (DiskFull, 507),
    (Unavailable, 503),
)


def tus(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Version check and headers of the protocol; errors become a status and one line of Chinese text."""

    @wraps(view)
    def speaking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
            answer = HttpResponse("Tus-Resumable 须为 1.0.0", status=412, content_type="text/plain; charset=utf-8")
            answer["Tus-Version"] = VERSION
        else:
            try:
                answer = view(request, *args, **kwargs)
            except YuanjiaoError as error:
                status = next(code for kind, code in STATUS if isinstance(error, kind))
                answer = HttpResponse(error.message, status=status, content_type="text/plain; charset=utf-8")
        answer["Tus-Resumable"] = VERSION
        answer["Cache-Control"] = "no-store"
        return answer

    return speaking


@door(Permission.PRODUCE_COURSEWARE)
@require_http_methods(["POST", "OPTIONS"])
@tus
def upload_create(request: ActingRequest) -> HttpResponse:
    """POST opens an upload (Upload-Length, Upload-Metadata: filename, and courseware or bulk); OPTIONS says what this door can do."""
    if request.method == "OPTIONS":
        answer = HttpResponse(status=204)
        answer["Tus-Version"], answer["Tus-Extension"] = VERSION, EXTENSIONS
        answer["Tus-Checksum-Algorithm"], answer["Tus-Max-Size"] = "sha1", str(settings.MAX_UPLOAD_BYTES)
        return answer
    size = whole_number(request.headers.get("Upload-Length", ""), "Upload-Length")
    if size > settings.MAX_UPLOAD_BYTES:
        return HttpResponse(f"文件超过上限 {settings.MAX_UPLOAD_BYTES / 1e9:.1f} GB", status=413, content_type="text/plain; charset=utf-8")
    told = upload_metadata(request.headers.get("Upload-Metadata", ""))
    said: dict[str, Any] = {"filename": told.get("filename", ""), "size_bytes": size, "by": request.actor, "at": clock.now()}
    if "bulk" in told:  # the archive of a bulk import: often several gigabytes
        upload = commands.begin_bulk_upload(bulk=queries.bulk_import_for(request.actor, uid_of(told["bulk"])), **said)
    else:
        upload = commands.begin_upload(courseware=queries.item_for(request.actor, uid_of(told.get("courseware", ""))), **said)
    answer = HttpResponse(status=201)
    answer["Location"] = reverse("courseware:upload", args=[upload.uid])
    return answer


@door(Permission.PRODUCE_COURSEWARE)
@require_http_methods(["HEAD", "PATCH", "DELETE"])
@tus
def upload(request: ActingRequest, uid: UUID) -> HttpResponse:
    """HEAD tells the offset, PATCH adds a part and hands the last one on, DELETE gives the upload up."""
    row = queries.upload_of(request.actor, uid)
    if request.method == "HEAD":
        return _where(row, HttpResponse())
    if request.method == "DELETE":
        commands.end_upload(upload=row, by=request.actor, at=clock.now())
        return HttpResponse(status=204)
    return _add_part(request, row)


def _add_part(request: ActingRequest, row: Upload) -> HttpResponse:
    if request.content_type != PART:
        return HttpResponse(f"Content-Type 须为 {PART}", status=415, content_type="text/plain; charset=utf-8")
    algorithm, _space, digest = request.headers.get("Upload-Checksum", "").partition(" ")
    if algorithm and algorithm != "sha1":
        raise Refused("只支持 sha1 校验")
    offset = whole_number(request.headers.get("Upload-Offset", ""), "Upload-Offset")
    row = commands.append_upload(upload=row, offset=offset, source=request, by=request.actor, at=clock.now(), sha1=digest)
    if row.offset_bytes == row.size_bytes:
        whole = commands.finish_upload(upload=row, by=request.actor, at=clock.now())
        if isinstance(whole, BulkImport):
            jobs.check_bulk.enqueue(str(whole.uid))
    return _where(row, HttpResponse(status=204))


def _where(row: Upload, answer: HttpResponse) -> HttpResponse:
    answer["Upload-Offset"], answer["Upload-Length"] = str(row.offset_bytes), str(row.size_bytes)
    return answer
