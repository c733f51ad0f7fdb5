"""Start pages of staff: one address, the page of whoever comes; the audit trail and the nodes for those who watch over both."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yuanjiao.desks.staff import waiting
from yuanjiao.desks.staff.roles import desk_for
from yuanjiao.flow.journal.queries import HeadNow, heads_now, nodes_of_journals, unapplied_count
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.models import AuditRow
from yuanjiao.people.queries import audit_trail, masked_phone
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, Filter, ListPage, respond


@door()
def home(request: ActingRequest) -> HttpResponse:
    at = clock.now()
    title = f"{request.actor.name}，{greeting(at.astimezone(clock.CHINA).hour)}"
    return render(request, "desks/home.html", {"page_title": title, "desk": desk_for(request.actor, at)})


def greeting(hour: int) -> str:
    return _("早上好") if 5 <= hour < 11 else _("中午好") if hour < 13 else _("下午好") if hour < 18 else _("晚上好")


@door(Permission.SEE_AUDIT)
def audit(request: ActingRequest) -> HttpResponseBase:
    """Who changed what, newest first; nobody can change this list, the auditor neither."""
    columns = [
        Column[AuditRow](_("时间"), lambda row: row.at, order=("at",), width=18),
        Column[AuditRow](_("操作人"), lambda row: row.actor_name, order=("actor_name",)),
        Column[AuditRow](_("操作"), lambda row: row.action, order=("action",)),
        Column[AuditRow](_("对象"), lambda row: row.subject, width=40),
        Column[AuditRow](_("说明"), lambda row: row.detail, width=50),
    ]
    page = ListPage(
        title=_("操作日志"),
        rows=audit_trail(request.actor.paths(Permission.SEE_AUDIT)),
        columns=columns,
        empty=_("还没有操作记录。任何人做的修改都会出现在这里。"),
        search=("actor_name", "action", "subject", "detail"),
        search_hint=_("操作人、操作、对象"),
        lead=_("每一次修改都与修改本身同时写入，任何岗位都不能改动或删除。"),
    )
    return respond(request, page)


@door(Permission.SEE_FLOW)
def nodes(request: ActingRequest) -> HttpResponseBase:
    """Every machine of the reader's subtree that keeps a journal: how far we hold it, what our parent said, what could not be built."""
    columns = [
        Column[HeadNow](_("节点"), lambda row: row.name + ("（本机）" if row.is_self else ""), width=28),
        Column[HeadNow](_("已收到第几条"), lambda row: row.seq),
        Column[HeadNow](_("上级已收第几条"), lambda row: row.acknowledged_seq),
        Column[HeadNow](_("上级最近的拒绝"), lambda row: row.refusal, width=40),
        Column[HeadNow](_("拒绝时间"), lambda row: row.refused_at, width=18),
    ]
    owners = waiting.owners_seen(request.actor, clock.today(), nodes_of_journals())
    heads, aside = [head for head in heads_now() if head.node in owners], unapplied_count(owners)
    lead = _("日志共 {total} 条。").format(total=sum(head.seq for head in heads))
    if aside:
        lead += _("有 {n} 条暂时不能入库，系统会再试；原因和负责人见“未能入库的记录”。").format(n=aside)
    if forked := [head.name for head in heads if head.forks]:
        lead += _("{names} 对已收的序号另有说法（恢复过旧备份，或被复制过）：请在该机器上运行 yuanjiao journal fork。").format(
            names="、".join(forked)
        )
    page = ListPage(
        title=_("节点与日志"),
        rows=heads,
        columns=columns,
        empty=_("还没有任何节点记下日志。到“边缘服务器”页给一台服务器发登记码。"),
        actions=[(_("未能入库的记录"), reverse("desks:waiting"))],
        lead=lead,
    )
    return respond(request, page)


@door(Permission.SEE_FLOW)
def waiting_list(request: ActingRequest) -> HttpResponseBase:
    """Entries of the reader's subtree whose rows could not be built, with reason and owner; below, what our parent refuses."""
    at = clock.now()
    rows, owners = waiting.waiting_seen(request.actor, clock.local_day(at))
    chosen = request.GET.get("reason", "")
    rows = rows.filter(reason=chosen) if chosen else rows
    page = ListPage[Any](
        title=_("未能入库的记录"),
        rows=rows,
        columns=waiting_columns(owners),
        empty=_("没有等待入库的记录。收到的记录都已经生成数据。"),
        search=("entry__origin__name", "entry__origin__subject_code", "reason"),
        search_hint=_("节点名称、编号或原因"),
        filters=[
            Filter(
                "kind",
                _("类别"),
                [(kind, str(name)) for kind, name in waiting.KINDS.items()],
                lambda rows, value: rows.filter(entry__kind__startswith=f"{value}/"),
            ),
        ],
        lead=_("这些记录已经收到、不会丢失，只是还不能生成数据。系统每 5 分钟再试一次；先消除原因，再点“重新入库”可以立即重试。"),
        notes=[_("原因消除以后，记录会自动入库，并从本页消失。")],
        context={
            "chosen": chosen,
            "causes": waiting.frequent_causes(rows),
            "may_retry": request.actor.holds(Permission.ENROL_NODES),
            "refusals": waiting.refusals_seen(owners),
        },
    )
    return respond(request, page, "desks/waiting.html")


