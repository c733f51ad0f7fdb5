"""The staff menu: group → entries, each with the permission that opens it. The only list of pages across rooms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from yuanjiao.people.models import ROLE_NAMES
from yuanjiao.people.rules import Actor, Permission

P = Permission


@dataclass(frozen=True)
class Entry:
    """One line of the menu."""

    title: str
    url_name: str
    permissions: tuple[Permission, ...]
    query: str = ""


MENU: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "工作台",
        (
            Entry("我的工作台", "desks:home", ()),
            Entry("大屏", "desks:screen", (P.SEE_SCREEN,)),
            Entry("苗头预警", "desks:signs", (P.SEE_REPORTS,)),
            Entry("各单位故障率", "desks:ranking", (P.SEE_SCREEN,)),
            Entry("要本单位做的", "burden:mine", ()),
        ),
    ),
    (
        "网络",
        (
            Entry("站点", "network:site_list", (P.SEE_NETWORK,)),
            Entry("中断", "network:outage_list", (P.SEE_NETWORK,)),
            Entry("畅通率", "network:rates", (P.SEE_NETWORK,)),
            Entry("前后对比", "network:comparison", (P.SEE_NETWORK,)),
            Entry("检修", "network:maintenance_list", (P.SEE_NETWORK,)),
            Entry("停用站点", "network:suspended", (P.SEE_NETWORK,)),
            Entry("边缘服务器", "network:edge_list", (P.SEE_NETWORK,)),
            Entry("线路", "network:line_list", (P.SEE_NETWORK,)),
            Entry("边缘自检", "network:check_list", (P.SEE_NETWORK,)),
            Entry("运营商清单", "register:sighting_import", (P.IMPORT_REGISTER,)),
            Entry("主动探测", "network:probe_list", (P.SEE_NETWORK,)),
        ),
    ),
    (
        "事项",
        (
            Entry("全部事项", "items:item_list", (P.SEE_ITEMS, P.SEE_ORDERS)),
            Entry("卡在哪一级", "items:stuck", (P.SEE_ITEMS, P.SEE_ORDERS)),
            Entry("登记事项", "items:item_new", (P.ISSUE_ITEM,)),
        ),
    ),
    (
        "故障与工单",
        (
            Entry("热线受理", "faults:hotline", (P.ANSWER_HOTLINE,)),
            Entry("登记快讯退订", "programmes:bulletin_leave", (P.ANSWER_HOTLINE,)),
            Entry("我的工单", "faults:my_orders", (P.WORK_ORDER,)),
            Entry("申报故障", "faults:report_new", (P.FILE_FAULT,)),
            Entry("故障工单", "faults:order_list", (P.SEE_ORDERS,)),
            Entry("申报记录", "faults:report_list", (P.SEE_ORDERS,)),
            Entry("故障统计", "faults:statistics", (P.SEE_REPORTS,)),
            Entry("培训前后", "faults:training_list", (P.SEE_REPORTS,)),
            Entry("催办单", "faults:urging_list", (P.SEE_ORDERS, P.SEE_ITEMS)),
            Entry("维护协议", "faults:agreement_list", (P.SEE_ORDERS,)),
            Entry("工作日历", "faults:calendar", (P.SEE_ORDERS,)),
            Entry("值班表", "faults:duty", (P.SEE_ORDERS,)),
            Entry("外发消息", "faults:message_list", (P.IMPORT_REGISTER,)),
            Entry("故障设置", "faults:fault_settings", (P.IMPORT_REGISTER,)),
        ),
    ),
    (
        "课件",
        (
            Entry("我的课件", "courseware:item_list", (P.PRODUCE_COURSEWARE,)),
            Entry("待审核课件", "courseware:review_list", (P.REVIEW_COURSEWARE,)),
            Entry("待发布课件", "courseware:release_list", (P.MANAGE_COLUMNS,)),
            Entry("栏目", "courseware:column_list", (P.MANAGE_COLUMNS,)),
            Entry("栏目更新", "courseware:freshness", (P.MANAGE_COLUMNS,)),
            Entry("政策解读", "courseware:policy_list", (P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)),
            Entry("主题", "programmes:theme_list", (P.MANAGE_COLUMNS,)),
            Entry("频道", "programmes:channel_list", (P.MANAGE_COLUMNS,)),
            Entry("现场直播", "programmes:live_list", (P.MANAGE_COLUMNS,)),
            Entry("紧急通知", "programmes:notice_list", (P.MANAGE_COLUMNS, P.SEE_NETWORK)),
            Entry("媒体发布", "programmes:publication_list", (P.MANAGE_COLUMNS,)),
            Entry("快讯", "programmes:bulletin_list", (P.MANAGE_COLUMNS,)),
            Entry("下发与撤下", "programmes:arrival_list", (P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)),
            Entry("资源建设规划", "production:plan_list", (P.MANAGE_COLUMNS, P.SEE_REPORTS, P.PRODUCE_COURSEWARE)),
            Entry("课件评选", "production:contest_list", (P.MANAGE_COLUMNS, P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE)),
            Entry("证书", "production:certificate_list", (P.MANAGE_COLUMNS,)),
            Entry("课件使用", "programmes:use_list", (P.SEE_LEARNING, P.MANAGE_COLUMNS)),
            Entry("没有找到的词", "courseware:miss_list", (P.MANAGE_COLUMNS, P.PRODUCE_COURSEWARE)),
            Entry("急需与修改", "courseware:commission_list", (P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)),
            Entry("需求", "courseware:need_list", (P.PRODUCE_COURSEWARE, P.MANAGE_COLUMNS)),
            Entry("我的报送", "courseware:offer_list", (P.SEND_STORY,)),
            Entry("收到的报送", "courseware:offers_received", (P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)),
            Entry("批量导入", "courseware:bulk_list", (P.PRODUCE_COURSEWARE,)),
            Entry("教材登记", "courseware:material_list", (P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)),
            Entry("课件数量", "courseware:count_list", (P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)),
            Entry("课件设置", "courseware:courseware_settings", (P.MANAGE_COLUMNS,)),
            Entry("打包队列", "courseware:packaging_list", (P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)),
            Entry("课件库", "courseware:library", (P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)),
        ),
    ),
    (
        "学习",
        (
            Entry("登记学习", "learning:record", (P.RECORD_SESSION,)),
            Entry("学习日", "learning:plan_list", (P.SEE_LEARNING,)),
            Entry("必学清单", "learning:required_list", (P.SEE_LEARNING,)),
            Entry("学习场次", "learning:session_list", (P.SEE_LEARNING,)),
            Entry("一封信", "learning:letter_list", (P.SEE_LEARNING,)),
            Entry("文件读本发放", "learning:distribution_list", (P.SEE_LEARNING,)),
            Entry("使用统计", "learning:use", (P.SEE_LEARNING,)),
            Entry("零使用站点", "learning:zero_use", (P.SEE_LEARNING,)),
        ),
    ),
    ("报告", (Entry("县级月报", "reports:report_list", (P.SEE_REPORTS,)),)),
    (
        "百村调查",
        (
            Entry("百村调查", "surveys:survey_list", (P.SEE_REPORTS,)),
            Entry("走访", "surveys:my_visits", (P.VISIT_VILLAGE,)),
        ),
    ),
    (
        "基层负担",
        (
            Entry("各单位负担", "burden:overview", (P.SEE_REPORTS,)),
            Entry("负担上限", "burden:cap_list", (P.LIMIT_BURDEN, P.SEE_REPORTS)),
            Entry("超限申请", "burden:approval_list", (P.APPROVE_BURDEN, P.ISSUE_ITEM, P.MAKE_SURVEY)),
        ),
    ),
    (
        "建设",
        (
            Entry("建设计划", "plans:plan_list", (P.SEE_NETWORK,)),
            Entry("覆盖目标", "plans:coverage_list", (P.SEE_NETWORK,)),
            Entry("改造计划", "plans:upgrade_list", (P.SEE_NETWORK,)),
            Entry("更新清单", "plans:renewal_list", (P.SEE_NETWORK,)),
            Entry("网络教育家园", "plans:outlet_list", (P.SEE_NETWORK,)),
            Entry("借用设施", "plans:facility_list", (P.SEE_NETWORK,)),
            Entry("费用分摊", "plans:share_list", (P.SEE_NETWORK,)),
            Entry("经验做法", "plans:note_list", (P.SEE_NETWORK,)),
        ),
    ),
    (
        "台账",
        (
            Entry("区划", "register:division_list", (P.SEE_NETWORK,)),
            Entry("单位", "register:unit_list", (P.SEE_NETWORK,)),
            Entry("人员", "register:person_list", (P.SEE_PEOPLE,)),
            Entry("谁负责", "duties:place_list", (P.SEE_PEOPLE,)),
            Entry("责任空缺", "duties:vacancy_list", (P.SEE_PEOPLE,)),
            Entry("交接单", "duties:handover_list", (P.SEE_PEOPLE,)),
            Entry("设备", "register:asset_list", (P.SEE_NETWORK,)),
            Entry("导入台账", "register:import_new", (P.IMPORT_REGISTER,)),
            Entry("导入记录", "register:import_list", (P.IMPORT_REGISTER,)),
        ),
    ),
    (
        "系统",
        (
            Entry("操作日志", "desks:audit", (P.SEE_AUDIT,)),
            Entry("节点与日志", "desks:nodes", (P.SEE_FLOW,)),
            Entry("软件版本", "desks:software", (P.SEE_FLOW,)),
            Entry("未能入库的记录", "desks:waiting", (P.SEE_FLOW,)),
        ),
    ),
)


def page_context(request: HttpRequest) -> dict[str, Any]:
    """For every page: the menu of the person who acts (empty for strangers), their name and roles, the node's name."""
    actor: Actor | None = getattr(request, "actor", None)
    context: dict[str, Any] = {"node_name": settings.NODE_NAME, "node_role": settings.ROLE}
    if actor is None:
        return context
    names = dict(ROLE_NAMES)
    return {
        **context,
        "actor": actor,
        "actor_name": actor.name,
        "actor_roles": "、".join(str(names[role]) for role in sorted(actor.roles)),
        "menu": [group for group in (_group(title, entries, actor, request.path) for title, entries in MENU) if group["entries"]],
    }


def _group(title: str, entries: tuple[Entry, ...], actor: Actor, here: str) -> dict[str, Any]:
    shown = []
    for entry in entries:
        if not entry.permissions or any(actor.holds(permission) for permission in entry.permissions):
            address = reverse(entry.url_name)
            shown.append({"title": entry.title, "address": address + entry.query, "current": address == here})
    return {"title": title, "entries": shown}
