"""Urgent work, bulk imports, the lists that are data, registers and counts."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.courseware import commands, jobs, queries
from yuanjiao.courseware.inputs import BulkForm, CommissionForm, sent, uid_of
from yuanjiao.courseware.models import BulkState, ChecklistLine, CommissionKind, Taxonomy, Topic
from yuanjiao.courseware.packaging.bundle import write_template
from yuanjiao.courseware.rules.kinds import MATERIALS
from yuanjiao.courseware.rules.life import MOST_ROUNDS
from yuanjiao.lib import clock
from yuanjiao.lib.errors import NotFound, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import own_unit_first
from yuanjiao.people.rules import Permission
from yuanjiao.places.queries import divisions, units
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, Filter, ListPage, respond, xlsx_response

P = Permission
BULK_BADGES = {BulkState.APPLIED: "green", BulkState.READY: "blue", BulkState.REFUSED: "yellow", BulkState.FAILED: "red"}
RUNNING = {BulkState.CHECKING, BulkState.APPLYING}


# -- urgent work (CW13) -----------------------------------------------------------------------------------------------------


def _due_state(row: Any) -> tuple[str, str]:
    if row.closed_at is not None:
        return (_("已办成"), "green") if row.is_done else (_("已撤销"), "grey")
    left = row.due_at - clock.now()
    if left < timedelta(0):
        return _("已超期"), "red"
    return (_("临近"), "yellow") if left < timedelta(days=3) else (_("进行中"), "blue")


@door(P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
@require_safe
def commission_list(request: ActingRequest) -> HttpResponseBase:
    gives = request.actor.holds(P.MANAGE_COLUMNS) or request.actor.holds(P.REVIEW_COURSEWARE)
    page: ListPage[Any] = ListPage(
        title=_("急需与修改任务"),
        rows=queries.commissions_seen_by(request.actor),
        columns=[
            Column(_("内容"), lambda row: row.title, link=lambda row: reverse("courseware:commission", args=[row.uid]), width=34),
            Column(_("种类"), lambda row: row.get_kind_display(), order=("kind",)),
            Column(_("状态"), lambda row: _due_state(row)[0], badge=lambda row: _due_state(row)[1]),
            Column(_("期限"), lambda row: row.due_at, order=("due_at",), width=18),
            Column(_("承办单位"), lambda row: row.unit.name, width=24),
            Column(_("课件"), lambda row: row.courseware.title if row.courseware else "—", width=24),
            Column(_("下达时间"), lambda row: row.opened_at, order=("opened_at",), width=18),
        ],
        empty=_("没有急需制作或要求修改的任务。"),
        search=("title",),
        search_hint=_("内容"),
        filters=[Filter("open", _("办理"), [("1", _("未办结"))], lambda rows, value: rows.filter(closed_at=None))],
        actions=[(_("下达急需任务"), reverse("courseware:commission_new"))] if gives else [],
    )
    return respond(request, page)


@door(P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
def commission_new(request: ActingRequest) -> HttpResponse:
    """Something urgent to make, or (?item=) a released item to change."""
    item = queries.item_for(request.actor, uid_of(request.GET["item"])) if request.GET.get("item") else None
    paths = {*request.actor.paths(P.MANAGE_COLUMNS), *request.actor.paths(P.REVIEW_COURSEWARE)}
    found = [unit for path in sorted(paths) for unit in units(on=clock.today(), under=path) if unit.division.level <= Level.TOWN]
    initial = {"title": _("修改：%(title)s") % {"title": item.title}, "unit": item.unit.code} if item else None
    form = CommissionForm(sent(request), initial=initial, units=own_unit_first({unit.code: unit for unit in found}.values(), request.actor))
    if request.method == "POST" and form.is_valid():
        kind = CommissionKind.CHANGE if item else CommissionKind.URGENT
        try:
            row = commands.open_commission(kind=kind, courseware=item, **form.terms(), by=request.actor, at=clock.now())
        except Refused as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("任务已下达。"))
            return redirect("courseware:commission", row.uid)
    title = _("要求修改") if item else _("下达急需任务")
    context = {"page_title": title, "form": form, "submit": _("下达"), "back": reverse("courseware:commission_list")}
    return render(request, "courseware/plain_form.html", context, status=400 if form.errors else 200)


@door(P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
def commission(request: ActingRequest, uid: UUID) -> HttpResponse:
    row, actor = queries.commission_for(request.actor, uid), request.actor
    if request.method == "POST":
        if request.POST.get("do") == "take":
            item = queries.item_for(actor, uid_of(request.POST.get("item", "")))
            commands.take_commission(commission=row, courseware=item, by=actor, at=clock.now())
            messages.success(request, _("已关联，审核时会优先。"))
        else:
            done = request.POST.get("do") == "done"
            commands.close_commission(commission=row, done=done, closing=request.POST.get("closing", ""), by=actor, at=clock.now())
            messages.success(request, _("已办结。"))
        return redirect("courseware:commission", uid)
    path = row.unit.division.path
    takes = row.kind == CommissionKind.URGENT and row.closed_at is None and actor.covers(P.PRODUCE_COURSEWARE, path)
    name, badge = _due_state(row)
    context = {
        "page_title": row.title, "commission": row, "state_name": name, "badge": badge,
        "mine": queries.items_seen_by(actor).filter(queries.made_by(actor))[:30] if takes else [],
        "closes": row.closed_at is None and any(actor.covers(one, path) for one in (P.MANAGE_COLUMNS, P.REVIEW_COURSEWARE)),
    }  # fmt: skip
    return render(request, "courseware/commission.html", context)


# -- bulk imports (CW14) ----------------------------------------------------------------------------------------------------


@door(P.PRODUCE_COURSEWARE)
@require_safe
def bulk_list(request: ActingRequest) -> HttpResponseBase:
    page: ListPage[Any] = ListPage(
        title=_("批量导入"),
        rows=queries.bulk_imports_of(request.actor),
        columns=[
            Column(_("来源单位"), lambda row: row.department, link=lambda row: reverse("courseware:bulk", args=[row.uid]), width=24),
            Column(_("状态"), lambda row: row.get_state_display(), badge=lambda row: BULK_BADGES.get(BulkState(row.state), "grey")),
            Column(_("文件"), lambda row: row.file_name, width=30),
            Column(_("收到时间"), lambda row: row.received_at, order=("received_at",), width=18),
            Column(_("说明"), lambda row: row.message, width=30),
        ],
        empty=_("文化、农业、卫生等部门整批送来的课件，填一张清单，连同文件打成一个压缩包，从这里导入。"),
        actions=[(_("导入一批"), reverse("courseware:bulk_new")), (_("下载清单模板"), reverse("courseware:bulk_template"))],
        export=False,
    )
    return respond(request, page)


@door(P.PRODUCE_COURSEWARE)
def bulk_new(request: ActingRequest) -> HttpResponse:
    form = BulkForm(sent(request), request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file: UploadedFile | None = form.cleaned_data["archive"]
        at = clock.now()
        try:
            bulk = commands.open_bulk_import(department=form.cleaned_data["department"], by=request.actor, at=at)
            if file is None:  # its page takes the archive in parts
                return redirect("courseware:bulk", bulk.uid)
            upload = commands.begin_bulk_upload(bulk=bulk, filename=file.name or "", size_bytes=file.size or 0, by=request.actor, at=at)
        except Refused as error:
            form.add_error("archive", error.message)
        else:
            commands.append_upload(upload=upload, offset=0, source=file, by=request.actor, at=at)
            commands.finish_upload(upload=upload, by=request.actor, at=at)
            jobs.check_bulk.enqueue(str(bulk.uid))
            return redirect("courseware:bulk", bulk.uid)
    context = {"page_title": _("导入一批"), "form": form, "submit": _("下一步"), "back": reverse("courseware:bulk_list"), "files": True}
    return render(request, "courseware/plain_form.html", context, status=400 if form.errors else 200)


@door(P.PRODUCE_COURSEWARE)
@require_safe
def bulk_template(request: ActingRequest) -> HttpResponseBase:
    del request
    target = BytesIO()
    write_template(target)
    return xlsx_response(target, "课件清单模板.xlsx")


@door(P.PRODUCE_COURSEWARE)
def bulk(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One import: what is wrong with which row, the returned sheet, and the decision to make items of it."""
    row = queries.bulk_import_for(request.actor, uid)
    if request.method == "POST":
        if request.POST.get("do") == "cancel":
            commands.cancel_bulk_import(bulk=row, by=request.actor, at=clock.now())
            messages.success(request, _("已放弃，没有建立任何课件。"))
            return redirect("courseware:bulk_list")
        if row.state == BulkState.RECEIVED:
            raise Refused(_("请先上传压缩包；分段上传要开浏览器的脚本"))
        good_only = request.POST.get("do") == "good"
        if row.state == BulkState.REFUSED and not good_only:
            raise Refused(_("清单里还有错误：请改好后重新上传，或选择“只导入正确的行”"))
        jobs.import_bulk.enqueue(str(uid), good_only)
        messages.success(request, _("正在导入，稍后刷新本页查看。"))
        return redirect("courseware:bulk", uid)
    rows = list(row.rows.select_related("courseware").order_by("number"))
    context = {
        "page_title": row.department, "bulk": row, "badge": BULK_BADGES.get(BulkState(row.state), "grey"), "rows": rows,
        "bad": [one for one in rows if one.problem], "good": sum(not one.problem for one in rows),
        "is_running": row.state in RUNNING or (row.state == BulkState.RECEIVED and bool(row.file_name)),
        "may_upload": row.state == BulkState.RECEIVED and not row.file_name, "max_upload_bytes": settings.MAX_UPLOAD_BYTES,
        "has_returned": commands.returned_path(row).exists(),
    }  # fmt: skip
    return render(request, "courseware/bulk.html", context)