def waiting_columns(owners: dict[UUID, waiting.Owner]) -> list[Column[Any]]:
    """What the list tells of each entry; who answers is asked for once per node."""
    on, answers = clock.today(), dict[UUID, str]()

    def owner(row: Any) -> waiting.Owner:
        return owners[row.entry.origin.uid]

    def answering(row: Any) -> str:
        uid = row.entry.origin.uid
        if uid not in answers:
            answers[uid] = "、".join(f"{one.person.name}（{one.unit_name}）" for one in owners[uid].responsible(on)) or _("未指定")
        return answers[uid]

    return [
        Column(_("节点"), lambda row: owner(row).node.name, order=("entry__origin__name",), width=24),
        Column(_("所在地"), lambda row: owner(row).place_name or _("本机"), width=18),
        Column(
            _("记录"),
            lambda row: _("{kind}第 {seq} 条").format(kind=waiting.kind_name(row.entry.kind), seq=row.entry.seq),
            link=lambda row: reverse("desks:waiting_entry", args=[row.entry.origin.uid, row.entry.seq]),
            order=("entry__kind", "entry__seq"),
            width=24,
        ),
        Column(_("记录时间"), lambda row: row.entry.at, order=("entry__at",), width=18),
        Column(_("原因"), lambda row: waiting.short(waiting.reason_words(row.reason), 60), order=("reason",), width=44),
        Column(_("已试次数"), lambda row: row.tries, order=("tries",), width=10),
        Column(_("未入库自"), lambda row: row.since, order=("since",), width=18),
        Column(_("负责人"), answering, width=36),
    ]


@door(Permission.SEE_FLOW)
def waiting_entry(request: ActingRequest, node: UUID, seq: int) -> HttpResponseBase:
    """One of them: all that is known, who answers for its machine, what may help, and the button."""
    at = clock.now()
    row, owner = waiting.entry_seen(request.actor, node, seq, clock.local_day(at))
    people = owner.responsible(clock.local_day(at)) if request.actor.holds(Permission.SEE_PEOPLE) else []
    context = {
        "page_title": _("{kind}第 {seq} 条").format(kind=waiting.kind_name(row.entry.kind), seq=seq),
        "row": row,
        "owner": owner,
        "kind": waiting.kind_name(row.entry.kind),
        "reason_words": waiting.reason_words(row.reason),
        "advice": waiting.advice_on(row.reason),
        "people": [(one, masked_phone(one.person)) for one in people],
        "may_retry": request.actor.covers(Permission.ENROL_NODES, owner.path),
    }
    return render(request, "desks/waiting_entry.html", context)


@door(Permission.ENROL_NODES)
@require_POST
def waiting_retry(request: ActingRequest) -> HttpResponseBase:
    """Try one entry again (`node`, `seq`), or all that wait for one `reason`."""
    at, reason = clock.now(), request.POST.get("reason", "")
    rows, _owners = waiting.waiting_seen(request.actor, clock.local_day(at))
    if reason:
        rows, what = rows.filter(reason=reason), waiting.short(waiting.reason_words(reason), 110)
    else:
        one, owner = waiting.entry_seen(request.actor, *_named(request), clock.local_day(at))
        rows, what = rows.filter(pk=one.pk), f"{owner.node.name} 第 {one.entry.seq} 条"
    tried = waiting.retry_waiting(rows=rows, what=what, by=request.actor, at=at)
    _tell(request, tried)
    return redirect("desks:waiting")


def _named(request: ActingRequest) -> tuple[UUID, int]:
    try:
        return UUID(request.POST.get("node", "")), int(request.POST.get("seq", ""))
    except ValueError:
        raise Refused(_("没有指明要重新入库的记录")) from None


def _tell(request: ActingRequest, tried: waiting.Tried) -> None:
    if tried.built == tried.tried:
        words = _("已入库 {built} 条。")
    elif tried.built:
        words = _("已入库 {built} 条，另有 {failed} 条的原因还在。")
    else:
        words = _("重试了 {tried} 条，原因还在，没有入库。")
    if tried.left > tried.tried - tried.built:
        words += _("同一原因还有 {left} 条，可以再点一次，系统也会自动再试。")
    told = words.format(built=tried.built, tried=tried.tried, failed=tried.tried - tried.built, left=tried.left)
    (messages.success if tried.built else messages.error)(request, told)
