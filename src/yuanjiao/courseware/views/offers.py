"""Stories sent from a phone and items offered upward: the sender's page, the editors' list, one offer with its decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yuanjiao.courseware import commands, queries
from yuanjiao.courseware.inputs import StoryForm, sent
from yuanjiao.courseware.models import OfferState
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.courseware.rules.life import State
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused, YuanjiaoError
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import person_by_uid
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import ancestors
from yuanjiao.places.rules import Level
from yuanjiao.ui.lists import Column, Filter, ListPage, respond

P = Permission
BADGES = {OfferState.OFFERED: "yellow", OfferState.ACCEPTED: "green", OfferState.RETURNED: "red", OfferState.DECLINED: "grey"}
COLUMNS: tuple[Column[Any], ...] = (
    Column(_("标题"), lambda row: row.courseware.title, link=lambda row: reverse("courseware:offer", args=[row.uid]), width=30),
    Column(_("状态"), lambda row: row.get_state_display(), badge=lambda row: BADGES[OfferState(row.state)], order=("state",)),
    Column(_("单位"), lambda row: row.courseware.unit.name, width=24),
    Column(_("报送到"), lambda row: row.division.name),
    Column(_("报送时间"), lambda row: row.offered_at, order=("offered_at",), width=18),
    Column(_("答复"), lambda row: row.reason if row.state != OfferState.OFFERED else "", width=30),
)
STATES = Filter("state", _("状态"), OfferState.choices, lambda rows, value: rows.filter(state=value))


def above(request: ActingRequest) -> list[Division]:
    """Counties and the city above the person's unit: who has editors."""
    if request.actor.person_uid is None:
        return []
    own = person_by_uid(request.actor.person_uid).unit.division
    return [one for one in reversed(list(ancestors(own))) if one.level in {Level.COUNTY, Level.CITY}]


@door(P.SEND_STORY, P.PRODUCE_COURSEWARE)
@require_safe
def offer_list(request: ActingRequest) -> HttpResponseBase:
    """What I sent, and what became of it."""
    page: ListPage[Any] = ListPage(
        title=_("我的报送"), rows=queries.offers_sent_by(request.actor), columns=COLUMNS, filters=[STATES],
        empty=_("还没有报送。身边的好人好事，拿起手机写几句、拍几张，就可以报给县里、市里。"),
        actions=[(_("写一件好人好事"), reverse("courseware:story_new"))],
    )  # fmt: skip
    return respond(request, page)


@door(P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
@require_safe
def offers_received(request: ActingRequest) -> HttpResponseBase:
    """What was offered to us; what waits stands first."""
    page: ListPage[Any] = ListPage(
        title=_("收到的报送"), rows=queries.offers_to(request.actor), columns=COLUMNS, filters=[STATES],
        empty=_("还没有收到报送。下级单位报来的事迹、校本教材和课件会出现在这里。"), search=("courseware__title",), search_hint=_("标题"),
    )  # fmt: skip
    return respond(request, page)


@door(P.SEND_STORY)
def story_new(request: ActingRequest) -> HttpResponse:
    form = StoryForm(sent(request), request.FILES or None, divisions=above(request))
    if request.method == "POST" and form.is_valid() and _send(request, form):
        messages.success(request, _("已报送。采用、退回还是不采用，都会在“我的报送”里答复。"))
        return redirect("courseware:offer_list")
    context = {
        "page_title": _("写一件好人好事"),
        "form": form,
        "submit": _("报送"),
        "back": reverse("courseware:offer_list"),
        "files": True,
    }
    return render(request, "courseware/plain_form.html", context, status=400 if form.errors else 200)


def _send(request: ActingRequest, form: StoryForm, **more: Any) -> bool:
    said = form.cleaned_data
    photos = [file.read() for file in said["photos"]]
    try:
        commands.send_story(
            title=said["title"], text=said["text"], photos=photos, division=form.by_path[said["division"]],
            by=request.actor, at=clock.now(), **more,
        )  # fmt: skip
    except YuanjiaoError as error:
        form.add_error(None, error.message)
        return False
    return True


@door(P.SEND_STORY, P.PRODUCE_COURSEWARE, P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
def offer(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One offer: what was sent, and the decision of an editor; a returned story is put right and sent anew here."""
    row = queries.offer_for(request.actor, uid)
    item, actor = row.courseware, request.actor
    mine = item.author is not None and item.author.uid == actor.person_uid
    again = mine and row.state == OfferState.RETURNED and item.kind == Kind.ARTICLE and item.state in {State.DRAFT, State.RETURNED}
    form = StoryForm(
        sent(request), request.FILES or None, divisions=above(request),
        initial={"title": item.title, "text": item.body_source, "division": row.division.path},
    ) if again and actor.holds(P.SEND_STORY) else None  # fmt: skip
    if form is not None and request.method == "POST" and form.is_valid() and _send(request, form, story=item):
        messages.success(request, _("已再次报送。"))
        return redirect("courseware:offer_list")
    context = {
        "page_title": item.title, "offer": row, "badge": BADGES[OfferState(row.state)], "detail": queries.detail_of(item), "item": item,
        "form": form, "decides": not mine and row.state == OfferState.OFFERED, "columns": _columns(request, item) if not mine else [],
    }  # fmt: skip
    return render(request, "courseware/offer.html", context)


def _columns(request: ActingRequest, item: Any) -> list[Any]:
    if item.state not in {State.APPROVED, State.RELEASED}:
        return []
    today = clock.today()
    return [one for one in queries.columns_managed_by(request.actor) if one.visible_to is None or one.visible_to > today]


@door(P.REVIEW_COURSEWARE, P.MANAGE_COLUMNS)
@require_POST
def offer_decide(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Accept, return or decline, by the button that was pressed."""
    row, at = queries.offer_for(request.actor, uid), clock.now()
    wanted, reason = request.POST.get("do"), request.POST.get("reason", "")
    if wanted == "accept":
        chosen = set(request.POST.getlist("column"))
        columns = [one for one in _columns(request, row.courseware) if str(one.uid) in chosen]
        commands.accept_offer(offer=row, columns=columns, reason=reason, by=request.actor, at=at)
        messages.success(request, _("已采用。"))
    elif wanted == "return":
        commands.return_offer(offer=row, reason=reason, by=request.actor, at=at)
        messages.success(request, _("已退回，报送人会看到要改什么。"))
    elif wanted == "decline":
        commands.decline_offer(offer=row, reason=reason, by=request.actor, at=at)
        messages.success(request, _("已答复不采用。"))
    else:
        raise Refused(_("请选择采用、退回或不采用"))
    return redirect("courseware:offers_received")


@door(P.PRODUCE_COURSEWARE)
@require_POST
def item_offer(request: ActingRequest, uid: UUID) -> HttpResponse:
    """Offer an own item upward."""
    item = queries.item_for(request.actor, uid)
    division = next((one for one in above(request) if one.path == request.POST.get("division")), None)
    if division is None:
        raise Refused(_("请选择报送到哪里"))
    commands.offer_courseware(courseware=item, division=division, by=request.actor, at=clock.now(), reason=request.POST.get("reason", ""))
    messages.success(request, _("已报送。"))
    return redirect("courseware:offer_list")
