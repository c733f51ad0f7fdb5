"""The one life of every item (事项): a pure table of acts, who may do them, and the colour of a deadline.

Orders, tasks, problems, measures and requests differ in fields and clocks, not in life (requirements b2). An act is listed once
with every state it may start from; what is not listed is not possible.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.people.rules import Permission


class ItemKind(StrEnum):
    """Kinds of item; they share this life and nothing else. Values are stored: never change one."""

    WORK_ORDER = "work_order"
    PLAN = "plan"
    MATTER = "matter"
    TASK = "task"
    PROBLEM = "problem"
    MEASURE = "measure"
    REQUEST = "request"
    PRACTICAL_SERVICE = "practical_service"
    RECTIFICATION = "rectification"
    CHANGE_REQUEST = "change_request"
    RESOURCE_PLAN_LINE = "resource_plan_line"


class State(StrEnum):
    """Where an item stands."""

    DRAFT = "draft"
    ISSUED = "issued"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    VERIFIED = "verified"
    CLOSED = "closed"
    DECLINED = "declined"
    CANCELLED = "cancelled"


class Act(StrEnum):
    """What somebody may do with an item."""

    ISSUE = "issue"
    ACCEPT = "accept"
    DECLINE = "decline"
    START = "start"
    SUBMIT = "submit"
    RETURN = "return"
    VERIFY = "verify"
    CLOSE = "close"
    REOPEN = "reopen"
    EXTEND = "extend"
    AMEND = "amend"
    EDIT = "edit"
    ASK = "ask"
    REFUSE = "refuse"
    PHASE = "phase"
    CANCEL = "cancel"
    SUPPORT = "support"
    SETTLE = "settle"


class Party(StrEnum):
    """Who acts: the unit that must do the work, or the side that gave it and checks it."""

    OWNER = "owner"
    VERIFIER = "verifier"


@dataclass(frozen=True)
class Move:
    """One row of the table. `target` None keeps the state (an extension changes the date, not the state)."""

    sources: frozenset[State]
    target: State | None
    party: Party
    needs_reason: bool = False


S = State
OPEN = frozenset({S.DRAFT, S.ISSUED, S.ACCEPTED, S.IN_PROGRESS, S.SUBMITTED, S.RETURNED, S.VERIFIED, S.DECLINED})
WITH_OWNER = frozenset({S.ISSUED, S.ACCEPTED, S.IN_PROGRESS, S.RETURNED})
"""States in which the owner unit's clock runs: dispatched, and not yet handed in."""
ENDED = frozenset({S.CLOSED, S.CANCELLED})

MOVES: dict[Act, Move] = {
    Act.ISSUE: Move(frozenset({S.DRAFT, S.DECLINED}), S.ISSUED, Party.VERIFIER),
    Act.ACCEPT: Move(frozenset({S.ISSUED}), S.ACCEPTED, Party.OWNER),
    Act.DECLINE: Move(frozenset({S.ISSUED}), S.DECLINED, Party.OWNER, needs_reason=True),
    Act.START: Move(frozenset({S.ACCEPTED, S.RETURNED}), S.IN_PROGRESS, Party.OWNER),
    Act.SUBMIT: Move(frozenset({S.IN_PROGRESS}), S.SUBMITTED, Party.OWNER, needs_reason=True),
    Act.RETURN: Move(frozenset({S.SUBMITTED}), S.RETURNED, Party.VERIFIER, needs_reason=True),
    Act.VERIFY: Move(frozenset({S.SUBMITTED}), S.VERIFIED, Party.VERIFIER),
    Act.CLOSE: Move(frozenset({S.VERIFIED}), S.CLOSED, Party.VERIFIER),
    Act.REOPEN: Move(frozenset({S.VERIFIED, S.CLOSED}), S.ISSUED, Party.VERIFIER, needs_reason=True),
    Act.EXTEND: Move(WITH_OWNER, None, Party.VERIFIER, needs_reason=True),
    Act.AMEND: Move(WITH_OWNER, None, Party.VERIFIER, needs_reason=True),
    Act.EDIT: Move(frozenset({S.DRAFT, S.DECLINED}), None, Party.VERIFIER),
    Act.ASK: Move(WITH_OWNER, None, Party.OWNER, needs_reason=True),
    Act.REFUSE: Move(WITH_OWNER, None, Party.VERIFIER, needs_reason=True),
    Act.PHASE: Move(frozenset({S.IN_PROGRESS}), None, Party.OWNER, needs_reason=True),
    Act.CANCEL: Move(OPEN - {S.VERIFIED}, S.CANCELLED, Party.VERIFIER, needs_reason=True),
    Act.SUPPORT: Move(OPEN, None, Party.VERIFIER, needs_reason=True),
    Act.SETTLE: Move(frozenset({S.DRAFT}), S.CLOSED, Party.VERIFIER, needs_reason=True),
}

