"""Reports, orders and their life through the database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.faults.conftest import LIN, NO, YES, World
from yuanjiao.faults import commands, queries
from yuanjiao.faults.commands.dictionary import set_cause, set_term
from yuanjiao.faults.jobs import open_orders_for_outages, run_faults, take_up_reports
from yuanjiao.faults.models import FaultCause, FaultReport, ReporterContact, ReportHandling, ServiceTerm, WorkOrder
from yuanjiao.faults.rules import Channel
from yuanjiao.flow.journal.models import Entry
from yuanjiao.flow.journal.record import apply_entry
from yuanjiao.items.rules import Answer, State, ThreeAnswers
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused

HOUR = timedelta(hours=1)


def test_a_report_is_one_event_whose_replay_gives_the_same_row(world: World) -> None:
    report = world.report()
    before = FaultReport.objects.values().get(uid=report.uid)
    entry = Entry.objects.get(kind="faults.reported/1")
    apply_entry(entry)
    assert FaultReport.objects.count() == 1
    FaultReport.objects.all().delete()
    apply_entry(entry)
    after = FaultReport.objects.values().get(uid=report.uid)
    assert {**before, "id": 0} == {**after, "id": 0}


def test_the_callers_telephone_number_never_enters_the_journal(world: World) -> None:
    report, _ = commands.take_call(
        site=world.cast.sites[LIN], symptom="no_play", caller_name="张大爷", caller_phone="13900001111",
        by=world.cast.actor("rexian"), at=world.at,
    )  # fmt: skip
    assert queries.callback_phone(report) == "13900001111"
    contact = ReporterContact.objects.get(report=report)
    assert b"13900001111" not in bytes(contact.phone_sealed)
    payload = bytes(Entry.objects.get(kind="faults.reported/1").payload).decode()
    assert "13900001111" not in payload
    assert "张大爷" not in payload


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symptom": "nonsense"}, "现象"),
        ({"symptom": "error_code"}, "错误代码"),
        ({"caller_phone": "12"}, "电话"),
    ],
)
def test_a_wrong_report_is_refused_with_what_to_change(world: World, changes: dict[str, str], words: str) -> None:
    details = {"symptom": "no_play"} | changes
    with pytest.raises(Refused, match=words):
        commands.report_fault(site=world.cast.sites[LIN], channel=Channel.WEB, by=world.cast.actor("zhanguan"), at=world.at, **details)
    assert not FaultReport.objects.exists()


def test_only_ones_own_place_may_be_reported(world: World) -> None:
    with pytest.raises(NotFound):
        world.report("S-990101100201", who="zhanguan")
    with pytest.raises(NotFound):
        world.report(LIN, who="linxian")
    with pytest.raises(Forbidden):
        world.report(LIN, who="lingdao")


@pytest.mark.clause("NET08")
def test_one_root_with_many_dark_sites_gets_one_order(world: World) -> None:
    root = world.goes_dark("E-990101", affected=4)
    for code in ("S-990101100200", "S-990101100201", "S-990101101200", "S-990101101201"):
        world.goes_dark(code, root=root)
    assert open_orders_for_outages(world.at + 10 * timedelta(minutes=1)) == 0, "patience"
    assert open_orders_for_outages(world.at + 31 * timedelta(minutes=1)) == 1
    assert open_orders_for_outages(world.at + 2 * HOUR) == 0
    order = WorkOrder.objects.get()
    assert (order.subject.code, order.proposed_class, order.raised_by) == ("E-990101", "server", "automatic")
    assert order.item.lead_unit == world.cast.units["DX-990101"]
    assert order.item.state == State.ISSUED


def test_an_outage_held_back_for_evidence_gets_no_order(world: World) -> None:
    outage = world.goes_dark(LIN)
    outage.held = True
    outage.save()
    assert open_orders_for_outages(world.at + 5 * HOUR) == 0


@pytest.mark.clause("OPS14")
@pytest.mark.parametrize(
    ("code", "fault_class", "hours"),
    [("E-990101", "server", 24), ("L-990101100", "line", 48), (LIN, "equipment", 72)],
)
def test_three_types_of_order_have_their_own_term_and_route(world: World, code: str, fault_class: str, hours: int) -> None:
    commands.ensure_dictionaries()
    term = ServiceTerm.objects.get(fault_class="server", area="town")
    set_term(
        term=term, by=world.cast.actor("shiguan"), at=world.at,
        unit_level=2, respond_hours=4, restore_hours=24, patience_minutes=30, filing_limit_hours=24,
    )  # fmt: skip
    world.goes_dark(code)
    then = world.at + HOUR
    open_orders_for_outages(then)
    order = WorkOrder.objects.get()
    assert order.proposed_class == fault_class
    assert order.item.due_at == then + timedelta(hours=hours)
    assert order.item.lead_unit == world.cast.units["DX-9901" if fault_class == "server" else "DX-990101"]


@pytest.mark.clause("OPS07")
def test_an_officer_files_for_a_site_of_theirs_and_the_time_since_the_outage_is_stored(world: World) -> None:
    world.goes_dark(LIN)
    report = world.report(who="xianguan", channel=Channel.OFFICER, at=world.at + 30 * HOUR)
    take_up_reports(world.at + 31 * HOUR)
    handling = ReportHandling.objects.get(report=report)
    assert handling.filing_delay_s == 30 * 3600
    assert handling.limit_s == 24 * 3600
    assert handling.is_late
    assert handling.order.outage_started_at == world.at


def test_a_second_report_of_the_same_trouble_joins_the_order(world: World) -> None:
    root = world.goes_dark("L-990101100", affected=2)
    world.goes_dark(LIN, root=root)
    world.goes_dark("S-990101100201", root=root)
    world.report(LIN, who="xianguan", channel=Channel.OFFICER)
    world.report("S-990101100201", who="rexian", channel=Channel.PHONE)
    assert take_up_reports(world.at + HOUR) == 2
    order = WorkOrder.objects.get()
    assert order.subject.code == "L-990101100"
    assert [handling.attached for handling in order.handlings.order_by("report__filed_at", "report__pk")] == [False, True]
    with pytest.raises(Conflict):
        commands.take_up_report(report=FaultReport.objects.first(), by=world.cast.actor("rexian"), at=world.at)


def test_a_caller_with_another_trouble_gets_an_order_of_their_own(world: World) -> None:
    world.goes_dark(LIN)
    run_faults(world.at + HOUR)
    _, handling = commands.take_call(
        site=world.cast.sites[LIN], symptom="picture_sound", separate=True, by=world.cast.actor("rexian"), at=world.at + 2 * HOUR
    )
    assert WorkOrder.objects.count() == 2
    assert handling.order.outage is None


def test_an_order_without_an_operators_unit_waits_as_a_draft_for_a_person(world: World) -> None:
    for code in ("DX-9901", "DX-990101"):
        unit = world.cast.units[code]
        unit.valid_to = world.at.date()
        unit.save()
    world.goes_dark(LIN)
    run_faults(world.at + HOUR)
    order = WorkOrder.objects.get()
    assert (order.item.state, order.item.lead_unit) == (State.DRAFT, None)
    sent = commands.dispatch_order(order=order, unit=world.cast.units["DX-990102"], by=world.cast.actor("rexian"), at=world.at + 2 * HOUR)
    assert sent.item.state == State.ISSUED


@pytest.mark.clause("OPS03", "OPS09")
@pytest.mark.parametrize(
    ("fault_class", "cause", "words"),
    [("", "other", "类别"), ("equipment", "", "原因"), ("weather", "other", "类别"), ("equipment", "line_cut", "不属于")],
)
def test_class_and_cause_are_compulsory_and_must_fit(world: World, fault_class: str, cause: str, words: str) -> None:
    order = world.order(State.IN_PROGRESS)
    with pytest.raises(Refused, match=words):
        commands.submit_order(
            order=order, fault_class=fault_class, cause=cause, note="修好", by=world.cast.actor("gongcheng"), at=world.at + 2 * HOUR
        )
    order.refresh_from_db()
    assert (order.item.state, order.fault_class) == (State.IN_PROGRESS, "")


def test_a_repair_is_verified_only_by_a_play_after_the_work_began(world: World) -> None:
    world.plays(LIN, at=world.at)
    order = world.order(State.SUBMITTED)
    officer, then = world.cast.actor("xianguan"), world.at + 3 * HOUR
    with pytest.raises(Refused, match="等待李村站点的播放测试"):
        commands.verify_order(order=order, answers=YES, by=officer, at=then)
    world.plays(LIN, at=world.at + 2 * HOUR, ok=False)
    with pytest.raises(Refused, match="等待"):
        commands.verify_order(order=order, answers=YES, by=officer, at=then)
    good = world.plays(LIN, at=world.at + 2.5 * HOUR)
    order = commands.verify_order(order=order, answers=YES, by=officer, at=then)
    assert (order.item.state, order.test_uid, order.test_site_code) == (State.VERIFIED, good, LIN)
    assert commands.close_order(order=order, by=officer, at=then).item.state == State.CLOSED


@pytest.mark.clause("SUP36", "OPS14")
def test_a_line_is_verified_by_the_play_of_a_site_behind_it(world: World) -> None:
    root = world.goes_dark("L-990101100")
    world.goes_dark(LIN, root=root)
    run_faults(world.at + HOUR)
    order = WorkOrder.objects.select_related("item").get()
    engineer = world.cast.actor("gongcheng")
    for step in (commands.accept_order, commands.start_order):
        order = step(order=order, by=engineer, at=world.at + HOUR)
    order = commands.submit_order(order=order, fault_class="line", cause="line_cut", note="熔接", by=engineer, at=world.at + 2 * HOUR)
    world.plays("S-990101101200", at=world.at + 3 * HOUR)
    assert not queries.acceptance_check(order, at=world.at + 3 * HOUR).passed, "a site of another line shows nothing"
    world.plays(LIN, at=world.at + 3 * HOUR)
    check = queries.acceptance_check(order, at=world.at + 3 * HOUR)
    assert check.passed
    assert check.site is not None
    assert check.site.code == LIN


@pytest.mark.clause("SUP36", "SUP35")
def test_a_no_at_verification_returns_the_order_without_any_test(world: World) -> None:
    order = commands.verify_order(order=world.order(State.SUBMITTED), answers=NO, by=world.cast.actor("xianguan"), at=world.at + 3 * HOUR)
    assert (order.item.state, order.item.returned_count) == (State.RETURNED, 1)


def test_the_owner_cannot_verify_and_the_outsider_cannot_touch(world: World) -> None:
    order = world.order(State.SUBMITTED)
    world.plays(LIN, at=world.at + 2 * HOUR)
    with pytest.raises(Forbidden):
        commands.verify_order(order=order, answers=YES, by=world.cast.actor("gongcheng"), at=world.at + 3 * HOUR)
    with pytest.raises(NotFound):
        commands.verify_order(order=order, answers=YES, by=world.cast.actor("linxian"), at=world.at + 3 * HOUR)
    with pytest.raises(NotFound):
        queries.order_by_code(order.item.code, world.cast.actor("linxian"))


def test_dissatisfied_on_the_call_back_reopens_with_a_new_clock(world: World) -> None:
    order = world.order(State.SUBMITTED)
    world.plays(LIN, at=world.at + 2 * HOUR)
    clerk = world.cast.actor("rexian")
    order = commands.verify_order(order=order, answers=YES, by=clerk, at=world.at + 3 * HOUR)
    order = commands.close_order(order=order, by=clerk, at=world.at + 3 * HOUR)
    order = commands.reopen_order(order=order, reason="回访不满意", by=clerk, at=world.at + 24 * HOUR)
    assert (order.item.state, order.item.reopened_count) == (State.ISSUED, 1)
    assert order.item.due_at == world.at + 24 * HOUR + 72 * HOUR


def test_an_order_explained_later_by_a_root_is_folded_into_the_roots_order(world: World) -> None:
    outage = world.goes_dark(LIN)
    report = world.report(who="xianguan", channel=Channel.OFFICER)
    run_faults(world.at + HOUR)
    root = world.goes_dark("L-990101100")
    outage.root = root
    outage.save()
    run_faults(world.at + 2 * HOUR)
    assert dict(WorkOrder.objects.values_list("subject__code", "item__state")) == {LIN: "cancelled", "L-990101100": "issued"}
    assert ReportHandling.objects.get(report=report).order.subject.code == "L-990101100"


@pytest.mark.clause("OPS03")
def test_level_two_is_the_citys_to_change(world: World) -> None:
    commands.ensure_dictionaries()
    set_cause(code="rats", name="鼠咬线缆", fault_class="line", active=True, by=world.cast.actor("shiguan"), at=world.at)
    assert FaultCause.objects.get(code="rats").fault_class == "line"
    assert "rats" in {cause.code for cause in queries.causes_for("line")}
    assert "rats" not in {cause.code for cause in queries.causes_for("server")}
    with pytest.raises(Forbidden):
        set_cause(code="x", name="x", fault_class="", active=True, by=world.cast.actor("gongcheng"), at=world.at)
    with pytest.raises(Refused):
        set_cause(code="鼠", name="鼠", fault_class="", active=True, by=world.cast.actor("shiguan"), at=world.at)


def test_an_extension_needs_the_dispatching_side_and_keeps_the_first_date(world: World) -> None:
    order = world.order(State.ACCEPTED)
    first = order.item.due_at
    assert first is not None
    with pytest.raises(Forbidden):
        commands.extend_order(order=order, hours=24, reason="等配件", by=world.cast.actor("gongcheng"), at=world.at + 2 * HOUR)
    order = commands.extend_order(order=order, hours=24, reason="等配件", by=world.cast.actor("rexian"), at=world.at + 2 * HOUR)
    assert (order.item.original_due_at, order.item.due_at) == (first, first + timedelta(hours=24))


def test_three_answers_must_each_have_evidence(world: World) -> None:
    order = world.order(State.SUBMITTED)
    world.plays(LIN, at=world.at + 2 * HOUR)
    bare = ThreeAnswers(Answer(True, "到场"), Answer(True, ""), Answer(True, "恢复"))
    with pytest.raises(Refused, match="问题有没有解决"):
        commands.verify_order(order=order, answers=bare, by=world.cast.actor("xianguan"), at=world.at + 3 * HOUR)
