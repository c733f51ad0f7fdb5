"""The learner's portal. No log-in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from yuanjiao.people.access import public


@public
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "desks/portal_home.html")
