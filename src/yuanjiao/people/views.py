"""Log-in, log-out, change of password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door, public
from yuanjiao.people.commands import choose_password


class LogInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _("账号或密码不对。连续输错会暂时锁定账号。"),
        "inactive": _("该账号已停用，请联系上级管理员。"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("账号")
        self.fields["password"].label = _("密码")


log_in = public(
    auth_views.LoginView.as_view(template_name="people/log_in.html", authentication_form=LogInForm, redirect_authenticated_user=True)
)
log_out = public(auth_views.LogoutView.as_view(next_page="people:log_in"))


@door()
def change_password(request: ActingRequest) -> HttpResponse:
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["new_password1"]
        choose_password(account=request.user, password=password, by=request.actor, at=clock.now())
        messages.success(request, _("密码已修改，请用新密码登录。"))
        return redirect("people:log_in")
    return render(request, "people/change_password.html", {"form": form})


def locked_out(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Too many wrong passwords: said plainly, with how long it lasts."""
    context = {"minutes": settings.SIGNUP_LOCK_MINUTES}
    return render(request, "people/locked_out.html", context, status=429)
