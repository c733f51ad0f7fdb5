"""Start pages of staff: one address, the page of whoever comes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from yuanjiao.people.access import door


@door()
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "desks/home.html", {"page_title": "我的工作台"})
