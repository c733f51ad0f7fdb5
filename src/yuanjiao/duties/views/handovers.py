"""Hand-over sheets: making one, reading it, signing it, disputing a line, printing it."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yuanjiao.duties import commands, queries
from yuanjiao.duties.inputs import HandoverForm
from yuanjiao.duties.models import Handover
from yuanjiao.duties.rules import LINE_NAMES, Kind
from yuanjiao.duties.views.parts import Titles, county_filter, duty_title, kept_units, proposed
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.people.access import ActingRequest, door
from yuanjiao.people.queries import has_log_in, posts_in_unit, tenure_by_uid
from yuanjiao.people.rules import Permission as P
from yuanjiao.people.rules import Role
from yuanjiao.ui.lists import Column, Filter, ListPage, attachment_name, respond
from yuanjiao.ui.middleware import status_of


def signed_word(row: Handover) -> str:
    if row.is_signed:
        return _("双方已签，有异议") if row.disputed else _("双方已签")  # type: ignore[attr-defined]
    waits = [word for word, at in ((_("移交人"), row.given_at), (_("接收人"), row.taken_at)) if at is None]
    return _("待%s签字") % "、".join(waits)


def _colour(row: Handover) -> str:
    return "yellow" if not row.is_signed or row.disputed else "green"  # type: ignore[attr-defined]


@door(P.SEE_PEOPLE)
def handover_list(request: ActingRequest) -> HttpResponseBase:
    """Sheets of the person's area, the newest first."""
    titles = Titles()
    page: ListPage[Handover] = ListPage(
        title=_("交接单"),
        rows=queries.sheets_seen_by(request.actor),
        columns=[
            Column(_("责任"), lambda r: titles.of(r.tenure), link=lambda r: reverse("duties:handover", args=[r.uid]), width=24),
            Column(_("移交人"), lambda r: r.tenure.person.name),
            Column(_("接收人"), lambda r: (r.taker.name if r.taker else "") if r.following_id else _("空缺")),
            Column(_("交接日期"), lambda r: r.on, order=("on",)),
            Column(_("签字"), signed_word, badge=_colour),
            Column(_("依据"), lambda r: r.document, width=20),
        ],
        empty=_("还没有交接单。在“谁负责”里点开一个地方，从在任的责任人办理交接。"),
        search=("tenure__division__name", "tenure__person__name", "taker__name"),
        search_hint=_("地名或姓名"),
        filters=[
            Filter("signed", _("签字"), [("no", _("还没签完")), ("yes", _("双方已签")), ("disputed", _("有异议"))], _by_signed),
            county_filter(request.actor, "tenure__division__path"),
        ],
        actions=[(_("谁负责"), reverse("duties:place_list"))],
        prepare=lambda rows: titles.prepare([row.tenure for row in rows]),
    )
    return respond(request, page)


def _by_signed(rows: Any, value: str) -> Any:
    if value == "disputed":
        return rows.filter(disputed=True)
    signed = rows.filter(given_at__isnull=False, taken_at__isnull=False)
    return signed if value == "yes" else rows.exclude(pk__in=signed.values("pk"))


