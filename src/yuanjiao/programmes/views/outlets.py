"""Publishing on official channels: the channels, what was published where with its result, and doing it (DLV15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.courseware.queries import ItemDetail, item_detail, released_items
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import unit_by_code
from yuanjiao.programmes import commands, queries
from yuanjiao.programmes.inputs import OutletForm, PublishForm
from yuanjiao.programmes.models import Outlet, Publication, PublicationState
from yuanjiao.programmes.rules.outlets import Connector
from yuanjiao.programmes.views.parts import form_page, own_units, said, sent
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P, S = Permission, PublicationState
BADGES = {S.WAITING: "blue", S.BY_HAND: "yellow", S.PUBLISHED: "green", S.FAILED: "red", S.REMOVED: "grey"}
OFFERED = 300
"""Released items offered for publishing: the newest."""


@door(P.MANAGE_COLUMNS)
@require_safe
def publication_list(request: ActingRequest) -> HttpResponseBase:
    """What was published where, with the result of each channel."""
    columns: list[Column[Publication]] = [
        Column(_("课件"), lambda row: row.title, link=lambda row: reverse("programmes:publication", args=[row.uid]), width=36),
        Column(_("媒体"), lambda row: row.outlet.name, order=("outlet__name",), width=24),
        Column(_("结果"), lambda row: row.get_state_display(), badge=lambda row: BADGES[S(row.state)], order=("state",)),
        Column(_("答复"), lambda row: row.answer, width=36),
        Column(_("发起"), lambda row: row.asked_at, order=("asked_at",)),
        Column(_("完成"), lambda row: row.done_at, order=("done_at",)),
        Column(_("已试（次）"), lambda row: row.tries),
    ]
    page: ListPage[Publication] = ListPage(
        title=_("媒体发布"), rows=queries.publications_managed_by(request.actor), columns=columns,
        empty=_("还没有向官方媒体发布过。先登记媒体，再选一件已发布的课件发出去。"),
        lead=_("发出去的是标题、导语、图片和课件网址，片子仍在本平台播放；每个媒体的结果各记一条。"),
        search=("title", "outlet__name"), search_hint=_("课件或媒体"),
        filters=[Filter("state", _("结果"), S.choices, lambda rows, value: rows.filter(state=value))],
        actions=[
            (_("发布到媒体"), reverse("programmes:publication_new")),
            (_("每周快讯"), reverse("programmes:bulletin_list")),
            (_("官方媒体"), reverse("programmes:outlet_list")),
        ],
    )  # fmt: skip
    return respond(request, page)


@door(P.MANAGE_COLUMNS)
@require_safe
def publication(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One item on one channel, and what may be done about it."""
    row = queries.publication_for(request.actor, uid)
    by_machine = row.outlet.connector != Connector.BY_HAND and row.outlet.ended_on is None
    context = {
        "page_title": row.title, "row": row, "badge": BADGES[S(row.state)],
        "may_note": row.state in {S.BY_HAND, S.FAILED}, "may_send": row.state == S.FAILED and by_machine,
        "may_remove": row.state == S.PUBLISHED, "withdrawn": bool(queries.withdrawn_here([row])),
    }  # fmt: skip
    return render(request, "programmes/publication.html", context)


@door(P.MANAGE_COLUMNS)
@require_POST
def publication_act(request: ActingRequest, uid: UUID) -> HttpResponse:
    """A result noted by hand, another try, or that the channel took it down; by the button that was pressed."""
    row, post = queries.publication_for(request.actor, uid), request.POST
    who: dict[str, Any] = {"publication": row, "by": request.actor, "at": clock.now()}
    doing: dict[str, Callable[[], object]] = {
        "note": lambda: commands.note_publication(link=post.get("link", ""), words=post.get("words", ""), **who),
        "send": lambda: commands.send_again(**who),
        "remove": lambda: commands.note_removal(**who),
    }
    act = doing.get(post.get("do", ""))
    if act is None:
        raise Refused(_("请选择要做什么"))
    return said(request, act, _("已保存。"), "programmes:publication", uid)