ORDER_PERMISSION_OF: dict[Act, Permission] = {
    Act.ISSUE: Permission.DISPATCH_ORDER,
    Act.ACCEPT: Permission.WORK_ORDER,
    Act.DECLINE: Permission.WORK_ORDER,
    Act.START: Permission.WORK_ORDER,
    Act.SUBMIT: Permission.WORK_ORDER,
    Act.RETURN: Permission.VERIFY_ORDER,
    Act.VERIFY: Permission.VERIFY_ORDER,
    Act.CLOSE: Permission.VERIFY_ORDER,
    Act.REOPEN: Permission.VERIFY_ORDER,
    Act.EXTEND: Permission.DISPATCH_ORDER,
    Act.CANCEL: Permission.DISPATCH_ORDER,
}


def permission_of(kind: str, act: Act) -> Permission:
    """What an act asks for: orders have their desks; every other kind is given out and checked by one side and done by the other."""
    if kind == ItemKind.WORK_ORDER:
        if act not in ORDER_PERMISSION_OF:
            raise Refused(f"工单没有“{ACT_NAMES[act]}”这一步")
        return ORDER_PERMISSION_OF[act]
    return Permission.DO_ITEM if MOVES[act].party is Party.OWNER else Permission.ISSUE_ITEM


def sight_of(kind: str) -> Permission:
    """What reading an item of the kind asks for."""
    return Permission.SEE_ORDERS if kind == ItemKind.WORK_ORDER else Permission.SEE_ITEMS


UNPLANNED = frozenset({ItemKind.WORK_ORDER, ItemKind.REQUEST})
"""Kinds that come from outside: what to do is found by who does it, and the agreement sets the date. All others need SUP09."""


def missing_before_issue(*, kind: str, has_owner: bool, expected_result: str, measure: str, has_start: bool) -> list[str]:
    """What an item still lacks before it can be given out: owner and result always; measure and schedule unless UNPLANNED (SUP09)."""
    planned = kind not in UNPLANNED
    needs = {
        "责任单位": has_owner,
        "预期成效": bool(expected_result.strip()),
        "措施": bool(measure.strip()) or not planned,
        "日程（开始日期或阶段安排）": has_start or not planned,
    }
    return [name for name, held in needs.items() if not held]


STATE_NAMES: dict[State, str] = {
    S.DRAFT: "待派单",
    S.ISSUED: "待签收",
    S.ACCEPTED: "已签收",
    S.IN_PROGRESS: "处理中",
    S.SUBMITTED: "待核实",
    S.RETURNED: "退回返工",
    S.VERIFIED: "已核实",
    S.CLOSED: "已销号",
    S.DECLINED: "拒签退回",
    S.CANCELLED: "已撤销",
}
ACT_NAMES: dict[Act, str] = {
    Act.ISSUE: "派单",
    Act.ACCEPT: "签收",
    Act.DECLINE: "拒签",
    Act.START: "开始处理",
    Act.SUBMIT: "提交办结",
    Act.RETURN: "退回返工",
    Act.VERIFY: "核实通过",
    Act.CLOSE: "销号",
    Act.REOPEN: "重新打开",
    Act.EXTEND: "延期",
    Act.AMEND: "变更要求",
    Act.EDIT: "修改草稿",
    Act.ASK: "申请变更",
    Act.REFUSE: "不同意变更",
    Act.PHASE: "完成阶段",
    Act.CANCEL: "撤销",
    Act.SUPPORT: "确定配合单位",
    Act.SETTLE: "当场整改销号",
}
ON_THE_SPOT = frozenset({ItemKind.PROBLEM, ItemKind.RECTIFICATION})
"""Kinds that are found by looking: what is put right before the finder's eyes is closed in one step (立行立改, SUP30)."""
NEVER_OVER_A_CAP = ON_THE_SPOT | {ItemKind.WORK_ORDER}
"""Kinds whose giving out no cap of the month refuses: a fault is repaired, and what was found wrong is put right, whatever the month."""
KIND_NAMES: dict[ItemKind, str] = {
    ItemKind.WORK_ORDER: "工单",
    ItemKind.PLAN: "方案",
    ItemKind.MATTER: "整改事项",
    ItemKind.TASK: "任务",
    ItemKind.PROBLEM: "问题",
    ItemKind.MEASURE: "措施",
    ItemKind.REQUEST: "诉求",
    ItemKind.PRACTICAL_SERVICE: "实事",
    ItemKind.RECTIFICATION: "整改",
    ItemKind.CHANGE_REQUEST: "修改要求",
    ItemKind.RESOURCE_PLAN_LINE: "资源计划",
}


