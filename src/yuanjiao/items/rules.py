"""The one life of every item (事项): a pure table of acts, who may do them, and the colour of a deadline.

Orders, tasks, problems, measures and requests differ in fields and clocks, not in life (requirements b2). An act is listed once
with every state it may start from; what is not listed is not possible.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.people.rules import Permission


class ItemKind(StrEnum):
    """Kinds of item; they share this life and nothing else."""

    WORK_ORDER = "work_order"
    TASK = "task"
    PROBLEM = "problem"
    MEASURE = "measure"
    REQUEST = "request"
    RECTIFICATION = "rectification"


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
    CANCEL = "cancel"


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
    Act.CANCEL: Move(OPEN - {S.VERIFIED}, S.CANCELLED, Party.VERIFIER, needs_reason=True),
}

PERMISSION_OF: dict[Act, Permission] = {
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
    Act.CANCEL: "撤销",
}
KIND_NAMES: dict[ItemKind, str] = {
    ItemKind.WORK_ORDER: "工单",
    ItemKind.TASK: "任务",
    ItemKind.PROBLEM: "问题",
    ItemKind.MEASURE: "措施",
    ItemKind.REQUEST: "诉求",
    ItemKind.RECTIFICATION: "整改",
}


def next_state(state: State, act: Act) -> State:
    """The state after the act. Conflict when the item is not in a state the act starts from: somebody was there before."""
    move = MOVES[act]
    if state not in move.sources:
        raise Conflict(f"当前状态为“{STATE_NAMES[state]}”，不能“{ACT_NAMES[act]}”。请刷新后再看。")
    return state if move.target is None else move.target


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
    if act in {Act.VERIFY, Act.CLOSE} and stance.person_uid is None:
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


class Colour(StrEnum):
    """Urging colours (requirements c11): blue near due, yellow behind, red overdue."""

    NONE = ""
    BLUE = "blue"
    YELLOW = "yellow"
    RED = "red"


COLOUR_NAMES: dict[Colour, str] = {Colour.NONE: "正常", Colour.BLUE: "临期", Colour.YELLOW: "滞后", Colour.RED: "超期"}
NEAR_SHARE = 1 / 3
"""An item is near its date when this share of the whole time, or less, is left."""


def near_due_at(issued_at: datetime, due_at: datetime) -> datetime:
    """The moment from which an item counts as near its date."""
    return due_at - max((due_at - issued_at) * NEAR_SHARE, timedelta())


def colour_of(*, state: State, at: datetime, due_at: datetime | None, near_at: datetime | None, respond_due_at: datetime | None) -> Colour:
    """Red past the due date; yellow when sent back for rework or unanswered past its response date; blue near the due date.

    Only while the owner's clock runs: an item handed in waits for somebody else.
    """
    if state not in WITH_OWNER:
        return Colour.NONE
    if due_at is not None and at >= due_at:
        return Colour.RED
    if state is State.RETURNED or (state is State.ISSUED and respond_due_at is not None and at >= respond_due_at):
        return Colour.YELLOW
    if near_at is not None and at >= near_at:
        return Colour.BLUE
    return Colour.NONE


CODE_LETTERS = "3479ACDEFHJKMNPQRTWXY"
"""Letters and digits that cannot be mistaken for one another when read out or written by hand (no 0 O 1 I L 2 Z 5 S 6 G 8 B U V)."""
CODE_LENGTH = 8


def readable_code(uid: UUID) -> str:
    """The code read out on the telephone: eight characters that follow from the random part of a uid. Never change this map."""
    number = uid.int & (1 << 62) - 1
    letters = []
    for _ in range(CODE_LENGTH):
        number, place = divmod(number, len(CODE_LETTERS))
        letters.append(CODE_LETTERS[place])
    return "".join(letters)


def grouped_code(code: str) -> str:
    """As it is read out: K7M4 9QXT."""
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


def clean_code(text: str) -> str:
    """What somebody typed, as it is stored: no spaces or dashes, capitals, full-width letters made narrow."""
    narrow = "".join(chr(ord(letter) - 0xFEE0) if 0xFF01 <= ord(letter) <= 0xFF5E else letter for letter in text)
    return "".join(letter for letter in narrow.upper() if letter.isalnum())


def one_at_a_time(codes: Iterable[str]) -> str:
    """The single item asked for. Refused for several: items are closed one by one (SUP37)."""
    wanted = [code for code in codes if code]
    if len(wanted) != 1:
        raise Refused("一次只能办理一件，请逐件核实、逐件销号")
    return wanted[0]