@door(P.MANAGE_COLUMNS)
def publication_new(request: ActingRequest) -> HttpResponse:
    items = [(one.uid, one.title) for one in released_items(on=clock.today(), limit=OFFERED)]
    open_now = queries.outlets_managed_by(request.actor).filter(ended_on=None).exclude(connector=Connector.SMS)
    outlets = {str(one.uid): one for one in open_now}
    form = PublishForm(sent(request)[0], items=items, outlets=outlets, initial={"item": request.GET.get("item", "")})

    def save(values: Any) -> str:
        item = UUID(values["item"])
        found = item_detail(item, on=clock.today())
        commands.publish_on(
            item=item, outlets=[outlets[key] for key in values["outlets"]], lead=values["lead"], by=request.actor, at=clock.now(),
            address=_address(request, f"/items/{item}/"), picture=_picture(request, found),
        )  # fmt: skip
        return reverse("programmes:publication_list")

    back = (reverse("programmes:publication_list"), _("媒体发布"))
    note = "" if outlets else _("还没有登记官方媒体，请先登记。")
    return form_page(
        request, form, title=_("发布到媒体"), back=back, save=save, done=_("已发出，结果见下表。"), note=note, submit=_("发布")
    )


def _address(request: ActingRequest, path: str) -> str:
    """Where the public opens a page of this node."""
    return settings.PUBLIC_URL.rstrip("/") + path if settings.PUBLIC_URL else request.build_absolute_uri(path)


def _picture(request: ActingRequest, found: ItemDetail) -> str:
    poster = found.rendition("poster")
    blob = poster.blob if poster else found.parts[0].blob if found.parts else ""
    return _address(request, f"/blobs/{blob}.jpg") if blob else ""


@door(P.MANAGE_COLUMNS)
@require_safe
def outlet_list(request: ActingRequest) -> HttpResponseBase:
    columns: list[Column[Any]] = [
        Column(_("媒体"), lambda row: row.name, order=("name",), width=24),
        Column(_("连接方式"), lambda row: row.get_connector_display(), width=24),
        Column(_("接口主机"), lambda row: row.host, width=24),
        Column(_("备案号或批准依据"), lambda row: row.registration, width=24),
        Column(_("主管单位"), lambda row: row.unit.name, width=24),
        Column(_("已发布（件）"), lambda row: row.published, order=("published",)),
        Column(_("没有成功（件）"), lambda row: row.failed, badge=lambda row: "red" if row.failed else None, order=("failed",)),
        Column(
            _("状态"), lambda row: _("停用") if row.ended_on else _("在用"), badge=lambda row: "grey" if row.ended_on else "green",
            link=lambda row: None if row.ended_on else reverse("programmes:outlet_end", args=[row.uid]),
        ),
    ]  # fmt: skip
    page: ListPage[Any] = ListPage(
        title=_("官方媒体"), rows=queries.outlets_managed_by(request.actor), columns=columns,
        empty=_("还没有登记官方媒体。局属报刊、网站、公众号、工作群机器人登记后，课件可以一次发到几家。"),
        search=("name", "registration"), search_hint=_("媒体名称或备案号"),
        actions=[(_("登记媒体"), reverse("programmes:outlet_new")), (_("媒体发布"), reverse("programmes:publication_list"))],
        notes=[_("接口地址和密钥加密保存，登记后不再显示；换地址即停用旧的、登记新的。")],
    )  # fmt: skip
    return respond(request, page)


@door(P.MANAGE_COLUMNS)
def outlet_new(request: ActingRequest) -> HttpResponse:
    form = OutletForm(sent(request)[0], units=own_units(request))

    def save(values: Any) -> str:
        unit, connector = unit_by_code(values["unit"]), Connector(values["connector"])
        commands.register_outlet(**{**values, "unit": unit, "connector": connector}, by=request.actor, at=clock.now())
        return reverse("programmes:outlet_list")

    back = (reverse("programmes:outlet_list"), _("官方媒体"))
    return form_page(request, form, title=_("登记媒体"), back=back, save=save, done=_("媒体已登记。"))


@door(P.MANAGE_COLUMNS)
def outlet_end(request: ActingRequest, uid: UUID) -> HttpResponse:
    """A page that asks first, because a channel that was ended is registered anew, with its secret."""
    row: Outlet = queries.outlet_for(request.actor, uid)
    if request.method == "POST":
        end = lambda: commands.end_outlet(outlet=row, by=request.actor, at=clock.now())  # noqa: E731
        return said(request, end, _("媒体已停用。"), "programmes:outlet_list")
    return render(request, "programmes/outlet_end.html", {"page_title": row.name, "outlet": row})
