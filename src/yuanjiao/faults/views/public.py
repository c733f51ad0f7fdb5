"""Following a report by its receipt code: open to anybody, without names."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from yuanjiao.faults import queries
from yuanjiao.items.rules import grouped_code
from yuanjiao.people.access import public


@public
def follow(request: HttpRequest) -> HttpResponse:
    """/faults/follow/?code=…"""
    code = request.GET.get("code", "")[:30]
    found = queries.follow(code) if code else None
    context = {"code": code, "found": found, "spoken": grouped_code(found.code) if found else ""}
    return render(request, "faults/follow.html", context, status=404 if code and found is None else 200)
