"""The request's border: who reads comes first; the four errors become pages and statuses people and machines understand."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from yuanjiao.lib.errors import Conflict, DiskFull, Forbidden, NotFound, Refused, Tampered, Unavailable, YuanjiaoError
from yuanjiao.lib.precedence import READERS

log = logging.getLogger(__name__)
STATUS: tuple[tuple[type[YuanjiaoError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (Refused, 400),
    (Conflict, 409),
    (DiskFull, 507),
    (Unavailable, 503),
    (Tampered, 422),
)
TITLES = {
    400: "不能这样办理",
    403: "没有权限",
    404: "没有找到",
    409: "已经变化",
    422: "内容与签名不符",
    503: "暂时不可用",
    507: "磁盘空间不足",
}


def status_of(error: YuanjiaoError) -> int:
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


class ReadersFirst:
    """While a page is made that somebody waits for, work that may wait lets it by (lib/precedence.py)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return self.get_response(request)
        with READERS.reading():
            return self.get_response(request)


class ErrorPages:
    """Turns YuanjiaoError raised in a view into an error page (or JSON where JSON was asked for)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, YuanjiaoError):
            return None
        status = status_of(error)
        if isinstance(error, Tampered):
            log.error("tampered: %s %s", request.path, error.message)
        if "json" in request.headers.get("Accept", "") and "html" not in request.headers.get("Accept", ""):
            response: HttpResponse = JsonResponse({"error": type(error).__name__, "message": error.message}, status=status)
        else:
            response = render(
                request, "ui/error.html", {"title": TITLES[status], "message": error.message, "status": status}, status=status
            )
        if isinstance(error, Unavailable):
            response["Retry-After"] = str(round(error.retry_s))
        return response