def next_state(state: State, act: Act) -> State:
    """The state after the act. Conflict when the item is not in a state the act starts from: somebody was there before."""
    move = MOVES[act]
    if state not in move.sources:
        raise Conflict(f"当前状态为“{STATE_NAMES[state]}”，不能“{ACT_NAMES[act]}”。请刷新后再看。")
    return state if move.target is None else move.target


def is_act_of(kind: str, act: Act) -> bool:
    """Whether items of this kind know the act: an order's date is lengthened by the dispatcher, and it has no phases."""
    if act is Act.SETTLE:
        return kind in ON_THE_SPOT
    return kind != ItemKind.WORK_ORDER or act in ORDER_PERMISSION_OF


def acts_from(state: State, party: Party) -> list[Act]:
    """What a party may do in a state, in the order of the table."""
    return [act for act, move in MOVES.items() if state in move.sources and move.party is party]


@dataclass(frozen=True)
class Stance:
    """Who stands before an item: the person, the units they act for, and the item's owner unit and last worker."""

    person_uid: UUID | None
    unit_ids: frozenset[int]
    owner_unit_id: int | None
    worker_uid: UUID | None


def require_party(act: Act, stance: Stance) -> None:
    """Raise Forbidden unless the person is on the side the act belongs to. Verifier ≠ owner, by unit and by person (SUP36)."""
    is_owner_unit = stance.owner_unit_id is not None and stance.owner_unit_id in stance.unit_ids
    if MOVES[act].party is Party.OWNER:
        if not is_owner_unit:
            raise Forbidden(f"“{ACT_NAMES[act]}”由责任单位的人员办理")
        return
    if is_owner_unit or (stance.worker_uid is not None and stance.person_uid == stance.worker_uid):
        raise Forbidden(f"“{ACT_NAMES[act]}”不能由责任单位自己办理")
    if act in {Act.VERIFY, Act.CLOSE, Act.SETTLE} and stance.person_uid is None:
        raise Forbidden("核实与销号须由人办理，系统不能代替")


@dataclass(frozen=True)
class Answer:
    """One of the three answers of a verification, with what shows it."""

    yes: bool
    evidence: str


@dataclass(frozen=True)
class ThreeAnswers:
    """落实没有、解决没有、改变没有 (SUP36)."""

    done: Answer
    solved: Answer
    changed: Answer

    @property
    def passed(self) -> bool:
        return self.done.yes and self.solved.yes and self.changed.yes


QUESTIONS: dict[str, str] = {"done": "要求有没有落实", "solved": "问题有没有解决", "changed": "现状有没有改变"}


def require_evidence(answers: ThreeAnswers) -> None:
    """Every answer, yes or no, needs its evidence."""
    for name, question in QUESTIONS.items():
        if not getattr(answers, name).evidence.strip():
            raise Refused(f"“{question}”须写明依据")


def failing_reason(answers: ThreeAnswers) -> str:
    """Why a verification failed, as the reason of the return."""
    failed = [f"{question}：否（{getattr(answers, name).evidence.strip()}）" for name, question in QUESTIONS.items()
              if not getattr(answers, name).yes]  # fmt: skip
    return "；".join(failed)


def whole(text: str, most: int, what: str) -> str:
    """The text without blanks around it. Refused when it is longer than what is kept of it: nothing is cut off in silence."""
    kept = text.strip()
    if len(kept) > most:
        raise Refused(f"{what}最多 {most} 字，现在 {len(kept)} 字，请精简")
    return kept


def one_at_a_time(codes: Iterable[str]) -> str:
    """The single item asked for. Refused for several: items are closed one by one (SUP37)."""
    wanted = [code for code in codes if code]
    if len(wanted) != 1:
        raise Refused("一次只能办理一件，请逐件核实、逐件销号")
    return wanted[0]
