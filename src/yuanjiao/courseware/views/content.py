"""What a producer puts into an item: the file, the text, the pictures, the captions; sending it to review, opening a new version."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yuanjiao.courseware import commands, queries
from yuanjiao.courseware.inputs import ArticleForm, sent
from yuanjiao.courseware.packaging.probe import NotUsable
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission

P = Permission


@door(P.PRODUCE_COURSEWARE)
@require_POST
def item_file(request: ActingRequest, uid: UUID) -> HttpResponse:
    """The plain form for browsers without script: one request, so only for small files."""
    row, file = queries.item_for(request.actor, uid), _file(request, "file")
    if (file.size or 0) > settings.MAX_BODY_BYTES:
        raise Refused(_("不用脚本时一次最多传 %(n)d MB；请打开浏览器的脚本，可以断点续传") % {"n": settings.MAX_BODY_BYTES // 2**20})
    at = clock.now()
    upload = commands.begin_upload(courseware=row, filename=file.name or "", size_bytes=file.size or 0, by=request.actor, at=at)
    commands.append_upload(upload=upload, offset=0, source=file, by=request.actor, at=at)
    try:
        commands.finish_upload(upload=upload, by=request.actor, at=at)
    except NotUsable as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("文件已收到，正在打包。可以离开本页，打包会继续。"))
    return redirect("courseware:item", uid)


@door(P.PRODUCE_COURSEWARE)
@require_POST
def item_captions(request: ActingRequest, uid: UUID) -> HttpResponse:
    row = queries.item_for(request.actor, uid)
    commands.attach_captions(courseware=row, content=_file(request, "captions").read(), by=request.actor, at=clock.now())
    messages.success(request, _("字幕已加上。"))
    return redirect("courseware:item", uid)


def _file(request: HttpRequest, name: str) -> UploadedFile:
    file = request.FILES.get(name)
    if not isinstance(file, UploadedFile):
        raise Refused(_("没有选择文件"))
    return file


@door(P.PRODUCE_COURSEWARE)
def item_article(request: ActingRequest, uid: UUID) -> HttpResponse:
    """The text, written in plain marks; works without script."""
    item = queries.item_for(request.actor, uid)
    initial = item.body_source or (commands.CASE_TEMPLATE if item.is_case and not item.body else "")
    form = ArticleForm(sent(request), initial={"source": initial})
    if request.method == "POST" and form.is_valid():
        try:
            commands.write_article(courseware=item, source=form.cleaned_data["source"], by=request.actor, at=clock.now())
        except Refused as error:
            form.add_error("source", error.message)
        else:
            messages.success(request, _("正文已保存。"))
            return redirect("courseware:item", uid)
    context = {"page_title": _("写正文"), "form": form, "item": item, "pictures": queries.pictures_of(item)}
    return render(request, "courseware/article_form.html", context, status=400 if form.errors else 200)


@door(P.PRODUCE_COURSEWARE)
@require_POST
def item_word(request: ActingRequest, uid: UUID) -> HttpResponse:
    """An article out of a Word file."""
    item, file = queries.item_for(request.actor, uid), _file(request, "word")
    try:
        dropped = commands.bring_word(courseware=item, content=file.read(), by=request.actor, at=clock.now())
    except NotUsable as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("已从 Word 带入正文和图片，请在下面核对。"))
        for words in dropped:
            messages.warning(request, _("有一张图片没有带入：%(why)s") % {"why": words})
    return redirect("courseware:item", uid)


@door(P.PRODUCE_COURSEWARE)
@require_POST
def item_pictures(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Add the chosen pictures, each for itself: a bad one does not keep the good ones out."""
    item, kept = queries.item_for(request.actor, uid), 0
    files = request.FILES.getlist("pictures")
    if not files:
        raise Refused(_("没有选择图片"))
    for file in files:
        content, name = file.read(), file.name or ""
        caption = request.POST.get("caption", "")
        try:
            commands.add_picture(courseware=item, content=content, caption=caption, by=request.actor, at=clock.now())
            kept += 1
        except NotUsable as error:
            commands.set_picture_aside(courseware=item, content=content, name=name, why=error.message, by=request.actor, at=clock.now())
            messages.error(request, f"{name}：{error.message}")
    if kept:
        messages.success(request, _("已加上 %(n)d 张图片。") % {"n": kept})
    return redirect("courseware:item", uid)


@door(P.PRODUCE_COURSEWARE)
@require_POST
def picture_change(request: ActingRequest, uid: UUID, number: int) -> HttpResponse:
    """Caption, order or removal of one picture, by the button that was pressed."""
    part, at = queries.picture_for(request.actor, uid, number), clock.now()
    wanted = request.POST.get("do", "caption")
    if wanted == "remove":
        commands.remove_picture(part=part, by=request.actor, at=at)
    elif wanted in {"up", "down"}:
        commands.move_picture(part=part, steps=-1 if wanted == "up" else 1, by=request.actor, at=at)
    else:
        commands.caption_picture(part=part, caption=request.POST.get("caption", ""), by=request.actor, at=at)
    return redirect("courseware:item", uid)


@door(P.PRODUCE_COURSEWARE)
@require_POST
def item_revise(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Open the next version; the old one stays on until the new one is released."""
    item = queries.item_for(request.actor, uid)
    row = commands.revise_courseware(courseware=item, reason=request.POST.get("reason", ""), by=request.actor, at=clock.now())
    messages.success(request, _("已建立第 %(n)d 版的草稿。新版发布之前，原版照常播出。") % {"n": row.edition})
    return redirect("courseware:item", row.uid)


@door(P.PRODUCE_COURSEWARE)
@require_POST
def item_retry(request: ActingRequest, uid: UUID) -> HttpResponse:
    commands.retry_packaging(courseware=queries.item_for(request.actor, uid), by=request.actor, at=clock.now())
    messages.success(request, _("已重新排队。"))
    return redirect("courseware:item", uid)


@door(P.PRODUCE_COURSEWARE)
@require_POST
def item_submit(request: ActingRequest, uid: UUID) -> HttpResponse:
    commands.submit_courseware(courseware=queries.item_for(request.actor, uid), by=request.actor, at=clock.now())
    messages.success(request, _("已送审。"))
    return redirect("courseware:item", uid)