@door(P.PRODUCE_COURSEWARE)
@require_safe
def bulk_returned(request: ActingRequest, uid: UUID) -> HttpResponseBase:
    row = queries.bulk_import_for(request.actor, uid)
    path = commands.returned_path(row)
    if not path.exists():
        raise NotFound(_("没有退回的清单"))
    return FileResponse(path.open("rb"), as_attachment=True, filename=f"{Path(row.file_name).stem}（错误原因）.xlsx")


# -- lists that are data ----------------------------------------------------------------------------------------------------


@door(P.MANAGE_COLUMNS)
def courseware_settings(request: ActingRequest) -> HttpResponse:
    """Topics, checklist, rounds of review."""
    if request.method == "POST":
        _change_lists(request)
        return redirect("courseware:courseware_settings")
    paths = request.actor.paths(P.MANAGE_COLUMNS)
    places = [one for path in paths for one in divisions(on=clock.today(), under=path).filter(level__lte=Level.COUNTY)]
    context = {
        "page_title": _("课件设置"), "taxonomies": queries.taxonomies(), "lines": queries.checklist_lines(), "materials": MATERIALS,
        "policies": queries.review_policies(request.actor), "divisions": places, "rounds": range(1, MOST_ROUNDS + 1),
    }  # fmt: skip
    return render(request, "courseware/settings.html", context)


