"""Pages of the import: template, upload, progress, what is wrong, apply, history, undo, and the whole register as one file."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, NotFound, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.register import commands, jobs
from yuanjiao.register.documents import files
from yuanjiao.register.documents.columns import SHEETS
from yuanjiao.register.documents.template import write_workbook
from yuanjiao.register.documents.whole import register_rows
from yuanjiao.register.documents.workbook import MAX_FILE_BYTES, MAX_ROWS
from yuanjiao.register.models import RUNNING, Import, ImportChange, ImportState
from yuanjiao.register.queries import changes_of, import_by_uid, imports_of, known_register
from yuanjiao.ui.lists import Column, Filter, ListPage, respond, xlsx_response

P = Permission
SHOWN = 50
SLOW_AFTER_S = 30
BADGES = {
    ImportState.APPLIED: "green",
    ImportState.READY: "blue",
    ImportState.REFUSED: "yellow",
    ImportState.FAILED: "red",
    ImportState.UNDONE: "grey",
    ImportState.CANCELLED: "grey",
}
FIELD_TITLES = {column.key: column.title for plan in SHEETS for column in plan.columns} | {
    "row": "历史行",
    "phone_sealed": "电话",
    "phone_digest": "电话",
}


class UploadForm(forms.Form):
    """One file."""

    file = forms.FileField(
        label=gettext_lazy("填好的表格（.xlsx）"), widget=forms.ClearableFileInput(attrs={"accept": ".xlsx", "class": "form-control"})
    )


@door(P.IMPORT_REGISTER)
def import_new(request: ActingRequest) -> HttpResponseBase:
    is_upload = request.method == "POST"
    form = UploadForm(request.POST, request.FILES) if is_upload else UploadForm()
    if is_upload and form.is_valid():
        upload: UploadedFile = form.cleaned_data["file"]
        try:
            batch = commands.receive_file(
                name=upload.name or _("未命名.xlsx"), chunks=upload.chunks(), size_bytes=upload.size or 0, by=request.actor, at=clock.now()
            )
        except Refused as error:
            form.add_error("file", error.message)
        else:
            jobs.check_in_background.enqueue(str(batch.uid))
            return redirect("register:import", uid=batch.uid)
    context = {
        "page_title": _("导入台账"),
        "form": form,
        "sheets": SHEETS,
        "max_rows": MAX_ROWS,
        "max_bytes": MAX_FILE_BYTES,
        "recent": imports_of(request.actor)[:5],
    }
    return render(request, "register/import_new.html", context, status=400 if form.errors else 200)


def _import_address(batch: Import) -> str:
    return reverse("register:import", args=[batch.uid])


@door(P.IMPORT_REGISTER)
def import_list(request: ActingRequest) -> HttpResponseBase:
    page: ListPage[Import] = ListPage(
        title=_("导入记录"),
        rows=imports_of(request.actor),
        columns=[
            Column(
                _("上传时间"),
                lambda row: row.received_at,
                link=lambda row: reverse("register:import", args=[row.uid]),
                order=("received_at",),
            ),
            Column(_("文件"), lambda row: row.file_name, width=40),
            Column(_("状态"), lambda row: row.get_state_display(), badge=lambda row: BADGES.get(ImportState(row.state), "blue")),
            Column(_("完成时间"), lambda row: row.finished_at),
            Column(_("文件指纹"), lambda row: row.sha256[:12], width=16),
        ],
        empty=_("您还没有导入过。先下载模板，填好后在“导入台账”上传。"),
        actions=[(_("导入台账"), reverse("register:import_new"))],
        filters=[Filter("state", _("状态"), [(key, str(name)) for key, name in ImportState.choices], lambda rows, v: rows.filter(state=v))],
        context={"page_title": _("导入记录")},
    )
    return respond(request, page)


@door(P.IMPORT_REGISTER)
def import_page(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    batch = import_by_uid(uid, actor=request.actor)
    return render(request, "register/import.html", {**_import_context(batch), "page_title": batch.file_name})


def _import_context(batch: Import) -> dict[str, Any]:
    sheets = list(batch.sheets.all())
    totals = {
        name: sum(getattr(sheet, f"{name}_count") for sheet in sheets) for name in ("row", "bad", "created", "changed", "unchanged")
    }  # fmt: skip
    waited_s = (clock.now() - batch.received_at).total_seconds()
    return {
        "batch": batch,
        "badge": BADGES.get(ImportState(batch.state), "blue"),
        "sheets": sheets,
        "totals": totals,
        "good_rows": totals["row"] - totals["bad"],
        "problems": batch.problems.all()[:SHOWN],
        "is_running": batch.state in RUNNING,
        "percent": round(files.read_progress(batch.uid) * 100) if batch.state in RUNNING else 100,
        "is_late": batch.state == ImportState.RECEIVED and waited_s > SLOW_AFTER_S,
        "has_returned": files.returned(batch.uid).exists(),
    }


@door(P.IMPORT_REGISTER)
def import_progress(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    """The bar alone, asked for every second; when the work is over the whole page is loaded anew."""
    batch = import_by_uid(uid, actor=request.actor)
    if batch.state not in RUNNING:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return render(request, "register/_progress.html", _import_context(batch))


@door(P.IMPORT_REGISTER)
@require_POST
def import_apply(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    batch = import_by_uid(uid, actor=request.actor)
    commands.request_apply(batch=batch, good_rows_only=request.POST.get("good_rows_only") == "1", by=request.actor)
    jobs.apply_in_background.enqueue(str(batch.uid))
    return redirect("register:import", uid=uid)


@door(P.IMPORT_REGISTER)
@require_POST
def import_cancel(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    commands.cancel_import(batch=import_by_uid(uid, actor=request.actor), by=request.actor, at=clock.now())
    messages.success(request, _("已放弃这次导入，文件已删除，台账没有改动。"))
    return redirect("register:import_list")


@door(P.IMPORT_REGISTER)
@require_POST
def import_undo(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    try:
        commands.undo_import(batch=import_by_uid(uid, actor=request.actor), by=request.actor, at=clock.now())
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("已撤销：新增的已删除，变更的已恢复原值。"))
    return redirect("register:import", uid=uid)


@door(P.IMPORT_REGISTER)
def import_returned(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    batch = import_by_uid(uid, actor=request.actor)
    path = files.returned(batch.uid)
    if not path.exists():
        raise NotFound(_("退回的文件已经清除；请重新上传原文件"))
    stem = batch.file_name.rsplit(".", 1)[0]
    return FileResponse(path.open("rb"), as_attachment=True, filename=f"{stem}（错误原因）.xlsx")


@door(P.IMPORT_REGISTER)
def import_changes(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    batch = import_by_uid(uid, actor=request.actor)
    page: ListPage[ImportChange] = ListPage(
        title=_("导入明细"),
        rows=changes_of(batch).order_by("created", "pk"),  # what was there before is what people look for first
        columns=[
            Column(_("类别"), lambda row: row.get_table_display()),
            Column(_("编号"), lambda row: row.code, width=24),
            Column(_("名称"), lambda row: row.name, width=28),
            Column(_("办理"), lambda row: _("新增") if row.created else _("变更"), badge=lambda row: "green" if row.created else "yellow"),
            Column(_("原值 → 新值"), _field_text, width=50),
        ],
        empty=_("这次导入没有新增或变更任何内容。"),
        search=("code", "name"),
        search_hint=_("编号或名称"),
        filters=[Filter("created", _("办理"), [("1", _("新增")), ("0", _("变更"))], lambda rows, v: rows.filter(created=v == "1"))],
        actions=[(_("回到这次导入"), _import_address(batch))],
        lead=batch.file_name,
        context={"page_title": _("导入明细")},
    )
    return respond(request, page)


def _field_text(change: ImportChange) -> str:
    """What changed, in words; telephone numbers only as having changed."""
    told = [
        f"{FIELD_TITLES.get(one.field, one.field)}：{one.before or '（空）'} → {one.after or '（空）'}"
        for one in change.fields.all()
        if one.field != "row" and not one.field.startswith("phone")
    ]
    if any(one.field == "phone_digest" for one in change.fields.all()):
        told.append(_("电话已变更"))
    return "；".join(told)


@door(P.IMPORT_REGISTER)
def template_file(request: ActingRequest) -> HttpResponseBase:
    del request
    target = BytesIO()
    write_workbook(target)
    return xlsx_response(target, "远教台账导入模板.xlsx")


@door(P.EXPORT_REGISTER)
def whole_file(request: ActingRequest) -> HttpResponseBase:
    """Everything in the actor's subtrees in the template's shape."""
    target = BytesIO()
    write_workbook(target, register_rows(known_register(), request.actor.paths(P.EXPORT_REGISTER)))
    return xlsx_response(target, f"远教台账{clock.today():%Y%m%d}.xlsx")
