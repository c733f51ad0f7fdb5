"""The transition table, sides, colours and codes as tables of cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from yuanjiao.items.rules import (
    ACT_NAMES,
    CODE_LETTERS,
    MOVES,
    ORDER_PERMISSION_OF,
    STATE_NAMES,
    Act,
    Colour,
    ItemKind,
    Stance,
    State,
    acts_from,
    clean_code,
    colour_of,
    grouped_code,
    near_due_at,
    next_state,
    one_at_a_time,
    permission_of,
    readable_code,
    require_party,
)
from yuanjiao.lib.errors import Conflict, Forbidden, Refused

S, A = State, Act
ALLOWED = {
    (S.DRAFT, A.ISSUE): S.ISSUED,
    (S.DECLINED, A.ISSUE): S.ISSUED,
    (S.ISSUED, A.ACCEPT): S.ACCEPTED,
    (S.ISSUED, A.DECLINE): S.DECLINED,
    (S.ACCEPTED, A.START): S.IN_PROGRESS,
    (S.RETURNED, A.START): S.IN_PROGRESS,
    (S.IN_PROGRESS, A.SUBMIT): S.SUBMITTED,
    (S.SUBMITTED, A.RETURN): S.RETURNED,
    (S.SUBMITTED, A.VERIFY): S.VERIFIED,
    (S.VERIFIED, A.CLOSE): S.CLOSED,
    (S.VERIFIED, A.REOPEN): S.ISSUED,
    (S.CLOSED, A.REOPEN): S.ISSUED,
    **{(state, act): state for state in (S.ISSUED, S.ACCEPTED, S.IN_PROGRESS, S.RETURNED) for act in (A.EXTEND, A.AMEND, A.ASK, A.REFUSE)},
    **{(state, A.EDIT): state for state in (S.DRAFT, S.DECLINED)},
    (S.IN_PROGRESS, A.PHASE): S.IN_PROGRESS,
    (S.DRAFT, A.SETTLE): S.CLOSED,
    **{(state, A.SUPPORT): state for state in State if state not in {S.CLOSED, S.CANCELLED}},
    **{(state, A.CANCEL): S.CANCELLED for state in (S.DRAFT, S.ISSUED, S.ACCEPTED, S.IN_PROGRESS, S.SUBMITTED, S.RETURNED, S.DECLINED)},
}


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("state", State)
def test_exactly_the_listed_moves_are_possible(state: State, act: Act) -> None:
    if (state, act) in ALLOWED:
        assert next_state(state, act) is ALLOWED[state, act]
    else:
        with pytest.raises(Conflict, match=STATE_NAMES[state]):
            next_state(state, act)


def test_every_act_has_a_name_a_permission_and_a_row() -> None:
    assert set(ACT_NAMES) == set(MOVES) == set(Act)
    assert all(permission_of(ItemKind.TASK, act) for act in Act)
    assert set(Act) - set(ORDER_PERMISSION_OF) == {A.AMEND, A.ASK, A.EDIT, A.REFUSE, A.PHASE, A.SUPPORT, A.SETTLE}
    assert set(STATE_NAMES) == set(State)


def test_closing_is_reachable_only_through_verification() -> None:
    assert [act for act, move in MOVES.items() if move.target is S.CLOSED] == [A.CLOSE, A.SETTLE]
    assert MOVES[A.CLOSE].sources == {S.VERIFIED}
    assert MOVES[A.SETTLE].sources == {S.DRAFT}, "never what was given out; its command writes the verification itself"
    assert [act for act, move in MOVES.items() if move.target is S.VERIFIED] == [A.VERIFY]


@pytest.mark.clause("SUP36")
@pytest.mark.parametrize("act", [A.VERIFY, A.CLOSE, A.RETURN, A.REOPEN, A.EXTEND, A.CANCEL, A.SUPPORT, A.SETTLE])
def test_the_owner_never_judges_its_own_work(act: Act) -> None:
    me, owner_unit = uuid4(), 7
    with pytest.raises(Forbidden):
        require_party(act, Stance(me, frozenset({owner_unit, 9}), owner_unit, None))
    with pytest.raises(Forbidden):
        require_party(act, Stance(me, frozenset({9}), owner_unit, worker_uid=me))
    require_party(act, Stance(me, frozenset({9}), owner_unit, worker_uid=uuid4()))


@pytest.mark.parametrize("act", [A.ACCEPT, A.DECLINE, A.START, A.SUBMIT])
def test_only_the_owner_unit_does_the_work(act: Act) -> None:
    require_party(act, Stance(uuid4(), frozenset({7}), 7, None))
    for other in (Stance(uuid4(), frozenset({8}), 7, None), Stance(uuid4(), frozenset({8}), None, None)):
        with pytest.raises(Forbidden):
            require_party(act, other)


@pytest.mark.parametrize("act", [A.VERIFY, A.CLOSE, A.SETTLE])
def test_the_machine_cannot_verify_for_a_person(act: Act) -> None:
    with pytest.raises(Forbidden):
        require_party(act, Stance(None, frozenset({0}), 7, None))


T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DUE = T0 + timedelta(hours=72)
RESPOND = T0 + timedelta(hours=8)


@pytest.mark.parametrize(
    ("state", "hours", "expected"),
    [
        (S.ISSUED, 1, Colour.NONE),
        (S.ISSUED, 8, Colour.YELLOW),
        (S.ACCEPTED, 8, Colour.NONE),
        (S.ACCEPTED, 48, Colour.BLUE),
        (S.IN_PROGRESS, 71, Colour.BLUE),
        (S.IN_PROGRESS, 72, Colour.RED),
        (S.RETURNED, 1, Colour.YELLOW),
        (S.RETURNED, 72, Colour.RED),
        (S.SUBMITTED, 100, Colour.NONE),
        (S.CLOSED, 100, Colour.NONE),
    ],
)
def test_colours_follow_the_dates(state: State, hours: int, expected: Colour) -> None:
    at = T0 + timedelta(hours=hours)
    assert colour_of(state=state, at=at, due_at=DUE, near_at=near_due_at(T0, DUE), respond_due_at=RESPOND) is expected


def test_codes_are_eight_unmistakable_letters_and_follow_from_the_uid() -> None:
    uid = UUID("01958000-0000-7abc-8123-456789abcdef")
    code = readable_code(uid)
    assert code == readable_code(uid)
    assert len(code) == 8
    assert not set("01OIL25SZ6G8BUV") & set(CODE_LETTERS)
    assert len({readable_code(uuid4()) for _ in range(2000)}) == 2000


@pytest.mark.parametrize("typed", ["k7m4 9qxt", "K7M4-9QXT", " K7M49QXT ", "ｋ７ｍ４９ｑｘｔ"])
def test_a_code_is_found_however_it_is_typed(typed: str) -> None:
    assert clean_code(typed) == "K7M49QXT"
    assert grouped_code(clean_code(typed)) == "K7M4 9QXT"


@pytest.mark.clause("SUP37")
def test_several_items_at_once_are_refused() -> None:
    assert one_at_a_time(["A"]) == "A"
    for several in ([], ["A", "B"]):
        with pytest.raises(Refused, match="逐件"):
            one_at_a_time(several)


def test_from_every_open_state_somebody_can_act() -> None:
    for state in State:
        acts = acts_from(state, party=MOVES[A.ACCEPT].party) + acts_from(state, party=MOVES[A.VERIFY].party)
        assert bool(acts) is (state is not S.CANCELLED)
