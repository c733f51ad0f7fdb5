"""A survey from the draw to the closing: the frame stays, the draw repeats, replacements are of the same draw, two do not overwrite."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from tests.surveys.conftest import GAO, LIN, SAID, TAO, WANG, Field
from yuanjiao.lib.draw import draw
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.network.models import Lifecycle, Placement
from yuanjiao.surveys import queries
from yuanjiao.surveys.commands import Told
from yuanjiao.surveys.models import Member, Survey, Telling, Visit
from yuanjiao.surveys.rules import Strata, SurveyState, VisitState, allocation


def visits(survey: Survey) -> dict[str, Visit]:
    return {row.member.code: row for row in queries.visits_of(survey)}


@pytest.mark.clause("OPS10")
def test_the_draw_can_be_done_again_with_pencil_and_sha256sum(field: Field) -> None:
    survey = field.draw(3)
    frame = list(queries.members_of(survey).values_list("code", flat=True))
    lots = sorted(frame, key=lambda code: hashlib.sha256(f"{survey.seed}\n{code}".encode()).hexdigest())
    assert list(queries.visits_of(survey).values_list("member__code", flat=True)) == lots[:3]
    assert queries.differences(survey) == []
    out = StringIO()
    call_command("surveys", "redraw", str(survey.uid), stdout=out)
    assert "与样本相符" in out.getvalue()
    assert [line.split()[1] for line in out.getvalue().splitlines() if line.startswith("  ")] == lots[:3]


def test_a_sample_that_was_touched_is_found(field: Field) -> None:
    survey = field.draw(3)
    last = queries.visits_of(survey)[2]
    other = Member.objects.filter(survey=survey, visit=None)[0]
    Visit.objects.filter(pk=last.pk).update(member=other)
    assert [(one.rank, one.kept) for one in queries.differences(survey)] == [(3, other.code)]
    with pytest.raises(CommandError, match="1 处"):
        call_command("surveys", "redraw", str(survey.uid), stdout=StringIO(), stderr=StringIO())


FRAMES = st.dictionaries(st.sampled_from("甲乙丙"), st.sets(st.integers(0, 99999), min_size=4, max_size=30), min_size=1)


@given(FRAMES, st.integers(8, 20), st.text(max_size=6))
def test_drawing_by_strata_repeats_and_the_next_is_always_the_next(frame: dict[str, set[int]], count: int, seed: str) -> None:
    """What a replacement takes is what a larger sample of that stratum would have taken."""
    codes = {name: sorted(f"S-{name}{number:05}" for number in numbers) for name, numbers in frame.items()}
    counts = allocation({name: len(some) for name, some in codes.items()}, min(count, sum(map(len, codes.values()))))
    for name, some in codes.items():
        first = draw(some, counts[name], seed)
        assert first == draw(list(reversed(some)), counts[name], seed)
        assert draw(some, counts[name] + 1, seed)[: counts[name]] == first


def test_the_frame_is_who_served_on_its_day_and_stays_when_the_network_changes(field: Field) -> None:
    survey = field.draw(3)
    assert queries.sizes_of(survey) == {"": 5}
    Placement.objects.filter(object__code=LIN).update(lifecycle=Lifecycle.RETIRED)
    assert queries.sizes_of(field.draw(3)) == {"": 4}, "who does not serve is not in the frame of a later draw"
    assert list(queries.members_of(survey).values_list("village", flat=True)) == ["李村", "王庄村", "桃花村", "𣵦里村", "高坪村"]
    assert {row.county_name for row in queries.members_of(survey)} == {"柳溪县", "石岭县"}
    with pytest.raises(Refused, match="抽样框"):
        field.draw(3, frame_on=date(2024, 1, 1))


def test_strata_are_counties_or_classes_and_each_gets_its_share(field: Field) -> None:
    with pytest.raises(Refused, match="每层至少"):
        field.draw(2, Strata.COUNTY)
    survey = field.draw(4, Strata.COUNTY)
    assert queries.sizes_of(survey) == {"柳溪县": 4, "石岭县": 1}
    assert sorted(row.member.stratum for row in queries.visits_of(survey)) == ["柳溪县"] * 3 + ["石岭县"]
    assert queries.sizes_of(field.draw(3, Strata.CLASS)) == {"乡村": 5}
    for size in (1, 6):
        with pytest.raises(Refused, match="样本数应在"):
            field.draw(size)
    assert Survey.objects.count() == 2, "what is refused leaves nothing"


def test_who_may_draw_open_and_tell(field: Field) -> None:
    survey = field.draw()
    with pytest.raises(Forbidden):
        field.tell(visits(survey).popitem()[1], SAID["yes"], who="zhanguan")
    with pytest.raises(Refused, match="还没有下发"):
        field.tell(visits(survey).popitem()[1], SAID["yes"])
    opened = field.given_out(5)
    with pytest.raises(NotFound):
        field.tell(visits(opened)[LIN], SAID["yes"], who="linxian")
    assert {row.member.code for row in queries.visits_for(field.cast.actor("linxian"))} == {GAO}
    own = field.given_out(5, by_counties=False)
    assert not queries.visits_for(field.cast.actor("xianguan")).filter(survey=own).exists(), "the city walks itself"
    assert queries.visits_for(field.cast.actor("shiguan")).filter(survey=own).count() == 5
    assert queries.asks_of(own) == []


@pytest.mark.clause("OPS10")
def test_a_village_that_cannot_be_visited_gives_its_place_to_the_next_of_its_stratum_and_draw(field: Field) -> None:
    survey = field.given_out(4, Strata.COUNTY)
    order = queries.drawn_again(survey)["柳溪县"]
    first = visits(survey)[order[0]]
    with pytest.raises(Refused, match="原因"):
        field.tell(first, Told(0, unreached=True))
    assert field.tell(first, Told(0, unreached=True, remark="道路塌方"))
    assert not field.tell(first, Told(0, unreached=True, remark="道路塌方")), "sent twice, replaced once"
    new = visits(survey)[order[3]]
    assert (new.rank, new.replaces, new.state) == (4, first, VisitState.WAITING)
    with pytest.raises(Conflict, match=r"陈启明.*未能走访"):
        field.tell(first, SAID["yes"])
    field.tell(new, Told(0, unreached=True, remark="道路塌方"))
    assert len(visits(survey)) == 5, "the stratum has nobody left"
    assert queries.differences(survey) == []
    told = {one.times: one.path for one in queries.asks_of(survey)}
    assert told[2].endswith("990101000000/"), "what is not visited is not asked"


def test_what_somebody_saw_stays_in_the_sample(field: Field) -> None:
    """An answer may be corrected, never turned into a village that was not reached: its fault would leave the sample."""
    survey = field.given_out(4)
    seen = next(iter(visits(survey).values()))
    field.tell(seen, SAID["no"])
    with pytest.raises(Refused, match="已经走访过"):
        field.tell(seen, Told(1, unreached=True, remark="道路塌方"))
    assert len(visits(survey)) == 4, "nobody takes its place"
    assert queries.result_of(survey).field.faulty == 1
    assert field.tell(seen, Told(1, plays="nobody"))


def test_a_survey_is_due_within_two_years(field: Field) -> None:
    assert field.draw(3, due_on=date(2028, 3, 1)).due_on == date(2028, 3, 1)
    for late in (date(2028, 4, 1), date.max):
        with pytest.raises(Refused, match="两年"):
            field.draw(3, due_on=late)


def test_of_two_who_tell_the_second_is_told_and_the_first_may_correct(field: Field) -> None:
    survey = field.given_out(5)
    lin = visits(survey)[LIN]
    assert field.tell(lin, SAID["no"], who="xianguan")
    assert not field.tell(lin, SAID["no"], who="xianguan", hours=3)
    with pytest.raises(Conflict, match=r"赵敏芝.*不能播放"):
        field.tell(lin, SAID["yes"])
    assert field.tell(lin, Told(1, plays="yes"), who="xianguan", hours=3)
    row = visits(survey)[LIN]
    assert (row.plays, row.fault_class, row.step_count) == ("yes", "", 2)
    assert row.visited_at == field.at + timedelta(hours=2), "a correction speaks of the same visit"
    assert list(Telling.objects.filter(visit=row).values_list("plays", flat=True)) == ["no", "yes"]
    for wrong in (Told(2, plays="maybe"), Told(2, plays="no"), Told(2, plays="no", fault_class="weather")):
        with pytest.raises(Refused):
            field.tell(row, wrong)
    with pytest.raises(Refused, match="时间不对"):
        field.tell(visits(survey)[TAO], Told(0, age=timedelta(days=31), plays="yes"))


@pytest.mark.clause("OPS10")
def test_the_field_stands_beside_telemetry_of_the_same_moments_and_of_the_whole(field: Field) -> None:
    """李村 plays though telemetry says down; 王庄村 does not and telemetry says up; 𣵦里村 was never heard; 高坪村 is down in both."""
    field.states({LIN: "up", WANG: "up", TAO: "up", GAO: "down"}, hours=-1)
    field.states({LIN: "down"}, hours=1)
    survey = field.given_out(5)
    rows, quiet = visits(survey), "S-990101101201"
    for code, said, hours in ((LIN, "yes", 2.0), (WANG, "no", 3.0), (GAO, "no", 3.0), (TAO, "nobody", 3.0), (quiet, "yes", 4.0)):
        field.tell(rows[code], SAID[said], hours=hours)
    early = queries.result_of(survey)
    assert early.whole is None
    closed = field.close(survey)
    found = queries.result_of(closed)
    assert (found.field.known, found.field.faulty, found.nobody) == (4, 2, 1)
    assert found.field.low < 0.5 < found.field.high
    assert (found.same.up, found.same.down, found.same.unknown) == (1, 2, 1)
    assert {row.member.code for row in found.disagreeing} == {LIN, WANG}
    assert found.classes == {"equipment": 2}
    seconds = 2 * 3600  # from the first visit to the last
    assert found.whole is not None
    assert (found.whole.up, found.whole.down, found.whole.unknown) == (2 * seconds, 2 * seconds, seconds)


def test_a_closed_survey_does_not_move_and_a_late_journal_is_heard_at_the_closing(field: Field) -> None:
    field.states({LIN: "up", WANG: "up", TAO: "up", GAO: "up", "S-990101101201": "up"}, hours=-1)
    survey = field.given_out(5)
    for row in queries.visits_of(survey):
        field.tell(row, SAID["yes"])
    assert {row.word for row in queries.visits_of(survey)} == {"up"}
    with pytest.raises(NotFound):
        queries.survey_by_uid(survey.uid, [field.cast.divisions["990102000000"].path])
    field.states({GAO: "down"}, hours=1)
    closed = field.close(survey)
    before = queries.result_of(closed)
    assert visits(closed)[GAO].word == "down"
    field.states({LIN: "down"}, hours=1.5)
    assert queries.result_of(closed) == before
    with pytest.raises(Refused, match="已经结束"):
        field.tell(visits(closed)[LIN], Told(1, plays="no", fault_class="line"))
    with pytest.raises(Conflict):
        field.close(closed)
    assert Survey.objects.get(pk=closed.pk).state == SurveyState.CLOSED


def test_nothing_is_closed_while_a_village_waits_or_when_none_was_seen(field: Field) -> None:
    survey = field.given_out(2)
    rows = list(queries.visits_of(survey))
    field.tell(rows[0], SAID["yes"])
    with pytest.raises(Refused, match="还有 1 个村"):
        field.close(survey)
    with pytest.raises(Conflict):
        field.close(field.draw(2))
