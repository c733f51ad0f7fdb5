"""Error pages Django asks for itself."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    context = {"title": _("没有找到"), "message": _("没有这个页面，可能地址写错了，或内容已经撤下。")}
    return render(request, "ui/error.html", context, status=404)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    context = {"title": _("没有权限"), "message": _("您的岗位没有这项权限。")}
    return render(request, "ui/error.html", context, status=403)


def broken(request: HttpRequest) -> HttpResponse:
    context = {"title": _("系统出错"), "message": _("出错已记入日志，请稍后再试；仍不行请告诉上级管理员您刚才做了什么。")}
    return render(request, "ui/error.html", context, status=500)