@door(P.KEEP_DUTIES)
def handover_new(request: ActingRequest, uid: UUID) -> HttpResponse:
    """End a tenure with a successor or as a vacancy; what the sheet will hold is shown before."""
    tenure = tenure_by_uid(uid, request.actor.paths(P.KEEP_DUTIES))
    today, at, status = clock.today(), clock.now(), 200
    if tenure.valid_to is not None:
        raise Conflict(_("该责任已经终止，交接单见这个地方的任期表"))
    own = request.actor.covers(P.KEEP_DUTIES, tenure.unit.division.path)
    posts = posts_in_unit(tenure.person, tenure.unit, on=today) if own else []
    units = kept_units(request.actor).filter(chain=tenure.chain)
    initial = {"on": today, "unit": tenure.unit.code, "roles": [post.role for post in posts]}
    form = HandoverForm(request.POST or None, units=units, posts=posts, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            sheet = commands.hand_over(
                tenure=tenure, to=form.successor(), vacancy=data["vacancy"], on=data["on"], document=data["document"], note=data["note"],
                roles=[Role(role) for role in data.get("roles", [])], by=request.actor, at=at,
            )  # fmt: skip
            messages.success(request, _("已办理，交接单待双方签字。"))
            return redirect("duties:handover", sheet.uid)
        except (Refused, Conflict) as error:
            form.add_error(None, error.message)
            status = status_of(error)
    context = {
        "page_title": _("办理交接"),
        "tenure": tenure,
        "duty": duty_title(tenure),
        "form": form,
        "units": proposed(units, tenure.division),
        "groups": grouped(queries.open_things(tenure, at)),
    }
    return render(request, "duties/handover_new.html", context, status=400 if form.errors and status == 200 else status)


def grouped(lines: Any) -> list[tuple[str, list[Any]]]:
    """Lines by kind, in the order of the sheet."""
    return [(LINE_NAMES[Kind(kind)], list(rows)) for kind, rows in groupby(lines, key=lambda one: one.kind)]


@door()
def handover(request: ActingRequest, uid: UUID) -> HttpResponse:
    """One sheet. Who gives and who takes sign and dispute here, whatever else they may still do."""
    sheet = queries.sheet_seen_by(request.actor, uid)
    status, bound = 200, {}
    if request.method == "POST":
        try:
            _act(request, sheet)
            return redirect("duties:handover", uid)
        except (Refused, Conflict) as error:
            messages.error(request, error.message)
            status, bound = status_of(error), {"words": request.POST.get("words", ""), "number": request.POST.get("number", "")}
            sheet = queries.sheet_seen_by(request.actor, uid)
    return render(request, "duties/handover.html", _sheet_context(request, sheet) | bound, status=status)


def _act(request: ActingRequest, sheet: Handover) -> None:
    said, by, at = request.POST, request.actor, clock.now()
    if said.get("act") == "sign":
        commands.sign_sheet(sheet=sheet, by=by, at=at)
        messages.success(request, _("已签字。"))
    elif said.get("act") == "paper":
        commands.sign_on_paper(sheet=sheet, side=said.get("side", ""), note=said.get("note", ""), by=by, at=at)
    elif said.get("act") == "dispute":
        chosen = said.get("number", "")[:6]
        number = int(chosen) if chosen.isdecimal() else 0  # isdigit would say yes of '²', and int would not
        commands.dispute_line(sheet=sheet, number=number, words=said.get("words", ""), by=by, at=at)
    else:
        raise Refused(_("不认识的操作"))


def _sheet_context(request: ActingRequest, sheet: Handover) -> dict[str, Any]:
    own, lines = request.actor.person_uid, queries.lines_of(sheet)
    gives, takes = own == sheet.tenure.person.uid, sheet.taker is not None and own == sheet.taker.uid
    may_keep = request.actor.covers(P.KEEP_DUTIES, sheet.tenure.division.path)
    return {
        "page_title": _("交接单"),
        "sheet": sheet,
        "duty": duty_title(sheet.tenure),
        "groups": grouped(lines),
        "lines": lines,
        "signed": signed_word(sheet),
        "colour": _colour(sheet),
        "may_sign": (gives and sheet.given_at is None) or (takes and sheet.taken_at is None),
        "may_dispute": (gives or takes) and not sheet.is_signed and bool(lines),
        "paper": _paper_sides(sheet) if may_keep else [],
        "may_see_place": request.actor.covers(P.SEE_PEOPLE, sheet.tenure.division.path),
    }


def _paper_sides(sheet: Handover) -> list[tuple[str, str]]:
    """The sides that still lack a signature and whose person has no log-in to sign with."""
    sides = (("given", sheet.given_at, sheet.tenure.person), ("taken", sheet.taken_at, sheet.taker))
    return [(side, who.name if who else _("接收方")) for side, at, who in sides if at is None and (who is None or not has_log_in(who))]


@door()
def handover_file(request: ActingRequest, uid: UUID) -> HttpResponse:
    """The sheet as docx, to be printed and signed."""
    from yuanjiao.duties.documents.sheet import DOCX, write_sheet  # its library is loaded by who prints one

    sheet = queries.sheet_seen_by(request.actor, uid)
    answer = HttpResponse(write_sheet(sheet, duty_title(sheet.tenure), grouped(queries.lines_of(sheet))), content_type=DOCX)
    answer["Content-Disposition"] = attachment_name(f"交接单 {duty_title(sheet.tenure)} {sheet.on:%Y%m%d}.docx")
    return answer
