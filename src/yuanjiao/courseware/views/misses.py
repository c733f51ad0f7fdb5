"""What learners looked for in vain: needs for whoever plans and makes courseware."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yuanjiao.courseware import queries
from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.rules import Permission
from yuanjiao.ui.lists import Column, ListPage, respond

DAYS = 90


@door(Permission.MANAGE_COLUMNS, Permission.PRODUCE_COURSEWARE)
@require_safe
def miss_list(request: ActingRequest) -> HttpResponseBase:
    """The words of the last days, the most wanted first."""
    columns: list[Column[tuple[str, int]]] = [
        Column(_("搜索词"), lambda row: row[0], link=lambda row: f"{reverse('desks:portal_search')}?{urlencode({'q': row[0]})}", width=30),
        Column(_("次数"), lambda row: row[1]),
    ]
    page = ListPage(
        title=_("没有找到的词"), rows=queries.search_misses(since=clock.today() - timedelta(days=DAYS)), columns=columns,
        lead=_("近九十天学员搜过而没有课件的词，可作选题参考。只记词和次数，不记是谁；号码一类的内容不记。"),
        empty=_("近九十天搜过的词都有课件。"),
    )  # fmt: skip
    return respond(request, page)
