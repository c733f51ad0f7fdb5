"""The pages of the network: what each shows, and that an outsider sees nothing of another county."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from tests.network.listening import ALL, LIU, Night
from yuanjiao.flow.nodes.models import EnrolmentCode
from yuanjiao.lib import clock
from yuanjiao.network import commands, queries
from yuanjiao.people.models import AuditRow
from yuanjiao.people.rules import SYSTEM
from yuanjiao.simulation.cast import Cast

pytestmark = pytest.mark.django_db
Enter = Callable[[str], Client]


@pytest.fixture
def evening(cast: Cast) -> Night:
    """Ten minutes that end now: the line of 石桥镇 has been cut for five of them."""
    night = Night(cast, (clock.now() - timedelta(minutes=9)).replace(microsecond=0))
    night.passes(4)
    night.passes(5, beating=set(ALL) - set(LIU[:2]))
    return night


def test_the_list_of_sites_narrows_by_state_and_place_and_finds_by_initials(evening: Night, log_in: Enter) -> None:
    officer = log_in("xianguan")
    assert officer.get("/network/sites/").content.decode().count("/network/sites/S-") == 4
    dark = officer.get("/network/sites/?state=down").content.decode()
    assert "李村站点" in dark
    assert "桃花村站点" not in dark
    assert "桃花村站点" in officer.get("/network/sites/?q=thc").content.decode()
    town = officer.get("/network/sites/?division=990101101000").content.decode()
    assert "桃花村站点" in town
    assert "李村站点" not in town
    assert officer.get("/network/sites/?export=xlsx")["Content-Type"].startswith("application/vnd.openxml")


@pytest.mark.clause("NET08")
def test_a_dark_site_names_its_root_its_chain_and_who_answers_by_both_chains(evening: Night, log_in: Enter) -> None:
    page = log_in("xianguan").get(f"/network/sites/{LIU[0]}/").content.decode()
    assert "石桥镇接入线路" in page
    assert "线路故障" in page
    assert "赵敏芝" in page
    assert "柳溪县委组织部" in page
    assert "王建军" in page
    assert "柳溪县电信分公司" in page
    assert "13800000004" not in page, "telephone numbers are masked"


def test_the_list_of_outages_shows_roots_and_each_opens_to_its_sites(evening: Night, log_in: Enter) -> None:
    officer = log_in("xianguan")
    listing = officer.get("/network/outages/?open=1").content.decode()
    assert "石桥镇接入线路" in listing
    assert "李村站点</a>" not in listing
    (root,) = queries.open_outages(["/"])
    page = officer.get(f"/network/outages/{root.uid}/").content.decode()
    assert "李村站点" in page
    assert "王庄村站点" in page
    assert "别处仍有心跳" in page


def test_an_outsider_finds_nothing_of_another_county(evening: Night, log_in: Enter) -> None:
    outsider = log_in("linxian")
    (root,) = queries.open_outages(["/"])
    for address in (
        f"/network/sites/{LIU[0]}/",
        "/network/edges/E-990101/",
        "/network/lines/L-990101100/",
        f"/network/outages/{root.uid}/",
        "/network/rates/?division=990101000000",
        "/network/coverage/?division=990101000000",
    ):
        assert outsider.get(address).status_code == 404, address
    for address in ("/network/sites/", "/network/edges/", "/network/lines/", "/network/outages/", "/network/sites/?division=990101000000"):
        assert "柳溪" not in outsider.get(address).content.decode(), address
        assert "石桥" not in outsider.get(address).content.decode(), address


@pytest.mark.clause("NET05", "NET06")
def test_the_rate_page_prints_rule_population_and_unknown_beside_the_rate_and_opens_downwards(evening: Night, log_in: Enter) -> None:
    leader = log_in("lingdao")
    city = leader.get("/network/rates/?division=990100000000").content.decode()
    assert "5 分钟内有心跳，且 30 天内最近一次播放测试成功" in city
    assert "division=990101000000" in city
    day = clock.today().isoformat()
    town = leader.get(f"/network/rates/?division=990101100000&from={day}&to={day}").content.decode()
    assert "按时间加权" in town
    village = leader.get("/network/rates/?division=990101100200").content.decode()
    assert f"/network/sites/{LIU[0]}/" in village
    assert leader.get("/network/rates/?from=昨天").status_code == 400


@pytest.mark.clause("NET03", "NET04")
def test_the_rate_splits_by_kind_and_access_mode(evening: Night, log_in: Enter) -> None:
    page = log_in("lingdao").get("/network/rates/").content.decode()
    for words in ("按站点类型", "行政村", "按接入方式", "宽带+机顶盒+电视", "按城乡", "乡村"):
        assert words in page


@pytest.mark.clause("NET02")
def test_coverage_counts_villages_with_a_site_in_service_and_lists_the_others(cast: Cast, log_in: Enter) -> None:
    commands.retire_object(subject=cast.sites[LIU[0]], document="退字1号", by=SYSTEM, on=clock.today(), at=clock.now())
    covered = queries.coverage_of_villages(cast.divisions["990101000000"], on=clock.today())
    assert (covered.villages, covered.covered) == (4, 3)
    page = log_in("lingdao").get("/network/coverage/?division=990101000000").content.decode()
    assert "75.00%" in page
    assert "李村<small>990101100200" in page


def test_only_who_may_enrol_gets_a_code_for_an_edge_and_it_is_written_down(cast: Cast, log_in: Enter) -> None:
    assert log_in("xianguan").post("/network/edges/E-990101/code/").status_code == 403
    page = log_in("shiguan").post("/network/edges/E-990101/code/").content.decode()
    assert "yuanjiao enrol --parent" in page
    row = EnrolmentCode.objects.get()
    assert (row.subject_code, row.scope) == ("E-990101", cast.divisions["990101000000"].path)
    assert AuditRow.objects.filter(action="发登记码", subject__contains="E-990101").exists()


def test_lists_ask_the_database_a_fixed_number_of_times(
    evening: Night, log_in: Enter, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    for address, most in (("/network/sites/", 14), ("/network/edges/", 24), ("/network/lines/", 20), ("/network/outages/", 14)):
        client = log_in("lingdao")
        with django_assert_max_num_queries(most):  # type: ignore[attr-defined]
            assert client.get(address).status_code == 200