def _change_lists(request: ActingRequest) -> None:
    by, at, post = request.actor, clock.now(), request.POST
    wanted = post.get("do")
    if wanted == "usual":
        commands.ensure_usual_lists(by=by, at=at)
    elif wanted == "topic":
        commands.add_topic(taxonomy=get_object_or_404(Taxonomy, code=post.get("taxonomy")), name=post.get("name", ""), by=by, at=at)
    elif wanted in {"end-topic", "restore-topic"}:
        commands.end_topic(topic=get_object_or_404(Topic, code=post.get("code")), ended=wanted == "end-topic", by=by, at=at)
    elif wanted == "line":
        commands.add_checklist_line(text=post.get("text", ""), material=post.get("material", ""), by=by, at=at)
    elif wanted == "end-line":
        commands.end_checklist_line(line=get_object_or_404(ChecklistLine, pk=_whole(post.get("line", ""))), by=by, at=at)
    elif wanted == "rounds":
        paths = by.paths(P.MANAGE_COLUMNS)
        places = [one for path in paths for one in divisions(on=clock.today(), under=path) if one.code == post.get("division")]
        if not places:
            raise Refused(_("请选择区划"))
        commands.set_review_rounds(division=places[0], rounds=_whole(post.get("rounds", "")), by=by, at=at)
    messages.success(request, _("已保存。"))


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Refused(_("请填写数字"))
    return int(text)


