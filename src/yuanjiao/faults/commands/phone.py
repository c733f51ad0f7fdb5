"""What an engineer did without a signal, sent later: the same acts, once, and never over what somebody else did meanwhile.

An act is known by the number of the step it becomes: the phone says how many steps its page showed (`shown`), and how many the order
had, its own kept ones counted, when the act was done (`seen`). A step of that number by the same person is the act itself, sent again;
anybody else's step since the page is news that the engineer must see first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from yuanjiao.faults.commands.orders import accept_order, start_order, submit_order
from yuanjiao.faults.models import WorkOrder
from yuanjiao.items.models import ItemStep
from yuanjiao.items.queries import held_item
from yuanjiao.items.rules import ACT_NAMES, STATE_NAMES, Act, State, grouped_code
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.kept import SOON, Outcome, done_at
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor


@dataclass(frozen=True)
class KeptAct:
    """One act as the phone kept it. `age`: how long ago by the phone's own clock, which need not be right."""

    act: Act
    shown: int
    seen: int
    age: timedelta
    fault_class: str = ""
    cause: str = ""
    note: str = ""


@transaction.atomic
def send_kept_act(*, order: WorkOrder, kept: KeptAct, by: Actor, at: datetime) -> Outcome:
    """Do it as of the moment it was done. Conflict when somebody else acted meanwhile: nothing is changed then."""
    if not 0 <= kept.shown <= kept.seen:
        raise Refused("手机传来的步数不对，请打开工单重新办理")
    order.item = held_item(order.item_id)
    steps = list(order.item.steps.all())
    foreign = next((step for step in steps[kept.shown : kept.seen + 1] if step.by_uid != by.person_uid), None)
    if foreign is None and len(steps) > kept.seen and steps[kept.seen].act == kept.act:
        return Outcome.ALREADY
    if foreign is not None or len(steps) > kept.seen:
        raise Conflict(_news(foreign or steps[kept.seen], order))
    if len(steps) < kept.seen:
        raise Refused("前一步还没有传上来，请先处理前一步")
    moment = done_at(kept.age, at=at, not_before=steps[-1].at if steps else at)
    _do(order, kept, by=by, at=moment)
    if at - moment > SOON:
        detail = f"{ACT_NAMES[kept.act]}：办理于 {moment.astimezone(clock.CHINA):%m-%d %H:%M}，有信号后上传"
        write_audit(by=by, action="补传离线办理", subject=f"工单 {grouped_code(order.item.code)}", at=at, detail=detail)
    return Outcome.DONE


def _news(step: ItemStep, order: WorkOrder) -> str:
    when, what = f"{step.at.astimezone(clock.CHINA):%m-%d %H:%M}", ACT_NAMES[Act(step.act)] if step.act else "登记"
    return f"您办理之前，{step.by_name}已于 {when}“{what}”，现在是“{STATE_NAMES[State(order.item.state)]}”"


def _do(order: WorkOrder, kept: KeptAct, *, by: Actor, at: datetime) -> None:
    if kept.act is Act.ACCEPT:
        accept_order(order=order, by=by, at=at)
    elif kept.act is Act.START:
        start_order(order=order, by=by, at=at)
    elif kept.act is Act.SUBMIT:
        submit_order(order=order, fault_class=kept.fault_class, cause=kept.cause, note=kept.note, by=by, at=at)
    else:
        raise Refused("这一步不能离线办理")
