"""What stands behind an item: licences that end everywhere, consents of the living, needs, rounds of review, new versions."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.courseware.test_kinds import new, on_air
from yuanjiao.courseware import commands, queries, search, shelf
from yuanjiao.courseware.jobs import expire_rights
from yuanjiao.courseware.models import Column, Courseware, CoursewareClass, CoursewareSource, Need, NeedOrigin, ShownPerson
from yuanjiao.courseware.rules.kinds import Kind
from yuanjiao.courseware.rules.life import State, rights_in_force
from yuanjiao.courseware.steps import rounds_needed
from yuanjiao.flow.catalogue.shelf import ALL
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Forbidden, NotFound, Refused
from yuanjiao.people import commands as people
from yuanjiao.people.models import AuditRow
from yuanjiao.people.rules import SYSTEM, Role
from yuanjiao.simulation.cast import SINCE, Cast

ON = date(2026, 3, 2)
END = date(2026, 4, 1)


def link(cast: Cast, at: datetime, title: str = "科普中国", **details: Any) -> Courseware:
    return new(cast, at, Kind.LINK, title, address="https://kepu.example.cn/", **details)


def bought(cast: Cast, at: datetime, **terms: Any) -> Courseware:
    item = link(cast, at)
    commands.describe_courseware(
        courseware=item,
        title=item.title,
        item_class=CoursewareClass.SERVICE,
        source=CoursewareSource.BOUGHT,
        by=cast.actor("zhizuo"),
        at=at,
    )
    said = {"holder": "某音像社", "contract_number": "2026-7", "price_fen": 300_000, "scope": "全市站点播放", "rights_from": None}
    commands.set_rights(courseware=item, **{**said, "rights_to": END, **terms}, by=cast.actor("zhizuo"), at=at)
    return item


@pytest.mark.clause("CW08")
def test_on_the_day_of_expiry_an_item_is_shown_nowhere_not_even_where_nobody_can_be_asked(cast: Cast, column: Column, at: datetime) -> None:
    item = on_air(cast, bought(cast, at), column, at)
    search.catch_up()
    assert queries.released_count(on=END - timedelta(days=1)) == 1
    offer = shelf.offer(ALL)
    Column.objects.all().delete()
    Courseware.objects.all().delete()
    shelf.accept(offer.document)  # an edge, cut off from here on
    search.catch_up()
    assert queries.item_detail(item.uid, on=END - timedelta(days=1)).rights_to == END
    for ask in (queries.item_detail, queries.hls_master):
        with pytest.raises(NotFound):
            ask(item.uid, on=END)
    assert queries.released_items(on=END) == []
    assert queries.search_items("科普", on=END, limit=5).cards == []
    late = datetime(2026, 4, 1, 1, tzinfo=at.tzinfo)
    assert expire_rights(late) == 1
    assert expire_rights(late) == 0
    search.catch_up()
    assert queries.search_items("科普", on=END, limit=5).count == 0
    shelf.accept(offer.document)  # the old document again: still nothing is shown
    assert queries.released_items(on=END) == []


@pytest.mark.clause("CW08")
@pytest.mark.parametrize(
    ("terms", "why"),
    [({"price_fen": None}, "价格"), ({"contract_number": ""}, "合同编号"), ({"scope": ""}, "许可范围"), ({"rights_to": None}, "截止日期")],
    ids=["price", "contract", "scope", "expiry"],
)
def test_a_bought_item_without_its_papers_is_not_passed(terms: dict[str, Any], why: str, cast: Cast, at: datetime) -> None:
    item = bought(cast, at, **terms)
    commands.submit_courseware(courseware=item, by=cast.actor("zhizuo"), at=at)
    with pytest.raises(Refused, match=why):
        commands.approve_courseware(courseware=item, by=cast.actor("shenhe"), at=at)


def test_a_licence_for_one_county_does_not_reach_a_column_for_everybody(cast: Cast, column: Column, at: datetime) -> None:
    item = bought(cast, at, area=cast.divisions["990101000000"])
    with pytest.raises(Refused, match="限定区域"):
        on_air(cast, item, column, at)


@pytest.mark.parametrize(
    ("first", "last", "shown"), [(None, None, True), (ON, None, True), (None, ON, False), (date(2026, 3, 3), None, False)]
)
def test_rights_begin_on_their_first_day_and_are_over_on_their_last(first: date | None, last: date | None, shown: bool) -> None:
    assert rights_in_force(first, last, ON) is shown


@pytest.mark.clause("CW02")
def test_a_story_waits_for_the_consent_of_every_living_person_and_leaves_when_one_takes_it_back(
    cast: Cast, column: Column, at: datetime
) -> None:
    item, author = link(cast, at, "老支书的三十年", is_story=True), cast.actor("zhizuo")
    commands.submit_courseware(courseware=item, by=author, at=at)
    with pytest.raises(Refused, match="登记所涉人物"):
        commands.approve_courseware(courseware=item, by=cast.actor("shenhe"), at=at)
    manager = cast.actor("shiguan")
    commands.add_shown_person(courseware=item, name="已故老支书", is_living=False, by=manager, at=at)
    living = commands.add_shown_person(courseware=item, name="张秀英", is_living=True, by=manager, at=at)
    with pytest.raises(Refused, match="1 位健在") as refused:
        commands.approve_courseware(courseware=item, by=cast.actor("shenhe"), at=at)
    assert "张秀英" not in refused.value.message
    commands.record_consent(person=living, consent_form="written", consent_on=ON - timedelta(days=9), by=manager, at=at)
    on_air(cast, item, column, at)
    assert "张秀英".encode() not in shelf.offer(ALL).document
    commands.revoke_consent(person=ShownPerson.objects.get(pk=living.pk), by=manager, at=at)
    item.refresh_from_db()
    assert item.state == State.WITHDRAWN
    assert queries.released_items(on=ON) == []


def test_a_name_is_sealed_in_the_row_and_absent_from_the_trail_and_from_strangers(cast: Cast, at: datetime) -> None:
    item = link(cast, at, is_story=True)
    commands.add_shown_person(courseware=item, name="张秀英", is_living=True, by=cast.actor("zhizuo"), at=at)
    row = ShownPerson.objects.get()
    assert "张秀英".encode() not in bytes(row.name_sealed)
    assert not AuditRow.objects.filter(detail__contains="张秀英").exists()
    assert [one.name for one in queries.shown_people(cast.actor("zhizuo"), item)] == ["张秀英"]
    assert queries.shown_people(cast.actor("shenhe"), item) == []
    with pytest.raises(NotFound):
        queries.shown_person_for(cast.actor("linxian"), row.uid)


@pytest.mark.clause("CW06")
def test_the_share_of_service_items_that_answer_a_recorded_need_is_known(cast: Cast, column: Column, at: datetime) -> None:
    author = cast.actor("zhizuo")
    city = cast.divisions["990100000000"]
    need = commands.record_need(text="想学果树冬剪", origin=NeedOrigin.HOTLINE, division=city, by=author, at=at)
    first, second = link(cast, at, "一"), link(cast, at, "二")
    commands.cite_needs(courseware=first, needs=[need], by=author, at=at)
    for item in (first, second):
        on_air(cast, item, column, at)
    share = queries.cited_share(author)
    assert (share.items, share.citing) == (2, 1)
    assert queries.needs_seen_by(author).get().answered == 1


def test_what_is_asked_for_and_not_made_is_listed_by_topic_and_county(
    cast: Cast, column: Column, at: datetime, log_in: Callable[[str], Client]
) -> None:
    author = cast.actor("zhizuo")
    commands.ensure_usual_lists(by=cast.actor("shiguan"), at=at)
    fruit, bees = queries.topics_offered()[:2]
    village, county, city = (cast.divisions[code] for code in ("990101100200", "990102000000", "990100000000"))
    said = {"origin": NeedOrigin.HOTLINE, "by": author, "at": at}
    asked = [("果树冬剪", fruit, village, 4), ("果树套袋", fruit, village, 3), ("果树嫁接", fruit, county, 9), ("养蜂", bees, city, 1)]
    for text, topic, place, times in [*asked, ("别的", None, city, 2)]:
        need = commands.record_need(text=text, topic=topic, division=place, times=times, **said)
        if text == "果树嫁接":
            grafting = need
    rows = [(one.topic, one.place_name, one.needs, one.times) for one in queries.need_gaps(author, on=local_day(at))]
    assert rows == [
        (fruit.code, "石岭县", 1, 9), (fruit.code, "柳溪县", 2, 7), ("", "青禾市", 1, 2), (bees.code, "青禾市", 1, 1),
    ]  # fmt: skip
    item = link(cast, at, "嫁接")
    commands.cite_needs(courseware=item, needs=[grafting], by=author, at=at)
    on_air(cast, item, column, at)
    assert len(queries.need_gaps(author, on=local_day(at))) == 3
    client = log_in("zhizuo")
    page = client.get("/courseware/needs/gaps/").content.decode()
    assert "石岭县" not in page
    (address,) = re.findall(r'href="(/courseware/needs/\?[^"]+990101000000[^"]*)"', page)
    listed = client.get(address.replace("&amp;", "&")).content.decode()
    assert "果树冬剪" in listed
    assert "养蜂" not in listed
    form = {"text": "想学编筐", "origin": "unit", "division": city.path, "times": 1, "topic": bees.code}
    assert client.post("/courseware/needs/new/", form).status_code == 302
    assert Need.objects.get(text="想学编筐").topic == bees
    narrowed = client.get(f"/courseware/needs/?topic={bees.code}").content.decode()
    assert "想学编筐" in narrowed
    assert "果树" not in narrowed.replace(fruit.name, "")


# -- rounds -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def three_reviewers(cast: Cast, at: datetime) -> list[Any]:
    """The usual reviewer and two more; the city asks for three rounds."""
    for name in ("lingdao", "shenji"):
        people.appoint(person=cast.people[name], unit=cast.units["ZZ-9901"], role=Role.REVIEWER, on=SINCE)
    commands.set_review_rounds(division=cast.divisions["990100000000"], rounds=3, by=cast.actor("shiguan"), at=at)
    return [cast.actor(name) for name in ("shenhe", "lingdao", "shenji")]


@pytest.mark.clause("CW17")
def test_three_rounds_are_three_persons_and_a_return_begins_anew(
    cast: Cast, column: Column, three_reviewers: list[Any], at: datetime
) -> None:
    item, author, (first, second, third) = link(cast, at), cast.actor("zhizuo"), three_reviewers
    commands.submit_courseware(courseware=item, by=author, at=at)
    commands.approve_courseware(courseware=item, by=first, at=at, reason="准确")
    with pytest.raises(Refused, match="另一位"):
        commands.approve_courseware(courseware=item, by=first, at=at)
    commands.approve_courseware(courseware=item, by=second, at=at)
    assert item.state == State.IN_REVIEW
    commands.return_courseware(courseware=item, reason="换标题", by=third, at=at)
    commands.submit_courseware(courseware=item, by=author, at=at)
    assert item.rounds_passed == 0
    for reviewer in (third, first, second):
        assert item.state == State.IN_REVIEW
        commands.approve_courseware(courseware=item, by=reviewer, at=at)
    assert item.state == State.APPROVED
    told = [step.reason for step in item.steps.order_by("pk")]
    assert "一审通过：准确" in told
    assert "三审通过" in told
    people.appoint(person=cast.people["lingdao"], unit=cast.units["ZZ-9901"], role=Role.CITY_ADMIN, on=SINCE)
    with pytest.raises(Refused, match="审核人以外"):
        commands.release_courseware(courseware=item, columns=[column], by=cast.actor("lingdao"), at=at)
    commands.release_courseware(courseware=item, columns=[column], by=cast.actor("shiguan"), at=at)


def test_the_nearest_division_decides_how_many_rounds(cast: Cast, at: datetime) -> None:
    commands.set_review_rounds(division=cast.divisions["990100000000"], rounds=3, by=cast.actor("shiguan"), at=at)
    commands.set_review_rounds(division=cast.divisions["990101000000"], rounds=2, by=cast.actor("shiguan"), at=at)
    assert rounds_needed(cast.divisions["990101100200"].path) == 2
    assert rounds_needed(cast.divisions["990102100200"].path) == 3
    with pytest.raises(Refused):
        commands.set_review_rounds(division=cast.divisions["990100000000"], rounds=4, by=cast.actor("shiguan"), at=at)


def test_a_county_that_manages_its_own_columns_does_not_change_the_lists_of_all(cast: Cast, at: datetime) -> None:
    with pytest.raises(Forbidden, match="市里"):
        commands.ensure_usual_lists(by=cast.actor("xianguan"), at=at)
    commands.ensure_usual_lists(by=cast.actor("shiguan"), at=at)
    with pytest.raises(Forbidden, match="市里"):
        commands.end_checklist_line(line=queries.checklist_lines()[0], by=cast.actor("xianguan"), at=at)


@pytest.mark.clause("CW19")
def test_a_material_is_reviewed_by_checklist_and_its_author_reads_every_answer(cast: Cast, at: datetime) -> None:
    commands.ensure_usual_lists(by=cast.actor("shiguan"), at=at)
    item, reviewer = link(cast, at, material="joint"), cast.actor("shenhe")
    commands.submit_courseware(courseware=item, by=cast.actor("zhizuo"), at=at)
    lines = commands.checklist_of(item)
    assert "外方教材经过审查，没有不当内容" in [line.text for line in lines]
    assert "符合课程标准和学段要求" not in [line.text for line in lines]
    with pytest.raises(Refused, match="没有填完"):
        commands.approve_courseware(courseware=item, by=reviewer, at=at)
    answers = {line.pk: True for line in lines}
    wrong = {**answers, lines[0].pk: False}
    with pytest.raises(Refused, match="不符合"):
        commands.approve_courseware(courseware=item, by=reviewer, at=at, answers=wrong)
    commands.return_courseware(courseware=item, reason="表述不规范", by=reviewer, at=at, answers=wrong)
    seen = queries.reviews_of(item).get()
    assert (seen.passed, seen.reason) == (False, "表述不规范")
    assert [one.question for one in seen.answers.all() if not one.is_right] == [lines[0].text]
    commands.submit_courseware(courseware=item, by=cast.actor("zhizuo"), at=at)
    commands.approve_courseware(courseware=item, by=reviewer, at=at, answers=answers)
    assert queries.materials_seen_by(reviewer).get() == item


# -- new versions -----------------------------------------------------------------------------------------------------------


@pytest.mark.clause("CW21")
def test_a_new_version_takes_the_old_ones_places_without_a_gap_and_old_addresses_lead_to_it(
    cast: Cast, column: Column, at: datetime
) -> None:
    old, beside = on_air(cast, link(cast, at, "旧"), column, at), on_air(cast, link(cast, at, "旁"), column, at)
    author, place = cast.actor("zhizuo"), column.placements.get(courseware=old)
    new_one = commands.revise_courseware(courseware=old, reason="网址变了", by=author, at=at)
    assert (new_one.edition, new_one.address) == (2, old.address)
    with pytest.raises(Conflict, match="已经有一个新版"):
        commands.revise_courseware(courseware=old, reason="再来", by=author, at=at)
    commands.submit_courseware(courseware=new_one, by=author, at=at)
    commands.approve_courseware(courseware=new_one, by=cast.actor("shenhe"), at=at)
    assert {card.uid for card in queries.released_items(on=ON)} == {old.uid, beside.uid}
    commands.release_courseware(courseware=new_one, columns=[], by=cast.actor("shiguan"), at=at)
    assert column.placements.get(pk=place.pk).courseware == new_one
    assert {card.uid for card in queries.released_items(on=ON)} == {new_one.uid, beside.uid}
    old.refresh_from_db()
    assert old.state == State.REVISED
    assert queries.newest_version(old.uid) == new_one.uid
    document = shelf.offer(ALL).document
    Column.objects.all().delete()
    Courseware.objects.filter(revises__isnull=False).delete()
    Courseware.objects.all().delete()
    shelf.accept(document)
    assert queries.newest_version(old.uid) == new_one.uid


def test_expiry_is_one_step_by_the_machine_and_a_new_review_brings_the_item_back(cast: Cast, column: Column, at: datetime) -> None:
    item, author = on_air(cast, bought(cast, at), column, at), cast.actor("zhizuo")
    assert commands.expire_courseware(on=END, by=SYSTEM, at=at) == 1
    item.refresh_from_db()
    assert item.steps.get(to_state=State.EXPIRED).actor_name == "系统"
    commands.set_rights(
        courseware=item, holder="某音像社", contract_number="2027-1", price_fen=1, scope="站点", rights_from=None,
        rights_to=date(2027, 4, 1), by=author, at=at,
    )  # fmt: skip
    on_air(cast, item, column, at)
    assert queries.released_count(on=END) == 1