# -- registers and counts ---------------------------------------------------------------------------------------------------


@door(P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
@require_safe
def material_list(request: ActingRequest) -> HttpResponseBase:
    """Teaching materials with their review record (CW18)."""
    page: ListPage[Any] = ListPage(
        title=_("教材登记"),
        rows=queries.materials_seen_by(request.actor).prefetch_related("reviews"),
        columns=[
            Column(
                _("教材"), lambda row: row.title, link=lambda row: reverse("courseware:item", args=[row.uid]), order=("title",), width=30
            ),
            Column(_("种类"), lambda row: row.get_material_display(), order=("material",)),
            Column(_("版本"), lambda row: row.edition, order=("edition",)),
            Column(_("状态"), lambda row: row.get_state_display(), order=("state",)),
            Column(_("单位"), lambda row: row.unit.name, width=24),
            Column(_("审核记录"), _review_record, width=40),
            Column(_("发布时间"), lambda row: row.released_at, order=("released_at",), width=18),
        ],
        empty=_("还没有登记教材。新建课件时选好“教材种类”，就会进入这里，连同每一道审核的记录。"),
        search=("title",),
        search_hint=_("教材名称"),
        filters=[Filter("material", _("种类"), MATERIALS, lambda rows, value: rows.filter(material=value))],
    )
    return respond(request, page)


def _item_address(row: Any) -> str:
    return reverse("courseware:item", args=[row.uid])


def _review_record(row: Any) -> str:
    told = sorted(row.reviews.all(), key=lambda one: one.at)
    words = {True: _("通过"), False: _("退回")}
    return "；".join(f"{one.at.astimezone(clock.CHINA):%Y-%m-%d} {one.reviewer_name} {words[one.passed]}" for one in told)


@door(P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
@require_safe
def count_list(request: ActingRequest) -> HttpResponseBase:
    """Released items per month, level, column, kind and class (CW01, CW04)."""
    today = clock.today()
    split = queries.class_split(request.actor)
    now = _("现在播出：%(told)s。") % {"told": "、".join(f"{name} {count} 件" for name, count in split.items())} if split else ""
    page: ListPage[Any] = ListPage(
        title=_("课件数量"),
        rows=queries.released_counts(request.actor, since=today.replace(day=1) - timedelta(days=366), until=today + timedelta(days=1)),
        columns=[
            Column(_("月份"), lambda row: f"{row.month:%Y-%m}"),
            Column(_("单位层级"), lambda row: row.level),
            Column(_("栏目"), lambda row: row.column, width=24),
            Column(_("形式"), lambda row: row.kind),
            Column(_("类别"), lambda row: row.item_class),
            Column(_("件数"), lambda row: row.count),
        ],
        empty=_("近一年还没有发布课件。"),
        lead=_("近一年发布的课件，按月份、单位层级、栏目、形式、类别分列；编入几个栏目，在各栏目里各算一次。") + now,
    )
    return respond(request, page)
