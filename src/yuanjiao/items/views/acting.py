"""What a person may do on an item's page: one form per act, and the command behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms

from yuanjiao.items import commands, queries
from yuanjiao.items.inputs import (
    AmendForm,
    AskForm,
    CooperateForm,
    DraftForm,
    IssueForm,
    LaterForm,
    PhaseDoneForm,
    PhaseForm,
    ReasonForm,
    ResultForm,
    VerifyForm,
    end_of,
    names_of,
)
from yuanjiao.items.models import Item
from yuanjiao.items.rules import Act, ItemKind, State, act_name, permission_of
from yuanjiao.lib import clock
from yuanjiao.people.rules import Actor
from yuanjiao.places.queries import units

ADD_PHASE, AGREE = "add_phase", "agree"
OTHER_NAMES = {ADD_PHASE: "登记阶段", AGREE: "同意变更"}
TITLES = {Act.VERIFY: "核实（三问三答）", Act.SETTLE: "当场整改销号（三问三答）"}
PRIMARY = {Act.ISSUE, Act.ACCEPT, Act.START, Act.SUBMIT, Act.VERIFY, Act.CLOSE, Act.PHASE, AGREE}
Doing = Callable[[Item, Any, Actor, datetime], object]


@dataclass
class Panel:
    """One act on the page with its form (None: a bare button)."""

    act: str
    title: str
    form: forms.Form | None
    primary: bool


def panels(item: Item, actor: Actor, bound: dict[str, forms.Form]) -> list[Panel]:
    """Everything this person may do now, what is nearest first. Nothing for an order: its own page has the play test."""
    if item.kind == ItemKind.WORK_ORDER:
        return []
    found = [
        Panel(act, TITLES.get(Act(act)) or act_name(act, item.kind) if act in set(Act) else OTHER_NAMES[act], form, act in PRIMARY)
        for act in acts_of(item, actor)
        for form in [bound.get(act) or form_of(act, item)]
    ]
    return sorted(found, key=lambda panel: not panel.primary)


def acts_of(item: Item, actor: Actor) -> list[str]:
    """The acts of the machine and those about what an item plans."""
    machine, asked = queries.acts_open_to(item, actor), queries.open_change(item)
    hidden = {Act.REFUSE} if asked is None else {Act.ASK, Act.EXTEND, Act.AMEND}
    if not any(phase.done_at is None for phase in queries.phases(item)):
        hidden.add(Act.PHASE)
    found: list[str] = [act for act in machine if act not in hidden]
    if Act.REFUSE in found:
        found.append(AGREE)
    gives = actor.covers(permission_of(item.kind, Act.ISSUE), item.division.path)
    if gives and item.state in {State.DRAFT, State.DECLINED}:
        found.append(ADD_PHASE)
    return found


def form_of(act: str, item: Item, data: Any = None) -> forms.Form | None:
    """The form of an act, empty or with what was sent; None when a button is enough."""
    if act in {Act.ACCEPT, Act.START, Act.CLOSE, AGREE}:
        return None
    if act == Act.EDIT:
        return DraftForm(data, initial={name: getattr(item, name) for name in DraftForm.base_fields})
    if act == Act.SUPPORT:
        return CooperateForm(data, every=units(on=clock.today()), initial={"units": names_of(item.co_units.all())})
    if act == Act.ISSUE and item.due_at:
        return IssueForm(data, initial={"due_on": clock.local_day(item.due_at)})
    return FORMS.get(act, ReasonForm)(data)


FORMS: dict[str, type[forms.Form]] = {
    Act.ISSUE: IssueForm,
    Act.SUBMIT: ResultForm,
    Act.VERIFY: VerifyForm,
    Act.SETTLE: VerifyForm,
    Act.REOPEN: LaterForm,
    Act.EXTEND: LaterForm,
    Act.AMEND: AmendForm,
    Act.ASK: AskForm,
    Act.PHASE: PhaseDoneForm,
    ADD_PHASE: PhaseForm,
}


def _ask(item: Item, form: Any, by: Actor, at: datetime) -> object:
    data, day = form.cleaned_data, form.cleaned_data["due_on"]
    wanted = {"due_at": end_of(day) if day else None, "expected_result": data["expected_result"], "reason": data["reason"]}
    return commands.ask_change(item=item, by=by, at=at, **wanted)


def _decide(item: Item, agreed: bool, note: str, by: Actor, at: datetime) -> object:
    asked = queries.open_change(item)
    return commands.decide_change(item=item, change=asked.pk if asked else 0, agreed=agreed, note=note, by=by, at=at)


def _phase_done(item: Item, form: Any, by: Actor, at: datetime) -> object:
    number = next((phase.number for phase in queries.phases(item) if phase.done_at is None), 0)
    return commands.finish_phase(item=item, number=number, result=form.cleaned_data["result"], by=by, at=at)


DO: dict[str, Doing] = {
    Act.EDIT: lambda item, form, by, at: commands.edit_draft(item=item, by=by, at=at, **form.cleaned_data),
    Act.ISSUE: lambda item, form, by, at: commands.issue_item(item=item, due_at=end_of(form.cleaned_data["due_on"]), by=by, at=at),
    Act.ACCEPT: lambda item, form, by, at: commands.accept_item(item=item, by=by, at=at),
    Act.DECLINE: lambda item, form, by, at: commands.decline_item(item=item, by=by, at=at, **form.cleaned_data),
    Act.START: lambda item, form, by, at: commands.start_item(item=item, by=by, at=at),
    Act.SUBMIT: lambda item, form, by, at: commands.submit_item(item=item, result=form.cleaned_data["reason"], by=by, at=at),
    Act.RETURN: lambda item, form, by, at: commands.return_for_rework(item=item, by=by, at=at, **form.cleaned_data),
    Act.VERIFY: lambda item, form, by, at: commands.verify_item(item=item, answers=form.answers(), by=by, at=at),
    Act.CLOSE: lambda item, form, by, at: commands.close_item(item=item, by=by, at=at),
    Act.REOPEN: lambda item, form, by, at: commands.reopen_item(item=item, by=by, at=at, **_later(form)),
    Act.EXTEND: lambda item, form, by, at: commands.extend_item(item=item, by=by, at=at, **_later(form)),
    Act.AMEND: lambda item, form, by, at: commands.amend_item(item=item, by=by, at=at, **form.cleaned_data),
    Act.CANCEL: lambda item, form, by, at: commands.cancel_item(item=item, by=by, at=at, **form.cleaned_data),
    Act.ASK: _ask,
    Act.REFUSE: lambda item, form, by, at: _decide(item, False, form.cleaned_data["reason"], by, at),
    AGREE: lambda item, form, by, at: _decide(item, True, "", by, at),
    Act.PHASE: _phase_done,
    Act.SETTLE: lambda item, form, by, at: commands.settle_item(item=item, answers=form.answers(), by=by, at=at),
    ADD_PHASE: lambda item, form, by, at: commands.add_phase(item=item, by=by, at=at, **form.cleaned_data),
    Act.SUPPORT: lambda item, form, by, at: commands.set_cooperating(item=item, by=by, at=at, **form.cleaned_data),
}


def _later(form: Any) -> dict[str, Any]:
    return {"due_at": end_of(form.cleaned_data["due_on"]), "reason": form.cleaned_data["reason"]}


def name_of(act: str, item: Item) -> str:
    """What an act is called to the person who did it."""
    return OTHER_NAMES.get(act) or act_name(act, item.kind)
